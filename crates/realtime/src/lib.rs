//! The websocket that the chat SDK speaks: twilsock frames, requests inside them, and the five Sync entities as live
//! views of the rows (realtime.md).

mod bearers;
mod client_api;
mod connection;
mod continuation;
mod ending;
mod entity;
mod flood;
mod frame;
mod hub;
mod in_flight;
mod limits;
mod origin;
mod outbox;
mod presence;
mod project;
mod registrations;
mod replay;
mod routes;
mod sync_api;
mod upstream;
mod websocket;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::uri::Scheme;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use confab_domain::Actor;
use confab_domain::mutation::Forget;
use confab_engine::Engine;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tungstenite::handshake::server::create_response_with_body;

use websocket::WebSocket;

pub use limits::Limits;
pub use routes::routes;

/// Counters for the metrics page.
#[derive(Debug, Default)]
pub struct Counters {
    /// Initialised connections that are open.
    pub connections: AtomicI64,
    /// Frames from clients.
    pub frames_in: AtomicU64,
    /// Frames to clients.
    pub frames_out: AtomicU64,
    /// Commits that were not given to connections yet, when somebody last asked.
    pub commits_waiting: AtomicU64,
    /// Deliveries that connections have not taken yet, when somebody last asked.
    pub deliveries_waiting: AtomicU64,
}

/// Settings.
#[derive(Clone)]
pub struct Options {
    /// Time between pings; three unanswered ones end a connection.
    pub ping_interval: Duration,
    /// How long before its end a client hears that its token is about to expire.
    pub expiry_notice: Duration,
    /// How long after his last connection a user still counts as online.
    pub offline_grace: Duration,
    /// Greatest websocket message that a client may send.
    pub frame_bytes: usize,
    /// How many connections and requests there may be.
    pub limits: Limits,
    /// Scheme and authority for media links, where the owner has set them.
    pub public_url: Option<(String, String)>,
    /// Whose forwarding headers are believed.
    pub trusted_proxy: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

/// What all connections share.
struct Shared {
    engine: Engine,
    options: Options,
    hub: Arc<hub::Hub>,
    /// Commits that the hub has given to connections.
    taken: watch::Sender<u64>,
    continuation: continuation::Tokens,
    in_flight: in_flight::InFlight,
    presence: Arc<presence::Presence>,
    bearers: Arc<bearers::Bearers>,
    /// None where nothing is limited.
    limiter: Option<Arc<limits::Limiter>>,
    counters: Counters,
    drain: watch::Sender<bool>,
    /// Open sockets, initialised or not.
    open: watch::Sender<usize>,
    next_id: AtomicU64,
}

impl Shared {
    fn next_connection(&self) -> hub::ConnectionId {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until the hub has given out all commits of commands that were answered by now.
    async fn settled(&self) {
        let target = self.engine.commits_published();
        let mut taken = self.taken.subscribe();
        let reached = taken.wait_for(|n| *n >= target);
        // A hub that does not keep up holds no answer back for long.
        let _ = tokio::time::timeout(Duration::from_secs(1), reached).await;
    }

    /// Clients that are sent away together come back spread over some seconds (realtime.md §2.6).
    fn offload_backoff_ms(&self) -> u64 {
        500 + self.next_id.load(Ordering::Relaxed) % 16 * 100
    }
}

/// The realtime face. Cheap to clone.
#[derive(Clone)]
pub struct Realtime {
    shared: Arc<Shared>,
}

impl Realtime {
    /// Starts the tasks that bring commits to connections. Must be called before the first write: commits of before
    /// are known from the rows only.
    #[must_use]
    pub fn start(engine: Engine, options: Options) -> Self {
        let hub = Arc::new(hub::Hub::default());
        let mut commits = engine.commits();
        let before = engine.commits_published();
        let taken = watch::Sender::new(before);
        tokio::spawn({
            let (hub, taken) = (Arc::clone(&hub), taken.clone());
            async move {
                while let Some(commit) = commits.recv().await {
                    hub.commit(commit);
                    taken.send_modify(|n| *n += 1);
                }
            }
        });
        tokio::spawn(Arc::clone(&hub).mend_gaps(engine.clone()));
        let bearers = Arc::new(bearers::Bearers::default());
        let mut changes = engine.credential_changes();
        tokio::spawn({
            let (bearers, engine) = (Arc::clone(&bearers), engine.clone());
            async move {
                while let Some(change) = changes.recv().await {
                    bearers.hear(&engine, change).await;
                }
            }
        });
        tokio::spawn(forget_mutations(engine.clone()));
        let presence = presence::Presence::new(engine.clone(), options.offline_grace);
        Self {
            shared: Arc::new(Shared {
                engine,
                presence,
                bearers,
                limiter: limits::Limiter::new(options.limits),
                options,
                hub,
                taken,
                continuation: continuation::Tokens::default(),
                in_flight: in_flight::InFlight::default(),
                counters: Counters::default(),
                drain: watch::Sender::new(false),
                open: watch::Sender::new(0),
                next_id: AtomicU64::new(1),
            }),
        }
    }

