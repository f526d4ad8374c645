//! Stopping without losing work.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells every part of the server when to stop taking new work. Clones share one state.
#[derive(Debug, Clone)]
pub struct Shutdown {
    draining: Arc<watch::Sender<bool>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A handle that only [`Shutdown::start`] sets off; for tests and for servers inside other programs.
    pub fn new() -> Self {
        Self {
            draining: Arc::new(watch::Sender::new(false)),
        }
    }

    /// A handle that SIGTERM and SIGINT set off. A second signal ends the process at once, because who sends it
    /// does not want to wait. Must be called in a Tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let handle = shutdown.clone();
        tokio::spawn(async move {
            loop {
                let (name, kind) = tokio::select! {
                    _ = terminate.recv() => ("SIGTERM", SignalKind::terminate()),
                    _ = interrupt.recv() => ("SIGINT", SignalKind::interrupt()),
                };
                if !handle.start() {
                    tracing::warn!(
                        signal = name,
                        "second signal: exiting without waiting for work in flight"
                    );
                    // The status that a shell gives a process which the signal killed.
                    std::process::exit(128 + kind.as_raw_value());
                }
                tracing::info!(signal = name, "shutting down: finishing work in flight");
            }
        });
        Ok(shutdown)
    }

    /// Begins the shutdown. False when it had begun before.
    pub fn start(&self) -> bool {
        !self.draining.send_replace(true)
    }

    /// Whether the shutdown has begun.
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Resolves when the shutdown begins, at once when it has begun.
    pub async fn draining(&self) {
        let mut state = self.draining.subscribe();
        // The sender lives in self, so the wait cannot fail.
        let _ = state.wait_for(|draining| *draining).await;
    }

    /// A receiver of the state, for code that selects over many things.
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn everyone_hears_of_it_also_who_asks_late() {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.draining().await }
        });
        assert!(!shutdown.is_draining());
        assert!(shutdown.start());
        assert!(!shutdown.start(), "it begins once");
        waiting.await.unwrap();
        shutdown.draining().await;
        assert!(shutdown.is_draining() && *shutdown.subscribe().borrow());
    }

    #[tokio::test]
    async fn sigterm_begins_the_shutdown() {
        let shutdown = Shutdown::on_signals().unwrap();
        let process = std::process::id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &process])
                .status()
                .unwrap()
                .success()
        );
        tokio::time::timeout(Duration::from_secs(10), shutdown.draining())
            .await
            .unwrap();
    }

    const CHILD: &str = "CONFAB_TEST_SHUTDOWN_CHILD";

    /// Runs itself as a child process, which gets the signals.
    #[test]
    fn a_second_signal_exits_at_once() {
        if std::env::var_os(CHILD).is_some() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            return runtime.block_on(async {
                let shutdown = Shutdown::on_signals().unwrap();
                println!("\nready");
                shutdown.draining().await;
                println!("\ndraining");
                tokio::time::sleep(Duration::from_secs(60)).await;
            });
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "shutdown::tests::a_second_signal_exits_at_once",
            ])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let process = child.id().to_string();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for (sign, signal) in [("ready", "-INT"), ("draining", "-TERM")] {
            assert!(
                lines.any(|line| line.unwrap() == sign),
                "the child never said {sign}"
            );
            assert!(
                Command::new("kill")
                    .args([signal, &process])
                    .status()
                    .unwrap()
                    .success()
            );
        }
        assert_eq!(child.wait().unwrap().code(), Some(143));
    }
}
