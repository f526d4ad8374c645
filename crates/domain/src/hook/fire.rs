//! Finding out who listens.

use super::delivery::{self, Draft};
use super::occurrence::Occurrence;
use super::parameters::Parameters;
use super::sinks;
use crate::endpoint::Method;
use crate::event::Event;
use crate::webhook::{self, Target};
use crate::{Cx, Result, Transaction, reachability};

/// The lane of the account's or service's webhook, whichever it is: the order of events stays when one takes over.
pub(super) const OWNER: &str = "owner";

/// Says what happened; in the transaction that makes it happen, under the lock that orders it. Of what is removed, before
/// the rows of its listeners go.
pub(crate) fn fire(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, what: &Occurrence<'_>) -> Result<()> {
    if what.conversation().is_some_and(|c| c.public) {
        return Ok(()); // B-832.
    }
    if cx.rehearsal.is_some() {
        if let Some(event) = what.question() {
            let parameters = Parameters::of(event, what, cx);
            if let Some(rehearsal) = &mut cx.rehearsal {
                rehearsal.questions.push((event, parameters));
            }
        }
        return Ok(());
    }
    let Some(event) = what.event() else { return Ok(()) };
    let hooks = cx.hooks(tx, what.account(), what.service())?;
    // Streams hear of everything (B-818).
    sinks::tell(tx, cx, &hooks.sinks, what)?;
    if !cx.announces && !what.is_always_told() {
        return Ok(());
    }
    let has_own = what.conversation().is_some_and(|c| c.webhooks > 0);
    let owner = hooks.told(event);
    if owner.is_none() && !has_own {
        return Ok(());
    }
    let form = told(tx, cx, event, what)?.form();
    if let Some(url) = owner {
        enqueue(tx, cx, event, what, OWNER, url, hooks.urls.method, &form)?;
    }
    if has_own {
        tell_conversation(tx, cx, event, what, &form)?;
    }
    Ok(())
}

fn told(tx: &mut Transaction<'_>, cx: &Cx<'_>, event: Event, what: &Occurrence<'_>) -> Result<Parameters> {
    if let Occurrence::User(verb, user) = what {
        let mut shown = (*user).clone();
        shown.reachability = reachability::of(tx, user)?;
        return Ok(Parameters::of(event, &Occurrence::User(*verb, &shown), cx));
    }
    Ok(Parameters::of(event, what, cx))
}

/// The webhooks of the conversation, besides the account's or service's (B-419).
fn tell_conversation(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    event: Event,
    what: &Occurrence<'_>,
    form: &str,
) -> Result<()> {
    let Some(conversation) = what.conversation_sid() else {
        return Ok(());
    };
    for hook in webhook::of_conversation_all(tx, conversation)? {
        // It is told of the messages by its replay until that has come to the present.
        if event == Event::MessageAdded && hook.replay_next.is_some() {
            continue;
        }
        if let Some((url, method)) = called(&hook.target, event, what) {
            enqueue(tx, cx, event, what, &hook.sid.to_string(), url, method, form)?;
        }
    }
    Ok(())
}

/// Where a webhook of a conversation is called for an event (B-506, B-507).
fn called<'a>(target: &'a Target, event: Event, what: &Occurrence<'_>) -> Option<(&'a str, Method)> {
    match target {
        Target::Webhook { url, method, filters } => filters.contains(&event).then_some((url, *method)),
        Target::Trigger {
            url,
            method,
            triggers,
        } => {
            let Occurrence::Message(_, message, _) = what else {
                return None;
            };
            let body = message.body.as_deref().unwrap_or("").to_lowercase();
            let has = |keyword: &String| body.contains(&keyword.to_lowercase());
            (event == Event::MessageAdded && triggers.iter().any(has)).then_some((url, *method))
        }
        // There are no flows to run yet.
        Target::Studio { .. } => None,
    }
}

/// Tells one webhook of a conversation of a message that was there before it (B-509).
pub(crate) fn replay(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    hook: &webhook::Webhook,
    what: &Occurrence<'_>,
) -> Result<()> {
    let event = Event::MessageAdded;
    let Some((url, method)) = called(&hook.target, event, what) else {
        return Ok(());
    };
    let form = Parameters::of(event, what, cx).form();
    enqueue(tx, cx, event, what, &hook.sid.to_string(), url, method, &form)
}

#[allow(
    clippy::too_many_arguments,
    reason = "one call of one kind, from three places"
)]
fn enqueue(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    event: Event,
    what: &Occurrence<'_>,
    listener: &str,
    url: &str,
    method: Method,
    form: &str,
) -> Result<()> {
    let draft = Draft {
        account: what.account(),
        conversation: what.conversation_sid(),
        lane: delivery::lane(&what.order(), listener),
        event: event.name(),
        method,
        url,
        content_type: delivery::FORM,
        body: form,
    };
    delivery::enqueue(tx, cx, &draft)
}
