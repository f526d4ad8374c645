//! Who is behind a number, and how that changes.

use confab_domain::{Change, Limits, Stream, participant, participant_conversation, user};
use confab_testkit::engine_with;

use super::{ANN, BEN, CAT, DESK, DOOR, Texting, behind, chat, known_as, native, number_alone, text, window};

#[tokio::test]
async fn another_person_takes_over_a_number_b220() {
    let texting = Texting::start().await;
    let sid = texting.with(&[native(ANN), native(BEN)]).await;
    let alice = texting.add(sid, known_as("alice", DESK)).await.unwrap();
    texting
        .update(&alice, |u| u.horizon = Some(participant::Horizon::At(3)))
        .await
        .unwrap();
    let mut commits = texting.engine.commits();
    let bob = texting
        .update(&alice, |u| u.identity = text("bob"))
        .await
        .unwrap();
    assert_eq!((bob.sid, &bob.projected_address), (alice.sid, &text(DESK)));
    assert_eq!(
        (&bob.identity, bob.last_read_index, bob.last_read_at),
        (&text("bob"), None, None)
    );
    assert_ne!(bob.user, alice.user);
    // Clients never change the identity of a participant, so one leaves and one comes, in this order.
    let mut seen = Vec::new();
    while let Ok(commit) = commits.try_recv() {
        for change in &commit.changes {
            let what = match change {
                Change::Left(stone) => format!("left {}", stone.item == sid.to_string()),
                Change::ParticipantRemoved(stone) => format!("out {}", stone.item == alice.sid.to_string()),
                Change::ParticipantAdded(p) => format!("in {}", p.identity.as_deref().unwrap_or("-")),
                Change::Joined(p) => format!("joined {}", p.identity.as_deref().unwrap_or("-")),
                other => format!("{other:?}"),
            };
            let whose = match commit.stream {
                Stream::User(user) if Some(user) == alice.user => "alice",
                Stream::User(_) => "bob",
                Stream::Conversation(_) => "all",
            };
            seen.push(format!("{whose}: {what}"));
        }
    }
    assert_eq!(
        seen,
        [
            "alice: left true",
            "all: out true",
            "all: in bob",
            "bob: joined bob"
        ]
    );

    let nobody = texting.update(&bob, |u| u.identity = text("null")).await.unwrap();
    assert_eq!(
        (&nobody.identity, nobody.user, &nobody.projected_address),
        (&None, None, &text(DESK))
    );
    texting.post(sid, Some(DESK)).await.unwrap();
    assert_eq!(
        texting
            .update(&nobody, |u| u.identity = text("null"))
            .await
            .unwrap_err(),
        50211
    );
    let carol = texting
        .update(&nobody, |u| u.identity = text("carol"))
        .await
        .unwrap();
    assert_eq!(carol.identity, text("carol"));
    texting.add(sid, chat("dan")).await.unwrap();
    assert_eq!(
        texting
            .update(&carol, |u| u.identity = text("dan"))
            .await
            .unwrap_err(),
        50433
    );
    let long = "x".repeat(257);
    assert_eq!(
        texting
            .update(&carol, |u| u.identity = Some(long))
            .await
            .unwrap_err(),
        50207
    );
}

#[tokio::test]
async fn the_next_person_of_a_number_is_in_no_more_conversations_than_others_b179() {
    let limits = Limits {
        conversations_per_identity: 1,
        ..Limits::default()
    };
    let texting = Texting {
        engine: engine_with(limits).await,
    };
    let busy = texting.with(&[chat("bob")]).await;
    let sid = texting.conversation().await;
    let alice = texting.add(sid, known_as("alice", DESK)).await.unwrap();
    assert_eq!(
        texting
            .update(&alice, |u| u.identity = text("bob"))
            .await
            .unwrap_err(),
        50214
    );
    texting.close(busy).await;
    texting
        .update(&alice, |u| u.identity = text("bob"))
        .await
        .unwrap();
}

#[tokio::test]
async fn identities_of_others_stay_b221() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let alice = texting.add(sid, chat("alice")).await.unwrap();
    let ann = texting.add(sid, native(ANN)).await.unwrap();
    let cat = texting.add(sid, behind(CAT, DOOR)).await.unwrap();
    for (of, identity, code) in [
        (&alice, "bob", 50444),
        (&alice, "null", 50444),
        (&ann, "bob", 50211),
        (&cat, "bob", 50211),
    ] {
        assert_eq!(
            texting
                .update(of, |u| u.identity = text(identity))
                .await
                .unwrap_err(),
            code
        );
    }
    // Saying what it is changes nothing.
    let same = texting
        .update(&alice, |u| u.identity = text("alice"))
        .await
        .unwrap();
    assert_eq!((same.sid, same.user), (alice.sid, alice.user));
}

