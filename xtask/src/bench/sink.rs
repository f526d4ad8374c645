//! A listener that webhooks call: HTTP/1.1 over kept-alive connections. It answers everything with 200 and nothing.

use super::http::find;
use super::sdk::STAMP;
use super::stats::{Samples, now};
use anyhow::{Context as _, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
/// How long nothing may come before it is taken for lost.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Noted {
    calls: AtomicU64,
    latencies: Mutex<Samples>,
}

/// A running listener; gone when this is dropped.
pub(super) struct Sink {
    pub(super) address: SocketAddr,
    noted: Arc<Noted>,
    accepting: JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Sink {
    /// Listens at an address; port 0 for any.
    pub(super) async fn start(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .context("no port for a listener")?;
        let address = listener.local_addr()?;
        let noted = Arc::<Noted>::default();
        let shared = Arc::clone(&noted);
        let accepting = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // A caller that goes away ends its own connection only.
                open.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Ok(Self {
            address,
            noted,
            accepting,
        })
    }

    pub(super) fn calls(&self) -> u64 {
        self.noted.calls.load(SeqCst)
    }

    /// Waits until as many calls have come in all; gives how many did not come.
    pub(super) async fn wait_for(&self, calls: u64) -> u64 {
        let (mut came, mut since) = (self.calls(), Instant::now());
        while came < calls && since.elapsed() < PATIENCE {
            sleep(LOOK).await;
            let now = self.calls();
            if now > came {
                (came, since) = (now, Instant::now());
            }
        }
        calls.saturating_sub(came)
    }

    /// Times from the stamps in the messages until their calls had come, since the last look.
    pub(super) fn take(&self) -> Samples {
        std::mem::take(
            &mut *self
                .noted
                .latencies
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

async fn serve(mut stream: TcpStream, noted: Arc<Noted>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut input = Vec::with_capacity(8 * 1024);
    loop {
        let end = loop {
            if let Some(head) = find(&input, b"\r\n\r\n") {
                let end = head + 4 + content_length(&input[..head])?;
                if input.len() >= end {
                    break end;
                }
            }
            if stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
        };
        if let Some(sent) = stamp(&input[..end]) {
            let took = Duration::from_nanos(now().saturating_sub(sent));
            let mut latencies = noted.latencies.lock().unwrap_or_else(PoisonError::into_inner);
            latencies.push(took);
        }
        noted.calls.fetch_add(1, SeqCst);
        stream.write_all(ANSWER).await?;
        input.drain(..end);
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head).context("the head of a call is not text")?;
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    Ok(length.unwrap_or("0").parse()?)
}

/// When the message of a call was sent.
fn stamp(call: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"&Body=";
    let start = find(call, NAME)? + NAME.len();
    std::str::from_utf8(call.get(start..start + STAMP)?)
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::http::{Caller, Connection};
    use crate::bench::sdk::put_stamp;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn calls_are_counted_and_timed() {
        let sink = Sink::start((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let mut connection = Connection::open(sink.address).await.unwrap();
        let mut digits = [0; STAMP];
        put_stamp(&mut digits);
        let body = format!("A=b&Body={}&C=d", std::str::from_utf8(&digits).unwrap());
        let caller = Caller::new("a", "b");
        for request in [caller.post("/", &body), caller.get("/")] {
            assert_eq!(connection.exchange(&request).await.unwrap(), 200);
        }
        assert_eq!((sink.calls(), sink.wait_for(2).await), (2, 0));
        assert!(sink.take().summary().is_some());
        assert!(sink.take().summary().is_none());
    }
}
