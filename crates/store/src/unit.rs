//! A unit of work on its way through a queue: the closure, its result, and who waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::plan::{Probe, Probed};
use crate::{Cause, Error, Tx, UnitError};

/// What became of one run of a unit.
pub(crate) enum Outcome {
    /// Its changes are to be kept.
    Keep,
    /// Its changes are to be rolled back.
    Drop,
    /// It lost a race: to be rolled back and run again.
    Again(Cause),
    /// The connection is gone: to be rolled back; run again on another one.
    Lost,
}

/// A unit without its types.
pub(crate) trait Unit: Send {
    fn run(&mut self, tx: &mut dyn Tx) -> Outcome;
    /// Ends the unit: its transaction is durable, or was rolled back as `run` asked.
    fn finish(self: Box<Self>);
    /// Ends the unit with an error of the database.
    fn fail(self: Box<Self>, error: Error);
}

pub(crate) type Job = Box<dyn Unit>;

pub(crate) struct Work<T, E, F, C> {
    unit: F,
    committed: C,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
    probe: Option<Probe>,
}

impl<T, E, F, C> Work<T, E, F, C> {
    pub(crate) fn new(
        unit: F,
        committed: C,
        probe: Option<Probe>,
    ) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (answer, receiver) = oneshot::channel();
        (
            Self {
                unit,
                committed,
                result: None,
                answer,
                probe,
            },
            receiver,
        )
    }
}

impl<T, E, F, C> Unit for Work<T, E, F, C>
where
    T: Send,
    E: UnitError,
    F: FnMut(&mut dyn Tx) -> Result<T, E> + Send,
    C: FnOnce(&mut T) + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> Outcome {
        let unit = &mut self.unit;
        let run = || match &self.probe {
            None => unit(tx),
            Some(probe) => unit(&mut Probed { tx, probe }),
        };
        let result = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(E::from(Error::Panic)));
        let outcome = match &result {
            Ok(_) => Outcome::Keep,
            Err(e) => match e.store() {
                Some(Error::Unavailable(_)) => Outcome::Lost,
                Some(error) => error.lost().map_or(Outcome::Drop, Outcome::Again),
                None => Outcome::Drop,
            },
        };
        self.result = Some(result);
        outcome
    }

    fn finish(self: Box<Self>) {
        let mut result = self.result.unwrap_or_else(|| Err(E::from(Error::closed())));
        if let Ok(value) = &mut result {
            (self.committed)(value);
        }
        // The caller may have gone away; the change stands all the same.
        let _ = self.answer.send(result);
    }

    fn fail(self: Box<Self>, error: Error) {
        let _ = self.answer.send(Err(E::from(error)));
    }
}
