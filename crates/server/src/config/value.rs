//! From text to a setting's value and back to TOML.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ClockKind, IpNet, LimitsProfile, LogFormat, PublicUrl, Secret};

/// A type that a setting can have. All origins (flag, environment, file) are brought to text first, so there is
/// one parser per type.
pub(super) trait Value: Sized {
    /// The value, or none when the text is not one.
    fn from_text(text: &str) -> Option<Self>;
    /// The value in TOML; none when it is not set.
    fn to_toml(&self) -> Option<String>;
}

impl Value for SocketAddr {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Option<String> {
        Some(quote(&self.to_string()))
    }
}

impl Value for PathBuf {
    fn from_text(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self::from(text))
    }
    fn to_toml(&self) -> Option<String> {
        Some(quote(&self.to_string_lossy()))
    }
}

impl Value for PublicUrl {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Option<String> {
        Some(quote(&self.to_string()))
    }
}

impl Value for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn to_toml(&self) -> Option<String> {
        Some(quote(self))
    }
}

/// Printing never goes through here: the document module masks secrets before it asks for their text.
impl<T: Value> Value for Secret<T> {
    fn from_text(text: &str) -> Option<Self> {
        T::from_text(text).map(Self::new)
    }
    fn to_toml(&self) -> Option<String> {
        self.expose().to_toml()
    }
}

impl Value for [u8; 32] {
    fn from_text(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok()
    }
    fn to_toml(&self) -> Option<String> {
        Some(quote(&STANDARD.encode(self)))
    }
}

impl<T: Value> Value for Option<T> {
    fn from_text(text: &str) -> Option<Self> {
        T::from_text(text).map(Some)
    }
    fn to_toml(&self) -> Option<String> {
        self.as_ref().and_then(Value::to_toml)
    }
}

impl Value for bool {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Value for u64 {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Value for usize {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Value for Vec<IpNet> {
    fn from_text(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self::new());
        }
        text.split(',').map(|part| part.trim().parse().ok()).collect()
    }
    fn to_toml(&self) -> Option<String> {
        let items: Vec<String> = self.iter().map(|net| quote(&net.to_string())).collect();
        Some(format!("[{}]", items.join(", ")))
    }
}

impl Value for LimitsProfile {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "open" => Some(Self::Open),
            "documented" => Some(Self::Documented),
            _ => None,
        }
    }
    fn to_toml(&self) -> Option<String> {
        Some(quote(match self {
            Self::Open => "open",
            Self::Documented => "documented",
        }))
    }
}

impl Value for ClockKind {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "system" => Some(Self::System),
            "virtual" => Some(Self::Virtual),
            _ => None,
        }
    }
    fn to_toml(&self) -> Option<String> {
        Some(quote(match self {
            Self::System => "system",
            Self::Virtual => "virtual",
        }))
    }
}

impl Value for LogFormat {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
    fn to_toml(&self) -> Option<String> {
        Some(quote(match self {
            Self::Text => "text",
            Self::Json => "json",
        }))
    }
}

/// A TOML basic string.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `AC` and 32 lower-case hexadecimal digits.
pub(super) fn is_account_sid(text: &str) -> bool {
    text.strip_prefix("AC")
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(is_lower_hex))
}

/// Twilio's own shape, 32 hexadecimal digits, is a special case of this: long enough, and printable so that it
/// survives a line of a file and a Basic header.
pub(super) fn is_auth_token(text: &str) -> bool {
    (16..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_lower_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
}

/// Only the scheme is checked here; the driver reads the rest and names what it dislikes.
pub(super) fn is_database_url(text: &str) -> bool {
    ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
        && !text.contains(char::is_whitespace)
}

/// A level or filter directives. The filter parser takes a lone word for a module name, so that a mistyped level
/// (`debgu`) would silently switch almost everything off; a lone word must therefore be a level.
pub(super) fn is_log_filter(text: &str) -> bool {
    let words_are_levels = text.contains('[')
        || text.split(',').all(|part| {
            part.contains('=') || matches!(part.trim(), "error" | "warn" | "info" | "debug" | "trace" | "off")
        });
    words_are_levels && tracing_subscriber::EnvFilter::builder().parse(text).is_ok()
}

/// The URL with its password replaced by `***`. Errs on the side of hiding: everything between the first colon
/// and the last `@` before the query is taken for the password, and a URL in which an `@` stands after a question
/// mark (so that either could belong to a password) is hidden as a whole.
pub fn mask_database_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (base, query) = rest
        .split_once('?')
        .map_or((rest, None), |(base, query)| (base, Some(query)));
    if query.is_some_and(|query| query.contains('@')) {
        return format!("{scheme}://***");
    }
    let base = match base.rsplit_once('@') {
        Some((user_info, host)) => match user_info.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => base.to_owned(),
        },
        None => base.to_owned(),
    };
    match query {
        Some(query) => {
            let pairs: Vec<String> = query.split('&').map(mask_pair).collect();
            format!("{scheme}://{base}?{}", pairs.join("&"))
        }
        None => format!("{scheme}://{base}"),
    }
}

fn mask_pair(pair: &str) -> String {
    match pair.split_once('=') {
        // A percent sign in a name may spell "password" in disguise.
        Some((name, _)) if name.to_ascii_lowercase().contains("password") || name.contains('%') => {
            format!("{name}=***")
        }
        _ => pair.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_level_is_no_filter() {
        for good in [
            "info",
            "off",
            "warn,confab_api=trace",
            "confab_api[request{id=1}]=debug",
        ] {
            assert!(is_log_filter(good), "{good}");
        }
        for bad in ["debgu", "INFO,verbose", "confab_api=loud", "info,"] {
            assert!(!is_log_filter(bad), "{bad}");
        }
    }

    #[test]
    fn passwords_are_masked_in_database_urls() {
        for (url, masked) in [
            ("postgres://db/confab", "postgres://db/confab"),
            ("postgres://me@db:5432/confab", "postgres://me@db:5432/confab"),
            (
                "postgres://me:secret@db/confab?sslmode=require",
                "postgres://me:***@db/confab?sslmode=require",
            ),
            ("postgres://me:se:cr@et/@db/confab", "postgres://me:***@db/confab"),
            (
                "postgres://me@db/confab?password=secret&a=b",
                "postgres://me@db/confab?password=***&a=b",
            ),
            ("postgres://me:sec?ret@db/confab", "postgres://***"),
            ("postgres://me@db/confab?password=sec@ret", "postgres://***"),
        ] {
            assert_eq!(mask_database_url(url), masked);
        }
    }
}
