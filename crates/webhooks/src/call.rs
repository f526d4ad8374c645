//! One call: request, signature, limits of time and size, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_domain::endpoint::Method;
use confab_domain::hook::delivery::FORM;
use confab_engine::Engine;
use confab_outgoing::{Clients, Guard, Redirects, cause};
use confab_types::AccountSid;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, Url};

use crate::nats::Publisher;
use crate::overrides::Overrides;
use crate::signature;

/// Bytes of an answer that are kept for the log.
const LOGGED: usize = 1024;
/// Bytes that are read to the end so that the connection can be used again; of a longer answer the rest is left.
const DRAINED: usize = 64 * 1024;

/// Names the delivery that a call repeats because the account's owner wants it. The token is the event's, so a receiver
/// that has dealt with the event knows it; this header tells it that the repetition is wanted.
pub(crate) const REPLAY_OF: &str = "Confab-Replay-Of";

/// Told of every call: what for, and whether it went well.
pub type Observer = Arc<dyn Fn(&'static str, bool, Duration) + Send + Sync>;

/// What is called.
pub(crate) struct Call<'a> {
    pub(crate) account: AccountSid,
    pub(crate) method: Method,
    /// As it was configured.
    pub(crate) url: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a str,
    /// The same for all tries.
    pub(crate) token: &'a str,
    /// The delivery that it repeats.
    pub(crate) replay_of: Option<i64>,
    /// Tries that were before.
    pub(crate) retries: i64,
    /// What is done with an answer that names another place.
    pub(crate) redirects: Redirects,
    /// Bytes of the answer that count.
    pub(crate) most: usize,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It took too long.
    Timeout,
    /// No connection, or it broke.
    Connection,
    /// It must not be called, or cannot be by its nature.
    Forbidden,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub(crate) struct Came {
    /// The status, or why there is none.
    pub(crate) result: Result<u16, Failure>,
    /// In words, where there is no status.
    pub(crate) error: Option<String>,
    /// Headers of the answer.
    pub(crate) headers: Vec<(String, String)>,
    /// Beginning of the body.
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
    /// How often it was repeated at once.
    pub(crate) repeated: u32,
}

impl Came {
    pub(crate) fn answered(status: u16, body: String) -> Self {
        Self {
            result: Ok(status),
            error: None,
            headers: Vec::new(),
            body: body.into(),
            took: Duration::ZERO,
            repeated: 0,
        }
    }

    pub(crate) fn failed(failure: Failure, error: impl Into<String>) -> Self {
        Self {
            result: Err(failure),
            error: Some(error.into()),
            headers: Vec::new(),
            body: Vec::new(),
            took: Duration::ZERO,
            repeated: 0,
        }
    }

    /// What the log keeps of the body.
    pub(crate) fn logged(&self) -> Option<String> {
        if self.result.is_err() {
            return None;
        }
        let kept = self.body.get(..LOGGED).unwrap_or(&self.body);
        // No row can hold a NUL.
        Some(String::from_utf8_lossy(kept).replace('\0', "\u{fffd}"))
    }
}

/// Makes calls.
pub struct Caller {
    engine: Engine,
    clients: Clients,
    nats: Publisher,
    observer: Observer,
}

impl Caller {
    /// A caller that keeps to a guard.
    #[must_use]
    pub fn new(engine: Engine, guard: Guard, observer: Observer) -> Self {
        Self {
            nats: Publisher::new(engine.clone(), guard),
            engine,
            clients: Clients::new(guard),
            observer,
        }
    }

    /// Calls, and repeats at once what the URL's fragment wants repeated.
    pub(crate) async fn call(&self, what: &'static str, call: &Call<'_>) -> Came {
        let started = Instant::now();
        let overrides = Overrides::of(call.url);
        let mut came = match tokio::time::timeout(overrides.total, self.repeat(call, &overrides)).await {
            Ok(came) => came,
            Err(_) => Came::failed(
                Failure::Timeout,
                format!("no answer within {} ms", overrides.total.as_millis()),
            ),
        };
        came.took = started.elapsed();
        let good = matches!(came.result, Ok(status) if status < 400);
        (self.observer)(what, good, came.took);
        came
    }

    async fn repeat(&self, call: &Call<'_>, overrides: &Overrides) -> Came {
        let mut repeated = 0;
        loop {
            let mut came = self.once(call, overrides, repeated).await;
            came.repeated = repeated;
            let policy = overrides.policy;
            let again = match came.result {
                Err(Failure::Connection) => policy.connect,
                Err(Failure::Timeout) => policy.read,
                Err(Failure::Forbidden) => false,
                Ok(status) if status >= 500 => policy.server_errors,
                Ok(status) if status >= 400 => policy.client_errors,
                Ok(_) => false,
            };
            if !again || repeated >= overrides.retries {
                return came;
            }
            repeated += 1;
        }
    }

    async fn once(&self, call: &Call<'_>, overrides: &Overrides, repeated: u32) -> Came {
        let configured = call.url.split('#').next().unwrap_or_default();
        let Ok(url) = Url::parse(configured) else {
            return Came::failed(Failure::Forbidden, "the URL cannot be called");
        };
        if Publisher::is_meant(&url) {
            return self.nats.publish(call).await;
        }
        if !self.clients.guard().allows_url(&url) {
            return Came::failed(
                Failure::Forbidden,
                "the URL leads to an address that must not be called",
            );
        }
        let signer = match self.engine.credentials(&call.account.to_string()).await {
            Ok(Some(credentials)) => credentials,
            Ok(None) => return Came::failed(Failure::Forbidden, "the account is gone"),
            Err(error) => return Came::failed(Failure::Connection, error.to_string()),
        };
        let client = self
            .clients
            .client(call.redirects, overrides.connect, overrides.read)
            .await;
        let client = match client {
            Ok(client) => client,
            Err(error) => return Came::failed(Failure::Connection, error),
        };
        let request = request(&client, call, configured, signer.secret(), repeated);
        match request.send().await {
            Ok(response) => read(response, call.most).await,
            Err(error) if error.is_timeout() && error.is_connect() => {
                Came::failed(Failure::Connection, "no connection in time")
            }
            Err(error) if error.is_timeout() => Came::failed(Failure::Timeout, "no answer in time"),
            Err(error) if error.is_builder() => Came::failed(Failure::Forbidden, cause(&error)),
            Err(error) => Came::failed(Failure::Connection, cause(&error)),
        }
    }
}

/// The request of a try, signed (B-386, B-390…B-394).
fn request(
    client: &Client,
    call: &Call<'_>,
    configured: &str,
    auth_token: &[u8],
    repeated: u32,
) -> reqwest::RequestBuilder {
    let request = if call.content_type == FORM {
        let count = (call.retries + i64::from(repeated)).to_string();
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(call.body.as_bytes())
            .into_owned()
            .collect();
        pairs.push(("RetryCount".into(), count.clone()));
        let encoded = format!("{}&RetryCount={count}", call.body);
        match call.method {
            Method::Post => client
                .post(configured)
                .header(CONTENT_TYPE, FORM)
                .header(signature::HEADER, signature::sign(auth_token, configured, &pairs))
                .body(encoded),
            Method::Get => {
                let url = with_query(configured, &encoded);
                let signed = signature::sign(auth_token, &url, &[]);
                client.get(url).header(signature::HEADER, signed)
            }
        }
    } else {
        let digest = signature::digest_of(call.body.as_bytes());
        let url = with_query(configured, &format!("bodySHA256={digest}"));
        let signed = signature::sign(auth_token, &url, &[]);
        client
            .post(url)
            .header(CONTENT_TYPE, call.content_type)
            .header(signature::HEADER, signed)
            .body(call.body.to_owned())
    };
    let request = match call.replay_of {
        Some(id) => request.header(REPLAY_OF, id),
        None => request,
    };
    request.header("I-Twilio-Idempotency-Token", call.token)
}

fn with_query(url: &str, query: &str) -> String {
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{url}{joint}{query}")
}

/// Reads an answer as far as it counts. One that never ends is left: the call has a time, and this a size.
async fn read(mut response: Response, most: usize) -> Came {
    let status = response.status().as_u16();
    // Told in alerts only, so taken of failures only.
    let headers = if status >= 400 {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter();
        headers
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect()
    } else {
        Vec::new()
    };
    let mut body = Vec::new();
    let mut length = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        length += chunk.len();
        let room = most.saturating_sub(body.len()).min(chunk.len());
        body.extend(chunk.iter().take(room));
        if length > DRAINED.max(most) {
            break;
        }
    }
    Came {
        result: Ok(status),
        error: None,
        headers,
        body,
        took: Duration::ZERO,
        repeated: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_get_join_the_query_that_is_there_b386() {
        assert_eq!(with_query("http://a.example/x", "b=c"), "http://a.example/x?b=c");
        assert_eq!(with_query("http://a.example/x?", "b=c"), "http://a.example/x?b=c");
        assert_eq!(
            with_query("http://a.example/x?y=z", "b=c"),
            "http://a.example/x?y=z&b=c"
        );
    }
}
