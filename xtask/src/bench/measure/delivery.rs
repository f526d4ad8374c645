//! The line by which servers are compared: many conversations of two.

use super::Engine;
use crate::bench::load::{Loop, Until};
use crate::bench::report::Row;
use crate::bench::sdk::Clients;
use crate::bench::setup::{self, Account};
use crate::bench::stats::{Quantiles, median};
use crate::bench::{Bench, Part};
use anyhow::{Context as _, Result};

const SENDERS: usize = 32;
const CONVERSATIONS: usize = 100;
const MEMBERS: usize = 2;
/// Messages a second of the best durable peer that was measured.
const PEER: f64 = 4063.0;
const AIM_P99_MS: f64 = 10.0;

pub(super) async fn pairs(bench: &mut Bench) -> Result<()> {
    for engine in bench.engines() {
        let server = bench.server(engine, "pairs").await?;
        let account = Account::open(server.address).await?;
        let conversations = setup::conversations(server.address, CONVERSATIONS).await?;
        let identity = |n: usize| format!("pair-{}", setup::identity(n));
        let all = 0..CONVERSATIONS * MEMBERS;
        let members = all
            .clone()
            .filter_map(|n| Some((conversations.get(n / MEMBERS)?, identity(n))));
        setup::participants(server.address, members).await?;
        let mut clients = Clients::connect(server.address, &account, all.map(identity)).await?;
        let plan = Loop {
            address: server.address,
            connections: SENDERS,
            status: 201,
            request: setup::create_messages(&conversations),
        };
        let warm_up = plan.run(Until::Elapsed(bench.scale.warm_up)).await?;
        clients.receipts.wait_for(warm_up.answered * MEMBERS as u64).await;

        let (mut rates, mut latencies, mut missing) = (Vec::new(), Vec::new(), 0);
        let (mut count, mut seconds) = (0, 0.0);
        let before = server.usage().await?;
        for _ in 0..bench.scale.repetitions {
            clients.receipts.clear();
            let run = plan.run(Until::Elapsed(bench.scale.window)).await?;
            missing += clients.receipts.wait_for(run.answered * MEMBERS as u64).await;
            latencies.extend(clients.receipts.take().summary());
            rates.push(run.rate());
            count += run.answered;
            seconds += run.seconds;
        }
        let used = server.used_since(before).await?;
        clients.check()?;
        let rate = median(rates).context("nothing ran")?;
        let latency = Quantiles::median(&latencies).context("nothing was delivered")?;

        let (factor, within) = match engine {
            Engine::Sqlite => (5.0, Some(AIM_P99_MS)),
            Engine::Postgres => (1.5, None),
        };
        let mut aim = format!("≥ {factor} × the peer");
        let mut met = rate >= factor * PEER;
        if let Some(limit) = within {
            aim.push_str(&format!(", p99 ≤ {limit} ms"));
            met &= latency.p99 <= limit;
        }
        bench.row(
            Row::new(
                Part::H,
                format!("REST to {MEMBERS} members, {engine}"),
                rate,
                "messages/s",
            )
            .latency(latency)
            .ratio(rate / PEER, "the peer")
            .aim(aim, met),
        );
        bench.row(Row::new(
            Part::H,
            format!("server's processor time, {engine}"),
            used.server * 1000.0 / count as f64,
            "s/1000 messages",
        ));
        bench
            .report
            .note(Part::H, format!("{engine}: {}", used.describe(count, seconds)));
        if missing > 0 {
            bench.report.note(
                Part::H,
                format!(
                    "{engine}: {missing} of {} frames did not come",
                    count * MEMBERS as u64
                ),
            );
        }
        drop(clients);
        bench.finish(Part::H, server).await?;
        bench.discard("pairs");
    }
    Ok(())
}
