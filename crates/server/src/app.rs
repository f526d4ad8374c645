//! The server as a value: started from a configuration, stopped by a signal or by whoever holds it.

use std::fs::OpenOptions;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use confab_channels::{Dispatcher, Simulator};
use confab_domain::hook::delivery;
use confab_domain::job::Job;
use confab_domain::{Actor, job};
use confab_engine::{Clock, Engine, SystemClock, VirtualClock};
use confab_jobs::{Handler, Outcome, Worker};
use confab_media::{Fetcher, Library, Links, MediaJobs, Objects};
use confab_outgoing::Guard;
use confab_realtime::Realtime;
use confab_store::{Backend, Store};
use confab_webhooks::{Asker, Caller, Deliverer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::VERSION;
use crate::config::{ClockKind, Config, Secret};
use crate::data_dir::DataDir;
use crate::http::{self, Connections, Faces, Listeners};
use crate::metrics::Metrics;
use crate::ops::{self, Ops};
use crate::shutdown::Shutdown;
use crate::tls::Tls;
use crate::{account, config};

/// Connections that may wait to be accepted: many SDK clients return at the same moment after a restart.
const BACKLOG: u32 = 4096;

/// Starts servers.
#[derive(Debug)]
pub struct App;

/// A running server.
pub struct Running {
    /// Where it listens, with the port that it really got; for TLS, when there is nothing else.
    pub address: SocketAddr,
    /// Where it listens for TLS.
    pub tls_address: Option<SocketAddr>,
    /// Whether official clients may name it as their proxy.
    pub is_proxy: bool,
    /// Certificate of the authority that clients have to trust, when it is one of `confab tls init`.
    pub authority: Option<PathBuf>,
    /// The account of the first start.
    pub account_sid: String,
    /// Its auth token, when it was made just now.
    pub new_auth_token: Option<Secret<String>>,
    /// The file in which both are kept.
    pub credentials: PathBuf,
    engine: Engine,
    shutdown: Shutdown,
    end: JoinHandle<anyhow::Result<()>>,
}

impl App {
    /// Starts a server that runs until [`Running::stop`].
    ///
    /// # Errors
    /// When the data directory is in use, the address is taken, the database does not open, or secrets do not fit
    /// it; each with a text for the person who started it.
    pub async fn start(config: Config) -> anyhow::Result<Running> {
        Self::start_until(config, Shutdown::new()).await
    }

    /// Starts a server that runs until the shutdown begins.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn start_until(config: Config, shutdown: Shutdown) -> anyhow::Result<Running> {
        match config.clock {
            ClockKind::System => Self::start_by(config, shutdown, SystemClock).await,
            ClockKind::Virtual => Self::start_by(config, shutdown, VirtualClock::default()).await,
        }
    }

    /// As [`App::start_until`] with the time of another clock.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn start_by(config: Config, shutdown: Shutdown, clock: impl Clock) -> anyhow::Result<Running> {
        // The lock first: everything below writes into the directory. The address before the secrets: a start that
        // fails because it is taken must not use up the one showing of the token.
        let data_dir = DataDir::open(&config.data_dir)?;
        let tls = Tls::open(&config, data_dir.path())?;
        let plain = Some(config.listen).filter(|_| !config.tls.only);
        let listeners = Listeners {
            plain: plain.map(listen).transpose()?,
            tls: config.tls.listen.map(listen).transpose()?,
        };
        let local =
            |listener: &Option<TcpListener>| listener.as_ref().map(TcpListener::local_addr).transpose();
        let tls_address = local(&listeners.tls).context("cannot listen")?;
        let address = local(&listeners.plain)
            .context("cannot listen")?
            .or(tls_address)
            .context("neither listen nor tls.listen is set")?;
        let store = open_store(&config, &data_dir).await?;
        let (engine, credentials, made_now) = account::open(&config, &data_dir, store, clock).await?;
        let credentials_path = data_dir.credentials_path();
        let library = open_library(&engine, &data_dir).await?;

        let metrics = Arc::new(Metrics::new(VERSION));
        let realtime = Realtime::start(engine.clone(), realtime_options(&config));
        let faces = Faces {
            ops: ops::router(Ops {
                engine: engine.clone(),
                metrics: Arc::clone(&metrics),
                realtime: realtime.clone(),
                shutdown: shutdown.clone(),
            }),
            realtime: realtime.router(),
            api: confab_api::router(engine.clone(), api_options(&config, &library, &metrics)),
        };
        // Whoever had these leases is gone, since the data directory with the name is locked: what it left is done at once.
        engine.name(data_dir.server_name()?);
        for released in [
            engine.execute(Actor::System, job::Release).await,
            engine.execute(Actor::System, delivery::Release).await,
        ] {
            released.context("cannot write to the database")?;
        }
        let is_behind_a_proxy = config.public_url.is_some() || !config.trusted_proxies.is_empty();
        let guard = Guard::for_listeners(
            [Some(address), tls_address].into_iter().flatten(),
            is_behind_a_proxy,
        );
        let caller = webhook_caller(&config, &engine, guard, &metrics);
        engine.ask_by(Arc::new(Asker::new(engine.clone(), Arc::clone(&caller))));
        let deliverer = Deliverer::new(engine.clone(), caller, webhook_options(&config));
        let (stop_deliverer, deliverer_stops) = oneshot::channel();
        let (stop_worker, worker_stops) = oneshot::channel();
        let parts = Parts {
            worker: tokio::spawn(worker(engine.clone(), library, guard, &metrics).run(async move {
                // Also when the sender is gone, which then wants no more work either.
                let _ = worker_stops.await;
            })),
            stop_worker,
            deliverer: tokio::spawn(deliverer.run(async move {
                let _ = deliverer_stops.await;
            })),
            stop_deliverer,
            http: tokio::spawn(http::accept(listeners, faces, tls.clone(), shutdown.clone())),
            realtime,
            shutdown: shutdown.clone(),
            patience: Duration::from_secs(config.shutdown.drain_secs),
            _data_dir: data_dir,
        };
        let (is_proxy, authority) = (tls.is_some(), tls.as_ref().and_then(|tls| tls.authority()));
        if let Some(tls) = tls {
            tokio::spawn(tls.follow_files(shutdown.clone()));
        }
        let tls_shown = tls_address.map(tracing::field::display);
        tracing::info!(version = VERSION, %address, tls = tls_shown, account = credentials.account_sid, "started");
        Ok(Running {
            address,
            tls_address,
            is_proxy,
            authority,
            account_sid: credentials.account_sid,
            new_auth_token: made_now.then_some(credentials.auth_token),
            credentials: credentials_path,
            engine,
            shutdown,
            end: tokio::spawn(parts.run()),
        })
    }
}

