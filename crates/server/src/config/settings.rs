//! The table of settings.

use super::value::{Value, is_account_sid, is_auth_token, is_database_url, is_log_filter};
use super::{Config, mask_database_url};

/// What a setting accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `host:port` with a literal address.
    SocketAddress,
    /// A directory.
    Path,
    /// A file.
    File,
    /// `http://` or `https://` and a host.
    PublicUrl,
    /// A PostgreSQL URL.
    DatabaseUrl,
    /// An account SID.
    AccountSid,
    /// An auth token.
    AuthToken,
    /// 32 bytes in base64.
    Key,
    /// A list of addresses and CIDR ranges.
    Networks,
    /// `true` or `false`.
    Boolean,
    /// A whole number within bounds, both included.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A log level or filter directives.
    LogFilter,
}

impl Kind {
    /// What is allowed, in words that complete "allowed: …".
    pub fn allowed(self) -> String {
        match self {
            Self::SocketAddress => "an IP address and a port, such as 127.0.0.1:8080 or [::]:8080".into(),
            Self::Path => "a directory path".into(),
            Self::File => "a file path".into(),
            Self::PublicUrl => "an http:// or https:// URL with host and optional port, without path".into(),
            Self::DatabaseUrl => "a postgres:// or postgresql:// URL".into(),
            Self::AccountSid => "AC followed by 32 lower-case hexadecimal digits".into(),
            Self::AuthToken => {
                "32 lower-case hexadecimal digits, or 16 to 256 printable ASCII characters without space"
                    .into()
            }
            Self::Key => "32 bytes in base64 (openssl rand -base64 32)".into(),
            Self::Networks => {
                "a list of IP addresses and CIDR ranges, such as [\"10.0.0.0/8\", \"::1\"]".into()
            }
            Self::Boolean => "true or false".into(),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Choice(words) => words.join(" or "),
            Self::LogFilter => {
                "error, warn, info, debug, trace or off, or directives such as info,confab_realtime=debug"
                    .into()
            }
        }
    }

    /// The checks that a value's type does not make by itself.
    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Self::DatabaseUrl => is_database_url(text),
            Self::AccountSid => is_account_sid(text),
            Self::AuthToken => is_auth_token(text),
            Self::LogFilter => is_log_filter(text),
            Self::Choice(words) => words.contains(&text),
            Self::Integer { min, max } => text.parse().is_ok_and(|n: u64| (min..=max).contains(&n)),
            Self::SocketAddress
            | Self::Path
            | Self::File
            | Self::PublicUrl
            | Self::Key
            | Self::Networks
            | Self::Boolean => true,
        }
    }
}

/// One setting.
pub struct Setting {
    /// Key in the file; a dot separates the table.
    pub key: &'static str,
    /// What it does, in whole sentences.
    pub doc: &'static str,
    /// What it accepts.
    pub kind: Kind,
    /// Command line flag, when there is one.
    pub flag: Option<&'static str>,
    /// Whether its value is kept out of all output.
    pub secret: bool,
    /// What stands for the value when there is none.
    pub when_unset: &'static str,
    pub(super) set: fn(&mut Config, &str) -> bool,
    pub(super) toml: fn(&Config) -> Option<String>,
}

