//! Changing one.

use std::sync::Arc;

use confab_store::params;
use confab_types::{ServiceSid, Timestamp};

use super::fetch;
use super::row::Message;
use crate::conversation::{self, Conversation, State};
use crate::error::Error;
use crate::event::Event;
use crate::hook::{self, Answer, Asks, Occurrence, Verb};
use crate::role::{self, Permission};
use crate::{Change, Command, Counted, Cx, Result, Stream, Transaction, participant, text};

/// Changes a message; nothing is sent again (B-241).
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// SID of the message.
    pub key: String,
    /// New author.
    pub author: Option<String>,
    /// New text.
    pub body: Option<String>,
    /// New subject.
    pub subject: Option<String>,
    /// JSON text.
    pub attributes: Option<String>,
    /// Instead of what it is.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
}

impl Update {
    fn is_empty(&self) -> bool {
        self.author.is_none()
            && self.body.is_none()
            && self.subject.is_none()
            && self.attributes.is_none()
            && self.created_at.is_none()
            && self.updated_at.is_none()
    }

    fn permit(
        &self,
        tx: &mut Transaction<'_>,
        cx: &Cx<'_>,
        conversation: &Conversation,
        key: &str,
    ) -> Result<()> {
        let Some(client) = cx.actor.client() else {
            return Ok(());
        };
        let me = participant::of_client(tx, conversation, client)?;
        let own = fetch(tx, conversation, key)?.author == client.identity; // B-671
        let needed = |own_one, any_one| {
            if own {
                vec![own_one, any_one]
            } else {
                vec![any_one]
            }
        };
        if self.body.is_some() {
            let needed = needed(Permission::EditOwnMessage, Permission::EditAnyMessage);
            role::require(tx, &cx.actor, Some(&me), &needed)?;
        }
        if self.attributes.is_some() {
            let needed = needed(
                Permission::EditOwnMessageAttributes,
                Permission::EditAnyMessageAttributes,
            );
            role::require(tx, &cx.actor, Some(&me), &needed)?;
        }
        Ok(())
    }
}

impl Command for Update {
    type Output = Message;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Message> {
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        self.permit(tx, cx, &found, &self.key)?;
        let present = fetch(tx, &found, &self.key)?;
        if self.is_empty() && cx.answer == Answer::default() {
            if found.state == State::Closed {
                return Err(Error::code(50377));
            }
            hook::fire(tx, cx, &Occurrence::Message(Verb::Updated, &present, &found))?; // B-466
            return Ok(present);
        }
        let locked = conversation::lock_open(tx, found.sid, 50350)?;
        let mut changed = fetch(tx, &locked, &self.key)?;
        // What a webhook puts in, the caller needs no permission for (B-400).
        let answer = cx.answer.clone();
        if let Some(author) = answer.author.as_ref().or(self.author.as_ref()) {
            text::at_most(author, cx.limits.identity_chars, 50310)?;
            let author = text::cleared(author).unwrap_or_else(|| "system".into());
            changed.participant = participant::by_author(tx, locked.sid, &author)?.map(|p| p.sid);
            changed.author = author;
        }
        if let Some(body) = answer.body.as_ref().or(self.body.as_ref()) {
            if body.is_empty() && cx.actor.client().is_none() {
                return Err(Error::code(50503));
            }
            let too_long = body.len() > cx.limits.message_body_bytes
                || (locked.non_chat_count > 0 && body.chars().count() > cx.limits.sms_body_chars);
            if too_long {
                return Err(Error::code(50504));
            }
            changed.body = Some(body.clone());
        }
        if let Some(subject) = &self.subject {
            if subject.chars().count() > 256 {
                return Err(confab_types::ApiError::invalid("Subject").into());
            }
            changed.subject = text::cleared(subject);
        }
        let attributes = answer.attributes.as_deref().or(self.attributes.as_deref());
        if let Some(attributes) = text::attributes(attributes, cx.limits.message_attributes_bytes)? {
            changed.attributes = attributes;
        }
        changed.created_at = self.created_at.unwrap_or(changed.created_at);
        changed.updated_at = self.updated_at.unwrap_or(cx.now);
        changed.last_updated_by = Some(
            cx.actor
                .client()
                .map_or_else(|| "system".into(), |c| c.identity.clone()),
        );
        changed.seq = locked.seq;
        tx.push(
            "UPDATE message SET seq = $3, author = $4, participant_sid = $5, body = $6, subject = $7, \
             attributes = $8, last_updated_by = $9, created_at = $10, updated_at = $11 \
             WHERE conversation_sid = $1 AND idx = $2",
            params![
                locked.sid.to_string(),
                changed.index,
                changed.seq,
                &changed.author,
                changed.participant.map(|p| p.to_string()),
                &changed.body,
                &changed.subject,
                &changed.attributes,
                &changed.last_updated_by,
                changed.created_at.0,
                changed.updated_at.0
            ],
        )?;
        cx.commit(
            Stream::Conversation(locked.sid),
            locked.seq,
            vec![Change::MessageUpdated(Arc::new(changed.clone()))],
        );
        hook::fire(tx, cx, &Occurrence::Message(Verb::Updated, &changed, &locked))?;
        Ok(changed)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::MessageUpdate)
    }
}
