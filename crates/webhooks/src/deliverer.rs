//! The loop that claims lanes and has them worked through.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use confab_domain::alert::Record;
use confab_domain::hook::delivery::{self, Claim, Lane, Prune, Resume, Settle};
use confab_domain::hook::give_up::GiveUp;
use confab_domain::{Actor, Result};
use confab_engine::Engine;
use confab_types::{AccountSid, Sid as _, Timestamp};
use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use crate::alert;
use crate::call::Caller;
use crate::lane::{Busy, Worker};
use crate::target::{Report, Target};

/// Lanes that are worked on at the same time, of all targets.
const LANES: usize = 512;
/// Lanes that one claim takes.
const CLAIM: usize = 32;
/// Targets that are looked at in one round.
const TARGETS: usize = 1000;
/// Longest time between two looks at the table: other processes write to it too, and leases of dead ones end.
const LOOK: Duration = Duration::from_secs(1);
/// Time between two looks at the oldest deliveries of the log.
const PRUNE: Duration = Duration::from_secs(600);
/// First and longest pause after a failure, microseconds.
const FIRST_PAUSE: i64 = 1_000_000;
const LONGEST_PAUSE: i64 = 1_800_000_000;

/// The pause after a failure that followed `tries` earlier ones, microseconds.
#[must_use]
pub fn back_off(tries: i64) -> i64 {
    (FIRST_PAUSE << tries.clamp(0, 11)).min(LONGEST_PAUSE)
}

/// How calls are made and kept.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long after an event its calls are tried again; zero for one try each.
    pub retry_for: Duration,
    /// How long the log of calls goes back.
    pub log_for: Duration,
}

/// Makes the calls that were written down. One a process; several processes share the lanes of one database.
pub struct Deliverer {
    engine: Engine,
    caller: Arc<Caller>,
    options: Options,
    busy: Busy,
}

/// What the loop knows.
#[derive(Default)]
struct Round {
    targets: HashMap<String, Target>,
    running: JoinSet<(String, Report)>,
}

impl Deliverer {
    /// A deliverer that does nothing yet.
    #[must_use]
    pub fn new(engine: Engine, caller: Arc<Caller>, options: Options) -> Self {
        Self {
            engine,
            caller,
            options,
            busy: Busy::default(),
        }
    }

