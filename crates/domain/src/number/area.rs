//! Numbers by their area. The simulator sells every number of North America that nobody has.

use confab_store::params;
use confab_types::{Address, NumberSid, Sid as _};

use super::{is_toll_free, owner};
use crate::error::Error;
use crate::{Cx, Result, Transaction};

/// Numbers that are tried: an area has millions, so this many are only taken where nearly all are.
const TRIES: usize = 64;

/// A number that is free in an area.
///
/// # Errors
/// 21451 for what is no area code of North America, 21452 where nothing is free.
pub(super) fn pick(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, code: &str) -> Result<Address> {
    if !is_area(code) {
        return Err(Error::code(21451));
    }
    for _ in 0..TRIES {
        let number: NumberSid = cx.sid();
        let Some(address) = Address::parse(&subscriber(code, number.bits())) else {
            continue;
        };
        // Toll-free codes are of no area.
        if is_toll_free(&address) {
            break;
        }
        if owner(tx, &address)?.is_none() && !is_phone(tx, &address)? {
            return Ok(address);
        }
    }
    Err(Error::code(21452))
}

/// Three digits, the first not 0 or 1, and none of the codes of services (N11).
fn is_area(code: &str) -> bool {
    code.len() == 3
        && code.bytes().all(|b| b.is_ascii_digit())
        && !code.starts_with(['0', '1'])
        && !code.ends_with("11")
}

/// A number of an area by random bits: an exchange from 200 on that is no N11, and a line.
fn subscriber(code: &str, bits: u128) -> String {
    let random = (bits % 8_000_000) as u32;
    let (mut exchange, line) = (200 + random / 10_000, random % 10_000);
    if exchange % 100 == 11 {
        exchange += 1;
    }
    format!("+1{code}{exchange}{line:04}")
}

/// Whether somebody's simulated phone has the number.
fn is_phone(tx: &mut Transaction<'_>, address: &Address) -> Result<bool> {
    let row = tx.first(
        "SELECT address FROM handset WHERE address = $1 LIMIT 1",
        params![address.as_str()],
    )?;
    Ok(row.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_those_of_the_numbering_plan() {
        for code in ["415", "201", "989", "800"] {
            assert!(is_area(code), "{code}");
        }
        for code in ["", "41", "4155", "015", "115", "911", "4a5", "٤١٥", " 415"] {
            assert!(!is_area(code), "{code}");
        }
    }

    #[test]
    fn every_number_of_an_area_is_one_of_the_plan() {
        for bits in (0..8_000_000_u128).step_by(997).chain([7_999_999, u128::MAX]) {
            let number = subscriber("415", bits);
            let address = Address::parse(&number).unwrap();
            assert!(confab_types::address::is_e164(address.as_str()), "{number}");
            assert!(confab_types::address::is_long_code(address.as_str()), "{number}");
            let exchange = &number[5..8];
            assert!(
                exchange.starts_with(|c| c >= '2') && !exchange.ends_with("11"),
                "{number}"
            );
        }
    }
}
