//! Whether a user of many conversations lists fifty of them more slowly than a user of few.

use crate::bench::load::{Loop, Until};
use crate::bench::report::Row;
use crate::bench::stats::median;
use crate::bench::{Bench, Part, setup};
use anyhow::{Context as _, Result};
use std::time::Duration;

const CONNECTIONS: usize = 16;
const FEW: usize = 50;
const AIM: f64 = 3.0;
const WARM_UP: Duration = Duration::from_millis(300);
const LISTING: Duration = Duration::from_secs(1);
const ROUNDS: usize = 5;

pub(super) async fn cost(bench: &mut Bench) -> Result<()> {
    let many = bench.scale.conversations.max(FEW);
    for engine in bench.engines() {
        let server = bench.server(engine, "memberships").await?;
        let conversations = setup::conversations(server.address, many).await?;
        let of_many = conversations.iter().map(|sid| (sid, "many".to_owned()));
        let of_few = conversations.iter().take(FEW).map(|sid| (sid, "few".to_owned()));
        setup::participants(server.address, of_many.chain(of_few)).await?;
        setup::read_nothing_yet(server.address, "few", &conversations[..FEW]).await?;
        setup::read_nothing_yet(server.address, "many", &conversations).await?;
        let fill = Loop {
            address: server.address,
            connections: CONNECTIONS,
            status: 201,
            request: setup::create_messages(&conversations),
        };
        fill.run(Until::Count(10 * many as u64)).await?;

        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let mut rates = [0.0; 2];
            for (rate, identity) in rates.iter_mut().zip(["few", "many"]) {
                let list = Loop {
                    address: server.address,
                    connections: CONNECTIONS,
                    status: 200,
                    request: setup::list_memberships(identity),
                };
                list.run(Until::Elapsed(WARM_UP)).await?;
                *rate = list.run(Until::Elapsed(LISTING)).await?.rate();
            }
            rounds.push(rates);
        }
        let rate = |at: usize| median(rounds.iter().map(|round| round[at])).context("no round");
        let ratio = median(rounds.iter().map(|[few, many]| few / many)).context("no round")?;
        bench.row(Row::new(
            Part::I,
            format!("list 50 of a user with {FEW}, {engine}"),
            rate(0)?,
            "req/s",
        ));
        bench.row(
            Row::new(
                Part::I,
                format!("list 50 of a user with {many}, {engine}"),
                rate(1)?,
                "req/s",
            )
            .ratio(ratio, "the time")
            .aim(format!("≤ {AIM} × the time"), ratio <= AIM),
        );
        bench.finish(Part::I, server).await?;
        bench.discard("memberships");
    }
    Ok(())
}
