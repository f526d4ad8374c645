//! The binary as a process.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::{Database, soon};

/// A process of `confab serve`. It is killed when this is dropped.
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its standard output until it listened and told how to use it.
    pub banner: String,
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Process {
    /// A command that has no settings but the given ones: those of the test run are none of the server's.
    #[must_use]
    pub fn command(binary: &str, arguments: &[&str], data_dir: &Path, database: &Database) -> Command {
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CONFAB_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        command.env("CONFAB_DATA_DIR", data_dir);
        if let Some(url) = database.url() {
            command
                .env("CONFAB_DATABASE", url)
                .env("CONFAB_STORE_POSTGRES_CONNECTIONS", "8");
        }
        command
    }

    /// Starts `confab serve` on an address and waits until it listens.
    ///
    /// # Panics
    /// When it does not.
    pub async fn start(binary: &str, listen: &str, data_dir: &Path, database: &Database) -> Self {
        Self::spawn(Self::command(
            binary,
            &["serve", "--listen", listen],
            data_dir,
            database,
        ))
        .await
    }

    /// Starts a command of [`Process::command`] and waits until it listens.
    ///
    /// # Panics
    /// When it does not.
    pub async fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let reader = tokio::spawn(keep(child.stderr.take().expect("a pipe"), Arc::clone(&log)));
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut banner = String::new();
        let listening = async {
            while let Some(line) = lines.next_line().await.expect("the output is text") {
                banner.push_str(&line);
                banner.push('\n');
                if line.contains("--data-urlencode") {
                    return true;
                }
            }
            false
        };
        let listens = soon("the server to listen", listening).await;
        // To the end, so that the pipe never fills.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let shown =
            || String::from_utf8_lossy(&log.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
        assert!(
            listens,
            "the server ended before it listened:\n{banner}{}",
            shown()
        );
        let address = banner
            .lines()
            .next()
            .and_then(|line| line.rsplit_once("http://")?.1.parse().ok());
        Self {
            address: address.expect("the first line ends with the address"),
            banner,
            child,
            log,
            reader,
        }
    }

    /// The value of a line `name: value` of the banner.
    #[must_use]
    pub fn told(&self, name: &str) -> Option<String> {
        let line = self
            .banner
            .lines()
            .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().to_owned())
    }

    /// Its standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Its number at the operating system.
    ///
    /// # Panics
    /// When it is gone already.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("it still runs")
    }

    /// Kills it without warning.
    ///
    /// # Panics
    /// When it is gone already.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it still runs");
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn signal(&self, signal: Signal) {
        let id = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        kill_process(id.expect("it still runs"), signal).expect("it still runs");
    }

    /// Sends SIGTERM and waits for the end: its status and all that it wrote to standard error.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn terminate(self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        self.ended().await
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(mut self) -> (ExitStatus, String) {
        let status = soon("the server to end", self.child.wait())
            .await
            .expect("its status is known");
        let _ = (&mut self.reader).await;
        (status, self.log())
    }
}

async fn keep(mut from: impl tokio::io::AsyncRead + Unpin, into: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        into.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(&buffer[..read]);
    }
}
