//! Durable work: rows that are written with the change that asks for it, claimed by a worker with a lease, and
//! removed when done. A job may run twice (a worker that died after the work and before the removal), so each is
//! idempotent by the SIDs it carries.

use confab_store::params;
use confab_types::{AccountSid, ConversationSid, MediaSid, Timestamp, WebhookSid};
use serde::{Deserialize, Serialize};

use crate::conversation::State;
use crate::hook::repeat::{Range, Written};
use crate::inbound::Arrival;
use crate::sync::{opt_sid, sid};
use crate::{Command, Cx, Effect, Result, Transaction};

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Send a message to an address outside chat.
    Send {
        /// The account.
        account: AccountSid,
        /// Its SID on the carrier, as in its receipt.
        channel_message: String,
        /// The account's number.
        from: String,
        /// The recipient.
        to: String,
        /// The other numbers of a group message, which the recipient sees.
        others: Vec<String>,
        /// Text.
        body: String,
        /// A medium instead of text.
        media: Option<MediaSid>,
    },
    /// A simulated handset reports that it got a message.
    HandsetDelivers {
        /// The account.
        account: AccountSid,
        /// The message's SID on the carrier.
        sid: String,
    },
    /// Remove what a removed conversation left.
    Purge {
        /// The conversation.
        conversation: ConversationSid,
    },
    /// Change a conversation's state when its timers ask for it.
    Timers {
        /// The conversation.
        conversation: ConversationSid,
    },
    /// Let the first participants of a conversation in.
    Initialize {
        /// The conversation.
        conversation: ConversationSid,
        /// Each a JSON object, as the request wrote it.
        participants: Vec<String>,
        /// The state that it gets then.
        state: State,
        /// Whether webhooks hear of it: whether its caller asked for that.
        announces: bool,
    },
    /// Remove a medium unless a message has taken it.
    CollectMedia {
        /// The medium.
        media: MediaSid,
    },
    /// Remove the bytes of media whose rows are gone.
    RemoveMedia {
        /// The media.
        media: Vec<MediaSid>,
    },
    /// Put a phone's message into its conversation, after its files have been fetched.
    Receive(Arrival),
    /// Tell a new webhook of messages that were there before it.
    ReplayMessages {
        /// The webhook.
        webhook: WebhookSid,
    },
    /// Call webhooks once more, because their owner wants it.
    ReplayDeliveries(Range),
    /// Drop the bindings that nobody has renewed; one job for all of them.
    DropBindings,
}

/// How a kind is written in its row.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Payload {
    Send {
        account: String,
        channel_message: String,
        from: String,
        to: String,
        #[serde(default)]
        others: Vec<String>,
        body: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media: Option<String>,
    },
    HandsetDelivers {
        account: String,
        sid: String,
    },
    Purge {
        conversation: String,
    },
    Timers {
        conversation: String,
    },
    Initialize {
        conversation: String,
        participants: Vec<String>,
        state: String,
        #[serde(default)]
        announces: bool,
    },
    CollectMedia {
        media: String,
    },
    RemoveMedia {
        media: Vec<String>,
    },
    Receive {
        account: String,
        sid: String,
        from: String,
        to: String,
        #[serde(default)]
        others: Vec<String>,
        body: String,
        media: Vec<String>,
    },
    ReplayMessages {
        webhook: String,
    },
    ReplayDeliveries(Written),
    DropBindings,
}

