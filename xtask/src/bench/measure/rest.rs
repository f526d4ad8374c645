//! Closed loops over REST: the floor, creating, reading.

use super::Engine;
use crate::bench::load::{Loop, Render, Summary, Until};
use crate::bench::report::Row;
use crate::bench::server::Server;
use crate::bench::{Bench, Part, setup};
use anyhow::Result;

const CONNECTIONS: usize = 64;

fn plan(server: &Server, status: u16, request: Render) -> Loop {
    Loop {
        address: server.address,
        connections: CONNECTIONS,
        status,
        request,
    }
}

async fn measure(bench: &Bench, plan: &Loop) -> Result<Summary> {
    let scale = &bench.scale;
    plan.measure(scale.warm_up, scale.window, scale.repetitions).await
}

fn row(bench: &Bench, part: Part, what: impl Into<String>, summary: &Summary) -> Row {
    let row = Row::new(part, what, summary.rate, "req/s").latency(summary.latency);
    match bench.floor {
        Some(floor) if part != Part::A => row.ratio(summary.rate / floor, "(a)"),
        _ => row,
    }
}

pub(super) async fn floor(bench: &mut Bench) -> Result<()> {
    let server = bench.server(Engine::Sqlite, "floor").await?;
    let summary = measure(bench, &plan(&server, 400, setup::without_storage())).await?;
    bench.floor = Some(summary.rate);
    bench.row(row(
        bench,
        Part::A,
        "authenticated POST without storage",
        &summary,
    ));
    bench.finish(Part::A, server).await
}

pub(super) async fn create(bench: &mut Bench) -> Result<()> {
    for engine in bench.engines() {
        let server = bench.server(engine, "create").await?;
        let conversations = setup::conversations(server.address, bench.scale.conversations).await?;
        let plan = plan(&server, 201, setup::create_messages(&conversations));
        plan.run(Until::Elapsed(bench.scale.warm_up)).await?;
        let before = server.usage().await?;
        let mut runs = Vec::new();
        for _ in 0..bench.scale.repetitions {
            runs.push(plan.run(Until::Elapsed(bench.scale.window)).await?);
        }
        let used = server.used_since(before).await?;
        let count: u64 = runs.iter().map(|run| run.answered).sum();
        let seconds: f64 = runs.iter().map(|run| run.seconds).sum();
        let summary = Summary::of(runs)?;

        let mut row = row(bench, Part::B, format!("create message, {engine}"), &summary);
        if let Some(floor) = bench.floor {
            let aim = if engine == Engine::Sqlite { 0.30 } else { 0.10 };
            row = row.aim(format!("≥ {aim:.2} × (a)"), summary.rate >= aim * floor);
        }
        bench.row(row);
        bench
            .report
            .note(Part::B, format!("{engine}: {}", used.describe(count, seconds)));
        bench.finish(Part::B, server).await?;
        bench.discard("create");
    }
    Ok(())
}

pub(super) async fn read(bench: &mut Bench) -> Result<()> {
    // Enough for full lists.
    const MESSAGES_EACH: u64 = 100;
    let server = bench.server(Engine::Sqlite, "read").await?;
    let conversations = setup::conversations(server.address, bench.scale.conversations).await?;
    let count = conversations.len() as u64 * MESSAGES_EACH;
    let load = plan(&server, 201, setup::create_messages(&conversations));
    load.run(Until::Count(count)).await?;

    let messages = setup::messages(server.address, &conversations).await?;
    for (what, request) in [
        ("fetch message", setup::fetch_messages(&messages)),
        ("list 50 messages", setup::list_messages(&conversations)),
    ] {
        let summary = measure(bench, &plan(&server, 200, request)).await?;
        bench.row(row(bench, Part::C, what, &summary));
    }
    bench.finish(Part::C, server).await?;
    bench.discard("read");
    Ok(())
}
