//! Many who make the same thing at once.

use confab_domain::{Actor, Window, number, participant, user};
use confab_testkit::engine;

use super::{CALLERS, at_once, conversation, create, messages, phone, post};

#[tokio::test]
async fn one_of_many_gets_a_unique_name() {
    let engine = engine().await;
    let (done, refused) = at_once(&engine, |_| create(&engine, Some("taken"))).await;
    assert_eq!((done.len(), refused), (1, vec![50353; CALLERS - 1]));
}

#[tokio::test]
async fn one_of_many_adds_an_identity_and_the_user_is_made_once() {
    let engine = engine().await;
    let sid = conversation(&engine).await;
    let (service, fields) = (
        engine.account.default_service,
        participant::Fields {
            identity: Some("alice".into()),
            ..participant::Fields::default()
        },
    );
    let (done, refused) = at_once(&engine, |_| participant::Add {
        service,
        conversation: sid.to_string(),
        fields: fields.clone(),
    })
    .await;
    assert_eq!((done.len(), refused), (1, vec![50433; CALLERS - 1]));
    let read = engine.read(move |tx| {
        let users = user::list(
            tx,
            service,
            &Window {
                cursor: None,
                size: 100,
            },
        )?;
        Ok((
            users.items.len(),
            conversation::by_sid(tx, sid)?.unwrap().participants_count,
        ))
    });
    assert_eq!(read.await.unwrap(), (1, 1));
}

#[tokio::test]
async fn a_user_is_made_once_by_conversations_that_add_it_at_the_same_time() {
    let engine = engine().await;
    let mut sids = Vec::new();
    for _ in 0..CALLERS {
        sids.push(conversation(&engine).await);
    }
    let (service, fields) = (
        engine.account.default_service,
        participant::Fields {
            identity: Some("alice".into()),
            ..participant::Fields::default()
        },
    );
    let (done, refused) = at_once(&engine, |n| participant::Add {
        service,
        conversation: sids[n].to_string(),
        fields: fields.clone(),
    })
    .await;
    assert_eq!((done.len(), refused), (CALLERS, vec![]));
    assert!(done.iter().all(|participant| participant.user == done[0].user));
}

#[tokio::test]
async fn one_of_many_users_of_an_identity_is_made() {
    let engine = engine().await;
    let (account, service) = (engine.account.sid, engine.account.default_service);
    let (done, refused) = at_once(&engine, |_| user::Create {
        account,
        service,
        identity: "alice".into(),
        friendly_name: None,
        attributes: None,
        role: None,
    })
    .await;
    assert_eq!((done.len(), refused), (1, vec![50201; CALLERS - 1]));
}

#[tokio::test]
async fn one_of_many_conversations_gets_a_number_pair() {
    let engine = engine().await;
    let mut sids = Vec::new();
    for _ in 0..CALLERS {
        sids.push(conversation(&engine).await.to_string());
    }
    let service = engine.account.default_service;
    let number = number::Create {
        account: engine.account.sid,
        address: "+15017122661".into(),
        friendly_name: None,
        kind: None,
    };
    engine.execute(Actor::Rest, number).await.unwrap();
    let (done, refused) = at_once(&engine, |n| participant::Add {
        service,
        conversation: sids[n].clone(),
        fields: phone("+15558675310"),
    })
    .await;
    assert_eq!((done.len(), refused), (1, vec![50416; CALLERS - 1]));
}

#[tokio::test]
async fn a_number_that_nobody_owned_is_claimed_once_for_all_who_use_it_first() {
    let engine = engine().await;
    let mut sids = Vec::new();
    for _ in 0..CALLERS {
        sids.push(conversation(&engine).await.to_string());
    }
    let (account, service) = (engine.account.sid, engine.account.default_service);
    let (done, refused) = at_once(&engine, |n| participant::Add {
        service,
        conversation: sids[n].clone(),
        fields: phone(&format!("+155586753{n:02}")),
    })
    .await;
    assert_eq!((done.len(), refused), (CALLERS, vec![]));
    let window = Window {
        cursor: None,
        size: 10,
    };
    let numbers = engine
        .read(move |tx| number::list(tx, account, &number::Filter::default(), &window))
        .await
        .unwrap();
    assert_eq!(numbers.items.len(), 1);
}

#[tokio::test]
async fn messages_that_come_together_get_indexes_without_gap() {
    let engine = engine().await;
    let sid = conversation(&engine).await;
    for round in 0..4 {
        let (done, refused) = at_once(&engine, |n| post(&engine, sid, &format!("{round}/{n}"))).await;
        assert_eq!((done.len(), refused), (CALLERS, vec![]));
    }
    let stored = messages(&engine, sid).await;
    let indexes: Vec<i64> = stored.iter().map(|message| message.index).collect();
    assert_eq!(indexes, (0..4 * CALLERS as i64).collect::<Vec<_>>());
    let found = engine
        .read(move |tx| conversation::by_sid(tx, sid))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.messages_count, found.next_index),
        (4 * CALLERS as i64, 4 * CALLERS as i64)
    );
}
