//! Keeps the reader of a form from gathering in memory what it cannot make sense of.
//!
//! It takes all that is ready before it looks at it, and searches it again from its beginning each time. So it is given
//! one piece at a time, and no more than it has handed on and a little.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::BodyDataStream;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::time::Sleep;

/// What the reader may have taken and not handed on.
const AHEAD_BYTES: usize = 256 * 1024;

/// A body on its way to the reader of a form.
pub(super) struct Metered<'a> {
    body: &'a mut BodyDataStream,
    ahead: Ahead,
    gave: bool,
    silence: Duration,
    /// While the sender is waited for: until when.
    patience: Option<Pin<Box<Sleep>>>,
}

/// Bytes that the reader has taken and not handed on. Clones are the same number.
#[derive(Clone, Default)]
pub(super) struct Ahead(Arc<AtomicUsize>);

impl Ahead {
    /// The reader has handed on this much.
    pub(super) fn handed_on(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The reader took more than a form has around its file.
#[derive(Debug)]
pub(super) struct TooMuch;

impl std::fmt::Display for TooMuch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is too much around the file")
    }
}

impl std::error::Error for TooMuch {}

/// The sender sent nothing for too long.
#[derive(Debug)]
pub(super) struct Silent;

impl std::fmt::Display for Silent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the sender fell silent")
    }
}

impl std::error::Error for Silent {}

impl<'a> Metered<'a> {
    /// A body whose sender must send something within `silence`.
    pub(super) fn new(body: &'a mut BodyDataStream, ahead: Ahead, silence: Duration) -> Self {
        Self {
            body,
            ahead,
            gave: false,
            silence,
            patience: None,
        }
    }
}

impl Stream for Metered<'_> {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ahead.0.load(Ordering::Relaxed) > AHEAD_BYTES {
            return Poll::Ready(Some(Err(TooMuch.into())));
        }
        if std::mem::take(&mut self.gave) {
            // It is to look at what it has first.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(next) = self.body.poll_next_unpin(cx) else {
            let silence = self.silence;
            let patience = self
                .patience
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(silence)));
            std::task::ready!(patience.as_mut().poll(cx));
            return Poll::Ready(Some(Err(Silent.into())));
        };
        self.patience = None;
        Poll::Ready(next.map(|piece| {
            let piece = piece?;
            self.ahead.0.fetch_add(piece.len(), Ordering::Relaxed);
            self.gave = true;
            Ok(piece)
        }))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_form_whose_sender_falls_silent_ends() {
        let sent = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"--x"))]);
        let mut body = Body::from_stream(sent.chain(stream::pending())).into_data_stream();
        let mut metered = Metered::new(&mut body, Ahead::default(), Duration::from_millis(20));
        let first = metered.next().await.unwrap().unwrap();
        assert_eq!(first, "--x");
        let error = metered.next().await.unwrap().unwrap_err();
        assert!(error.is::<Silent>(), "{error}");
    }
}
