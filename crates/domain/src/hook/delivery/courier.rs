//! Calls that are made as soon as they are committed, without being looked for.
//!
//! A lane that was empty is written down as the server's own together with its first delivery, and both are handed over
//! after the commit. That saves a transaction's worth of looking for it. Where there is no room, and on a database that
//! several servers share, a lane waits to be claimed.

use std::any::Any;

use super::Lane;

/// Who makes calls on this server.
pub trait Courier: Send + Sync {
    /// Room for one more lane of a target, kept until what is given is dropped; none when it has enough to do, or when the
    /// target is not well.
    fn room(&self, target: &str) -> Option<Place>;

    /// Takes what was committed.
    fn hand(&self, handed: Handed);
}

/// Room that is kept for a lane, for as long as this lives.
pub struct Place(Box<dyn Any + Send + Sync>);

impl Place {
    /// What gives the room back when it is dropped.
    pub fn new(kept: impl Any + Send + Sync) -> Self {
        Self(Box::new(kept))
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(_kept) = self;
        f.write_str("Place")
    }
}

/// A lane that this server has since its first delivery was committed.
#[derive(Debug)]
pub struct Handed {
    /// The lane.
    pub lane: Lane,
    /// The room for it.
    pub place: Place,
}
