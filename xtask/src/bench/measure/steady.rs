//! Whether anything grows under a load that goes on: messages at a fixed rate into many conversations.

use super::Engine;
use crate::bench::http::Connection;
use crate::bench::load::Render;
use crate::bench::report::Row;
use crate::bench::sdk::Clients;
use crate::bench::server::Server;
use crate::bench::setup::{self, Account};
use crate::bench::{Bench, Part};
use anyhow::{Context as _, Result, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

const MEMBERS: usize = 2;
const CONNECTIONS: usize = 64;
/// Messages a second.
const RATE: u32 = 1000;
/// Looks at the server.
const LOOKS: u32 = 5;
/// The one that the last is compared with: the database's cache, which has its bound, is full by then.
const FULL: u32 = 3;
const AIM_GROWTH: f64 = 1.1;
/// What may be on its way at any moment: a tenth of a second's deliveries.
const AIM_WAITING: f64 = RATE as f64 * MEMBERS as f64 / 10.0;

/// The server at one moment.
struct Look {
    resident_kib: f64,
    commits: f64,
    deliveries: f64,
}

impl Look {
    async fn at(server: &Server) -> Result<Self> {
        let metrics = server.metrics().await?;
        Ok(Self {
            resident_kib: server.resident_kib()?,
            commits: metrics.value("confab_realtime_commits_waiting")?,
            deliveries: metrics.value("confab_realtime_deliveries_waiting")?,
        })
    }
}

/// Sends requests, each when its time has come or as soon after it as a connection is free; gives the seconds it took.
async fn send(address: SocketAddr, request: &Render, count: u64) -> Result<f64> {
    let (turn, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (turn, request) = (Arc::clone(&turn), request.clone());
        let mut connection = Connection::open(address).await?;
        tasks.spawn(async move {
            let mut bytes = Vec::new();
            loop {
                let number = turn.fetch_add(1, Relaxed);
                if number >= count {
                    return anyhow::Ok(());
                }
                sleep_until(started + Duration::from_secs(number) / RATE).await;
                bytes.clear();
                request(number, &mut bytes);
                let status = connection.exchange(&bytes).await?;
                if status != 201 {
                    bail!("{status}: {}", String::from_utf8_lossy(connection.body()));
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(started.elapsed().as_secs_f64())
}

pub(super) async fn growth(bench: &mut Bench) -> Result<()> {
    let (rooms, lasts) = bench.scale.steady;
    let server = bench.server(Engine::Sqlite, "steady").await?;
    let account = Account::open(server.address).await?;
    let conversations = setup::conversations(server.address, rooms).await?;
    let all = 0..rooms * MEMBERS;
    let members = all
        .clone()
        .filter_map(|n| Some((conversations.get(n / MEMBERS)?, setup::identity(n))));
    setup::participants(server.address, members).await?;
    let mut clients = Clients::connect(server.address, &account, all.map(setup::identity)).await?;

    let count = lasts.as_secs() * u64::from(RATE);
    let request = setup::create_messages(&conversations);
    let before = server.usage().await?;
    let looks = async {
        let (started, mut looks) = (Instant::now(), Vec::new());
        for n in 1..=LOOKS {
            sleep_until(started + lasts * n / LOOKS).await;
            looks.push(Look::at(&server).await?);
        }
        anyhow::Ok(looks)
    };
    let (seconds, looks) = tokio::try_join!(send(server.address, &request, count), looks)?;
    let used = server.used_since(before).await?;
    let expected = count * MEMBERS as u64;
    let missing = clients.receipts.wait_for(expected).await;
    clients.check()?;
    let receipts = clients.receipts.take();
    let received = receipts.len() as u64;
    let latency = receipts.summary().context("no frame came")?;

    let rate = count as f64 / seconds;
    let holds = rate >= 0.99 * f64::from(RATE);
    bench.row(
        Row::new(
            Part::P,
            format!("REST to {} clients in {rooms} conversations", rooms * MEMBERS),
            rate,
            "messages/s",
        )
        .latency(latency)
        .aim(
            format!("{RATE} messages/s, each comes once"),
            holds && missing == 0 && received == expected,
        ),
    );
    let mut resident = Vec::new();
    for part in [1, FULL, LOOKS] {
        let look = looks.get(part as usize - 1).context("nobody looked")?;
        let what = format!("resident memory after {} s", (lasts * part / LOOKS).as_secs());
        let mut row = Row::new(Part::P, what, look.resident_kib / 1024.0, "MiB");
        resident.push(look.resident_kib);
        if let [_, full, last] = resident[..] {
            row = row.ratio(last / full, "the one before").aim(
                format!("≤ {AIM_GROWTH} × the one before"),
                last <= AIM_GROWTH * full,
            );
        }
        bench.row(row);
    }
    let most = looks
        .iter()
        .map(|look| look.commits + look.deliveries)
        .fold(0.0, f64::max);
    bench.row(
        Row::new(Part::P, "most that waited to be delivered", most, "events")
            .aim(format!("≤ {AIM_WAITING}"), most <= AIM_WAITING),
    );
    let list = |of: fn(&Look) -> f64| {
        let values: Vec<String> = looks.iter().map(|look| format!("{:.0}", of(look))).collect();
        values.join(", ")
    };
    bench.report.note(
        Part::P,
        format!(
            "{count} messages in {seconds:.0} s; {received} of {expected} frames came, {missing} were missing; commits that \
             waited: {}; deliveries that waited: {}; resident memory in MiB: {}; {}",
            list(|look| look.commits),
            list(|look| look.deliveries),
            list(|look| look.resident_kib / 1024.0),
            used.describe(count, seconds),
        ),
    );
    drop(clients);
    bench.finish(Part::P, server).await?;
    bench.discard("steady");
    Ok(())
}
