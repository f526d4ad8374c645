//! The loop that claims jobs and sees them through.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use confab_domain::job::{self, Job};
use confab_domain::{Actor, Result};
use confab_engine::Engine;
use confab_types::Timestamp;
use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use crate::{Handler, Outcome};

/// Told of every run of a job: its kind, and whether it went well.
pub type Observer = Arc<dyn Fn(&str, bool) + Send + Sync>;

/// Jobs that run at the same time. A claimed job starts at once, so that its lease is not spent in a queue.
const CONCURRENCY: usize = 256;
/// Jobs that one claim takes.
const BATCH: usize = 64;
/// Longest time for one run: half of the lease, which leaves time to record the outcome.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest time between two looks at the table. Other nodes write jobs too, and leases of dead ones end.
const LOOK: Duration = Duration::from_secs(1);
/// The same while due jobs wait for an earlier one of their order: those hide when the next other one is due.
const LOOK_BEHIND_BLOCKED: Duration = Duration::from_millis(100);
/// Tries after which a failing job is an error in the log.
const MANY: i64 = 20;
/// First and longest pause after a failure, microseconds.
const FIRST_PAUSE: i64 = 1_000_000;
const LONGEST_PAUSE: i64 = 300_000_000;

/// The pause after a failure that followed `attempts` earlier tries, microseconds.
#[must_use]
pub fn back_off(attempts: i64) -> i64 {
    // Above 2⁹ seconds the cap holds anyway, and a shift must stay within 64 bits.
    let doublings = attempts.clamp(0, 9);
    (FIRST_PAUSE << doublings).min(LONGEST_PAUSE)
}

/// Claims jobs and has them done. One a process; several processes share the jobs of one database.
pub struct Worker {
    engine: Engine,
    handler: Arc<dyn Handler>,
    observer: Observer,
    /// Jobs that run here. The lease of one may end meanwhile all the same, when a virtual clock is put forward; it is
    /// claimed once more then, and not begun again.
    busy: Mutex<HashSet<i64>>,
}

/// What the loop does next.
enum Next {
    Claim,
    Wait(Duration),
}

impl Worker {
    /// A worker that does nothing yet.
    #[must_use]
    pub fn new(engine: Engine, handler: Arc<dyn Handler>, observer: Observer) -> Self {
        Self {
            engine,
            handler,
            observer,
            busy: Mutex::default(),
        }
    }

    /// Works until `stop` resolves, then finishes what runs and claims nothing more.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let worker = Arc::new(self);
        let mut running = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            while running.try_join_next().is_some() {}
            let free = CONCURRENCY - running.len();
            // Never cut short: a claim that commits unheard would hide its jobs until their leases end.
            let pause = match worker.step(free.min(BATCH), &mut running).await {
                Next::Claim => Duration::ZERO,
                Next::Wait(pause) => pause,
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = std::future::ready(()), if pause.is_zero() => {}
                () = worker.engine.jobs_waiting(), if free > 0 => {}
                // Only room matters here: the end of a job is announced by `jobs_waiting` once it is committed.
                _ = running.join_next(), if free == 0 => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Looks at the table with a reading transaction first: an idle server, and one whose jobs come in bursts,
    /// does not hold up the writer.
    async fn step(self: &Arc<Self>, most: usize, running: &mut JoinSet<()>) -> Next {
        if most == 0 {
            return Next::Wait(LOOK);
        }
        match self.look(most).await {
            Ok((jobs, next)) => {
                for job in jobs {
                    if self.busy().insert(job.id) {
                        running.spawn(Arc::clone(self).see_through(job));
                    }
                }
                next
            }
            Err(error) => {
                tracing::warn!(%error, "jobs cannot be claimed now");
                Next::Wait(LOOK)
            }
        }
    }

    async fn look(&self, most: usize) -> Result<(Vec<Job>, Next)> {
        let now = self.engine.now();
        let due = self.engine.read(move |tx| job::next_due(tx, now)).await?;
        match due {
            None => return Ok((Vec::new(), Next::Wait(LOOK))),
            Some(at) if at > now => {
                let pause = Duration::from_micros(u64::try_from(at.0 - now.0).unwrap_or(0));
                return Ok((Vec::new(), Next::Wait(pause.min(LOOK))));
            }
            Some(_) => {}
        }
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let jobs = self.engine.execute(Actor::System, job::Claim { most }).await?;
        let next = if jobs.is_empty() {
            Next::Wait(LOOK_BEHIND_BLOCKED)
        } else {
            Next::Claim
        };
        Ok((jobs, next))
    }

    fn busy(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn see_through(self: Arc<Self>, job: Job) {
        let id = job.id;
        let kind = job.kind.name();
        let run = AssertUnwindSafe(self.handler.run(&job)).catch_unwind();
        let outcome = match tokio::time::timeout(PATIENCE, run).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::Failed {
                error: "the handler panicked".into(),
            },
            Err(_) => Outcome::Failed {
                error: format!("no result within {} s", PATIENCE.as_secs()),
            },
        };
        (self.observer)(kind, !matches!(outcome, Outcome::Failed { .. }));
        // Before the record: after it the job may be claimed for its next run.
        self.busy().remove(&id);
        let recorded = match outcome {
            Outcome::Done => self.engine.execute(Actor::System, job::Finish { id }).await,
            Outcome::Again { at } => self.postpone(id, at, None).await,
            Outcome::Failed { error } => {
                let pause = back_off(job.attempts);
                let (tries, again_in_secs) = (job.attempts + 1, pause / 1_000_000);
                if tries >= MANY {
                    tracing::error!(job = id, kind, tries, again_in_secs, %error, "a job keeps failing");
                } else {
                    tracing::warn!(job = id, kind, tries, again_in_secs, %error, "a job failed");
                }
                self.postpone(id, Timestamp(self.engine.now().0 + pause), Some(error))
                    .await
            }
        };
        if let Err(error) = recorded {
            // Its lease ends, and then it runs once more.
            tracing::warn!(job = id, kind, %error, "the outcome of a job was not recorded");
        }
    }

    async fn postpone(&self, id: i64, run_at: Timestamp, error: Option<String>) -> Result<()> {
        self.engine
            .execute(Actor::System, job::Postpone { id, run_at, error })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let seconds: Vec<i64> = (0..11).map(|n| back_off(n) / 1_000_000).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(back_off(i64::MAX), LONGEST_PAUSE);
    }
}
