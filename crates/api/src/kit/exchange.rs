//! How a request came: which product it is for, by which name the server was called, and what its URLs start with.
//!
//! The first label of the host names the product (`conversations.twilio.com`, also with edge and region behind it);
//! where it names none, the first segment of the path does (`/conversations/v1/…`).

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use axum::extract::{ConnectInfo, MatchedPath};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Scheme;
use confab_types::RequestSid;

use crate::Options;

/// A product, which is a host of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Conversations,
    /// 2010-04-01.
    Api,
    Chat,
    Notify,
    Mcs,
    /// The bytes of media, under temporary URLs.
    Media,
    Messaging,
    Content,
    Studio,
    Events,
    /// The schemas of events.
    EventsSchemas,
    Monitor,
    /// The simulated carrier; not a product of the original.
    Simulator,
    /// What else the original does not have.
    Own,
    /// A path that belongs to none.
    None,
}

impl Product {
    fn of_label(label: &str) -> Option<Self> {
        const LABELS: [(&str, Product); 13] = [
            ("conversations", Product::Conversations),
            ("api", Product::Api),
            ("chat", Product::Chat),
            // Chat's first name; old helper libraries still call it.
            ("ip-messaging", Product::Chat),
            ("notify", Product::Notify),
            ("mcs", Product::Mcs),
            ("media", Product::Media),
            ("messaging", Product::Messaging),
            ("content", Product::Content),
            ("studio", Product::Studio),
            ("events", Product::Events),
            ("events-schemas", Product::EventsSchemas),
            ("monitor", Product::Monitor),
        ];
        LABELS
            .iter()
            .find(|(name, _)| label.eq_ignore_ascii_case(name))
            .map(|(_, product)| *product)
    }

    /// Name for metrics and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::Api => "api",
            Self::Chat => "chat",
            Self::Notify => "notify",
            Self::Mcs => "mcs",
            Self::Media => "media",
            Self::Messaging => "messaging",
            Self::Content => "content",
            Self::Studio => "studio",
            Self::Events => "events",
            Self::EventsSchemas => "events-schemas",
            Self::Monitor => "monitor",
            Self::Simulator => "simulator",
            Self::Own => "confab",
            Self::None => "none",
        }
    }
}

/// One request and its answer.
pub(crate) struct Exchange {
    /// Name of the request in headers and logs (B-034).
    pub(crate) id: RequestSid,
    pub(crate) product: Product,
    /// Scheme, authority and path prefix: what stands before `/v1/…` in the URLs of the answer.
    pub(crate) base: String,
    /// Bytes of the base that are scheme and authority.
    origin: usize,
    /// Whether the host named the product.
    by_host: bool,
    /// The host by which the server was called, without port.
    pub(crate) host: String,
    /// The path as the product sees it, as it came (not decoded).
    pub(crate) path: String,
    /// Where the request came from, past the proxies that are trusted.
    pub(crate) peer: Option<IpAddr>,
    /// Set once the request has reached a handler.
    pub(crate) route: OnceLock<MatchedPath>,
}

impl Exchange {
    pub(crate) fn of(request: &Parts, id: RequestSid, options: &Options) -> Self {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|peer| peer.0.ip());
        let trusted = peer.is_some_and(|ip| (options.trusted_proxy)(ip));
        let forwarded = |name| trusted.then(|| header(request, name)).flatten();
        let authority = forwarded("x-forwarded-host")
            .or_else(|| request.uri.authority().map(|a| a.as_str()))
            .or_else(|| header(request, HOST.as_str()))
            .filter(|text| is_authority(text))
            .unwrap_or("localhost");
        let host = without_port(authority);
        let full = request.uri.path();
        let by_host = Product::of_label(host.split('.').next().unwrap_or_default());
        let (product, prefix) = match (by_path(full), by_host) {
            (Some((product @ (Product::Simulator | Product::Own), prefix)), _) => (product, prefix),
            (_, Some(product)) => (product, 0),
            (Some(found), None) => found,
            (None, None) => (Product::None, 0),
        };
        let came_by_https = match forwarded("x-forwarded-proto") {
            Some(proto) => proto.eq_ignore_ascii_case("https"),
            // Put there by the listener when the request came by TLS.
            None => request.extensions.get() == Some(&Scheme::HTTPS),
        };
        let (scheme, shown) = match &options.public_url {
            // A host that names a product must stay: another one would lead to another product.
            Some((scheme, public)) if by_host.is_none() => (scheme.as_str(), public.as_str()),
            _ if came_by_https => ("https", authority),
            Some((scheme, _)) => (scheme.as_str(), authority),
            None => ("http", authority),
        };
        Self {
            id,
            product,
            base: [scheme, "://", shown, &full[..prefix]].concat(),
            origin: scheme.len() + 3 + shown.len(),
            by_host: by_host.is_some(),
            host: host.to_owned(),
            path: full[prefix..].to_owned(),
            peer: peer.map(|peer| origin_of(request, peer, options)),
            route: OnceLock::new(),
        }
    }

    /// What stands before the path of another product in URLs: its own host where the server is called by the host of
    /// a product, else its prefix.
    pub(crate) fn base_of(&self, product: Product) -> String {
        let origin = &self.base[..self.origin];
        let name = product.name();
        match origin.split_once("://") {
            Some((scheme, authority)) if self.by_host => {
                let rest = authority.find('.').map_or("", |at| &authority[at..]);
                format!("{scheme}://{name}{rest}")
            }
            _ => format!("{origin}/{name}"),
        }
    }

    /// The path without its version, as messages print it (B-004).
    pub(crate) fn resource_path(&self) -> &str {
        let rest = self.path.strip_prefix('/').unwrap_or(&self.path);
        let version = rest.split('/').next().unwrap_or_default();
        let is_version = version == "2010-04-01"
            || version
                .strip_prefix('v')
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let at = 1 + version.len();
        if is_version && self.path.len() > at {
            &self.path[at..]
        } else {
            &self.path
        }
    }

    /// The route that answered, for the log.
    pub(crate) fn route(&self) -> &str {
        self.route.get().map_or("-", |matched| matched.as_str())
    }
}