    /// Calls until `stop` resolves, then ends what was begun and claims nothing more.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let this = Arc::new(self);
        let mut round = Round::default();
        let mut stop = std::pin::pin!(stop);
        let mut prune = tokio::time::interval(PRUNE);
        loop {
            while let Some(ended) = round.running.try_join_next() {
                this.ended(&mut round, ended).await;
            }
            let pause = match this.step(&mut round).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "calls of webhooks cannot be claimed now");
                    LOOK
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(ended) = round.running.join_next() => this.ended(&mut round, ended).await,
                () = this.engine.deliveries_waiting() => {}
                _ = prune.tick() => this.prune().await,
                () = tokio::time::sleep(pause) => {}
            }
        }
        while round.running.join_next().await.is_some() {}
    }

    /// Claims what is due and has room, and tells how long there is nothing else to do.
    async fn step(self: &Arc<Self>, round: &mut Round) -> Result<Duration> {
        let due = self.engine.read(|tx| delivery::due(tx, "", TARGETS)).await?;
        let now = self.engine.now();
        let mut next = Timestamp(now.0 + i64::try_from(LOOK.as_micros()).unwrap_or(0));
        for due in &due {
            if due.at > now {
                next = next.min(due.at);
                continue;
            }
            let target = round.targets.entry(due.target.clone()).or_default();
            let room = target.room(now).min(LANES.saturating_sub(round.running.len()));
            if room == 0 {
                // Room comes with the end of a lane, or with time.
                next = target.next().map_or(next, |at| next.min(at.max(now)));
                continue;
            }
            let claim = Claim {
                target: due.target.clone(),
                most: i64::try_from(room.min(CLAIM)).unwrap_or(1),
            };
            let lanes = self.engine.execute(Actor::System, claim).await?;
            if lanes.len() == room.min(CLAIM) {
                next = now; // There may be more.
            }
            for lane in lanes {
                if !self.busy.enter(&lane.name) {
                    continue;
                }
                target.running += 1;
                round
                    .running
                    .spawn(Arc::clone(self).work(due.target.clone(), lane));
            }
        }
        round
            .targets
            .retain(|name, target| target.running > 0 || due.iter().any(|due| due.target == *name));
        Ok(Duration::from_micros(u64::try_from(next.0 - now.0).unwrap_or(0)))
    }

    async fn work(self: Arc<Self>, target: String, lane: Lane) -> (String, Report) {
        let worker = Worker {
            engine: &self.engine,
            caller: &self.caller,
            retry_for: self.options.retry_for,
        };
        let name = lane.name.clone();
        let ended = AssertUnwindSafe(worker.work(lane)).catch_unwind().await;
        // The lease of a lane whose work failed so ends by itself.
        let (report, pause_until) = ended.unwrap_or((Report::Idle, None));
        // After the record, so that nobody begins what is just being recorded.
        if self.busy.leave(&name) {
            let release = Settle {
                lane: name,
                outcomes: Vec::new(),
                pause_until: Some(pause_until.unwrap_or_else(|| self.engine.now())),
            };
            if let Err(error) = self.engine.execute(Actor::System, release).await {
                tracing::warn!(%error, "a lane of webhooks goes on later");
            }
        }
        (target, report)
    }

    async fn ended(
        self: &Arc<Self>,
        round: &mut Round,
        ended: std::result::Result<(String, Report), tokio::task::JoinError>,
    ) {
        let Ok((name, report)) = ended else { return };
        let Some(target) = round.targets.get_mut(&name) else {
            return;
        };
        if target.ended(report, self.engine.now()) {
            tracing::info!(target = name, "webhooks are delivered again");
            self.resume(name).await;
        } else if report == Report::Failing
            && let Some(before) = self.too_old()
            && target.failing_since(before)
        {
            // It counts as a lane, so that the target is not tried before it has ended.
            target.running += 1;
            round.running.spawn(Arc::clone(self).give_up(name, before));
        }
    }

    /// What happened before this is not tried again; none where nothing is tried again anyway.
    fn too_old(&self) -> Option<Timestamp> {
        let retry_for = i64::try_from(self.options.retry_for.as_micros()).unwrap_or(i64::MAX);
        (retry_for > 0).then(|| Timestamp(self.engine.now().0.saturating_sub(retry_for)))
    }

    /// A target has not answered for as long as anything is tried: what has become too old meanwhile is given up without
    /// a call each, in steps, with one alert for all.
    async fn give_up(self: Arc<Self>, target: String, before: Timestamp) -> (String, Report) {
        let (account, origin) = target.split_once(' ').unwrap_or((&target, ""));
        let Some(account) = AccountSid::parse(account) else {
            return (target, Report::Idle);
        };
        let (mut given_up, mut behind) = (0, Some(0));
        while let Some(at) = behind {
            let step = GiveUp {
                account,
                target: target.clone(),
                before,
                behind: at,
            };
            match self.engine.execute(Actor::System, step).await {
                Ok(done) => {
                    given_up += done.count;
                    behind = done.next;
                }
                Err(error) => {
                    tracing::warn!(target, %error, "webhooks that are too old are given up later");
                    break;
                }
            }
        }
        if given_up > 0 {
            tracing::warn!(target, given_up, "webhooks were given up");
            let record = Record(alert::given_up(account, origin, given_up, self.options.retry_for));
            if let Err(error) = self.engine.execute(Actor::System, record).await {
                tracing::warn!(target, %error, "an alert was not recorded");
            }
        }
        (target, Report::Idle)
    }

    /// A target is back: what waits for a later try goes on at once.
    async fn resume(&self, target: String) {
        loop {
            let resume = Resume {
                target: target.clone(),
            };
            match self.engine.execute(Actor::System, resume).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return tracing::warn!(%error, "waiting webhooks go on later"),
            }
        }
    }

    /// Removes what the log is not to keep any longer.
    async fn prune(&self) {
        let log_for = i64::try_from(self.options.log_for.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp(self.engine.now().0.saturating_sub(log_for));
        loop {
            match self.engine.execute(Actor::System, Prune { before }).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return tracing::warn!(%error, "the log of webhooks is pruned later"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_an_hour_b410() {
        let seconds: Vec<i64> = (0..13).map(|n| back_off(n) / 1_000_000).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800]);
        assert_eq!(back_off(i64::MAX), LONGEST_PAUSE);
    }
}
