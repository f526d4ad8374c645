//! A websocket that holds no buffers while nothing is under way. The library does the protocol; it keeps the buffers of
//! the biggest message for the life of its state, which for ten thousand idle clients is most of what they take. So its
//! state is made when bytes come or go, and dropped when all of them were dealt with.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
pub(crate) use tungstenite::{Error, Message};

/// Bytes that are read at once.
const READ_BUFFER: usize = 4096;
/// Bytes that are gathered before a system call: a message makes two frames, which go out together.
const WRITE_BUFFER: usize = 4096;
/// Most bytes that wait inside the websocket for a slow socket.
const WRITE_BUFFER_LIMIT: usize = 4 * 1024 * 1024;

/// The server's side of a websocket over a stream.
pub(crate) struct WebSocket<I> {
    io: I,
    /// Greatest message that is taken.
    limit: usize,
    /// None while nothing is under way.
    active: Option<Box<Active>>,
    /// Whether receiving has failed: the library must not be asked for more then.
    ended: bool,
}

/// The library's state.
struct Active {
    context: WebSocketContext,
    /// Bytes that were read.
    read: u64,
    /// Bytes that the messages given out took at least. A message in several parts, or with a longer length than it
    /// needs, took more. So when the two are equal there is nothing in the library's buffer, and never while there is.
    given: u64,
}

impl<I: AsyncRead + AsyncWrite + Unpin> WebSocket<I> {
    /// A websocket after its handshake, which takes messages of up to `limit` bytes.
    pub(crate) fn new(io: I, limit: usize) -> Self {
        Self {
            io,
            limit,
            active: None,
            ended: false,
        }
    }

    fn config(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(WRITE_BUFFER_LIMIT)
            .max_message_size(Some(self.limit))
            .max_frame_size(Some(self.limit))
    }

    /// The next message. Pings are answered. Nothing is lost when it is not waited for to the end.
    ///
    /// # Errors
    /// The other side broke the protocol or the connection; also that it was closed in order.
    pub(crate) async fn receive(&mut self) -> Result<Message, Error> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        if self.ended {
            return Poll::Ready(Err(Error::AlreadyClosed));
        }
        if self.active.is_none() {
            ready!(self.poll_wake(cx)).inspect_err(|_| self.ended = true)?;
        }
        let got = self.poll_with(cx, |context, io| context.read(io));
        match (&got, &mut self.active) {
            (Poll::Ready(Ok(message)), Some(active)) => active.given += least(message),
            (Poll::Ready(Err(_)), _) => self.ended = true,
            (Poll::Pending, _) => self.rest(cx),
            (Poll::Ready(Ok(_)), None) => {}
        }
        got
    }

    /// Waits for the first bytes without a buffer of its own.
    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut bytes = [MaybeUninit::uninit(); READ_BUFFER];
        let mut buffer = ReadBuf::uninit(&mut bytes);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
        let first = buffer.filled();
        if first.is_empty() {
            return Poll::Ready(Err(ProtocolError::ResetWithoutClosingHandshake.into()));
        }
        let read = first.len() as u64;
        let config = Some(self.config());
        self.active = Some(Box::new(Active {
            context: WebSocketContext::from_partially_read(first.to_vec(), Role::Server, config),
            read,
            given: 0,
        }));
        Poll::Ready(Ok(()))
    }

    /// Drops the library's state, unless there is something in it.
    fn rest(&mut self, cx: &mut Context<'_>) {
        let is_idle = |active: &Active| {
            let context = &active.context;
            active.read == active.given && context.can_read() && context.can_write()
        };
        // An answer to a ping may wait in it, or what was not flushed.
        if self.active.as_deref().is_some_and(is_idle)
            && matches!(
                self.poll_with(cx, |context, io| context.flush(io)),
                Poll::Ready(Ok(()))
            )
        {
            self.active = None;
        }
    }

    /// Adds a message to those that are sent. It may be sent with a later one or by [`flush`](Self::flush) only.
    ///
    /// # Errors
    /// The connection broke or was closed.
    pub(crate) async fn feed(&mut self, bytes: Bytes) -> Result<(), Error> {
        let mut message = Some(Message::Binary(bytes));
        poll_fn(|cx| {
            self.poll_with(cx, |context, io| match message.take() {
                Some(message) => context.write(io, message),
                // The library has taken it, and waits for room.
                None => context.flush(io),
            })
        })
        .await
    }

    /// Sends what was added.
    ///
    /// # Errors
    /// The connection broke or was closed.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_with(cx, |context, io| context.flush(io))).await
    }

    /// Says goodbye, or answers the other side's.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) async fn close(&mut self) -> Result<(), Error> {
        let closed = poll_fn(|cx| self.poll_with(cx, |context, io| context.close(io, None))).await;
        match closed {
            Err(Error::ConnectionClosed) => Ok(()),
            other => other,
        }
    }

    /// Lets the library do something; pending when it waits for the connection.
    fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut WebSocketContext, &mut Blocking<'_, '_, I>) -> Result<T, Error>,
    ) -> Poll<Result<T, Error>> {
        let config = self.config();
        let active = self.active.get_or_insert_with(|| {
            Box::new(Active {
                context: WebSocketContext::new(Role::Server, Some(config)),
                read: 0,
                given: 0,
            })
        });
        let mut io = Blocking {
            io: &mut self.io,
            cx,
            read: &mut active.read,
        };
        match act(&mut active.context, &mut io) {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            done => Poll::Ready(done),
        }
    }
}

