//! A webhook that was away, and what it takes to tell it of all that it missed.

use super::Engine;
use crate::bench::load::{Loop, Until};
use crate::bench::report::Row;
use crate::bench::sink::Sink;
use crate::bench::{Bench, Part, setup};
use anyhow::Result;
use std::net::Ipv4Addr;
use std::time::Instant;

const CONNECTIONS: usize = 64;
const CONVERSATIONS: usize = 1000;
const AIM_MIB: f64 = 16.0;
const LOOKS: u64 = 10;

pub(super) async fn drain(bench: &mut Bench) -> Result<()> {
    let count = bench.scale.backlog;
    let server = bench.server(Engine::Sqlite, "backlog").await?;
    let conversations = setup::conversations(server.address, CONVERSATIONS.min(count as usize / 10)).await?;
    // Nobody listens there until the backlog is complete.
    let away = Sink::start((Ipv4Addr::LOCALHOST, 0).into()).await?.address;
    setup::webhooks(
        server.address,
        "",
        &format!("http://{away}/"),
        &["onMessageAdded"],
    )
    .await?;
    let plan = Loop {
        address: server.address,
        connections: CONNECTIONS,
        status: 201,
        request: setup::announce_messages(&conversations),
    };
    let queued = plan.run(Until::Count(count)).await?.answered;
    // Its complaints are about the webhook that is away.
    server.stop().await?;

    let sink = Sink::start(away).await?;
    let server = bench.server(Engine::Sqlite, "backlog").await?;
    let mut memory = vec![server.resident_kib()? / 1024.0];
    let started = Instant::now();
    let mut missing = 0;
    for look in 1..=LOOKS {
        missing = sink.wait_for(queued * look / LOOKS).await;
        memory.push(server.resident_kib()? / 1024.0);
    }
    let seconds = started.elapsed().as_secs_f64();
    // Until then the store's cache of pages fills, which has a bound of its own.
    let middle = memory.len() / 2;
    let grown = memory.iter().skip(middle).copied().fold(0.0, f64::max) - memory[middle];
    bench.row(Row::new(
        Part::O,
        format!("calls of a backlog of {queued}"),
        (queued - missing) as f64 / seconds,
        "calls/s",
    ));
    bench.row(
        Row::new(
            Part::O,
            "memory that it grows by in the second half",
            grown,
            "MiB",
        )
        .aim(
            format!("≤ {AIM_MIB} MiB, all come"),
            grown <= AIM_MIB && missing == 0,
        ),
    );
    let shown: Vec<String> = memory.iter().map(|mib| format!("{mib:.0}")).collect();
    bench.report.note(
        Part::O,
        format!(
            "resident memory before and at each tenth: {} MiB; {missing} calls did not come in {seconds:.1} s",
            shown.join(", ")
        ),
    );
    bench.finish(Part::O, server).await?;
    bench.discard("backlog");
    Ok(())
}
