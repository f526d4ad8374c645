//! The server under test as a process, and what the kernel and the server itself know about it.

use super::http::{Caller, Connection};
use crate::process;
use anyhow::{Context as _, Result, bail};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// Fixed, so that restarted servers and all rows use the same account.
pub(super) const ACCOUNT: &str = "AC0000000000000000000000000000be0c";
const TOKEN: &str = "00000000000000000000000000c0ffee";

/// Units of /proc/PID/stat; 100 on every architecture that Linux has today.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn caller() -> Caller {
    Caller::new(ACCOUNT, TOKEN)
}

/// A running server. Dropping it kills it.
pub(super) struct Server {
    child: Child,
    pid: u32,
    pub(super) address: SocketAddr,
    log: PathBuf,
}

/// How long a start took, from the start of the process.
pub(super) struct StartUp {
    /// Until the first answer.
    pub(super) healthy: Duration,
    /// Until the first answer that needs the database.
    pub(super) authenticated: Duration,
}

/// Counters of `/metrics` and the kernel at one moment.
#[derive(Clone, Copy)]
pub(super) struct Usage {
    writes: f64,
    commits: f64,
    server: f64,
    generator: f64,
    postgres: f64,
}

/// The text of `/metrics`.
pub(super) struct Metrics(String);

impl Metrics {
    /// A metric without labels; a counter's name ends with `_total`.
    pub(super) fn value(&self, name: &str) -> Result<f64> {
        let value = self
            .0
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok());
        value.with_context(|| format!("/metrics has no {name}"))
    }
}

/// What happened between two moments.
pub(super) struct Used {
    writes_per_commit: f64,
    commits: f64,
    /// Processor seconds, as the others.
    pub(super) server: f64,
    generator: f64,
    postgres: f64,
}

impl Server {
    /// Starts a server on a data directory and waits until it answers.
    pub(super) async fn start(binary: &Path, data: &Path, database: Option<&str>) -> Result<Self> {
        Ok(Self::timed_start(binary, data, database).await?.0)
    }

    pub(super) async fn timed_start(
        binary: &Path,
        data: &Path,
        database: Option<&str>,
    ) -> Result<(Self, StartUp)> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let log = data.with_extension("log");
        let mut command = Command::new(binary);
        // Settings of whoever runs this are none of the server's.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CONFAB_") {
                command.env_remove(name);
            }
        }
        command
            .args(["serve", "--listen", &address.to_string(), "--data-dir"])
            .arg(data)
            .env("CONFAB_ACCOUNT_SID", ACCOUNT)
            .env("CONFAB_AUTH_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::options().create(true).append(true).open(&log)?)
            // An interrupt at the terminal is for this program, which then ends the server.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(url) = database {
            command.env("CONFAB_DATABASE", url);
        }
        let started = Instant::now();
        let mut child = command.spawn().context("cannot start the server")?;
        let pid = child.id().context("the server ended at once")?;

        let mut connection = loop {
            if let Ok(connection) = Connection::open(address).await {
                break connection;
            }
            if child.try_wait()?.is_some() || started.elapsed() > Duration::from_secs(30) {
                bail!("the server does not start:\n{}", std::fs::read_to_string(&log)?);
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        };
        let caller = caller();
        let mut first = async |path: &str| {
            let status = connection.exchange(&caller.get(path)).await?;
            if status != 200 {
                bail!("GET {path} is answered with {status}");
            }
            Ok(started.elapsed())
        };
        let startup = StartUp {
            healthy: first("/healthz").await?,
            authenticated: first("/conversations/v1/Configuration").await?,
        };
        let server = Self {
            child,
            pid,
            address,
            log,
        };
        Ok((server, startup))
    }

    /// Stops it in order and gives the warnings and errors that it has logged.
    pub(super) async fn stop(mut self) -> Result<Vec<String>> {
        process::signal("TERM", &self.pid.to_string());
        tokio::time::timeout(Duration::from_secs(20), self.child.wait())
            .await
            .context("the server does not stop")??;
        let log = std::fs::read_to_string(&self.log)?;
        let bad = |line: &&str| line.contains("WARN") || line.contains("ERROR") || line.contains("panicked");
        Ok(log.lines().filter(bad).map(str::to_owned).collect())
    }

    /// Memory that the process has, in KiB.
    pub(super) fn resident_kib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        status
            .lines()
            .find_map(|line| {
                line.strip_prefix("VmRSS:")?
                    .trim()
                    .strip_suffix(" kB")?
                    .trim()
                    .parse()
                    .ok()
            })
            .context("the kernel does not tell VmRSS")
    }

    /// What the server tells of itself.
    pub(super) async fn metrics(&self) -> Result<Metrics> {
        let mut connection = Connection::open(self.address).await?;
        let status = connection.exchange(&caller().get("/metrics")).await?;
        if status != 200 {
            bail!("GET /metrics is answered with {status}");
        }
        Ok(Metrics(String::from_utf8_lossy(connection.body()).into_owned()))
    }

    pub(super) async fn usage(&self) -> Result<Usage> {
        let metrics = self.metrics().await?;
        Ok(Usage {
            writes: metrics.value("confab_store_writes_total")?,
            commits: metrics.value("confab_store_commits_total")?,
            server: cpu_seconds(self.pid)?,
            generator: cpu_seconds(std::process::id())?,
            postgres: postgres_seconds(),
        })
    }

    /// What happened since then.
    pub(super) async fn used_since(&self, then: Usage) -> Result<Used> {
        let now = self.usage().await?;
        let commits = now.commits - then.commits;
        Ok(Used {
            writes_per_commit: (now.writes - then.writes) / commits.max(1.0),
            commits,
            server: now.server - then.server,
            generator: now.generator - then.generator,
            postgres: now.postgres - then.postgres,
        })
    }
}

