//! Small network types that the settings use: an address range and the public base URL.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::http::Uri;

/// An IP address or a CIDR range such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpNet {
    address: IpAddr,
    prefix: u8,
}

/// The text is not what it should be; the caller knows the setting and says what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl IpNet {
    /// Whether the address lies in the range. An IPv4 peer of a dual-stack socket shows up as `::ffff:a.b.c.d`,
    /// so mapped addresses are compared as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (net_bits, net_width) = bits(self.address);
        let (bits, width) = bits(address.to_canonical());
        let host_bits = net_width - u32::from(self.prefix);
        width == net_width && (host_bits == 128 || (net_bits ^ bits) >> host_bits == 0)
    }
}

/// The address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), Ipv6Addr::BITS),
    }
}

impl FromStr for IpNet {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) if prefix.bytes().all(|b| b.is_ascii_digit()) => {
                (address, Some(prefix.parse::<u8>().map_err(|_| Malformed)?))
            }
            Some(_) => return Err(Malformed),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| Malformed)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(width);
        if prefix > width {
            Err(Malformed)
        } else {
            Ok(Self { address, prefix })
        }
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        if self.prefix == width {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

/// Scheme and authority under which clients reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    authority: String,
}

impl PublicUrl {
    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Host, with the port when the URL names one.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl FromStr for PublicUrl {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let uri: Uri = text.parse().map_err(|_| Malformed)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Malformed),
        };
        let authority = uri.authority().ok_or(Malformed)?;
        // The URI type drops a fragment silently, so it is looked for in the text.
        let bare = uri.path() == "/" && uri.query().is_none() && !text.contains(['?', '#', '@']);
        // `http://host:` and `http://host:99999` are authorities for the URI type, but no usable ones.
        let port = authority
            .as_str()
            .strip_prefix(authority.host())
            .unwrap_or_default();
        let port_is_valid = port.is_empty() || authority.port_u16().is_some_and(|port| port != 0);
        if !bare || authority.host().is_empty() || !port_is_valid {
            return Err(Malformed);
        }
        Ok(Self {
            https,
            authority: authority.as_str().to_ascii_lowercase(),
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(net: &str, address: &str) -> bool {
        net.parse::<IpNet>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_contains_its_addresses_only() {
        assert!(holds("10.0.0.0/8", "10.255.1.2"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.168.1.7", "192.168.1.7"));
        assert!(!holds("192.168.1.7", "192.168.1.6"));
        assert!(holds("0.0.0.0/0", "8.8.8.8"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("127.0.0.1", "::ffff:127.0.0.1"));
    }

    #[test]
    fn ranges_that_are_none_are_refused() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "proxy.example",
            "/8",
        ] {
            assert_eq!(text.parse::<IpNet>(), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn a_public_url_is_scheme_and_authority() {
        let url: PublicUrl = "https://Chat.Example.com:8443/".parse().unwrap();
        assert_eq!(
            (url.scheme(), url.authority()),
            ("https", "chat.example.com:8443")
        );
        assert_eq!(url.to_string(), "https://chat.example.com:8443");
        assert_eq!(
            "http://[::1]:8080".parse::<PublicUrl>().unwrap().authority(),
            "[::1]:8080"
        );
    }

    #[test]
    fn urls_with_more_or_less_than_that_are_refused() {
        for text in [
            "",
            "chat.example.com",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://u:p@a",
            "https://a:99999",
            "https://a:",
            "https://a:0",
            "/path",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(Malformed), "{text}");
        }
    }
}