impl Running {
    /// Waits until the server has stopped.
    ///
    /// # Errors
    /// When it stopped by itself, because a part of it failed.
    pub async fn wait(self) -> anyhow::Result<()> {
        self.end.await.context("the server failed")?
    }

    /// Stops: no new work, then what is in flight is finished, for as long as the configuration allows.
    ///
    /// # Errors
    /// As [`Running::wait`].
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.start();
        self.wait().await
    }

    /// The engine, for programs that have a server inside.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    bind(address).with_context(|| format!("cannot listen on {address}"))
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A restart must not wait for connections of the process before it to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn open_store(config: &Config, data_dir: &DataDir) -> anyhow::Result<Store> {
    let (backend, name) = match &config.database {
        Some(url) => (
            Backend::Postgres {
                url: url.expose().clone(),
                connections: config.store.postgres_connections,
            },
            config::mask_database_url(url.expose()),
        ),
        None => {
            let path = data_dir.path().join("confab.db");
            let name = path.display().to_string();
            // The messages of all users are in it; the database's own files get the mode of this one.
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)
                .with_context(|| format!("cannot open the database {name}"))?;
            (
                Backend::Sqlite {
                    path,
                    readers: config.store.readers,
                },
                name,
            )
        }
    };
    Store::open(backend, confab_domain::MIGRATIONS)
        .await
        .with_context(|| format!("cannot open the database {name}"))
}

async fn open_library(engine: &Engine, data_dir: &DataDir) -> anyhow::Result<Library> {
    let path = data_dir.path().join("media");
    let objects = Objects::open(&path)
        .await
        .with_context(|| format!("cannot use the media directory {}", path.display()))?;
    let links = Links::new(&engine.vault().derive("temporary media URLs")?);
    Ok(Library::new(engine.clone(), objects, links))
}

fn public_url(config: &Config) -> Option<(String, String)> {
    config
        .public_url
        .as_ref()
        .map(|url| (url.scheme().to_owned(), url.authority().to_owned()))
}

fn trusted_proxy(config: &Config) -> Arc<dyn Fn(IpAddr) -> bool + Send + Sync> {
    let proxies = config.trusted_proxies.clone();
    Arc::new(move |address| proxies.iter().any(|net| net.contains(address)))
}

fn api_options(config: &Config, library: &Library, metrics: &Arc<Metrics>) -> confab_api::Options {
    let metrics = Arc::clone(metrics);
    confab_api::Options {
        public_url: public_url(config),
        trusted_proxy: trusted_proxy(config),
        body_limit: config.limits.request_body_bytes,
        observe: Arc::new(move |product, method, status, took| {
            metrics.http_request(product, method, status, took);
        }),
        media: Some(library.clone()),
    }
}

