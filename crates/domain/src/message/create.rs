//! Posting one.

use std::sync::Arc;

use confab_types::{ConversationSid, MediaSid, ServiceSid, Sid, Timestamp};

use super::row::{Message, insert};
use crate::conversation::{self, Conversation, Place, State};
use crate::error::Error;
use crate::event::Event;
use crate::hook::{self, Asks, Cause, Occurrence, Verb};
use crate::participant::{self, Participant};
use crate::role::{self, Permission};
use crate::{Change, Command, Counted, Cx, Result, Stream, Transaction, content, media, receipt, text};

/// Posts a message (B-231…B-238).
#[derive(Clone, Debug)]
pub struct Create {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// Author; a client is always his own.
    pub author: Option<String>,
    /// Text.
    pub body: Option<String>,
    /// Subject of at most 256 characters (B-244).
    pub subject: Option<String>,
    /// JSON text of at most 4 KB.
    pub attributes: Option<String>,
    /// The template that makes its text; `body` then counts for nothing (B-782).
    pub content: content::Reference,
    /// Instead of the present; the index follows arrival all the same (B-243).
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
    /// SIDs of its media.
    pub media: Vec<String>,
}

impl Create {
    /// Checks what needs no rows; gives attributes, template and media.
    fn check(&self, cx: &Cx<'_>) -> Result<(String, Option<content::Chosen>, Vec<MediaSid>)> {
        let mut content = self.content.check()?;
        let body = match &cx.answer.body {
            Some(body) => {
                content = None; // The text of the template was asked about; another one takes its place.
                Some(body.as_str())
            }
            None => self.body.as_deref(),
        };
        let media = match content {
            Some(_) => Vec::new(), // B-782
            None => media::parse(&self.media)?,
        };
        // The SDK sends "" for a null body and shows the message; REST refuses a message without content.
        let empty_is_text = !matches!(cx.actor, crate::Actor::Rest) || !media.is_empty();
        match body {
            _ if content.is_some() => {}
            None if empty_is_text => {}
            None | Some("") if !empty_is_text => return Err(Error::code(50503)),
            Some(body) if body.len() > cx.limits.message_body_bytes => return Err(Error::code(50504)),
            _ => {}
        }
        let author = cx.answer.author.as_deref().or(self.author.as_deref());
        text::at_most(author.unwrap_or(""), cx.limits.identity_chars, 50310)?;
        if self.subject.as_deref().is_some_and(|s| s.chars().count() > 256) {
            return Err(confab_types::ApiError::invalid("Subject").into());
        }
        let attributes = cx.answer.attributes.as_deref().or(self.attributes.as_deref());
        let attributes = text::attributes(attributes, cx.limits.message_attributes_bytes)?;
        Ok((attributes.unwrap_or_else(|| "{}".into()), content, media))
    }

    /// Media and text have a permission each (B-668).
    fn permit(&self, tx: &mut Transaction<'_>, cx: &Cx<'_>, me: &Participant, has_media: bool) -> Result<()> {
        if has_media {
            role::require(tx, &cx.actor, Some(me), &[Permission::SendMediaMessage])?;
        }
        if !has_media || self.body.as_deref().is_some_and(|body| !body.is_empty()) {
            role::require(tx, &cx.actor, Some(me), &[Permission::SendMessage])?;
        }
        Ok(())
    }
}

impl Command for Create {
    type Output = Message;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Message> {
        let (attributes, content, media) = self.check(cx)?;
        let conversation = if let Some(client) = cx.actor.client().cloned() {
            // Looked up once: a name may pass to another conversation meanwhile.
            let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
            let me = participant::of_client(tx, &found, &client)?;
            self.permit(tx, cx, &me, !media.is_empty())?;
            found.sid
        } else {
            match ConversationSid::parse(&self.conversation) {
                Some(sid) => sid,
                None => conversation::parent(tx, self.service, &self.conversation)?.sid,
            }
        };
        let Some(place) = conversation::append(tx, cx, self.service, conversation)? else {
            conversation::parent(tx, self.service, &self.conversation)?.require_open()?;
            return Err(confab_store::Error::Retry("the conversation was just opened".into()).into());
        };
        self.post(tx, cx, place, attributes, content, &media)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::MessageAdd)
    }
}

