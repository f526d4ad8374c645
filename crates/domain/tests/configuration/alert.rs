//! Alerts: what is kept of them, for how long, and in which order they are listed.

use confab_domain::alert::{self, Alert, Filter, Level, NewAlert, Record, Request, Response};
use confab_domain::endpoint::Method;
use confab_domain::{Actor, Error};
use confab_testkit::{TestClock, TestEngine, engine, engine_at};
use confab_types::{AccountSid, Sid, Timestamp};

use crate::{rows, start, walk};

const DAY: i64 = 24 * 3600;

async fn record(engine: &TestEngine, level: Level, code: i64) {
    let alert = NewAlert::new(engine.account.sid, level, code);
    engine.execute(Actor::System, Record(alert)).await.unwrap();
}

async fn list(engine: &TestEngine, filter: Filter) -> Vec<Alert> {
    let (account, now) = (engine.account.sid, engine.now());
    walk(engine, 3, move |tx, window| {
        alert::list(tx, account, &filter, now, window)
    })
    .await
}

async fn codes(engine: &TestEngine, filter: Filter) -> Vec<i64> {
    list(engine, filter).await.iter().map(|a| a.error_code).collect()
}

#[tokio::test]
async fn newest_first_by_level_and_date() {
    let clock = TestClock::new();
    let engine = engine_at(clock.clone()).await;
    let mut times = Vec::new();
    for code in 1..=10 {
        let level = if code % 2 == 0 {
            Level::Error
        } else {
            Level::Notice
        };
        record(&engine, level, code).await;
        times.push(engine.now());
        clock.advance(60);
    }
    let other = NewAlert::new(AccountSid::from_bits(9), Level::Error, 11);
    engine.execute(Actor::System, Record(other)).await.unwrap();
    let of =
        |level, from: Option<Timestamp>, to: Option<Timestamp>| codes(&engine, Filter { level, from, to });
    assert_eq!(of(None, None, None).await, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(of(Some(Level::Error), None, None).await, [10, 8, 6, 4, 2]);
    assert_eq!(of(Some(Level::Debug), None, None).await, [0_i64; 0]);
    let (second, eighth) = (Some(times[1]), Some(times[7]));
    assert_eq!(of(None, second, None).await, [10, 9, 8, 7, 6, 5, 4, 3, 2]);
    assert_eq!(of(None, None, eighth).await, [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(of(None, second, eighth).await, [8, 7, 6, 5, 4, 3, 2]);
    assert_eq!(of(Some(Level::Notice), second, eighth).await, [7, 5, 3]);
    assert_eq!(of(None, eighth, second).await, [0_i64; 0]);
    // An alert is found by the second that it shows.
    let shown = Timestamp::parse(&times[7].iso_seconds());
    assert_eq!(of(None, shown, shown).await, [8]);
}

#[tokio::test]
async fn what_is_known_of_a_call_is_kept_without_secrets_and_within_bounds() {
    let engine = engine().await;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let full = NewAlert {
        service: Some(engine.account.default_service),
        resource: Some("CH1".into()),
        text: "no answer of https://bob:secret@example.com/hook".into(),
        request: Some(Request {
            method: Method::Post,
            url: "https://bob:secret@example.com/hook?x=1".into(),
            variables: "é".repeat(10_000),
            headers: vec![header("Authorization", "Basic c2VjcmV0"), header("Accept", "*/*")],
        }),
        response: Some(Response {
            status: 503,
            headers: vec![
                header("Set-Cookie", "session=secret"),
                header("X-Long", &"x".repeat(9000)),
            ],
            body: format!("a\0{}", "é".repeat(2000)),
        }),
        ..NewAlert::new(engine.account.sid, Level::Warning, 11200)
    };
    engine.execute(Actor::System, Record(full)).await.unwrap();
    let [listed] = <[Alert; 1]>::try_from(list(&engine, Filter::default()).await).unwrap();
    assert_eq!(
        listed.text,
        "no answer of https://bob:***@example.com/hook (HTTP status 503)"
    );
    assert_eq!(
        listed.request_url.as_deref(),
        Some("https://bob:***@example.com/hook?x=1")
    );
    assert_eq!(
        (listed.request_method.as_deref(), listed.level.as_str()),
        (Some("POST"), "warning")
    );
    assert_eq!(listed.request_variables, None);
    let (account, now) = (engine.account.sid, engine.now());
    let fetched = engine
        .read(move |tx| alert::fetch(tx, account, listed.sid, now))
        .await
        .unwrap();
    let variables = fetched.request_variables.unwrap();
    assert_eq!((variables.len(), variables.ends_with('é')), (16 * 1024, true));
    assert_eq!(fetched.request_headers.unwrap(), "Authorization=***&Accept=*%2F*");
    let headers = fetched.response_headers.unwrap();
    assert!(headers.starts_with("Set-Cookie=***&X-Long=xxx") && headers.len() == 4096);
    let body = fetched.response_body.unwrap();
    assert!(body.starts_with("a\u{fffd}é") && body.len() <= 1024 && body.len() > 1020);
    // Nobody else sees it.
    let other = AccountSid::from_bits(9);
    let stolen = engine
        .read(move |tx| alert::fetch(tx, other, listed.sid, now))
        .await;
    assert_eq!(stolen, Err(Error::code(20404)));
}

#[tokio::test]
async fn after_thirty_days_they_are_not_shown_and_then_gone() {
    const COUNT: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM alert";
    let clock = TestClock::new();
    let engine = engine_at(clock.clone()).await;
    for code in 1..=25 {
        record(&engine, Level::Error, code).await;
    }
    let account = engine.account.sid;
    let oldest = engine
        .read({
            let now = engine.now();
            move |tx| alert::list(tx, account, &Filter::default(), now, &start(100))
        })
        .await
        .unwrap()
        .items
        .pop()
        .unwrap();
    clock.advance(30 * DAY);
    assert_eq!(list(&engine, Filter::default()).await.len(), 25);
    clock.advance(1);
    assert_eq!(codes(&engine, Filter::default()).await, [0_i64; 0]);
    let now = engine.now();
    let fetched = engine
        .read(move |tx| alert::fetch(tx, account, oldest.sid, now))
        .await;
    assert_eq!(fetched, Err(Error::code(20404)));
    // Asking for older ones by date does not show them, either.
    let ever = Filter {
        from: Some(Timestamp(0)),
        ..Filter::default()
    };
    assert_eq!(codes(&engine, ever).await, [0_i64; 0]);
    assert_eq!(rows(&engine, COUNT).await, 25);
    record(&engine, Level::Error, 26).await;
    assert_eq!(rows(&engine, COUNT).await, 6);
    record(&engine, Level::Error, 27).await;
    assert_eq!(rows(&engine, COUNT).await, 2);
    assert_eq!(codes(&engine, Filter::default()).await.len(), 2);
}
