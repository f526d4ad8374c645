//! A server that webhooks call.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

use crate::soon;

/// A call that came.
#[derive(Clone, Debug)]
pub struct Call {
    /// HTTP method.
    pub method: Method,
    /// Path and query.
    pub uri: String,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: String,
    /// The parameters of a form, or of the query of a `GET`.
    pub parameters: BTreeMap<String, String>,
}

impl Call {
    /// The event.
    #[must_use]
    pub fn event(&self) -> &str {
        self.parameters.get("EventType").map_or("", String::as_str)
    }

    /// A parameter; none when it was left out.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// A parameter that must be there.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.get(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.parameters))
    }

    /// A header; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    /// Names of all parameters, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.parameters.keys().map(String::as_str).collect()
    }
}

/// What a call is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status and a body.
    With(u16, String),
    /// A redirect to a URL.
    To(u16, String),
    /// Another one, once it is let go.
    Held(Arc<Notify>, Box<Reply>),
    /// Nothing, for ever.
    Never,
}

impl Reply {
    /// 200 with an empty body.
    #[must_use]
    pub fn ok() -> Self {
        Self::With(200, String::new())
    }

    /// 200 with a body.
    #[must_use]
    pub fn body(text: &str) -> Self {
        Self::With(200, text.to_owned())
    }

    /// A status without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::With(status, String::new())
    }
}

type Answers = Arc<Mutex<Box<dyn FnMut(&Call) -> Reply + Send>>>;

#[derive(Clone)]
struct Shared {
    answers: Answers,
    calls: mpsc::UnboundedSender<Call>,
}

/// A server on a free port that notes what it is called with.
pub struct Sink {
    /// Where it listens.
    pub address: SocketAddr,
    answers: Answers,
    calls: mpsc::UnboundedReceiver<Call>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Sink {
    /// A sink that answers everything with 200.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// A sink at an address: one that was away comes back.
    ///
    /// # Panics
    /// When the port is taken.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().unwrap();
        let (sender, calls) = mpsc::unbounded_channel();
        let answers: Answers = Arc::new(Mutex::new(Box::new(|_| Reply::ok())));
        let shared = Shared {
            answers: Arc::clone(&answers),
            calls: sender,
        };
        let router = Router::new().fallback(take).with_state(shared);
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the sink serves");
        });
        Self {
            address,
            answers,
            calls,
            server,
        }
    }

    /// How calls are answered from now on.
    ///
    /// # Panics
    /// When an answer panicked before.
    pub fn answer(&self, answer: impl FnMut(&Call) -> Reply + Send + 'static) {
        *self.answers.lock().unwrap() = Box::new(answer);
    }

    /// A URL of it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next call.
    ///
    /// # Panics
    /// When none comes.
    pub async fn next(&mut self) -> Call {
        soon("a call of a webhook", self.calls.recv())
            .await
            .expect("the sink is there")
    }

    /// The next calls, which must be of these events.
    ///
    /// # Panics
    /// When they are of others, or do not come.
    pub async fn expect(&mut self, events: &[&str]) -> Vec<Call> {
        let mut calls = Vec::new();
        for event in events {
            let call = self.next().await;
            assert_eq!(
                call.event(),
                *event,
                "after {} calls: {:?}",
                calls.len(),
                call.parameters
            );
            calls.push(call);
        }
        calls
    }

    /// A call that has come already.
    pub fn came(&mut self) -> Option<Call> {
        self.calls.try_recv().ok()
    }
}

async fn take(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 16 << 20).await.unwrap_or(Bytes::new());
    let form = if parts.method == Method::GET {
        parts.uri.query().unwrap_or("").as_bytes().to_vec()
    } else {
        body.to_vec()
    };
    let call = Call {
        uri: parts.uri.to_string(),
        parameters: form_urlencoded::parse(&form).into_owned().collect(),
        method: parts.method,
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let mut reply = (shared.answers.lock().unwrap())(&call);
    let _ = shared.calls.send(call);
    while let Reply::Held(go, then) = reply {
        go.notified().await;
        reply = *then;
    }
    let answer = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
    match reply {
        Reply::With(status, body) => answer(status).body(Body::from(body)).unwrap(),
        Reply::To(status, url) => answer(status)
            .header("location", url)
            .body(Body::empty())
            .unwrap(),
        Reply::Held(..) | Reply::Never => std::future::pending().await,
    }
}
