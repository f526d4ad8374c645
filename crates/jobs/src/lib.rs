//! Durable work: a [`Worker`] claims the jobs that commands wrote beside their changes, has a [`Handler`] do them,
//! and removes each one when it is done. What fails is tried again, later and later, for ever: a job stands for
//! something that was acknowledged to somebody.

mod worker;

use async_trait::async_trait;
use confab_domain::job::Job;
use confab_types::Timestamp;

pub use worker::{Observer, Worker, back_off};

/// What became of one run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do.
    Done,
    /// It went well so far and wants to go on later: work in steps.
    Again {
        /// When.
        at: Timestamp,
    },
    /// It did not work; it is tried again after a pause that grows.
    Failed {
        /// Why, for the log and the row; never a secret or the text of a message.
        error: String,
    },
}

/// Does the jobs: one object that knows every kind.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Does one job. It may have been done before (a process that died between the work and its record), so doing
    /// it twice must be as doing it once.
    async fn run(&self, job: &Job) -> Outcome;
}
