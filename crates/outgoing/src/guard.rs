//! Keeps requests that strangers cause (a URL in a message, a webhook) out of the server's own network.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Which addresses may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Only those of the public internet.
    Public,
    /// All: for a server that nobody but its own machine can reach.
    Open,
}

impl Guard {
    /// The guard for a server that listens on these addresses: on loopback only, whoever reaches it is on the machine,
    /// unless something in front of it lets others in.
    #[must_use]
    pub fn for_listeners(listen: impl IntoIterator<Item = SocketAddr>, is_behind_a_proxy: bool) -> Self {
        if !is_behind_a_proxy && listen.into_iter().all(|address| address.ip().is_loopback()) {
            Self::Open
        } else {
            Self::Public
        }
    }

    /// Whether an address may be called.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Open, _) => true,
            (Self::Public, IpAddr::V4(v4)) => is_public_v4(v4),
            (Self::Public, IpAddr::V6(v6)) => is_public_v6(v6),
        }
    }

    /// Whether a URL may be called, as far as the URL alone tells: names are looked at when they are resolved.
    #[must_use]
    pub fn allows_url(self, url: &Url) -> bool {
        let is_web = matches!(url.scheme(), "http" | "https");
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        is_web && !host.is_empty() && literal.map_or(true, |address| self.allows(address))
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && b & 0xfe == 18);
    !(special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [a, b, ..] = address.segments();
    let octets = address.octets();
    let v4_at = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    if address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(v4_at(12)); // NAT64
    }
    if a == 0x2002 {
        return is_public_v4(v4_at(2)); // 6to4
    }
    // Global unicast without Teredo, benchmarks, ORCHID and documentation; 2001::/23 is for protocols.
    let special = (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || (a == 0x3fff && b < 0x1000);
    a & 0xe000 == 0x2000 && !special
}

impl Guard {
    /// The addresses of a host that may be called, at least one. The connection must be made to these very addresses: a
    /// name can change between check and use.
    ///
    /// # Errors
    /// When the name leads nowhere, or to no address that may be called.
    pub async fn addresses(self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((host, port)).await?;
        let allowed: Vec<SocketAddr> = found.filter(|a| self.allows(a.ip())).collect();
        if allowed.is_empty() {
            return Err(io::Error::other("the name has no address that may be called"));
        }
        Ok(allowed)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let allowed = guard.addresses(name.as_str(), 0).await?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_called() {
        for text in [
            "8.8.8.8",
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
        ] {
            assert!(Guard::Public.allows(text.parse().unwrap()), "{text}");
        }
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(!Guard::Public.allows(text.parse().unwrap()), "{text}");
            assert!(Guard::Open.allows(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_url_may_not_name_an_inner_address_or_another_scheme() {
        let allows = |text: &str| Guard::Public.allows_url(&Url::parse(text).unwrap());
        assert!(allows("https://example.org/a.png") && allows("http://8.8.8.8:8080/"));
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "ftp://example.org/",
            "file:///etc/passwd",
        ] {
            assert!(!allows(text), "{text}");
        }
    }

    #[test]
    fn a_server_on_loopback_calls_its_own_machine() {
        let guard =
            |texts: &[&str], proxy| Guard::for_listeners(texts.iter().map(|t| t.parse().unwrap()), proxy);
        assert_eq!(guard(&["127.0.0.1:80"], false), Guard::Open);
        assert_eq!(guard(&["[::1]:80", "127.0.0.1:443"], false), Guard::Open);
        assert_eq!(guard(&["0.0.0.0:80"], false), Guard::Public);
        assert_eq!(guard(&["192.168.0.1:80"], false), Guard::Public);
        // One of several listeners is enough, and so is a proxy in front of one on loopback.
        assert_eq!(guard(&["127.0.0.1:80", "0.0.0.0:443"], false), Guard::Public);
        assert_eq!(guard(&["127.0.0.1:80"], true), Guard::Public);
    }
}
