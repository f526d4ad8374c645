//! The order in which writers lock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use confab_domain::{Actor, Error, Order, message, participant, service, user};
use confab_store::Cause;
use confab_testkit::{TestEngine, engine};
use confab_types::ConversationSid;

use super::{CALLERS, all, conversation};

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
