//! The `confab` binary.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use confab_server::app::{App, Running};
use confab_server::banner::{Banner, banner};
use confab_server::cli::{Cli, Command, Sources, Tls, Webhooks, print_openapi};
use confab_server::config::{Config, Secret};
use confab_server::shutdown::Shutdown;
use confab_server::{VERSION, logging};

/// Many small allocations on several threads is what a chat server does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is left after the drain gets no time of its own: the process is to be gone.
const AFTER_DRAIN: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(sources) => serve(&sources),
        Command::Config(arguments) => arguments.run(),
        Command::Openapi => print_openapi(),
        Command::Tls(Tls::Init(arguments)) => arguments.run(),
        Command::Webhooks(Webhooks::List(arguments)) => arguments.run(),
        Command::Webhooks(Webhooks::Replay(arguments)) => arguments.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("confab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(sources: &Sources) -> anyhow::Result<()> {
    let config = sources.load()?;
    logging::init(&config.log)?;
    allow_many_connections();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let result = runtime.block_on(run(config));
    runtime.shutdown_timeout(AFTER_DRAIN);
    result
}

async fn run(config: Config) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
    let running = App::start_until(config, shutdown).await?;
    announce(&running);
    running.wait().await
}

/// Not `print!`, which panics when nobody reads the output any more: the server runs all the same.
fn announce(running: &Running) {
    let text = banner(&Banner {
        version: VERSION,
        address: running.address,
        tls_address: running.tls_address,
        is_proxy: running.is_proxy,
        authority: running.authority.as_deref(),
        account_sid: &running.account_sid,
        new_auth_token: running
            .new_auth_token
            .as_ref()
            .map(Secret::expose)
            .map(String::as_str),
        credentials: &running.credentials,
    });
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!(%error, "cannot print the address and account");
    }
}

/// Each SDK connection is a file descriptor, and the usual soft limit of 1024 is meant for programs that use
/// `select`, which this one does not.
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: maximum,
                maximum,
            },
        )
    {
        tracing::warn!(%error, ?current, "the limit of open files stays as it is");
    }
}
