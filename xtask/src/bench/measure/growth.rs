//! Whether a big database is slower than a small one.

use super::Engine;
use crate::bench::load::{Loop, Render, Until};
use crate::bench::report::Row;
use crate::bench::server::Server;
use crate::bench::stats::median;
use crate::bench::{Bench, Part, setup};
use anyhow::{Context as _, Result};
use std::time::Duration;

const CONNECTIONS: usize = 64;
const AIM: f64 = 1.2;
const WARM_UP: Duration = Duration::from_millis(300);
const LISTING: Duration = Duration::from_secs(1);

/// A server with its messages.
struct Filled {
    server: Server,
    create: Render,
    list: Render,
}

impl Filled {
    async fn fill(bench: &Bench, name: &str, messages: u64) -> Result<Self> {
        let server = bench.server(Engine::Sqlite, name).await?;
        let conversations = setup::conversations(server.address, bench.scale.growth.2).await?;
        let filled = Self {
            create: setup::create_messages(&conversations),
            list: setup::list_messages(&conversations),
            server,
        };
        filled
            .plan(201, &filled.create)
            .run(Until::Count(messages))
            .await?;
        Ok(filled)
    }

    fn plan(&self, status: u16, request: &Render) -> Loop {
        Loop {
            address: self.server.address,
            connections: CONNECTIONS,
            status,
            request: request.clone(),
        }
    }

    /// Requests a second: lists, then as many new messages as a small database has.
    async fn round(&self, bench: &Bench) -> Result<[f64; 2]> {
        let list = self.plan(200, &self.list);
        list.run(Until::Elapsed(WARM_UP)).await?;
        let listed = list.run(Until::Elapsed(LISTING)).await?.rate();
        let created = self
            .plan(201, &self.create)
            .run(Until::Count(bench.scale.growth.0))
            .await?
            .rate();
        Ok([created, listed])
    }
}

pub(super) async fn cost(bench: &mut Bench) -> Result<()> {
    let (few, many, _) = bench.scale.growth;
    let big = Filled::fill(bench, "big", many).await?;
    let mut rounds = Vec::new();
    for _ in 0..bench.scale.growth_rounds {
        let small = Filled::fill(bench, "small", few).await?;
        let at_few = small.round(bench).await?;
        bench.finish(Part::G, small.server).await?;
        bench.discard("small");
        let at_many = big.round(bench).await?;
        rounds.push((at_few, at_many));
    }
    bench.finish(Part::G, big.server).await?;
    bench.discard("big");

    for (at, what) in ["create message", "list 50 messages"].into_iter().enumerate() {
        let few_rate = median(rounds.iter().map(|(few, _)| few[at])).context("no round")?;
        let many_rate = median(rounds.iter().map(|(_, many)| many[at])).context("no round")?;
        let ratio = median(rounds.iter().map(|(few, many)| few[at] / many[at])).context("no round")?;
        bench.row(Row::new(
            Part::G,
            format!("{what}, {few} messages"),
            few_rate,
            "req/s",
        ));
        bench.row(
            Row::new(Part::G, format!("{what}, {many} messages"), many_rate, "req/s")
                .ratio(ratio, "the time")
                .aim(format!("≤ {AIM} × the time"), ratio <= AIM),
        );
    }
    Ok(())
}
