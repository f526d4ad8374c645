//! The embedded engine: one writer thread that groups waiting units into one durable transaction, and reading
//! connections, each with a thread.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};

use crate::unit::{Job, Outcome};
use crate::{Error, Migration, Param, Result, Row, Stats, Tx, Value, migrate};

/// Units of one transaction at most: bounds how long the first of them waits for its answer.
const GROUP: usize = 256;
/// And how long one group may run before it is committed.
const GROUP_TIME: Duration = Duration::from_millis(5);
/// Statements that a connection keeps prepared.
const PREPARED: usize = 256;

/// Opens the database and starts its threads.
pub(crate) fn start(
    path: &Path,
    readers: usize,
    migrations: &[Migration],
    write_jobs: &async_channel::Receiver<Job>,
    read_jobs: &async_channel::Receiver<Job>,
    stats: &Arc<Stats>,
) -> Result<()> {
    let mut writer = Session::open(path, false)?;
    writer.migrate(migrations)?;
    for n in 0..readers.max(1) {
        let mut session = Session::open(path, true)?;
        let jobs = read_jobs.clone();
        spawn(format!("store-read-{n}"), move || {
            while let Ok(job) = jobs.recv_blocking() {
                session.read(job);
            }
        })?;
    }
    let checkpoint = Session::open(path, false)?;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    spawn("store-checkpoint".into(), move || {
        checkpoint_loop(&checkpoint.connection, &stopped);
    })?;
    let (jobs, stats) = (write_jobs.clone(), Arc::clone(stats));
    spawn("store-write".into(), move || {
        // Dropped at the end of the loop, which stops the checkpoints.
        let _stop = stop;
        while let Ok(first) = jobs.recv_blocking() {
            writer.write_group(first, &jobs, &stats);
        }
    })
}

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new()
        .name(name)
        .spawn(body)
        .map(drop)
        .map_err(|e| Error::Unavailable(format!("cannot start a thread: {e}")))
}

/// Moves pages from the log into the database file once a second, beside the writer: left to the writer alone, one of
/// its commits now and then takes 20 ms; left to nobody, the log grows without bound.
fn checkpoint_loop(connection: &Connection, stopped: &std::sync::mpsc::Receiver<()>) {
    use std::sync::mpsc::RecvTimeoutError::Timeout;
    while stopped.recv_timeout(Duration::from_secs(1)) == Err(Timeout) {
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "checkpoint failed");
        }
    }
}

struct Session {
    connection: Connection,
    /// `$1` of the common SQL as SQLite's `?1`, rewritten once a statement.
    rewritten: HashMap<&'static str, String>,
}

