//! The embedded engine: one writer thread that groups waiting units into one durable transaction, and reading
//! connections, each with a thread.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};

use crate::unit::{Job, Outcome};
use crate::{Error, Migration, Param, Result, Row, Stats, Tx, Value, migrate};

/// Units of one transaction at most: bounds how long the first of them waits for its answer.
const GROUP: usize = 256;
/// And how long one group may run before it is committed.
const GROUP_TIME: Duration = Duration::from_millis(5);
/// Groups in which units have savepoints after one was refused too late: who sends such requests one after another does
/// not make everybody else's run twice.
const CAREFUL: u32 = 100;
/// Time between two checkpoints.
const CHECKPOINT: Duration = Duration::from_millis(500);
/// Frames of the log, each a page of 4 KiB, from which on it is to begin anew.
const LONG_LOG: i64 = 4000;
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
    let checkpoints = Checkpoints {
        session: Session::open(path, false)?,
        database: File::open(path).map_err(|e| Error::Unavailable(e.to_string()))?,
        log_is_long: Arc::clone(&writer.log_is_long),
        copied: 0,
    };
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    spawn("store-checkpoint".into(), move || checkpoints.run(&stopped))?;
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

/// Moves pages from the log into the database file, beside the writer.
///
/// The log can begin anew only when all of it was moved and the file is on disk, and while the writer adds to it somebody
/// has to hold him up for that. Left to the writer alone, one of its commits a second takes 50 ms. So nearly all is moved
/// and put on disk here, and the writer does the little that came since then.
struct Checkpoints {
    session: Session,
    /// The database's file, to put it on disk. SQLite's locks on it go when this is closed, which is when the store ends.
    database: File,
    log_is_long: Arc<AtomicBool>,
    /// Frames of the log that were in the file at the last look.
    copied: i64,
}

/// How far the log is.
struct Log {
    frames: i64,
    copied: i64,
}

impl Checkpoints {
    fn run(mut self, stopped: &std::sync::mpsc::Receiver<()>) {
        use std::sync::mpsc::RecvTimeoutError::Timeout;
        while stopped.recv_timeout(CHECKPOINT) == Err(Timeout) {
            if let Err(error) = self.step() {
                tracing::warn!(%error, "checkpoint failed");
            }
        }
    }

    fn step(&mut self) -> Result<()> {
        // The second time it is what came during the first one.
        for _ in 0..2 {
            let log = self.session.checkpoint()?;
            if log.copied == self.copied {
                return Ok(());
            }
            self.copied = log.copied;
            self.database
                .sync_data()
                .map_err(|e| Error::Unavailable(e.to_string()))?;
            if log.copied == log.frames {
                // The next commit begins it anew.
                self.log_is_long.store(false, Ordering::Relaxed);
                return Ok(());
            }
        }
        self.log_is_long.store(self.copied >= LONG_LOG, Ordering::Relaxed);
        Ok(())
    }
}

struct Session {
    connection: Connection,
    /// `$1` of the common SQL as SQLite's `?1`, rewritten once a statement; by where its text lies and how long it is, since
    /// the text itself takes longer to look up.
    rewritten: HashMap<(usize, usize), String>,
    /// Groups yet whose units are run in savepoints.
    careful: u32,
    /// Whether the writer is to move the rest of the log into the file.
    log_is_long: Arc<AtomicBool>,
}

/// What became of a unit in its group.
enum Ran {
    Kept,
    /// It was refused, and has left nothing behind.
    Dropped,
    /// It was refused after it had changed something, which is still there.
    Spoiled,
}