/// The product that the first segment of a path names, and how many bytes of the path that takes.
fn by_path(path: &str) -> Option<(Product, usize)> {
    let rest = path.strip_prefix('/')?;
    let segment = rest.split('/').next()?;
    let prefix = 1 + segment.len();
    match segment {
        // Page URIs of 2010-04-01 are relative to the host, so its paths must also work there.
        "2010-04-01" => Some((Product::Api, 0)),
        "simulator" if path.len() > prefix => Some((Product::Simulator, prefix)),
        "confab" if path.len() > prefix => Some((Product::Own, prefix)),
        _ if path.len() > prefix => Product::of_label(segment).map(|product| (product, prefix)),
        _ => None,
    }
}

/// The first of the values of a header, which several proxies may have appended to.
fn header<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    let value = request.headers.get(name)?.to_str().ok()?;
    value.split(',').next().map(str::trim).filter(|v| !v.is_empty())
}

/// The address nearest to the server that is no trusted proxy: each of these appends the one that it was called from.
fn origin_of(request: &Parts, peer: IpAddr, options: &Options) -> IpAddr {
    if !(options.trusted_proxy)(peer) {
        return peer;
    }
    let values = request.headers.get_all("x-forwarded-for");
    let hops: Vec<&str> = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        if !(options.trusted_proxy)(nearest) {
            break;
        }
        let Ok(address) = hop.trim().parse() else { break };
        nearest = address;
    }
    nearest
}