/// Bytes that a message took on the wire at least.
fn least(message: &Message) -> u64 {
    const MASK: u64 = 4;
    let length = message.len() as u64;
    let head = match length {
        0..126 => 2,
        126..0x1_0000 => 4,
        _ => 10,
    };
    head + MASK + length
}

/// The connection as the library wants it: an error instead of waiting.
struct Blocking<'a, 'c, I> {
    io: &'a mut I,
    cx: &'a mut Context<'c>,
    read: &'a mut u64,
}

fn or_would_block<T>(outcome: Poll<io::Result<T>>) -> io::Result<T> {
    match outcome {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl<I: AsyncRead + Unpin> Read for Blocking<'_, '_, I> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        or_would_block(Pin::new(&mut *self.io).poll_read(self.cx, &mut buffer))?;
        let count = buffer.filled().len();
        *self.read += count as u64;
        Ok(count)
    }
}

impl<I: AsyncWrite + Unpin> Write for Blocking<'_, '_, I> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.io).poll_write(self.cx, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        or_would_block(Pin::new(&mut *self.io).poll_flush(self.cx))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const BINARY: u8 = 0x82;
    const PING: u8 = 0x89;
    const LIMIT: usize = 1 << 20;

    fn pair(room: usize) -> (DuplexStream, WebSocket<DuplexStream>) {
        let (client, server) = duplex(room);
        (client, WebSocket::new(server, LIMIT))
    }

    fn with_length(first: u8, mask: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match u16::try_from(payload.len()) {
            Ok(length @ ..126) => bytes.push(mask | u8::try_from(length).unwrap()),
            Ok(length) => {
                bytes.push(mask | 126);
                bytes.extend(length.to_be_bytes());
            }
            Err(_) => {
                bytes.push(mask | 127);
                bytes.extend((payload.len() as u64).to_be_bytes());
            }
        }
        bytes
    }

    /// What a client sends.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [7, 77, 177, 1];
        let mut bytes = with_length(first, 0x80, payload);
        bytes.extend(mask);
        bytes.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        bytes
    }

    /// What a server sends.
    fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = with_length(first, 0, payload);
        bytes.extend(payload);
        bytes
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
    }

    /// What is there, without waiting for more.
    async fn received(socket: &mut WebSocket<DuplexStream>) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Poll::Ready(message) = poll_fn(|cx| Poll::Ready(socket.poll_receive(cx))).await {
            messages.push(message.unwrap());
        }
        messages
    }

    #[tokio::test]
    async fn messages_cut_anywhere_arrive_and_leave_no_buffer_behind() {
        let payloads = [text(3), text(300), text(125), text(126), Vec::new()];
        let bytes = payloads
            .iter()
            .flat_map(|payload| masked(BINARY, payload))
            .collect::<Vec<u8>>();
        let wanted = payloads
            .iter()
            .map(|payload| Message::binary(payload.clone()))
            .collect::<Vec<_>>();
        for cut in 0..=bytes.len() {
            let (mut client, mut socket) = pair(LIMIT);
            client.write_all(&bytes[..cut]).await.unwrap();
            let mut got = received(&mut socket).await;
            let whole = payloads[..got.len()]
                .iter()
                .map(|payload| masked(BINARY, payload).len())
                .sum::<usize>();
            assert_eq!(
                socket.active.is_none(),
                whole == cut,
                "{cut}: only a part needs a buffer"
            );
            client.write_all(&bytes[cut..]).await.unwrap();
            got.extend(received(&mut socket).await);
            assert_eq!(got, wanted, "cut at {cut}");
            assert!(socket.active.is_none(), "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn a_great_message_and_many_small_ones_are_sent_whole_while_others_come() {
        let (client, mut socket) = pair(64);
        let payloads: Vec<Vec<u8>> = std::iter::once(text(700_000))
            .chain((0..500).map(|n| text(n % 200)))
            .collect();
        let wanted: Vec<u8> = payloads
            .iter()
            .flat_map(|payload| plain(BINARY, payload))
            .collect();
        let (mut reader, mut writer) = tokio::io::split(client);
        let sent = tokio::spawn(async move {
            for n in 0..500 {
                writer.write_all(&masked(BINARY, &text(n))).await.unwrap();
            }
            writer
        });
        let count = wanted.len();
        let came = tokio::spawn(async move {
            let mut bytes = vec![0; count];
            reader.read_exact(&mut bytes).await.unwrap();
            (bytes, reader)
        });
        let mut got = Vec::new();
        for payload in payloads {
            socket.feed(payload.into()).await.unwrap();
            socket.flush().await.unwrap();
            if got.len() < 500 {
                got.push(socket.receive().await.unwrap());
            }
        }
        let (bytes, _reader) = came.await.unwrap();
        assert!(bytes == wanted, "the bytes of all messages in their order");
        let expected: Vec<_> = (0..500).map(|n| Message::binary(text(n))).collect();
        assert_eq!(got, expected);
        let _writer = sent.await.unwrap();
        assert_eq!(received(&mut socket).await, []);
        assert!(socket.active.is_none());
    }

    #[tokio::test]
    async fn a_ping_is_answered_before_the_buffers_go() {
        let (mut client, mut socket) = pair(64);
        client.write_all(&masked(PING, b"there?")).await.unwrap();
        let ping = Message::Ping(Bytes::from_static(b"there?"));
        assert_eq!(received(&mut socket).await, [ping]);
        assert!(socket.active.is_none());
        let mut pong = [0; 8];
        client.read_exact(&mut pong).await.unwrap();
        assert_eq!(pong, *b"\x8a\x06there?");
    }

    #[tokio::test]
    async fn buffers_stay_while_an_answer_waits_for_room() {
        let (mut client, mut socket) = pair(16);
        let filling = plain(BINARY, &text(14));
        socket.feed(text(14).into()).await.unwrap();
        socket.flush().await.unwrap();
        client.write_all(&masked(PING, b"hm")).await.unwrap();
        assert_eq!(received(&mut socket).await.len(), 1);
        assert!(socket.active.is_some(), "the pong has no room yet");
        let mut bytes = vec![0; filling.len()];
        client.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, filling);
        assert_eq!(received(&mut socket).await, []);
        let mut pong = [0; 4];
        client.read_exact(&mut pong).await.unwrap();
        assert_eq!(pong, *b"\x8a\x02hm");
        assert!(socket.active.is_none());
    }

    #[tokio::test]
    async fn messages_in_parts_and_with_longer_lengths_than_needed_arrive_too() {
        let (mut client, mut socket) = pair(LIMIT);
        let mut bytes = masked(0x02, b"in ");
        bytes.extend(masked(PING, b"between"));
        bytes.extend(masked(0x80, b"parts"));
        bytes.extend([BINARY, 0x80 | 126, 0, 2, 0, 0, 0, 0, b'h', b'i']);
        bytes.extend(masked(BINARY, b"end"));
        for cut in 0..bytes.len() {
            client.write_all(&bytes[..cut]).await.unwrap();
            let mut got = received(&mut socket).await;
            client.write_all(&bytes[cut..]).await.unwrap();
            got.extend(received(&mut socket).await);
            let got: Vec<_> = got.into_iter().map(Message::into_data).collect();
            assert_eq!(got, ["between", "in parts", "hi", "end"], "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn a_message_that_is_too_great_ends_the_websocket() {
        for (size, fits) in [(LIMIT, true), (LIMIT + 1, false)] {
            let (mut client, mut socket) = pair(2 * LIMIT);
            client.write_all(&masked(BINARY, &text(size))).await.unwrap();
            assert_eq!(socket.receive().await.is_ok(), fits, "{size}");
            if !fits {
                client.write_all(&masked(BINARY, b"more")).await.unwrap();
                assert!(matches!(socket.receive().await, Err(Error::AlreadyClosed)));
            }
            socket.close().await.unwrap();
            drop(socket);
            let mut bytes = Vec::new();
            client.read_to_end(&mut bytes).await.unwrap();
            assert_eq!(bytes, [0x88, 0], "a close frame, also of a websocket at rest");
        }
    }

    #[tokio::test]
    async fn a_goodbye_is_answered_and_an_end_without_one_is_an_error() {
        let (mut client, mut socket) = pair(64);
        client
            .write_all(&masked(0x88, &1000_u16.to_be_bytes()))
            .await
            .unwrap();
        assert!(matches!(socket.receive().await, Ok(Message::Close(_))));
        socket.close().await.unwrap();
        drop(socket);
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, [0x88, 2, 3, 232]);

        let (client, mut socket) = pair(64);
        drop(client);
        assert!(socket.receive().await.is_err());
    }
}
