//! Sinks.

use confab_domain::alert::without_passwords;
use confab_domain::stream::sink::{self, Filter, Sink, SinkType, Status};
use confab_types::{ApiError, SinkSid};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Bool, Input, JsonText, OneOf, Required, Word, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, Links, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Sinks", [get("ListSink", list), post("CreateSink", create)]);
    routes.at(
        "/v1/Sinks/{Sid}",
        [
            get("FetchSink", fetch),
            post("UpdateSink", update),
            delete("DeleteSink", remove),
        ],
    );
    routes.at("/v1/Sinks/{Sid}/Test", [post("CreateSinkTest", test)]);
    routes.at("/v1/Sinks/{Sid}/Validate", [post("CreateSinkValidate", validate)]);
}

words! {
    /// What a sink is; the last one is this server's own.
    Types: "kinesis", "webhook", "segment", "email", "nats"
}

words! {
    /// Whether it takes events.
    Statuses: "initialized", "validating", "active", "failed"
}

input! {
    /// A new sink.
    struct New {
        description: Required = "Description",
        configuration: Required<JsonText> = "SinkConfiguration",
        kind: Required<OneOf<Types>> = "SinkType",
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let engine = &caller.app.engine;
    let made = engine.create_sink(
        caller.origin(),
        caller.account(),
        new.description,
        new.kind,
        new.configuration,
    );
    let made = made.await?;
    Ok(reply(&view(&caller, made)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, sid) = (caller.account(), caller.sid("Sid")?);
    let found = caller.read(move |tx| sink::fetch(tx, account, sid)).await?;
    Ok(reply(&view(&caller, found)))
}

input! {
    /// What may change of a sink.
    struct Changes {
        description: Required = "Description",
    }
}

async fn update(caller: Caller, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = sink::Update {
        account: caller.account(),
        sink: caller.sid("Sid")?,
        description: changes.description,
    };
    let changed = caller.execute(command).await?;
    Ok(reply(&view(&caller, changed)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = sink::Delete {
        account: caller.account(),
        sink: caller.sid("Sid")?,
    };
    caller.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Which sinks.
    struct Wanted {
        in_use: Bool = "InUse",
        status: Word<Statuses> = "Status",
    }
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<View>> {
    let (account, url) = (caller.account(), format!("{}/v1/Sinks", caller.exchange.base));
    // An empty filter is none.
    let status = query.filters.status.filter(|word| !word.is_empty());
    let status = status.map(|word| Status::parse(&word).ok_or_else(|| ApiError::invalid("Status")));
    let filter = Filter {
        in_use: query.filters.in_use,
        status: status.transpose()?,
    };
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = sink::list(tx, account, filter, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

async fn test(caller: Caller) -> Result<Created<Outcome>> {
    let command = sink::Test {
        account: caller.account(),
        sink: caller.sid("Sid")?,
    };
    caller.execute(command).await?;
    // Whether it arrives is told behind the answer: by the event itself, or by an alert.
    Ok(reply(&Outcome { result: "submitted" }))
}

input! {
    /// The test event that came.
    struct Came {
        test_id: Required = "TestId",
    }
}

async fn validate(caller: Caller, Input(came): Input<Came>) -> Result<Created<Outcome>> {
    let command = sink::Validate {
        account: caller.account(),
        sink: caller.sid("Sid")?,
        test_id: came.test_id,
    };
    let result = if caller.execute(command).await? {
        "valid"
    } else {
        "invalid"
    };
    Ok(reply(&Outcome { result }))
}

fn view(caller: &Caller, sink: Sink) -> View {
    let url = format!("{}/v1/Sinks/{}", caller.exchange.base, sink.sid);
    // The original shows what its own kinds were set up with. A login of this kind is kept apart, but for those that
    // were made before that.
    let configuration = match sink.kind {
        SinkType::Nats => without_passwords(&sink.configuration),
        _ => sink.configuration,
    };
    View {
        status: Statuses(sink.status.name()),
        sink_configuration: RawValue::from_string(configuration).ok(),
        description: sink.description,
        sid: sink.sid,
        date_created: Iso(sink.created_at),
        sink_type: Types(sink.kind.name()),
        date_updated: Iso(sink.updated_at),
        url: url.clone(),
        links: Links {
            url,
            below: &[("sink_test", "/Test"), ("sink_validate", "/Validate")],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    status: Statuses,
    #[schemars(with = "serde_json::Value")]
    sink_configuration: Option<Box<RawValue>>,
    description: String,
    sid: SinkSid,
    date_created: Iso,
    sink_type: Types,
    date_updated: Iso,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "sinks";
}

/// What came of a test or a validation.
#[derive(Serialize, JsonSchema)]
struct Outcome {
    result: &'static str,
}
