//! Publish and subscribe of after-commit hints inside one process.
//!
//! A hint may come late or out of order, and losing one must lose nothing: the rows tell the same. Subscribers have
//! bounded queues; a publisher waits for a slow one, which slows writers down instead of growing memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::mpsc;

/// Hints that may wait for one subscriber.
const QUEUE: usize = 65_536;

/// A channel to all subscribers. Cheap to clone.
#[derive(Debug)]
pub struct Bus<T> {
    subscribers: Arc<RwLock<Vec<mpsc::Sender<T>>>>,
    published: Arc<AtomicU64>,
}

impl<T> Clone for Bus<T> {
    fn clone(&self) -> Self {
        Self {
            subscribers: Arc::clone(&self.subscribers),
            published: Arc::clone(&self.published),
        }
    }
}

impl<T> Default for Bus<T> {
    fn default() -> Self {
        Self {
            subscribers: Arc::default(),
            published: Arc::default(),
        }
    }
}

impl<T: Clone> Bus<T> {
    /// A queue of all hints that are published from now on.
    #[must_use]
    pub fn subscribe(&self) -> mpsc::Receiver<T> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.subscribers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
        receiver
    }

    /// How many hints were published: a subscriber of the first hour that has taken so many has seen all of them.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Gives a hint to all subscribers. To be called outside the async runtime: it waits while a queue is full.
    pub fn publish(&self, hint: &T) {
        // Before it is sent: who has taken as many as were published has then taken this one, too.
        self.published.fetch_add(1, Ordering::Release);
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        let mut gone = false;
        for subscriber in subscribers.iter() {
            gone |= subscriber.blocking_send(hint.clone()).is_err();
        }
        drop(subscribers);
        if gone {
            self.subscribers
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|s| !s.is_closed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_subscriber_gets_every_hint_in_order() {
        let bus = Bus::default();
        let (mut a, mut b) = (bus.subscribe(), bus.subscribe());
        let publisher = bus.clone();
        tokio::task::spawn_blocking(move || (0..3).for_each(|n| publisher.publish(&n)))
            .await
            .unwrap();
        for n in 0..3 {
            assert_eq!((a.recv().await, b.recv().await), (Some(n), Some(n)));
        }
    }

    #[tokio::test]
    async fn a_subscriber_that_left_holds_nobody_up() {
        let bus = Bus::default();
        drop(bus.subscribe());
        let mut stays = bus.subscribe();
        let publisher = bus.clone();
        tokio::task::spawn_blocking(move || publisher.publish(&1))
            .await
            .unwrap();
        assert_eq!(stays.recv().await, Some(1));
        assert_eq!(bus.subscribers.read().unwrap().len(), 1);
    }
}
