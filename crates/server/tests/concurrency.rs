//! Commands that meet each other, on the engine under test.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use confab_domain::job::Kind;
use confab_domain::message::Message;
use confab_domain::{
    Actor, Command, Error, Order, Window, conversation, job, message, number, participant, receipt, service,
    user, user_conversation,
};
use confab_store::Cause;
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
        content: confab_domain::content::Reference::default(),
        created_at: None,
        updated_at: None,
        media: Vec::new(),
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

/// What makes a group of texting.
fn member(address: Option<&str>, projected: Option<&str>) -> participant::Fields {
    participant::Fields {
        address: address.map(str::to_owned),
        projected_address: projected.map(str::to_owned),
        ..participant::Fields::default()
    }
}

#[tokio::test]
async fn one_of_many_conversations_becomes_a_group_b215() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let mut sids = Vec::new();
    for _ in 0..CALLERS {
        let sid = conversation(&engine).await.to_string();
        for phone in ["+15558675310", "+15558675311"] {
            let add = participant::Add {
                service,
                conversation: sid.clone(),
                fields: member(Some(phone), None),
            };
            engine.execute(Actor::Rest, add).await.unwrap();
        }
        sids.push(sid);
    }
    let (done, refused) = at_once(&engine, |n| participant::Add {
        service,
        conversation: sids[n].clone(),
        fields: member(None, Some("+15017122661")),
    })
    .await;
    assert_eq!((done.len(), refused), (1, vec![50438; CALLERS - 1]));
    // Once it is closed, one of the others is.
    let close = conversation::Update {
        service,
        key: done[0].conversation.to_string(),
        fields: conversation::Fields {
            state: Some("closed".into()),
            ..conversation::Fields::default()
        },
    };
    engine.execute(Actor::Rest, close).await.unwrap();
    sids.retain(|sid| *sid != done[0].conversation.to_string());
    let (done, refused) = at_once(&engine, |n| participant::Add {
        service,
        conversation: sids[n % sids.len()].clone(),
        fields: member(None, Some("+15017122661")),
    })
    .await;
    assert_eq!((done.len(), refused.len()), (1, CALLERS - 1));
    // The first conversation is asked twice; the second time it has the number already.
    assert!(
        refused.iter().all(|code| *code == 50438 || *code == 50437),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_member_is_in_a_group_once_and_the_group_no_bigger_than_allowed_b214() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let sid = conversation(&engine).await;
    let add = |fields| participant::Add {
        service,
        conversation: sid.to_string(),
        fields,
    };
    let (done, refused) = at_once(&engine, |_| add(member(Some("+15558675310"), None))).await;
    assert_eq!((done.len(), refused), (1, vec![50437; CALLERS - 1]));
    let (done, refused) = at_once(&engine, |n| add(member(Some(&format!("+1555867540{n}")), None))).await;
    assert_eq!((done.len(), refused), (9, vec![50436; CALLERS - 9]));
}

#[tokio::test]
async fn a_number_has_one_of_many_next_persons_b220() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let sid = conversation(&engine).await;
    let mut fields = member(None, Some("+15017122661"));
    fields.identity = Some("alice".into());
    let add = participant::Add {
        service,
        conversation: sid.to_string(),
        fields,
    };
    let number = engine.execute(Actor::Rest, add).await.unwrap();
    let (done, refused) = at_once(&engine, |n| participant::Update {
        identity: Some(format!("next {n}")),
        ..participant::Update::of(service, &sid.to_string(), &number.sid.to_string())
    })
    .await;
    assert_eq!((done.len(), refused), (CALLERS, vec![]));
    let read = move |tx: &mut confab_domain::Transaction<'_>| {
        let page = participant::list(tx, sid, Order::Ascending, &all())?;
        let mut entries = 0;
        for found in user::list(tx, service, &all())?.items {
            entries += participant::of_user(tx, found.sid, Order::Ascending, &all())?
                .items
                .len();
        }
        Ok((page.items, entries))
    };
    let (left, entries) = engine.read(read).await.unwrap();
    // Whoever came last is behind it; nobody else has an entry of the conversation left.
    assert_eq!((left.len(), entries), (1, 1));
    assert!(
        done.iter()
            .any(|p| p.identity == left[0].identity && p.user == left[0].user)
    );
}

