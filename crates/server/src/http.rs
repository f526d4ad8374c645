//! The listener: connections, their limits, and who answers which path.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::uri::Scheme;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;
use tower::Service as _;

use crate::shutdown::Shutdown;
use crate::taken::Taken;
use crate::tls::Tls;
use crate::{ops, proxy};

/// Longest time for the head of a request, and so also for a connection without one.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Longest time for the TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Longest time from the head of a request to its answer; the body must have come by then.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// The same for an upload, which is a body of up to 150 MB over whatever line a phone has.
const UPLOAD_WITHIN: Duration = Duration::from_secs(600);
/// Largest head, and what is read from a connection at once.
const BUFFER: usize = 64 * 1024;
/// Pause after a connection could not be accepted: no file descriptors are left, and some may come free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who answers. Each is a router of its own: a path is looked up once.
#[derive(Clone)]
pub(crate) struct Faces {
    /// Health and metrics.
    pub(crate) ops: Router,
    /// SDK connections.
    pub(crate) realtime: Router,
    /// All products of the REST API, told apart by host and path.
    pub(crate) api: Router,
}

impl Faces {
    fn of(&self, path: &str) -> Router {
        match path {
            "/v3/wsconnect" => self.realtime.clone(),
            path if ops::is_ours(path) => self.ops.clone(),
            _ => self.api.clone(),
        }
    }

    async fn answer(&self, request: hyper::Request<Incoming>, peer: SocketAddr, way: Way) -> Response {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        // Some clients send a whole https:// URL to their proxy, in the clear.
        if way != Way::Plain || request.uri().scheme() == Some(&Scheme::HTTPS) {
            request.extensions_mut().insert(Scheme::HTTPS);
        }
        let mut face = self.of(request.uri().path());
        let within = if request.method() == Method::POST && request.uri().path().ends_with("/Media") {
            UPLOAD_WITHIN
        } else {
            ANSWER_WITHIN
        };
        match tokio::time::timeout(within, face.call(request)).await {
            Ok(Ok(response)) => response,
            // Closed, because the rest of the body would be taken for the next request.
            Err(_) => (StatusCode::REQUEST_TIMEOUT, [(header::CONNECTION, "close")]).into_response(),
        }
    }
}

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// In the clear.
    Plain,
    /// By TLS.
    Tls,
    /// By TLS behind a CONNECT.
    Tunnel,
}

/// Where connections come in.
pub(crate) struct Listeners {
    pub(crate) plain: Option<TcpListener>,
    pub(crate) tls: Option<TcpListener>,
}

/// The open connections, but for those that became websockets. Each holds a receiver until its end.
pub(crate) struct Connections {
    drain: watch::Sender<()>,
}

impl Connections {
    /// Lets requests in flight be answered and closes every connection; resolves when all are gone.
    pub(crate) async fn finish(self) {
        // An error means that there is none.
        let _ = self.drain.send(());
        self.drain.closed().await;
    }
}

/// Accepts connections until the shutdown begins; then resolves with the connections that are still open.
pub(crate) async fn accept(
    listeners: Listeners,
    faces: Faces,
    tls: Option<Arc<Tls>>,
    shutdown: Shutdown,
) -> Connections {
    let connections = Connections {
        drain: watch::Sender::new(()),
    };
    let on = async |listener: Option<TcpListener>, way: Way| {
        let Some(listener) = listener else { return };
        let mut draining = std::pin::pin!(shutdown.draining());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut draining => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let entry = Entry {
                        faces: faces.clone(),
                        tls: tls.clone(),
                        drain: connections.drain.subscribe(),
                    };
                    // Answers are small and complete: to wait for more to send would only delay them.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, %peer, "TCP_NODELAY");
                    }
                    match way {
                        Way::Plain => tokio::spawn(entry.serve(stream, peer, way)),
                        Way::Tls | Way::Tunnel => tokio::spawn(entry.serve_tls(stream, peer, way)),
                    };
                }
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::join!(on(listeners.plain, Way::Plain), on(listeners.tls, Way::Tls));
    connections
}

/// The client went away between its knock and our answer.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// What a connection needs.
#[derive(Clone)]
pub(crate) struct Entry {
    faces: Faces,
    /// The certificate; none when TLS is not set up.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Held until the end of the connection.
    drain: watch::Receiver<()>,
}

