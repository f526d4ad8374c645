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

/// Remembers the actions of the last second.
pub(crate) struct Pace {
    per_second: usize,
    recent: Mutex<HashMap<Subject, VecDeque<i64>>>,
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
    pub(crate) fn admits(&self, subject: Subject, now: Timestamp) -> bool {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= CAPACITY && !recent.contains_key(&subject) {
            recent.retain(|_, times| {
                times
                    .back()
                    .is_some_and(|last| (0..SECOND).contains(&(now.0 - last)))
            });
        }
        let times = recent.entry(subject).or_default();
        // A clock that is set back must not hold anybody up until it is where it was.
        while times
            .front()
            .is_some_and(|first| !(0..SECOND).contains(&(now.0 - first)))
        {
            times.pop_front();
        }
        let admitted = times.len() < self.per_second;
        if admitted {
            times.push_back(now.0);
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
            assert!(pace.admits(subject, Timestamp(i * 1000)));
        }
        assert!(!pace.admits(subject, Timestamp(SECOND - 1)));
        let other = Subject::Conversation(ConversationSid::from_bits(1));
        assert!(pace.admits(other, Timestamp(SECOND - 1)));
        // The first of them is a second ago now; the refused one was not counted.
        assert!(pace.admits(subject, Timestamp(SECOND)));
        assert!(!pace.admits(subject, Timestamp(SECOND + 999)));
        assert!(pace.admits(subject, Timestamp(SECOND + 1000)));
    }

    #[test]
    fn subjects_at_rest_are_forgotten() {
        let pace = Pace::new(1);
        for i in 0..CAPACITY as u128 {
            assert!(pace.admits(Subject::Service(ServiceSid::from_bits(i)), Timestamp(0)));
        }
        assert!(pace.admits(
            Subject::Service(ServiceSid::from_bits(u128::MAX)),
            Timestamp(SECOND)
        ));
        assert_eq!(pace.recent.lock().unwrap().len(), 1);
    }
}
