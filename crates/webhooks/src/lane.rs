//! Working through a lane: call after call, in order.

use confab_domain::alert::NewAlert;
use confab_domain::hook::delivery::{Attempt, Delivery, Lane, Outcome, Settle, State};
use confab_domain::hook::is_of_stream;
use confab_engine::Engine;
use confab_outgoing::Redirects;
use confab_types::Timestamp;

use crate::alert::{self, Moment};
use crate::call::{Call, Caller, Came, Failure};
use crate::deliverer::{Options, back_off};
use crate::target::Report;

/// Makes the calls of lanes.
pub(crate) struct Worker<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) caller: &'a Caller,
    pub(crate) options: Options,
}

/// What is to be done after a try.
enum Verdict {
    Delivered,
    GivenUp,
    /// Too old to be tried again, and the target is not well: neither are those behind it.
    TooOld,
    Later(Timestamp),
}

impl Worker<'_> {
    /// Makes the calls of a lane that are at hand, up to one that is to wait.
    pub(crate) async fn work(&self, lane: Lane) -> (Settle, Report) {
        let mut report = Report::Idle;
        let mut outcomes = Vec::with_capacity(lane.deliveries.len());
        let mut pause_until = None;
        for delivery in &lane.deliveries {
            let (outcome, verdict, reached) = self.call(delivery).await;
            report = reached;
            outcomes.push(outcome);
            pause_until = match verdict {
                Verdict::Later(at) => Some(at),
                // Not one call after another that takes its longest: the target decides who is tried next.
                Verdict::TooOld => Some(self.engine.now()),
                Verdict::Delivered | Verdict::GivenUp => continue,
            };
            break;
        }
        let settle = Settle {
            lane: lane.name,
            target: lane.target,
            outcomes,
            pause_until,
        };
        (settle, report)
    }

    async fn call(&self, delivery: &Delivery) -> (Outcome, Verdict, Report) {
        let at = self.engine.now();
        let call = Call {
            account: delivery.account,
            method: delivery.method,
            url: &delivery.url,
            content_type: &delivery.content_type,
            body: &delivery.body,
            token: &delivery.token,
            replay_of: delivery.replay_of,
            retries: delivery.attempts,
            redirects: Redirects::Followed,
            most: 1024,
        };
        let came = self.caller.call("post", &call).await;
        let failing = match came.result {
            Ok(status) => status == 429 || status >= 500,
            Err(Failure::Timeout | Failure::Connection) => true,
            Err(Failure::Forbidden) => false,
        };
        let verdict = match came.result {
            Ok(status) if status < 400 => Verdict::Delivered,
            _ if failing => self.later(delivery),
            _ => Verdict::GivenUp,
        };
        let state = match verdict {
            Verdict::Delivered => State::Delivered,
            Verdict::GivenUp | Verdict::TooOld => State::Failed,
            Verdict::Later(_) => State::Queued,
        };
        let alert = (state != State::Delivered).then(|| {
            let (event, tries) = (&delivery.event, delivery.attempts + 1);
            let what = match state {
                State::Failed => format!("{event}, given up after {tries} tries"),
                _ => format!("{event}, try {tries}"),
            };
            let alert = alert::of(Moment::Told, &call, &came, &what);
            NewAlert {
                resource: delivery.conversation.map(|sid| sid.to_string()),
                ..alert
            }
        });
        let outcome = Outcome {
            id: delivery.id,
            number: delivery.attempts,
            attempt: attempt(at, &came),
            state,
            alert,
        };
        (
            outcome,
            verdict,
            if failing {
                Report::Failing
            } else {
                Report::Answered
            },
        )
    }

    /// The next try of a call that failed, while its event is young enough (B-410).
    fn later(&self, delivery: &Delivery) -> Verdict {
        let next = self.engine.now().0 + back_off(delivery.attempts);
        let retry_for = self.options.retry_for(is_of_stream(&delivery.content_type));
        let within = i64::try_from(retry_for.as_micros()).unwrap_or(i64::MAX);
        if next <= delivery.created_at.0.saturating_add(within) {
            Verdict::Later(Timestamp(next))
        } else if retry_for.is_zero() {
            Verdict::GivenUp
        } else {
            Verdict::TooOld
        }
    }
}

fn attempt(at: Timestamp, came: &Came) -> Attempt {
    Attempt {
        at,
        duration: i64::try_from(came.took.as_micros()).unwrap_or(i64::MAX),
        status: came.result.ok().map(i64::from),
        error: came.error.clone(),
        answer: came.logged(),
    }
}
