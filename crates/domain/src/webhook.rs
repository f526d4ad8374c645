//! Webhooks of one conversation (rest.md §2.6): called besides those of the account or service, for what has happened.

use confab_store::{Row, params};
use confab_types::{
    AccountSid, ApiError, ConversationSid, Cursor, FlowSid, KeyPart, ServiceSid, Sid, Timestamp, WebhookSid,
};

use crate::endpoint::{self, Method};
use crate::error::Error;
use crate::event::{self, Event, Scope};
use crate::hook::{self, Occurrence, Verb, delivery};
use crate::list::{Bound, Listing};
use crate::sync::{opt_sid, sid};
use crate::{
    Command, Cx, Effect, Order, Page, Result, Transaction, Window, conversation, job, message, text,
};

/// Webhooks of a conversation (B-501).
const MOST: i64 = 5;
/// Keywords of a trigger (B-504).
const TRIGGERS: usize = 5;
/// Characters of a keyword (B-504).
const TRIGGER_CHARS: usize = 248;

/// What is called, and when. Its kind never changes (B-502).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A URL, for events.
    Webhook {
        /// Where.
        url: String,
        /// How.
        method: Method,
        /// For what.
        filters: Vec<Event>,
    },
    /// A URL, for messages with a keyword (B-507).
    Trigger {
        /// Where.
        url: String,
        /// How.
        method: Method,
        /// The keywords.
        triggers: Vec<String>,
    },
    /// A Studio flow, for every message (B-508).
    Studio {
        /// Which flow.
        flow: FlowSid,
    },
}

impl Target {
    /// The word of the API.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Trigger { .. } => "trigger",
            Self::Studio { .. } => "studio",
        }
    }
}

