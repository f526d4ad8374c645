//! A set of numbers is one open group.

use confab_domain::{Actor, Error, participant};

use super::{ANN, BEN, CAT, DESK, DOOR, Texting, behind, chat, known_as, native, number_alone, text};

#[tokio::test]
async fn a_number_is_once_in_a_group() {
    let texting = Texting::start().await;
    let sid = texting
        .with(&[native(ANN), known_as("alice", DESK), behind(CAT, DOOR)])
        .await;
    for fields in [
        native(ANN),
        number_alone(DESK),
        known_as("bob", DESK),
        native(CAT),
    ] {
        assert_eq!(
            texting.add(sid, fields.clone()).await.unwrap_err(),
            50437,
            "{fields:?}"
        );
    }
    // Not even claimed: it is a phone of the group.
    assert_eq!(texting.add(sid, number_alone(ANN)).await.unwrap_err(), 50437);
    // In another conversation both are free.
    texting
        .with(&[native(ANN), native(BEN), number_alone(DESK)])
        .await;
}

#[tokio::test]
async fn one_open_conversation_has_a_set_of_numbers_b215() {
    let texting = Texting::start().await;
    let first = texting
        .with(&[native(ANN), native(BEN), known_as("alice", DESK)])
        .await;
    let second = texting.with(&[native(BEN), native(ANN)]).await;
    let add = participant::Add {
        service: texting.engine.account.default_service,
        conversation: second.to_string(),
        fields: number_alone(DESK),
    };
    let Err(Error::Api(refused)) = texting.engine.execute(Actor::Rest, add).await else {
        panic!("the group is there already");
    };
    assert_eq!((refused.status, refused.code), (409, 50438));
    assert!(refused.text().contains(&first.to_string()), "{}", refused.text());
    assert_eq!(texting.participants(second).await.len(), 2);
    // One number more or less is another group.
    texting.add(second, number_alone(DOOR)).await.unwrap();
    texting.add(second, number_alone(DESK)).await.unwrap();
    texting.with(&[native(ANN), number_alone(DESK)]).await;
}

#[tokio::test]
async fn an_update_cannot_make_a_group_twice_either_b215() {
    let texting = Texting::start().await;
    texting
        .with(&[native(ANN), native(BEN), number_alone(DESK)])
        .await;
    let sid = texting.with(&[native(ANN), native(BEN)]).await;
    let alice = texting.add(sid, chat("alice")).await.unwrap();
    let projected = texting.update(&alice, |u| u.projected_address = text(DESK)).await;
    assert_eq!(projected.unwrap_err(), 50438);
    let alice = texting
        .update(&alice, |u| u.projected_address = text(DOOR))
        .await
        .unwrap();
    let moved = texting.update(&alice, |u| u.projected_address = text(DESK)).await;
    assert_eq!(moved.unwrap_err(), 50438);
    let sid = texting.with(&[native(ANN), number_alone(DESK)]).await;
    let ben = texting.add(sid, behind(BEN, DOOR)).await.unwrap();
    let bare = texting.update(&ben, |u| u.proxy_address = text("null")).await;
    assert_eq!(bare.unwrap_err(), 50438);
    let left = texting.participants(sid).await;
    assert!(
        left.iter()
            .any(|p| p.sid == ben.sid && p.proxy_address == text(DOOR))
    );
}

#[tokio::test]
async fn a_group_that_ends_or_changes_frees_its_numbers_b172_b215() {
    let texting = Texting::start().await;
    let group = [native(ANN), native(BEN), number_alone(DESK)];
    let closed = texting.with(&group).await;
    texting.close(closed).await;
    let deleted = texting.with(&group).await;
    texting.delete(deleted).await;
    let shrunk = texting.with(&group).await;
    texting.remove(&texting.participants(shrunk).await[0]).await;
    let left = texting.with(&group).await;
    let door = texting.add(left, native(CAT)).await.unwrap();
    texting.with(&group).await;
    // The last one has them now; the other may have one member less all the same, but does not get them back.
    texting.remove(&door).await;
    assert_eq!(texting.participants(left).await.len(), 3);
    texting.text(ANN, DESK, &[BEN]).await;
    assert!(texting.messages(left).await.is_empty());
}

#[tokio::test]
async fn a_group_that_has_the_numbers_of_another_can_be_changed_all_the_same() {
    let texting = Texting::start().await;
    texting
        .with(&[native(ANN), native(BEN), known_as("alice", DESK)])
        .await;
    let sid = texting
        .with(&[
            native(ANN),
            native(BEN),
            native(CAT),
            behind("+15558675319", DOOR),
        ])
        .await;
    let bob = texting.add(sid, known_as("bob", DESK)).await.unwrap();
    let all = texting.participants(sid).await;
    let with = |address: &str| all.iter().find(|p| p.address == text(address)).unwrap();
    texting.remove(with(CAT)).await;
    let moved = texting
        .update(with("+15558675319"), |u| u.proxy_address = text("+15017122669"))
        .await;
    assert_eq!(moved.unwrap().proxy_address, text("+15017122669"));
    texting.update(&bob, |u| u.identity = text("dan")).await.unwrap();
    texting.post(sid, Some("dan")).await.unwrap();
    texting.add(sid, native(CAT)).await.unwrap();
}