impl Create {
    /// Posts into a public channel of Chat, which [`Command::apply`] does not find.
    pub(crate) fn apply_in_public(
        &self,
        tx: &mut Transaction<'_>,
        cx: &mut Cx<'_>,
        channel: ConversationSid,
    ) -> Result<Message> {
        let (attributes, content, media) = self.check(cx)?;
        let Some(place) = conversation::append_public(tx, cx, channel)? else {
            return Err(confab_store::Error::Retry("the channel was just made private".into()).into());
        };
        self.post(tx, cx, place, attributes, content, &media)
    }

    /// Posts at the place that was taken in a conversation.
    fn post(
        &self,
        tx: &mut Transaction<'_>,
        cx: &mut Cx<'_>,
        place: Place,
        attributes: String,
        content: Option<content::Chosen>,
        media: &[MediaSid],
    ) -> Result<Message> {
        let at = place.at;
        let body = match &content {
            None => cx.answer.body.clone().or_else(|| self.body.clone()),
            Some(content) => content.text(tx, at.account, cx.limits)?, // B-784
        };
        let is_long = |body: &str| body.chars().count() > cx.limits.sms_body_chars;
        let inbound = matches!(cx.actor, crate::Actor::Carrier);
        if at.non_chat_count > 0 && !inbound && body.as_deref().is_some_and(is_long) {
            return Err(Error::code(50504)); // B-236
        }
        let own = cx.actor.client().map(|c| c.identity.clone());
        let own = own.or_else(|| self.author.as_deref().and_then(text::cleared));
        let given = cx.answer.author.as_deref().and_then(text::cleared).or(own);
        let writer = match &given {
            // The phone that wrote, also if a chat user is called like its number.
            Some(author) if inbound => participant::by_address(tx, at.sid, author)?,
            Some(author) => participant::by_author(tx, at.sid, author)?,
            None => None,
        };
        let sid = cx.sid();
        let media = media::attach(tx, cx, &at, sid, media)?;
        let message = Message {
            sid,
            account: at.account,
            service: at.service,
            conversation: at.sid,
            index: at.next_index - 1,
            seq: at.seq,
            created_seq: at.seq,
            author: given.unwrap_or_else(|| "system".into()),
            participant: writer.as_ref().map(|p| p.sid),
            // An empty text beside media is none (B-449).
            body: body.filter(|b| media.is_empty() || !b.is_empty()),
            subject: self.subject.as_deref().and_then(text::cleared),
            attributes,
            delivery: None,
            last_updated_by: None,
            content: content.map(|c| c.sid),
            created_at: self.created_at.unwrap_or(cx.now),
            updated_at: self.updated_at.or(self.created_at).unwrap_or(cx.now),
            media,
        };
        let message = send_on(tx, cx, &at, message, writer.as_ref())?;
        insert(tx, &message)?;
        hook::fire(tx, cx, &Occurrence::Message(Verb::Added, &message, &at))?;
        if place.awakened {
            let (of, from, cause) = (&at, State::Inactive, Cause::Event);
            hook::fire(tx, cx, &Occurrence::State { of, from, cause })?; // B-114
        }
        let (stream, seq) = (Stream::Conversation(at.sid), at.seq);
        cx.commit(
            stream,
            seq,
            vec![
                Change::MessageAdded(Arc::new(message.clone())),
                Change::Conversation(Arc::new(at)),
            ],
        );
        Ok(message)
    }
}

/// Makes a receipt and a job for everybody outside chat but the author (B-238, B-239, B-351).
fn send_on(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    at: &Conversation,
    mut message: Message,
    writer: Option<&Participant>,
) -> Result<Message> {
    if at.non_chat_count == 0 {
        return Ok(message);
    }
    let mut statuses = Vec::new();
    for delivery in participant::deliveries(tx, cx, at, writer)? {
        statuses.extend(receipt::create(tx, cx, at, &message, &delivery)?);
    }
    if !statuses.is_empty() {
        message.delivery = Some(receipt::Summary::of(&statuses).json());
    }
    Ok(message)
}
