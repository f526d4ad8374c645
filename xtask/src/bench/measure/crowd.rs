//! Fan-out to a great conversation, beside a server that does nothing else.

use super::Engine;
use crate::bench::http::Connection;
use crate::bench::report::Row;
use crate::bench::sdk::{Broadcaster, Clients, Sample};
use crate::bench::setup::{self, Account};
use crate::bench::stats::Quantiles;
use crate::bench::{Bench, Part};
use anyhow::{Context as _, Result, bail};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// 50 messages a second.
const PACE: Duration = Duration::from_millis(20);
const AIM: f64 = 3.0;

/// Sends at the pace until all is delivered, first to warm up; gives latencies, messages a second, what did not come.
async fn run(
    clients: &mut Clients,
    members: usize,
    messages: u64,
    mut send: impl AsyncFnMut(u64) -> Result<()>,
) -> Result<(Quantiles, f64, u64)> {
    let (mut rate, mut missing) = (0.0, 0);
    for count in [messages / 10 + 1, messages] {
        clients.receipts.clear();
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let started = Instant::now();
        for turn in 0..count {
            ticks.tick().await;
            send(turn).await?;
        }
        rate = count as f64 / started.elapsed().as_secs_f64();
        missing = clients.receipts.wait_for(count * members as u64).await;
    }
    clients.check()?;
    let latency = clients.receipts.take().summary().context("no frame came")?;
    Ok((latency, rate, missing))
}

pub(super) async fn latency(bench: &mut Bench) -> Result<()> {
    let (members, messages) = bench.scale.crowd;
    let server = bench.server(Engine::Sqlite, "crowd").await?;
    let account = Account::open(server.address).await?;
    let conversation = setup::conversations(server.address, 1).await?;
    let room = conversation.first().context("no conversation")?;
    let everybody = (0..members).map(|n| (room, setup::identity(n)));
    setup::participants(server.address, everybody).await?;
    let token = account.access_token(&setup::identity(0))?;
    let sample = Sample::take(
        server.address,
        &token,
        setup::message_in_each(server.address, &conversation),
    )
    .await?;

    let identities = (0..members).map(setup::identity);
    let mut clients = Clients::connect(server.address, &account, identities).await?;
    let request = setup::create_messages(&conversation);
    let mut sender = Connection::open(server.address).await?;
    let (latency, rate, missing) = run(&mut clients, members, messages, async |turn| {
        let mut bytes = Vec::new();
        request(turn, &mut bytes);
        match sender.exchange(&bytes).await? {
            201 => Ok(()),
            status => bail!("{status}: {}", String::from_utf8_lossy(sender.body())),
        }
    })
    .await?;
    drop(clients);
    bench.finish(Part::K, server).await?;
    bench.discard("crowd");

    let broadcaster = Broadcaster::start().await?;
    let mut listeners = broadcaster.listeners(members).await?;
    let (bare, bare_rate, bare_missing) = run(&mut listeners, members, messages, async |_| {
        broadcaster.send(sample.now());
        Ok(())
    })
    .await?;
    drop(listeners);

    let ratio = latency.p99 / bare.p99;
    bench.row(
        Row::new(Part::K, format!("REST to {members} members"), rate, "messages/s")
            .latency(latency)
            .ratio(ratio, "the bare broadcast")
            .aim(
                format!("≤ {AIM} × the bare broadcast"),
                ratio <= AIM && missing == 0,
            ),
    );
    bench.row(
        Row::new(
            Part::K,
            format!("bare broadcast to {members} sockets"),
            bare_rate,
            "messages/s",
        )
        .latency(bare),
    );
    bench.report.note(
        Part::K,
        format!(
            "{} bytes a message and member; {missing} frames of the server and {bare_missing} of the broadcast did not come",
            sample.len()
        ),
    );
    Ok(())
}
