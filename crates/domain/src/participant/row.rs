//! The row.

use confab_store::{Row, params};
use confab_types::{
    AccountSid, Address, Channel, ConversationSid, ParticipantSid, RoleSid, ServiceSid, Timestamp, UserSid,
};

use crate::error::Error;
use crate::sync::{opt_sid, sid};
use crate::{Result, Transaction};

/// A participant.
#[derive(Clone, Debug)]
pub struct Participant {
    /// Its SID.
    pub sid: ParticipantSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service.
    pub service: ServiceSid,
    /// Its conversation.
    pub conversation: ConversationSid,
    /// Its user, when it has an identity.
    pub user: Option<UserSid>,
    /// Its identity, when it chats.
    pub identity: Option<String>,
    /// Its address, when it does not.
    pub address: Option<String>,
    /// The account's number that writes to it; none for a native member of a group text.
    pub proxy_address: Option<String>,
    /// The account's number by which the phones of a group text know it.
    pub projected_address: Option<String>,
    /// What an e-mail participant is called.
    pub binding_name: Option<String>,
    /// `to` or `cc`, of an e-mail participant.
    pub binding_level: Option<String>,
    /// Whether look-ups by identity or address show it: not one that began as a projected address alone (B-189).
    pub findable: bool,
    /// Its role in the conversation.
    pub role_sid: Option<RoleSid>,
    /// JSON text.
    pub attributes: String,
    /// Index up to which it has read.
    pub last_read_index: Option<i64>,
    /// When it said so.
    pub last_read_at: Option<Timestamp>,
    /// `default` or `muted`.
    pub notification_level: String,
    /// Count of the conversation at its last change.
    pub seq: i64,
    /// Count of the conversation at its creation.
    pub created_seq: i64,
    /// Count of its user at the last change of the user's own part.
    pub user_seq: i64,
    /// Count of its user when it joined.
    pub user_created_seq: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What ties a participant to the world outside chat (rest.md §2.4, B-222).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// Word for the channel.
    pub kind: &'static str,
    /// The person's address.
    pub address: Option<&'a str>,
    /// The account's number in front of that address.
    pub proxy_address: Option<&'a str>,
    /// The account's number that stands for the participant in a group text.
    pub projected_address: Option<&'a str>,
    /// Name of an e-mail participant.
    pub name: Option<&'a str>,
    /// `to` or `cc`, of an e-mail participant.
    pub level: Option<&'a str>,
}

impl Participant {
    /// The channel of a participant outside chat.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        self.address
            .as_deref()
            .and_then(Address::parse)
            .map(|a| a.channel())
    }

    /// `chat`, or the word for the channel; a projected address alone is one of texting.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match (&self.identity, self.channel()) {
            (Some(_), _) => "chat",
            (None, Some(channel)) => channel.name(),
            (None, None) => Channel::Sms.name(),
        }
    }

    /// What ties it to the world outside chat; none for one that only chats.
    #[must_use]
    pub fn binding(&self) -> Option<Binding<'_>> {
        if self.address.is_none() && self.projected_address.is_none() {
            return None;
        }
        Some(Binding {
            kind: self.channel().unwrap_or(Channel::Sms).name(),
            address: self.address.as_deref(),
            proxy_address: self.proxy_address.as_deref(),
            projected_address: self.projected_address.as_deref(),
            name: self.binding_name.as_deref(),
            level: self.binding_level.as_deref(),
        })
    }

    /// Whether it counts as one outside chat (B-178).
    #[must_use]
    pub fn is_non_chat(&self) -> bool {
        self.address.is_some()
    }

    /// A phone of a group text, which no number of the account stands in front of (B-211).
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.address.is_some() && self.proxy_address.is_none()
    }

    /// Its number in a group text, when it is a member of one.
    #[must_use]
    pub fn group_number(&self) -> Option<&str> {
        match &self.projected_address {
            Some(projected) => Some(projected),
            None => self.address.as_deref().filter(|_| self.is_native()),
        }
    }

    /// Whether it can have read something: texting reports no reading (B-583).
    #[must_use]
    pub fn has_horizon(&self) -> bool {
        self.identity.is_some() || self.channel().is_some_and(|c| c != Channel::Sms)
    }
}