fn realtime_options(config: &Config) -> confab_realtime::Options {
    confab_realtime::Options {
        ping_interval: Duration::from_secs(config.realtime.ping_interval_secs),
        expiry_notice: Duration::from_secs(config.realtime.token_expiry_notice_secs),
        offline_grace: Duration::from_secs(config.realtime.offline_grace_secs),
        frame_bytes: config.limits.frame_bytes,
        limits: config.limits.realtime(),
        public_url: public_url(config),
        trusted_proxy: trusted_proxy(config),
    }
}

/// Who does which job.
struct Jobs {
    media: MediaJobs,
    dispatcher: Dispatcher,
}

#[async_trait]
impl Handler for Jobs {
    async fn run(&self, job: &Job) -> Outcome {
        if MediaJobs::does(job) {
            self.media.run(job).await
        } else {
            self.dispatcher.run(job).await
        }
    }
}

fn worker(engine: Engine, library: Library, guard: Guard, metrics: &Arc<Metrics>) -> Worker {
    let metrics = Arc::clone(metrics);
    let simulator = Arc::new(Simulator::new(engine.clone()));
    let fetcher = Fetcher::new(guard);
    let jobs = Jobs {
        media: MediaJobs::new(engine.clone(), library, fetcher),
        dispatcher: Dispatcher::new(engine.clone(), simulator),
    };
    Worker::new(
        engine,
        Arc::new(jobs),
        Arc::new(move |kind, ok| {
            if ok {
                metrics.job_done(kind);
            } else {
                metrics.job_failed(kind);
            }
        }),
    )
}

fn webhook_caller(config: &Config, engine: &Engine, usual: Guard, metrics: &Arc<Metrics>) -> Arc<Caller> {
    let guard = match config.webhooks.allow_private {
        Some(true) => Guard::Open,
        Some(false) => Guard::Public,
        None => usual,
    };
    let metrics = Arc::clone(metrics);
    let observer = Arc::new(move |moment, ok, took| metrics.webhook(moment, ok, took));
    Arc::new(Caller::new(engine.clone(), guard, observer))
}

fn webhook_options(config: &Config) -> confab_webhooks::Options {
    confab_webhooks::Options {
        retry_for: Duration::from_secs(config.webhooks.retry_secs),
        retry_events_for: Duration::from_secs(config.streams.retry_secs),
        log_for: Duration::from_secs(config.webhooks.log_days * 86_400),
    }
}

/// What runs, and what it takes to end it in order.
struct Parts {
    http: JoinHandle<Connections>,
    worker: JoinHandle<()>,
    stop_worker: oneshot::Sender<()>,
    deliverer: JoinHandle<()>,
    stop_deliverer: oneshot::Sender<()>,
    realtime: Realtime,
    shutdown: Shutdown,
    patience: Duration,
    /// Locked until all of the above has ended.
    _data_dir: DataDir,
}

impl Parts {
    async fn run(mut self) -> anyhow::Result<()> {
        let failure = tokio::select! {
            () = self.shutdown.draining() => None,
            ended = &mut self.worker => Some(anyhow::anyhow!("the job worker ended: {ended:?}")),
            ended = &mut self.deliverer => Some(anyhow::anyhow!("the delivery of webhooks ended: {ended:?}")),
        };
        // Whatever the cause: everybody hears of it.
        self.shutdown.start();
        let aborts = [
            self.http.abort_handle(),
            self.worker.abort_handle(),
            self.deliverer.abort_handle(),
        ];
        if tokio::time::timeout(self.patience, self.drain(failure.is_some()))
            .await
            .is_err()
        {
            tracing::warn!(
                "shutdown: work in flight did not end in time; jobs are taken up at the next start"
            );
            for abort in aborts {
                abort.abort();
            }
        }
        tracing::info!("stopped");
        failure.map_or(Ok(()), Err)
    }

    /// SDK clients are sent away while requests in flight are finished; then the worker ends, since both may still
    /// give it something to do.
    async fn drain(self, failed: bool) {
        let connections = async {
            match self.http.await {
                Ok(connections) => connections.finish().await,
                Err(error) => tracing::error!(%error, "the listener failed"),
            }
        };
        tokio::join!(self.realtime.drain(), connections);
        let _ = self.stop_worker.send(());
        let _ = self.stop_deliverer.send(());
        for part in [self.worker, self.deliverer] {
            // One that has ended already was the failure itself, and was told of.
            if !(failed && part.is_finished())
                && let Err(error) = part.await
            {
                tracing::error!(%error, "a worker failed");
            }
        }
    }
}
