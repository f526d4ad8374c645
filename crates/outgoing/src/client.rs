//! HTTP clients.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder};
use tokio::sync::OnceCell;

use crate::Guard;

/// Redirects that are followed at most.
const REDIRECTS: usize = 5;
/// Longest time for a connection, unless something else was asked for.
const CONNECT: Duration = Duration::from_secs(5);
/// Connections that are kept open to one host for the next call: as many as webhooks call one host at a time.
const IDLE_PER_HOST: usize = 128;
/// How long they are kept: less than most servers keep theirs.
const IDLE: Duration = Duration::from_secs(20);
/// Kinds of clients that are remembered; more than a team sets by hand.
const KINDS: usize = 32;

/// What is done with an answer that names another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Redirects {
    /// It is followed, and looked at by the guard each time.
    Followed,
    /// It is the answer.
    Kept,
}

fn builder(guard: Guard, redirects: Redirects) -> ClientBuilder {
    let follow = move |attempt: Attempt<'_>| {
        if redirects == Redirects::Kept {
            attempt.stop()
        } else if attempt.previous().len() > REDIRECTS {
            attempt.error("too many redirects")
        } else if guard.allows_url(attempt.url()) {
            attempt.follow()
        } else {
            attempt.error("redirected to an address that must not be called")
        }
    };
    Client::builder()
        .no_proxy()
        .dns_resolver(guard)
        .redirect(Policy::custom(follow))
        .connect_timeout(CONNECT)
        .referer(false)
        .user_agent(concat!("confab/", env!("CARGO_PKG_VERSION")))
}

/// A client for URLs that strangers name: guarded at every hop, without proxy, with a limit of time for the whole.
///
/// # Errors
/// When no TLS can be set up.
pub fn http_client(guard: Guard, within: Duration) -> reqwest::Result<Client> {
    builder(guard, Redirects::Followed)
        .timeout(within)
        .pool_max_idle_per_host(0)
        .build()
}

/// What clients differ in: the longest times are those for connecting and for waiting for bytes.
type Kind = (Redirects, Duration, Duration);

/// Clients for many calls to few places: they keep connections open. The limit of time for the whole is the caller's to
/// set with each request.
pub struct Clients {
    guard: Guard,
    /// Made at the first use of each: most servers never call out, and a client holds all root certificates. Whoever comes
    /// meanwhile waits for it, or a hundred calls at once would make a hundred of them.
    made: Mutex<HashMap<Kind, Arc<OnceCell<Client>>>>,
}

impl Clients {
    /// No client yet.
    #[must_use]
    pub fn new(guard: Guard) -> Self {
        Self {
            guard,
            made: Mutex::default(),
        }
    }

    /// The guard of all of them.
    #[must_use]
    pub fn guard(&self) -> Guard {
        self.guard
    }

    /// A client with the longest times for connecting and for waiting for bytes.
    ///
    /// # Errors
    /// When no TLS can be set up.
    pub async fn client(
        &self,
        redirects: Redirects,
        connect: Duration,
        read: Duration,
    ) -> Result<Client, String> {
        let cell = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (redirects, connect, read);
            if made.len() >= KINDS && !made.contains_key(&key) {
                made.clear();
            }
            Arc::clone(made.entry(key).or_default())
        };
        let guard = self.guard;
        // Root certificates are read from files.
        let make = move || {
            builder(guard, redirects)
                .connect_timeout(connect)
                .read_timeout(read)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .pool_idle_timeout(IDLE)
                .build()
        };
        let client = cell.get_or_try_init(|| async {
            match tokio::task::spawn_blocking(make).await {
                Ok(Ok(client)) => Ok(client),
                Ok(Err(error)) => Err(cause(&error)),
                Err(error) => Err(error.to_string()),
            }
        });
        client.await.cloned()
    }
}

/// The innermost cause of an error, which is what a log needs: the outer ones repeat the URL.
#[must_use]
pub fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A host that leads to an inner address, and what was asked of it.
    async fn answer_once(listener: TcpListener, location: String) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let head = format!("HTTP/1.1 307 Away\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_redirect_does_not_lead_into_the_own_network() {
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = inner.local_addr().unwrap();
        for location in [
            format!("http://{target}/inner"),
            format!("http://localhost:{}/", target.port()),
        ] {
            let outer = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = outer.local_addr().unwrap();
            // Stands for a host of the internet: its name is resolved past the guard.
            let client = builder(Guard::Public, Redirects::Followed)
                .resolve("outer.example", address)
                .build()
                .unwrap();
            let asked = tokio::spawn(answer_once(outer, location.clone()));
            let url = format!("http://outer.example:{}/first", address.port());
            let answer = client.post(url).body("x").send().await;
            assert!(answer.is_err(), "{location} {answer:?}");
            assert!(asked.await.unwrap().starts_with("POST /first "));
        }
        let knocked = std::future::poll_fn(|cx| std::task::Poll::Ready(inner.poll_accept(cx).is_ready()));
        assert!(!knocked.await, "the inner address was called");
    }
}
