//! What a server had when it ended.

use confab_domain::hook::delivery::{self, Claim, Exchange};
use confab_domain::{Actor, Command, Cx, Limits, Origin, Transaction, account_webhook, conversation, job};
use confab_engine::RandomIds;
use confab_testkit::{TestEngine, engine};
use confab_types::Timestamp;

use super::create;

/// Runs a command as a server of a name does.
async fn on<C: Command>(engine: &TestEngine, server: &'static str, command: C) -> C::Output {
    let now = engine.now();
    let unit = move |tx: &mut Transaction<'_>| -> confab_domain::Result<C::Output> {
        let (limits, mut ids) = (Limits::default(), RandomIds);
        command.apply(tx, &mut Cx::new(now, Actor::System, &limits, &mut ids).on(server))
    };
    engine.store().write(unit, |_| {}).await.unwrap()
}

/// Two servers have lanes and jobs in one database; the start of one takes back its own only.
#[tokio::test]
async fn a_start_takes_back_what_its_own_server_had() {
    let engine = engine().await;
    let hook = account_webhook::Update {
        account: engine.account.sid,
        method: None,
        filters: Some(vec!["onConversationAdded".into()]),
        pre_webhook_url: None,
        post_webhook_url: Some("http://example.org/".into()),
        target: None,
    };
    engine.execute(Actor::Rest, hook).await.unwrap();
    for _ in 0..2 {
        let made = engine
            .execute(Origin::rest(true), create(&engine, None))
            .await
            .unwrap();
        let delete = conversation::Delete {
            service: engine.account.default_service,
            key: made.sid.to_string(),
        };
        engine.execute(Actor::Rest, delete).await.unwrap();
    }
    let due = engine.read(|tx| delivery::due(tx, "", 10)).await.unwrap();
    assert_eq!(due.len(), 1);
    let target = due[0].target.clone();
    let lanes = async |server| {
        let claim = Claim {
            target: target.clone(),
            most: 1,
        };
        let exchange = Exchange {
            claims: vec![claim],
            ..Exchange::default()
        };
        let next = on(&engine, server, exchange).await;
        let names = next.claimed.into_iter().flatten().map(|lane| lane.name);
        names.collect::<Vec<_>>()
    };
    let jobs = async |server| {
        let jobs = on(&engine, server, job::Claim { most: 1 }).await;
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let (first, second) = (
        (lanes("first").await, jobs("first").await),
        (lanes("second").await, jobs("second").await),
    );
    assert!(first.0.len() == 1 && first.1.len() == 1 && second.0.len() == 1 && second.1.len() == 1);
    assert_ne!(first, second);
    assert_eq!((lanes("first").await, jobs("first").await), (vec![], vec![]));
    // None has ended yet, and all have in the end.
    let now = engine.now();
    let ended = engine
        .read(move |tx| delivery::expired(tx, "", now))
        .await
        .unwrap();
    assert_eq!((ended.lanes, ended.next), (vec![], None));
    let late = Timestamp(now.0 + delivery::LEASE);
    let ended = engine
        .read(move |tx| delivery::expired(tx, "", late))
        .await
        .unwrap();
    assert_eq!(ended.lanes.len(), 2);
    // Taken back in good time: nothing happens.
    on(&engine, "third", delivery::Reclaim { lanes: ended.lanes }).await;
    assert_eq!(lanes("third").await, Vec::<String>::new());

    on(&engine, "first", delivery::Release).await;
    on(&engine, "first", job::Release).await;
    assert_eq!((lanes("first").await, jobs("first").await), first);
    assert_eq!((lanes("first").await, jobs("first").await), (vec![], vec![]));
}
