//! The origin of media links: that by which the client came (realtime.md §9.12).

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::uri::Scheme;
use axum::http::{HeaderMap, header};

use crate::Options;

/// `scheme://authority` and prefix in front of `/v1/Services/…` of the media product. The listener tells by which
/// scheme the client came.
pub fn media_origin(
    headers: &HeaderMap,
    peer: Option<IpAddr>,
    came_by: Option<&Scheme>,
    options: &Options,
) -> Arc<str> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .filter(|t| !t.is_empty())
    };
    let trusted = peer.is_some_and(|ip| (options.trusted_proxy)(ip));
    let forwarded = |name: &str| if trusted { text(name) } else { None };
    let host = forwarded("x-forwarded-host")
        .or_else(|| text(header::HOST.as_str()))
        .unwrap_or("localhost");
    let scheme = match (forwarded("x-forwarded-proto"), &options.public_url) {
        (Some("https"), _) => "https",
        (None, Some((scheme, _))) => scheme,
        (None, None) if came_by == Some(&Scheme::HTTPS) => "https",
        _ => "http",
    };
    match host.strip_prefix("tsock.") {
        // A client that was sent here by DNS dials the media host by its own name, too.
        Some(rest) => format!("https://mcs.{rest}").into(),
        None => {
            let authority = options
                .public_url
                .as_ref()
                .map_or(host, |(_, authority)| authority);
            format!("{scheme}://{authority}/mcs").into()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn origin(public_url: Option<(&str, &str)>, headers: &[(&'static str, &str)]) -> String {
        origin_by(None, public_url, headers)
    }

    fn origin_by(
        came_by: Option<&Scheme>,
        public_url: Option<(&str, &str)>,
        headers: &[(&'static str, &str)],
    ) -> String {
        let options = Options {
            offline_grace: Duration::ZERO,
            ping_interval: Duration::from_secs(1),
            expiry_notice: Duration::from_secs(1),
            frame_bytes: 1,
            limits: crate::Limits::default(),
            public_url: public_url.map(|(s, a)| (s.to_owned(), a.to_owned())),
            trusted_proxy: Arc::new(|ip| ip.is_loopback()),
        };
        let headers = headers
            .iter()
            .map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap()))
            .collect();
        media_origin(&headers, Some(IpAddr::from([127, 0, 0, 1])), came_by, &options).to_string()
    }

    #[test]
    fn links_follow_the_address_by_which_the_client_came() {
        assert_eq!(
            origin(None, &[("host", "127.0.0.1:8080")]),
            "http://127.0.0.1:8080/mcs"
        );
        assert_eq!(
            origin(None, &[("host", "tsock.us1.twilio.com")]),
            "https://mcs.us1.twilio.com"
        );
        assert_eq!(
            origin(Some(("https", "chat.example.com")), &[("host", "x:1")]),
            "https://chat.example.com/mcs"
        );
        assert_eq!(
            origin_by(Some(&Scheme::HTTPS), None, &[("host", "localhost:8443")]),
            "https://localhost:8443/mcs"
        );
        let proxied = [
            ("host", "x:1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.example.com"),
        ];
        assert_eq!(origin(None, &proxied), "https://chat.example.com/mcs");
    }
}
