//! Actions a second (B-744): exactly so many in any second, counted for each service and each conversation. Off unless
//! the owner of the server wants it (B-748).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use confab_types::{ConversationSid, ServiceSid, Timestamp};

/// What actions are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// Conversations made and deleted, users, roles.
    Service(ServiceSid),
    /// Changes of a conversation, its participants and messages.
    Conversation(ConversationSid),
}

/// The times of what happened within the last second, for limits that hold in any second: there is no bucket that
/// refills meanwhile, and no clock second that begins anew.
#[derive(Debug, Default)]
pub struct LastSecond {
    times: VecDeque<i64>,
}

impl LastSecond {
    /// Whether one more may happen now without the second having more than `most`. Nothing is counted by asking.
    ///
    /// `now` is to be read while nobody else can count: a time from before a wait for a lock is older than what was
    /// counted meanwhile.
    pub fn has_room(&mut self, most: usize, now: Timestamp) -> bool {
        // A clock that is set back must not hold anybody up until it is where it was.
        while self
            .times
            .front()
            .is_some_and(|first| !(0..SECOND).contains(&(now.0 - first)))
        {
            self.times.pop_front();
        }
        self.times.len() < most
    }

    /// Counts what happens now.
    pub fn count(&mut self, now: Timestamp) {
        self.times.push_back(now.0);
    }

    /// Whether nothing happened within the last second, so that there is nothing to remember.
    #[must_use]
    pub fn is_at_rest(&self, now: Timestamp) -> bool {
        !self
            .times
            .back()
            .is_some_and(|last| (0..SECOND).contains(&(now.0 - last)))
    }
}

/// Remembers the actions of the last second.
pub(crate) struct Pace {
    per_second: usize,
    recent: Mutex<HashMap<Subject, LastSecond>>,
}

/// Subjects that are remembered before those at rest are forgotten.
const CAPACITY: usize = 10_000;
const SECOND: i64 = 1_000_000;

impl Pace {
    pub(crate) fn new(per_second: usize) -> Self {
        Self {
            per_second,
            recent: Mutex::default(),
        }
    }

    /// Counts an action; `false`, and not counted, when the second has had its number.
    pub(crate) fn admits(&self, subject: Subject, clock: impl FnOnce() -> Timestamp) -> bool {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock();
        if recent.len() >= CAPACITY && !recent.contains_key(&subject) {
            recent.retain(|_, actions| !actions.is_at_rest(now));
        }
        let actions = recent.entry(subject).or_default();
        let admitted = actions.has_room(self.per_second, now);
        if admitted {
            actions.count(now);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use confab_types::Sid;

    use super::*;

    #[test]
    fn the_31st_action_in_a_second_is_refused_b744() {
        let pace = Pace::new(30);
        let subject = Subject::Service(ServiceSid::from_bits(1));
        for i in 0..30 {
            assert!(pace.admits(subject, || Timestamp(i * 1000)));
        }
        assert!(!pace.admits(subject, || Timestamp(SECOND - 1)));
        let other = Subject::Conversation(ConversationSid::from_bits(1));
        assert!(pace.admits(other, || Timestamp(SECOND - 1)));
        // The first of them is a second ago now; the refused one was not counted.
        assert!(pace.admits(subject, || Timestamp(SECOND)));
        assert!(!pace.admits(subject, || Timestamp(SECOND + 999)));
        assert!(pace.admits(subject, || Timestamp(SECOND + 1000)));
    }

    #[test]
    fn subjects_at_rest_are_forgotten() {
        let pace = Pace::new(1);
        for i in 0..CAPACITY as u128 {
            assert!(pace.admits(Subject::Service(ServiceSid::from_bits(i)), || Timestamp(0)));
        }
        assert!(
            pace.admits(Subject::Service(ServiceSid::from_bits(u128::MAX)), || Timestamp(
                SECOND
            ))
        );
        assert_eq!(pace.recent.lock().unwrap().len(), 1);
    }

    #[test]
    fn of_many_at_once_as_many_as_may_are_let_through_b744() {
        let pace = Pace::new(1);
        let clock = std::sync::atomic::AtomicI64::new(0);
        let admitted = std::sync::atomic::AtomicUsize::new(0);
        // Each takes a later time than the one before, all of them within one second.
        let next = || Timestamp(clock.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        if pace.admits(Subject::Service(ServiceSid::from_bits(1)), next) {
                            admitted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 1);
    }
}
