//! How long the unmodified SDK takes to start.

use super::Engine;
use crate::bench::report::Row;
use crate::bench::setup::{self, Account};
use crate::bench::stats::median;
use crate::bench::{Bench, Part};
use crate::clients::node;
use crate::process::Progress;
use anyhow::{Context as _, Result};
use serde::Deserialize;

/// What the script tells, in milliseconds.
#[derive(Deserialize)]
struct Told {
    initialized: f64,
    joined: f64,
    listed: f64,
}

pub(super) async fn time(bench: &mut Bench) -> Result<()> {
    let progress = Progress::start(false);
    node::install(&progress).await?;
    let server = bench.server(Engine::Sqlite, "sdk-start").await?;
    let account = Account::open(server.address).await?;
    for &count in bench.scale.joined {
        let identity = format!("joins-{count}");
        let conversations = setup::conversations(server.address, count).await?;
        setup::participants(
            server.address,
            conversations.iter().map(|room| (room, identity.clone())),
        )
        .await?;
        let websocket = format!("ws://{}/v3/wsconnect", server.address);
        let token = account.access_token(&identity)?;
        let (mut starts, mut shares) = (Vec::new(), Vec::new());
        for _ in 0..bench.scale.repetitions {
            let before = server.usage().await?;
            let line = node::start(&websocket, &token, count, &progress).await?;
            let told: Told = serde_json::from_str(&line)?;
            let used = server.used_since(before).await?;
            shares.push(used.server * 1000.0 / told.joined.max(told.listed));
            starts.push(told);
        }
        let middle = |of: fn(&Told) -> f64| median(starts.iter().map(of)).context("no start");
        let (initialized, joined, listed) = (
            middle(|told| told.initialized)?,
            middle(|told| told.joined)?,
            middle(|told| told.listed)?,
        );
        let share = median(shares).context("no start")?;
        let row =
            |what: &str, value| Row::new(Part::J, format!("{what}, {count} conversations"), value, "ms");
        bench.row(row("`new Client` to `initialized`", initialized));
        bench.row(row("`new Client` to the full list", listed));
        bench.report.note(
            Part::J,
            format!(
                "{count} conversations: all told as joined after {joined:.0} ms; the server's processor time is {:.0} % of \
                 the time by the clock",
                share * 100.0
            ),
        );
    }
    bench.finish(Part::J, server).await?;
    bench.discard("sdk-start");
    Ok(())
}
