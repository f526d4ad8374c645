//! `cargo xtask bench`: how fast and how big the server is, in one table.

mod http;
mod load;
mod machine;
mod measure;
mod report;
mod sdk;
mod server;
mod setup;
mod sink;
mod stats;

use crate::postgres::Cluster;
use crate::process::{self, Progress};
use crate::workspace::{cargo, cargo_path, root};
use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use report::{Report, Row};
use server::Machine;
use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench                    everything; writes docs/benchmarks.md
  cargo xtask bench --quick            less of everything, without PostgreSQL; under a minute
  cargo xtask bench --only a,b         some rows; the page stays as it is

Nothing else should run on the machine meanwhile. A missed aim is no failure.";

const PAGE: &str = "docs/benchmarks.md";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure only these rows, such as a,b,h
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    only: Vec<Part>,

    /// Measure shorter and less, without PostgreSQL: to see that it works, not to compare
    #[arg(long)]
    quick: bool,

    /// Measure PostgreSQL also with --quick
    #[arg(long)]
    postgres: bool,

    /// Where the page is written; with --only or --quick nothing is written unless this is given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The rows of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, clap::ValueEnum)]
enum Part {
    /// HTTP floor
    A,
    /// Create a message over REST
    B,
    /// Fetch and list messages
    C,
    /// Memory of idle SDK connections
    D,
    /// From REST to many SDK clients
    E,
    /// Start of the server
    F,
    /// A million messages
    G,
    /// Conversations of two
    H,
    /// Conversations of a user
    I,
    /// Start of the official SDK
    J,
    /// A conversation of 1000 members
    K,
    /// Clients that come back all at once
    L,
    /// Webhooks that are told of messages
    M,
    /// A webhook that is asked about messages
    N,
    /// A backlog of webhooks
    O,
    /// Whether anything grows under load
    P,
}

impl Part {
    fn letter(self) -> String {
        format!("({self:?})").to_lowercase()
    }