fn all() -> Window {
    Window {
        cursor: None,
        size: 1000,
    }
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

/// Conversations and identities that are few, so that writers meet.
const FEW: usize = 4;
/// What each writer does.
const STEPS: usize = 60;

/// The identities of a step, in an order that differs from writer to writer.
fn two_of(writer: usize, step: usize) -> [String; 2] {
    let (one, other) = ((writer + step) % FEW, (writer * 3 + step * 5 + 1) % FEW);
    [format!("user {one}"), format!("user {other}")]
}

/// One step of a writer; what is refused was changed by somebody else meanwhile.
async fn any_step(
    engine: &confab_engine::Engine,
    (account, service): (confab_types::AccountSid, confab_types::ServiceSid),
    keys: &[String],
    (writer, step): (usize, usize),
) {
    let key = keys[(writer * 7 + step) % keys.len()].clone();
    let [one, other] = two_of(writer, step);
    let outcome = match (writer + step * 3) % 8 {
        0 => {
            let command = user::Delete { service, key: one };
            engine.execute(Actor::Rest, command).await.map(drop)
        }
        1 | 2 => {
            let command = participant::Remove {
                service,
                conversation: key,
                key: one,
            };
            engine.execute(Actor::Rest, command).await.map(drop)
        }
        3 => {
            let person = |identity: &str| format!(r#"{{"identity":"{identity}"}}"#);
            let create = conversation::CreateWithParticipants {
                account,
                service,
                fields: conversation::Fields::default(),
                participants: vec![person(&other), person(&one)],
            };
            match engine.execute(Actor::Rest, create).await {
                Ok(made) => {
                    let initialize = conversation::Initialize {
                        conversation: made.sid,
                        participants: vec![person(&one), person(&other)],
                        state: conversation::State::Active,
                    };
                    match engine.execute(Actor::System, initialize).await {
                        Ok(()) | Err(Error::Api(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                    let delete = conversation::Delete {
                        service,
                        key: made.sid.to_string(),
                    };
                    engine.execute(Actor::Rest, delete).await.map(drop)
                }
                Err(error) => Err(error),
            }
        }
        4 => {
            let command = message::Create {
                service,
                conversation: key,
                author: Some(one),
                body: Some("hello".into()),
                subject: None,
                attributes: None,
                content: confab_domain::content::Reference::default(),
                created_at: None,
                updated_at: None,
                media: Vec::new(),
            };
            engine.execute(Actor::Rest, command).await.map(drop)
        }
        _ => {
            let command = participant::Add {
                service,
                conversation: key,
                fields: participant::Fields {
                    identity: Some(one),
                    ..participant::Fields::default()
                },
            };
            engine.execute(Actor::Rest, command).await.map(drop)
        }
    };
    match outcome {
        Ok(()) | Err(Error::Api(_)) => {}
        Err(error) => panic!("{error}"),
    }
}

/// Participants of conversations that are gone or who are not in the row that counts them, and those whose user is
/// not the one of their identity.
async fn orphans(
    engine: &TestEngine,
    service: confab_types::ServiceSid,
    conversations: Vec<ConversationSid>,
) -> Vec<String> {
    let read = move |tx: &mut confab_domain::Transaction<'_>| {
        let mut found = Vec::new();
        for &sid in &conversations {
            let members = participant::list(tx, sid, Order::Ascending, &all())?.items;
            let count = conversation::by_sid(tx, sid)?.map_or(0, |c| c.participants_count);
            if count != i64::try_from(members.len()).unwrap() {
                found.push(format!("{sid} has {} of {count} members", members.len()));
            }
            for member in members {
                let identity = member.identity.unwrap();
                let user = user::by_identity(tx, service, &identity)?.map(|u| u.sid);
                if user.is_none() || user != member.user {
                    found.push(format!("{identity} in {sid} is no user"));
                }
            }
        }
        Ok(found)
    };
    engine.read(read).await.unwrap()
}

/// Everybody locks conversations before users, and each kind in one order, so nobody waits in a circle.
#[tokio::test]
async fn writers_of_the_same_users_and_conversations_never_wait_for_each_other_in_a_circle_b058_b551() {
    let engine = engine().await;
    let account = engine.account.sid;
    let create = service::Create {
        account,
        friendly_name: "goes away".into(),
    };
    let doomed = engine.execute(Actor::Rest, create).await.unwrap().sid;
    let mut all_conversations = Vec::new();
    let mut writers = Vec::new();
    for service in [engine.account.default_service, doomed] {
        let mut sids = Vec::new();
        for _ in 0..FEW {
            let create = conversation::Create {
                account,
                service,
                fields: conversation::Fields::default(),
            };
            sids.push(engine.execute(Actor::Rest, create).await.unwrap().sid);
        }
        let keys: Arc<[String]> = sids.iter().map(ToString::to_string).collect();
        for writer in 0..CALLERS {
            let (engine, keys) = ((*engine).clone(), Arc::clone(&keys));
            writers.push(tokio::spawn(async move {
                for step in 0..STEPS {
                    any_step(&engine, (account, service), &keys, (writer, step)).await;
                }
            }));
        }
        all_conversations.push((service, sids));
    }
    // The second service goes while its writers are at work, who go on and are refused.
    let deleted = {
        let engine = (*engine).clone();
        tokio::spawn(async move {
            while engine.store().stats().units.load(Ordering::Relaxed) < 200 {
                tokio::task::yield_now().await;
            }
            let delete = service::Delete {
                account,
                service: doomed,
            };
            while !engine.execute(Actor::Rest, delete.clone()).await.unwrap() {}
        })
    };
    for writer in writers {
        writer.await.unwrap();
    }
    deleted.await.unwrap();
    for (service, sids) in all_conversations {
        assert_eq!(orphans(&engine, service, sids).await, Vec::<String>::new());
    }
    let left = engine.read(move |tx| {
        let users = user::list(tx, doomed, &all())?.items.len();
        Ok((service::find(tx, doomed)?.is_some(), users))
    });
    assert_eq!(left.await.unwrap(), (false, 0));
    let stats = engine.store().stats();
    assert_eq!(stats.retried(Cause::Deadlock), 0);
    assert_eq!(stats.retried(Cause::Serialization), 0);
    assert!(stats.units.load(Ordering::Relaxed) >= 200);
}
