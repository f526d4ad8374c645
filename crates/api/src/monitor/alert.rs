//! Alerts of the debugger.

use confab_domain::alert::{self, Alert, Filter, Level};
use confab_types::{AccountSid, AlertSid, ApiError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Word, Words, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Found, Iso, reply};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Alerts", [get("ListAlert", list)]);
    routes.at("/v1/Alerts/{Sid}", [get("FetchAlert", fetch)]);
}

words! {
    /// How bad something is.
    Levels: "error", "warning", "notice", "debug"
}

words! {
    /// How the server calls others.
    Methods: "GET", "POST"
}

input! {
    /// Which alerts.
    struct Wanted {
        level: Word<Levels> = "LogLevel",
        from: Date = "StartDate",
        to: Date = "EndDate",
    }
}

impl TryFrom<Wanted> for Filter {
    type Error = ApiError;

    fn try_from(wanted: Wanted) -> Result<Self, ApiError> {
        // An empty filter is none.
        let level = wanted.level.filter(|word| !word.is_empty());
        let level = level.map(|word| Level::parse(&word).ok_or_else(|| ApiError::invalid("LogLevel")));
        Ok(Self {
            level: level.transpose()?,
            from: wanted.from,
            to: wanted.to,
        })
    }
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<View>> {
    let (account, now) = (caller.account(), caller.app.engine.now());
    let url = format!("{}/v1/Alerts", caller.exchange.base);
    let filter = Filter::try_from(query.filters)?;
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = alert::list(tx, account, &filter, now, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

async fn fetch(caller: Caller) -> Result<Found<FullView>> {
    let (account, sid, now) = (caller.account(), caller.sid("Sid")?, caller.app.engine.now());
    let mut found = caller.read(move |tx| alert::fetch(tx, account, sid, now)).await?;
    Ok(reply(&FullView {
        request_variables: found.request_variables.take(),
        response_body: found.response_body.take(),
        response_headers: found.response_headers.take(),
        request_headers: found.request_headers.take(),
        alert: view(&caller, found),
    }))
}

fn view(caller: &Caller, alert: Alert) -> View {
    let more_info =
        |code: i64| u32::try_from(code).map(|code| format!("https://www.twilio.com/docs/errors/{code}"));
    let method = alert.request_method;
    View {
        account_sid: alert.account,
        alert_text: alert.text,
        // What every example has, also where the alert is about another product.
        api_version: "2010-04-01",
        date_created: Iso(alert.created_at),
        date_generated: Iso(alert.created_at),
        date_updated: Iso(alert.created_at),
        error_code: alert.error_code.to_string(),
        log_level: alert.level,
        more_info: alert.more_info.or_else(|| more_info(alert.error_code).ok()),
        request_method: Methods::ALL
            .iter()
            .find(|word| method.as_deref() == Some(**word))
            .map(|word| Methods(word)),
        request_url: alert.request_url,
        resource_sid: alert.resource,
        sid: alert.sid,
        url: format!("{}/v1/Alerts/{}", caller.exchange.base, alert.sid),
        service_sid: alert.service,
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    alert_text: String,
    api_version: &'static str,
    date_created: Iso,
    date_generated: Iso,
    date_updated: Iso,
    error_code: String,
    log_level: String,
    more_info: Option<String>,
    request_method: Option<Methods>,
    request_url: Option<String>,
    resource_sid: Option<String>,
    sid: AlertSid,
    url: String,
    service_sid: Option<String>,
}

impl InList for View {
    const KEY: &'static str = "alerts";
}

/// An alert that is fetched alone, with what is known of its call.
#[derive(Serialize, JsonSchema)]
struct FullView {
    #[serde(flatten)]
    alert: View,
    request_variables: Option<String>,
    response_body: Option<String>,
    response_headers: Option<String>,
    request_headers: Option<String>,
}
