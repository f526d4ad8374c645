//! The server's clock: what it shows, and putting it forward where the server was started with a virtual one.
//!
//! `POST /confab/v1/Clock` answers when what was due by the new time has been done, so that a test can look at what
//! became of a timer in its next line.

use std::time::Duration;

use confab_domain::hook::delivery;
use confab_domain::{account, job};
use confab_types::{ApiError, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::app::App;
use crate::kit::caller::Caller;
use crate::kit::failure::{Failure, Result};
use crate::kit::input::{Date, Input, Text, input};
use crate::kit::render::{Found, Iso, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Clock",
        [get("FetchClock", fetch), post("UpdateClock", update)],
    );
}

/// Longest time for which an answer waits for what is due.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks at it.
const LOOK: Duration = Duration::from_millis(2);

#[derive(Serialize, JsonSchema)]
struct View {
    /// `virtual` or `system`.
    clock: &'static str,
    /// The present, by this clock.
    now: Iso,
    /// Whether all that is due has been done.
    settled: bool,
}

async fn view(app: &App) -> Result<View> {
    Ok(View {
        clock: if app.engine.has_virtual_clock() {
            "virtual"
        } else {
            "system"
        },
        now: Iso(app.engine.now()),
        settled: is_settled(app).await?,
    })
}

/// Whether no job and no call of a webhook is due. What runs just now has not ended; its time is in the past.
async fn is_settled(app: &App) -> Result<bool> {
    let now = app.engine.now();
    let unit = move |tx: &mut confab_domain::Transaction<'_>| {
        let jobs = job::unfinished_before(tx, now)?;
        let calls = delivery::due(tx, "", 1000)?.iter().any(|due| due.at <= now);
        Ok(!jobs && !calls && !delivery::any_claimed(tx)?)
    };
    Ok(app.engine.read(unit).await?)
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    Ok(reply(&view(&caller.app).await?))
}

input! {
    /// The new time: one of both.
    struct Forward {
        advance: Text = "Advance",
        set: Date<20001> = "Set",
    }
}

impl Forward {
    fn time(&self, now: Timestamp) -> Result<Timestamp> {
        match (&self.advance, self.set) {
            (Some(text), None) => {
                let length = confab_types::Duration::parse(text).ok_or_else(|| {
                    ApiError::invalid("Advance").message(
                        "Advance must be an ISO 8601 duration in days, hours, minutes and seconds, such as P30D or PT90S",
                    )
                })?;
                Ok(now.plus(length))
            }
            (None, Some(at)) => Ok(at),
            _ => Err(ApiError::new(20001)
                .message("Send either Advance, a duration such as P30D, or Set, a date")
                .into()),
        }
    }
}

/// The time is everybody's, so only the server's owner moves it: an account that belongs to no other.
async fn refuse_others(caller: &Caller) -> Result<()> {
    let account = caller.account();
    let found = caller.read(move |tx| account::find(tx, account)).await?;
    match found {
        Some(account) if account.owner == account.sid => Ok(()),
        _ => Err(Failure::code(20006)),
    }
}

async fn update(caller: Caller, Input(forward): Input<Forward>) -> Result<Found<View>> {
    if !caller.app.engine.has_virtual_clock() {
        return Err(ApiError::new(20006)
            .message("The clock of this server is the machine's; start it with --clock virtual")
            .into());
    }
    refuse_others(&caller).await?;
    let time = forward.time(caller.app.engine.now())?;
    caller.app.engine.set_clock(time).ok_or_else(|| {
        ApiError::new(20001).message("A clock is only put forward, and not beyond the year 9999")
    })?;
    let settled = async {
        while !is_settled(&caller.app).await? {
            tokio::time::sleep(LOOK).await;
        }
        Ok::<(), Failure>(())
    };
    // What hangs, hangs: the answer says so.
    if let Ok(done) = tokio::time::timeout(PATIENCE, settled).await {
        done?;
    }
    Ok(reply(&view(&caller.app).await?))
}
