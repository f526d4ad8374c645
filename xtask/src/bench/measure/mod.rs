//! The measurements, one file for each kind. Each starts servers of its own, so that none depends on what ran before.

mod asked;
mod backlog;
mod crowd;
mod delivery;
mod fanout;
mod growth;
mod idle;
mod memberships;
mod rest;
mod sdk_start;
mod start;
mod steady;
mod storm;
mod told;

use super::report::Row;
use super::server::Server;
use super::{Bench, Part};
use anyhow::Result;
use std::fmt;
use std::path::PathBuf;

/// Where a server keeps its rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Bench {
    fn engines(&self) -> Vec<Engine> {
        let postgres = self.cluster.as_ref().map(|_| Engine::Postgres);
        std::iter::once(Engine::Sqlite).chain(postgres).collect()
    }

    /// A server with a data directory of its own. All that use PostgreSQL share one: its keys belong to the database.
    async fn server(&self, engine: Engine, name: &str) -> Result<Server> {
        match (engine, &self.cluster) {
            (Engine::Postgres, Some(cluster)) => {
                Server::start(&self.binary, &self.data("postgres"), Some(&cluster.url())).await
            }
            _ => Server::start(&self.binary, &self.data(name), None).await,
        }
    }

    /// Stops a server; what it complained about is told below the table.
    async fn finish(&mut self, part: Part, server: Server) -> Result<()> {
        let complaints = server.stop().await?;
        if let Some(first) = complaints.first() {
            self.report.note(
                part,
                format!(
                    "the server logged {} warnings and errors, the first: {first}",
                    complaints.len()
                ),
            );
        }
        Ok(())
    }

    /// Removes the files of servers that are not needed any more.
    fn discard(&self, name: &str) {
        let directory: PathBuf = self.data(name);
        // What stays is removed with the whole directory.
        let _ = std::fs::remove_dir_all(directory);
    }
}

/// Runs what is wanted; a measurement that fails is a row, and the others go on.
pub(super) async fn all(bench: &mut Bench, wanted: &impl Fn(Part) -> bool) -> Result<()> {
    for part in <Part as clap::ValueEnum>::value_variants().iter().copied() {
        let compared_with = part == Part::A && (wanted(Part::B) || wanted(Part::C));
        if !(wanted(part) || compared_with) {
            continue;
        }
        bench.bar.show(&format!("{} {}", part.letter(), part.title()));
        let done = match part {
            Part::A => rest::floor(bench).await,
            Part::B => rest::create(bench).await,
            Part::C => rest::read(bench).await,
            Part::D => idle::memory(bench).await,
            Part::E => fanout::latency(bench).await,
            Part::F => start::time(bench).await,
            Part::G => growth::cost(bench).await,
            Part::H => delivery::pairs(bench).await,
            Part::I => memberships::cost(bench).await,
            Part::J => sdk_start::time(bench).await,
            Part::K => crowd::latency(bench).await,
            Part::L => storm::recovery(bench).await,
            Part::M => told::cost(bench).await,
            Part::N => asked::cost(bench).await,
            Part::O => backlog::drain(bench).await,
            Part::P => steady::growth(bench).await,
        };
        if let Err(error) = done {
            bench.row(Row::failed(part));
            bench.report.note(part, format!("failed: {error:#}"));
        }
        bench.bar.step();
    }
    Ok(())
}