impl Kind {
    /// The kind's name, for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Send { .. } => "send",
            Self::HandsetDelivers { .. } => "handset_delivers",
            Self::Purge { .. } => "purge",
            Self::Timers { .. } => "timers",
            Self::Initialize { .. } => "initialize",
            Self::CollectMedia { .. } => "collect_media",
            Self::RemoveMedia { .. } => "remove_media",
            Self::Receive(_) => "receive",
            Self::ReplayMessages { .. } => "replay_messages",
            Self::ReplayDeliveries(_) => "replay_deliveries",
            Self::DropBindings => "drop_bindings",
        }
    }

    /// Jobs with the same key run one after another in the order they were written: messages of one number pair
    /// must not overtake each other.
    pub(crate) fn ordering_key(&self) -> String {
        match self {
            Self::Send { from, to, .. } => format!("send {from} {to}"),
            Self::HandsetDelivers { sid, .. } => format!("delivers {sid}"),
            Self::Purge { conversation } => format!("purge {conversation}"),
            Self::Timers { conversation } => format!("timers {conversation}"),
            Self::Initialize { conversation, .. } => format!("initialize {conversation}"),
            Self::CollectMedia { media } => format!("media {media}"),
            Self::RemoveMedia { media } => {
                format!(
                    "bytes {}",
                    media.first().map(MediaSid::to_string).unwrap_or_default()
                )
            }
            Self::Receive(arrival) => arrival.order(),
            Self::ReplayMessages { webhook } => format!("replay {webhook}"),
            Self::ReplayDeliveries(range) => format!("replay calls {}", range.account),
            Self::DropBindings => "bindings".into(),
        }
    }

    fn write(&self) -> String {
        let payload = match self.clone() {
            Self::Send {
                account,
                channel_message,
                from,
                to,
                others,
                body,
                media,
            } => Payload::Send {
                account: account.to_string(),
                channel_message,
                from,
                to,
                others,
                body,
                media: media.map(|m| m.to_string()),
            },
            Self::HandsetDelivers { account, sid } => Payload::HandsetDelivers {
                account: account.to_string(),
                sid,
            },
            Self::Purge { conversation } => Payload::Purge {
                conversation: conversation.to_string(),
            },
            Self::Timers { conversation } => Payload::Timers {
                conversation: conversation.to_string(),
            },
            Self::Initialize {
                conversation,
                participants,
                state,
                announces,
            } => Payload::Initialize {
                conversation: conversation.to_string(),
                participants,
                state: state.name().to_owned(),
                announces,
            },
            Self::CollectMedia { media } => Payload::CollectMedia {
                media: media.to_string(),
            },
            Self::RemoveMedia { media } => Payload::RemoveMedia {
                media: media.iter().map(MediaSid::to_string).collect(),
            },
            Self::Receive(arrival) => Payload::Receive {
                account: arrival.account.to_string(),
                sid: arrival.sid,
                from: arrival.from,
                to: arrival.to,
                others: arrival.others,
                body: arrival.body,
                media: arrival.media,
            },
            Self::ReplayMessages { webhook } => Payload::ReplayMessages {
                webhook: webhook.to_string(),
            },
            Self::ReplayDeliveries(range) => Payload::ReplayDeliveries(range.written()),
            Self::DropBindings => Payload::DropBindings,
        };
        serde_json::to_string(&payload).unwrap_or_default()
    }

    fn read(text: &str) -> Result<Self> {
        let payload = serde_json::from_str(text)
            .map_err(|e| confab_store::Error::Decode(format!("a job's payload: {e}")))?;
        Ok(match payload {
            Payload::Send {
                account,
                channel_message,
                from,
                to,
                others,
                body,
                media,
            } => Self::Send {
                account: sid(&account)?,
                channel_message,
                from,
                to,
                others,
                body,
                media: opt_sid(media)?,
            },
            Payload::HandsetDelivers {
                account,
                sid: message,
            } => Self::HandsetDelivers {
                account: sid(&account)?,
                sid: message,
            },
            Payload::Purge { conversation } => Self::Purge {
                conversation: sid(&conversation)?,
            },
            Payload::Timers { conversation } => Self::Timers {
                conversation: sid(&conversation)?,
            },
            Payload::Initialize {
                conversation,
                participants,
                state,
                announces,
            } => Self::Initialize {
                conversation: sid(&conversation)?,
                participants,
                state: State::read(&state)?,
                announces,
            },
            Payload::CollectMedia { media } => Self::CollectMedia { media: sid(&media)? },
            Payload::RemoveMedia { media } => Self::RemoveMedia {
                media: media.iter().map(|m| sid(m)).collect::<Result<_>>()?,
            },
            Payload::Receive {
                account,
                sid: message,
                from,
                to,
                others,
                body,
                media,
            } => Self::Receive(Arrival {
                account: sid(&account)?,
                sid: message,
                from,
                to,
                others,
                body,
                media,
            }),
            Payload::ReplayMessages { webhook } => Self::ReplayMessages {
                webhook: sid(&webhook)?,
            },
            Payload::ReplayDeliveries(written) => Self::ReplayDeliveries(Range::of_written(written)?),
            Payload::DropBindings => Self::DropBindings,
        })
    }
}

/// A claimed job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its row.
    pub id: i64,
    /// What there is to do.
    pub kind: Kind,
    /// Tries that failed since the last step that went well.
    pub attempts: i64,
}

/// Writes a job in the transaction of the change that asks for it.
pub(crate) fn add(tx: &mut Transaction<'_>, cx: &Cx<'_>, kind: &Kind, run_at: Timestamp) -> Result<()> {
    tx.push(
        "INSERT INTO job (kind, ordering_key, payload, run_at, lease_until, attempts, created_at) \
         VALUES ($1, $2, $3, $4, 0, 0, $5)",
        params![kind.name(), kind.ordering_key(), kind.write(), run_at.0, cx.now.0],
    )?;
    Ok(())
}

/// Takes away the jobs of a kind's order, also one that runs just now: what it still records of itself finds no row.
pub(crate) fn cancel(tx: &mut Transaction<'_>, kind: &Kind) -> Result<()> {
    tx.push(
        "DELETE FROM job WHERE ordering_key = $1",
        params![kind.ordering_key()],
    )?;
    Ok(())
}

/// Whether a job of an order is waiting or running.
pub(crate) fn is_waiting(tx: &mut Transaction<'_>, ordering_key: &str) -> Result<bool> {
    let row = tx.first(
        "SELECT id FROM job WHERE ordering_key = $1 LIMIT 1",
        params![ordering_key],
    )?;
    Ok(row.is_some())
}

