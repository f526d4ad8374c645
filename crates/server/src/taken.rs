//! A connection whose other side must take what it asked for.
//!
//! Reading has its deadlines elsewhere: the head of a request, its body, a silent upload. Without one for writing, a
//! client that begins a download and reads no more of it would keep the file and the connection for ever.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Longest time in which nothing of what is sent is taken. What the kernel holds for the client counts as taken, and it
/// reports room only when a good part of that is gone, so this is not too short for a slow line.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);

/// A connection that fails when a write, flush or shutdown waits longer than [`TAKEN_WITHIN`] without any progress.
/// Each byte that is taken begins a new wait, so that a slow client may take as long as it needs.
pub(crate) struct Taken<I> {
    io: I,
    /// Made with the first wait: most connections never have one.
    deadline: Option<Pin<Box<Sleep>>>,
    /// What waits since `deadline` was set.
    waits: Option<Verb>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Write,
    Flush,
    Shutdown,
}

impl<I> Taken<I> {
    pub(crate) fn new(io: I) -> Self {
        Self {
            io,
            deadline: None,
            waits: None,
        }
    }

    /// Passes on what came of a verb, unless that has waited too long. A flush that is done says nothing of a write
    /// that waits: TCP has none, and answers at once.
    fn watch<T>(
        &mut self,
        verb: Verb,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            if verb == Verb::Write || self.waits == Some(verb) {
                self.waits = None;
            }
            return outcome;
        }
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(TAKEN_WITHIN)));
        if self.waits.is_none() {
            self.waits = Some(verb);
            deadline.as_mut().reset(Instant::now() + TAKEN_WITHIN);
        }
        match deadline.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client takes nothing of its answer",
            ))),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Taken<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Taken<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.watch(Verb::Write, cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write_vectored(cx, pieces);
        self.watch(Verb::Write, cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_flush(cx);
        self.watch(Verb::Flush, cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_shutdown(cx);
        self.watch(Verb::Shutdown, cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_given_up() {
        let (client, server) = tokio::io::duplex(16);
        let mut server = Taken::new(server);
        let began = Instant::now();
        let error = server.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), TAKEN_WITHIN.as_secs());
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_slowly_gets_all() {
        let (mut client, server) = tokio::io::duplex(16);
        let mut server = Taken::new(server);
        let pause = TAKEN_WITHIN.mul_f32(0.9);
        let sent = tokio::spawn(async move { server.write_all(&[7; 64]).await });
        let mut got = Vec::new();
        while got.len() < 64 {
            tokio::time::sleep(pause).await;
            let mut piece = [0; 4];
            client.read_exact(&mut piece).await.unwrap();
            got.extend(piece);
        }
        sent.await.unwrap().unwrap();
        assert_eq!(got, [7; 64]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_between_answers_is_no_wait() {
        let (mut client, server) = tokio::io::duplex(16);
        let mut server = Taken::new(server);
        for _ in 0..3 {
            // Full, then emptied before the deadline; then nobody asks for longer than it.
            let wait = TAKEN_WITHIN / 2;
            let (sent, ()) = tokio::join!(server.write_all(&[1; 32]), async {
                tokio::time::sleep(wait).await;
                client.read_exact(&mut [0; 32]).await.unwrap();
            });
            sent.unwrap();
            tokio::time::sleep(TAKEN_WITHIN * 2).await;
        }
    }
}
