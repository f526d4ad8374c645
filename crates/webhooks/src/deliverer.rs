//! The loop that has lanes worked through: it alone takes them from the store, and tells it what became of them.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use confab_domain::hook::delivery::{
    self, Claim, Exchange, Handed, Lane, Next, Place, Prune, Reclaim, Resume, Settle,
};
use confab_domain::hook::give_up::{GiveUp, GivenUp};
use confab_domain::{Actor, Result};
use confab_engine::Engine;
use confab_types::{AccountSid, Sid as _, Timestamp};
use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::call::Caller;
use crate::lane::Worker;
use crate::places::{Places, Post, Waiting};
use crate::target::{Report, Target};

/// Lanes of a target that one exchange takes.
const CLAIM: usize = 32;
/// Targets of which one exchange takes lanes, and lanes that it settles: it holds up the writer of the embedded store.
const CLAIMS: usize = 4;
const SETTLED: usize = 64;
/// Targets that are looked at in one round.
const TARGETS: usize = 1000;
/// How long a lane is worked on before others have a turn.
const TURN: Duration = Duration::from_secs(10);
/// Longest time between two looks at the table: other processes write to it too, and leases of dead ones end.
const LOOK: Duration = Duration::from_secs(1);
/// Time between two looks for lanes whose lease has ended.
const RECLAIM: Duration = Duration::from_secs(60);
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
    /// The same for events of streams, which are never given one try alone (B-819).
    pub retry_events_for: Duration,
    /// How long the log of calls goes back.
    pub log_for: Duration,
}

impl Options {
    pub(crate) fn retry_for(&self, is_of_stream: bool) -> Duration {
        if is_of_stream {
            self.retry_events_for
        } else {
            self.retry_for
        }
    }
}

/// Makes the calls that were written down. One a process; several processes share the lanes of one database.
pub struct Deliverer {
    engine: Engine,
    caller: Arc<Caller>,
    options: Options,
    places: Places,
}

/// What a task of a round did.
enum Ended {
    /// The calls of a lane that were at hand.
    Lane(Settle, Report),
    /// The work on a lane failed in itself: what it did is not known.
    Broken { lane: String },
    /// Something of a target that counts as a lane of it: there is room again.
    Upkeep(Place),
}

/// A lane that is worked on here.
struct Begun {
    since: Instant,
    /// Its room, which is there again when this is dropped.
    _place: Place,
}

/// What the loop knows.
struct Round {
    targets: HashMap<String, Target>,
    /// The lease of one may end meanwhile all the same, when a virtual clock is put forward; it is claimed once more then,
    /// and not begun again.
    lanes: HashMap<String, Begun>,
    running: JoinSet<Ended>,
    /// Lanes that were empty before.
    handed: mpsc::UnboundedReceiver<Handed>,
    /// What became of lanes, for the next exchange.
    settled: Vec<Settle>,
    /// When the table is looked at at the latest.
    look_at: Instant,
    /// Whether something is due there for which there was no room.
    lacks_room: bool,
    /// Whose lanes the last look left there.
    waiting: Waiting,
    /// Whether nothing more is begun.
    is_ending: bool,
}

impl Round {
    fn new(handed: mpsc::UnboundedReceiver<Handed>) -> Self {
        Self {
            targets: HashMap::new(),
            lanes: HashMap::new(),
            running: JoinSet::new(),
            handed,
            settled: Vec::new(),
            look_at: Instant::now(),
            lacks_room: false,
            waiting: Waiting::default(),
            is_ending: false,
        }
    }

    fn target(&mut self, name: &str) -> &mut Target {
        self.targets.entry(name.to_owned()).or_default()
    }

    /// The table is to be looked at now.
    fn look(&mut self) {
        self.look_at = Instant::now();
    }

    /// Something that took room has ended.
    fn left(&mut self) {
        if self.lacks_room {
            self.look();
        }
    }
}

impl Deliverer {
    /// A deliverer that does nothing yet.
    #[must_use]
    pub fn new(engine: Engine, caller: Arc<Caller>, options: Options) -> Self {
        Self {
            engine,
            caller,
            options,
            places: Places::default(),
        }
    }

