//! What a sink is, and how it is reached.

use std::fmt;

use confab_types::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use crate::endpoint::{self, Method};
use crate::error::Error;
use crate::{Result, text};

/// Bytes of a configuration.
const CONFIGURATION_BYTES: usize = 8 * 1024;
/// Bytes of a subject of NATS.
const SUBJECT_BYTES: usize = 255;
/// Servers of NATS that a sink names at most; they are tried in their order.
const SERVERS: usize = 10;

/// What a sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkType {
    /// A stream of Amazon Kinesis; this server has no way to it.
    Kinesis,
    /// A URL.
    Webhook,
    /// A source of Segment; this server has no way to it.
    Segment,
    /// A mailbox; this server has no way to it.
    Email,
    /// A subject of a NATS server; not in the original.
    Nats,
}

impl SinkType {
    const ALL: [Self; 5] = [
        Self::Kinesis,
        Self::Webhook,
        Self::Segment,
        Self::Email,
        Self::Nats,
    ];

    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kinesis => "kinesis",
            Self::Webhook => "webhook",
            Self::Segment => "segment",
            Self::Email => "email",
            Self::Nats => "nats",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    /// Whether the server can bring events there.
    pub(super) fn is_reachable(self) -> bool {
        matches!(self, Self::Webhook | Self::Nats)
    }
}

/// How a sink is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By a URL.
    Webhook {
        /// Where.
        destination: String,
        /// How.
        method: Method,
        /// Whether several events may come in one call.
        batch_events: bool,
    },
    /// By a NATS server.
    Nats(Nats),
    /// Not by this server.
    Nothing,
}

/// A subject of a NATS server. How the server is logged in to is no part of it: see [`Login`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nats {
    /// URLs of one server or cluster, at least one; `nats://`, or `tls://` where nothing goes without TLS.
    pub servers: Vec<String>,
    /// What events are published under.
    pub subject: String,
    /// Whether a stream of `JetStream` takes them, which says so for each.
    pub jetstream: bool,
}

impl Nats {
    /// What the log of calls shows: the first server and the subject, without name and password.
    #[must_use]
    pub fn url(&self) -> String {
        let server = self.servers.first().and_then(|server| Url::parse(server).ok());
        server.map_or_else(String::new, |mut url| {
            let _ = (url.set_username(""), url.set_password(None));
            url.set_path(&self.subject);
            url.set_query(None);
            url.set_fragment(None);
            url.into()
        })
    }
}

/// How a NATS server is logged in to: by name and password, or by a token. It is kept sealed and shown to nobody.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Name of a user.
    pub user: Option<String>,
    /// His password.
    pub password: Option<String>,
    /// A token instead of both.
    pub token: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(login)")
    }
}

/// How a sink is reached, by what was kept of its configuration.
///
/// # Errors
/// When that is none that [`kept`] gave.
pub(super) fn of(kind: SinkType, configuration: &str) -> Result<Target> {
    Ok(match kind {
        SinkType::Webhook => {
            let webhook: WebhookConfiguration = text::of_json(configuration)?;
            Target::Webhook {
                destination: webhook.destination,
                method: webhook.method.map_or(Ok(Method::Post), |m| Method::parse(&m))?,
                batch_events: webhook.batch_events.unwrap_or(true),
            }
        }
        SinkType::Nats => {
            let nats: NatsConfiguration = text::of_json(configuration)?;
            Target::Nats(Nats {
                jetstream: nats.jetstream.unwrap_or(false),
                servers: nats.urls(),
                subject: nats.subject,
            })
        }
        SinkType::Kinesis | SinkType::Segment | SinkType::Email => Target::Nothing,
    })
}

#[derive(Deserialize)]
struct WebhookConfiguration {
    destination: String,
    method: Option<String>,
    batch_events: Option<bool>,
}

#[derive(Deserialize)]
struct NatsConfiguration {
    server: Option<String>,
    servers: Option<Vec<String>>,
    subject: String,
    jetstream: Option<bool>,
    #[serde(flatten)]
    login: Login,
}

impl NatsConfiguration {
    /// `server` may name several too, as clients of NATS write them: with commas.
    fn urls(&self) -> Vec<String> {
        let one = self.server.iter().flat_map(|server| server.split(','));
        let many = self.servers.iter().flatten().map(String::as_str);
        one.chain(many).map(|url| url.trim().to_owned()).collect()
    }

