//! What it costs to tell webhooks of messages, and how soon they know.

use super::Engine;
use crate::bench::load::{Loop, Until};
use crate::bench::report::Row;
use crate::bench::server::Server;
use crate::bench::sink::Sink;
use crate::bench::stats::{Quantiles, median};
use crate::bench::{Bench, Part, setup};
use anyhow::{Context as _, Result};
use std::net::Ipv4Addr;
use std::time::Instant;

const CONNECTIONS: usize = 64;
const AIM_UNHEARD: f64 = 0.97;
const AIM_CALLED: f64 = 0.6;
const AIM_P99_MS: f64 = 50.0;
/// Rounds for each repetition of other measurements: two rates that are nearly the same need more of them.
const ROUNDS: usize = 3;

/// What was measured in one round.
struct Round {
    /// Messages a second without webhooks, with one for other events, with one for these.
    rates: [f64; 3],
    /// Of the last, until all calls had come.
    sustained: f64,
    missing: u64,
    /// Processor time of the server for a message, microseconds, with its call in the last.
    processor: [f64; 3],
}

struct Measured {
    server: Server,
    sink: Sink,
    silent: Loop,
    announced: Loop,
}

impl Measured {
    async fn listen(&self, event: Option<&str>) -> Result<()> {
        let url = format!("http://{}/", self.sink.address);
        let url = event.map_or("", |_| &url);
        setup::webhooks(self.server.address, "", url, event.as_slice()).await
    }

    async fn round(&self, until: Until) -> Result<Round> {
        let mut round = Round {
            rates: [0.0; 3],
            sustained: 0.0,
            missing: 0,
            processor: [0.0; 3],
        };
        let listened = [
            (&self.silent, None),
            (&self.announced, Some("onConversationUpdated")),
            (&self.announced, Some("onMessageAdded")),
        ];
        for (at, (plan, event)) in listened.into_iter().enumerate() {
            self.listen(event).await?;
            let (used, calls) = (self.server.usage().await?, self.sink.calls());
            let started = Instant::now();
            let run = plan.run(until).await?;
            if event == Some("onMessageAdded") {
                round.missing = self.sink.wait_for(calls + run.answered).await;
                round.sustained = run.answered as f64 / started.elapsed().as_secs_f64();
            }
            let used = self.server.used_since(used).await?;
            round.rates[at] = run.rate();
            round.processor[at] = used.server * 1e6 / run.answered as f64;
        }
        Ok(round)
    }

    /// Latencies of calls at a rate of messages, and the rate that it really was.
    async fn paced(&self, until: Until, rate: f64) -> Result<(Quantiles, f64, u64)> {
        let before = self.sink.calls();
        self.sink.take();
        let run = self.announced.run_at(until, Some(rate)).await?;
        let missing = self.sink.wait_for(before + run.answered).await;
        let latency = self.sink.take().summary().context("no call came")?;
        Ok((latency, run.rate(), missing))
    }
}

pub(super) async fn cost(bench: &mut Bench) -> Result<()> {
    let server = bench.server(Engine::Sqlite, "told").await?;
    let conversations = setup::conversations(server.address, bench.scale.conversations).await?;
    let plan = |request| Loop {
        address: server.address,
        connections: CONNECTIONS,
        status: 201,
        request,
    };
    let measured = Measured {
        sink: Sink::start((Ipv4Addr::LOCALHOST, 0).into()).await?,
        silent: plan(setup::create_messages(&conversations)),
        announced: plan(setup::announce_messages(&conversations)),
        server,
    };
    measured.round(Until::Elapsed(bench.scale.warm_up)).await?;
    let window = Until::Elapsed(bench.scale.window);
    let mut rounds = Vec::new();
    for _ in 0..bench.scale.repetitions * ROUNDS {
        rounds.push(measured.round(window).await?);
    }
    let rate = |at: usize| median(rounds.iter().map(|round| round.rates[at])).context("no round");
    let ratio = |at: usize| median(rounds.iter().map(|r| r.rates[at] / r.rates[0])).context("no round");
    let row = |what: &str, rate: f64| Row::new(Part::M, what, rate, "req/s");
    bench.row(row("create message, no webhook, not announced", rate(0)?));
    for (at, what, aim) in [
        (1, "create message, a webhook for other events", AIM_UNHEARD),
        (2, "create message, a webhook is told", AIM_CALLED),
    ] {
        let ratio = ratio(at)?;
        bench.row(
            row(what, rate(at)?)
                .ratio(ratio, "without")
                .aim(format!("≥ {aim:.2} × without"), ratio >= aim),
        );
    }
    let sustained = median(rounds.iter().map(|round| round.sustained)).context("no round")?;
    bench.row(
        row("create message and call, until all calls came", sustained)
            .ratio(sustained / rate(0)?, "without"),
    );

    let wanted = rate(2)? / 2.0;
    let (mut latencies, mut paces) = (Vec::new(), Vec::new());
    let mut missing: u64 = rounds.iter().map(|round| round.missing).sum();
    for _ in 0..bench.scale.repetitions {
        let (latency, pace, lost) = measured.paced(window, wanted).await?;
        latencies.push(latency);
        paces.push(pace);
        missing += lost;
    }
    let latency = Quantiles::median(&latencies).context("nothing was delivered")?;
    bench.row(
        Row::latencies(Part::M, "create to call at half of that rate", latency).aim(
            format!("p99 ≤ {AIM_P99_MS} ms"),
            latency.p99 <= AIM_P99_MS && missing == 0,
        ),
    );
    let processor = |at: usize| median(rounds.iter().map(|r| r.processor[at])).context("no round");
    let [without, unheard, told] = [processor(0)?, processor(1)?, processor(2)?];
    bench.report.note(
        Part::M,
        format!(
            "processor time of the server for a message: {without:.0} µs without a webhook, {unheard:.0} µs with one for \
             other events, {told:.0} µs with its call"
        ),
    );
    let pace = median(paces).context("no round")?;
    bench.report.note(
        Part::M,
        format!("{pace:.0} messages a second of {wanted:.0} wanted at half of the rate; {missing} calls did not come"),
    );
    bench.finish(Part::M, measured.server).await?;
    bench.discard("told");
    Ok(())
}
