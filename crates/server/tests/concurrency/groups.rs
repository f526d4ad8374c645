//! Groups of texting that come about at the same time.

use confab_domain::{Actor, Order, participant, user};
use confab_testkit::engine;

use super::{CALLERS, all, at_once, conversation, member};

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
