//! Units of work over an embedded SQLite or a PostgreSQL server, behind one small interface and one SQL text.
//!
//! A unit of work is a synchronous closure over [`Tx`]. It may run more than once (PostgreSQL asks for repetition of
//! a transaction that lost a race), so it must have no effect but through `Tx`. [`Store::write`] answers after the
//! transaction is durable (fsync), never before.
//!
//! Rules of the SQL that both engines take: placeholders `$1…`; types BIGINT, TEXT, `{blob}`, DOUBLE PRECISION; time
//! as BIGINT microseconds, booleans as 0/1, JSON as TEXT; no arrays, no JSON functions, no ILIKE; counts as
//! `CAST(COUNT(*) AS BIGINT)`. `{serial}` in DDL is a growing integer key; `{for_update}`, `{for_share}` and
//! `{skip_locked}` in queries vanish on SQLite, where one writer needs no row locks. `{for_share}` keeps a row from
//! being deleted until the commit, as a foreign key would, and lets others change and share it.

mod error;
mod migrate;
mod plan;
mod postgres;
mod sqlite;
mod unit;
mod value;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use unit::{Job, Work};

pub use error::{Error, UnitError};
pub use migrate::Migration;
pub use plan::{Dialect, Probe, refuse_scans};
pub use value::{Param, Row, Value};

/// Result of a database call.
pub type Result<T> = std::result::Result<T, Error>;

/// One open transaction.
pub trait Tx {
    /// Runs a query and gives all its rows.
    ///
    /// # Errors
    /// See [`Error`]; a unit must stop at an error, since PostgreSQL refuses the rest of a failed transaction.
    fn query(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>>;

    /// Runs a statement and gives the number of rows that it changed.
    ///
    /// # Errors
    /// As [`Tx::query`].
    fn exec(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64>;

    /// Runs a statement whose result is not wanted: PostgreSQL sends it along with the next statement or COMMIT,
    /// which saves a round trip. Its error shows there.
    ///
    /// # Errors
    /// As [`Tx::query`].
    fn push(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<()>;

    /// The first row of a query, if any.
    ///
    /// # Errors
    /// As [`Tx::query`].
    fn first(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }
}

/// Which database, and how many connections.
#[derive(Clone, Debug)]
pub enum Backend {
    /// A file on this machine; one writer and `readers` reading connections.
    Sqlite {
        /// Path of the database file.
        path: PathBuf,
        /// Reading connections, at least 1.
        readers: usize,
    },
    /// A PostgreSQL server, at least version 13.
    Postgres {
        /// `postgres://user:password@host/database`
        url: String,
        /// Connections, each with a thread.
        connections: usize,
    },
}

/// Counters for the metrics page.
#[derive(Debug, Default)]
pub struct Stats {
    /// Units that were committed.
    pub units: AtomicU64,
    /// Commits, each with one fsync; `units / commits` is the mean group size.
    pub commits: AtomicU64,
    /// Units that were rolled back.
    pub failed: AtomicU64,
    /// Units that ran again, by [`Cause`].
    retried: [AtomicU64; Cause::ALL.len()],
}

/// Why a unit ran again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It saw that another transaction was quicker; expected where many write to the same rows.
    Race,
    /// It and another one waited for each other's locks: somebody does not keep to the order of locks
    /// (docs/ARCHITECTURE.md).
    Deadlock,
    /// Its snapshot was not true any more.
    Serialization,
    /// Its connection was lost before anything was committed.
    Connection,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Race, Self::Deadlock, Self::Serialization, Self::Connection];

    /// The SQLSTATE, or a word where the database reported none.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Race => "race",
            Self::Deadlock => "40P01",
            Self::Serialization => "40001",
            Self::Connection => "connection",
        }
    }
}

impl Stats {
    /// Runs that were repeated for one cause.
    #[must_use]
    pub fn retried(&self, cause: Cause) -> u64 {
        self.retried[cause as usize].load(Ordering::Relaxed)
    }

    fn retry(&self, cause: Cause) {
        Self::add(&self.retried[cause as usize], 1);
    }

    fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: async_channel::Sender<Job>,
    reader: async_channel::Sender<Job>,
    stats: Arc<Stats>,
    probe: Option<Probe>,
    is_embedded: bool,
}

/// Units that may wait for a connection; beyond it callers wait with them (back-pressure, no growth).
const QUEUE: usize = 4096;

impl Store {
    /// Opens the database, brings its schema up to date and starts the threads that serve it. They end when the last
    /// clone of the store is dropped.
    ///
    /// # Errors
    /// When the database cannot be opened, is of a newer schema, or a migration fails.
    pub async fn open(backend: Backend, migrations: &'static [Migration]) -> Result<Self> {
        let stats = Arc::new(Stats::default());
        let (writer, write_jobs) = async_channel::bounded(QUEUE);
        let (reader, read_jobs) = async_channel::bounded(QUEUE);
        let is_embedded = matches!(backend, Backend::Sqlite { .. });
        let started = {
            let stats = Arc::clone(&stats);
            tokio::task::spawn_blocking(move || match backend {
                Backend::Sqlite { path, readers } => {
                    sqlite::start(&path, readers, migrations, &write_jobs, &read_jobs, &stats)
                }
                Backend::Postgres { url, connections } => {
                    postgres::start(&url, connections, migrations, &write_jobs, &read_jobs, &stats)
                }
            })
        };
        started.await.map_err(|e| Error::Unavailable(e.to_string()))??;
        Ok(Self {
            writer,
            reader,
            stats,
            probe: None,
            is_embedded,
        })
    }

    /// The same store with a probe that sees each statement before it runs; for tests.
    #[must_use]
    pub fn probed(mut self, probe: Probe) -> Self {
        self.probe = Some(probe);
        self
    }

    /// Runs a unit that may change rows and answers when it is durable.
    ///
    /// `committed` runs after the commit and before the answer, in the order of the commits on SQLite, and also when
    /// the caller has gone away meanwhile: what is to follow a change for sure belongs there. It runs on the
    /// database's thread and must be short.
    ///
    /// # Errors
    /// The error of the closure (nothing is changed then), or the database's.
    pub async fn write<T, E, F, C>(&self, unit: F, committed: C) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: UnitError,
        F: FnMut(&mut dyn Tx) -> std::result::Result<T, E> + Send + 'static,
        C: FnOnce(&mut T) + Send + 'static,
    {
        self.submit(&self.writer, unit, committed).await
    }

    /// Runs a unit that only reads, on one consistent snapshot.
    ///
    /// # Errors
    /// The error of the closure, or the database's.
    pub async fn read<T, E, F>(&self, unit: F) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: UnitError,
        F: FnMut(&mut dyn Tx) -> std::result::Result<T, E> + Send + 'static,
    {
        self.submit(&self.reader, unit, |_| {}).await
    }

    async fn submit<T, E, F, C>(
        &self,
        queue: &async_channel::Sender<Job>,
        unit: F,
        committed: C,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: UnitError,
        F: FnMut(&mut dyn Tx) -> std::result::Result<T, E> + Send + 'static,
        C: FnOnce(&mut T) + Send + 'static,
    {
        let (work, answer) = Work::new(unit, committed, self.probe.clone());
        queue
            .send(Box::new(work))
            .await
            .map_err(|_| E::from(Error::closed()))?;
        answer.await.unwrap_or_else(|_| Err(E::from(Error::closed())))
    }

    /// Whether the database is this process's alone, and a statement costs no round trip.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.is_embedded
    }

    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}
