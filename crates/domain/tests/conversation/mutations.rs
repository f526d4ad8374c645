//! Changes under an id happen once for a day (realtime.md §3.1), and nothing is left of them afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use confab_domain::mutation::{self, Forget, Key, Once};
use confab_domain::{Actor, Client, Command, Cx, Result, Transaction, content, message, service, user};
use confab_types::UserSid;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::*;

const DAY: i64 = 24 * 60 * 60;

fn key(user: UserSid, id: u8) -> Key {
    Key {
        user,
        digest: [id; 16],
    }
}

impl World {
    async fn user_of(&self, service: ServiceSid, identity: &str) -> UserSid {
        let connect = user::Connect {
            account: self.engine.account.sid,
            service,
            identity: identity.into(),
            role: None,
        };
        self.engine.execute(Actor::System, connect).await.unwrap().sid
    }

    /// A chat user who is in a conversation.
    async fn member(&self, sid: ConversationSid, identity: &str) -> Arc<Client> {
        let user = self.user_of(self.service, identity).await;
        self.add(sid, chat(identity)).await.unwrap();
        Arc::new(Client {
            account: self.engine.account.sid,
            service: self.service,
            user,
            identity: identity.into(),
        })
    }

    /// Sends a text; gives the code of an error, or what the answer is made of.
    async fn send(
        &self,
        client: &Arc<Client>,
        sid: ConversationSid,
        id: Option<u8>,
        body: &str,
    ) -> std::result::Result<Value, u32> {
        let once = Once {
            key: id.map(|id| key(client.user, id)),
            command: text(self, sid, body),
            show: |_, m| Ok(json!([m.sid, m.index, m.body])),
        };
        let sent = self.engine.execute(Actor::Client(Arc::clone(client)), once).await;
        sent.map_err(code)
    }

    async fn remembered(&self, key: Key) -> Option<Value> {
        let now = self.engine.now();
        self.engine
            .read(move |tx| mutation::find(tx, &key, now))
            .await
            .unwrap()
    }

    async fn rows(&self) -> i64 {
        self.engine
            .read(|tx| {
                let row = tx.first("SELECT CAST(COUNT(id) AS BIGINT) FROM mutation WHERE id > 0", &[])?;
                Ok(row.unwrap().int()?)
            })
            .await
            .unwrap()
    }

    async fn forget(&self) -> bool {
        self.engine.execute(Actor::System, Forget).await.unwrap()
    }
}

fn text(world: &World, sid: ConversationSid, body: &str) -> message::Create {
    message::Create {
        service: world.service,
        conversation: sid.to_string(),
        author: None,
        body: Some(body.to_owned()),
        subject: None,
        attributes: None,
        content: content::Reference::default(),
        created_at: None,
        updated_at: None,
        media: Vec::new(),
    }
}

/// Changes nothing.
struct Nothing;

impl Command for Nothing {
    type Output = ();

    fn apply(&self, _: &mut Transaction<'_>, _: &mut Cx<'_>) -> Result<()> {
        Ok(())
    }
}

fn nothing(user: UserSid, digest: u128) -> Once<Nothing> {
    let digest = digest.to_be_bytes();
    Once {
        key: Some(Key { user, digest }),
        command: Nothing,
        show: |_, ()| Ok(Value::Null),
    }
}

#[tokio::test]
async fn without_an_id_nothing_is_kept() {
    let world = World::new().await;
    let sid = world.create(Fields::default()).await.unwrap().sid;
    let alice = world.member(sid, "alice").await;
    let first = world.send(&alice, sid, None, "x").await.unwrap();
    let second = world.send(&alice, sid, None, "x").await.unwrap();
    assert_ne!(first, second);
    assert_eq!((world.messages(sid).await.len(), world.rows().await), (2, 0));
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let world = World::new().await;
    let sid = world.create(Fields::default()).await.unwrap().sid;
    let alice = world.member(sid, "alice").await;
    let leaving = participant::Remove {
        service: world.service,
        conversation: sid.to_string(),
        key: "alice".into(),
    };
    world.rest(leaving.clone()).await.unwrap();
    assert_eq!(world.send(&alice, sid, Some(1), "x").await, Err(50430));
    assert_eq!(world.rows().await, 0);
    world.add(sid, chat("alice")).await.unwrap();
    let sent = world.send(&alice, sid, Some(1), "x").await.unwrap();
    assert_eq!(world.send(&alice, sid, Some(1), "y").await, Ok(sent.clone()));
    // Also where it would be refused by now: it is what she was told before.
    world.rest(leaving).await.unwrap();
    assert_eq!(world.send(&alice, sid, Some(1), "x").await, Ok(sent));
    assert_eq!(world.messages(sid).await.len(), 1);
}

/// A row that another transaction wrote meanwhile, and a race that is lost on PostgreSQL: in the end there is one.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_happens() {
    let world = World::new().await;
    let sid = world.create(Fields::default()).await.unwrap().sid;
    let alice = world.member(sid, "alice").await;
    for id in 0..8 {
        let before = world.messages(sid).await.len();
        let all = (0..12).map(|n| {
            let (world, alice) = (&world, &alice);
            async move {
                let command = text(world, sid, &n.to_string());
                let once = Once {
                    key: Some(key(alice.user, id)),
                    command,
                    show: |_, m: Message| Ok(json!([m.sid, m.index, m.body])),
                };
                match world.engine.execute(Actor::Client(Arc::clone(alice)), once).await {
                    Ok(answer) => answer,
                    Err(_) => world
                        .remembered(key(alice.user, id))
                        .await
                        .expect("somebody did it"),
                }
            }
        });
        let answers = join_all(all).await;
        assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
        let messages = world.messages(sid).await;
        assert_eq!(messages.len(), before + 1);
        assert_eq!(answers[0][0], json!(messages[before].sid));
    }
}

