//! Timers (B-116…B-128): lengths of time after which a conversation without activity changes its state by itself.
//!
//! The dates follow from the lengths and from the moment that they count from, so a message moves both by writing
//! that moment. A conversation with timers has one job, which looks at the dates when it runs: it makes the change
//! that is due, or comes again at the date that activity has moved to meanwhile. Whatever brings a date nearer (a
//! state set by hand, other timers, a message that awakens) replaces the job in the same transaction.

use confab_types::{ConversationSid, Duration, Timestamp};

use super::find::{hold_by_sid, lock};
use super::{Conversation, State, state};
use crate::error::Error;
use crate::hook::Cause;
use crate::{Command, Cx, Effect, Result, Transaction, job};

/// The timers of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Time without activity after which an active conversation becomes inactive.
    pub inactive: Option<Duration>,
    /// Time after that, or without the other timer of no activity, after which it is closed.
    pub closed: Option<Duration>,
    /// From when they count: the last message or change of the state or timers. Removing messages does not move it.
    pub from: Timestamp,
}

impl Timers {
    fn any(&self) -> bool {
        self.inactive.is_some() || self.closed.is_some()
    }
}

impl Conversation {
    /// When it becomes inactive unless something happens; `None` when it is not on its way there.
    #[must_use]
    pub fn date_inactive(&self) -> Option<Timestamp> {
        match self.state {
            State::Active => Some(self.timers.from.plus(self.timers.inactive?)),
            _ => None,
        }
    }

    /// When it is closed unless something happens (B-119, B-122); `None` when it is not on its way there.
    #[must_use]
    pub fn date_closed(&self) -> Option<Timestamp> {
        match self.state {
            State::Active | State::Inactive => {
                let from = self.date_inactive().unwrap_or(self.timers.from);
                Some(from.plus(self.timers.closed?))
            }
            State::Closed | State::Initializing => None,
        }
    }

    /// The next change that its timers make.
    fn next_change(&self) -> Option<(Timestamp, State)> {
        let inactive = self.date_inactive().map(|at| (at, State::Inactive));
        inactive.or_else(|| self.date_closed().map(|at| (at, State::Closed)))
    }
}

/// Which timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// To inactivity.
    Inactive,
    /// To closing.
    Closed,
}

/// Reads a timer that a caller sets; `None` for the one that takes it away, `PT0S` (B-118).
///
/// # Errors
/// For bad text 50379, 50380 (B-116); below a minute 50375, below ten minutes 50376 (B-117).
pub(crate) fn check(timer: Timer, text: &str) -> Result<Option<Duration>> {
    let (least, bad, short) = match timer {
        Timer::Inactive => (Duration::seconds(60), 50379, 50375),
        Timer::Closed => (Duration::seconds(600), 50380, 50376),
    };
    match Duration::parse(text) {
        None => Err(Error::code(bad)),
        Some(length) if length.is_zero() => Ok(None),
        Some(length) if length < least => Err(Error::code(short)),
        Some(length) => Ok(Some(length)),
    }
}

fn kind(conversation: &Conversation) -> job::Kind {
    job::Kind::Timers {
        conversation: conversation.sid,
    }
}

/// Gives a conversation the job for its next change in the place of the one that it may have. The row is locked, or
/// new: nobody else does so at the same time. A job that runs just now and loses its row does no harm by it.
pub(super) fn schedule(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, conversation: &Conversation) -> Result<()> {
    // One that never had a timer, nearly all of them, has no job. One whose last timer was taken away keeps its job,
    // which ends when it looks.
    forget(tx, conversation)?;
    if let Some((at, _)) = conversation.next_change() {
        job::add(tx, cx, &kind(conversation), at)?;
        cx.emit(Effect::JobsWaiting);
    }
    Ok(())
}

/// Takes the job away, where there is one.
pub(super) fn forget(tx: &mut Transaction<'_>, conversation: &Conversation) -> Result<()> {
    if conversation.timers.any() {
        job::cancel(tx, &kind(conversation))?;
    }
    Ok(())
}

/// Makes the change of a conversation's state that its timers ask for by now, one a run, and tells when the next one
/// is due; `None` when there is none. Running it too often or too early changes nothing.
#[derive(Clone, Debug)]
pub struct RunTimers {
    /// The conversation.
    pub conversation: ConversationSid,
}

impl Command for RunTimers {
    type Output = Option<Timestamp>;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Option<Timestamp>> {
        let Some(found) = hold_by_sid(tx, self.conversation)? else {
            return Ok(None);
        };
        let Some((at, to)) = found.next_change() else {
            return Ok(None);
        };
        if at > cx.now {
            return Ok(Some(at));
        }
        let mut changed = lock(tx, found.sid, 20404)?;
        state::enter(tx, cx, &mut changed, to)?;
        // Not the present: a late run does not move the date of closing that was shown before (B-119, B-126).
        changed.timers.from = at;
        state::save_entered(tx, cx, &mut changed)?;
        state::tell(tx, cx, found.state, &changed, Cause::Timer)?;
        Ok(changed.next_change().map(|(at, _)| at))
    }
}
