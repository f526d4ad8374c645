//! How soon a started server answers.

use super::Engine;
use crate::bench::load::{Loop, Until};
use crate::bench::report::Row;
use crate::bench::server::Server;
use crate::bench::stats::median;
use crate::bench::{Bench, Part, setup};
use anyhow::{Context as _, Result};

const AIM_MS: f64 = 100.0;
const CONVERSATIONS: usize = 100;
const MESSAGES: u64 = 10_000;

pub(super) async fn time(bench: &mut Bench) -> Result<()> {
    let server = bench.server(Engine::Sqlite, "existing").await?;
    let conversations = setup::conversations(server.address, CONVERSATIONS).await?;
    let load = Loop {
        address: server.address,
        connections: 32,
        status: 201,
        request: setup::create_messages(&conversations),
    };
    load.run(Until::Count(MESSAGES)).await?;
    bench.finish(Part::F, server).await?;

    for (what, is_fresh) in [
        ("on an existing data directory", false),
        ("on a fresh data directory", true),
    ] {
        let (mut healthy, mut authenticated) = (Vec::new(), Vec::new());
        for n in 0..bench.scale.starts {
            let name = if is_fresh {
                format!("fresh-{n}")
            } else {
                "existing".to_owned()
            };
            let (server, took) = Server::timed_start(&bench.binary, &bench.data(&name), None).await?;
            healthy.push(took.healthy.as_secs_f64() * 1000.0);
            authenticated.push(took.authenticated.as_secs_f64() * 1000.0);
            bench.finish(Part::F, server).await?;
        }
        for (kind, times) in [("/healthz", healthy), ("an authenticated answer", authenticated)] {
            let slowest = times.iter().copied().fold(0.0, f64::max);
            let time = median(times).context("nothing was started")?;
            bench.row(
                Row::new(Part::F, format!("start to {kind} {what}"), time, "ms")
                    .aim(format!("≤ {AIM_MS} ms"), time <= AIM_MS),
            );
            if slowest > AIM_MS {
                bench.report.note(
                    Part::F,
                    format!("start to {kind} {what}: the slowest took {slowest:.0} ms"),
                );
            }
        }
    }
    Ok(())
}
