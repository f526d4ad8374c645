//! A conversation made together with its first participants (rest.md §2.5, B-136…B-142).
//!
//! The caller gets a conversation that is *initializing*; a job lets the participants in and makes it active in one
//! transaction. So nobody ever sees some of them, or is in a conversation that he cannot use yet.

use confab_types::{AccountSid, ApiError, ConversationSid, ServiceSid};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::create::{Fields, insert};
use super::find::{hold_by_sid, lock};
use super::{Conversation, Create, State, state, timers};
use crate::alert::{self, Level, NewAlert};
use crate::error::Error;
use crate::event::Event;
use crate::hook::{self, Asks, Cause, Occurrence, Verb};
use crate::{Command, Counted, Cx, Effect, Result, Transaction, job, participant};

/// Participants of one request (B-138).
const MOST: usize = 10;

/// Makes a conversation that participants are added to behind the answer; without any it is as [`Create`].
#[derive(Clone, Debug)]
pub struct CreateWithParticipants {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// Its values; the state is the one that it gets when its participants are in.
    pub fields: Fields,
    /// The participants, each a JSON object; at most ten.
    pub participants: Vec<String>,
}

impl Command for CreateWithParticipants {
    /// Initializing when participants are on their way.
    type Output = Conversation;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Conversation> {
        if self.participants.len() > MOST {
            return Err(Error::code(50426));
        }
        let members = read_all(&self.participants)?;
        let create = Create {
            account: self.account,
            service: self.service,
            fields: self.fields.clone(),
        };
        if members.is_empty() {
            return create.apply(tx, cx);
        }
        let mut new = create.build(tx, cx)?;
        rehearse(tx, cx, |tx, cx| {
            insert(tx, &new)?;
            participant::add_first(tx, cx, &new, &members)
        })
        .map_err(pair_in_use)?;
        let state = std::mem::replace(&mut new.state, State::Initializing);
        insert(tx, &new)?;
        let initialize = job::Kind::Initialize {
            conversation: new.sid,
            participants: self.participants.clone(),
            state,
            announces: cx.announces,
        };
        job::add(tx, cx, &initialize, cx.now)?;
        cx.emit(Effect::JobsWaiting);
        hook::fire(tx, cx, &Occurrence::Conversation(Verb::Added, &new))?;
        Ok(new)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::ConversationAdd)
    }
}

/// Does something for its errors alone: what it wrote is taken back and nobody hears of it. Nothing is checked so
/// well as by doing it, and a rule that is added for participants holds here as well (B-142).
fn rehearse(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    play: impl FnOnce(&mut Transaction<'_>, &mut Cx<'_>) -> Result<()>,
) -> Result<()> {
    // After an error the whole transaction is taken back anyway.
    tx.exec("SAVEPOINT rehearsal", &[])?;
    cx.unheard(|cx| play(tx, cx))?;
    tx.exec("ROLLBACK TO SAVEPOINT rehearsal", &[])?;
    tx.exec("RELEASE SAVEPOINT rehearsal", &[])?;
    Ok(())
}

/// A number pair that belongs to another conversation has a code of its own here.
fn pair_in_use(error: Error) -> Error {
    match error {
        Error::Api(api) if api.code == 50416 => Error::code(50425),
        other => other,
    }
}

/// A participant as the request writes it. What is null is as absent; other keys are passed over.
#[derive(Deserialize)]
struct Member {
    identity: Option<String>,
    attributes: Option<Box<RawValue>>,
    role_sid: Option<String>,
    messaging_binding: Option<Binding>,
}

#[derive(Default, Deserialize)]
struct Binding {
    address: Option<String>,
    proxy_address: Option<String>,
    projected_address: Option<String>,
}

fn read_all(texts: &[String]) -> Result<Vec<participant::Fields>> {
    texts.iter().map(|text| read(text)).collect()
}

fn read(text: &str) -> Result<participant::Fields> {
    let member: Member = serde_json::from_str(text).map_err(|_| Error::code(50424))?; // B-139
    let binding = member.messaging_binding.unwrap_or_default();
    Ok(participant::Fields {
        identity: member.identity,
        address: binding.address,
        proxy_address: binding.proxy_address,
        projected_address: binding.projected_address,
        attributes: member.attributes.map(|raw| {
            // JSON text, as everywhere; the value itself is as clear, and kept as it was written.
            serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
        }),
        role: member.role_sid,
        ..participant::Fields::default()
    })
}

/// Lets the participants of an initializing conversation in and opens it (B-137). Done once: in any other state, and
/// when the conversation is gone, there is nothing to do.
#[derive(Clone, Debug)]
pub struct Initialize {
    /// The conversation.
    pub conversation: ConversationSid,
    /// Its participants, as the request wrote them.
    pub participants: Vec<String>,
    /// The state that it gets.
    pub state: State,
}

impl Command for Initialize {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let Some(opened) = enter_from_initializing(tx, cx, self.conversation, self.state)? else {
            return Ok(());
        };
        timers::schedule(tx, cx, &opened)?;
        participant::add_first(tx, cx, &opened, &read_all(&self.participants)?)?;
        // Last, as the end of the whole (B-427). It is part of what the caller did, so told of on demand only.
        if cx.announces {
            state::tell(tx, cx, State::Initializing, &opened, Cause::Event)?;
        }
        Ok(())
    }
}

/// Closes a conversation whose participants could not be let in, since what the request asked for was taken away
/// after it had been checked (B-140). Nobody is in it.
#[derive(Clone, Debug)]
pub struct Abandon {
    /// The conversation.
    pub conversation: ConversationSid,
    /// Why the participants could not be let in.
    pub cause: ApiError,
}

impl Command for Abandon {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let Some(closed) = enter_from_initializing(tx, cx, self.conversation, State::Closed)? else {
            return Ok(());
        };
        let alert = NewAlert {
            service: Some(closed.service),
            resource: Some(closed.sid.to_string()),
            ..NewAlert::new(closed.account, Level::Error, 50427)
        };
        alert::record(tx, cx, &alert.because(&self.cause)).map(drop)
    }
}

/// The conversation in its next state; `None` when it is not initializing any more.
fn enter_from_initializing(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: ConversationSid,
    to: State,
) -> Result<Option<Conversation>> {
    match hold_by_sid(tx, conversation)? {
        Some(found) if found.state == State::Initializing => {}
        _ => return Ok(None),
    }
    let mut opened = lock(tx, conversation, 20404)?;
    state::enter(tx, cx, &mut opened, to)?;
    state::save_entered(tx, cx, &mut opened)?;
    Ok(Some(opened))
}
