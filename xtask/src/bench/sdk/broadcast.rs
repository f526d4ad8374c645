//! What fan-out costs at least: a server that knows nothing but sockets and gives each the same bytes.

use super::{Client, STAMP, put_stamp};
use crate::bench::http::find;
use crate::bench::sdk::{Clients, Receipts};
use anyhow::{Context as _, Result, bail};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio::task::JoinSet;

/// Broadcasts that may wait for a slow socket.
const BACKLOG: usize = 4096;

/// The server, on threads of its own. It ends when it is dropped.
pub(in crate::bench) struct Broadcaster {
    address: SocketAddr,
    frames: Option<Sender<Arc<Vec<u8>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Broadcaster {
    /// Starts it with as many threads as there are processors, as the server under test does.
    pub(in crate::bench) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.into_std()?;
        let address = listener.local_addr()?;
        let (frames, receiver) = channel(BACKLOG);
        // The sender is the only one that lasts, so that dropping it ends the connections.
        let (accepted, weak) = (receiver, frames.downgrade());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else {
                    return;
                };
                let mut end = accepted;
                let mut connections = JoinSet::new();
                loop {
                    tokio::select! {
                        taken = listener.accept() => {
                            if let (Ok((socket, _)), Some(frames)) = (taken, weak.upgrade()) {
                                connections.spawn(serve(socket, frames.subscribe()));
                            }
                        }
                        got = end.recv() => {
                            if matches!(got, Err(tokio::sync::broadcast::error::RecvError::Closed)) {
                                return;
                            }
                        }
                    }
                }
            });
        });
        Ok(Self {
            address,
            frames: Some(frames),
            thread: Some(thread),
        })
    }

    /// Gives bytes to all sockets.
    pub(in crate::bench) fn send(&self, bytes: Vec<u8>) {
        if let Some(frames) = &self.frames {
            // Without sockets there is nobody to miss it.
            let _ = frames.send(Arc::new(bytes));
        }
    }

    /// Connects listeners that do what clients do with what comes: read it, note it, acknowledge it.
    pub(in crate::bench) async fn listeners(&self, count: usize) -> Result<Clients> {
        let receipts = Arc::new(Receipts::default());
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let client = Client::open(self.address, &receipts).await?;
            tasks.spawn(client.listen());
        }
        Ok(Clients {
            tasks,
            receipts,
            known: Vec::new(),
        })
    }
}

impl Drop for Broadcaster {
    fn drop(&mut self) {
        drop(self.frames.take());
        if let Some(thread) = self.thread.take() {
            // It ends by itself; a panic in it has been printed.
            let _ = thread.join();
        }
    }
}

async fn serve(mut socket: TcpStream, mut frames: Receiver<Arc<Vec<u8>>>) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut input = Vec::new();
    while find(&input, b"\r\n\r\n").is_none() {
        if socket.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    socket.write_all(answer.as_bytes()).await?;
    let (mut reader, mut writer) = socket.split();
    let mut ignored = [0; 1024];
    loop {
        tokio::select! {
            read = reader.read(&mut ignored) => {
                if read? == 0 {
                    return Ok(());
                }
            }
            frame = frames.recv() => writer.write_all(&frame?).await?,
        }
    }
}

/// The websocket messages that one stored message makes for a member, as bytes.
pub(in crate::bench) struct Sample {
    bytes: Vec<u8>,
    /// Where its time stands.
    stamp: usize,
}

impl Sample {
    /// Takes those that come to a client behind `cause`.
    pub(in crate::bench) async fn take(
        address: SocketAddr,
        token: &str,
        cause: impl Future<Output = Result<()>>,
    ) -> Result<Self> {
        let (mut client, _) = Client::start(address, token, &Arc::default()).await?;
        cause.await?;
        let mut bytes = Vec::new();
        // A message is an item of the list, and the conversation's new last message.
        for _ in 0..2 {
            bytes.extend(tokio::time::timeout(std::time::Duration::from_secs(10), client.message()).await??);
        }
        const TEXT: &[u8] = b"\"text\":\"";
        let stamp = find(&bytes, TEXT).context("no message came")? + TEXT.len();
        if bytes.len() < stamp + STAMP {
            bail!("a message without stamp");
        }
        Ok(Self { bytes, stamp })
    }

    /// The same with the time of this moment.
    pub(in crate::bench) fn now(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        put_stamp(&mut bytes[self.stamp..self.stamp + STAMP]);
        bytes
    }

    pub(in crate::bench) fn len(&self) -> usize {
        self.bytes.len()
    }
}
