//! Which statements read a whole table: a check for tests, which look at the plan of each statement before its first
//! run.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use crate::{Error, Param, Result, Row, Tx};

/// Sees each statement before it runs, with the transaction in which it will.
pub type Probe = Arc<dyn Fn(&mut dyn Tx, &'static str, &[Param<'_>]) -> Result<()> + Send + Sync>;

/// A transaction whose statements a probe sees.
pub(crate) struct Probed<'a> {
    pub(crate) tx: &'a mut dyn Tx,
    pub(crate) probe: &'a Probe,
}

impl Tx for Probed<'_> {
    fn query(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        (self.probe)(self.tx, sql, params)?;
        self.tx.query(sql, params)
    }

    fn exec(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64> {
        (self.probe)(self.tx, sql, params)?;
        self.tx.exec(sql, params)
    }

    fn push(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<()> {
        (self.probe)(self.tx, sql, params)?;
        self.tx.push(sql, params)
    }
}

/// Which words a plan is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite's.
    Sqlite,
    /// PostgreSQL's. Its connections must have `enable_seqscan`, `enable_bitmapscan` and `enable_sort` off, or it reads
    /// the small tables of a test in whole although an index would serve.
    Postgres,
}

/// A probe that refuses, with its plan, each statement that reads a whole table or sorts what it could read in order;
/// tables in `small` do not grow and may be read so.
#[must_use]
pub fn refuse_scans(dialect: Dialect, small: &'static [&'static str]) -> Probe {
    static SEEN: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    Arc::new(move |tx, sql, params| {
        let new = SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(sql);
        if !new || !(sql.contains("SELECT") || sql.starts_with("UPDATE") || sql.starts_with("DELETE")) {
            return Ok(());
        }
        let explain = match dialect {
            Dialect::Sqlite => format!("EXPLAIN QUERY PLAN {sql}"),
            Dialect::Postgres => format!("EXPLAIN (COSTS OFF) {sql}"),
        };
        // Statements are static texts, and a test process has few.
        let rows = tx.query(Box::leak(explain.into_boxed_str()), params)?;
        let mut plan = Vec::with_capacity(rows.len());
        for mut row in rows {
            if dialect == Dialect::Sqlite {
                // id, parent and an unused column stand before the text.
                for _ in 0..3 {
                    row.int()?;
                }
            }
            plan.push(row.text()?);
        }
        let faults = match dialect {
            Dialect::Sqlite => sqlite_faults(&plan, sql, small),
            Dialect::Postgres => postgres_faults(&plan, small),
        };
        if faults.is_empty() {
            return Ok(());
        }
        // Also asked for again, so that each test that runs it fails.
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).remove(sql);
        Err(Error::Other(format!(
            "the plan of a statement reads too much: {faults:?}\n{sql}\n{}",
            plan.join("\n")
        )))
    })
}

fn sqlite_faults(plan: &[String], sql: &str, small: &[&str]) -> Vec<String> {
    plan.iter()
        .filter(|line| {
            let scans = line.strip_prefix("SCAN ").is_some_and(|rest| {
                let table = rest.split(' ').next().unwrap_or_default();
                // The result of another part of the plan.
                let derived = rest.starts_with('(')
                    || rest.starts_with("CONSTANT")
                    || sql.contains(&format!(") AS {table}"));
                !derived && !small.contains(&table)
            });
            let sorts = line.starts_with("USE TEMP B-TREE FOR ORDER BY") && sql.contains("LIMIT");
            scans || sorts
        })
        .cloned()
        .collect()
}

fn postgres_faults(plan: &[String], small: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, line) in plan.iter().enumerate() {
        let node = line.trim_start().trim_start_matches("->").trim_start();
        let table = node
            .split_once(" on ")
            .and_then(|(_, rest)| rest.split(' ').next())
            .unwrap_or_default();
        if small.contains(&table) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let conditions = plan[at + 1..]
            .iter()
            .take_while(|l| l.len() - l.trim_start().len() > indent && !l.trim_start().starts_with("->"))
            .any(|l| l.trim_start().starts_with("Index Cond:"));
        let whole_index = node.starts_with("Index") && node.contains("Scan") && !conditions;
        if node.starts_with("Seq Scan on") || whole_index {
            faults.push(line.trim().to_owned());
        }
    }
    faults
}
