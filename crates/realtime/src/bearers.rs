//! Whose connections live by which API key. They end when the key is deleted, or when its account is suspended or
//! closed; a token that the key signed is refused from then on, and an open connection is worth no more than its token.
//!
//! None is missed: the engine forgets a key before it tells of it, and a connection compares the engine's version with
//! the one at which its token was verified, after it has put itself into this list.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use confab_domain::Error;
use confab_engine::{CredentialsChange, Engine};
use confab_types::{AccountSid, KeySid};

use crate::hub::ConnectionId;
use crate::outbox::{Delivery, Outbox};

type Open = BTreeMap<(KeySid, ConnectionId), (AccountSid, Arc<Outbox>)>;

/// Open connections by the key that signed their token.
#[derive(Default)]
pub(crate) struct Bearers {
    open: Mutex<Open>,
}

fn of_key(key: KeySid) -> RangeInclusive<(KeySid, ConnectionId)> {
    (key, ConnectionId::MIN)..=(key, ConnectionId::MAX)
}

impl Bearers {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection lives by a key from now on.
    pub(crate) fn enter(
        &self,
        account: AccountSid,
        key: KeySid,
        connection: ConnectionId,
        outbox: &Arc<Outbox>,
    ) {
        self.lock()
            .insert((key, connection), (account, Arc::clone(outbox)));
    }

    /// Deliveries that wait for all connections together.
    pub(crate) fn waiting(&self) -> u64 {
        let open = self.lock();
        open.values().map(|(_, outbox)| outbox.waiting() as u64).sum()
    }

    /// It does no more.
    pub(crate) fn leave(&self, key: KeySid, connection: ConnectionId) {
        self.lock().remove(&(key, connection));
    }

    /// Keys with connections that a change may concern.
    fn keys(&self, change: CredentialsChange) -> BTreeSet<KeySid> {
        let open = self.lock();
        match change.key {
            Some(key) => open.range(of_key(key)).map(|((key, _), _)| *key).collect(),
            // Rare enough to go through all of them.
            None => open
                .iter()
                .filter(|(_, (account, _))| *account == change.account)
                .map(|((key, _), _)| *key)
                .collect(),
        }
    }

    /// Ends the connections that live by a key.
    fn shut_out(&self, key: KeySid, why: &Arc<Error>) {
        for (_, (_, outbox)) in self.lock().range(of_key(key)) {
            outbox.push(Delivery::ShutOut {
                key,
                why: Arc::clone(why),
            });
        }
    }

    /// Ends the connections whose keys are good no more after a change. Each key is looked up once, not by each of its
    /// connections.
    pub(crate) async fn hear(&self, engine: &Engine, change: CredentialsChange) {
        for key in self.keys(change) {
            if let Err(error) = engine.check_signer(key).await {
                self.shut_out(key, &Arc::new(error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use confab_types::Sid as _;

    use super::*;

    #[test]
    fn the_keys_of_a_change_and_the_connections_of_a_key_are_found() {
        let bearers = Bearers::default();
        let outboxes: Vec<Arc<Outbox>> = (0..4).map(|_| Arc::default()).collect();
        // Two keys of one account, the first with two connections; another account's key beside them.
        for (connection, (account, key)) in [(1, 5), (1, 5), (1, 6), (2, 7)].into_iter().enumerate() {
            bearers.enter(
                AccountSid::from_bits(account),
                KeySid::from_bits(key),
                connection as ConnectionId,
                &outboxes[connection],
            );
        }
        let keys = |key: Option<u128>| {
            let change = CredentialsChange {
                account: AccountSid::from_bits(1),
                key: key.map(KeySid::from_bits),
            };
            Vec::from_iter(bearers.keys(change))
        };
        let [first, second] = [5, 6].map(KeySid::from_bits);
        assert_eq!(keys(Some(5)), [first]);
        assert_eq!(keys(Some(4)), []);
        assert_eq!(keys(None), [first, second]);
        bearers.shut_out(first, &Arc::new(Error::code(20103)));
        assert_eq!(bearers.waiting(), 2);
        assert!(outboxes.iter().all(|outbox| outbox.take_now().len() < 2));
        assert_eq!(bearers.waiting(), 0);
        let told = |key| {
            bearers.shut_out(key, &Arc::new(Error::code(20103)));
            outboxes.iter().map(|o| o.take_now().len()).collect::<Vec<_>>()
        };
        assert_eq!(told(first), [1, 1, 0, 0]);
        assert_eq!(told(second), [0, 0, 1, 0]);
        bearers.leave(first, 0);
        assert_eq!(told(first), [0, 1, 0, 0]);
        bearers.leave(first, 1);
        assert_eq!(keys(None), [second]);
    }
}