#[tokio::test]
async fn proxies_and_projected_addresses_come_and_go_b183_b184() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let alice = texting.add(sid, chat("alice")).await.unwrap();
    let ann = texting.add(sid, behind(ANN, DESK)).await.unwrap();
    let whatsapp = behind("whatsapp:+15558675310", "whatsapp:+15017122661");
    let whatsapp = texting.add(sid, whatsapp).await.unwrap();
    let alone = texting.add(sid, number_alone(DOOR)).await.unwrap();
    let proxy = |value: &str| {
        let value = text(value);
        move |u: &mut participant::Update| u.proxy_address = value
    };
    let projected = |value: &str| {
        let value = text(value);
        move |u: &mut participant::Update| u.projected_address = value
    };
    assert_eq!(texting.update(&alice, proxy(DOOR)).await.unwrap_err(), 50441);
    assert_eq!(texting.update(&alice, proxy("null")).await.unwrap_err(), 50440);
    assert_eq!(
        texting.update(&alice, projected("null")).await.unwrap_err(),
        50442
    );
    assert_eq!(
        texting.update(&alone, projected("null")).await.unwrap_err(),
        50442
    );
    assert_eq!(texting.update(&ann, projected(DOOR)).await.unwrap_err(), 50443);
    assert_eq!(texting.update(&whatsapp, proxy("null")).await.unwrap_err(), 50440);
    assert_eq!(texting.update(&ann, proxy("")).await.unwrap_err(), 50412);
    assert_eq!(texting.update(&alice, projected("")).await.unwrap_err(), 50434);
    assert_eq!(
        texting
            .update(&alice, projected("+18005550100"))
            .await
            .unwrap_err(),
        50439
    );
    assert_eq!(texting.update(&alice, projected(DOOR)).await.unwrap_err(), 50437);

    let role = ann.role_sid;
    let bare = texting.update(&ann, proxy("null")).await.unwrap();
    assert!(bare.is_native() && bare.role_sid.is_none() && role.is_some());
    assert_eq!(texting.update(&bare, proxy("null")).await.unwrap_err(), 50440);
    // The pair is free for others (B-172), and then taken.
    let elsewhere = texting.with(&[behind(ANN, DESK)]).await;
    assert_eq!(texting.update(&bare, proxy(DESK)).await.unwrap_err(), 50416);
    texting.delete(elsewhere).await;
    let again = texting.update(&bare, proxy(DESK)).await.unwrap();
    assert_eq!(
        (again.proxy_address.as_deref(), again.role_sid),
        (Some(DESK), role)
    );

    let known = texting.update(&alice, projected("+15017122663")).await.unwrap();
    assert_eq!(known.binding().unwrap().projected_address, Some("+15017122663"));
    let chats = texting.update(&known, projected("null")).await.unwrap();
    assert_eq!(chats.binding(), None);
}

#[tokio::test]
async fn who_began_as_a_number_alone_is_never_found_b189() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let alone = texting.add(sid, number_alone(DESK)).await.unwrap();
    let alice = texting
        .update(&alone, |u| u.identity = text("alice"))
        .await
        .unwrap();
    assert_eq!(alice.identity, text("alice"));
    let began_as_chat = texting.with(&[known_as("alice", DOOR)]).await;
    let service = texting.engine.account.default_service;
    let find = |who: participant_conversation::Who| {
        texting.engine.read(move |tx| {
            let page = participant_conversation::list(tx, service, &who, &window())?;
            Ok(page
                .items
                .into_iter()
                .map(|i| i.conversation.sid)
                .collect::<Vec<_>>())
        })
    };
    use participant_conversation::Who;
    assert_eq!(
        find(Who::Identity("alice".into())).await.unwrap(),
        [began_as_chat]
    );
    for number in [DESK, DOOR] {
        assert!(find(Who::Address(number.into())).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_deleted_user_takes_its_number_out_of_the_group_b551() {
    let texting = Texting::start().await;
    let small = [native(ANN), native(BEN), known_as("bob", DESK)];
    let holder = texting.with(&small).await;
    let sid = texting
        .with(&[
            native(ANN),
            native(BEN),
            known_as("alice", DOOR),
            known_as("carol", DESK),
        ])
        .await;
    // What is left has the numbers of another conversation; the user goes all the same.
    let delete = user::Delete {
        service: texting.engine.account.default_service,
        key: "alice".into(),
    };
    texting.run(delete).await.unwrap();
    assert_eq!(texting.participants(sid).await.len(), 3);
    texting.text(ANN, DESK, &[BEN]).await;
    assert_eq!(
        (
            texting.messages(holder).await.len(),
            texting.messages(sid).await.len()
        ),
        (1, 0)
    );
}
