//! Commands that meet each other, on the engine under test.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::sync::Arc;
use std::time::Duration;

use confab_domain::job::Kind;
use confab_domain::message::Message;
use confab_domain::{
    Actor, Command, Error, Order, Window, conversation, job, message, number, participant, receipt, user,
};
use confab_testkit::{TestEngine, engine};
use confab_types::ConversationSid;

const CALLERS: usize = 16;

/// Runs the same command from many callers at once: how many succeeded, and the codes of the others.
async fn at_once<C: Command>(engine: &TestEngine, make: impl Fn(usize) -> C) -> (Vec<C::Output>, Vec<u32>) {
    let barrier = Arc::new(tokio::sync::Barrier::new(CALLERS));
    let callers: Vec<_> = (0..CALLERS)
        .map(|n| {
            let (engine, barrier, command) = ((**engine).clone(), Arc::clone(&barrier), make(n));
            tokio::spawn(async move {
                barrier.wait().await;
                engine.execute(Actor::Rest, command).await
            })
        })
        .collect();
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for caller in callers {
        match caller.await.unwrap() {
            Ok(output) => done.push(output),
            Err(Error::Api(error)) => refused.push(error.code),
            Err(error) => panic!("{error}"),
        }
    }
    (done, refused)
}

async fn conversation(engine: &TestEngine) -> ConversationSid {
    engine
        .execute(Actor::Rest, create(engine, None))
        .await
        .unwrap()
        .sid
}

fn create(engine: &TestEngine, unique_name: Option<&str>) -> conversation::Create {
    conversation::Create {
        account: engine.account.sid,
        service: engine.account.default_service,
        fields: conversation::Fields {
            unique_name: unique_name.map(str::to_owned),
            ..conversation::Fields::default()
        },
    }
}

fn post(engine: &TestEngine, conversation: ConversationSid, body: &str) -> message::Create {
    message::Create {
        service: engine.account.default_service,
        conversation: conversation.to_string(),
        author: None,
        body: Some(body.to_owned()),
        subject: None,
        attributes: None,
        created_at: None,
        updated_at: None,
    }
}

fn phone(address: &str) -> participant::Fields {
    participant::Fields {
        address: Some(address.into()),
        proxy_address: Some("+15017122661".into()),
        ..participant::Fields::default()
    }
}

async fn messages(engine: &TestEngine, conversation: ConversationSid) -> Vec<Message> {
    let read = move |tx: &mut confab_domain::Transaction<'_>| {
        let found = conversation::by_sid(tx, conversation)?.unwrap();
        Ok(message::list(
            tx,
            &found,
            Order::Ascending,
            &Window {
                cursor: None,
                size: 10_000,
            },
        )?
        .items)
    };
    engine.read(read).await.unwrap()
}

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
        .read(move |tx| number::list(tx, account, None, &window))
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
