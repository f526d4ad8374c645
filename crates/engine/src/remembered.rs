//! What was read from rows that seldom change, kept in the process until they do.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Entries at most: a server has few accounts, keys and services, and what is not there is not remembered. Who has more
/// begins anew.
const CAPACITY: usize = 10_000;

/// Values by what names them.
pub(crate) struct Remembered<K, V> {
    values: RwLock<HashMap<K, Arc<V>>>,
    /// Grows when anything is forgotten: what was read before must not come back.
    generation: AtomicU64,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self {
            values: RwLock::default(),
            generation: AtomicU64::new(0),
        }
    }
}

impl<K: Eq + Hash, V> Remembered<K, V> {
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        values.get(key).cloned()
    }

    /// To be read before the rows are.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Keeps what was read since a generation, unless anything was forgotten meanwhile.
    pub(crate) fn keep(&self, key: K, value: &Arc<V>, generation: u64) {
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        if self.generation() != generation {
            return;
        }
        if values.len() >= CAPACITY {
            values.clear();
        }
        values.insert(key, Arc::clone(value));
    }

    /// Forgets what may have changed.
    pub(crate) fn forget(&self, mut changed: impl FnMut(&V) -> bool) {
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        self.generation.fetch_add(1, Ordering::AcqRel);
        values.retain(|_, value| !changed(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_something_was_forgotten_does_not_come_back() {
        let remembered = Remembered::<&str, u8>::default();
        let before = remembered.generation();
        remembered.keep("one", &Arc::new(1), before);
        remembered.keep("two", &Arc::new(2), before);
        remembered.forget(|value| *value == 1);
        assert_eq!(
            (remembered.get("one"), remembered.get("two")),
            (None, Some(Arc::new(2)))
        );
        remembered.keep("one", &Arc::new(1), before);
        assert_eq!(remembered.get("one"), None);
        remembered.keep("one", &Arc::new(3), remembered.generation());
        assert_eq!(remembered.get("one"), Some(Arc::new(3)));
    }
}