    /// What is shown, and how the server is logged in to.
    fn read(self) -> Result<(Value, Option<Login>)> {
        let mut login = self.login.clone();
        let mut servers = Vec::new();
        for text in self.urls() {
            let url = Url::parse(&text).ok();
            let mut url = url
                .filter(|url| matches!(url.scheme(), "nats" | "tls") && url.has_host())
                .ok_or_else(|| wrong("server is no address of a NATS server"))?;
            login.take(&mut url)?;
            servers.push(url.to_string());
        }
        if servers.is_empty() || servers.len() > SERVERS {
            return Err(wrong("server and subject are wanted"));
        }
        if !is_subject(&self.subject) {
            return Err(wrong("subject is none that can be published under"));
        }
        if login.token.is_some() && login.user.is_some() {
            return Err(wrong("user and token exclude each other"));
        }
        if login.user.is_some() != login.password.is_some() {
            return Err(wrong("user and password belong together"));
        }
        let jetstream = self.jetstream.unwrap_or(false);
        let shown = match servers.as_slice() {
            [server] => json!({ "server": server, "subject": self.subject, "jetstream": jetstream }),
            _ => json!({ "servers": servers, "subject": self.subject, "jetstream": jetstream }),
        };
        Ok((shown, (login != Login::default()).then_some(login)))
    }
}

impl Login {
    /// Takes name and password out of a URL; a name alone is a token, as in the URLs of other clients of NATS.
    fn take(&mut self, url: &mut Url) -> Result<()> {
        if url.username().is_empty() && url.password().is_none() {
            return Ok(());
        }
        let decoded = |text: &str| {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
            decoded.map_or_else(|_| text.to_owned(), |text| text.into_owned())
        };
        let found = match url.password() {
            Some(password) => Self {
                user: Some(decoded(url.username())),
                password: Some(decoded(password)),
                token: None,
            },
            None => Self {
                token: Some(decoded(url.username())),
                ..Self::default()
            },
        };
        if *self != Self::default() && *self != found {
            return Err(wrong("the servers have different logins"));
        }
        *self = found;
        let _ = (url.set_username(""), url.set_password(None));
        Ok(())
    }
}

fn wrong(what: &str) -> Error {
    ApiError::new(20001)
        .message(format!("Invalid parameter value: SinkConfiguration: {what}"))
        .into()
}

/// Reads the configuration of a sink, and gives what of it is kept in the clear, and what only sealed.
///
/// # Errors
/// 400/20001 with what is wrong.
pub(super) fn kept(kind: SinkType, given: &str) -> Result<(String, Option<Login>)> {
    if given.len() > CONFIGURATION_BYTES {
        return Err(wrong("it is too long"));
    }
    let object: Map<String, Value> =
        serde_json::from_str(given).map_err(|_| wrong("a JSON object is wanted"))?;
    let shown = match kind {
        SinkType::Webhook => {
            let webhook: WebhookConfiguration = serde_json::from_value(Value::Object(object))
                .map_err(|_| wrong("destination, method and batch_events are wanted"))?;
            endpoint::check_url(&webhook.destination).map_err(|_| wrong("destination is no web address"))?;
            let method = webhook.method.map_or(Ok(Method::Post), |m| Method::parse(&m));
            json!({
                "destination": webhook.destination,
                "method": method.map_err(|_| wrong("method is neither GET nor POST"))?.upper(),
                "batch_events": webhook.batch_events.unwrap_or(true),
            })
        }
        SinkType::Nats => {
            let nats: NatsConfiguration = serde_json::from_value(Value::Object(object))
                .map_err(|_| wrong("server and subject are wanted"))?;
            let (shown, login) = nats.read()?;
            return Ok((shown.to_string(), login));
        }
        SinkType::Kinesis => with_texts(object, &["arn", "role_arn", "external_id"])?,
        SinkType::Segment => with_texts(object, &["write_key"])?,
        SinkType::Email => with_texts(object, &[])?,
    };
    Ok((shown.to_string(), None))
}

/// An object as it is, if it has these texts.
fn with_texts(object: Map<String, Value>, names: &[&str]) -> Result<Value> {
    for name in names {
        let value = object.get(*name).and_then(Value::as_str);
        if value.is_none_or(str::is_empty) {
            return Err(wrong(&format!("{name} is wanted")));
        }
    }
    if object.is_empty() {
        return Err(wrong("it is empty"));
    }
    Ok(Value::Object(object))
}

