//! The listener: connections, their limits, and who answers which path.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service as _;

use crate::ops;
use crate::shutdown::Shutdown;

/// Longest time for the head of a request, and so also for a connection without one.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// Longest time from the head of a request to its answer; the body must have come by then.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
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

    async fn answer(&self, request: hyper::Request<Incoming>, peer: SocketAddr) -> Response {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut face = self.of(request.uri().path());
        match tokio::time::timeout(ANSWER_WITHIN, face.call(request)).await {
            Ok(Ok(response)) => response,
            // Closed, because the rest of the body would be taken for the next request.
            Err(_) => (StatusCode::REQUEST_TIMEOUT, [(header::CONNECTION, "close")]).into_response(),
        }
    }
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
pub(crate) async fn accept(listener: TcpListener, faces: Faces, shutdown: Shutdown) -> Connections {
    let connections = Connections {
        drain: watch::Sender::new(()),
    };
    let mut draining = std::pin::pin!(shutdown.draining());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut draining => return connections,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(serve(stream, peer, faces.clone(), connections.drain.subscribe()));
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The client went away between its knock and our answer.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

async fn serve(stream: TcpStream, peer: SocketAddr, faces: Faces, mut drain: watch::Receiver<()>) {
    // Answers are small and complete: to wait for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %peer, "TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let faces = faces.clone();
        async move { Ok::<_, Infallible>(faces.answer(request, peer).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service)
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
