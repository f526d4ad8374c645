//! Who can be a member of a group, and how many.

use confab_domain::participant::{Fields, Participant};
use confab_domain::{Actor, Limits, account, conversation, number};
use confab_testkit::engine_with;
use confab_types::{AccountSid, Sid as _};

use super::{ANN, BEN, DESK, DOOR, Texting, behind, chat, known_as, native, number_alone, text};

#[tokio::test]
async fn the_kinds_of_members_b211_b222() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let ann = texting.add(sid, native(ANN)).await.unwrap();
    let alice = texting.add(sid, known_as("alice", DESK)).await.unwrap();
    let door = texting.add(sid, number_alone(DOOR)).await.unwrap();
    let shape = |p: &Participant| {
        let binding = p.binding().unwrap();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (
            binding.kind,
            owned(binding.address),
            owned(binding.proxy_address),
            owned(binding.projected_address),
        )
    };
    assert_eq!(shape(&ann), ("sms", text(ANN), None, None));
    assert_eq!(shape(&alice), ("sms", None, None, text(DESK)));
    assert_eq!(shape(&door), ("sms", None, None, text(DOOR)));
    assert_eq!((ann.kind(), alice.kind(), door.kind()), ("sms", "chat", "sms"));
    // Who does nothing here by himself has no role.
    assert_eq!(ann.role_sid, None);
    assert!(alice.role_sid.is_some() && alice.role_sid == door.role_sid);
    assert_eq!(texting.add(sid, chat("bob")).await.unwrap().binding(), None);
}

#[tokio::test]
async fn what_an_account_cannot_project_b212_b213() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    for (number, code) in [
        ("+18005550100", 50439),
        ("+18885550100", 50439),
        ("+445017122661", 50439),
        ("12345", 50439),
        ("whatsapp:+15017122661", 50420),
        ("nonsense", 50407),
        ("", 50434),
    ] {
        assert_eq!(
            texting.add(sid, number_alone(number)).await.unwrap_err(),
            code,
            "{number}"
        );
    }
    let stranger = AccountSid::from_bits(2);
    let ensure = account::Ensure {
        sid: stranger,
        auth_token: "sealed".into(),
        replace_token: false,
    };
    texting.run_as(Actor::System, ensure).await.unwrap();
    let taken = number::Create {
        account: stranger,
        address: DESK.into(),
        friendly_name: None,
        kind: None,
    };
    texting.run(taken).await.unwrap();
    for fields in [number_alone(DESK), known_as("alice", DESK)] {
        assert_eq!(texting.add(sid, fields).await.unwrap_err(), 50439);
    }
    assert!(texting.participants(sid).await.is_empty());
}

#[tokio::test]
async fn a_number_that_nobody_owns_is_projected_only_where_it_may_be_claimed_b169() {
    let limits = Limits {
        auto_claim: false,
        ..Limits::default()
    };
    let texting = Texting {
        engine: engine_with(limits).await,
    };
    let sid = texting.conversation().await;
    assert_eq!(texting.add(sid, number_alone(DESK)).await.unwrap_err(), 50439);
    assert_eq!(texting.add(sid, behind(ANN, DESK)).await.unwrap_err(), 50413);
    let whatsapp = behind("whatsapp:+15558675310", "whatsapp:+15017122661");
    assert_eq!(texting.add(sid, whatsapp).await.unwrap_err(), 50415);
    let own = number::Create {
        account: texting.engine.account.sid,
        address: DESK.into(),
        friendly_name: None,
        kind: None,
    };
    texting.run(own).await.unwrap();
    texting.add(sid, number_alone(DESK)).await.unwrap();
}

#[tokio::test]
async fn what_no_member_is_made_of() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let both = Fields {
        address: text(ANN),
        ..number_alone(DESK)
    };
    let proxied = Fields {
        proxy_address: text(DOOR),
        ..number_alone(DESK)
    };
    for (fields, code) in [
        (both, 50420),
        (proxied, 50420),
        (
            Fields {
                identity: text("alice"),
                ..native(ANN)
            },
            50211,
        ),
        // Reached by its carrier's rules only behind a sender of the account.
        (native("whatsapp:+15558675310"), 50412),
        (native("12345"), 50407),
        (native("nonsense"), 50407),
        (native(""), 50411),
        (native("chat:room"), 50420),
        (behind("chat:room", "chat:door"), 50453),
        (behind(ANN, ""), 50412),
    ] {
        assert_eq!(
            texting.add(sid, fields.clone()).await.unwrap_err(),
            code,
            "{fields:?}"
        );
    }
    texting.add(sid, number_alone(DESK)).await.unwrap();
    // The account's own numbers are no people.
    assert_eq!(texting.add(sid, native(DESK)).await.unwrap_err(), 50407);
    assert_eq!(texting.participants(sid).await.len(), 1);
}

#[tokio::test]
async fn the_eleventh_member_is_one_too_many_b214() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    for n in 0..9 {
        texting
            .add(sid, native(&format!("+1555867530{n}")))
            .await
            .unwrap();
    }
    // Who only chats is no member.
    texting.add(sid, chat("bob")).await.unwrap();
    texting.add(sid, known_as("alice", DESK)).await.unwrap();
    for fields in [native(ANN), number_alone(DOOR), known_as("carol", DOOR)] {
        assert_eq!(texting.add(sid, fields).await.unwrap_err(), 50436);
    }
    let bob = texting
        .participants(sid)
        .await
        .into_iter()
        .find(|p| p.identity == text("bob"))
        .unwrap();
    let project = texting.update(&bob, |u| u.projected_address = text(DOOR)).await;
    assert_eq!(project.unwrap_err(), 50436);
    let ann = texting.add(sid, behind(ANN, DOOR)).await.unwrap();
    let bare = texting.update(&ann, |u| u.proxy_address = text("null")).await;
    assert_eq!(bare.unwrap_err(), 50436);
}

#[tokio::test]
async fn the_owner_sets_how_big_a_group_is() {
    let limits = Limits {
        group_participants: 2,
        ..Limits::default()
    };
    let texting = Texting {
        engine: engine_with(limits).await,
    };
    let sid = texting.with(&[native(ANN), number_alone(DESK)]).await;
    assert_eq!(texting.add(sid, native(BEN)).await.unwrap_err(), 50436);
}

#[tokio::test]
async fn a_group_needs_a_messaging_service_b173() {
    let texting = Texting::start().await;
    let create = conversation::Create {
        account: texting.engine.account.sid,
        service: texting.engine.account.default_service,
        fields: conversation::Fields {
            messaging_service: Some(String::new()),
            ..conversation::Fields::default()
        },
    };
    let sid = texting.run(create).await.unwrap().sid;
    for fields in [native(ANN), number_alone(DESK), behind(ANN, DESK)] {
        assert_eq!(texting.add(sid, fields).await.unwrap_err(), 50373);
    }
}