macro_rules! columns {
    () => {
        "sid, account_sid, service_sid, conversation_sid, user_sid, identity, address, proxy_address, \
         projected_address, binding_name, binding_level, findable, role_sid, attributes, last_read_index, \
         last_read_at, notification_level, seq, created_seq, user_seq, user_created_seq, created_at, updated_at"
    };
}
pub(super) use columns;

pub(super) fn read(mut row: Row) -> Result<Participant> {
    Ok(Participant {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        service: sid(&row.text()?)?,
        conversation: sid(&row.text()?)?,
        user: opt_sid(row.opt_text()?)?,
        identity: row.opt_text()?,
        address: row.opt_text()?,
        proxy_address: row.opt_text()?,
        projected_address: row.opt_text()?,
        binding_name: row.opt_text()?,
        binding_level: row.opt_text()?,
        findable: row.boolean()?,
        role_sid: opt_sid(row.opt_text()?)?,
        attributes: row.text()?,
        last_read_index: row.opt_int()?,
        last_read_at: row.opt_int()?.map(Timestamp),
        notification_level: row.text()?,
        seq: row.int()?,
        created_seq: row.int()?,
        user_seq: row.int()?,
        user_created_seq: row.int()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

pub(super) fn many(rows: Vec<Row>) -> Result<Vec<Participant>> {
    rows.into_iter().map(read).collect()
}

pub(super) fn insert(tx: &mut Transaction<'_>, new: &Participant) -> Result<()> {
    tx.exec(
        concat!(
            "INSERT INTO participant (",
            columns!(),
            ", open) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
             $20, $21, $22, $23, 1)"
        ),
        params![
            new.sid.to_string(),
            new.account.to_string(),
            new.service.to_string(),
            new.conversation.to_string(),
            new.user.map(|u| u.to_string()),
            &new.identity,
            &new.address,
            &new.proxy_address,
            &new.projected_address,
            &new.binding_name,
            &new.binding_level,
            new.findable,
            new.role_sid.map(|r| r.to_string()),
            &new.attributes,
            new.last_read_index,
            new.last_read_at.map(|t| t.0),
            &new.notification_level,
            new.seq,
            new.created_seq,
            new.user_seq,
            new.user_created_seq,
            new.created_at.0,
            new.updated_at.0
        ],
    )
    .map_err(lost_race)?;
    Ok(())
}

/// Another transaction took the identity or the pair since it was looked up: the next run finds it and names it.
pub(super) fn lost_race(error: confab_store::Error) -> Error {
    match error {
        confab_store::Error::Unique(text) => confab_store::Error::Retry(text).into(),
        other => other.into(),
    }
}

/// Writes what often changes. Read horizons do all day, so no column of an index is among them.
pub(super) fn save(tx: &mut Transaction<'_>, changed: &Participant) -> Result<()> {
    tx.push(
        "UPDATE participant SET attributes = $2, last_read_index = $3, last_read_at = $4, \
         notification_level = $5, seq = $6, user_seq = $7, created_at = $8, updated_at = $9 WHERE sid = $1",
        params![
            changed.sid.to_string(),
            &changed.attributes,
            changed.last_read_index,
            changed.last_read_at.map(|t| t.0),
            &changed.notification_level,
            changed.seq,
            changed.user_seq,
            changed.created_at.0,
            changed.updated_at.0
        ],
    )?;
    Ok(())
}

/// Writes who it is, its role, and how it is reached, beside [`save`].
pub(super) fn save_binding(tx: &mut Transaction<'_>, changed: &Participant) -> Result<()> {
    tx.exec(
        "UPDATE participant SET user_sid = $2, identity = $3, proxy_address = $4, projected_address = $5, \
         created_seq = $6, user_created_seq = $7, role_sid = $8 WHERE sid = $1",
        params![
            changed.sid.to_string(),
            changed.user.map(|u| u.to_string()),
            &changed.identity,
            &changed.proxy_address,
            &changed.projected_address,
            changed.created_seq,
            changed.user_created_seq,
            changed.role_sid.map(|r| r.to_string())
        ],
    )
    .map_err(lost_race)?;
    Ok(())
}
