//! The rules of the product: one module an aggregate, with its rows, its SQL, its commands and its changes.
//!
//! Everything here is a synchronous function of an open transaction ([`confab_store::Tx`]), a context ([`Cx`]: the
//! time, new SIDs, who acts) and an input. So a command can be run again after a lost race, with a virtual clock, and
//! without a server. What must follow a commit is collected in the context as [`Effect`]s.

pub mod account;
pub mod account_webhook;
pub mod address_configuration;
pub mod alert;
pub mod audit;
pub mod binding;
pub mod chat;
pub mod content;
pub mod conversation;
pub mod credential;
pub mod cx;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod handset;
pub mod hook;
pub mod inbound;
pub mod job;
pub mod key;
pub mod list;
pub mod media;
pub mod message;
pub mod message_log;
pub mod messaging_service;
pub mod mutation;
pub mod notification;
pub mod notify;
pub mod number;
pub mod outbound;
pub mod participant;
pub mod participant_conversation;
pub mod permission;
pub mod plan;
pub mod pool;
pub mod reachability;
pub mod receipt;
pub mod role;
pub mod service;
pub mod service_webhook;
pub mod stream;
pub mod subaccount;
pub mod sync;
pub mod text;
pub mod user;
pub mod user_conversation;
pub mod webhook;

use confab_store::{Migration, Tx};

pub use cx::{
    Actor, Change, Client, Command, Commit, Counted, Cx, Effect, Ids, Limits, Origin, Requester, Stream,
};
pub use error::{Error, Result};
pub use list::{Order, Page, Window};

/// The steps of the schema, in their order; what was released is never edited.
pub const MIGRATIONS: &[Migration] = &[
    step(1, "first", include_str!("../migrations/0001_first.sql")),
    step(2, "states", include_str!("../migrations/0002_states.sql")),
    step(3, "groups", include_str!("../migrations/0003_groups.sql")),
    step(
        4,
        "configuration",
        include_str!("../migrations/0004_configuration.sql"),
    ),
    step(5, "media", include_str!("../migrations/0005_media.sql")),
    step(6, "content", include_str!("../migrations/0006_content.sql")),
    step(7, "chat", include_str!("../migrations/0007_chat.sql")),
    step(8, "notify", include_str!("../migrations/0008_notify.sql")),
    step(
        9,
        "reachability",
        include_str!("../migrations/0009_reachability.sql"),
    ),
    step(
        10,
        "message_log",
        include_str!("../migrations/0010_message_log.sql"),
    ),
    step(11, "upkeep", include_str!("../migrations/0011_upkeep.sql")),
    step(12, "mutations", include_str!("../migrations/0012_mutations.sql")),
    step(13, "webhooks", include_str!("../migrations/0013_webhooks.sql")),
    step(14, "alerts", include_str!("../migrations/0014_alerts.sql")),
    step(15, "streams", include_str!("../migrations/0015_streams.sql")),
    step(
        16,
        "webhook_replays",
        include_str!("../migrations/0016_webhook_replays.sql"),
    ),
    step(17, "servers", include_str!("../migrations/0017_servers.sql")),
    step(18, "audit", include_str!("../migrations/0018_audit.sql")),
    step(
        19,
        "handed_lanes",
        include_str!("../migrations/0019_handed_lanes.sql"),
    ),
];

const fn step(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration { version, name, sql }
}

/// What a transaction is called in every signature here.
pub type Transaction<'a> = dyn Tx + 'a;