impl Session {
    fn open(path: &Path, read_only: bool) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(map)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        connection.busy_timeout(Duration::from_secs(10)).map_err(map)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                 PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 32000;",
            )
            .map_err(map)?;
        let tuning = if read_only {
            "PRAGMA query_only = ON; PRAGMA cache_size = -8000; PRAGMA mmap_size = 1073741824;"
        } else {
            "PRAGMA cache_size = -65536;"
        };
        connection.execute_batch(tuning).map_err(map)?;
        Ok(Self {
            connection,
            rewritten: HashMap::new(),
        })
    }

    fn migrate(&mut self, migrations: &[Migration]) -> Result<()> {
        self.batch(migrate::TABLE)?;
        for step in migrate::pending(self, migrations)? {
            self.batch("BEGIN IMMEDIATE")?;
            for statement in step.statements() {
                self.batch(
                    &statement
                        .replace("{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT")
                        .replace("{blob}", "BLOB")
                        .replace("{clustered}", "WITHOUT ROWID"),
                )?;
            }
            migrate::record(self, step)?;
            self.batch("COMMIT")?;
        }
        Ok(())
    }

    fn batch(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(map)
    }

    /// Runs a fixed statement that is prepared once.
    fn control(&self, sql: &'static str) -> Result<()> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut s| s.execute([]))
            .map(drop)
            .map_err(map)
    }

    fn read(&mut self, mut job: Job) {
        if let Err(error) = self.control("BEGIN") {
            return job.fail(error);
        }
        job.run(self);
        if let Err(error) = self.control("ROLLBACK") {
            tracing::error!(%error, "a reading transaction did not end");
        }
        job.finish();
    }

    /// One durable transaction over the units that wait, each inside a savepoint of its own so that a refused unit
    /// is rolled back alone. All are answered after the commit: also a refusal may rest on a neighbour's change.
    fn write_group(&mut self, first: Job, jobs: &async_channel::Receiver<Job>, stats: &Stats) {
        if let Err(error) = self.control("BEGIN IMMEDIATE") {
            return first.fail(error);
        }
        let started = Instant::now();
        let mut done: Vec<Job> = Vec::new();
        let mut kept = 0;
        let mut next = Some(first);
        while let Some(mut job) = next {
            match self.savepoint(&mut job) {
                Ok(keep) => {
                    kept += u64::from(keep);
                    done.push(job);
                }
                Err(error) => {
                    job.fail(error.clone());
                    return self.abandon(done, &error);
                }
            }
            if done.len() == GROUP || started.elapsed() > GROUP_TIME {
                break;
            }
            next = jobs.try_recv().ok();
        }
        if let Err(error) = self.control("COMMIT") {
            return self.abandon(done, &error);
        }
        Stats::add(&stats.units, kept);
        Stats::add(&stats.commits, 1);
        Stats::add(&stats.failed, done.len() as u64 - kept);
        for job in done {
            job.finish();
        }
    }

    fn savepoint(&mut self, job: &mut Job) -> Result<bool> {
        self.control("SAVEPOINT unit")?;
        let keep = matches!(job.run(self), Outcome::Keep);
        if !keep {
            self.control("ROLLBACK TO unit")?;
        }
        self.control("RELEASE unit")?;
        Ok(keep)
    }

    /// The whole group failed (a full disk): nobody is told that anything was stored.
    fn abandon(&self, jobs: Vec<Job>, error: &Error) {
        tracing::error!(%error, units = jobs.len(), "a transaction could not be committed");
        if let Err(error) = self.batch("ROLLBACK") {
            tracing::error!(%error, "nor rolled back");
        }
        for job in jobs {
            job.fail(Error::Unavailable(error.to_string()));
        }
    }

    fn statement(&mut self, sql: &'static str) -> Result<rusqlite::CachedStatement<'_>> {
        let text = self.rewritten.entry(sql).or_insert_with(|| {
            sql.replace('$', "?")
                .replace("{for_update}", "")
                .replace("{for_share}", "")
                .replace("{skip_locked}", "")
        });
        self.connection.prepare_cached(text).map_err(map)
    }
}

impl Tx for Session {
    fn query(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        for param in params {
            param.check()?;
        }
        let mut statement = self.statement(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(map)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(map)? {
            let mut values = Vec::with_capacity(columns);
            for i in 0..columns {
                values.push(match row.get_ref(i).map_err(map)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(i) => Value::Int(i),
                    ValueRef::Real(f) => Value::Float(f),
                    ValueRef::Text(t) => Value::Text(
                        std::str::from_utf8(t)
                            .map_err(|e| Error::Decode(e.to_string()))?
                            .to_owned(),
                    ),
                    ValueRef::Blob(b) => Value::Blob(b.to_vec()),
                });
            }
            out.push(Row::new(values));
        }
        Ok(out)
    }

    fn exec(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64> {
        for param in params {
            param.check()?;
        }
        let mut statement = self.statement(sql)?;
        let changed = statement
            .execute(rusqlite::params_from_iter(params))
            .map_err(map)?;
        Ok(changed as u64)
    }

    fn push(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<()> {
        self.exec(sql, params).map(drop)
    }
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Null => ValueRef::Null,
            Param::Int(i) => ValueRef::Integer(*i),
            Param::Float(f) => ValueRef::Real(*f),
            Param::Text(t) => ValueRef::Text(t.as_bytes()),
            Param::Blob(b) => ValueRef::Blob(b),
        }))
    }
}

fn map(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, SystemIoFailure};
    use rusqlite::ffi::{
        SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE,
    };
    match &error {
        rusqlite::Error::SqliteFailure(cause, message) => {
            let text = message.clone().unwrap_or_else(|| error.to_string());
            match (cause.extended_code, cause.code) {
                (SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY, _) => Error::Unique(text),
                (SQLITE_CONSTRAINT_FOREIGNKEY, _) => Error::Reference(text),
                (_, DatabaseBusy | DatabaseLocked | DiskFull | SystemIoFailure | CannotOpen) => {
                    Error::Unavailable(text)
                }
                _ => Error::Other(text),
            }
        }
        _ => Error::Other(error.to_string()),
    }
}
