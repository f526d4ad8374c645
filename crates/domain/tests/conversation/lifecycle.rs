//! From creation to removal: names, states, what a closed one refuses.

use std::sync::Arc;

use confab_domain::conversation::{self, Fields, State};
use confab_domain::{Actor, Client, Window, participant, user};

use crate::{PHONE, World, all, chat, code, phone, timers};

fn named(unique_name: &str) -> Fields {
    Fields {
        unique_name: Some(unique_name.into()),
        ..Fields::default()
    }
}

fn in_state(word: &str) -> Fields {
    Fields {
        state: Some(word.into()),
        ..Fields::default()
    }
}

impl World {
    /// A user of the chat SDK.
    async fn client(&self, identity: &str) -> Actor {
        let connect = user::Connect {
            account: self.account.sid,
            service: self.service,
            identity: identity.into(),
            role: None,
        };
        let user = self.execute(Actor::System, connect).await.unwrap();
        Actor::Client(Arc::new(Client {
            account: self.account.sid,
            service: self.service,
            user: user.sid,
            identity: identity.into(),
        }))
    }
}

#[tokio::test]
async fn a_conversation_of_nothing_b101() {
    let world = World::new().await;
    let made = world.create(Fields::default()).await.unwrap();
    assert_eq!((made.state, made.attributes.as_str()), (State::Active, "{}"));
    assert_eq!((made.friendly_name, made.unique_name), (None, None));
    assert_eq!((made.timers.inactive, made.timers.closed), (None, None));
    assert_eq!(made.created_at, made.updated_at);
}

#[tokio::test]
async fn one_of_two_creations_at_once_gets_the_name_b103() {
    let world = World::new().await;
    for n in 0..10 {
        let name = format!("room {n}");
        let (one, other) = tokio::join!(world.create(named(&name)), world.create(named(&name)));
        let mut refused: Vec<u32> = [&one, &other]
            .into_iter()
            .filter_map(|r| r.as_ref().err().copied())
            .collect();
        assert_eq!(refused.pop(), Some(50353), "{one:?} {other:?}");
        assert!(refused.is_empty());
    }
}

#[tokio::test]
async fn one_of_two_renamings_at_once_gets_the_name_b103_b106() {
    let world = World::new().await;
    let one = world.create(Fields::default()).await.unwrap().sid;
    let other = world.create(Fields::default()).await.unwrap().sid;
    let results = tokio::join!(
        world.update(one, named("room")),
        world.update(other, named("room"))
    );
    let (winner, loser) = match results {
        (Ok(_), Err(50353)) => (one, other),
        (Err(50353), Ok(_)) => (other, one),
        results => panic!("{results:?}"),
    };
    // A name that is given up is free, and so is that of a conversation that is gone.
    world.update(winner, named("")).await.unwrap();
    world.update(loser, named("room")).await.unwrap();
    world.delete(loser).await.unwrap();
    world.update(winner, named("room")).await.unwrap();
}

#[tokio::test]
async fn the_states_that_a_caller_may_set_b107_b108_b109_b110() {
    let world = World::new().await;
    for (word, refusal) in [
        ("closed", 50384),
        ("initializing", 50386),
        ("asleep", 50378),
        ("Active", 50378),
        ("", 50374),
    ] {
        assert_eq!(world.create(in_state(word)).await.unwrap_err(), refusal, "{word}");
    }
    let sid = world.create(in_state("inactive")).await.unwrap().sid;
    for word in ["active", "inactive", "active"] {
        world.clock.advance(1);
        let changed = world.set_state(sid, word).await.unwrap();
        assert_eq!((changed.state.name(), changed.state_at), (word, world.now()));
    }
    world.clock.advance(1);
    let same = world.set_state(sid, "active").await.unwrap();
    assert_eq!(same.state_at.plus_seconds(1), world.now());
    for (word, refusal) in [("initializing", 50386), ("asleep", 50378), ("", 50374)] {
        assert_eq!(world.set_state(sid, word).await.unwrap_err(), refusal, "{word}");
    }
    world.set_state(sid, "closed").await.unwrap();
    for word in ["active", "inactive", "closed"] {
        assert_eq!(world.set_state(sid, word).await.unwrap_err(), 50377, "{word}");
    }
}

#[tokio::test]
async fn a_closed_conversation_is_read_only_b111_b112_b113_b172() {
    let world = World::new().await;
    let sid = world.create(Fields::default()).await.unwrap().sid;
    world.add(sid, chat("alice")).await.unwrap();
    world.add(sid, phone(PHONE)).await.unwrap();
    world.post(sid, "hello").await.unwrap();
    world.set_state(sid, "closed").await.unwrap();
    assert_eq!(world.post(sid, "late").await.unwrap_err(), 50377);
    assert_eq!(world.add(sid, chat("bob")).await.unwrap_err(), 50377);
    for fields in [
        Fields::default(),
        named("x"),
        timers(Some("PT1M"), None),
        timers(None, Some("PT0S")),
    ] {
        assert_eq!(world.update(sid, fields).await.unwrap_err(), 50377);
    }
    let mut horizon = participant::Update::of(world.service, &sid.to_string(), "alice");
    horizon.horizon = Some(participant::Horizon::At(0));
    assert_eq!(world.rest(horizon).await.unwrap_err(), 50377);
    // What was said can be read, who is in may leave, and the number pair is free.
    assert_eq!(world.messages(sid).await.len(), 1);
    let leave = participant::Remove {
        service: world.service,
        conversation: sid.to_string(),
        key: "alice".into(),
    };
    world.rest(leave).await.unwrap();
    let other = world.create(Fields::default()).await.unwrap().sid;
    world.add(other, phone(PHONE)).await.unwrap();
    world.delete(sid).await.unwrap();
    assert!(world.find(sid).await.is_none());
}

