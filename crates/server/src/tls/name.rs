//! Names that a certificate is made for.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rustls::pki_types::DnsName;

/// A host name, a wildcard for all names right below one, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// In lower case, perhaps with `*.` in front.
    Dns(String),
    /// An address literal.
    Ip(IpAddr),
}

/// The text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoName;

impl fmt::Display for NoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a host name such as chat.example.com, a wildcard such as *.example.com, or an IP address is wanted")
    }
}

impl std::error::Error for NoName {}

impl Name {
    /// What stands for this name and all below it: the name without its wildcard.
    pub(super) fn base(&self) -> Self {
        match self {
            Self::Dns(name) => Self::Dns(name.strip_prefix("*.").unwrap_or(name).to_owned()),
            Self::Ip(address) => Self::Ip(*address),
        }
    }
}

impl FromStr for Name {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        let name = text.to_ascii_lowercase();
        let host = match name.strip_prefix("*.") {
            // Clients take no wildcard for all of a top domain, and some refuse the whole certificate.
            Some(base) if !base.contains('.') => return Err(NoName),
            Some(base) => base,
            None => &name,
        };
        // A name of digits and dots is a mistyped address; a client would take it for none of both.
        let is_name = DnsName::try_from(host).is_ok()
            && !host.ends_with('.')
            && host.contains(|c: char| c.is_ascii_alphabetic());
        if is_name { Ok(Self::Dns(name)) } else { Err(NoName) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_wildcards_and_addresses_are_names() {
        for (text, shown) in [
            ("Chat.Example.com", "chat.example.com"),
            ("chat", "chat"),
            ("*.example.com", "*.example.com"),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:DB8::1", "2001:db8::1"),
        ] {
            assert_eq!(text.parse::<Name>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "*",
            "*.",
            "a.*.b",
            "*.*.b",
            "*.internal",
            "a b",
            "a..b",
            "a.b.",
            "https://a.b",
            "a:443",
            "[::1]",
            "192.0.2.300",
            "-a.b",
        ] {
            assert_eq!(text.parse::<Name>(), Err(NoName), "{text}");
        }
    }
}
