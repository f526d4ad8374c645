//! Connections and requests that an account, and all of them together, may have (B-746): exact in any second and under
//! any concurrency, in this process. Off unless the owner of the server wants them (B-748); then nothing is counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use confab_domain::Error;
use confab_engine::LastSecond;
use confab_types::{AccountSid, Timestamp};

/// Limits of connections and requests; `None` for no limit. Connections count while they are initialised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: Option<usize>,
    /// Of them those of one account.
    pub account_connections: Option<usize>,
    /// New connections in any second.
    pub new_connections: Option<usize>,
    /// Of them those of one account.
    pub account_new_connections: Option<usize>,
    /// Requests of one connection in any second.
    pub connection_requests: Option<usize>,
    /// Requests of all connections of one account in any second.
    pub account_requests: Option<usize>,
}

/// Counts connections and requests.
pub(crate) struct Limiter {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    all: Connections,
    accounts: HashMap<AccountSid, Share>,
}

#[derive(Default)]
struct Connections {
    open: usize,
    opened: LastSecond,
}

/// What one account has of everything.
#[derive(Default)]
struct Share {
    connections: Connections,
    requests: Arc<Mutex<LastSecond>>,
}

/// Accounts that are remembered before those at rest are forgotten.
const CAPACITY: usize = 10_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn has_room(second: &mut LastSecond, most: Option<usize>, now: Timestamp) -> bool {
    most.is_none_or(|most| second.has_room(most, now))
}

/// What has no limit is not remembered either: nobody would ever forget it.
fn count(second: &mut LastSecond, most: Option<usize>, now: Timestamp) {
    if most.is_some() {
        second.count(now);
    }
}

impl Connections {
    /// Whether one more may come.
    fn admit(&mut self, most: Option<usize>, most_new: Option<usize>, now: Timestamp) -> Result<(), Error> {
        if most.is_some_and(|most| self.open >= most) {
            return Err(Error::code(51001));
        }
        if !has_room(&mut self.opened, most_new, now) {
            return Err(Error::code(51124));
        }
        Ok(())
    }

    fn add(&mut self, most_new: Option<usize>, now: Timestamp) {
        self.open += 1;
        count(&mut self.opened, most_new, now);
    }
}

impl Limiter {
    /// None where nothing is limited.
    pub(crate) fn new(limits: Limits) -> Option<Arc<Self>> {
        (limits != Limits::default()).then(|| {
            Arc::new(Self {
                limits,
                state: Mutex::default(),
            })
        })
    }

    /// Takes a place for a connection of an account, until it is dropped.
    ///
    /// # Errors
    /// 429/51001 when there are as many connections as may be, 429/51124 when as many have come within a second as may
    /// (B-747). Nothing is counted then.
    pub(crate) fn enter(
        self: &Arc<Self>,
        account: AccountSid,
        clock: impl FnOnce() -> Timestamp,
    ) -> Result<Slot, Error> {
        let limits = &self.limits;
        let mut state = lock(&self.state);
        let State { all, accounts } = &mut *state;
        let now = clock();
        if accounts.len() >= CAPACITY && !accounts.contains_key(&account) {
            accounts.retain(|_, share| {
                share.connections.open > 0
                    || !share.connections.opened.is_at_rest(now)
                    || !lock(&share.requests).is_at_rest(now)
            });
        }
        let share = accounts.entry(account).or_default();
        share
            .connections
            .admit(limits.account_connections, limits.account_new_connections, now)?;
        all.admit(limits.connections, limits.new_connections, now)?;
        share.connections.add(limits.account_new_connections, now);
        all.add(limits.new_connections, now);
        Ok(Slot {
            limiter: Arc::clone(self),
            account,
            requests: LastSecond::default(),
            account_requests: Arc::clone(&share.requests),
        })
    }
}

/// A connection's place, which is free again when this is dropped: however the connection ends.
pub(crate) struct Slot {
    limiter: Arc<Limiter>,
    account: AccountSid,
    requests: LastSecond,
    account_requests: Arc<Mutex<LastSecond>>,
}