impl Entry {
    /// Shakes hands and serves.
    pub(crate) async fn serve_tls<I>(mut self, io: I, peer: SocketAddr, way: Way)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if let Some(stream) = self.shake_hands(io, peer).await {
            self.serve(stream, peer, way).await;
        }
    }

    /// TLS over a connection; none when the client did not manage it in time or the server stops.
    async fn shake_hands<I>(&mut self, io: I, peer: SocketAddr) -> Option<TlsStream<I>>
    where
        I: AsyncRead + AsyncWrite + Unpin,
    {
        let tls = Arc::clone(self.tls.as_ref()?);
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(io)) => shaken,
            _ = self.drain.changed() => return None,
        };
        match shaken {
            Ok(Ok(stream)) => Some(stream),
            // Most often a client that does not trust the certificate.
            Ok(Err(error)) => {
                tracing::debug!(%error, %peer, "TLS");
                None
            }
            Err(_) => None,
        }
    }

    /// Serves requests until the client goes or the server stops.
    async fn serve<I>(self, io: I, peer: SocketAddr, way: Way)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut drain = self.drain.clone();
        let entry = Arc::new(self);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let entry = Arc::clone(&entry);
            async move {
                Ok::<_, Infallible>(match (request.method(), way) {
                    (&Method::CONNECT, Way::Tunnel) => proxy::refused("This is a tunnel already."),
                    (&Method::CONNECT, _) => proxy::connect(request, peer, &entry),
                    _ => entry.faces.answer(request, peer, way).await,
                })
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(Taken::new(io)), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            _ = drain.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // Broken requests and lost connections; of no interest in a healthy server.
            tracing::debug!(%error, %peer, "connection ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::Instant;

    use super::*;
    use crate::config::Config;
    use crate::tls::{DIRECTORY, authority};

    fn entry(api: Router, drain: watch::Receiver<()>) -> Entry {
        Entry {
            faces: Faces {
                ops: Router::new(),
                realtime: Router::new(),
                api,
            },
            tls: None,
            drain,
        }
    }

    /// Tells when a body is dropped.
    struct Held(Arc<AtomicBool>);

    impl Drop for Held {
        fn drop(&mut self) {
            self.0.store(false, Ordering::Relaxed);
        }
    }

    /// Serves one connection whose client has sent `head` and reads nothing: how long it lasts, and whether its body
    /// is held behind that.
    async fn lasts(head: &str) -> (Duration, bool) {
        let held = Arc::new(AtomicBool::new(false));
        let holds = Arc::clone(&held);
        let endless = move || {
            holds.store(true, Ordering::Relaxed);
            let body = Held(Arc::clone(&holds));
            async move {
                let pieces = futures_util::stream::unfold(body, |body| async move {
                    Some((Ok::<_, Infallible>(vec![0_u8; 1024]), body))
                });
                Body::from_stream(pieces)
            }
        };
        let read_all = |body: Body| async move {
            let read = axum::body::to_bytes(body, 1024).await;
            format!("{}", read.is_ok())
        };
        let api = Router::new()
            .route("/endless", axum::routing::get(endless))
            .route("/form", axum::routing::post(read_all));
        let (_drain, received) = watch::channel(());
        let (mut client, server) = tokio::io::duplex(4096);
        client.write_all(head.as_bytes()).await.unwrap();
        let began = Instant::now();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        entry(api, received).serve(server, peer, Way::Plain).await;
        (began.elapsed(), held.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_neither_sends_nor_takes_is_let_go() {
        for (head, seconds) in [
            ("", 30),
            ("GET /endless HTTP/1.1\r\nHost:", 30),
            (
                "POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
                60,
            ),
            ("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n", 60),
        ] {
            let (lasted, held) = lasts(head).await;
            assert_eq!((lasted.as_secs(), held), (seconds, false), "{head}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_shake_hands_is_let_go() {
        let directory = tempfile::tempdir().unwrap();
        authority::init(&directory.path().join(DIRECTORY), &[]).unwrap();
        let (drain, received) = watch::channel(());
        let entry = Entry {
            faces: Faces {
                ops: Router::new(),
                realtime: Router::new(),
                api: Router::new(),
            },
            tls: Tls::open(&Config::default(), directory.path()).unwrap(),
            drain: received,
        };
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let began = tokio::time::Instant::now();
        let (mut client, server) = tokio::io::duplex(64);
        let served = tokio::spawn(entry.clone().serve_tls(server, peer, Way::Tls));
        assert_eq!(
            client.read(&mut [0; 64]).await.unwrap(),
            0,
            "closed without a word"
        );
        served.await.unwrap();
        assert_eq!(began.elapsed().as_secs(), HANDSHAKE_WITHIN.as_secs());

        // A server that stops does not wait for it.
        let (_client, server) = tokio::io::duplex(64);
        let served = tokio::spawn(entry.serve_tls(server, peer, Way::Tls));
        let began = tokio::time::Instant::now();
        drain.send(()).unwrap();
        served.await.unwrap();
        assert!(began.elapsed() < HANDSHAKE_WITHIN);
    }
}