    fn title(self) -> &'static str {
        match self {
            Self::A => "HTTP floor",
            Self::B => "Create a message",
            Self::C => "Fetch and list messages",
            Self::D => "Memory of an idle SDK connection",
            Self::E => "From a REST request to SDK clients",
            Self::F => "Start of the server",
            Self::G => "A million messages",
            Self::H => "Conversations of two",
            Self::I => "Conversations of a user",
            Self::J => "Start of the official SDK",
            Self::K => "A conversation of 1000 members",
            Self::L => "Clients that come back all at once",
            Self::M => "Webhooks that are told of messages",
            Self::N => "A webhook that is asked about messages",
            Self::O => "A backlog of webhooks",
            Self::P => "Five minutes of load",
        }
    }

    fn explanation(self) -> &'static str {
        match self {
            Self::A => {
                "An authenticated `POST /conversations/v1/Services` without the required parameter: it is routed, \
                 authenticated from the cache, its form is decoded and it is refused with 400, without storage. 64 \
                 kept-alive connections, each with one request at a time. No aim; other rows are compared with it."
            }
            Self::B => {
                "`POST …/Messages` with a body of 120 bytes, spread over 1000 conversations, 64 connections. Answered \
                 when it is on disk. Aim: 0.30 of the floor on SQLite, 0.10 on PostgreSQL."
            }
            Self::C => {
                "One message by its SID, and the newest 50 messages of a conversation, 64 connections. No aim."
            }
            Self::D => {
                "Resident memory of the server with 10,000 connected clients, less that before they came, divided by \
                 their number. Five connections of each of 2000 users; each has done the whole start of the SDK and \
                 follows its own two entities and three for each of its three conversations of six members. The server \
                 is started anew before, so that no memory of the preparation is reused. Memory of the kernel's \
                 sockets is not in it. The peer of (h) takes 42 KiB. Aim: 12 KiB or less."
            }
            Self::E => {
                "From just before a `POST …/Messages` is sent until each of the connections that follow the \
                 conversation has its `list_item_added` frame. Requests come one at a time at a fixed pace, so this is \
                 latency without a queue; the generator reads the frames one after the other, which is part of the \
                 time. Up to 200 users with five connections each. No aim."
            }
            Self::F => {
                "From the start of the process until it answers `/healthz`, and until it answers an authenticated \
                 request that reads the database; on a data directory that exists and on none. The aim is for the \
                 latter: 100 ms or less."
            }
            Self::G => {
                "Creating messages and listing the newest 50 of a conversation in a database of a million messages and \
                 in one of ten thousand, both in 200 conversations so that every list is full. Measured in turn, round by \
                 round; the ratio is that of the times for one operation. Aim: 1.2 or less."
            }
            Self::H => {
                "32 senders in a closed loop post messages of 120 bytes over REST into 100 conversations of two members, \
                 both connected with the SDK. Latency is from just before sending until a member has the frame. The \
                 best durable peer measured on a machine like this one, an XMPP server that archives in PostgreSQL, does \
                 4063 messages a second with a p99 of 27 ms. Aim: five times that rate with a p99 of 10 ms or \
                 less on SQLite, 1.5 times on PostgreSQL."
            }
            Self::I => {
                "`GET /conversations/v1/Users/{identity}/Conversations?PageSize=50` of a user with 50 conversations and \
                 of one with 1000, all with ten messages of which none is read, so that each row has a count of \
                 unread messages. 16 connections, measured in turn. Aim: at most 3 times the time."
            }
            Self::J => {
                "The unmodified SDK (3.0.1, on Node.js) from `new Client` until it is `initialized` and until it has paged \
                 through the whole list of a user's joined conversations, each start in a process of its own. The share is \
                 the server's processor time divided by that of the clock; the rest is the SDK's. No aim."
            }
            Self::K => {
                "50 messages a second over REST into one conversation whose members are all connected, from just before \
                 sending until each has its frame. In the same run a server that does nothing but accept websockets \
                 broadcasts the very bytes of these frames to as many listeners at the same pace; it has no storage, no \
                 REST and no members. The ratio is that of the p99. Aim: 3 or less."
            }
            Self::L => {
                "The clients of (d), all cut off at once. While they are away each conversation gets a message, and another \
                 one while they come back, all at the same time and as the SDK does: `init`, then one batch of subscriptions \
                 with the last event ids. Time until all are subscribed again; each must have had each message once. \
                 Aim: 30 s or less, nothing lost."
            }
            Self::M => {
                "Creating messages as in (b) on one server, in turn, round by round: without any webhook and without the \
                 header that has webhooks called; with that header and a webhook for other events, so that all is done that \
                 finds nobody to tell (aim: 0.97 of the rate or more); with a webhook for these messages, which is called \
                 meanwhile (aim: 0.6 or more). The called is a listener in the generator, on the same processors. What is \
                 not delivered when a round ends is delivered before the next one; the rate with all of that time counted \
                 has no aim. Then messages at half the rate that the called webhook left, at a fixed pace: latency is from \
                 just before a message is sent until its call has come. Aim: p99 of 50 ms or less."
            }
            Self::N => {
                "One connection that creates one message after the other, in turn: without webhooks, and with one that is \
                 asked before. In the same rounds the generator itself calls the listener over a kept-alive connection with \
                 as many bytes as such a question has. What asking adds is the time with it, less that without it, less that \
                 bare round trip. Aim: 1 ms or less of the p50."
            }
            Self::O => {
                "Messages of 1000 conversations whose webhook is away, 100 each; the server is started anew when it is back. \
                 Calls a second until all have come. Resident memory is read at each tenth of them. In the \
                 first ones the store's cache of pages fills, up to 64 MiB. Aim: in the second half it does not grow by \
                 more than 16 MiB; all calls come."
            }
            Self::P => {
                "2000 clients in 1000 conversations of two; 1000 messages a second over REST for five minutes, each when its \
                 time has come, or as soon after it as one of 64 connections is free: a rate below 1000 is what this \
                 machine holds. Latency is from just before sending until a member has the frame. Memory and what \
                 waits to be delivered are looked at each minute; of one message two events wait, one for each member. \
                 The database keeps up to 64 MiB of its pages, which fill in the first minutes; what comes after the third \
                 is growth. Aim: each frame comes once, and neither grows."
            }
        }
    }
}

/// How much is measured.
struct Scale {
    warm_up: Duration,
    window: Duration,
    repetitions: usize,
    conversations: usize,
    idle_clients: usize,
    starts: usize,
    /// Messages of the small and of the big database, and conversations in both.
    growth: (u64, u64, usize),
    growth_rounds: usize,
    /// Messages for each number of connections.
    fanout: [(usize, u64, Duration); 3],
    /// Joined conversations of the users with whom the SDK starts.
    joined: &'static [usize],
    /// Members of the great conversation, and messages into it.
    crowd: (usize, u64),
    /// Calls of webhooks that wait.
    backlog: u64,
    /// Conversations under steady load, and for how long.
    steady: (usize, Duration),
}

impl Scale {
    fn full() -> Self {
        Self {
            warm_up: Duration::from_millis(1500),
            window: Duration::from_secs(4),
            repetitions: 3,
            conversations: 1000,
            idle_clients: 10_000,
            starts: 10,
            growth: (10_000, 1_000_000, 200),
            growth_rounds: 5,
            fanout: [
                (1, 400, Duration::from_millis(5)),
                (100, 200, Duration::from_millis(20)),
                (1000, 60, Duration::from_millis(100)),
            ],
            joined: &[100, 500, 1000],
            crowd: (1000, 500),
            backlog: 100_000,
            steady: (1000, Duration::from_secs(300)),
        }
    }

    fn quick() -> Self {
        Self {
            warm_up: Duration::from_millis(300),
            window: Duration::from_secs(1),
            repetitions: 1,
            conversations: 200,
            idle_clients: 500,
            starts: 3,
            growth: (2000, 20_000, 40),
            growth_rounds: 1,
            fanout: [
                (1, 100, Duration::from_millis(5)),
                (100, 40, Duration::from_millis(20)),
                (1000, 10, Duration::from_millis(100)),
            ],
            joined: &[100],
            crowd: (200, 50),
            backlog: 5000,
            steady: (100, Duration::from_secs(5)),
        }
    }
}