/// A subject of NATS without wildcards.
fn is_subject(text: &str) -> bool {
    text.len() <= SUBJECT_BYTES
        && text.split('.').all(|token| {
            !token.is_empty()
                && !token.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: SinkType, given: &Value) -> Option<Value> {
        let (kept, _) = kept(kind, &given.to_string()).ok()?;
        serde_json::from_str(&kept).ok()
    }

    #[test]
    fn a_webhook_has_a_web_address_a_method_and_maybe_batches() {
        let wanted =
            json!({ "destination": "https://example.com/x", "method": "POST", "batch_events": true });
        for given in [
            json!({ "destination": "https://example.com/x" }),
            json!({ "destination": "https://example.com/x", "method": "post", "other": 1 }),
            json!({ "destination": "https://example.com/x", "batch_events": null }),
        ] {
            assert_eq!(
                shown(SinkType::Webhook, &given).as_ref(),
                Some(&wanted),
                "{given}"
            );
        }
        for given in [
            json!({}),
            json!([]),
            json!("x"),
            json!({ "destination": "example.com" }),
            json!({ "destination": 1 }),
            json!({ "destination": "https://example.com", "method": "PUT" }),
            json!({ "destination": "https://example.com", "batch_events": "maybe" }),
            json!({ "destination": format!("https://example.com/{}", "x".repeat(9000)) }),
        ] {
            assert_eq!(shown(SinkType::Webhook, &given), None, "{given}");
        }
    }

    #[test]
    fn nats_has_servers_and_a_subject_without_wildcards() {
        let of = |server: &str, subject: &str| json!({ "server": server, "subject": subject });
        for (given, wanted) in [
            (
                of("nats://broker:4222", "a.b-c.d_1"),
                json!({ "server": "nats://broker:4222", "subject": "a.b-c.d_1", "jetstream": false }),
            ),
            (
                json!({ "servers": ["tls://a", "tls://b:1"], "subject": "e", "jetstream": true }),
                json!({ "servers": ["tls://a", "tls://b:1"], "subject": "e", "jetstream": true }),
            ),
            (
                of("nats://a, nats://b", "e"),
                json!({ "servers": ["nats://a", "nats://b"], "subject": "e", "jetstream": false }),
            ),
        ] {
            assert_eq!(shown(SinkType::Nats, &given).as_ref(), Some(&wanted), "{given}");
        }
        for bad in [
            of("http://broker", "a"),
            of("broker:4222", "a"),
            of("nats://broker,", "a"),
            of("nats://broker", ""),
            of("nats://broker", "a..b"),
            of("nats://broker", "a.*"),
            of("nats://broker", "a.>"),
            of("nats://broker", "a b"),
            of("nats://broker", &"a".repeat(256)),
            json!({ "server": "nats://broker" }),
            json!({ "subject": "a" }),
            json!({ "servers": [], "subject": "a" }),
            json!({ "servers": vec!["nats://a"; 11], "subject": "a" }),
            json!({ "server": "nats://a", "subject": "a", "jetstream": "yes" }),
            json!({ "server": "nats://a", "subject": "a", "user": "u" }),
            json!({ "server": "nats://a", "subject": "a", "token": "t", "user": "u", "password": "p" }),
            json!({ "servers": ["nats://u:p@a", "nats://u:q@b"], "subject": "a" }),
        ] {
            assert_eq!(shown(SinkType::Nats, &bad), None, "{bad}");
        }
    }

    #[test]
    fn a_login_of_nats_is_kept_apart() {
        let token = Login {
            token: Some("t".into()),
            ..Login::default()
        };
        let user = Login {
            user: Some("u".into()),
            password: Some("p@".into()),
            token: None,
        };
        for (given, wanted) in [
            (json!({ "server": "nats://a:1", "subject": "s" }), None),
            (json!({ "server": "nats://t@a:1", "subject": "s" }), Some(&token)),
            (
                json!({ "server": "nats://a:1", "subject": "s", "token": "t" }),
                Some(&token),
            ),
            (
                json!({ "server": "nats://u:p%40@a:1", "subject": "s" }),
                Some(&user),
            ),
            (
                json!({ "server": "nats://a:1", "subject": "s", "user": "u", "password": "p@" }),
                Some(&user),
            ),
        ] {
            let (shown, login) = kept(SinkType::Nats, &given.to_string()).unwrap();
            assert_eq!(login.as_ref(), wanted, "{given}");
            let Target::Nats(target) = of(SinkType::Nats, &shown).unwrap() else {
                panic!("{given}")
            };
            assert_eq!(target.servers, ["nats://a:1"], "{given}");
            assert_eq!(target.url(), "nats://a:1/s", "{given}");
            assert!(!format!("{login:?}").contains("p@"), "{given}");
        }
    }

    #[test]
    fn what_the_server_has_no_way_to_is_kept_as_it_is() {
        let kinesis = json!({ "arn": "arn:aws:kinesis:x", "role_arn": "arn:aws:iam:y", "external_id": "7" });
        assert_eq!(shown(SinkType::Kinesis, &kinesis).as_ref(), Some(&kinesis));
        let segment = json!({ "write_key": "k" });
        assert_eq!(shown(SinkType::Segment, &segment).as_ref(), Some(&segment));
        assert_eq!(shown(SinkType::Kinesis, &segment), None);
        assert_eq!(shown(SinkType::Segment, &json!({ "write_key": "" })), None);
        assert_eq!(shown(SinkType::Email, &json!({})), None);
    }
}
