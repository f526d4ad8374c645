//! What waits to be sent to one connection: bounded, and nothing but a pointer while it is empty, since a server has
//! many idle connections.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use confab_domain::Error;
use confab_types::{ConversationSid, KeySid};
use tokio::sync::Notify;

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
}

/// Queue of one connection.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    waiting: Notify,
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
        drop(state);
        self.waiting.notify_one();
    }

    /// Ends the connection: it comes back and reads what it missed.
    pub fn overflow(&self) {
        let mut state = self.lock();
        state.overflowed = true;
        state.queue = VecDeque::new();
        drop(state);
        self.waiting.notify_one();
    }

    /// Takes what is there.
    pub fn take_now(&self) -> VecDeque<Delivery> {
        std::mem::take(&mut self.lock().queue)
    }

    /// Waits for deliveries and takes all of them; `None` after an overflow.
    pub async fn take(&self) -> Option<VecDeque<Delivery>> {
        loop {
            {
                let mut state = self.lock();
                if state.overflowed {
                    return None;
                }
                if !state.queue.is_empty() {
                    return Some(std::mem::take(&mut state.queue));
                }
            }
            self.waiting.notified().await;
        }
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
}