#[tokio::test]
async fn a_message_awakens_an_inactive_conversation_b114() {
    let world = World::new().await;
    let sid = world.create(in_state("inactive")).await.unwrap().sid;
    world.clock.advance(5);
    let message = world.post(sid, "hello").await.unwrap();
    let awake = world.get(sid).await;
    assert_eq!((awake.state, message.index), (State::Active, 0));
    assert_eq!((awake.state_at, awake.updated_at), (world.now(), world.now()));
    // The next one changes no state and does not move `date_updated`.
    world.clock.advance(5);
    world.post(sid, "again").await.unwrap();
    let after = world.get(sid).await;
    assert_eq!(
        (after.state_at, after.updated_at),
        (awake.state_at, awake.updated_at)
    );
    assert_eq!((after.seq, after.next_index), (2, 2));
}

/// B-114: on PostgreSQL several see it inactive, and only one of them awakens it.
#[tokio::test]
async fn many_messages_at_once_awaken_it_together() {
    let world = World::new().await;
    for _ in 0..5 {
        let sid = world.create(in_state("inactive")).await.unwrap().sid;
        let (one, two, three) =
            tokio::join!(world.post(sid, "1"), world.post(sid, "2"), world.post(sid, "3"));
        let mut indexes = [one, two, three].map(|message| message.unwrap().index);
        indexes.sort_unstable();
        assert_eq!(indexes, [0, 1, 2]);
        assert_eq!(world.get(sid).await.state, State::Active);
    }
}

#[tokio::test]
async fn the_list_of_a_state_is_in_the_order_of_creation_b131() {
    let world = World::new().await;
    let mut made = Vec::new();
    for n in 0..7 {
        world.clock.advance(1);
        let word = if n % 2 == 0 { "active" } else { "inactive" };
        made.push(world.create(in_state(word)).await.unwrap().sid);
    }
    world.set_state(made[0], "closed").await.unwrap();
    for (state, expected) in [
        (State::Active, vec![made[6], made[4], made[2]]),
        (State::Inactive, vec![made[5], made[3], made[1]]),
        (State::Closed, vec![made[0]]),
        (State::Initializing, vec![]),
    ] {
        let page = world.list(Some(state), all()).await;
        let sids: Vec<_> = page.items.iter().map(|c| c.sid).collect();
        assert_eq!(sids, expected, "{state:?}");
    }
    // Page by page it is the same list, forwards and back.
    let page = |cursor| Window { cursor, size: 2 };
    let first = world.list(Some(State::Active), page(None)).await;
    let second = world.list(Some(State::Active), page(first.next.clone())).await;
    assert_eq!(
        [first.items[0].sid, first.items[1].sid, second.items[0].sid],
        [made[6], made[4], made[2]]
    );
    assert!(second.next.is_none());
    let back = world
        .list(Some(State::Active), page(second.previous.clone()))
        .await;
    assert_eq!(back.items[0].sid, made[6]);
}

/// B-132, B-133: from the moment of the answer nobody finds it, while its messages are still being removed.
#[tokio::test]
async fn a_conversation_is_gone_before_its_messages_are_b132_b133() {
    let world = World::new().await;
    let sid = world.create(named("room")).await.unwrap().sid;
    world.add(sid, phone(PHONE)).await.unwrap();
    world.post(sid, "hello").await.unwrap();
    world.delete(sid).await.unwrap();
    assert!(world.next_job().await.is_some());
    assert_eq!(world.post(sid, "late").await.unwrap_err(), 50350);
    assert_eq!(world.add(sid, chat("bob")).await.unwrap_err(), 50350);
    assert_eq!(world.update(sid, named("x")).await.unwrap_err(), 20404);
    assert_eq!(world.delete(sid).await.unwrap_err(), 20404);
    let again = world.create(named("room")).await.unwrap().sid;
    world.add(again, phone(PHONE)).await.unwrap();
    world.work().await;
    assert_eq!(world.next_job().await, None);
}

/// B-143: whatever a face lets through, a client sets neither state nor timers.
#[tokio::test]
async fn sdk_clients_set_no_state_and_no_timers_b143() {
    let world = World::new().await;
    let alice = world.client("alice").await;
    let made = world
        .execute(alice.clone(), world.creation(named("room")))
        .await
        .unwrap();
    let join = participant::Add {
        service: world.service,
        conversation: made.sid.to_string(),
        fields: chat("alice"),
    };
    world.execute(alice.clone(), join).await.unwrap();
    for fields in [
        in_state("inactive"),
        timers(Some("PT1M"), None),
        timers(None, Some("PT10M")),
    ] {
        let create = world.creation(fields.clone());
        assert_eq!(
            code(world.execute(alice.clone(), create).await.unwrap_err()),
            50107
        );
        let update = conversation::Update {
            service: world.service,
            key: made.sid.to_string(),
            fields,
        };
        assert_eq!(
            code(world.execute(alice.clone(), update).await.unwrap_err()),
            50107
        );
    }
    let now = world.get(made.sid).await;
    assert_eq!((now.state, now.timers.inactive), (State::Active, None));
}