#[tokio::test]
async fn what_is_older_than_a_day_is_removed_in_steps() {
    let world = World::new().await;
    let user = world.user_of(world.service, "alice").await;
    for digest in 0..700 {
        world
            .engine
            .execute(Actor::System, nothing(user, digest))
            .await
            .unwrap();
    }
    world.clock.advance(DAY - 1);
    for digest in 700..800 {
        world
            .engine
            .execute(Actor::System, nothing(user, digest))
            .await
            .unwrap();
    }
    assert!(!world.forget().await);
    assert_eq!(world.rows().await, 800);
    world.clock.advance(1);
    assert!(world.forget().await);
    assert_eq!(world.rows().await, 300);
    assert!(!world.forget().await);
    assert_eq!(world.rows().await, 100);
    assert!(!world.forget().await);
    let digest = 799_u128.to_be_bytes();
    assert!(world.remembered(Key { user, digest }).await.is_some());
}

#[tokio::test]
async fn nothing_is_left_of_removed_users_and_services() {
    let world = World::new().await;
    let made = service::Create {
        account: world.engine.account.sid,
        friendly_name: "other".into(),
    };
    let other = world.rest(made).await.unwrap().sid;
    let alice = world.user_of(world.service, "alice").await;
    let bob = world.user_of(world.service, "bob").await;
    let carol = world.user_of(other, "carol").await;
    for user in [alice, bob, carol] {
        for digest in 0..3 {
            world
                .engine
                .execute(Actor::System, nothing(user, digest))
                .await
                .unwrap();
        }
    }
    let removal = user::Delete {
        service: world.service,
        key: "alice".into(),
    };
    world.rest(removal).await.unwrap();
    assert_eq!(world.rows().await, 6);
    let removal = service::Delete {
        account: world.engine.account.sid,
        service: other,
    };
    while !world.rest(removal.clone()).await.unwrap() {}
    assert_eq!(world.rows().await, 3);
    assert!(world.remembered(key(bob, 0)).await.is_some());
    // Another user of the same identity has other ids.
    let again = world.user_of(world.service, "alice").await;
    assert!(world.remembered(key(again, 0)).await.is_none());
}

#[derive(Clone, Debug)]
enum Step {
    Send {
        user: usize,
        id: Option<u8>,
        conversation: usize,
    },
    Wait {
        hours: i64,
    },
    Forget,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let send = (0..2usize, proptest::option::weighted(0.9, 0..4u8), 0..2usize);
    let step = prop_oneof![
        12 => send.prop_map(|(user, id, conversation)| Step::Send { user, id, conversation }),
        2 => (1..20i64).prop_map(|hours| Step::Wait { hours }),
        1 => Just(Step::Forget),
    ];
    proptest::collection::vec(step, 1..60)
}

/// Random ids of two users in two conversations over days, beside a map that does the same. The digest is of the id and
/// the conversation, as the face makes it.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_what_a_map_with_an_age_would_be() {
    let runtime = tokio::runtime::Handle::current();
    let world = World::new().await;
    let ran = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: 24,
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config).run(&steps(), |steps| {
            runtime.block_on(follow(&world, steps));
            Ok(())
        })
    });
    ran.await.unwrap().unwrap();
}

async fn follow(world: &World, steps: Vec<Step>) {
    let mut conversations = Vec::new();
    for _ in 0..2 {
        conversations.push(world.create(Fields::default()).await.unwrap().sid);
    }
    let mut users = Vec::new();
    for identity in ["alice", "bob"] {
        let client = world.member(conversations[0], identity).await;
        world.add(conversations[1], chat(identity)).await.unwrap();
        users.push(client);
    }
    // What an earlier case left does not count here.
    world.clock.advance(2 * DAY);
    let mut known: HashMap<(usize, u8), (Value, i64)> = HashMap::new();
    let (mut expected, mut hours) = ([0, 0], 0);
    for (n, step) in steps.into_iter().enumerate() {
        match step {
            Step::Wait { hours: more } => {
                world.clock.advance(more * 3600);
                hours += more;
            }
            Step::Forget => while world.forget().await {},
            Step::Send {
                user,
                id,
                conversation,
            } => {
                let id = id.map(|id| id * 2 + u8::try_from(conversation).unwrap());
                let sent = world
                    .send(&users[user], conversations[conversation], id, &n.to_string())
                    .await;
                let sent = sent.unwrap();
                let before = id
                    .and_then(|id| known.get(&(user, id)))
                    .filter(|(_, at)| hours - at < 24);
                if let Some((before, _)) = before {
                    assert_eq!(sent, *before, "step {n}");
                    continue;
                }
                assert_eq!(sent[1], expected[conversation], "step {n}");
                expected[conversation] += 1;
                if let Some(id) = id {
                    known.insert((user, id), (sent, hours));
                }
            }
        }
    }
    for (sid, count) in conversations.into_iter().zip(expected) {
        assert_eq!(world.messages(sid).await.len(), count);
    }
}