    /// Serves `GET /v3/wsconnect` on any host.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v3/wsconnect", get(connect))
            .with_state(Arc::clone(&self.shared))
    }

    /// The counters, with what waits at this moment.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        let Shared {
            counters, bearers, ..
        } = &*self.shared;
        // Taken first: what is published meanwhile does not make it negative.
        let taken = *self.shared.taken.borrow();
        let commits = self.shared.engine.commits_published().saturating_sub(taken);
        counters.commits_waiting.store(commits, Ordering::Relaxed);
        counters
            .deliveries_waiting
            .store(bearers.waiting(), Ordering::Relaxed);
        counters
    }

    /// Sends all clients away with status 308, which makes them reconnect elsewhere or later; answers when they are
    /// gone or 3 seconds have passed.
    pub async fn drain(&self) {
        self.shared.drain.send_replace(true);
        let mut open = self.shared.open.subscribe();
        let gone = open.wait_for(|n| *n == 0);
        if tokio::time::timeout(Duration::from_secs(3), gone).await.is_err() {
            tracing::warn!(
                connections = *self.shared.open.borrow(),
                "clients did not go in time"
            );
        }
    }
}

/// Time between two looks at answers that need not be remembered any more.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

async fn forget_mutations(engine: Engine) {
    let mut tick = tokio::time::interval(FORGET_EVERY);
    loop {
        tick.tick().await;
        loop {
            match engine.execute(Actor::System, Forget).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "answers of yesterday could not be removed");
                    break;
                }
            }
        }
    }
}

/// Parses bytes as a connection parses a message, and decodes a request in it; for the fuzz targets in `fuzz/`, which
/// see only what is public.
///
/// # Panics
/// When a frame is taken for another one than it says it is.
#[doc(hidden)]
pub fn fuzz_frame(bytes: &[u8]) {
    let Ok(frame) = frame::parse(&bytes::Bytes::copy_from_slice(bytes)) else {
        return;
    };
    assert_eq!(
        frame.payload.len(),
        frame.header.payload_size,
        "a payload has its size"
    );
    if let Some(http) = frame.header.http_request
        && let Some(request) = upstream::Request::read(http, frame.payload)
    {
        assert!(
            request.path.iter().all(|segment| !segment.contains('\0')),
            "no NUL character comes in by a path"
        );
        let _ = request.object();
    }
}

async fn connect(State(shared): State<Arc<Shared>>, mut request: Request) -> Response {
    let response = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let extensions = request.extensions();
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|peer| peer.0.ip());
    let came_by = extensions.get::<Scheme>();
    let origin = origin::media_origin(request.headers(), peer, came_by, &shared.options);
    tokio::spawn(async move {
        // An error is a client that went away.
        let Ok(upgraded) = upgrade.await else { return };
        let socket = WebSocket::new(TokioIo::new(upgraded), shared.options.frame_bytes);
        shared.open.send_modify(|n| *n += 1);
        connection::run(socket, Arc::clone(&shared), origin).await;
        shared.open.send_modify(|n| *n -= 1);
    });
    response
}
