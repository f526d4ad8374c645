//! Configuration: one validated struct, filled from one table of documented settings.
//!
//! The table in [`settings`] is the only place that knows a setting's key, documentation and allowed values;
//! the file format, the environment names, the flags, `confab config` and docs/configuration.md all come from it.
//! The defaults are the [`Default`] values of the structs in this file.

mod document;
mod load;
mod net;
mod secret;
mod settings;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

pub use document::{to_markdown, to_toml};
pub use load::{ConfigError, FileInput, Flag, Origin};
pub use net::{IpNet, Malformed, PublicUrl};
pub use secret::Secret;
pub use settings::{Kind, SETTINGS, Setting};
pub use value::mask_database_url;

/// The effective configuration. Every value in it has been validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Directory of the embedded database, the lock and the secret files.
    pub data_dir: PathBuf,
    /// Scheme and host by which clients reach the server, when requests do not tell.
    pub public_url: Option<PublicUrl>,
    /// PostgreSQL URL; none selects the embedded SQLite database. Secret because it may carry a password.
    pub database: Option<Secret<String>>,
    /// SID of the account made on the first start.
    pub account_sid: Option<String>,
    /// Auth token of the account made on the first start.
    pub auth_token: Option<Secret<String>>,
    /// Key that encrypts stored secrets; none means the file in the data directory.
    pub master_key: Option<Secret<[u8; 32]>>,
    /// Peers whose `X-Forwarded-Proto` and `X-Forwarded-Host` are honoured.
    pub trusted_proxies: Vec<IpNet>,
    /// TLS.
    pub tls: TlsConfig,
    /// Phone numbers.
    pub numbers: Numbers,
    /// Sizes and counts above which input is refused.
    pub limits: Limits,
    /// Files that are sent with messages.
    pub media: MediaConfig,
    /// SDK connections.
    pub realtime: Realtime,
    /// Webhooks.
    pub webhooks: WebhooksConfig,
    /// Event Streams.
    pub streams: StreamsConfig,
    /// Stopping.
    pub shutdown: ShutdownConfig,
    /// The time.
    pub clock: ClockKind,
    /// Logging.
    pub log: Log,
    /// Database access.
    pub store: StoreConfig,
    /// Where the values came from, by key; a key that is absent has its default.
    pub origins: BTreeMap<&'static str, Origin>,
}

/// `tls.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Where the server listens for TLS.
    pub listen: Option<SocketAddr>,
    /// Whether only TLS is served.
    pub only: bool,
    /// Certificate chain in PEM; none means the one of `confab tls init` in the data directory.
    pub certificate: Option<PathBuf>,
    /// Its key in PEM.
    pub key: Option<PathBuf>,
}

/// `numbers.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// Claim an unowned proxy address on the simulator when it is first used.
    pub auto_claim: bool,
}

/// `limits.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Which limits of rate and connections are on.
    pub profile: LimitsProfile,
    /// Actions a second of a service or conversation; 0 leaves it to the profile.
    pub actions_per_second: usize,
    /// SDK connections at the same time; 0 leaves it to the profile.
    pub connections: usize,
    /// Those of one account; 0 leaves it to the profile.
    pub account_connections: usize,
    /// New SDK connections a second; 0 leaves it to the profile.
    pub new_connections_per_second: usize,
    /// Those of one account; 0 leaves it to the profile.
    pub account_new_connections_per_second: usize,
    /// Requests a second on one SDK connection; 0 leaves it to the profile.
    pub connection_requests_per_second: usize,
    /// Requests a second on all SDK connections of one account; 0 leaves it to the profile.
    pub account_requests_per_second: usize,
    /// HTTP request body.
    pub request_body_bytes: usize,
    /// One realtime frame.
    pub frame_bytes: usize,
    /// Friendly name of any resource.
    pub friendly_name_chars: usize,
    /// Attributes of a conversation.
    pub conversation_attributes_bytes: usize,
    /// Attributes of a message.
    pub message_attributes_bytes: usize,
    /// Attributes of a participant.
    pub participant_attributes_bytes: usize,
    /// Identity of a user or chat participant.
    pub identity_chars: usize,
    /// Body of a message.
    pub message_body_bytes: usize,
    /// Body of a message that goes out as SMS.
    pub sms_body_chars: usize,
    /// Participants of one conversation.
    pub participants: usize,
    /// Participants of one conversation that are not chat users.
    pub non_chat_participants: usize,
    /// Phones and projected numbers of one group text.
    pub group_participants: usize,
    /// Conversations that one identity takes part in.
    pub conversations_per_identity: usize,
    /// Uploaded files of one chat user that no message has taken.
    pub unattached_media: usize,
    /// Their bytes together.
    pub unattached_media_bytes: u64,
}

/// Which limits of rate and connections are on (B-748).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitsProfile {
    /// None: the machine is the limit.
    Open,
    /// Those that the original documents.
    Documented,
}

