//! What is told of a call that went wrong, where the account's owner looks for it (B-405).

use confab_domain::alert::{FAILED, Level, NewAlert, Request, Response, UNDELIVERED};
use confab_domain::hook::is_of_stream;
use confab_types::ServiceSid;

use crate::call::{Call, Came, Failure};

/// No answer in time.
const TIMEOUT: i64 = 50076;
/// A webhook that was asked refused it.
const REFUSED: i64 = 50056;

/// When a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before something happens.
    Asked,
    /// After it.
    Told,
}

/// The alert of a call, with what was sent and what came back.
pub(crate) fn of(moment: Moment, call: &Call<'_>, came: &Came, what: &str) -> NewAlert {
    let (code, level) = match came.result {
        _ if is_of_stream(call.content_type) => (UNDELIVERED, Level::Error),
        Ok(_) if moment == Moment::Asked => (REFUSED, Level::Warning),
        Err(Failure::Timeout) => (TIMEOUT, Level::Error),
        _ => (FAILED, Level::Error),
    };
    let mut alert = NewAlert::new(call.account, level, code);
    alert.request = Some(Request {
        method: call.method,
        url: call.url.to_owned(),
        variables: call.body.to_owned(),
        headers: vec![
            ("Content-Type".into(), call.content_type.to_owned()),
            ("I-Twilio-Idempotency-Token".into(), call.token.to_owned()),
        ],
    });
    alert.response = came.result.ok().map(|status| Response {
        status,
        headers: came.headers.clone(),
        body: came.logged().unwrap_or_default(),
    });
    match &came.error {
        Some(error) => alert.because(format!("{what}: {error}")),
        None => alert.because(what),
    }
}

/// The same in a service.
pub(crate) fn within(alert: NewAlert, service: ServiceSid) -> NewAlert {
    NewAlert {
        service: Some(service),
        ..alert
    }
}
