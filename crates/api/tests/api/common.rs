//! A router over a store of its own, and a caller.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use confab_api::Options;
use confab_domain::{Actor, Limits, account};
use confab_engine::{Clock, Engine, SystemClock, Vault};
use confab_testkit::{TestClock, TestStore};
use confab_types::{AccountSid, Sid};
use serde_json::Value;
use tower::ServiceExt;

pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const OTHER_ACCOUNT: &str = "AC00000000000000000000000000000002";
pub const TOKEN: &str = "a token of the tests";

/// The server of one test.
pub struct Api {
    router: Router,
    auth: Option<String>,
    host: String,
    /// For what no request does.
    pub engine: Engine,
    _store: std::sync::Arc<TestStore>,
}

/// A server with two accounts, called by the first one under the original's host name.
pub async fn api() -> Api {
    api_with(Options::default()).await
}

pub async fn api_with(options: Options) -> Api {
    start(options, Limits::default(), SystemClock).await
}

/// As [`api`] with limits of the test's own.
pub async fn api_with_limits(limits: Limits) -> Api {
    start(Options::default(), limits, SystemClock).await
}

/// As [`api_with_limits`], in a second that does not end.
pub async fn api_limited(limits: Limits) -> Api {
    start(Options::default(), limits, TestClock::new()).await
}

/// As [`api`] with a clock of the test's own.
pub async fn api_at(clock: impl Clock) -> Api {
    start(Options::default(), Limits::default(), clock).await
}

async fn start(options: Options, limits: Limits, clock: impl Clock) -> Api {
    let store = confab_testkit::store().await;
    let engine = Engine::new((*store).clone(), limits, Vault::new(&[7; 32]).unwrap(), clock);
    for sid in [ACCOUNT, OTHER_ACCOUNT] {
        let auth_token = engine.vault().seal(sid, TOKEN).unwrap();
        let ensure = account::Ensure {
            sid: AccountSid::parse(sid).unwrap(),
            auth_token,
            replace_token: false,
        };
        engine.execute(Actor::System, ensure).await.unwrap();
    }
    Api {
        router: confab_api::router(engine.clone(), options),
        engine,
        auth: None,
        host: "conversations.twilio.com".into(),
        _store: std::sync::Arc::new(store),
    }
    .as_caller(ACCOUNT, TOKEN)
}

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The body of an answer that must have succeeded.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The message of an error that must have this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: u64) -> String {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), body["code"].as_u64()),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert_eq!(body["status"], status);
        assert_eq!(
            body["more_info"],
            format!("https://www.twilio.com/docs/errors/{code}")
        );
        body["message"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl Api {
    fn like(&self) -> Self {
        Self {
            router: self.router.clone(),
            auth: self.auth.clone(),
            host: self.host.clone(),
            engine: self.engine.clone(),
            _store: self._store.clone(),
        }
    }

    pub fn as_caller(&self, name: &str, secret: &str) -> Self {
        let auth = format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")));
        Self {
            auth: Some(auth),
            ..self.like()
        }
    }

    pub fn with_auth(&self, auth: Option<&str>) -> Self {
        Self {
            auth: auth.map(str::to_owned),
            ..self.like()
        }
    }

    pub fn on_host(&self, host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..self.like()
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let builder = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host);
        match &self.auth {
            Some(auth) => builder.header("authorization", auth),
            None => builder,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path).body(Body::empty()).unwrap())
            .await
    }

    /// Sends a form that is already encoded.
    pub async fn post_raw(&self, path: &str, form: impl Into<Body>) -> Answer {
        let request = self
            .request("POST", path)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form.into()).unwrap()).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let encoded: Vec<String> = form.iter().map(|(n, v)| format!("{n}={}", encode(v))).collect();
        self.post_raw(path, encoded.join("&")).await
    }

    /// A new resource on the list at a path; the path of the resource.
    pub async fn make(&self, list: &str, form: &[(&str, &str)]) -> String {
        path_of(&self.post(list, form).await.expect(201)["url"])
    }

    /// Asserts that each form is refused with 400 and its code, and that nothing that `paths` show changes by it.
    pub async fn refuse_all(&self, post: &str, paths: &[&str], forms: &[(&[(&str, &str)], u64)]) {
        let mut before = Vec::new();
        for path in paths {
            before.push(self.get(path).await.expect(200));
        }
        for (form, code) in forms {
            let answer = self.post(post, form).await;
            assert_eq!(
                (answer.status.as_u16(), answer.json()["code"].as_u64()),
                (400, Some(*code)),
                "{form:?}: {}",
                answer.text
            );
        }
        for (path, before) in paths.iter().zip(before) {
            assert_eq!(self.get(path).await.expect(200), before);
        }
    }

    /// The SIDs of a list, by pages of a size.
    pub async fn sids(&self, list: &str, key: &str, size: usize) -> Vec<String> {
        let mark = if list.contains('?') { '&' } else { '?' };
        let mut at = format!("{list}{mark}PageSize={size}");
        let mut seen = Vec::new();
        loop {
            let page = self.get(&at).await.expect(200);
            let items = page[key].as_array().unwrap();
            assert!(items.len() <= size);
            seen.extend(items.iter().map(|i| i["sid"].as_str().unwrap().to_owned()));
            if page["meta"]["next_page_url"].is_null() {
                return seen;
            }
            at = path_of(&page["meta"]["next_page_url"]);
        }
    }

    /// Sends a JSON body.
    pub async fn send_json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = self
            .request(method, path)
            .header("content-type", "application/json");
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    /// The path of a new conversation.
    pub async fn conversation(&self, form: &[(&str, &str)]) -> String {
        let made = self.post("/v1/Conversations", form).await.expect(201);
        format!("/v1/Conversations/{}", made["sid"].as_str().unwrap())
    }
}

/// Percent-encoding of everything but letters and digits.
pub fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Path and query of an absolute URL.
#[track_caller]
pub fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap_or_else(|| panic!("no URL: {url}"));
    let rest = url.split_once("://").unwrap().1;
    rest[rest.find('/').unwrap()..].to_owned()
}

/// Names of an object's fields in their order.
pub fn fields(text: &str) -> Vec<String> {
    // `Value` would sort them.
    struct Names;
    impl<'de> serde::de::Visitor<'de> for Names {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut names = Vec::new();
            while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                names.push(name);
            }
            Ok(names)
        }
    }
    serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(text), Names).unwrap()
}
