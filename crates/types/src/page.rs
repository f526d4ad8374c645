//! Page tokens (rest.md §1.6): where a page starts, as the key of its neighbour row, so that inserts never shift a
//! page. Opaque to clients and URL-safe without padding: the SDK loses a raw `=` in a parameter (realtime.md §2.12).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Which way a page lies from its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Rows after the key, in the order of the list.
    Next,
    /// Rows before the key; shown in the order of the list all the same.
    Previous,
}

/// One column of the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPart {
    /// An integer column.
    Int(i64),
    /// A text column, compared as bytes.
    Text(String),
}

/// The place of a page in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which side of the key.
    pub direction: Direction,
    /// The key of the neighbour row, which itself is not on the page.
    pub key: Vec<KeyPart>,
}

impl Cursor {
    /// A cursor for the rows after an integer key.
    #[must_use]
    pub fn after(key: i64) -> Self {
        Self {
            direction: Direction::Next,
            key: vec![KeyPart::Int(key)],
        }
    }

    /// A cursor for the rows before an integer key.
    #[must_use]
    pub fn before(key: i64) -> Self {
        Self {
            direction: Direction::Previous,
            key: vec![KeyPart::Int(key)],
        }
    }

    /// The single integer of the key, when it is one.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        match self.key.as_slice() {
            [KeyPart::Int(i)] => Some(*i),
            _ => None,
        }
    }

    /// Writes the token for a list. `list` names it with what its order depends on: a token of one list is
    /// unknown to another.
    #[must_use]
    pub fn encode(&self, list: &str) -> String {
        let mut bytes = vec![match self.direction {
            Direction::Next => 1,
            Direction::Previous => 2,
        }];
        for part in &self.key {
            match part {
                KeyPart::Int(i) => {
                    bytes.push(1);
                    bytes.extend(i.to_be_bytes());
                }
                KeyPart::Text(text) => {
                    bytes.push(2);
                    bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                    bytes.extend(text.as_bytes());
                }
            }
        }
        bytes.extend(checksum(&bytes, list).to_be_bytes());
        format!("PA{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a token that [`Cursor::encode`] wrote for the same list; `None` for any other text (B-026). The
    /// checksum tells an accident from a token; it keeps no secret, since a token moves only the caller's own list.
    #[must_use]
    pub fn decode(token: &str, list: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix("PA")?).ok()?;
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        if u32::from_be_bytes(*sum) != checksum(body, list) {
            return None;
        }
        let (&direction, mut rest) = body.split_first()?;
        let direction = match direction {
            1 => Direction::Next,
            2 => Direction::Previous,
            _ => return None,
        };
        let mut key = Vec::new();
        while let Some((&tag, tail)) = rest.split_first() {
            match tag {
                1 => {
                    let (int, tail) = tail.split_first_chunk::<8>()?;
                    key.push(KeyPart::Int(i64::from_be_bytes(*int)));
                    rest = tail;
                }
                2 => {
                    let (length, tail) = tail.split_first_chunk::<4>()?;
                    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
                    let (text, tail) = tail.split_at_checked(length)?;
                    key.push(KeyPart::Text(std::str::from_utf8(text).ok()?.to_owned()));
                    rest = tail;
                }
                _ => return None,
            }
        }
        Some(Self { direction, key })
    }
}

/// FNV-1a over the token's body and the list's name.
fn checksum(body: &[u8], list: &str) -> u32 {
    body.iter()
        .chain(list.as_bytes())
        .fold(0x811c_9dc5, |hash: u32, &byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part() -> impl Strategy<Value = KeyPart> {
        prop_oneof![any::<i64>().prop_map(KeyPart::Int), ".*".prop_map(KeyPart::Text)]
    }

    proptest! {
        #[test]
        fn tokens_come_back_and_belong_to_one_list(key in prop::collection::vec(part(), 0..4), next: bool) {
            let direction = if next { Direction::Next } else { Direction::Previous };
            let cursor = Cursor { direction, key };
            let token = cursor.encode("messages");
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(Cursor::decode(&token, "messages"), Some(cursor));
            prop_assert_eq!(Cursor::decode(&token, "users"), None);
        }

        #[test]
        fn no_text_panics_b026(text in "(PA)?[ -~]*") {
            prop_assert_eq!(Cursor::decode(&text, "messages"), None);
        }
    }
}