impl Used {
    /// In words, for a number of requests that took so many seconds.
    pub(super) fn describe(&self, requests: u64, seconds: f64) -> String {
        let each = |used: f64| used * 1e6 / requests as f64;
        let mut text = format!(
            "{:.1} writes a commit, {:.0} commits a second; processor time of one request: server {:.0} µs, generator {:.0} µs",
            self.writes_per_commit,
            self.commits / seconds,
            each(self.server),
            each(self.generator),
        );
        if self.postgres > 0.0 {
            text.push_str(&format!(", PostgreSQL {:.0} µs", each(self.postgres)));
        }
        text
    }
}

/// User and system time of a process.
fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = Stat::read(&pid.to_string()).context("the kernel does not tell the time of a process")?;
    Ok(stat.seconds)
}

/// Time of the PostgreSQL that this program has started: the server and its own children.
fn postgres_seconds() -> f64 {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0.0;
    };
    let all: Vec<(u32, Stat)> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            Some((
                name.parse().ok()?,
                Stat::read(&name).filter(|stat| stat.name == "postgres")?,
            ))
        })
        .collect();
    let ours = std::process::id();
    let is_ours = |stat: &Stat| {
        stat.parent == ours
            || all
                .iter()
                .any(|(pid, parent)| *pid == stat.parent && parent.parent == ours)
    };
    all.iter()
        .filter(|(_, stat)| is_ours(stat))
        .map(|(_, stat)| stat.seconds)
        .sum()
}

/// Processor time of the whole machine, of this program and of all that it started, at one moment.
pub(super) struct Machine {
    all: f64,
    busy: f64,
    ours: f64,
}

impl Machine {
    pub(super) fn now() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        let fields = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        let ticks: Vec<f64> = fields.take(8).filter_map(|ticks| ticks.parse().ok()).collect();
        // Fourth and fifth are idle, and idle while something waits for a disk.
        let idle = ticks.get(3)? + ticks.get(4)?;
        let all: f64 = ticks.iter().sum();
        let this = Stat::read("self")?;
        Some(Self {
            all,
            busy: all - idle,
            ours: (this.seconds + this.of_children + postgres_seconds()) * TICKS_PER_SECOND,
        })
    }

    /// The part of the processors that others have used since then, the kernel's own threads among them.
    pub(super) fn others_since(&self, then: &Self) -> f64 {
        let others = (self.busy - then.busy) - (self.ours - then.ours);
        (others / (self.all - then.all)).max(0.0)
    }
}

struct Stat {
    name: String,
    parent: u32,
    seconds: f64,
    /// Of those that have ended.
    of_children: f64,
}

impl Stat {
    fn read(pid: &str) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name stands in brackets and may itself hold spaces and brackets.
        let (name, rest) = text.split_once('(')?.1.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        Some(Self {
            name: name.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            seconds: (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND,
            of_children: (ticks(13)? + ticks(14)?) / TICKS_PER_SECOND,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_times() {
        let text = "42 (odd) name) S 7 42 42 0 -1 4194304 0 0 0 0 150 50 70 30 20 0 1 0 9 0 0 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(
            (stat.name.as_str(), stat.parent, stat.seconds),
            ("odd) name", 7, 2.0)
        );
        assert!(cpu_seconds(std::process::id()).is_ok());
    }
}
