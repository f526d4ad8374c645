//! A NATS server as a process: Debian's package `nats-server`, which `cargo xtask test` installs.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::soon;

/// A server of NATS with JetStream on a port of its own. It is killed when this is dropped.
pub struct NatsServer {
    /// Where it listens on loopback.
    pub port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    child: Option<Child>,
}

impl NatsServer {
    /// Starts a server with more arguments, such as `--user`.
    ///
    /// # Panics
    /// When there is no `nats-server`, or it does not start.
    pub async fn start(arguments: &[&str]) -> Self {
        let mut server = Self {
            port: free_port(),
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
            directory: tempfile::tempdir().expect("a directory"),
            child: None,
        };
        server.resume().await;
        server
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Starts it again after [`NatsServer::stop`], with what its streams had.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn resume(&mut self) {
        let mut child = Command::new(program())
            .args([
                "--addr",
                "127.0.0.1",
                "--port",
                &self.port.to_string(),
                "--jetstream",
            ])
            .arg("--store_dir")
            .arg(self.directory.path())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("nats-server starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        soon("nats-server", async {
            let mut said = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("Server is ready") {
                    return;
                }
                said.push_str(&line);
                said.push('\n');
            }
            panic!("nats-server ended:\n{said}");
        })
        .await;
        // A full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.child = Some(child);
    }

    /// Ends it.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        kill_process(id.expect("it runs"), Signal::TERM).expect("it takes signals");
        soon("the end of nats-server", child.wait())
            .await
            .expect("it ends");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Debian puts it where only root's PATH leads.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    directories
        .map(|directory| directory.join("nats-server"))
        .find(|program| program.is_file())
        .expect("nats-server is missing: `apt-get install --no-install-recommends nats-server`")
}