impl Limits {
    /// A limit of rate or connections: what is set, else what the profile says.
    fn of_profile(&self, set: usize, documented: usize) -> Option<usize> {
        match (set, self.profile) {
            (0, LimitsProfile::Open) => None,
            (0, LimitsProfile::Documented) => Some(documented),
            (set, _) => Some(set),
        }
    }

    /// Changes a second (B-744).
    pub fn actions(&self) -> Option<usize> {
        self.of_profile(self.actions_per_second, 30)
    }

    /// SDK connections and their requests (B-746).
    pub fn realtime(&self) -> confab_realtime::Limits {
        confab_realtime::Limits {
            connections: self.of_profile(self.connections, 100_000),
            account_connections: self.of_profile(self.account_connections, 7000),
            new_connections: self.of_profile(self.new_connections_per_second, 1000),
            account_new_connections: self.of_profile(self.account_new_connections_per_second, 110),
            connection_requests: self.of_profile(self.connection_requests_per_second, 500),
            account_requests: self.of_profile(self.account_requests_per_second, 20_000),
        }
    }
}

/// `media.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaConfig {
    /// One file, and all files of one message together.
    pub max_bytes: u64,
}

/// `realtime.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realtime {
    /// Seconds between pings on an idle connection.
    pub ping_interval_secs: u64,
    /// Seconds before a token's expiry at which the client is told.
    pub token_expiry_notice_secs: u64,
    /// Seconds after the last disconnect until a user counts as offline.
    pub offline_grace_secs: u64,
}

/// `webhooks.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhooksConfig {
    /// Whether addresses of the server's own network may be called; none leaves it to where the server listens.
    pub allow_private: Option<bool>,
    /// Seconds after an event until which its calls are tried again.
    pub retry_secs: u64,
    /// Days that the log of calls goes back.
    pub log_days: u64,
}

/// `streams.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamsConfig {
    /// Seconds after an event until which it is brought to its sinks again.
    pub retry_secs: u64,
}

/// `shutdown.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutdownConfig {
    /// Seconds that work in flight gets to finish.
    pub drain_secs: u64,
}

/// `log.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Shape of a log line.
    pub format: LogFormat,
    /// Level, or filter directives per module.
    pub level: String,
}

/// Which clock the server goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's.
    System,
    /// One that is put forward by hand.
    Virtual,
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// `store.*`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Reader connections of the embedded database.
    pub readers: usize,
    /// Connections to PostgreSQL.
    pub postgres_connections: usize,
}

impl Config {
    /// Settings that do not fit each other, one sentence for each.
    fn contradictions(&self) -> Vec<String> {
        let tls = &self.tls;
        let mut problems = Vec::new();
        if tls.only && tls.listen.is_none() {
            let origin = self.origin("tls.only");
            problems.push(format!(
                "tls.only (from {origin}): nothing would be served; set tls.listen"
            ));
        }
        for (set, key, other) in [
            (&tls.certificate, "tls.certificate", "tls.key"),
            (&tls.key, "tls.key", "tls.certificate"),
        ] {
            if set.is_some() && (tls.certificate.is_none() || tls.key.is_none()) {
                problems.push(format!("{key} (from {}): set {other} as well", self.origin(key)));
            }
        }
        problems
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            data_dir: PathBuf::from("./confab-data"),
            public_url: None,
            database: None,
            account_sid: None,
            auth_token: None,
            master_key: None,
            trusted_proxies: Vec::new(),
            tls: TlsConfig {
                listen: None,
                only: false,
                certificate: None,
                key: None,
            },
            numbers: Numbers { auto_claim: true },
            limits: Limits::default(),
            media: MediaConfig {
                max_bytes: 150 * 1024 * 1024,
            },
            realtime: Realtime {
                ping_interval_secs: 30,
                token_expiry_notice_secs: 180,
                offline_grace_secs: 5,
            },
            webhooks: WebhooksConfig {
                allow_private: None,
                retry_secs: 86_400,
                log_days: 7,
            },
            streams: StreamsConfig { retry_secs: 86_400 },
            shutdown: ShutdownConfig { drain_secs: 8 },
            clock: ClockKind::System,
            log: Log {
                format: LogFormat::Text,
                level: "info".to_owned(),
            },
            store: StoreConfig {
                readers: 4,
                postgres_connections: 16,
            },
            origins: BTreeMap::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            profile: LimitsProfile::Open,
            actions_per_second: 0,
            connections: 0,
            account_connections: 0,
            new_connections_per_second: 0,
            account_new_connections_per_second: 0,
            connection_requests_per_second: 0,
            account_requests_per_second: 0,
            request_body_bytes: 1 << 20,
            frame_bytes: 1 << 20,
            friendly_name_chars: 256,
            conversation_attributes_bytes: 16 * 1024,
            message_attributes_bytes: 4 * 1024,
            participant_attributes_bytes: 4 * 1024,
            identity_chars: 256,
            message_body_bytes: 32 * 1024,
            sms_body_chars: 1600,
            participants: 1000,
            non_chat_participants: 50,
            group_participants: 10,
            conversations_per_identity: 1000,
            unattached_media: 100,
            unattached_media_bytes: 1500 * 1024 * 1024,
        }
    }
}
