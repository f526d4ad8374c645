//! From a REST request to the frames at many clients of one conversation.

use super::Engine;
use crate::bench::http::Connection;
use crate::bench::report::Row;
use crate::bench::sdk::Clients;
use crate::bench::setup::{self, Account};
use crate::bench::stats::Samples;
use crate::bench::{Bench, Part};
use anyhow::{Context as _, Result, bail};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

const MOST_USERS: usize = 200;

pub(super) async fn latency(bench: &mut Bench) -> Result<()> {
    let server = bench.server(Engine::Sqlite, "fanout").await?;
    let account = Account::open(server.address).await?;
    for (connections, messages, pace) in bench.scale.fanout {
        let conversation = setup::conversations(server.address, 1).await?;
        let room = conversation.first().context("no conversation")?;
        let users = connections.min(MOST_USERS);
        // Identities of their own, so that no client follows the conversation of another size, too.
        let identity = |n: usize| format!("of{connections}-{}", setup::identity(n % users));
        setup::participants(server.address, (0..users).map(|n| (room, identity(n)))).await?;
        let mut clients = Clients::connect(server.address, &account, (0..connections).map(identity)).await?;

        let request = setup::create_messages(&conversation);
        let mut sender = Connection::open(server.address).await?;
        let mut answers = Samples::default();
        let mut missing = 0;
        // The first part only warms up.
        for (count, counts) in [(messages / 10 + 1, false), (messages, true)] {
            clients.receipts.clear();
            answers = Samples::default();
            let mut ticks = interval(pace);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for turn in 0..count {
                ticks.tick().await;
                let mut bytes = Vec::new();
                let sent = Instant::now();
                request(turn, &mut bytes);
                let status = sender.exchange(&bytes).await?;
                answers.push(sent.elapsed());
                if status != 201 {
                    bail!("{status}: {}", String::from_utf8_lossy(sender.body()));
                }
            }
            let lost = clients.receipts.wait_for(count * connections as u64).await;
            missing = if counts { lost } else { 0 };
        }
        clients.check()?;
        let latency = clients.receipts.take().summary().context("no frame came")?;
        bench.row(Row::latencies(
            Part::E,
            format!("create to frame, connections: {connections}"),
            latency,
        ));
        if let Some(answer) = answers.summary() {
            bench.report.note(
                Part::E,
                format!(
                    "connections: {connections}, a message each {} ms: the request itself is answered in {:.2} ms (p50), \
                     {:.2} ms (p99)",
                    pace.as_millis(),
                    answer.p50,
                    answer.p99
                ),
            );
        }
        if missing > 0 {
            bench.report.note(
                Part::E,
                format!("connections: {connections}, {missing} frames did not come"),
            );
        }
        drop(clients);
        // The server notices the closed connections before the next size is measured.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bench.finish(Part::E, server).await?;
    bench.discard("fanout");
    Ok(())
}
