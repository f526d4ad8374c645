//! Room for lanes: how many are worked on at the same time, of each target and in all.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use confab_domain::hook::delivery::{Courier, Handed, Place};
use tokio::sync::mpsc;

/// Lanes that are worked on at the same time, of all targets.
const LANES: usize = 512;
/// The same of one target.
const OF_TARGET: usize = 128;

#[derive(Debug, Default)]
struct Slot {
    taken: usize,
    is_spared: bool,
}

#[derive(Debug, Default)]
struct Taken {
    is_closed: bool,
    all: usize,
    targets: HashMap<String, Slot>,
    waiting: Waiting,
}

impl Taken {
    fn take(&mut self, target: &str) {
        self.all += 1;
        match self.targets.get_mut(target) {
            Some(slot) => slot.taken += 1,
            None => {
                let slot = Slot {
                    taken: 1,
                    is_spared: false,
                };
                self.targets.insert(target.to_owned(), slot);
            }
        }
    }
}

/// Whose lanes wait in the table because there was no room for them: they come before new ones, which would take each place
/// as soon as it is free.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) targets: HashSet<String>,
    /// There was no room for any.
    pub(crate) all: bool,
}

/// The room of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<Mutex<Taken>>);

/// Room that is taken until this is dropped.
struct Held {
    places: Places,
    target: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(slot) = taken.targets.get_mut(&self.target) {
            slot.taken = slot.taken.saturating_sub(1);
            if slot.taken == 0 && !slot.is_spared {
                taken.targets.remove(&self.target);
            }
        }
    }
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self, target: &str) -> Place {
        Place::new(Held {
            places: self.clone(),
            target: target.to_owned(),
        })
    }

    /// Takes room that was looked for before, or is needed anyway.
    pub(crate) fn take(&self, target: &str) -> Place {
        self.lock().take(target);
        self.held(target)
    }

    /// How many lanes of all targets may be begun.
    pub(crate) fn left(&self) -> usize {
        LANES.saturating_sub(self.lock().all)
    }

    /// How many of a target are begun, and how many more may be.
    pub(crate) fn of(&self, target: &str) -> (usize, usize) {
        let taken = self.lock().targets.get(target).map_or(0, |slot| slot.taken);
        (taken, OF_TARGET.saturating_sub(taken))
    }

    /// Says whether a target is spared: then it is tried now and then, and nothing is handed over for it.
    pub(crate) fn spare(&self, target: &str, is_spared: bool) {
        let mut taken = self.lock();
        if let Some(slot) = taken.targets.get_mut(target) {
            slot.is_spared = is_spared;
            if slot.taken == 0 && !is_spared {
                taken.targets.remove(target);
            }
        } else if is_spared {
            let slot = Slot { taken: 0, is_spared };
            taken.targets.insert(target.to_owned(), slot);
        }
    }

    /// Says who waits as of the last look at the table.
    pub(crate) fn wait(&self, waiting: Waiting) {
        self.lock().waiting = waiting;
    }

    /// Nothing more is handed over.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
    }
}

/// Hands lanes over to the loop. As many can be on their way as there is room for.
pub(crate) struct Post {
    pub(crate) places: Places,
    pub(crate) handed: mpsc::UnboundedSender<Handed>,
}

impl Courier for Post {
    fn room(&self, target: &str) -> Option<Place> {
        let mut taken = self.places.lock();
        taken.waiting.all |= taken.all >= LANES;
        if taken.is_closed || taken.waiting.all || taken.waiting.targets.contains(target) {
            return None;
        }
        match taken.targets.get(target) {
            Some(slot) if slot.is_spared => return None,
            Some(slot) if slot.taken >= OF_TARGET => {
                taken.waiting.targets.insert(target.to_owned());
                return None;
            }
            _ => taken.take(target),
        }
        drop(taken);
        Some(self.places.held(target))
    }

    fn hand(&self, handed: Handed) {
        // Nobody takes it any more when the server ends: its next start takes the lane back.
        let _ = self.handed.send(handed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_its_share_until_its_lanes_end() {
        let (handed, _received) = mpsc::unbounded_channel();
        let places = Places::default();
        let post = Post {
            places: places.clone(),
            handed,
        };
        let mut kept: Vec<Place> = (0..OF_TARGET).filter_map(|_| post.room("a")).collect();
        assert_eq!(kept.len(), OF_TARGET);
        assert!(post.room("a").is_none());
        assert_eq!(places.of("a"), (OF_TARGET, 0));
        kept.pop();
        assert!(post.room("a").is_none(), "the refused one is before it");
        places.wait(Waiting::default());
        kept.push(post.room("a").unwrap());

        kept.push(post.room("b").unwrap());
        places.spare("b", true);
        assert!(post.room("b").is_none());
        kept.pop();
        assert_eq!(places.of("b"), (0, OF_TARGET));
        assert!(post.room("b").is_none(), "it is still spared");
        places.spare("b", false);
        kept.push(post.room("b").unwrap());

        for target in ["c", "d", "e", "f"] {
            kept.extend((0..OF_TARGET.min(places.left())).map_while(|_| post.room(target)));
        }
        assert_eq!((kept.len(), places.left()), (LANES, 0));
        assert!(post.room("g").is_none());
        kept.truncate(LANES / 2);
        assert!(post.room("g").is_none(), "the refused one is before it");
        places.wait(Waiting::default());
        kept.push(post.room("g").unwrap());
        // What is tried again counts, whatever is left.
        let probe = places.take("dead");
        assert_eq!(places.of("dead"), (1, OF_TARGET - 1));
        drop((probe, kept));
        assert_eq!(places.left(), LANES);
        assert!(places.lock().targets.is_empty());

        places.close();
        assert!(post.room("a").is_none());
    }
}
