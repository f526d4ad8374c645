//! A conversation with its first participants.

use confab_domain::conversation::{self, Conversation, CreateWithParticipants, Fields, State};
use confab_domain::{Actor, alert, message, participant};

use crate::{NUMBER, PHONE, World, chat, phone, timers};

const ALICE: &str = r#"{"identity":"alice"}"#;

fn by_phone(address: &str) -> String {
    format!(r#"{{"messaging_binding":{{"address":"{address}","proxy_address":"{NUMBER}"}}}}"#)
}

impl World {
    async fn create_with(&self, fields: Fields, participants: &[&str]) -> Result<Conversation, u32> {
        self.rest(CreateWithParticipants {
            account: self.account.sid,
            service: self.service,
            fields,
            participants: participants.iter().map(|&p| p.to_owned()).collect(),
        })
        .await
    }

    /// How many conversations there are.
    async fn count(&self) -> usize {
        self.list(None, crate::all()).await.items.len()
    }
}

#[tokio::test]
async fn without_participants_it_is_active_at_once_b136() {
    let world = World::new().await;
    let made = world.create_with(timers(Some("PT1M"), None), &[]).await.unwrap();
    assert_eq!(made.state, State::Active);
    assert!(made.date_inactive().is_some());
    assert_eq!(world.next_job().await, made.date_inactive());
}

#[tokio::test]
async fn participants_come_in_behind_the_answer_b137() {
    let world = World::new().await;
    let attributed = r#"{"identity":"bob","attributes":"{\"a\":1}","role_sid":null,"other":true}"#;
    let fields = Fields {
        unique_name: Some("room".into()),
        ..timers(Some("PT1M"), None)
    };
    let made = world
        .create_with(fields, &[ALICE, attributed, &by_phone(PHONE)])
        .await
        .unwrap();
    assert_eq!(made.state, State::Initializing);
    assert_eq!((made.date_inactive(), made.date_closed()), (None, None));
    assert!(world.participants(made.sid).await.is_empty());
    world.clock.advance(5);
    world.work().await;
    let open = world.get(made.sid).await;
    assert_eq!((open.state, open.state_at), (State::Active, world.now()));
    // Its timers count from here.
    assert_eq!(open.date_inactive(), Some(world.now().plus_seconds(60)));
    assert_eq!((open.participants_count, open.non_chat_count), (3, 1));
    let mut inside = world.participants(made.sid).await;
    inside.sort_by(|a, b| a.identity.cmp(&b.identity));
    assert_eq!(inside[0].address.as_deref(), Some(PHONE));
    assert_eq!(inside[1].identity.as_deref(), Some("alice"));
    assert_eq!(
        (inside[2].identity.as_deref(), inside[2].attributes.as_str()),
        (Some("bob"), r#"{"a":1}"#)
    );
    world.post(made.sid, "hello").await.unwrap();
    // The job may run once more: its worker died before it could say that it was done.
    let again = conversation::Initialize {
        conversation: made.sid,
        participants: vec![r#"{"identity":"carol"}"#.into()],
        state: State::Active,
    };
    world.execute(Actor::System, again).await.unwrap();
    assert_eq!(world.participants(made.sid).await.len(), 3);
}

/// B-142, B-215: the first two of three numbers make no group before the third is in.
#[tokio::test]
async fn a_group_is_made_of_all_its_numbers_at_once_b142_b215() {
    let world = World::new().await;
    let alice = format!(r#"{{"identity":"alice","messaging_binding":{{"projected_address":"{NUMBER}"}}}}"#);
    let native = |number: &str| format!(r#"{{"messaging_binding":{{"address":"{number}"}}}}"#);
    let (one, other) = (native(PHONE), native("+15558675311"));
    let make = async |participants: &[&str]| {
        let made = world.create_with(Fields::default(), participants).await;
        world.work().await;
        made
    };
    let two = make(&[&alice, &one]).await.unwrap();
    let three = make(&[&alice, &one, &other]).await.unwrap();
    for (sid, count) in [(two.sid, 2), (three.sid, 3)] {
        let made = world.get(sid).await;
        assert_eq!((made.state, made.participants_count), (State::Active, count));
    }
    for participants in [&[&*one, &*alice][..], &[&*other, &*one, &*alice]] {
        assert_eq!(make(participants).await.unwrap_err(), 50438);
    }
    assert_eq!(world.count().await, 2);
}

#[tokio::test]
async fn attributes_are_kept_as_they_were_written_b137() {
    let world = World::new().await;
    let made = world
        .create_with(
            Fields::default(),
            &[
                r#"{"identity":"alice","attributes":{"b": 12345678901234567890123, "a":[1.50]}}"#,
                r#"{"identity":"bob","attributes":"\"text\""}"#,
                r#"{"identity":"carol","attributes":null}"#,
            ],
        )
        .await
        .unwrap();
    world.work().await;
    let mut inside = world.participants(made.sid).await;
    inside.sort_by(|a, b| a.identity.cmp(&b.identity));
    let kept: Vec<&str> = inside.iter().map(|p| p.attributes.as_str()).collect();
    assert_eq!(
        kept,
        [r#"{"b": 12345678901234567890123, "a":[1.50]}"#, r#""text""#, "{}"]
    );
}

#[tokio::test]
async fn the_state_that_was_asked_for_comes_after_initializing_b137() {
    let world = World::new().await;
    let fields = Fields {
        state: Some("inactive".into()),
        ..Fields::default()
    };
    let made = world.create_with(fields, &[ALICE]).await.unwrap();
    assert_eq!(made.state, State::Initializing);
    world.work().await;
    assert_eq!(world.get(made.sid).await.state, State::Inactive);
}

#[tokio::test]
async fn ten_participants_and_not_one_more_b138() {
    let world = World::new().await;
    let texts: Vec<String> = (0..11).map(|n| format!(r#"{{"identity":"user {n}"}}"#)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(
        world.create_with(Fields::default(), &texts).await.unwrap_err(),
        50426
    );
    assert_eq!(world.count().await, 0);
    let made = world.create_with(Fields::default(), &texts[..10]).await.unwrap();
    world.work().await;
    assert_eq!(world.get(made.sid).await.participants_count, 10);
}

#[tokio::test]
async fn a_participant_is_a_json_object_b139() {
    let world = World::new().await;
    for text in [
        "alice",
        "{",
        "[]",
        "null",
        "1",
        "\"alice\"",
        r#"{"identity":1}"#,
        r#"{"identity":"a","identity":"b"}"#,
        r#"{"messaging_binding":"+15558675310"}"#,
    ] {
        assert_eq!(
            world
                .create_with(Fields::default(), &[ALICE, text])
                .await
                .unwrap_err(),
            50424,
            "{text}"
        );
    }
    assert_eq!(world.count().await, 0);
}

#[tokio::test]
async fn all_is_checked_before_anything_is_made_b142() {
    let world = World::new().await;
    let taken = world.create(Fields::default()).await.unwrap().sid;
    world.add(taken, phone(PHONE)).await.unwrap();
    let long = format!(r#"{{"identity":"{}"}}"#, "x".repeat(257));
    let too_much = format!(
        r#"{{"identity":"bob","attributes":"\"{}\""}}"#,
        "x".repeat(4 * 1024)
    );
    let pair = by_phone("+15558675311");
    for (participants, refusal) in [
        (&[ALICE, "{}"][..], 20001),
        (&[ALICE, r#"{"identity":"a\u0000b"}"#], 20001),
        (&[ALICE, &by_phone(PHONE)], 50425),
        (&[&pair, &pair], 50425),
        (&[ALICE, ALICE], 50433),
        (&[ALICE, &long], 50207),
        (&[ALICE, &too_much], 50303),
        (&[ALICE, r#"{"identity":"bob","attributes":"{"}"#], 50304),
        (&[ALICE, r#"{"identity":"bob","role_sid":"RL1"}"#], 50109),
        (&[ALICE, &by_phone("nonsense")], 50407),
        (&[ALICE, &by_phone(NUMBER)], 50409),
    ] {
        assert_eq!(
            world
                .create_with(Fields::default(), participants)
                .await
                .unwrap_err(),
            refusal,
            "{participants:?}"
        );
    }
    for (fields, refusal) in [
        (timers(Some("PT1S"), None), 50375),
        (
            Fields {
                state: Some("closed".into()),
                ..Fields::default()
            },
            50384,
        ),
        (
            Fields {
                messaging_service: Some("MG1".into()),
                ..Fields::default()
            },
            50341,
        ),
    ] {
        assert_eq!(world.create_with(fields, &[ALICE]).await.unwrap_err(), refusal);
    }
    // Not even a user of the good ones was made, and nobody heard of a conversation.
    assert_eq!((world.count().await, world.next_job().await), (1, None));
    let service = world.service;
    let users = world
        .read(move |tx| confab_domain::user::list(tx, service, &crate::all()))
        .await
        .unwrap();
    assert!(users.items.is_empty());
}

#[tokio::test]
async fn what_is_only_rehearsed_nobody_hears_of_b142() {
    let world = World::new().await;
    let mut commits = world.commits();
    let made = world.create_with(Fields::default(), &[ALICE]).await.unwrap();
    assert!(commits.try_recv().is_err());
    world.work().await;
    // The conversation in its state, its participant, and what the participant's user sees.
    for seq in [1, 2] {
        let commit = commits.recv().await.unwrap();
        assert_eq!(
            (commit.stream, commit.seq),
            (confab_domain::Stream::Conversation(made.sid), seq)
        );
    }
    assert!(matches!(
        commits.recv().await.unwrap().stream,
        confab_domain::Stream::User(_)
    ));
}

#[tokio::test]
async fn while_it_is_initializing_nothing_can_be_changed_b141() {
    let world = World::new().await;
    let made = world.create_with(Fields::default(), &[ALICE]).await.unwrap();
    let (service, conversation) = (world.service, made.sid.to_string());
    let name = Fields {
        friendly_name: Some("x".into()),
        ..Fields::default()
    };
    for fields in [name, Fields::default(), timers(Some("PT0S"), None)] {
        assert_eq!(world.update(made.sid, fields).await.unwrap_err(), 50386);
    }
    assert_eq!(world.set_state(made.sid, "active").await.unwrap_err(), 50386);
    assert_eq!(world.delete(made.sid).await.unwrap_err(), 50386);
    assert_eq!(world.post(made.sid, "hello").await.unwrap_err(), 50386);
    assert_eq!(world.add(made.sid, chat("bob")).await.unwrap_err(), 50386);
    let update = participant::Update::of(service, &conversation, "alice");
    assert_eq!(world.rest(update).await.unwrap_err(), 50386);
    let remove = participant::Remove {
        service,
        conversation: conversation.clone(),
        key: "alice".into(),
    };
    assert_eq!(world.rest(remove).await.unwrap_err(), 50386);
    let delete = message::Delete {
        service,
        conversation,
        key: "IM00000000000000000000000000000000".into(),
    };
    assert_eq!(world.rest(delete).await.unwrap_err(), 50386);
    // It can be read and listed, and its timers do not run.
    assert_eq!(
        world.list(Some(State::Initializing), crate::all()).await.items[0].sid,
        made.sid
    );
    assert_eq!(world.run_timers(made.sid).await, None);
    let after = world.get(made.sid).await;
    assert_eq!((after.seq, after.messages_count), (0, 0));
    world.work().await;
    world.post(made.sid, "hello").await.unwrap();
}

#[tokio::test]
async fn who_cannot_be_added_any_more_closes_it_b140() {
    let world = World::new().await;
    let made = world
        .create_with(timers(Some("PT1M"), None), &[ALICE, &by_phone(PHONE)])
        .await
        .unwrap();
    // Between the check and the work somebody else takes the number pair.
    let other = world.create(Fields::default()).await.unwrap().sid;
    world.add(other, phone(PHONE)).await.unwrap();
    world.work().await;
    let closed = world.get(made.sid).await;
    assert_eq!((closed.state, closed.participants_count), (State::Closed, 0));
    assert!(world.participants(made.sid).await.is_empty());
    assert_eq!(world.next_job().await, None);
    let (account, now) = (world.account.sid, world.now());
    let told = world
        .read(move |tx| alert::list(tx, account, &alert::Filter::default(), now, &crate::all()))
        .await
        .unwrap();
    let [told] = told.items.as_slice() else {
        panic!("one alert: {told:?}");
    };
    assert_eq!((told.error_code, told.level.as_str()), (50427, "error"));
    assert_eq!(told.resource, Some(made.sid.to_string()));
    assert!(told.text.contains("50416"), "{}", told.text);
    world.delete(made.sid).await.unwrap();
}

#[tokio::test]
async fn a_name_is_taken_once_b103() {
    let world = World::new().await;
    let fields = Fields {
        unique_name: Some("room".into()),
        ..Fields::default()
    };
    let (one, other) = tokio::join!(
        world.create_with(fields.clone(), &[ALICE]),
        world.create_with(fields, &[ALICE])
    );
    let codes: Vec<u32> = [one, other].into_iter().filter_map(Result::err).collect();
    assert_eq!(codes, [50353]);
    world.work().await;
    assert_eq!(world.count().await, 1);
}
