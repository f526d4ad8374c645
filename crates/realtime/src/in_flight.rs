//! Changes that are being made, by what their clients call them: a client whose connection broke may send its change
//! again while the first one still waits for a webhook, which is to be asked once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use confab_domain::Result;
use confab_domain::mutation::Key;
use serde_json::Value;
use tokio::sync::OnceCell;

type Outcome = Arc<OnceCell<Result<Value>>>;

/// The changes with an id that are under way in this server. A connection makes one change at a time, so there are no
/// more of them than connections.
#[derive(Default)]
pub(crate) struct InFlight {
    /// With how many want the outcome.
    by_key: Mutex<HashMap<Key, (usize, Outcome)>>,
}

impl InFlight {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (usize, Outcome)>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change, unless the same one is under way: then its outcome is this one's too, a refusal included. When
    /// the caller who makes it goes away, one of those who wait makes it.
    pub(crate) async fn once(&self, key: &Key, make: impl Future<Output = Result<Value>>) -> Result<Value> {
        let share = self.share(key);
        share.outcome.get_or_init(|| make).await.clone()
    }

    fn share<'a>(&'a self, key: &'a Key) -> Share<'a> {
        let mut map = self.lock();
        let (wanted, outcome) = map.entry(key.clone()).or_default();
        *wanted += 1;
        Share {
            of: self,
            key,
            outcome: Arc::clone(outcome),
        }
    }
}

/// A part in a change; the change is forgotten with the last one.
struct Share<'a> {
    of: &'a InFlight,
    key: &'a Key,
    outcome: Outcome,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut map = self.of.lock();
        if let Some((wanted, _)) = map.get_mut(self.key) {
            *wanted -= 1;
            if *wanted == 0 {
                map.remove(self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use confab_domain::Error;
    use confab_types::Sid as _;
    use futures_util::FutureExt as _;
    use futures_util::future::join;
    use tokio::sync::oneshot;

    use super::*;

    fn key() -> Key {
        Key {
            user: confab_types::UserSid::from_bits(1),
            digest: [7; 16],
        }
    }

    #[tokio::test]
    async fn who_comes_meanwhile_gets_the_outcome_of_the_first() {
        let (all, key) = (InFlight::default(), key());
        for outcome in [Ok(Value::from(1)), Err(Error::code(50056))] {
            let (answer, asked) = oneshot::channel();
            let first = all.once(&key, async { asked.await.unwrap() });
            let second = all.once(&key, async { Ok("made twice".into()) });
            let mut both = Box::pin(join(first, second));
            assert!(both.as_mut().now_or_never().is_none());
            answer.send(outcome.clone()).unwrap();
            assert_eq!(both.await, (outcome.clone(), outcome));
            assert!(all.lock().is_empty(), "nothing stays of what is over");
        }
    }

    #[tokio::test]
    async fn who_waits_makes_the_change_when_the_first_goes_away() {
        let (all, key) = (InFlight::default(), key());
        let mut first = Box::pin(all.once(&key, std::future::pending()));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(all.once(&key, async { Ok(Value::from(2)) }));
        assert!(second.as_mut().now_or_never().is_none(), "it waits");
        drop(first);
        assert_eq!(second.await, Ok(Value::from(2)));
        assert!(all.lock().is_empty());
    }
}
