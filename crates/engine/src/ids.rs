//! Bits of new SIDs.

use confab_domain::Ids;
use confab_types::Timestamp;
use rand::Rng;

/// 48 bits of milliseconds, then 80 random ones. SIDs that grow with time are appended to the indexes of a table;
/// wholly random ones would touch a page of their own for each row, which at a million messages costs more than the
/// message. A client sees 32 hexadecimal digits either way.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn bits(&mut self, now: Timestamp) -> u128 {
        let millis = u128::try_from(now.0 / 1000).unwrap_or(0);
        (millis << 80) | (rand::rng().random::<u128>() >> 48)
    }
}
