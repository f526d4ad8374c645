//! All clients lose their connections at once and come back at once.

use super::Engine;
use super::idle::{CONNECTIONS_OF_A_USER, CONVERSATIONS_OF_A_USER, populate};
use crate::bench::report::Row;
use crate::bench::sdk::Clients;
use crate::bench::setup::{self, Account};
use crate::bench::{Bench, Part};
use anyhow::Result;
use std::time::{Duration, Instant};

const AIM_SECONDS: f64 = 30.0;
/// A message while they are away, and one while they come back.
const MESSAGES: u64 = 2;

pub(super) async fn recovery(bench: &mut Bench) -> Result<()> {
    let count = bench.scale.idle_clients;
    let users = count / CONNECTIONS_OF_A_USER;
    let server = bench.server(Engine::Sqlite, "storm").await?;
    let account = Account::open(server.address).await?;
    let conversations = populate(server.address, users).await?;
    let before = server.resident_kib()?;
    let identities = (0..count).map(|n| setup::identity(n % users));
    let clients = Clients::connect(server.address, &account, identities).await?;
    let idle = server.resident_kib()?;
    let away = clients.cut();
    setup::message_in_each(server.address, &conversations).await?;

    let started = Instant::now();
    let (back, live) = tokio::join!(
        async {
            let back = Clients::resume(server.address, &account, away).await;
            (back, started.elapsed())
        },
        async {
            // In the middle of it.
            tokio::time::sleep(Duration::from_millis(200)).await;
            setup::message_in_each(server.address, &conversations).await
        }
    );
    let (back, took) = back;
    let mut back = back?;
    live?;
    let expected = count as u64 * CONVERSATIONS_OF_A_USER as u64 * MESSAGES;
    let missing = back.receipts.wait_for(expected).await;
    let after = server.resident_kib()?;
    back.check()?;
    let received = back.receipts.take().len() as u64;

    let seconds = took.as_secs_f64();
    bench.row(
        Row::new(
            Part::L,
            format!("{count} clients come back, until the last one follows all"),
            seconds,
            "s",
        )
        .aim(
            format!("≤ {AIM_SECONDS:.0} s, nothing lost"),
            seconds <= AIM_SECONDS && received == expected,
        ),
    );
    let each = |kib: f64| (kib - before) / count as f64;
    bench.row(Row::new(
        Part::L,
        format!("resident memory of {count} idle clients, each"),
        each(idle),
        "KiB",
    ));
    bench.report.note(
        Part::L,
        format!(
            "{received} of {expected} messages came, {missing} were missing; resident memory of a client {:.1} KiB after the \
             storm. It is that of a server that has also made the conversations; (d) starts it anew",
            each(after)
        ),
    );
    drop(back);
    bench.finish(Part::L, server).await?;
    bench.discard("storm");
    Ok(())
}