/// Host and port by their characters only: the text is echoed in URLs and in a header.
fn is_authority(text: &str) -> bool {
    text.len() <= 255
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']'))
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::http::Request;
    use confab_types::Sid;

    use super::*;

    fn exchange(host: &str, path: &str, options: &Options, headers: &[(&str, &str)]) -> Exchange {
        let mut request = Request::builder().uri(path).header(HOST, host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 9))));
        Exchange::of(&parts, RequestSid::from_bits(0), options)
    }

    #[test]
    fn the_first_label_of_the_host_names_the_product_else_the_first_segment() {
        let options = Options::default();
        for (host, path, product, base) in [
            (
                "conversations.twilio.com",
                "/v1/X",
                Product::Conversations,
                "http://conversations.twilio.com",
            ),
            (
                "Conversations.dublin.ie1.twilio.com:80",
                "/v1/X",
                Product::Conversations,
                "http://Conversations.dublin.ie1.twilio.com:80",
            ),
            (
                "127.0.0.1:8080",
                "/conversations/v1/X",
                Product::Conversations,
                "http://127.0.0.1:8080/conversations",
            ),
            (
                "[::1]:8080",
                "/chat/v2/X",
                Product::Chat,
                "http://[::1]:8080/chat",
            ),
            ("[::1]", "/chat/v2/X", Product::Chat, "http://[::1]/chat"),
            (
                "ip-messaging.twilio.com",
                "/v2/X",
                Product::Chat,
                "http://ip-messaging.twilio.com",
            ),
            (
                "localhost",
                "/2010-04-01/Accounts/AC.json",
                Product::Api,
                "http://localhost",
            ),
            (
                "localhost",
                "/api/2010-04-01/Accounts/AC.json",
                Product::Api,
                "http://localhost/api",
            ),
            (
                "conversations.twilio.com",
                "/simulator/v1/X",
                Product::Simulator,
                "http://conversations.twilio.com/simulator",
            ),
            ("localhost", "/conversations", Product::None, "http://localhost"),
            ("localhost", "/Foo", Product::None, "http://localhost"),
            ("bad host\"", "/Foo", Product::None, "http://localhost"),
        ] {
            let seen = exchange(host, path, &options, &[]);
            assert_eq!(
                (seen.product, seen.base.as_str()),
                (product, base),
                "{host} {path}"
            );
        }
    }

    #[test]
    fn forwarded_headers_count_from_a_trusted_proxy_only() {
        let forwarded = [
            ("x-forwarded-host", "conversations.example.org, x"),
            ("x-forwarded-proto", "https"),
        ];
        let plain = exchange(
            "localhost",
            "/conversations/v1/X",
            &Options::default(),
            &forwarded,
        );
        assert_eq!(plain.base, "http://localhost/conversations");
        let options = Options {
            trusted_proxy: Arc::new(|ip| ip.to_string() == "10.0.0.1"),
            ..Options::default()
        };
        let proxied = exchange("localhost", "/v1/X", &options, &forwarded);
        assert_eq!(
            (proxied.product, proxied.base.as_str()),
            (Product::Conversations, "https://conversations.example.org")
        );
    }

    #[test]
    fn the_public_url_replaces_a_host_that_names_no_product() {
        let options = Options {
            public_url: Some(("https".into(), "chat.example.org:8443".into())),
            ..Options::default()
        };
        let bare = exchange("127.0.0.1:8080", "/conversations/v1/X", &options, &[]);
        assert_eq!(bare.base, "https://chat.example.org:8443/conversations");
        let named = exchange("conversations.twilio.com", "/v1/X", &options, &[]);
        assert_eq!(named.base, "https://conversations.twilio.com");
    }

    #[test]
    fn what_came_by_tls_has_https_urls() {
        let by_tls = |uri: &str, options: &Options, proto: Option<&str>| {
            let mut request = Request::builder()
                .uri(uri)
                .header(HOST, "conversations.twilio.com")
                .extension(Scheme::HTTPS)
                .extension(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 9))));
            if let Some(proto) = proto {
                request = request.header("x-forwarded-proto", proto);
            }
            let parts = request.body(()).unwrap().into_parts().0;
            Exchange::of(&parts, RequestSid::from_bits(0), options).base
        };
        let plain_proxy = Options {
            trusted_proxy: Arc::new(|_| true),
            ..Options::default()
        };
        let elsewhere = Options {
            public_url: Some(("http".into(), "chat.example.org".into())),
            ..Options::default()
        };
        for (uri, options, proto, base) in [
            (
                "/v1/X",
                &Options::default(),
                None,
                "https://conversations.twilio.com",
            ),
            // The whole URL, as a proxy gets it, counts before the header.
            (
                "http://chat.dublin.ie1.twilio.com/v2/X",
                &Options::default(),
                None,
                "https://chat.dublin.ie1.twilio.com",
            ),
            (
                "/v1/X",
                &plain_proxy,
                Some("http"),
                "http://conversations.twilio.com",
            ),
            ("/v1/X", &elsewhere, None, "https://conversations.twilio.com"),
        ] {
            assert_eq!(by_tls(uri, options, proto), base, "{uri} {proto:?}");
        }
    }

    #[test]
    fn another_product_is_reached_by_its_host_or_its_prefix() {
        let options = Options::default();
        for (host, path, base) in [
            ("mcs.us1.twilio.com", "/v1/X", "http://media.us1.twilio.com"),
            (
                "conversations.example.org:8443",
                "/simulator/v1/X",
                "http://media.example.org:8443",
            ),
            ("127.0.0.1:8080", "/mcs/v1/X", "http://127.0.0.1:8080/media"),
            ("[::1]:8080", "/simulator/v1/X", "http://[::1]:8080/media"),
        ] {
            let seen = exchange(host, path, &options, &[]);
            assert_eq!(seen.base_of(Product::Media), base, "{host} {path}");
        }
    }

    #[test]
    fn messages_print_the_path_without_its_version_b004() {
        for (path, shown) in [
            ("/conversations/v1/Services/IS1", "/Services/IS1"),
            ("/2010-04-01/Accounts/AC1.json", "/Accounts/AC1.json"),
            ("/Foo", "/Foo"),
            ("/conversations/v1", "/v1"),
            ("/conversations/vx/Y", "/vx/Y"),
        ] {
            assert_eq!(
                exchange("localhost", path, &Options::default(), &[]).resource_path(),
                shown
            );
        }
    }

    #[test]
    fn a_request_came_from_where_the_first_proxy_that_is_not_trusted_says() {
        let peer = |trusted: fn(IpAddr) -> bool, forwarded: &str| {
            let options = Options {
                trusted_proxy: Arc::new(trusted),
                ..Options::default()
            };
            let headers = [("x-forwarded-for", forwarded)];
            exchange("localhost", "/chat/v2/X", &options, &headers)
                .peer
                .map(|ip| ip.to_string())
        };
        let nobody = |_: IpAddr| false;
        let inner = |ip: IpAddr| ip.to_string().starts_with("10.");
        for (given, untrusted, trusted) in [
            ("192.0.2.1", "10.0.0.1", "192.0.2.1"),
            ("198.51.100.9, 192.0.2.1, 10.0.0.7", "10.0.0.1", "192.0.2.1"),
            ("nonsense", "10.0.0.1", "10.0.0.1"),
            ("10.0.0.9", "10.0.0.1", "10.0.0.9"),
            ("", "10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(peer(nobody, given).as_deref(), Some(untrusted), "{given}");
            assert_eq!(peer(inner, given).as_deref(), Some(trusted), "{given}");
        }
    }
}
