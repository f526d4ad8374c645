//! Where webhooks are called: URL and method.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::Error;
use crate::{Result, text};

/// Characters of the URL of a conversation's webhook (B-504).
pub(crate) const SCOPED_URL_CHARS: usize = 512;
/// Characters of any other URL: more than proxies and clients carry.
const URL_CHARS: usize = 2048;

/// How a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Parameters in the query.
    Get,
    /// Parameters in the body.
    Post,
}

impl Method {
    /// Reads a method in any letter case (B-505).
    ///
    /// # Errors
    /// 400/50055 for any other.
    pub fn parse(text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("GET") {
            Ok(Self::Get)
        } else if text.eq_ignore_ascii_case("POST") {
            Ok(Self::Post)
        } else {
            Err(Error::code(50055))
        }
    }

    /// As accounts, services and addresses show it.
    #[must_use]
    pub fn upper(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    /// As conversations show it.
    #[must_use]
    pub fn lower(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

/// Checks the URL of an account's or a service's webhook.
///
/// # Errors
/// 400/50054 (B-068).
pub(crate) fn check_url(url: &str) -> Result<()> {
    text::at_most(url, URL_CHARS, 50054)?;
    // The parser mends what no client means: one slash, blanks, line ends.
    let plain = url.contains("://") && !url.contains(|c: char| c.is_whitespace() || c.is_control());
    let web = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    if plain && Url::parse(url).is_ok_and(web) {
        Ok(())
    } else {
        Err(Error::code(50054))
    }
}

/// Checks the URL of a conversation's webhook.
///
/// # Errors
/// 400/50372 for a long one (B-504), 400/50054.
pub(crate) fn check_scoped_url(url: &str) -> Result<()> {
    text::at_most(url, SCOPED_URL_CHARS, 50372)?;
    check_url(url)
}

/// A URL of which the empty one clears.
///
/// # Errors
/// As [`check_url`].
pub(crate) fn optional_url(url: &str) -> Result<Option<String>> {
    if !url.is_empty() {
        check_url(url)?;
    }
    Ok(text::cleared(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_only_b068() {
        for url in [
            "http://example.com",
            "https://user:secret@example.com:8080/a?b=c#d",
            "HTTPS://example.com/",
            "http://127.0.0.1:3000/hook",
            "http://[::1]/",
            "https://bücher.example/",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        for url in [
            "example.com",
            "ftp://example.com/",
            "http://",
            "http:/example.com",
            "https://exa mple.com/",
            " https://example.com/",
            "https://example.com/\n",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "//example.com",
        ] {
            assert_eq!(check_url(url), Err(Error::code(50054)), "{url}");
        }
    }

    #[test]
    fn urls_end_somewhere_b504() {
        let of = |chars: usize| format!("https://example.com/{}", "é".repeat(chars - 20));
        assert_eq!(check_scoped_url(&of(512)), Ok(()));
        assert_eq!(check_scoped_url(&of(513)), Err(Error::code(50372)));
        assert_eq!(check_url(&of(2048)), Ok(()));
        assert_eq!(check_url(&of(2049)), Err(Error::code(50054)));
    }
}
