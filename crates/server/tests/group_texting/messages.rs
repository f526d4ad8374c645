//! What phones, scripts and people behind numbers write.

use confab_domain::participant::Participant;
use confab_domain::receipt::Status;
use confab_domain::{Actor, account, handset, number};
use confab_types::{AccountSid, Address, Sid as _};

use super::{ANN, BEN, CAT, DESK, DOOR, Texting, behind, chat, known_as, native, number_alone};

#[tokio::test]
async fn two_numbers_write_to_each_other_and_three_are_a_group_b216_b217_b225() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[native(ANN), known_as("alice", DESK), chat("bob")])
        .await;
    let first = texting.post(sid, Some("alice")).await.unwrap();
    let outbox = texting.outbox().await;
    assert_eq!(outbox.len(), 1);
    assert_eq!(
        (&outbox[0].0[..], &outbox[0].1[..], &outbox[0].2[..]),
        (DESK, ANN, &[][..])
    );
    assert!(outbox[0].3.starts_with("SM"));
    assert_eq!(texting.receipts(&first).await.len(), 1);

    texting.add(sid, native(BEN)).await.unwrap();
    texting.add(sid, known_as("carol", DOOR)).await.unwrap();
    let second = texting.post(sid, Some("carol")).await.unwrap();
    let outbox = texting.outbox().await;
    let ways: Vec<_> = outbox
        .iter()
        .map(|(from, to, others, _)| {
            (
                from.as_str(),
                to.as_str(),
                others.iter().map(String::as_str).collect(),
            )
        })
        .collect();
    let expected: [(&str, &str, Vec<&str>); 2] = [(DOOR, ANN, vec![DESK, BEN]), (DOOR, BEN, vec![DESK, ANN])];
    assert_eq!(ways, expected);
    // One receipt a phone: none for alice and bob, whom the message reaches in chat.
    let receipts = texting.receipts(&second).await;
    let mut sids: Vec<_> = receipts.iter().map(|r| r.channel_message.clone()).collect();
    sids.sort();
    let mut sent: Vec<_> = outbox.into_iter().map(|o| o.3).collect();
    sent.sort();
    assert_eq!(sids, sent);
    assert!(sids.iter().all(|sid| sid.starts_with("MM")));
    let phones: Vec<_> = texting
        .participants(sid)
        .await
        .into_iter()
        .filter(Participant::is_native)
        .map(|p| p.sid)
        .collect();
    assert!(
        receipts
            .iter()
            .all(|r| r.status.is_none() && phones.contains(&r.participant))
    );
    assert!(second.delivery.unwrap().contains("\"total\":2"));
}

#[tokio::test]
async fn a_script_writes_as_a_member_b218_b219() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[
            native(ANN),
            native(BEN),
            known_as("alice", DESK),
            number_alone(DOOR),
            chat("bob"),
        ])
        .await;
    // Nobody, a stranger, one who only chats, and a phone that writes for itself.
    for author in [
        None,
        Some("system"),
        Some("nobody"),
        Some("bob"),
        Some(ANN),
        Some("+15017120000"),
    ] {
        assert_eq!(texting.post(sid, author).await.unwrap_err(), 50513, "{author:?}");
    }
    assert!(texting.messages(sid).await.is_empty() && texting.outbox().await.is_empty());
    let alice = texting.post(sid, Some("alice")).await.unwrap();
    assert!(texting.outbox().await.iter().all(|(from, ..)| from == DESK));
    let by_number = texting.post(sid, Some(DESK)).await.unwrap();
    assert_eq!(
        (by_number.author.as_str(), by_number.participant),
        (DESK, alice.participant)
    );
    assert!(texting.outbox().await.iter().all(|(from, ..)| from == DESK));
    let door = texting.post(sid, Some(DOOR)).await.unwrap();
    let outbox = texting.outbox().await;
    assert!(door.participant.is_some() && outbox.len() == 2);
    assert!(outbox.iter().all(|(from, ..)| from == DOOR));
}

#[tokio::test]
async fn phones_without_a_number_of_the_account_cannot_be_written_to_b216() {
    let texting = Texting::start().await;
    let sid = texting.with(&[native(ANN), native(BEN), chat("alice")]).await;
    assert_eq!(texting.post(sid, Some("alice")).await.unwrap_err(), 50435);
    assert_eq!(texting.post(sid, None).await.unwrap_err(), 50435);
    assert!(texting.messages(sid).await.is_empty());
}