impl Session {
    fn open(path: &Path, read_only: bool) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(map)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        connection.busy_timeout(Duration::from_secs(10)).map_err(map)?;
        // The values of `LIMIT $3` and the like would be part of a plan, and each other value means that the statement is
        // parsed and planned anew: a sixth of the writer's time, with webhooks.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(map)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                 PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 64000;",
            )
            .map_err(map)?;
        let tuning = if read_only {
            "PRAGMA query_only = ON; PRAGMA cache_size = -8000; PRAGMA mmap_size = 1073741824;"
        } else {
            "PRAGMA cache_size = -32768;"
        };
        connection.execute_batch(tuning).map_err(map)?;
        Ok(Self {
            connection,
            rewritten: HashMap::new(),
            careful: 0,
            log_is_long: Arc::default(),
        })
    }

    /// All steps or none: each commit of its own would wait for the disk.
    fn migrate(&mut self, migrations: &[Migration]) -> Result<()> {
        self.batch("BEGIN IMMEDIATE")?;
        self.batch(migrate::TABLE)?;
        for step in migrate::pending(self, migrations)? {
            for statement in step.statements() {
                self.batch(
                    &statement
                        .replace("{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT")
                        .replace("{blob}", "BLOB")
                        .replace("{clustered}", "WITHOUT ROWID"),
                )?;
            }
            migrate::record(self, step)?;
        }
        self.batch("COMMIT")
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

    /// One durable transaction over the units that wait. All are answered after the commit: also a refusal may rest on a
    /// neighbour's change.
    fn write_group(&mut self, first: Job, jobs: &async_channel::Receiver<Job>, stats: &Stats) {
        if let Err(error) = self.control("BEGIN IMMEDIATE") {
            return first.fail(error);
        }
        let started = Instant::now();
        let mut done: Vec<Job> = Vec::new();
        let mut kept = 0;
        let mut next = Some(first);
        while let Some(mut job) = next {
            let ran = self.unit(&mut job);
            done.push(job);
            match ran {
                Ok(Ran::Kept) => kept += 1,
                Ok(Ran::Dropped) => {}
                Ok(Ran::Spoiled) => match self.again(&mut done) {
                    Ok(units) => kept = units,
                    Err(error) => return self.abandon(done, &error),
                },
                Err(error) => return self.abandon(done, &error),
            }
            if done.len() == GROUP || started.elapsed() > GROUP_TIME {
                break;
            }
            next = jobs.try_recv().ok();
        }
        if let Err(error) = self.control("COMMIT") {
            return self.abandon(done, &error);
        }
        self.careful = self.careful.saturating_sub(1);
        Stats::add(&stats.units, kept);
        Stats::add(&stats.commits, 1);
        Stats::add(&stats.failed, done.len() as u64 - kept);
        for job in done {
            job.finish();
        }
        if self.log_is_long.swap(false, Ordering::Relaxed)
            && let Err(error) = self.checkpoint()
        {
            tracing::warn!(%error, "checkpoint failed");
        }
    }

    fn checkpoint(&self) -> Result<Log> {
        let mut statement = self
            .connection
            .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
            .map_err(map)?;
        statement
            .query_row([], |row| {
                Ok(Log {
                    frames: row.get(1)?,
                    copied: row.get(2)?,
                })
            })
            .map_err(map)
    }

    /// A savepoint costs a copy of each page that its unit is the first to change, and nearly all that is refused is
    /// refused before it has changed anything. So units have none until one is refused too late.
    fn unit(&mut self, job: &mut Job) -> Result<Ran> {
        if self.careful > 0 {
            return self.savepoint(job);
        }
        let before = self.connection.total_changes();
        let ran = match job.run(self) {
            Outcome::Keep => Ran::Kept,
            _ if self.connection.total_changes() == before => Ran::Dropped,
            _ => Ran::Spoiled,
        };
        self.within_transaction()?;
        Ok(ran)
    }

    fn savepoint(&mut self, job: &mut Job) -> Result<Ran> {
        self.control("SAVEPOINT unit")?;
        let keep = matches!(job.run(self), Outcome::Keep);
        self.within_transaction()?;
        if !keep {
            self.control("ROLLBACK TO unit")?;
        }
        self.control("RELEASE unit")?;
        Ok(if keep { Ran::Kept } else { Ran::Dropped })
    }

    /// SQLite ends a transaction by itself at some errors (a full disk). What came next would be stored bit by bit.
    fn within_transaction(&self) -> Result<()> {
        if self.connection.is_autocommit() {
            return Err(Error::Unavailable("the database gave the transaction up".into()));
        }
        Ok(())
    }

    /// Takes a group back and runs its units once more, each in a savepoint of its own; how many are kept. The last one is
    /// the one that was refused.
    fn again(&mut self, jobs: &mut [Job]) -> Result<u64> {
        self.careful = CAREFUL;
        self.control("ROLLBACK")?;
        self.control("BEGIN IMMEDIATE")?;
        let mut kept = 0;
        if jobs.len() == 1 {
            return Ok(kept); // It rested on nobody's change, so its refusal stands.
        }
        for job in jobs {
            kept += u64::from(matches!(self.savepoint(job)?, Ran::Kept));
        }
        Ok(kept)
    }

    /// The whole group failed (a full disk): nobody is told that anything was stored.
    fn abandon(&self, jobs: Vec<Job>, error: &Error) {
        tracing::error!(%error, units = jobs.len(), "a transaction could not be committed");
        if !self.connection.is_autocommit()
            && let Err(error) = self.batch("ROLLBACK")
        {
            tracing::error!(%error, "nor rolled back");
        }
        for job in jobs {
            job.fail(Error::Unavailable(error.to_string()));
        }
    }

    fn statement(&mut self, sql: &'static str) -> Result<rusqlite::CachedStatement<'_>> {
        let text = self
            .rewritten
            .entry((sql.as_ptr().addr(), sql.len()))
            .or_insert_with(|| {
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
