//! What waits to be sent to one connection: bounded, and nothing but a pointer while it is empty, since a server has
//! many idle connections.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use confab_domain::Error;
use confab_types::{ConversationSid, KeySid};

use crate::project::Event;

/// What the hub gives a connection.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// An event of an entity that the connection follows.
    Event(Event),
    /// A frame that belongs to no entity (typing): the whole websocket message.
    Frame(bytes::Bytes),
    /// The user is out of a conversation as of this count of his stream.
    Revoked {
        /// The conversation.
        conversation: ConversationSid,
        /// Count of the user's stream.
        user_seq: i64,
    },
    /// The key that signed the connection's token is good no more.
    ShutOut {
        /// The key, which may have been replaced by that of a newer token meanwhile.
        key: KeySid,
        /// What such a token is refused with.
        why: Arc<Error>,
    },
    /// The user was removed.
    UserRemoved,
}

/// Deliveries that may wait. A client that is slower is closed: it reconnects and gets the rest from the rows.
const CAPACITY: usize = 4096;

#[derive(Default)]
struct State {
    queue: VecDeque<Delivery>,
    overflowed: bool,
    /// Woken by the first delivery: those that follow find it awake.
    waiting: Option<Waker>,
}

/// Queue of one connection.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a delivery; never waits.
    pub fn push(&self, delivery: Delivery) {
        let mut state = self.lock();
        if state.overflowed {
            return;
        }
        if state.queue.len() >= CAPACITY {
            state.overflowed = true;
            state.queue = VecDeque::new();
        } else {
            state.queue.push_back(delivery);
        }
        wake(state);
    }

    /// Ends the connection: it comes back and reads what it missed.
    pub fn overflow(&self) {
        let mut state = self.lock();
        state.overflowed = true;
        state.queue = VecDeque::new();
        wake(state);
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.lock().queue.len()
    }

    /// Takes what is there.
    pub fn take_now(&self) -> VecDeque<Delivery> {
        std::mem::take(&mut self.lock().queue)
    }

    /// Waits for deliveries and takes all of them; `None` after an overflow. Only one may wait at a time.
    pub async fn take(&self) -> Option<VecDeque<Delivery>> {
        poll_fn(|cx| self.poll_take(cx)).await
    }

    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<VecDeque<Delivery>>> {
        let mut state = self.lock();
        if state.overflowed {
            return Poll::Ready(None);
        }
        if state.queue.is_empty() {
            state.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Some(std::mem::take(&mut state.queue)))
    }
}

/// Wakes who waits, after the lock: he wants it next.
fn wake(mut state: MutexGuard<'_, State>) {
    let waiting = state.waiting.take();
    drop(state);
    if let Some(waker) = waiting {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Delivery {
        Delivery::Frame(bytes::Bytes::new())
    }

    #[tokio::test]
    async fn a_slow_consumer_is_told_by_an_overflow() {
        let outbox = Outbox::default();
        outbox.push(frame());
        assert_eq!(outbox.take().await.map(|q| q.len()), Some(1));
        for _ in 0..=CAPACITY {
            outbox.push(frame());
        }
        assert!(outbox.take().await.is_none());
    }

    #[tokio::test]
    async fn who_waits_is_woken_whatever_comes() {
        let outbox = Arc::new(Outbox::default());
        let fill: [fn(&Outbox); 2] = [|outbox| outbox.push(frame()), Outbox::overflow];
        for (fill, wanted) in fill.into_iter().zip([Some(1), None]) {
            let waits = tokio::spawn({
                let outbox = Arc::clone(&outbox);
                async move { outbox.take().await.map(|q| q.len()) }
            });
            while outbox.lock().waiting.is_none() {
                tokio::task::yield_now().await;
            }
            fill(&outbox);
            assert_eq!(waits.await.unwrap(), wanted);
        }
    }
}