/// A webhook of a conversation.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its SID.
    pub sid: WebhookSid,
    /// Its account.
    pub account: AccountSid,
    /// Its conversation.
    pub conversation: ConversationSid,
    /// What is called, and when.
    pub target: Target,
    /// Index of the first message that was there before and is told as well (B-509); `None` tells of none (B-510).
    pub replay_after: Option<i64>,
    /// Index of the next of these messages; `None` when it has been told of all.
    pub(crate) replay_next: Option<i64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, conversation_sid, target, url, method, filters, triggers, flow_sid, replay_after, \
         replay_next, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Webhook> {
    Ok(Webhook {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        conversation: sid(&row.text()?)?,
        target: {
            let kind = row.text()?;
            Columns {
                url: row.opt_text()?,
                method: row.opt_text()?.as_deref().map(Method::parse).transpose()?,
                filters: row.opt_text()?.as_deref().map(text::of_json).transpose()?,
                triggers: row.opt_text()?.as_deref().map(text::of_json).transpose()?,
                flow: opt_sid(row.opt_text()?)?,
            }
            .target(&kind)?
        },
        replay_after: row.opt_int()?,
        replay_next: row.opt_int()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// A target with each of its parts apart: what a caller sends piece by piece, and what a row holds.
#[derive(Default)]
struct Columns {
    url: Option<String>,
    method: Option<Method>,
    filters: Option<Vec<Event>>,
    triggers: Option<Vec<String>>,
    flow: Option<FlowSid>,
}

impl Columns {
    fn of(target: &Target) -> Self {
        match target.clone() {
            Target::Webhook { url, method, filters } => Self {
                url: Some(url),
                method: Some(method),
                filters: Some(filters),
                ..Self::default()
            },
            Target::Trigger {
                url,
                method,
                triggers,
            } => Self {
                url: Some(url),
                method: Some(method),
                triggers: Some(triggers),
                ..Self::default()
            },
            Target::Studio { flow } => Self {
                flow: Some(flow),
                ..Self::default()
            },
        }
    }

    /// What a kind of target is made of; parts of other kinds are passed over (B-518).
    ///
    /// # Errors
    /// The code of what is absent (B-503), 400/50364 for an unknown kind.
    fn target(self, kind: &str) -> Result<Target> {
        let url = self.url.ok_or_else(|| Error::code(50369));
        let method = self.method.unwrap_or(Method::Post);
        match kind {
            "webhook" => Ok(Target::Webhook {
                url: url?,
                method,
                filters: self.filters.ok_or_else(|| Error::code(50370))?,
            }),
            "trigger" => Ok(Target::Trigger {
                url: url?,
                method,
                triggers: self.triggers.ok_or_else(|| Error::code(50371))?,
            }),
            "studio" => Ok(Target::Studio {
                flow: self.flow.ok_or_else(|| Error::code(50367))?,
            }),
            _ => Err(Error::code(50364)),
        }
    }
}

/// What may be set at creation and changed later; `None` leaves a value. Parts that the target does not have are
/// passed over (B-518).
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// At most 512 characters (B-504).
    pub url: Option<String>,
    /// `GET` or `POST` in any case, `POST` by default (B-505).
    pub method: Option<String>,
    /// Names of events that have happened (B-420), instead of all that were there (B-514).
    pub filters: Option<Vec<String>>,
    /// At most 5 keywords of at most 248 characters (B-504).
    pub triggers: Option<Vec<String>>,
    /// SID of a flow.
    pub flow: Option<String>,
}

impl Fields {
    fn is_empty(&self) -> bool {
        self.url.is_none()
            && self.method.is_none()
            && self.filters.is_none()
            && self.triggers.is_none()
            && self.flow.is_none()
    }

    /// Writes what a kind of target has over what was there. An empty value is an absent one: no target can do
    /// without any of its parts.
    fn fill(&self, kind: &str, into: &mut Columns) -> Result<()> {
        if kind != "studio" {
            if let Some(url) = &self.url {
                into.url = text::cleared(url);
                into.url.as_deref().map_or(Ok(()), endpoint::check_scoped_url)?;
            }
            if let Some(text) = &self.method {
                into.method = Some(Method::parse(text)?);
            }
        }
        match kind {
            "webhook" => {
                if let Some(names) = &self.filters {
                    let filters = event::filters(Scope::Conversation, names)?;
                    into.filters = (!filters.is_empty()).then_some(filters);
                }
            }
            "trigger" => {
                if let Some(keywords) = &self.triggers {
                    check_triggers(keywords)?;
                    into.triggers = (!keywords.is_empty()).then(|| keywords.clone());
                }
            }
            "studio" => {
                if let Some(text) = &self.flow {
                    into.flow = FlowSid::parse(text);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn check_triggers(keywords: &[String]) -> Result<()> {
    if keywords.len() > TRIGGERS {
        return Err(Error::code(50362));
    }
    for keyword in keywords {
        // An empty one would be in every message.
        if keyword.is_empty() {
            return Err(Error::code(50366));
        }
        text::at_most(keyword, TRIGGER_CHARS, 50366)?;
    }
    Ok(())
}

/// A webhook of a conversation.
///
/// # Errors
/// 404/50360, or the database's.
pub fn fetch(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    webhook: WebhookSid,
) -> Result<Webhook> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook WHERE sid = $1 AND conversation_sid = $2"
        ),
        params![webhook.to_string(), conversation.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(50360))
}

/// The webhooks of a conversation, oldest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    window: &Window,
) -> Result<Page<Webhook>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM webhook WHERE conversation_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM webhook WHERE conversation_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![conversation.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |w| vec![KeyPart::Text(w.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// Makes a webhook, also in a closed conversation: its removal is still to be told (B-515).
#[derive(Clone, Debug)]
pub struct Create {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// `webhook`, `trigger` or `studio`.
    pub target: String,
    /// Its parts.
    pub fields: Fields,
    /// Index of the first message to tell of, at least 0.
    pub replay_after: Option<i64>,
}

impl Command for Create {
    type Output = Webhook;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Webhook> {
        // Under the lock nobody makes a sixth at the same time, nor is the conversation removed.
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        if self.replay_after.is_some_and(|index| index < 0) {
            return Err(ApiError::invalid("Configuration.ReplayAfter").into());
        }
        let mut columns = Columns::default();
        self.fields.fill(&self.target, &mut columns)?;
        let target = columns.target(&self.target)?;
        let row = tx.first(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM webhook WHERE conversation_sid = $1",
            params![found.sid.to_string()],
        )?;
        if row.map_or(Ok(0), |mut r| r.int())? >= MOST {
            return Err(Error::code(50361));
        }
        let new = Webhook {
            sid: cx.sid(),
            account: found.account,
            conversation: found.sid,
            target,
            replay_after: self.replay_after,
            replay_next: self.replay_after,
            created_at: cx.now,
            updated_at: cx.now,
        };
        let columns = Columns::of(&new.target);
        tx.exec(
            concat!(
                "INSERT INTO webhook (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
            ),
            params![
                new.sid.to_string(),
                new.account.to_string(),
                new.conversation.to_string(),
                new.target.name(),
                &columns.url,
                columns.method.map(Method::upper),
                columns.filters.as_ref().map(text::to_json),
                columns.triggers.as_ref().map(text::to_json),
                columns.flow.map(|f| f.to_string()),
                new.replay_after,
                new.replay_next,
                cx.now.0,
                cx.now.0
            ],
        )?;
        tx.push(
            "UPDATE conversation SET webhooks = webhooks + 1 WHERE sid = $1",
            params![new.conversation.to_string()],
        )?;
        if new.replay_next.is_some() {
            job::add(tx, cx, &job::Kind::ReplayMessages { webhook: new.sid }, cx.now)?;
            cx.emit(Effect::JobsWaiting);
        }
        Ok(new)
    }
}

/// Messages that one step of a replay tells of.
const REPLAYED: usize = 100;

/// Tells a new webhook of messages that were there before it (B-509), some at a time; `true` when all were told. Until
/// then new messages wait for their turn here, so that it hears of all of them in their order.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The webhook.
    pub webhook: WebhookSid,
}

impl Command for Replay {
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<bool> {
        let by_sid = concat!("SELECT ", columns!(), " FROM webhook WHERE sid = $1");
        let Some(row) = tx.first(by_sid, params![self.webhook.to_string()])? else {
            return Ok(true);
        };
        // No message comes in until the commit.
        let Some(at) = conversation::hold_by_sid(tx, read(row)?.conversation)? else {
            return Ok(true);
        };
        let Some(row) = tx.first(by_sid, params![self.webhook.to_string()])? else {
            return Ok(true);
        };
        let hook = read(row)?;
        let Some(from) = hook.replay_next else {
            return Ok(true);
        };
        let window = Window {
            cursor: Some(Cursor::after(from - 1)),
            size: REPLAYED,
        };
        let messages = message::list(tx, &at, Order::Ascending, &window)?.items;
        let next = messages.last().map(|m| m.index + 1);
        for message in &messages {
            hook::replay(tx, cx, &hook, &Occurrence::Message(Verb::Added, message, &at))?;
        }
        tx.push(
            "UPDATE webhook SET replay_next = $2 WHERE sid = $1",
            params![hook.sid.to_string(), next],
        )?;
        Ok(next.is_none())
    }
}

/// All webhooks of a conversation: at most five.
pub(crate) fn of_conversation_all(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
) -> Result<Vec<Webhook>> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook WHERE conversation_sid = $1 ORDER BY sid"
        ),
        params![conversation.to_string()],
    )?;
    rows.into_iter().map(read).collect()
}

/// Changes a webhook, but neither its target (B-502) nor what is replayed (B-511).
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// The webhook.
    pub webhook: WebhookSid,
    /// New values.
    pub fields: Fields,
}

impl Command for Update {
    type Output = Webhook;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Webhook> {
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        let mut changed = fetch(tx, found.sid, self.webhook)?;
        if self.fields.is_empty() {
            return Ok(changed);
        }
        let kind = changed.target.name();
        let mut columns = Columns::of(&changed.target);
        self.fields.fill(kind, &mut columns)?;
        changed.target = columns.target(kind)?;
        changed.updated_at = cx.now;
        let columns = Columns::of(&changed.target);
        tx.exec(
            "UPDATE webhook SET url = $2, method = $3, filters = $4, triggers = $5, flow_sid = $6, updated_at = $7 \
             WHERE sid = $1",
            params![
                changed.sid.to_string(),
                &columns.url,
                columns.method.map(Method::upper),
                columns.filters.as_ref().map(text::to_json),
                columns.triggers.as_ref().map(text::to_json),
                columns.flow.map(|f| f.to_string()),
                cx.now.0
            ],
        )?;
        Ok(changed)
    }
}

/// Ends a webhook.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// The webhook.
    pub webhook: WebhookSid,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, _: &mut Cx<'_>) -> Result<()> {
        // Held: an event that comes now is told to it, or is not, as a whole.
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        let deleted = tx.exec(
            "DELETE FROM webhook WHERE sid = $1 AND conversation_sid = $2",
            params![self.webhook.to_string(), found.sid.to_string()],
        )?;
        if deleted == 0 {
            return Err(Error::code(50360));
        }
        tx.push(
            "UPDATE conversation SET webhooks = webhooks - 1 WHERE sid = $1",
            params![found.sid.to_string()],
        )?;
        // B-513.
        let lane = delivery::lane(&found.sid.to_string(), &self.webhook.to_string());
        delivery::cancel(tx, &lane)
    }
}

/// Removes the webhooks of a conversation that goes; its row must be locked.
pub(crate) fn remove_all(tx: &mut Transaction<'_>, conversation: ConversationSid) -> Result<()> {
    tx.push(
        "DELETE FROM webhook WHERE conversation_sid = $1",
        params![conversation.to_string()],
    )?;
    Ok(())
}
