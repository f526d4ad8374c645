//! What a sink is, and how it is reached.

use confab_types::ApiError;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use crate::endpoint::{self, Method};
use crate::error::Error;
use crate::{Result, text};

/// Bytes of a configuration.
const CONFIGURATION_BYTES: usize = 8 * 1024;
/// Bytes of a subject of NATS.
const SUBJECT_BYTES: usize = 255;

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
    Nats {
        /// Its URL.
        server: String,
        /// What events are published under.
        subject: String,
    },
    /// Not by this server.
    Nothing,
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
            Target::Nats {
                server: nats.server,
                subject: nats.subject,
            }
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
    server: String,
    subject: String,
}

fn wrong(what: &str) -> Error {
    ApiError::new(20001)
        .message(format!("Invalid parameter value: SinkConfiguration: {what}"))
        .into()
}

/// Reads the configuration of a sink, and gives what of it is kept.
///
/// # Errors
/// 400/20001 with what is wrong.
pub(super) fn kept(kind: SinkType, given: &str) -> Result<String> {
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
            let server = Url::parse(&nats.server);
            if !server.is_ok_and(|url| matches!(url.scheme(), "nats" | "tls") && url.has_host()) {
                return Err(wrong("server is no address of a NATS server"));
            }
            if !is_subject(&nats.subject) {
                return Err(wrong("subject is none that can be published under"));
            }
            json!({ "server": nats.server, "subject": nats.subject })
        }
        SinkType::Kinesis => with_texts(object, &["arn", "role_arn", "external_id"])?,
        SinkType::Segment => with_texts(object, &["write_key"])?,
        SinkType::Email => with_texts(object, &[])?,
    };
    Ok(shown.to_string())
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
        let kept = kept(kind, &given.to_string()).ok()?;
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
    fn nats_has_a_server_and_a_subject_without_wildcards() {
        let of = |server: &str, subject: &str| json!({ "server": server, "subject": subject });
        for good in [
            of("nats://broker:4222", "a.b-c.d_1"),
            of("tls://u:p@broker", "events"),
        ] {
            assert_eq!(shown(SinkType::Nats, &good).as_ref(), Some(&good), "{good}");
        }
        for bad in [
            of("http://broker", "a"),
            of("broker:4222", "a"),
            of("nats://broker", ""),
            of("nats://broker", "a..b"),
            of("nats://broker", "a.*"),
            of("nats://broker", "a.>"),
            of("nats://broker", "a b"),
            of("nats://broker", &"a".repeat(256)),
            json!({ "server": "nats://broker" }),
        ] {
            assert_eq!(shown(SinkType::Nats, &bad), None, "{bad}");
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