/// Takes a job away in the transaction that does its work, so that it is done once; `false` when that has happened.
pub(crate) fn take(tx: &mut Transaction<'_>, id: i64) -> Result<bool> {
    Ok(tx.exec("DELETE FROM job WHERE id = $1", params![id])? > 0)
}

/// Locks a job and tells what it is now: it may have been rewritten since it was claimed, or done.
pub(crate) fn hold(tx: &mut Transaction<'_>, id: i64) -> Result<Option<Kind>> {
    let row = tx.first("SELECT payload FROM job WHERE id = $1 {for_update}", params![id])?;
    row.map(|mut row| Kind::read(&row.text()?)).transpose()
}

/// Keeps how far a job has got, in the transaction of its step.
pub(crate) fn rewrite(tx: &mut Transaction<'_>, id: i64, kind: &Kind) -> Result<()> {
    tx.push(
        "UPDATE job SET payload = $2 WHERE id = $1",
        params![id, kind.write()],
    )?;
    Ok(())
}

/// How long a claimed job belongs to its worker, microseconds. A worker that dies leaves it to others then.
pub const LEASE: i64 = 60_000_000;

/// Takes due jobs: those whose time has come, that nobody has claimed, and that are the first of their order.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Jobs at most.
    pub most: i64,
}

impl Command for Claim {
    type Output = Vec<Job>;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Vec<Job>> {
        let rows = tx.query(
            "SELECT id, payload, attempts FROM job WHERE run_at <= $1 AND lease_until <= $1 \
             AND NOT EXISTS (SELECT 1 FROM job AS earlier WHERE earlier.ordering_key = job.ordering_key \
             AND earlier.id < job.id) ORDER BY run_at, id LIMIT $2 {skip_locked}",
            params![cx.now.0, self.most],
        )?;
        let mut jobs = Vec::with_capacity(rows.len());
        for mut row in rows {
            let id = row.int()?;
            let payload = row.text()?;
            let attempts = row.int()?;
            let kind = match Kind::read(&payload) {
                Ok(kind) => kind,
                Err(error) => {
                    // One that this program cannot read must not stop the others; a newer program may.
                    tx.push(
                        "UPDATE job SET run_at = $2, last_error = $3 WHERE id = $1",
                        params![id, cx.now.0 + 3600 * 1_000_000, error.to_string()],
                    )?;
                    continue;
                }
            };
            tx.push(
                "UPDATE job SET lease_until = $2, server = $3, attempts = attempts + 1 WHERE id = $1",
                params![id, cx.now.0 + LEASE, cx.server],
            )?;
            jobs.push(Job { id, kind, attempts });
        }
        Ok(jobs)
    }
}

/// When the next job that nobody has claimed is due.
///
/// # Errors
/// The database's.
pub fn next_due(tx: &mut Transaction<'_>, now: Timestamp) -> Result<Option<Timestamp>> {
    let row = tx.first(
        "SELECT run_at FROM job WHERE lease_until <= $1 ORDER BY run_at, id LIMIT 1",
        params![now.0],
    )?;
    Ok(row.map(|mut r| r.int()).transpose()?.map(Timestamp))
}

/// Whether a job that was due at a time is not done: it waits, or runs. One that failed waits for its next try, which
/// is due later.
///
/// # Errors
/// The database's.
pub fn unfinished_before(tx: &mut Transaction<'_>, at: Timestamp) -> Result<bool> {
    let row = tx.first(
        "SELECT id FROM job WHERE run_at <= $1 ORDER BY run_at, id LIMIT 1",
        params![at.0],
    )?;
    Ok(row.is_some())
}

/// A job is done.
#[derive(Clone, Debug)]
pub struct Finish {
    /// Its row.
    pub id: i64,
}

impl Command for Finish {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        tx.push("DELETE FROM job WHERE id = $1", params![self.id])?;
        // The next one of its order may run now.
        cx.emit(Effect::JobsWaiting);
        Ok(())
    }
}

/// A job is to be tried again later: it failed, or it works in steps.
#[derive(Clone, Debug)]
pub struct Postpone {
    /// Its row.
    pub id: i64,
    /// When.
    pub run_at: Timestamp,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

impl Command for Postpone {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        tx.push(
            "UPDATE job SET lease_until = 0, run_at = $2, last_error = $3, \
             attempts = CASE WHEN $4 = 1 THEN 0 ELSE attempts END WHERE id = $1",
            // A step that went well ends the count of failures.
            params![self.id, self.run_at.0, &self.error, self.error.is_none()],
        )?;
        cx.emit(Effect::JobsWaiting);
        Ok(())
    }
}

/// Gives back the leases of the server that runs this, at its start: the process that had them is gone.
#[derive(Clone, Copy, Debug)]
pub struct Release;

impl Command for Release {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        tx.push(
            "UPDATE job SET lease_until = 0 WHERE server = $1 AND lease_until > 0",
            params![cx.server],
        )?;
        cx.emit(Effect::JobsWaiting);
        Ok(())
    }
}