    /// Calls until `stop` resolves, then ends what was begun and claims nothing more.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let this = Arc::new(self);
        let (post, handed) = mpsc::unbounded_channel();
        let mut round = Round::new(handed);
        if this.engine.store().is_embedded() {
            this.engine.deliver_by(Arc::new(Post {
                places: this.places.clone(),
                handed: post,
            }));
        }
        // Beside the loop: a log of millions takes long to prune. It ends with the loop.
        let mut upkeep = JoinSet::new();
        upkeep.spawn(Arc::clone(&this).keep_pruned());
        upkeep.spawn(Arc::clone(&this).keep_reclaimed());
        let mut stop = std::pin::pin!(stop);
        loop {
            if let Err(error) = this.step(&mut round).await {
                tracing::warn!(%error, "calls of webhooks cannot be claimed now");
                round.look_at = Instant::now() + LOOK;
            }
            tokio::select! {
                // What was written down is looked at also when there is always something else to do.
                biased;
                () = &mut stop => break,
                () = this.engine.deliveries_waiting() => round.look(),
                Some(ended) = round.running.join_next() => this.ended(&mut round, ended),
                Some(handed) = round.handed.recv() => this.take(&mut round, handed),
                () = tokio::time::sleep_until(round.look_at) => {}
            }
        }
        this.finish(&mut round).await;
    }

    /// Begins what was handed over, tells what became of lanes, and claims what is due and has room when it is time to look.
    async fn step(self: &Arc<Self>, round: &mut Round) -> Result<()> {
        while let Ok(handed) = round.handed.try_recv() {
            self.take(round, handed);
        }
        self.ended_meanwhile(round);
        if Instant::now() >= round.look_at {
            return self.look(round).await;
        }
        while !round.settled.is_empty() {
            self.exchange(round, Vec::new()).await?;
        }
        Ok(())
    }

    fn take(self: &Arc<Self>, round: &mut Round, handed: Handed) {
        // Unless its lease ended on the way, and it was claimed: a clock was put forward.
        if !round.lanes.contains_key(&handed.lane.name) {
            self.start(round, handed.lane, handed.place);
        }
    }

    fn start(self: &Arc<Self>, round: &mut Round, lane: Lane, place: Place) {
        let begun = Begun {
            since: Instant::now(),
            _place: place,
        };
        round.lanes.insert(lane.name.clone(), begun);
        round.running.spawn(Arc::clone(self).work(lane));
    }

    /// Claims what is due and has room, and says when to look again.
    async fn look(self: &Arc<Self>, round: &mut Round) -> Result<()> {
        let due = self.engine.read(|tx| delivery::due(tx, "", TARGETS)).await;
        self.ended_meanwhile(round);
        let now = self.engine.now();
        let mut next = Timestamp(now.0 + i64::try_from(LOOK.as_micros()).unwrap_or(0));
        let mut claims = Vec::new();
        let mut free = self.places.left();
        round.lacks_room = false;
        round.waiting = Waiting::default();
        // Their lanes were not in the table just now, and will be.
        let settling: HashSet<String> = round.settled.iter().map(|s| s.target.clone()).collect();
        // What became of calls is told also when nothing can be read.
        for due in due.as_ref().map_or(&[][..], Vec::as_slice) {
            if due.at > now {
                next = next.min(due.at);
                continue;
            }
            let taken = self.places.of(&due.target);
            let target = round.target(&due.target);
            let wanted = target.room(now, taken).min(CLAIM);
            let probe_at = target.next().filter(|at| *at > now);
            round.waiting.all |= wanted > free;
            let room = wanted.min(free);
            if room == 0 {
                // Room comes with the end of a lane, or with time.
                next = probe_at.map_or(next, |at| next.min(at));
                round.lacks_room = true;
                round.waiting.targets.insert(due.target.clone());
                continue;
            }
            free -= room;
            claims.push(Claim {
                target: due.target.clone(),
                most: i64::try_from(room).unwrap_or(1),
            });
        }
        while !(claims.is_empty() && round.settled.is_empty()) {
            let some = claims.split_off(claims.len().saturating_sub(CLAIMS));
            if self.exchange(round, some).await? {
                next = now; // There may be more.
            }
        }
        let due = due?;
        let places = &self.places;
        places.wait(std::mem::take(&mut round.waiting));
        round.targets.retain(|name, _| {
            let is_known =
                places.of(name).0 > 0 || settling.contains(name) || due.iter().any(|due| due.target == *name);
            if !is_known {
                places.spare(name, false);
            }
            is_known
        });
        round.look_at = Instant::now();
        if !round.lacks_room || settling.is_empty() {
            round.look_at += Duration::from_micros(u64::try_from(next.0 - now.0).unwrap_or(0));
        }
        Ok(())
    }

    /// Tells the store what became of some lanes, takes others, and begins what comes next; whether a claim got all that it
    /// wanted.
    async fn exchange(self: &Arc<Self>, round: &mut Round, claims: Vec<Claim>) -> Result<bool> {
        let some = round.settled.len().min(SETTLED);
        let settled: Arc<Vec<Settle>> = Arc::new(round.settled.drain(..some).collect());
        let exchange = Exchange {
            settled: Arc::clone(&settled),
            claims: claims.clone(),
        };
        match self.engine.execute(Actor::System, exchange).await {
            Ok(next) => Ok(self.begin(round, &settled, &claims, next)),
            Err(error) => {
                // One by one: what cannot be recorded of one lane is not to keep the others from it.
                for settle in settled.iter() {
                    self.record(round, settle.clone()).await;
                }
                Err(error)
            }
        }
    }

    async fn record(self: &Arc<Self>, round: &mut Round, settle: Settle) {
        let settled = Arc::new(vec![settle]);
        let exchange = Exchange {
            settled: Arc::clone(&settled),
            claims: Vec::new(),
        };
        let next = match self.engine.execute(Actor::System, exchange).await {
            Ok(next) => next,
            Err(error) => {
                // The lease of the lane ends, and its calls are made again, with their tokens.
                let lane = settled.first().map(|settle| &settle.lane);
                tracing::warn!(lane, %error, "what became of a webhook's calls was not recorded");
                Next::default()
            }
        };
        self.begin(round, &settled, &[], next);
    }

    fn begin(self: &Arc<Self>, round: &mut Round, settled: &[Settle], claims: &[Claim], next: Next) -> bool {
        let goes_on: HashSet<&str> = next.continued.iter().map(|lane| lane.name.as_str()).collect();
        for settle in settled {
            if !goes_on.contains(settle.lane.as_str()) {
                round.lanes.remove(&settle.lane);
                round.left();
            }
        }
        for lane in next.continued {
            round.running.spawn(Arc::clone(self).work(lane));
        }
        let mut is_full = false;
        for (claim, lanes) in claims.iter().zip(next.claimed) {
            if i64::try_from(lanes.len()) == Ok(claim.most) {
                is_full = true;
                round.waiting.targets.insert(claim.target.clone());
            }
            for lane in lanes {
                if round.lanes.contains_key(&lane.name) {
                    continue;
                }
                let place = self.places.take(&lane.target);
                self.start(round, lane, place);
            }
        }
        is_full
    }

    async fn work(self: Arc<Self>, lane: Lane) -> Ended {
        let worker = Worker {
            engine: &self.engine,
            caller: &self.caller,
            options: self.options,
        };
        let name = lane.name.clone();
        match AssertUnwindSafe(worker.work(lane)).catch_unwind().await {
            Ok((settle, report)) => Ended::Lane(settle, report),
            Err(_) => Ended::Broken { lane: name },
        }
    }

    fn ended_meanwhile(self: &Arc<Self>, round: &mut Round) {
        while let Some(ended) = round.running.try_join_next() {
            self.ended(round, ended);
        }
    }

    fn ended(self: &Arc<Self>, round: &mut Round, ended: std::result::Result<Ended, JoinError>) {
        match ended {
            Ok(Ended::Lane(mut settle, report)) => {
                let is_long = round
                    .lanes
                    .get(&settle.lane)
                    .is_some_and(|begun| begun.since.elapsed() > TURN);
                if is_long || round.is_ending {
                    settle.pause_until.get_or_insert_with(|| self.engine.now());
                }
                self.heard(round, &settle.target, report);
                round.settled.push(settle);
            }
            // The lease of a lane whose work failed so ends by itself.
            Ok(Ended::Broken { lane }) => {
                round.lanes.remove(&lane);
                round.left();
            }
            Ok(Ended::Upkeep(place)) => {
                drop(place);
                round.left();
            }
            // No task is cancelled, and none panics outside of the above.
            Err(error) => tracing::error!(%error, "a task of the webhooks failed"),
        }
    }

    fn heard(self: &Arc<Self>, round: &mut Round, name: &str, report: Report) {
        let (now, too_old, is_ending) = (self.engine.now(), self.too_old(name), round.is_ending);
        let target = round.target(name);
        let is_back = target.heard(report, now);
        self.places.spare(name, target.is_spared());
        let gives_up = too_old.filter(|before| report == Report::Failing && target.failing_since(*before));
        if is_ending || !(is_back || gives_up.is_some()) {
            return;
        }
        // It counts as a lane: a target is not tried before what is too old for it has been given up.
        let place = self.places.take(name);
        let (this, name) = (Arc::clone(self), name.to_owned());
        round.running.spawn(async move {
            match gives_up {
                Some(before) => this.give_up(name, before).await,
                None => this.resume(name).await,
            }
            Ended::Upkeep(place)
        });
    }

    /// Ends what was begun, and gives its lanes back.
    async fn finish(self: &Arc<Self>, round: &mut Round) {
        round.is_ending = true;
        let now = self.engine.now();
        self.places.close();
        round.handed.close();
        while let Some(handed) = round.handed.recv().await {
            round.settled.push(Settle {
                lane: handed.lane.name,
                target: handed.lane.target,
                outcomes: Vec::new(),
                pause_until: Some(now),
            });
        }
        for settle in &mut round.settled {
            settle.pause_until.get_or_insert(now);
        }
        loop {
            self.ended_meanwhile(round);
            while !round.settled.is_empty() {
                if let Err(error) = self.exchange(round, Vec::new()).await {
                    tracing::warn!(%error, "what became of webhooks' calls was not recorded");
                }
            }
            let Some(ended) = round.running.join_next().await else {
                return;
            };
            self.ended(round, ended);
        }
    }

    fn retry_for(&self, target: &str) -> Duration {
        self.options.retry_for(delivery::of_streams(target).is_some())
    }

    /// What a target was to be told before this is not tried again; none where nothing is tried again anyway.
    fn too_old(&self, target: &str) -> Option<Timestamp> {
        let retry_for = self.retry_for(target);
        let retry_for = i64::try_from(retry_for.as_micros()).unwrap_or(i64::MAX);
        (retry_for > 0).then(|| Timestamp(self.engine.now().0.saturating_sub(retry_for)))
    }

    /// A target has not answered for as long as anything is tried: what has become too old meanwhile is given up without
    /// a call each, in steps, with one alert for all.
    async fn give_up(self: Arc<Self>, target: String, before: Timestamp) {
        let account = target
            .split_once(' ')
            .and_then(|(account, _)| AccountSid::parse(account));
        let mut so_far = GivenUp::default();
        while let Some(account) = account
            && !so_far.is_done
        {
            let step = GiveUp {
                account,
                target: target.clone(),
                before,
                tried_for: self.retry_for(&target).as_secs(),
                so_far,
            };
            match self.engine.execute(Actor::System, step).await {
                Ok(done) => so_far = done,
                Err(error) => {
                    tracing::warn!(target, %error, "webhooks that are too old are given up later");
                    break;
                }
            }
        }
        if so_far.count > 0 {
            tracing::warn!(target, given_up = so_far.count, "webhooks were given up");
        }
    }

    /// A target is back: what waits for a later try goes on at once.
    async fn resume(self: Arc<Self>, target: String) {
        tracing::info!(target, "webhooks are delivered again");
        loop {
            let resume = Resume {
                target: target.clone(),
            };
            match self.engine.execute(Actor::System, resume).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "waiting webhooks go on later");
                    return;
                }
            }
        }
    }

    /// Takes lanes back now and then from servers that have had them for too long.
    async fn keep_reclaimed(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(RECLAIM);
        loop {
            ticks.tick().await;
            if let Err(error) = self.reclaim().await {
                tracing::warn!(%error, "lanes of webhooks are taken back later");
            }
        }
    }

    async fn reclaim(&self) -> Result<()> {
        let now = self.engine.now();
        let mut behind = Some(String::new());
        while let Some(name) = behind.take() {
            let expired = self
                .engine
                .read(move |tx| delivery::expired(tx, &name, now))
                .await?;
            if !expired.lanes.is_empty() {
                let reclaim = Reclaim { lanes: expired.lanes };
                self.engine.execute(Actor::System, reclaim).await?;
            }
            behind = expired.next;
        }
        Ok(())
    }

    /// Removes what the log is not to keep any longer, now and then.
    async fn keep_pruned(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(PRUNE);
        loop {
            ticks.tick().await;
            let log_for = i64::try_from(self.options.log_for.as_micros()).unwrap_or(i64::MAX);
            let before = Timestamp(self.engine.now().0.saturating_sub(log_for));
            loop {
                match self.engine.execute(Actor::System, Prune { before }).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "the log of webhooks is pruned later");
                        break;
                    }
                }
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
