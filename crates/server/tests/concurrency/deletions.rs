//! What is deleted or left while others write to it.

use std::time::Duration;

use confab_domain::job::Kind;
use confab_domain::{
    Actor, Command, Error, Order, Window, job, message, participant, receipt, user, user_conversation,
};
use confab_testkit::{TestEngine, engine};

use super::{all, at_once, conversation, member, phone, post};

#[tokio::test]
async fn a_removed_conversation_leaves_no_rows_when_its_purge_is_done() {
    let engine = engine().await;
    let sid = conversation(&engine).await;
    let service = engine.account.default_service;
    let add = participant::Add {
        service,
        conversation: sid.to_string(),
        fields: phone("+15558675310"),
    };
    engine.execute(Actor::Rest, add).await.unwrap();
    // More than one step of the purge removes.
    let mut sent = Vec::new();
    for round in 0..40 {
        sent.extend(
            at_once(&engine, |n| post(&engine, sid, &format!("{round}/{n}")))
                .await
                .0,
        );
    }
    let delete = message::Delete {
        service,
        conversation: sid.to_string(),
        key: sent[0].sid.to_string(),
    };
    engine.execute(Actor::Rest, delete).await.unwrap();
    let before = engine
        .read(move |tx| conversation::by_sid(tx, sid))
        .await
        .unwrap()
        .unwrap();
    engine
        .execute(
            Actor::Rest,
            conversation::Delete {
                service,
                key: sid.to_string(),
            },
        )
        .await
        .unwrap();

    let purges = async {
        loop {
            let jobs = engine
                .execute(Actor::System, job::Claim { most: 64 })
                .await
                .unwrap();
            for job in jobs {
                if let Kind::Purge { conversation } = job.kind {
                    assert_eq!(conversation, sid);
                    let mut steps = 0;
                    while !engine
                        .execute(Actor::System, conversation::Purge { conversation })
                        .await
                        .unwrap()
                    {
                        steps += 1;
                    }
                    return steps;
                }
                engine
                    .execute(Actor::System, job::Finish { id: job.id })
                    .await
                    .unwrap();
            }
        }
    };
    let steps = tokio::time::timeout(Duration::from_secs(60), purges)
        .await
        .unwrap();
    assert_eq!(steps, 2, "500 rows a step");
    let probe = sent[1].sid;
    let left = engine.read(move |tx| {
        // The row that was read before stands in for the one that is gone: what it could reach must be gone too.
        let window = Window {
            cursor: None,
            size: 10,
        };
        let messages = message::list(tx, &before, Order::Ascending, &window)?.items.len();
        let receipts = receipt::list(tx, probe, &window)?.items.len();
        let participants = participant::list(tx, sid, Order::Ascending, &window)?.items.len();
        Ok((
            conversation::by_sid(tx, sid)?.is_none(),
            messages,
            receipts,
            participants,
        ))
    });
    assert_eq!(left.await.unwrap(), (true, 0, 0, 0));
}

/// Runs two commands at the same time, many times; each answers or is refused.
async fn against<A: Command, B: Command>(engine: &TestEngine, one: A, other: B) -> [Result<(), u32>; 2] {
    let code = |answer: Result<(), Error>| match answer {
        Ok(()) => Ok(()),
        Err(Error::Api(error)) => Err(error.code),
        Err(error) => panic!("{error}"),
    };
    let (one, other) = tokio::join!(
        engine.execute(Actor::Rest, one),
        engine.execute(Actor::Rest, other)
    );
    [code(one.map(drop)), code(other.map(drop))]
}

#[tokio::test]
async fn what_is_deleted_while_others_write_to_it_leaves_no_part_behind() {
    let engine = engine().await;
    let service = engine.account.default_service;
    for round in 0..24 {
        let sid = conversation(&engine).await;
        let key = sid.to_string();
        let name = format!("user {round}");
        let mut fields = member(None, Some("+15017122661"));
        fields.identity = Some("alice".into());
        let add = participant::Add {
            service,
            conversation: key.clone(),
            fields,
        };
        let number = engine.execute(Actor::Rest, add).await.unwrap().sid.to_string();
        let create = user::Create {
            account: engine.account.sid,
            service,
            identity: name.clone(),
            friendly_name: None,
            attributes: None,
            role: None,
        };
        engine.execute(Actor::Rest, create).await.unwrap();
        let takes_over = participant::Update {
            identity: Some(name.clone()),
            ..participant::Update::of(service, &key, &number)
        };
        let delete_user = user::Delete {
            service,
            key: name.clone(),
        };
        // A user who goes while a number is given to him: he is made anew, or the number goes with him.
        let [_, gone] = against(&engine, takes_over, delete_user).await;
        assert_eq!(gone, Ok(()));
        let phone = participant::Add {
            service,
            conversation: key.clone(),
            fields: member(Some("+15558675310"), None),
        };
        let delete = conversation::Delete {
            service,
            key: key.clone(),
        };
        let [added, gone] = against(&engine, phone, delete).await;
        assert!(added.is_ok() || added == Err(50350), "{added:?}");
        assert_eq!(gone, Ok(()));
        let read = move |tx: &mut confab_domain::Transaction<'_>| {
            let rows = participant::list(tx, sid, Order::Ascending, &all())?.items.len();
            let mut entries = 0;
            for found in user::list(tx, service, &all())?.items {
                entries += participant::of_user(tx, found.sid, Order::Ascending, &all())?
                    .items
                    .len();
            }
            Ok((conversation::by_sid(tx, sid)?.is_none(), rows, entries))
        };
        assert_eq!(engine.read(read).await.unwrap(), (true, 0, 0));
    }
}

#[tokio::test]
async fn reading_and_leaving_at_the_same_time_b556() {
    let engine = engine().await;
    let service = engine.account.default_service;
    for _ in 0..24 {
        let sid = conversation(&engine).await;
        let add = participant::Add {
            service,
            conversation: sid.to_string(),
            fields: participant::Fields {
                identity: Some("alice".into()),
                ..participant::Fields::default()
            },
        };
        engine.execute(Actor::Rest, add).await.unwrap();
        let reads = user_conversation::Update {
            service,
            user: "alice".into(),
            conversation: sid.to_string(),
            notification_level: Some("muted".into()),
            horizon: Some(participant::Horizon::At(0)),
            last_read_at: None,
        };
        let leaves = user_conversation::Delete {
            service,
            user: "alice".into(),
            conversation: sid.to_string(),
        };
        let [read, left] = against(&engine, reads, leaves).await;
        assert!(matches!(read, Ok(()) | Err(20404 | 50432)), "{read:?}");
        assert_eq!(left, Ok(()));
        let count = engine.read(move |tx| Ok(conversation::by_sid(tx, sid)?.unwrap().participants_count));
        assert_eq!(count.await.unwrap(), 0);
    }
}
