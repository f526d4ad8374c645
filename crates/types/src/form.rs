//! Parameters of a request: `application/x-www-form-urlencoded` in UTF-8, names case-sensitive, dotted names as they
//! stand, arrays as repeated keys (rest.md §1.3, B-007…B-011).

use crate::{ApiError, Timestamp};

/// The parameters of one request in the order they came. A scalar read takes the first occurrence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

/// More parameters than any operation has (a notification of Notify names up to 10,000 addresses); beyond it a request
/// only costs memory.
pub const MAX_PARAMETERS: usize = 10_100;

impl Form {
    /// Decodes a body or query.
    ///
    /// # Errors
    /// 400/20001 for text that is not UTF-8 after decoding, has a NUL character (PostgreSQL cannot store it), or
    /// has over [`MAX_PARAMETERS`] parameters.
    pub fn parse(input: &[u8]) -> Result<Self, ApiError> {
        let mut pairs = Vec::new();
        for piece in input.split(|&b| b == b'&').filter(|p| !p.is_empty()) {
            if pairs.len() == MAX_PARAMETERS {
                return Err(ApiError::new(20001).message("Too many parameters"));
            }
            let (name, value) = match piece.iter().position(|&b| b == b'=') {
                Some(at) => (&piece[..at], &piece[at + 1..]),
                None => (piece, &[][..]),
            };
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self { pairs })
    }

    /// Adds the parameters of a query below those of the body: the body wins (rest.md §1.3).
    pub fn append(&mut self, query: Self) {
        let body = self.pairs.len();
        for (name, value) in query.pairs {
            // A name may repeat in the query as in the body.
            if !self.pairs[..body].iter().any(|(n, _)| *n == name) {
                self.pairs.push((name, value));
            }
        }
    }

    /// Adds one parameter (used by faces whose input is not a form).
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.pairs.push((name.to_owned(), value.into()));
    }

    /// The first value of a parameter, `None` when it is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// All values of a parameter in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The first value, owned.
    #[must_use]
    pub fn string(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// A value that must be there and not be empty.
    ///
    /// # Errors
    /// 400/20001 as in B-008.
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        match self.get(name) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(ApiError::missing(name)),
        }
    }

    /// All values of a repeated parameter; `None` when absent, an empty array for one empty value (B-011).
    #[must_use]
    pub fn array(&self, name: &str) -> Option<Vec<String>> {
        let values: Vec<String> = self
            .pairs
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
            .collect();
        match values.as_slice() {
            [] => None,
            [only] if only.is_empty() => Some(Vec::new()),
            _ => Some(values),
        }
    }

    /// `true` or `false` in any letter case.
    ///
    /// # Errors
    /// 400/20001 for anything else.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.get(name)
            .map(|v| parse_bool(v).ok_or_else(|| ApiError::invalid(name)))
            .transpose()
    }

    /// A decimal integer.
    ///
    /// # Errors
    /// 400/20001 for anything else.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.get(name)
            .map(|v| v.parse().map_err(|_| ApiError::invalid(name)))
            .transpose()
    }

    /// An ISO 8601 point in time; an empty value counts as absent.
    ///
    /// # Errors
    /// 400 with `code` for text that is none (B-017).
    pub fn datetime(&self, name: &str, code: u32) -> Result<Option<Timestamp>, ApiError> {
        match self.get(name) {
            None | Some("") => Ok(None),
            Some(v) => Timestamp::parse(v).map(Some).ok_or_else(|| ApiError::new(code)),
        }
    }
}

/// `true` or `false` in any letter case (rest.md §1.3).
#[must_use]
pub fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Percent- and plus-decoding. An escape that is none (`%zz`) stays as it stands, as in the URL standard.
fn decode(raw: &[u8]) -> Result<String, ApiError> {
    let mut out = Vec::with_capacity(raw.len());
    let mut i = 0;
    while i < raw.len() {
        let byte = match raw[i] {
            b'+' => b' ',
            b'%' => match (hex(raw.get(i + 1)), hex(raw.get(i + 2))) {
                (Some(high), Some(low)) => {
                    i += 2;
                    high << 4 | low
                }
                _ => b'%',
            },
            other => other,
        };
        out.push(byte);
        i += 1;
    }
    if out.contains(&0) {
        return Err(ApiError::new(20001).message("Parameters must not contain the NUL character"));
    }
    String::from_utf8(out).map_err(|_| ApiError::new(20001).message("Parameters must be UTF-8"))
}

fn hex(digit: Option<&u8>) -> Option<u8> {
    char::from(*digit?)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_are_case_sensitive_and_dotted_b007() {
        let f = form("MessagingBinding.Address=%2B1555&friendlyname=x&FriendlyName=a+b%21");
        assert_eq!(f.get("MessagingBinding.Address"), Some("+1555"));
        assert_eq!(f.get("FriendlyName"), Some("a b!"));
        assert_eq!(f.get("Friendlyname"), None);
    }

    #[test]
    fn repeated_keys_are_an_array_b011() {
        let f = form("F=a&F=b&G=c&H=");
        assert_eq!(f.array("F"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(f.array("G"), Some(vec!["c".into()]));
        assert_eq!(f.array("H"), Some(vec![]));
        assert_eq!(f.array("I"), None);
    }

    #[test]
    fn a_query_repeats_keys_too_and_the_body_wins_b011() {
        let mut f = form("F=a");
        f.append(form("F=b&F=c&G=d&G=e"));
        assert_eq!(f.array("F"), Some(vec!["a".into()]));
        assert_eq!(f.array("G"), Some(vec!["d".into(), "e".into()]));
    }

    #[test]
    fn a_missing_parameter_is_named_b008() {
        let error = form("A=").required("A").unwrap_err();
        assert_eq!((error.status, error.code), (400, 20001));
        assert_eq!(error.text(), "Missing required parameter A in the post body");
    }

    #[test]
    fn broken_utf8_and_nul_are_refused() {
        assert_eq!(Form::parse(b"A=%ff").unwrap_err().code, 20001);
        assert_eq!(Form::parse(b"A=%00").unwrap_err().code, 20001);
        assert_eq!(form("A=%zz").get("A"), Some("%zz"));
    }

    #[test]
    fn the_body_wins_over_the_query() {
        let mut f = form("A=body");
        f.append(form("A=query&B=query&B=again"));
        assert_eq!((f.get("A"), f.get("B")), (Some("body"), Some("query")));
        assert_eq!(f.array("A"), Some(vec!["body".into()]));
        assert_eq!(f.array("B"), Some(vec!["query".into(), "again".into()]));
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>) {
            let _ = Form::parse(&bytes);
        }

        #[test]
        fn what_an_encoder_wrote_is_read_again(pairs in prop::collection::vec(("[^\0]{1,8}", "[^\0]{0,20}"), 0..10)) {
            let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            prop_assert_eq!(form(&text).pairs, pairs);
        }
    }
}
