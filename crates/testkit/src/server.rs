//! A server inside the process of the test.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use confab_domain::account;
use confab_engine::{Clock, Engine, SystemClock};
use confab_server::app::{App, Running};
use confab_server::config::{Config, Secret};
use confab_server::shutdown::Shutdown;
use confab_types::{AccountSid, Sid as _};
use tempfile::TempDir;

use crate::{Database, Response, Rest, Socket, access_token};

const DATA: &str = "data";

/// A server on a free port with a data directory and database of its own.
pub struct TestServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it listens for TLS, when the settings say so.
    pub tls_address: Option<SocketAddr>,
    /// Its account.
    pub account_sid: String,
    /// The account's token.
    pub auth_token: String,
    /// A client with the account's token.
    pub rest: Rest,
    /// The account's default conversation service.
    pub service_sid: String,
    running: Running,
    // Dropped after the server: it still has files open in them.
    _database: Database,
    directory: TempDir,
}

impl TestServer {
    /// Starts a server with default settings.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with settings of the test's own.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_by(SystemClock, change).await
    }

    /// Starts a server with a clock of the test's own.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_at(clock: impl Clock) -> Self {
        Self::start_by(clock, |_| {}).await
    }

    /// Starts a server with settings and a clock of the test's own.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_by(clock: impl Clock, change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::create().await;
        let mut config = Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data_dir: directory.path().join(DATA),
            database: database.url().map(|url| Secret::new(url.to_owned())),
            ..Config::default()
        };
        config.store.readers = 2;
        config.store.postgres_connections = 4;
        change(&mut config);
        let auth_token = config.auth_token.clone();
        let running = App::start_by(config, Shutdown::new(), clock)
            .await
            .expect("the server starts");
        let auth_token = running
            .new_auth_token
            .clone()
            .or(auth_token)
            .expect("it is the first start");
        let auth_token = auth_token.expose().clone();
        let address = running.address;
        let account_sid = running.account_sid.clone();
        let rest = Rest::new(&format!("http://{address}"), &account_sid, &auth_token);
        let account = AccountSid::parse(&account_sid).unwrap();
        let found = running
            .engine()
            .read(move |tx| account::find(tx, account))
            .await
            .unwrap();
        let service_sid = found.expect("the account is there").default_service.to_string();
        Self {
            address,
            tls_address: running.tls_address,
            account_sid,
            auth_token,
            rest,
            service_sid,
            running,
            _database: database,
            directory,
        }
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join(DATA)
    }

    /// The server's engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.running.engine()
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Posts a form with the account's token.
    ///
    /// # Panics
    /// When no whole answer came.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.rest.post(path, form).await
    }

    /// Fetches with the account's token.
    ///
    /// # Panics
    /// When no whole answer came.
    pub async fn get(&self, path: &str) -> Response {
        self.rest.get(path).await
    }

    /// Deletes with the account's token.
    ///
    /// # Panics
    /// When no whole answer came.
    pub async fn delete(&self, path: &str) -> Response {
        self.rest.delete(path).await
    }

    /// Makes an API key: its SID and secret.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn create_key(&self) -> (String, String) {
        let account = AccountSid::parse(&self.account_sid).unwrap();
        let (key, secret) = self
            .engine()
            .create_key(confab_domain::Actor::Rest, account, String::new())
            .await
            .expect("a key");
        (key.sid.to_string(), secret)
    }

    /// A token of this account.
    #[must_use]
    pub fn access_token(&self, identity: &str, service: &str, key: &str, secret: &str, ttl: i64) -> String {
        access_token(&self.account_sid, identity, service, key, secret, ttl)
    }

    /// A token of an hour for the default service, with a key of its own.
    ///
    /// # Panics
    /// When the key cannot be made.
    pub async fn token(&self, identity: &str) -> String {
        let (key, secret) = self.create_key().await;
        self.access_token(identity, &self.service_sid, &key, &secret, 3600)
    }

    /// An open websocket without `init`.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn connect(&self) -> Socket {
        Socket::connect(self.address).await
    }

    /// A connected SDK client.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn client(&self, identity: &str) -> Socket {
        let token = self.token(identity).await;
        let mut socket = self.connect().await;
        let reply = socket.init(&token).await;
        assert_eq!(reply.status(), 200, "{}", reply.header);
        socket
    }

    /// Stops the server in order.
    ///
    /// # Panics
    /// When it does not stop in order.
    pub async fn stop(self) {
        self.running.stop().await.expect("the server stops");
    }
}
