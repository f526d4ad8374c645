//! Addresses of people outside chat: `+15558675310`, `whatsapp:+15558675310`, `messenger:12345`, `a@example.com`
//! (rest.md §2.4).

use std::fmt;

/// The channel that an address belongs to; its name is the `type` of a messaging binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Text messages; addresses without a prefix.
    Sms,
    /// `whatsapp:+E.164`
    WhatsApp,
    /// `messenger:<id>`
    Messenger,
    /// `gbm:<id>`
    Gbm,
    /// `rcs:<id>`
    Rcs,
    /// `apple:<id>`, or `urn:mbid:<id>` as Apple writes it.
    Apple,
    /// `chat:<id>`
    Chat,
    /// An e-mail address.
    Email,
}

impl Channel {
    const PREFIXED: [Self; 6] = [
        Self::WhatsApp,
        Self::Messenger,
        Self::Gbm,
        Self::Rcs,
        Self::Apple,
        Self::Chat,
    ];

    /// The word that the API uses for the channel.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::WhatsApp => "whatsapp",
            Self::Messenger => "messenger",
            Self::Gbm => "gbm",
            Self::Rcs => "rcs",
            Self::Apple => "apple",
            Self::Chat => "chat",
            Self::Email => "email",
        }
    }
}

/// An address whose shape was checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    channel: Channel,
}

impl Address {
    /// Reads an address; `None` when its shape fits no channel. Numbers are checked by shape, not against numbering
    /// plans: the numbers that documentation uses (+1555…) are not assignable.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let channel = match text.split_once(':') {
            Some(("urn", rest)) => rest
                .strip_prefix("mbid:")
                .is_some_and(is_name)
                .then_some(Channel::Apple)?,
            Some((prefix, rest)) => {
                let channel = Channel::PREFIXED.into_iter().find(|c| c.name() == prefix)?;
                let fits = match channel {
                    Channel::WhatsApp => is_e164(rest),
                    _ => is_name(rest),
                };
                fits.then_some(channel)?
            }
            None if is_e164(text) || is_short_code(text) => Channel::Sms,
            None if is_email(text) => Channel::Email,
            None => return None,
        };
        Some(Self {
            text: text.to_owned(),
            channel,
        })
    }

    /// The channel of the address.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a channel names people by, when it is no number.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// `+` and 2 to 15 digits, the first not 0 (ITU-T E.164).
#[must_use]
pub fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// An ordinary number of North America (+1 and ten digits), not a toll-free one: what carriers pass group messages on
/// for (B-212).
#[must_use]
pub fn is_long_code(text: &str) -> bool {
    const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];
    text.strip_prefix("+1").is_some_and(|digits| {
        digits.len() == 10
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !TOLL_FREE.iter().any(|area| digits.starts_with(area))
    })
}

fn is_short_code(text: &str) -> bool {
    (3..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_names_the_channel_b167() {
        for (text, channel) in [
            ("+15558675310", Channel::Sms),
            ("12345", Channel::Sms),
            ("whatsapp:+15558675310", Channel::WhatsApp),
            ("messenger:1234", Channel::Messenger),
            ("apple:1234", Channel::Apple),
            ("urn:mbid:AQAA1234", Channel::Apple),
            ("a@example.com", Channel::Email),
        ] {
            assert_eq!(Address::parse(text).unwrap().channel(), channel, "{text}");
        }
    }

    #[test]
    fn long_codes_are_ordinary_numbers_of_north_america_b212() {
        for number in ["+15017122661", "+18017122661", "+18227122661", "+18997122661"] {
            assert!(is_long_code(number), "{number}");
        }
        for number in [
            "+18007122661",
            "+18337122661",
            "+18447122661",
            "+18557122661",
            "+18667122661",
            "+18777122661",
            "+18887122661",
            "+1501712266",
            "+150171226611",
            "+445017122661",
            "15017122661",
            "+1501712266x",
            "12345",
        ] {
            assert!(!is_long_code(number), "{number}");
        }
    }

    #[test]
    fn other_shapes_are_no_addresses() {
        for text in [
            "",
            "+",
            "+0123",
            "+1555867531012345",
            "15 55",
            "whatsapp:",
            "whatsapp:x",
            "fax:+1555",
            "urn:mbid:",
            "urn:1234",
            "@x",
            "+1555a",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
