//! What time it is, and waiting for a time.

use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use confab_types::Timestamp;
use tokio::sync::watch;

use crate::Engine;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Timestamp;

    /// The clock as one that is moved by hand, if it is one.
    fn by_hand(&self) -> Option<&VirtualClock> {
        None
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that goes as the machine's does and can be put forward, for tests and development. Never back: what was
/// written later must not seem earlier.
#[derive(Debug)]
pub struct VirtualClock {
    /// How far it is ahead of the machine's, microseconds.
    ahead: RwLock<i64>,
    moved: watch::Sender<()>,
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self {
            ahead: RwLock::new(0),
            moved: watch::Sender::new(()),
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead.read().unwrap_or_else(PoisonError::into_inner);
        Timestamp(SystemClock.now().0.saturating_add(*ahead))
    }

    fn by_hand(&self) -> Option<&VirtualClock> {
        Some(self)
    }
}

/// The last moment that a clock is put to: dates of five digits are no dates that clients read.
const END: Timestamp = Timestamp(253_402_300_799_000_000);

impl VirtualClock {
    /// Puts the clock to a time that is not before the present; `None` for one that is, or beyond the year 9999.
    fn set(&self, to: Timestamp) -> Option<Timestamp> {
        {
            let mut ahead = self.ahead.write().unwrap_or_else(PoisonError::into_inner);
            let now = SystemClock.now().0.saturating_add(*ahead);
            if to.0 < now || to > END {
                return None;
            }
            *ahead += to.0 - now;
        }
        self.moved.send_replace(());
        Some(to)
    }
}

impl Engine {
    /// Whether the clock can be put forward by hand.
    #[must_use]
    pub fn has_virtual_clock(&self) -> bool {
        self.inner.clock.by_hand().is_some()
    }

    /// Puts a virtual clock forward; `None` when the time lies in the past or too far away, or the clock is the
    /// machine's. Whatever waits for a time looks at it again.
    #[must_use]
    pub fn set_clock(&self, to: Timestamp) -> Option<Timestamp> {
        let now = self.inner.clock.by_hand()?.set(to)?;
        self.inner.jobs.notify_one();
        self.inner.deliveries.notify_one();
        Some(now)
    }

    /// Waits until a time has come, also by a virtual clock that is put forward meanwhile.
    pub async fn until(&self, at: Timestamp) {
        let mut moved = self.inner.clock.by_hand().map(|clock| clock.moved.subscribe());
        loop {
            let left = at.0.saturating_sub(self.now().0);
            if left <= 0 {
                return;
            }
            let left = Duration::from_micros(u64::try_from(left).unwrap_or(0));
            match &mut moved {
                // No other clock is put forward: it is waited for once, whatever it shows then.
                None => return tokio::time::sleep(left).await,
                Some(moved) => {
                    tokio::select! {
                        () = tokio::time::sleep(left) => {}
                        _ = moved.changed() => {}
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_goes_forward_only() {
        let clock = VirtualClock::default();
        let start = clock.now();
        let month = 30 * 86_400 * 1_000_000;
        let later = Timestamp(start.0 + month);
        assert_eq!(clock.set(later), Some(later));
        assert!(clock.now() >= later);
        assert_eq!(clock.set(start), None);
        assert_eq!(clock.set(Timestamp(i64::MAX)), None);
        // It goes on from where it was put.
        assert!(clock.now().0 - later.0 < month);
    }
}
