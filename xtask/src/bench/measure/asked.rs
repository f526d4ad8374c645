//! What a webhook adds that is asked before a message.

use super::Engine;
use crate::bench::http::{Caller, Connection};
use crate::bench::load::{Loop, Until};
use crate::bench::report::Row;
use crate::bench::sink::Sink;
use crate::bench::stats::{Quantiles, Samples};
use crate::bench::{Bench, Part, setup};
use anyhow::{Context as _, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

const AIM_MS: f64 = 1.0;
/// Bytes of the form of a question about a message of the length that is sent.
const QUESTION: usize = 500;

/// Round trips of a bare client.
async fn bare(address: SocketAddr, until: Until) -> Result<Quantiles> {
    let request = Caller::new("bare", "client").post("/", &format!("Bare={}", "x".repeat(QUESTION)));
    let mut connection = Connection::open(address).await?;
    let (mut samples, started) = (Samples::default(), Instant::now());
    loop {
        let over = match until {
            Until::Elapsed(limit) => started.elapsed() >= limit,
            Until::Count(limit) => samples.len() as u64 >= limit,
        };
        if over {
            return samples.summary().context("no round trip");
        }
        let sent = Instant::now();
        connection.exchange(&request).await?;
        samples.push(sent.elapsed());
    }
}

pub(super) async fn cost(bench: &mut Bench) -> Result<()> {
    let server = bench.server(Engine::Sqlite, "asked").await?;
    let conversations = setup::conversations(server.address, bench.scale.conversations).await?;
    let sink = Sink::start((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let url = format!("http://{}/", sink.address);
    let plan = Loop {
        address: server.address,
        connections: 1,
        status: 201,
        request: setup::announce_messages(&conversations),
    };
    let mut measured = [const { Vec::new() }; 3];
    for round in 0..=bench.scale.repetitions {
        let until = Until::Elapsed(match round {
            0 => bench.scale.warm_up,
            _ => bench.scale.window,
        });
        setup::webhooks(server.address, "", "", &[]).await?;
        let without = plan.run(until).await?;
        setup::webhooks(server.address, &url, "", &["onMessageAdd"]).await?;
        let before = sink.calls();
        let asked = plan.run(until).await?;
        anyhow::ensure!(
            sink.calls() - before == asked.answered,
            "not each message was asked about"
        );
        let bare = bare(sink.address, until).await?;
        if round > 0 {
            for (place, run) in measured.iter_mut().zip([without, asked]) {
                place.extend(run.latencies.summary());
            }
            measured[2].push(bare);
        }
    }
    let summary = |at: usize| Quantiles::median(&measured[at]).context("nothing was measured");
    let (without, asked, bare) = (summary(0)?, summary(1)?, summary(2)?);
    for (what, latency) in [
        ("create message, one at a time", without),
        ("create message, a webhook is asked", asked),
        ("bare round trip to the same listener", bare),
    ] {
        bench.row(Row::latencies(Part::N, what, latency));
    }
    let added = asked.p50 - without.p50 - bare.p50;
    bench.row(
        Row::new(
            Part::N,
            "added by asking, without the round trip, p50",
            added,
            "ms",
        )
        .aim(format!("≤ {AIM_MS} ms"), added <= AIM_MS),
    );
    bench.finish(Part::N, server).await?;
    bench.discard("asked");
    Ok(())
}