impl Slot {
    /// Counts a request; `false`, and not counted, when the connection or its account has had as many in this second
    /// as it may.
    pub(crate) fn admits(&mut self, clock: impl FnOnce() -> Timestamp) -> bool {
        let Limits {
            connection_requests: own,
            account_requests: all,
            ..
        } = self.limiter.limits;
        if own.is_none() && all.is_none() {
            return true;
        }
        let mut account = lock(&self.account_requests);
        let now = clock();
        let admitted = has_room(&mut self.requests, own, now) && has_room(&mut account, all, now);
        if admitted {
            count(&mut self.requests, own, now);
            count(&mut account, all, now);
        }
        admitted
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = lock(&self.limiter.state);
        state.all.open -= 1;
        // The account stays: its last second counts on, and one at rest is forgotten by another's coming.
        if let Some(share) = state.accounts.get_mut(&self.account) {
            share.connections.open -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use confab_types::Sid as _;

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn account(bits: u128) -> AccountSid {
        AccountSid::from_bits(bits)
    }

    fn code(entered: Result<Slot, Error>) -> Option<(u16, u32)> {
        match entered {
            Ok(_) => None,
            Err(Error::Api(api)) => Some((api.status, api.code)),
            Err(other) => panic!("{other}"),
        }
    }

    fn limiter(limits: Limits) -> Arc<Limiter> {
        Limiter::new(limits).unwrap()
    }

    #[test]
    fn nothing_is_counted_where_nothing_is_limited_b748() {
        assert!(Limiter::new(Limits::default()).is_none());
        let limiter = limiter(Limits {
            connections: Some(10_000),
            ..Limits::default()
        });
        let mut slot = limiter.enter(account(1), || Timestamp(0)).unwrap();
        assert!((0..100_000).all(|_| slot.admits(|| panic!("nobody asks for the time"))));
    }

    #[test]
    fn connections_are_limited_by_account_and_in_all_b746_b747() {
        let limiter = limiter(Limits {
            connections: Some(3),
            account_connections: Some(2),
            ..Limits::default()
        });
        let enter = |bits| limiter.enter(account(bits), || Timestamp(0));
        let (first, second) = (enter(1).unwrap(), enter(1).unwrap());
        assert_eq!(code(enter(1)), Some((429, 51001)));
        let third = enter(2).unwrap();
        assert_eq!(code(enter(2)), Some((429, 51001)), "all together have three");
        drop(first);
        let again = enter(1).unwrap();
        assert_eq!(code(enter(1)), Some((429, 51001)));
        drop((second, third, again));
        let state = lock(&limiter.state);
        assert_eq!(state.all.open, 0);
        assert!(state.accounts.values().all(|share| share.connections.open == 0));
    }

    #[test]
    fn new_connections_are_limited_in_any_second_whatever_became_of_them_b746_b747() {
        let limiter = limiter(Limits {
            new_connections: Some(3),
            account_new_connections: Some(2),
            ..Limits::default()
        });
        let enter = |bits, at| code(limiter.enter(account(bits), || Timestamp(at)));
        let refused = Some((429, 51124));
        assert_eq!((enter(1, 0), enter(1, SECOND / 2)), (None, None));
        assert_eq!(enter(1, SECOND - 1), refused);
        assert_eq!(enter(2, SECOND - 1), None);
        assert_eq!(enter(2, SECOND - 1), refused, "all together had three");
        // The first one is a second ago now; those refused were not counted, neither here nor there.
        assert_eq!(enter(1, SECOND), None);
        assert_eq!(enter(1, SECOND), refused);
        assert_eq!(enter(2, SECOND), refused);
        assert_eq!(enter(2, SECOND + SECOND / 2), None);
    }

    #[test]
    fn requests_are_limited_by_connection_and_account_b746() {
        let limiter = limiter(Limits {
            connection_requests: Some(2),
            account_requests: Some(3),
            ..Limits::default()
        });
        let mut slots: Vec<Slot> = [1, 1, 2]
            .map(|bits| limiter.enter(account(bits), || Timestamp(0)).unwrap())
            .into();
        let mut admits = |slot: usize, at| slots[slot].admits(|| Timestamp(at));
        assert!(admits(0, 0) && admits(0, 10));
        assert!(!admits(0, SECOND - 1));
        assert!(admits(1, SECOND - 1), "the refused one was counted nowhere");
        assert!(!admits(1, SECOND - 1), "the account has had three");
        assert!(
            admits(2, SECOND - 1) && admits(2, SECOND - 1),
            "another account has its own"
        );
        assert!(admits(0, SECOND));
        assert!(!admits(0, SECOND) && !admits(1, SECOND));
    }

    #[test]
    fn what_an_account_did_just_now_is_not_forgotten_with_its_last_connection_b746() {
        let limiter = limiter(Limits {
            account_new_connections: Some(1),
            ..Limits::default()
        });
        let enter = |bits, at| code(limiter.enter(account(bits), || Timestamp(at)));
        for bits in 0..CAPACITY as u128 {
            assert_eq!(enter(bits, i64::try_from(bits).unwrap()), None);
        }
        assert_eq!(enter(u128::MAX, SECOND), None, "makes those at rest forgotten");
        assert_eq!(lock(&limiter.state).accounts.len(), CAPACITY);
        assert_eq!(enter(CAPACITY as u128 - 1, SECOND), Some((429, 51124)));
    }

    #[test]
    fn there_are_never_more_than_may_be_however_many_come_at_once_b746() {
        const MOST: usize = 5;
        let limiter = limiter(Limits {
            account_connections: Some(MOST),
            account_new_connections: Some(2000),
            ..Limits::default()
        });
        let (open, most, entered) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let clock = AtomicI64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5000 {
                        let now = || Timestamp(clock.fetch_add(1, Ordering::SeqCst));
                        if let Ok(slot) = limiter.enter(account(1), now) {
                            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            entered.fetch_add(1, Ordering::SeqCst);
                            std::thread::yield_now();
                            open.fetch_sub(1, Ordering::SeqCst);
                            drop(slot);
                        }
                    }
                });
            }
        });
        assert!(most.into_inner() <= MOST);
        assert_eq!(entered.into_inner(), 2000, "all of them within one second");
        assert_eq!(lock(&limiter.state).all.open, 0);
    }
}
