//! What an idle SDK connection costs.

use super::Engine;
use crate::bench::report::Row;
use crate::bench::sdk::Clients;
use crate::bench::setup::{self, Account};
use crate::bench::{Bench, Part};
use anyhow::Result;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(super) const CONNECTIONS_OF_A_USER: usize = 5;
pub(super) const CONVERSATIONS_OF_A_USER: usize = 3;
const MEMBERS: usize = 6;
const AIM_KIB: f64 = 12.0;
/// Of the best durable peer that was measured.
const PEER_KIB: f64 = 42.0;

/// What was allocated for a moment is given back in the background.
const SETTLING: Duration = Duration::from_secs(5);

/// Makes the conversations of that many users and gives their SIDs.
pub(super) async fn populate(address: SocketAddr, users: usize) -> Result<Vec<String>> {
    let conversations = setup::conversations(address, users * CONVERSATIONS_OF_A_USER / MEMBERS).await?;
    // Each user comes again after all others, so his conversations are different ones.
    let places = (0..users * CONVERSATIONS_OF_A_USER).map(|n| (n / MEMBERS, n % users));
    let members = places.filter_map(|(room, user)| Some((conversations.get(room)?, setup::identity(user))));
    setup::participants(address, members).await?;
    Ok(conversations)
}

pub(super) async fn memory(bench: &mut Bench) -> Result<()> {
    let clients = bench.scale.idle_clients;
    let users = clients / CONNECTIONS_OF_A_USER;
    let server = bench.server(Engine::Sqlite, "idle").await?;
    let account = Account::open(server.address).await?;
    populate(server.address, users).await?;
    bench.finish(Part::D, server).await?;

    let server = bench.server(Engine::Sqlite, "idle").await?;
    tokio::time::sleep(SETTLING).await;
    let before = server.resident_kib()?;
    let started = Instant::now();
    let identities = (0..clients).map(|n| setup::identity(n % users));
    let mut connected = Clients::connect(server.address, &account, identities).await?;
    let seconds = started.elapsed().as_secs_f64();
    let at_once = server.resident_kib()?;
    tokio::time::sleep(SETTLING).await;
    let after = server.resident_kib()?;
    connected.check()?;

    let each = (after - before) / clients as f64;
    bench.row(
        Row::new(
            Part::D,
            format!("resident memory of {clients} idle clients, each"),
            each,
            "KiB",
        )
        .ratio(each / PEER_KIB, "the peer")
        .aim(format!("≤ {AIM_KIB} KiB"), each <= AIM_KIB),
    );
    bench.report.note(
        Part::D,
        format!(
            "{clients} clients with {} subscriptions started in {seconds:.1} s; resident memory {:.1} MiB before, \
             {:.1} MiB right after, {:.1} MiB {} s later",
            connected.subscriptions(),
            before / 1024.0,
            at_once / 1024.0,
            after / 1024.0,
            SETTLING.as_secs(),
        ),
    );
    drop(connected);
    bench.finish(Part::D, server).await?;
    bench.discard("idle");
    Ok(())
}