/// Shows which measurement runs: a bar on a terminal, else a line for each.
struct Bar(ProgressBar);

impl Bar {
    fn new(steps: usize) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(steps as u64);
        if let Ok(style) = ProgressStyle::with_template("  {bar:24} {pos}/{len} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    fn show(&self, what: &str) {
        if self.0.is_hidden() {
            eprintln!("{what} …");
        } else {
            self.0.set_message(what.to_owned());
        }
    }

    fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What all measurements share.
struct Bench {
    binary: PathBuf,
    scale: Scale,
    bar: Bar,
    /// Data directories and logs.
    directory: TempDir,
    cluster: Option<Cluster>,
    report: Report,
    /// Requests a second of the floor.
    floor: Option<f64>,
}

impl Bench {
    fn row(&mut self, row: Row) {
        self.report.rows.push(row);
    }

    fn data(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    // The generator must be optimised, too; this program then goes on as the optimised one.
    if cfg!(debug_assertions) {
        eprintln!("building the load generator …");
        let binary = build("xtask", "xtask").await?;
        return Err(continue_as(&binary));
    }
    if !open_files_are_at_most() {
        return Err(continue_as(&std::env::current_exe()?));
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Dropping the work half-way ends the servers and removes their data.
    tokio::select! {
        done = all(args) => done.map(|()| ExitCode::SUCCESS),
        _ = interrupt.recv() => Ok(interrupted()),
        _ = terminate.recv() => Ok(interrupted()),
    }
}

fn interrupted() -> ExitCode {
    eprintln!("interrupted");
    ExitCode::from(130)
}

/// Becomes another program with the same arguments and with as many open files as the system allows: each client is one
/// here and one in the server. Returns only why that failed.
fn continue_as(binary: &Path) -> anyhow::Error {
    let error = std::process::Command::new("sh")
        .args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\""])
        .arg(binary)
        .args(std::env::args_os().skip(1))
        .exec();
    anyhow::Error::new(error).context("cannot start the load generator")
}

/// Whether the limit of open files is as high as this process may set it; when that is unknown it is left alone.
fn open_files_are_at_most() -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    limits
        .lines()
        .find_map(|line| {
            let mut words = line.strip_prefix("Max open files")?.split_whitespace();
            Some(words.next()? == words.next()?)
        })
        .unwrap_or(true)
}

async fn build(package: &str, name: &str) -> Result<PathBuf> {
    let progress = Progress::start(false);
    let command = cargo(["build", "--release", "--package", package, "--bin", name]);
    let finished = process::run(command, &progress).await?;
    if !finished.status.success() {
        bail!("{package} does not build:\n{}", finished.output);
    }
    let metadata = cargo_metadata::MetadataCommand::new()
        .cargo_path(cargo_path())
        .current_dir(root())
        .no_deps()
        .exec()?;
    Ok(metadata
        .target_directory
        .into_std_path_buf()
        .join("release")
        .join(name))
}

async fn all(args: &Args) -> Result<()> {
    let wanted = |part: Part| args.only.is_empty() || args.only.contains(&part);
    eprintln!("building the server …");
    let binary = build("confab-server", "confab").await?;
    let directory = tempfile::Builder::new().prefix("confab-bench-").tempdir()?;
    let with_postgres = (args.postgres || !args.quick) && (wanted(Part::B) || wanted(Part::H));
    let cluster = if with_postgres {
        eprintln!("starting PostgreSQL …");
        Some(Cluster::start(&Progress::start(false)).await?)
    } else {
        None
    };
    let machine = machine::describe(directory.path(), cluster.as_ref())?;
    let mut bench = Bench {
        binary,
        scale: if args.quick { Scale::quick() } else { Scale::full() },
        bar: Bar::new(
            clap::ValueEnum::value_variants()
                .iter()
                .filter(|part| wanted(**part))
                .count(),
        ),
        directory,
        cluster,
        report: Report {
            machine,
            ..Report::default()
        },
        floor: None,
    };
    let before = Machine::now();
    measure::all(&mut bench, &wanted).await?;
    if let (Some(now), Some(before)) = (Machine::now(), &before) {
        let others = now.others_since(before) * 100.0;
        bench.report.machine.push((
            "used by other programs meanwhile",
            format!("{others:.0} % of the processors"),
        ));
    }

    let Bench { bar, report, .. } = &bench;
    bar.0.finish_and_clear();
    println!("{}\n{}\n\n{}", report.machine(), report.table(), report.notes());
    let is_whole = args.only.is_empty() && !args.quick;
    let page = args.out.clone().or_else(|| is_whole.then(|| root().join(PAGE)));
    if let Some(page) = page {
        std::fs::write(&page, report.markdown())
            .with_context(|| format!("cannot write {}", page.display()))?;
        println!("written to {}", page.display());
    }
    Ok(())
}
