//! Asking before something happens (B-396…B-407).

use std::sync::Arc;

use async_trait::async_trait;
use confab_domain::Ids as _;
use confab_domain::hook::delivery::{FORM, token};
use confab_domain::hook::{Answer, Question};
use confab_engine::{Ask, Engine, RandomIds};
use confab_outgoing::Redirects;

use crate::call::{Call, Caller, Failure};

/// Bytes of an answer at most: more than the longest text and attributes together.
const ANSWER: usize = 128 * 1024;

/// A webhook did not answer in time.
const TIMEOUT: i64 = 50076;
/// A webhook could not be reached.
const UNREACHABLE: i64 = 11200;
/// A webhook refused what a caller wanted.
const REFUSED: i64 = 50056;

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
        let came = self
            .caller
            .call(
                "pre",
                &Call {
                    account: question.account,
                    method: question.method,
                    url: &question.url,
                    content_type: FORM,
                    body: &form,
                    token: &token(RandomIds.bits(self.engine.now())),
                    retries: 0,
                    redirects: Redirects::Kept, // B-407
                    most: ANSWER,
                },
            )
            .await;
        let (answer, alert) = match came.result {
            Ok(status) if status >= 400 => {
                let refused = Answer {
                    refused: true,
                    ..Answer::default()
                };
                (refused, Some(REFUSED))
            }
            Ok(200..=299) => (Answer::read(&came.body), None),
            Ok(_) => (Answer::default(), None),
            Err(Failure::Timeout) => (Answer::default(), Some(TIMEOUT)),
            Err(_) => (Answer::default(), Some(UNREACHABLE)),
        };
        if let Some(code) = alert {
            // The alert of B-405.
            tracing::warn!(
                account = %question.account,
                service = %question.service,
                event = question.event.name(),
                code,
                error = came.error,
                "a webhook that was asked did not allow it, or did not answer"
            );
        }
        answer
    }
}
