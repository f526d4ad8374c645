//! Which of the kinds of rest.md §2.4 a new participant is, told from the parameters alone.

use confab_types::{Address, ApiError, Channel, address};

use super::Fields;
use crate::Result;
use crate::error::Error;

/// A kind with what it is reached by, in shape but not yet in ownership.
pub(super) enum Kind<'a> {
    /// One who chats; in a group text also a number that phones know him by.
    Chat {
        identity: &'a str,
        projected: Option<Address>,
    },
    /// A person behind a number of the account.
    Pair { address: Address, proxy: Address },
    /// A phone of a group text.
    Native { address: Address },
    /// A number of the account that nobody is behind.
    Projected { projected: Address },
}

impl<'a> Kind<'a> {
    pub(super) fn of(fields: &'a Fields) -> Result<Self> {
        let identity = fields.identity.as_deref().filter(|t| !t.is_empty());
        let address = fields.address.as_deref();
        let proxy = fields.proxy_address.as_deref();
        let given = |text: Option<&str>| text.is_some_and(|t| !t.is_empty());
        if let Some(identity) = identity {
            if given(address) || given(proxy) {
                return Err(Error::code(50211)); // B-164
            }
            let projected = fields.projected_address.as_deref().filter(|t| !t.is_empty());
            let projected = projected.map(projectable).transpose()?;
            return Ok(Self::Chat { identity, projected });
        }
        match (address, proxy, fields.projected_address.as_deref()) {
            (None, None, None) => Err(ApiError::missing("Identity").into()), // B-161
            (None, None, Some(number)) => projectable(number).map(|projected| Self::Projected { projected }),
            (_, _, Some(number)) if !number.is_empty() => Err(Error::code(50420)),
            (None | Some(""), _, _) => Err(Error::code(50411)),
            (Some(_), Some(""), _) => Err(Error::code(50412)),
            (Some(address), Some(proxy), _) => {
                let address = Address::parse(address).ok_or_else(|| Error::code(50407))?;
                let proxy = fitting_proxy(&address, proxy)?;
                Ok(Self::Pair { address, proxy })
            }
            (Some(address), None, _) => {
                let address = Address::parse(address).ok_or_else(|| Error::code(50407))?;
                native(&address)?;
                Ok(Self::Native { address })
            }
        }
    }
}

/// Refuses an address that cannot be written to without a number in front of it: only phones can (B-211).
fn native(address: &Address) -> Result<()> {
    match address.channel() {
        Channel::Sms if address::is_e164(address.as_str()) => Ok(()),
        Channel::Sms => Err(Error::code(50407)),
        // Reached neither directly nor behind an address of the account.
        Channel::Chat => Err(Error::code(50420)),
        _ => Err(Error::code(50412)),
    }
}

/// An address of the account as the one in front of a person's (B-168).
pub(super) fn fitting_proxy(address: &Address, proxy: &str) -> Result<Address> {
    let proxy = match proxy {
        "" => return Err(Error::code(50412)),
        text => Address::parse(text).ok_or_else(|| Error::code(50408))?,
    };
    if *address == proxy {
        return Err(Error::code(50409));
    }
    if address.channel() != proxy.channel() {
        return Err(Error::code(50414));
    }
    if address.channel() == Channel::Chat {
        return Err(Error::code(50453));
    }
    Ok(proxy)
}

/// A number that may stand for a participant in a group text (B-212). That carriers pass group messages on for
/// ordinary numbers of North America only is a matter of which number an account may use so: 50439.
pub(super) fn projectable(text: &str) -> Result<Address> {
    if text.is_empty() {
        return Err(Error::code(50434));
    }
    let number = Address::parse(text).ok_or_else(|| Error::code(50407))?;
    if number.channel() != Channel::Sms {
        return Err(Error::code(50420));
    }
    if address::is_long_code(number.as_str()) {
        Ok(number)
    } else {
        Err(Error::code(50439))
    }
}

/// Refuses to take the proxy address away from what is no phone (B-184).
pub(super) fn without_proxy(address: &Address) -> Result<()> {
    native(address).map_err(|_| Error::code(50440))
}
