//! Closed loops: a number of connections, each of which sends its next request when the last one is answered.

use super::http::Connection;
use super::stats::{Quantiles, Samples, median};
use anyhow::{Context as _, Result, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{Interval, interval_at};

/// Renders the request with a number into an empty buffer.
pub(super) type Render = Arc<dyn Fn(u64, &mut Vec<u8>) + Send + Sync>;

/// When a loop ends.
#[derive(Clone, Copy)]
pub(super) enum Until {
    Elapsed(Duration),
    Count(u64),
}

/// A closed loop that can run several times.
#[derive(Clone)]
pub(super) struct Loop {
    pub(super) address: SocketAddr,
    pub(super) connections: usize,
    /// The status that each answer must have.
    pub(super) status: u16,
    pub(super) request: Render,
}

/// What one run showed.
pub(super) struct Run {
    pub(super) answered: u64,
    pub(super) seconds: f64,
    pub(super) latencies: Samples,
}

impl Run {
    pub(super) fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }
}

/// The median of several runs.
pub(super) struct Summary {
    pub(super) rate: f64,
    pub(super) latency: Quantiles,
}

impl Summary {
    pub(super) fn of(runs: Vec<Run>) -> Result<Self> {
        let rate = median(runs.iter().map(Run::rate)).context("nothing ran")?;
        let latencies: Vec<Quantiles> = runs
            .into_iter()
            .filter_map(|run| run.latencies.summary())
            .collect();
        let latency = Quantiles::median(&latencies).context("nothing was answered")?;
        Ok(Self { rate, latency })
    }
}

impl Loop {
    /// Warms up, then runs several times.
    pub(super) async fn measure(&self, warm_up: Duration, window: Duration, times: usize) -> Result<Summary> {
        self.run(Until::Elapsed(warm_up)).await?;
        let mut runs = Vec::new();
        for _ in 0..times {
            runs.push(self.run(Until::Elapsed(window)).await?);
        }
        Summary::of(runs)
    }

    pub(super) async fn run(&self, until: Until) -> Result<Run> {
        self.run_at(until, None).await
    }

    /// As [`Loop::run`], with so many requests a second at most. What comes late is not left out.
    pub(super) async fn run_at(&self, until: Until, rate: Option<f64>) -> Result<Run> {
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            connections.push(Connection::open(self.address).await?);
        }
        let turn = Arc::new(AtomicU64::new(0));
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        let each = rate.map(|rate| Duration::from_secs_f64(self.connections as f64 / rate));
        for (at, connection) in connections.into_iter().enumerate() {
            // Not all at the same moment.
            let pace = each.map(|each| {
                interval_at(
                    (started + each.mul_f64(at as f64 / self.connections as f64)).into(),
                    each,
                )
            });
            tasks.spawn(drive(
                connection,
                self.clone(),
                Arc::clone(&turn),
                until,
                started,
                pace,
            ));
        }
        let (mut answered, mut latencies) = (0, Samples::default());
        while let Some(done) = tasks.join_next().await {
            let (count, samples) = done??;
            answered += count;
            latencies.append(samples);
        }
        Ok(Run {
            answered,
            seconds: started.elapsed().as_secs_f64(),
            latencies,
        })
    }
}

async fn drive(
    mut connection: Connection,
    plan: Loop,
    turn: Arc<AtomicU64>,
    until: Until,
    started: Instant,
    mut pace: Option<Interval>,
) -> Result<(u64, Samples)> {
    let (mut answered, mut latencies) = (0, Samples::default());
    let mut request = Vec::new();
    loop {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        let number = turn.fetch_add(1, Relaxed);
        let sent = Instant::now();
        let over = match until {
            Until::Elapsed(limit) => sent.duration_since(started) >= limit,
            Until::Count(limit) => number >= limit,
        };
        if over {
            return Ok((answered, latencies));
        }
        request.clear();
        (plan.request)(number, &mut request);
        let status = connection.exchange(&request).await?;
        check(status, plan.status, &connection)?;
        latencies.push(sent.elapsed());
        answered += 1;
    }
}

/// A row about refused requests would say nothing: the first one ends it.
fn check(status: u16, wanted: u16, connection: &Connection) -> Result<()> {
    if status != wanted {
        bail!(
            "{status} instead of {wanted}: {}",
            String::from_utf8_lossy(connection.body())
        );
    }
    Ok(())
}

/// Sends each request once, over several connections, and gives the bodies of the answers in the same order.
pub(super) async fn each(address: SocketAddr, requests: Vec<Vec<u8>>, status: u16) -> Result<Vec<Vec<u8>>> {
    const CONNECTIONS: usize = 32;
    let count = requests.len();
    let (requests, turn) = (Arc::new(requests), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS.min(count) {
        let (requests, turn) = (Arc::clone(&requests), Arc::clone(&turn));
        let mut connection = Connection::open(address).await?;
        tasks.spawn(async move {
            let mut bodies = Vec::new();
            loop {
                let at = turn.fetch_add(1, Relaxed) as usize;
                let Some(request) = requests.get(at) else {
                    return anyhow::Ok(bodies);
                };
                let answer = connection.exchange(request).await?;
                check(answer, status, &connection)?;
                bodies.push((at, connection.body().to_owned()));
            }
        });
    }
    let mut bodies = vec![Vec::new(); count];
    while let Some(done) = tasks.join_next().await {
        for (at, body) in done?? {
            bodies[at] = body;
        }
    }
    Ok(bodies)
}
