//! Reading that a phone reports.

use confab_domain::participant::{self, Participant};
use confab_domain::receipt::Status;
use confab_domain::{Actor, Change, receipt};

use super::{ANN, BEN, CAT, DESK, DOOR, Texting, behind, known_as, native};

#[tokio::test]
async fn reading_on_whatsapp_moves_the_horizon_and_texting_has_none_b582_b583() {
    let texting = Texting::start().await;
    let sid = texting.conversation().await;
    let whatsapp = behind("whatsapp:+15558675310", "whatsapp:+15017122661");
    let reader = texting.add(sid, whatsapp).await.unwrap();
    let phone = texting.add(sid, behind(CAT, DOOR)).await.unwrap();
    let mut sent = Vec::new();
    for _ in 0..3 {
        let said = texting.post(sid, None).await.unwrap();
        sent.push(texting.receipts(&said).await);
    }
    let read = |n: usize, who: &Participant| receipt::Report {
        channel_message: sent[n]
            .iter()
            .find(|r| r.participant == who.sid)
            .unwrap()
            .channel_message
            .clone(),
        status: Status::Read,
        error_code: None,
    };
    let horizon = |who: &Participant| {
        let key = who.sid;
        let all = texting.participants(sid);
        async move {
            let found = all.await.into_iter().find(|p| p.sid == key).unwrap();
            (found.last_read_index, found.last_read_at.is_some())
        }
    };
    let mut commits = texting.engine.commits();
    assert!(texting.run_as(Actor::Carrier, read(1, &reader)).await.unwrap());
    assert_eq!(horizon(&reader).await, (Some(1), true));
    let commit = commits.try_recv().unwrap();
    assert!(
        matches!(&commit.changes[..], [Change::MessageUpdated(_), Change::ParticipantUpdated(p)] if p.sid == reader.sid)
    );
    // An older one that is told of later does not move it back.
    assert!(texting.run_as(Actor::Carrier, read(0, &reader)).await.unwrap());
    assert_eq!(horizon(&reader).await, (Some(1), true));
    assert!(!texting.run_as(Actor::Carrier, read(2, &phone)).await.unwrap());
    assert_eq!(horizon(&phone).await, (None, false));
    // Neither by request.
    let asked = texting
        .update(&phone, |u| u.horizon = Some(participant::Horizon::At(2)))
        .await
        .unwrap();
    assert_eq!((asked.last_read_index, asked.last_read_at), (None, None));
    texting.close(sid).await;
    assert!(texting.run_as(Actor::Carrier, read(2, &reader)).await.unwrap());
    assert_eq!(horizon(&reader).await, (Some(1), true));
}

#[tokio::test]
async fn a_group_message_is_not_read_either_b356() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[native(ANN), native(BEN), known_as("alice", DESK)])
        .await;
    let said = texting.post(sid, Some("alice")).await.unwrap();
    let report = receipt::Report {
        channel_message: texting.receipts(&said).await[0].channel_message.clone(),
        status: Status::Read,
        error_code: None,
    };
    assert!(!texting.run_as(Actor::Carrier, report).await.unwrap());
}
