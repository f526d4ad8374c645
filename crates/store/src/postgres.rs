//! The PostgreSQL engine: worker threads, each with a connection and a small runtime that only drives this
//! connection. BEGIN travels with the first statement, pushed statements travel with COMMIT: a message costs two
//! round trips.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::join;
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::unit::{Job, Outcome};
use crate::{Cause, Error, Migration, Param, Result, Row, Stats, Tx, Value, migrate};

/// Runs of a unit before its lost race is answered to the caller.
const ATTEMPTS: u32 = 10;
/// Longest time for one statement: the server ends it then, so that a worker never hangs.
const STATEMENT_TIMEOUT: &str = "30s";
const BEGIN_WRITE: &str = "BEGIN";
/// One snapshot for all statements of a reading unit, as SQLite gives.
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
/// Key of the advisory lock that lets one of several starting nodes migrate.
const MIGRATION_LOCK: i64 = 0x636f_6e66_6162;

/// Connects, brings the schema up to date and starts the workers; reads and writes share them.
pub(crate) fn start(
    url: &str,
    connections: usize,
    migrations: &[Migration],
    write_jobs: &async_channel::Receiver<Job>,
    read_jobs: &async_channel::Receiver<Job>,
    stats: &Arc<Stats>,
) -> Result<()> {
    let mut config: Config = url
        .parse()
        .map_err(|e| Error::Unavailable(format!("database URL: {e}")))?;
    config
        .application_name("confab")
        .connect_timeout(Duration::from_secs(5))
        // A partition that says nothing must not hold a worker longer than a statement may take.
        .keepalives_idle(Duration::from_secs(15))
        .tcp_user_timeout(Duration::from_secs(35));
    Session::connect(&config, BEGIN_WRITE)?.migrate(migrations)?;
    for n in 0..connections.max(2) {
        // Two queues need two kinds of workers: a blocking receive waits on one.
        let reads = n % 4 == 1;
        let jobs = if reads {
            read_jobs.clone()
        } else {
            write_jobs.clone()
        };
        let (config, stats) = (config.clone(), Arc::clone(stats));
        std::thread::Builder::new()
            .name(format!("store-{}-{n}", if reads { "read" } else { "write" }))
            .spawn(move || {
                Worker {
                    config,
                    reads,
                    session: None,
                    stats,
                }
                .serve(&jobs);
            })
            .map_err(|e| Error::Unavailable(format!("cannot start a thread: {e}")))?;
    }
    Ok(())
}

struct Worker {
    config: Config,
    reads: bool,
    session: Option<Session>,
    stats: Arc<Stats>,
}

impl Worker {
    fn serve(mut self, jobs: &async_channel::Receiver<Job>) {
        while let Ok(job) = jobs.recv_blocking() {
            self.run(job);
        }
    }

    fn run(&mut self, mut job: Job) {
        for attempt in 1..=ATTEMPTS {
            let session = match self.session() {
                Ok(session) => session,
                Err(error) => {
                    tracing::warn!(%error, "no connection to the database");
                    return job.fail(error);
                }
            };
            session.phase = Phase::Fresh;
            let cause = match job.run(session) {
                Outcome::Keep => match session.commit() {
                    Ok(()) => {
                        if !self.reads {
                            Stats::add(&self.stats.units, 1);
                            Stats::add(&self.stats.commits, 1);
                        }
                        return job.finish();
                    }
                    Err(error) => {
                        if let Some(cause) = error.lost() {
                            self.again(attempt, cause);
                            continue;
                        }
                        // An error of a pushed statement shows here; so does a connection lost at COMMIT, whose
                        // outcome nobody knows: the caller is told that it failed, and nothing claims otherwise.
                        self.give_up(&error);
                        Stats::add(&self.stats.failed, 1);
                        return job.fail(error);
                    }
                },
                Outcome::Drop => {
                    session.rollback();
                    Stats::add(&self.stats.failed, 1);
                    return job.finish();
                }
                Outcome::Again(cause) => {
                    session.rollback();
                    cause
                }
                // Nothing was committed, so another connection may try once.
                Outcome::Lost => {
                    self.session = None;
                    if attempt > 1 {
                        return job.finish();
                    }
                    Cause::Connection
                }
            };
            self.again(attempt, cause);
        }
        job.fail(Error::Unavailable("the transaction lost too many races".into()));
    }