impl Setting {
    /// Name of the environment variable.
    pub fn env(&self) -> String {
        format!("CONFAB_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// The setting with this key.
    pub fn by_key(key: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The value for people: in TOML, secrets as `(set)`, a database URL without its password.
    pub(super) fn display(&self, config: &Config) -> Option<String> {
        match (&config.database, self.kind) {
            (Some(url), Kind::DatabaseUrl) => Some(super::value::quote(&mask_database_url(url.expose()))),
            _ if self.secret => (self.toml)(config).map(|_| "\"(set)\"".to_owned()),
            _ => (self.toml)(config),
        }
    }
}

/// Ties a key to the field of the same path.
macro_rules! setting {
    ($($field:ident).+, $kind:expr, $doc:expr $(, $name:ident: $value:expr)* $(,)?) => {
        Setting {
            $($name: $value,)*
            ..Setting {
                key: dotted!($($field).+),
                doc: $doc,
                kind: $kind,
                flag: None,
                secret: false,
                when_unset: "not set",
                set: |config, text| match Value::from_text(text) {
                    Some(value) => {
                        config.$($field).+ = value;
                        true
                    }
                    None => false,
                },
                toml: |config| config.$($field).+.to_toml(),
            }
        }
    };
}

/// `a.b` as text; `stringify!` alone would leave the spacing open.
macro_rules! dotted {
    ($first:ident) => {
        stringify!($first)
    };
    ($first:ident . $second:ident) => {
        concat!(stringify!($first), ".", stringify!($second))
    };
}

const fn integer(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

const MIB: u64 = 1 << 20;

/// Every setting, in the order in which it is printed: keys without a table first, then table by table, because
/// TOML has it so.
pub static SETTINGS: &[Setting] = &[
    setting!(listen, Kind::SocketAddress,
        "Address and port on which all HTTP and WebSocket traffic arrives. Port 0 takes a free port; the first \
         line of output names it.",
        flag: Some("--listen")),
    setting!(data_dir, Kind::Path,
        "Directory of the embedded database, the lock and the secret files `master.key` and `credentials`. It is \
         created when absent. One process at a time may use it.",
        flag: Some("--data-dir")),
    setting!(public_url, Kind::PublicUrl,
        "Base URL by which clients reach the server. Links are rendered for the host by which a request came; \
         this URL stands in where there is no request, for example in the data of background work.",
        flag: Some("--public-url"), when_unset: "the host of the request"),
    setting!(database, Kind::DatabaseUrl,
        "PostgreSQL database. Without it everything is kept in the embedded SQLite database in the data \
         directory. Nodes that share a database must share `master_key` too.",
        flag: Some("--database"), secret: true, when_unset: "embedded SQLite"),
    setting!(account_sid, Kind::AccountSid,
        "SID of the account that is made on the first start.",
        when_unset: "generated on the first start"),
    setting!(auth_token, Kind::AuthToken,
        "Auth token of the account that is made on the first start.",
        secret: true, when_unset: "generated on the first start"),
    setting!(master_key, Kind::Key,
        "Key that encrypts the auth token and the secrets of API keys in the database. Whoever loses it cannot \
         read them any more.",
        secret: true, when_unset: "the file master.key in the data directory, made on the first start"),
    setting!(clock, Kind::Choice(&["system", "virtual"]),
        "Which clock the server goes by. A virtual one goes as the machine's does and is put forward by \
         POST /confab/v1/Clock, so that timers, tokens and retries of days can be tried out at once. For tests and \
         development: what is written then bears dates of the future.",
        flag: Some("--clock")),
    setting!(
        trusted_proxies,
        Kind::Networks,
        "Reverse proxies whose X-Forwarded-Proto and X-Forwarded-Host headers are honoured. The headers of all \
         other peers are ignored. In the environment the items are separated by commas."
    ),
    setting!(tls.listen, Kind::SocketAddress,
        "Address and port for TLS, beside `listen`: the same as there, over https:// and wss://. Official clients \
         expect port 443.",
        flag: Some("--tls"), when_unset: "no TLS"),
    setting!(
        tls.only,
        Kind::Boolean,
        "Serve TLS alone: nothing listens on `listen`."
    ),
    setting!(tls.certificate, Kind::File,
        "Certificate and the chain behind it, in PEM. The files of certificate and key are looked at every \
         second, so that renewed ones are served without a restart.",
        when_unset: "the one that `confab tls init` has put into the directory `tls` of the data directory"),
    setting!(tls.key, Kind::File,
        "Key of the certificate, in PEM.",
        when_unset: "as for `tls.certificate`"),
    setting!(
        numbers.auto_claim,
        Kind::Boolean,
        "Whether a proxy address that nobody owns is claimed for the account on the simulator when it is first \
         used. With false such an address is refused."
    ),
    setting!(
        limits.profile,
        Kind::Choice(&["open", "documented"]),
        "Which limits of rate and connections are on: none, or those that the original documents (30 actions a second \
         for each service and conversation; 7000 SDK connections of an account and 100,000 in all; 110 and 1000 new ones \
         a second; 500 requests a second on a connection and 20,000 of an account). Limits of size and number are always \
         on and have settings of their own."
    ),
    setting!(
        limits.actions_per_second,
        integer(0, 1_000_000),
        "Most changes a second for each service (conversations made and deleted, users, roles) and each conversation \
         (itself, participants, messages); one more is answered with 429 and changes nothing. 0 leaves it to the profile."
    ),
    setting!(
        limits.connections,
        integer(0, 100_000_000),
        "Most SDK connections at the same time; one more is refused with 429 (51001). 0 leaves it to the profile."
    ),
    setting!(
        limits.account_connections,
        integer(0, 100_000_000),
        "Most SDK connections of one account or subaccount at the same time; one more is refused with 429 (51001). \
         0 leaves it to the profile."
    ),
    setting!(
        limits.new_connections_per_second,
        integer(0, 1_000_000),
        "Most new SDK connections a second; one more is refused with 429 (51124) and comes again. 0 leaves it to the \
         profile."
    ),
    setting!(
        limits.account_new_connections_per_second,
        integer(0, 1_000_000),
        "Most new SDK connections of one account or subaccount a second; one more is refused with 429 (51124) and comes \
         again. 0 leaves it to the profile."
    ),
    setting!(
        limits.connection_requests_per_second,
        integer(0, 1_000_000),
        "Most requests a second on one SDK connection; one more is answered with 429 and changes nothing. 0 leaves it to \
         the profile. Whatever is set, a connection on which more than 1000 frames a second keep coming hears 429 and is \
         closed."
    ),
    setting!(
        limits.account_requests_per_second,
        integer(0, 1_000_000),
        "Most requests a second on all SDK connections of one account or subaccount; one more is answered with 429 and \
         changes nothing. 0 leaves it to the profile."
    ),
    setting!(
        limits.request_body_bytes,
        integer(4096, 64 * MIB),
        "Largest HTTP request body."
    ),
    setting!(
        limits.frame_bytes,
        integer(64 * 1024, 16 * MIB),
        "Largest frame on a realtime connection; a larger one closes the connection."
    ),
    setting!(
        limits.friendly_name_chars,
        integer(1, 65_536),
        "Longest friendly name."
    ),
    setting!(
        limits.conversation_attributes_bytes,
        integer(2, MIB),
        "Largest attributes of a conversation."
    ),
    setting!(
        limits.message_attributes_bytes,
        integer(2, MIB),
        "Largest attributes of a message."
    ),
    setting!(
        limits.participant_attributes_bytes,
        integer(2, MIB),
        "Largest attributes of a participant."
    ),
    setting!(
        limits.identity_chars,
        integer(1, 65_536),
        "Longest identity of a user or chat participant."
    ),
    setting!(
        limits.message_body_bytes,
        integer(1, MIB),
        "Largest body of a message."
    ),
    setting!(
        limits.sms_body_chars,
        integer(1, 65_536),
        "Longest body of a message that goes out as SMS."
    ),
    setting!(
        limits.participants,
        integer(1, 1_000_000),
        "Most participants in one conversation."
    ),
    setting!(
        limits.non_chat_participants,
        integer(0, 1_000_000),
        "Most participants in one conversation that take part by SMS or another carrier."
    ),
    setting!(
        limits.group_participants,
        integer(2, 1000),
        "Most phones and projected numbers in one group text."
    ),
    setting!(
        limits.conversations_per_identity,
        integer(1, 1_000_000),
        "Most conversations that one identity can be a participant of."
    ),
    setting!(
        limits.unattached_media,
        integer(1, 10_000),
        "Most uploaded files of one chat user that no message has taken yet. They are removed five minutes after their \
         upload; until then one more is answered with 429. Back ends have no such limit."
    ),
    setting!(
        limits.unattached_media_bytes,
        integer(1, 1024 * 1024 * MIB),
        "Most bytes of these files together, those that are still coming in with the size that they were announced \
         with. A single file is always taken up to `media.max_bytes`."
    ),
    setting!(
        media.max_bytes,
        integer(1, 4096 * MIB),
        "Largest file that can be uploaded, and most bytes of all files of one message together."
    ),
    setting!(
        realtime.ping_interval_secs,
        integer(1, 3600),
        "Seconds between pings on an idle connection."
    ),
    setting!(
        realtime.token_expiry_notice_secs,
        integer(0, 86_400),
        "Seconds before the expiry of an access token at which its client is told."
    ),
    setting!(
        realtime.offline_grace_secs,
        integer(0, 3600),
        "Seconds after the last connection of a user ends until the user counts as offline."
    ),
    setting!(webhooks.allow_private, Kind::Boolean,
        "Whether webhooks may lead to loopback, private and link-local addresses. Whoever may set a webhook can make \
         the server call into its own network then.",
        when_unset: "true while the server listens on loopback only and no proxy is configured, else false"),
    setting!(
        webhooks.retry_secs,
        integer(0, 604_800),
        "Seconds after an event until which the call of a webhook is repeated when it fails (timeout, connection, 429, \
         5xx), with growing pauses and the same idempotency token. 0 tries once, as the original does."
    ),
    setting!(
        webhooks.log_days,
        integer(1, 3650),
        "Days for which the calls of webhooks are kept, to be looked at and replayed."
    ),
    setting!(
        streams.retry_secs,
        integer(14_400, 604_800),
        "Seconds after an event until which it is brought again to a sink of Event Streams that did not take it. The \
         original does so for four hours, which is the least; `webhooks.retry_secs` is of no matter here."
    ),
    setting!(
        shutdown.drain_secs,
        integer(0, 10),
        "Seconds that requests and deliveries in flight get to finish after SIGTERM or SIGINT."
    ),
    setting!(
        log.format,
        Kind::Choice(&["text", "json"]),
        "Shape of the log on standard error."
    ),
    setting!(
        log.level,
        Kind::LogFilter,
        "What is logged. At info and above no message body and no secret is logged."
    ),
    setting!(
        store.readers,
        integer(1, 64),
        "Connections that read the embedded database in parallel."
    ),
    setting!(
        store.postgres_connections,
        integer(1, 256),
        "Connections to PostgreSQL."
    ),
];
