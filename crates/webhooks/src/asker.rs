//! Asking before something happens (B-396…B-407).

use std::sync::Arc;

use async_trait::async_trait;
use confab_domain::alert::Record;
use confab_domain::hook::delivery::{FORM, token};
use confab_domain::hook::{Answer, Question};
use confab_domain::{Actor, Ids as _};
use confab_engine::{Ask, Engine, RandomIds};
use confab_outgoing::Redirects;

use crate::alert::{self, Moment};
use crate::call::{Call, Caller};

/// Bytes of an answer at most: more than the longest text and attributes together.
const ANSWER: usize = 128 * 1024;

/// Asks webhooks.
pub struct Asker {
    engine: Engine,
    caller: Arc<Caller>,
}

impl Asker {
    /// An asker that calls by a caller.
    #[must_use]
    pub fn new(engine: Engine, caller: Arc<Caller>) -> Self {
        Self { engine, caller }
    }
}

#[async_trait]
impl Ask for Asker {
    async fn ask(&self, question: Question) -> Answer {
        let form = question.parameters.form();
        let call = Call {
            account: question.account,
            method: question.method,
            url: &question.url,
            content_type: FORM,
            body: &form,
            token: &token(RandomIds.bits(self.engine.now())),
            replay_of: None,
            retries: 0,
            redirects: Redirects::Kept, // B-407
            most: ANSWER,
        };
        let came = self.caller.call("pre", &call).await;
        let answer = match came.result {
            Ok(status) if status >= 400 => Answer {
                refused: true,
                ..Answer::default()
            },
            Ok(200..=299) => return Answer::read(&came.body),
            Ok(_) => return Answer::default(),
            Err(_) => Answer::default(),
        };
        let alert = alert::of(Moment::Asked, &call, &came, question.event.name());
        let record = Record(alert::within(alert, question.service));
        if let Err(error) = self.engine.execute(Actor::System, record).await {
            tracing::warn!(%error, "an alert was not recorded");
        }
        answer
    }
}