    fn again(&self, attempt: u32, cause: Cause) {
        self.stats.retry(cause);
        // Losers of a race step apart; this thread serves nobody else meanwhile.
        std::thread::sleep(Duration::from_millis(u64::from(attempt - 1) * 2));
    }

    fn session(&mut self) -> Result<&mut Session> {
        if self.session.as_ref().is_some_and(|s| s.client.is_closed()) {
            self.session = None;
        }
        match &mut self.session {
            Some(session) => Ok(session),
            empty => Ok(empty.insert(Session::connect(
                &self.config,
                if self.reads { BEGIN_READ } else { BEGIN_WRITE },
            )?)),
        }
    }

    fn give_up(&mut self, error: &Error) {
        if matches!(error, Error::Unavailable(_)) {
            self.session = None;
        } else if let Some(session) = &mut self.session {
            session.rollback();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// BEGIN was not sent yet.
    Fresh,
    /// A transaction is open.
    Open,
}

struct Session {
    runtime: Runtime,
    client: Arc<Client>,
    begin: &'static str,
    prepared: HashMap<&'static str, Statement>,
    pushed: Vec<(Statement, Vec<Param<'static>>)>,
    phase: Phase,
}

impl Session {
    fn connect(config: &Config, begin: &'static str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::Unavailable(e.to_string()))?;
        let (client, connection) = runtime.block_on(config.connect(NoTls)).map_err(map)?;
        runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "the connection to the database ended");
            }
        });
        let setup =
            format!("SET statement_timeout = '{STATEMENT_TIMEOUT}'; SET client_min_messages = warning");
        runtime.block_on(client.batch_execute(&setup)).map_err(map)?;
        Ok(Self {
            runtime,
            client: Arc::new(client),
            begin,
            prepared: HashMap::new(),
            pushed: Vec::new(),
            phase: Phase::Fresh,
        })
    }

    fn migrate(&mut self, migrations: &[Migration]) -> Result<()> {
        self.batch(&format!(
            "BEGIN; SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); {}",
            migrate::TABLE
        ))?;
        self.phase = Phase::Open;
        for step in migrate::pending(self, migrations)? {
            for statement in step.statements() {
                self.batch(
                    &statement
                        .replace("{serial}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
                        .replace("{blob}", "BYTEA")
                        .replace("{clustered}", "")
                        .replace(" TEXT", " TEXT COLLATE \"C\""),
                )?;
            }
            migrate::record(self, step)?;
        }
        self.commit()
    }

    fn batch(&self, sql: &str) -> Result<()> {
        self.runtime.block_on(self.client.batch_execute(sql)).map_err(map)
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let text = sql
            .replace("{for_update}", "FOR UPDATE")
            .replace("{for_share}", "FOR KEY SHARE")
            .replace("{skip_locked}", "FOR UPDATE SKIP LOCKED");
        let statement = self.runtime.block_on(self.client.prepare(&text)).map_err(map)?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Sends BEGIN if it is due, the pushed statements, then `last`, all in one flight, and waits for all answers.
    fn flight<T, F>(&mut self, last: impl FnOnce(Arc<Client>) -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    {
        let client = Arc::clone(&self.client);
        let pushed = std::mem::take(&mut self.pushed);
        let begin = (self.phase == Phase::Fresh).then_some(self.begin);
        self.phase = Phase::Open;
        // `join!` and `join_all` poll in order, and a statement is sent by its first poll.
        let (begun, written, result) = self.runtime.block_on(async {
            let begin = async {
                match begin {
                    Some(sql) => client.batch_execute(sql).await,
                    None => Ok(()),
                }
            };
            let writes = join_all(
                pushed
                    .iter()
                    .map(|(statement, params)| client.execute_raw(statement, params)),
            );
            join!(begin, writes, last(Arc::clone(&client)))
        });
        begun.map_err(map)?;
        for write in written {
            write.map_err(map)?;
        }
        result.map_err(map)
    }

    fn commit(&mut self) -> Result<()> {
        if self.phase == Phase::Fresh && self.pushed.is_empty() {
            return Ok(());
        }
        let result = self.flight(|client| async move { client.batch_execute("COMMIT").await });
        self.phase = Phase::Fresh;
        result
    }

    fn rollback(&mut self) {
        self.pushed.clear();
        if self.phase == Phase::Open
            && let Err(error) = self.batch("ROLLBACK")
        {
            tracing::warn!(%error, "rollback failed");
        }
        self.phase = Phase::Fresh;
    }
}

impl Tx for Session {
    fn query(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        for param in params {
            param.check()?;
        }
        let statement = self.statement(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as &(dyn ToSql + Sync)).collect();
        let rows = self.flight(|client| async move { client.query(&statement, &params).await })?;
        rows.into_iter()
            .map(|row| {
                (0..row.len())
                    .map(|i| value(&row, i))
                    .collect::<Result<_>>()
                    .map(Row::new)
            })
            .collect()
    }

    fn exec(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64> {
        for param in params {
            param.check()?;
        }
        let statement = self.statement(sql)?;
        self.flight(|client| async move { client.execute_raw(&statement, params).await })
    }

    fn push(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<()> {
        for param in params {
            param.check()?;
        }
        let statement = self.statement(sql)?;
        self.pushed
            .push((statement, params.iter().cloned().map(Param::into_owned).collect()));
        Ok(())
    }
}

fn value(row: &tokio_postgres::Row, i: usize) -> Result<Value> {
    let get = |e: tokio_postgres::Error| Error::Decode(e.to_string());
    let kind = row.columns()[i].type_();
    let value = if *kind == Type::INT8 {
        row.try_get::<_, Option<i64>>(i).map_err(get)?.map(Value::Int)
    } else if *kind == Type::INT4 {
        row.try_get::<_, Option<i32>>(i)
            .map_err(get)?
            .map(|n| Value::Int(n.into()))
    } else if *kind == Type::TEXT || *kind == Type::VARCHAR || *kind == Type::NAME {
        row.try_get::<_, Option<String>>(i).map_err(get)?.map(Value::Text)
    } else if *kind == Type::BYTEA {
        row.try_get::<_, Option<Vec<u8>>>(i)
            .map_err(get)?
            .map(Value::Blob)
    } else if *kind == Type::FLOAT8 {
        row.try_get::<_, Option<f64>>(i).map_err(get)?.map(Value::Float)
    } else {
        return Err(Error::Decode(format!(
            "column {i} has type {kind}, which the common SQL does not use"
        )));
    };
    Ok(value.unwrap_or(Value::Null))
}

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Param::Null => Ok(IsNull::Yes),
            Param::Int(i) if *kind == Type::INT4 => i32::try_from(*i)?.to_sql(kind, out),
            Param::Int(i) => i.to_sql(kind, out),
            Param::Float(f) => f.to_sql(kind, out),
            Param::Text(t) => t.as_ref().to_sql(kind, out),
            Param::Blob(b) => b.as_ref().to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

fn map(error: tokio_postgres::Error) -> Error {
    let text = match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => error.to_string(),
    };
    match error.code() {
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => Error::Unique(text),
        Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION => Error::Reference(text),
        Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE => Error::Serialization(text),
        Some(code) if *code == SqlState::T_R_DEADLOCK_DETECTED => Error::Deadlock(text),
        // Connection, resource, operator intervention, system errors.
        Some(code)
            if ["08", "53", "57", "58"]
                .iter()
                .any(|class| code.code().starts_with(class)) =>
        {
            Error::Unavailable(text)
        }
        Some(_) => Error::Other(text),
        None => Error::Unavailable(text),
    }
}