#[tokio::test]
async fn what_comes_in_beside_a_group_is_not_lost() {
    let texting = Texting::start().await;
    let sid = texting.with(&[native(ANN), behind(CAT, DOOR)]).await;
    // No number of the account could tell ann; her receipt says so.
    texting.text(CAT, DOOR, &[]).await;
    let first = texting.messages(sid).await.remove(0);
    let receipts = texting.receipts(&first).await;
    assert_eq!(receipts.len(), 1);
    assert_eq!(
        (receipts[0].status, receipts[0].error_code),
        (Some(Status::Failed), 50435)
    );
    assert!(first.delivery.unwrap().contains("\"failed\":\"all\""));
    assert!(texting.outbox().await.is_empty());
    // Nor does one that stands for somebody else; one that nobody is behind does.
    texting.add(sid, known_as("alice", DESK)).await.unwrap();
    texting.text(CAT, DOOR, &[]).await;
    assert!(texting.outbox().await.is_empty());
    texting.add(sid, number_alone("+15017122663")).await.unwrap();
    texting.text(CAT, DOOR, &[]).await;
    let outbox = texting.outbox().await;
    assert_eq!(
        (outbox.len(), outbox[0].0.as_str(), outbox[0].1.as_str()),
        (1, "+15017122663", ANN)
    );
}

#[tokio::test]
async fn a_phone_answers_to_all_numbers_of_its_group_b223() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[
            native(ANN),
            native(BEN),
            known_as("alice", DESK),
            known_as("bob", DOOR),
        ])
        .await;
    let pair = texting.with(&[native(ANN), number_alone(DESK)]).await;
    texting.text(ANN, DESK, &[DOOR, BEN]).await;
    texting.text(BEN, DOOR, &[DESK, ANN]).await;
    texting.text(ANN, DESK, &[]).await;
    // One who writes to some of the group only means them alone.
    texting.text(ANN, DESK, &[BEN]).await;
    let said = texting.messages(sid).await;
    let authors: Vec<_> = said.iter().map(|m| m.author.as_str()).collect();
    assert_eq!(authors, [ANN, BEN]);
    let phones: Vec<_> = texting
        .participants(sid)
        .await
        .into_iter()
        .filter(Participant::is_native)
        .map(|p| p.sid)
        .collect();
    assert!(
        said.iter()
            .all(|m| m.participant.is_some_and(|p| phones.contains(&p)))
    );
    // Their network has brought it to the other phones.
    assert!(texting.outbox().await.is_empty() && said[0].delivery.is_none());
    assert_eq!(texting.messages(pair).await.len(), 1);
    texting.close(sid).await;
    texting.text(ANN, DESK, &[DOOR, BEN]).await;
    assert_eq!(texting.messages(sid).await.len(), 2);
}

#[tokio::test]
async fn a_pair_goes_before_a_group_of_two() {
    let texting = Texting::start().await;
    let group = texting.with(&[native(ANN), number_alone(DESK)]).await;
    let pair = texting.with(&[behind(ANN, DESK)]).await;
    texting.text(ANN, DESK, &[]).await;
    assert_eq!(
        (
            texting.messages(group).await.len(),
            texting.messages(pair).await.len()
        ),
        (0, 1)
    );
}

#[tokio::test]
async fn another_account_cannot_write_into_a_group_by_a_number_that_it_took() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[native(ANN), native(BEN), number_alone(DESK)])
        .await;
    let stranger = AccountSid::from_bits(2);
    let ensure = account::Ensure {
        sid: stranger,
        auth_token: "sealed".into(),
        replace_token: false,
    };
    texting.run_as(Actor::System, ensure).await.unwrap();
    let taken = number::Create {
        account: stranger,
        address: BEN.into(),
        friendly_name: None,
        kind: None,
    };
    texting.run(taken).await.unwrap();
    let send = handset::Send {
        account: stranger,
        handset: Address::parse(ANN).unwrap(),
        to: BEN.into(),
        others: vec![DESK.into()],
        body: "intruder".into(),
        media: Vec::new(),
    };
    texting.run_as(Actor::Carrier, send).await.unwrap();
    assert!(texting.messages(sid).await.is_empty());
}
