//! Changing a conversation.

use std::sync::Arc;

use confab_store::params;
use confab_types::{ApiError, ServiceSid};

use super::create::Fields;
use super::{Conversation, State, hold, lock_open, state, timers};
use crate::error::taken;
use crate::event::Event;
use crate::hook::{self, Asks, Cause, Occurrence, Verb};
use crate::role::{self, Permission};
use crate::{Change, Command, Counted, Cx, Result, Stream, Transaction, participant};

/// Changes a conversation (B-014, B-108…B-112).
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name.
    pub key: String,
    /// New values.
    pub fields: Fields,
}

impl Update {
    fn permit(&self, tx: &mut Transaction<'_>, cx: &Cx<'_>, found: &Conversation) -> Result<()> {
        let Some(client) = cx.actor.client() else {
            return Ok(());
        };
        let me = participant::of_client(tx, found, client)?;
        self.fields.permit_client(cx)?;
        if self.fields.friendly_name.is_some() || self.fields.unique_name.is_some() {
            role::require(tx, &cx.actor, Some(&me), &[Permission::EditConversationName])?;
        }
        if self.fields.attributes.is_some() {
            role::require(
                tx,
                &cx.actor,
                Some(&me),
                &[Permission::EditConversationAttributes],
            )?;
        }
        Ok(())
    }
}

impl Command for Update {
    type Output = Conversation;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Conversation> {
        let found = hold(tx, self.service, &self.key, 20404)?;
        self.permit(tx, cx, &found)?;
        if self.fields.is_empty() && cx.answer.friendly_name.is_none() {
            found.require_open()?;
            hook::fire(tx, cx, &Occurrence::Conversation(Verb::Updated, &found))?; // B-466
            return Ok(found);
        }
        let mut changed = lock_open(tx, found.sid, 20404)?;
        self.fields.fill(tx, cx, &mut changed)?;
        if let Some(word) = &self.fields.state {
            state::enter(tx, cx, &mut changed, State::parse(word)?)?;
        }
        if self.fields.times() {
            // Also one that is taken away: without the time to inactivity the time to closing could be over long ago.
            changed.timers.from = cx.now;
        }
        changed.updated_at = self.fields.updated_at.unwrap_or(cx.now);
        changed.document_seq = changed.seq;
        save(tx, &changed)?;
        if changed.state != found.state || self.fields.times() {
            timers::schedule(tx, cx, &changed)?;
        }
        cx.commit(
            Stream::Conversation(changed.sid),
            changed.seq,
            vec![Change::Conversation(Arc::new(changed.clone()))],
        );
        hook::fire(tx, cx, &Occurrence::Conversation(Verb::Updated, &changed))?;
        state::tell(tx, cx, found.state, &changed, Cause::Api)?;
        Ok(changed)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.key)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::ConversationUpdate)
    }
}

/// Writes all but what messages and participants count. The row is locked.
pub(crate) fn save(tx: &mut Transaction<'_>, changed: &Conversation) -> Result<()> {
    tx.exec(
        "UPDATE conversation SET messaging_service_sid = $2, friendly_name = $3, unique_name = $4, \
         attributes = $5, state = $6, state_at = $7, timer_inactive = $8, timer_closed = $9, timers_from = $10, \
         email_address = $11, email_name = $12, document_seq = $13, created_at = $14, updated_at = $15 \
         WHERE sid = $1",
        params![
            changed.sid.to_string(),
            changed.messaging_service.map(|s| s.to_string()),
            &changed.friendly_name,
            &changed.unique_name,
            &changed.attributes,
            changed.state.name(),
            changed.state_at.0,
            changed.timers.inactive.map(|d| d.0),
            changed.timers.closed.map(|d| d.0),
            changed.timers.from.0,
            &changed.email_address,
            &changed.email_name,
            changed.document_seq,
            changed.created_at.0,
            changed.updated_at.0
        ],
    )
    .map_err(|e| taken(e, ApiError::new(50353)))?;
    Ok(())
}
