//! Uploads, what messages do with them, and when they go: rows and bytes together.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use confab_domain::media::{Category, Collect, Collected, Owner, Reserve};
use confab_domain::role;
use confab_domain::{Actor, Limits, Window, conversation, media, message, service};
use confab_media::{Error, Upload};
use confab_types::{MediaSid, ServiceSid, Sid as _};
use futures_util::{StreamExt as _, TryStreamExt as _};

use support::{World, code, pieces};

#[tokio::test]
async fn an_upload_has_a_row_and_bytes_b271_b272_b286() {
    let world = World::start().await;
    let upload = Upload {
        filename: Some("a.txt".into()),
        ..world.upload()
    };
    let body = pieces(&["hello", " ", "world"]);
    let stored = world.library.store(Actor::Rest, upload, body).await.unwrap();
    assert_eq!(
        (stored.size, stored.author.as_str(), stored.content_type.as_str()),
        (11, "system", "text/plain")
    );
    assert_eq!(
        (stored.filename.as_deref(), stored.message),
        (Some("a.txt"), None)
    );
    let reader = world.library.objects().read(stored.sid, 0, 11).await.unwrap();
    let bytes: Vec<Bytes> = reader.stream().try_collect().await.unwrap();
    assert_eq!(bytes.concat(), b"hello world");

    let alice = world.client("alice").await;
    let same_again = world.store(alice, "hello world").await;
    assert_eq!(same_again.author, "alice");
    assert_ne!(same_again.sid, stored.sid, "the same bytes twice are two media");
}

#[tokio::test]
async fn the_type_of_unnamed_bytes_is_told_from_them() {
    let world = World::start().await;
    for given in [None, Some("application/octet-stream")] {
        let upload = Upload {
            content_type: given.map(str::to_owned),
            ..world.upload()
        };
        let stored = world
            .library
            .store(Actor::Rest, upload, pieces(&["%PDF-", "1.7"]))
            .await;
        assert_eq!(stored.unwrap().content_type, "application/pdf");
    }
}

#[tokio::test]
async fn the_limit_is_exact_and_a_refused_upload_leaves_nothing_b281() {
    let world = World::start().await;
    let limited = || Upload {
        max_bytes: 10,
        ..world.upload()
    };
    let at_it = world
        .library
        .store(Actor::Rest, limited(), pieces(&["01234", "56789"]))
        .await;
    assert_eq!(at_it.unwrap().size, 10);
    let over = world
        .library
        .store(Actor::Rest, limited(), pieces(&["01234", "567890"]))
        .await;
    assert!(matches!(over, Err(Error::TooLarge)), "{over:?}");
    world.job("remove_media").await;
    assert_eq!(world.files().len(), 1);

    let empty = world
        .library
        .store(Actor::Rest, world.upload(), pieces(&[]))
        .await;
    assert!(matches!(empty, Err(Error::Empty)), "{empty:?}");
    world.job("remove_media").await;
    let broken = pieces(&["abc"])
        .map_err(|never| match never {})
        .chain(futures_util::stream::iter([Err("gone")]));
    let broken = world.library.store(Actor::Rest, world.upload(), broken).await;
    assert!(matches!(broken, Err(Error::Broken(_))), "{broken:?}");
    world.job("remove_media").await;
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn an_upload_needs_a_service_and_a_name_of_bearable_length() {
    let world = World::start().await;
    let reserve = |service, filename: &str| Reserve {
        owner: Owner::Service(service),
        category: Category::Media,
        filename: Some(filename.to_owned()),
        bytes: 1,
    };
    let unknown = reserve(ServiceSid::from_bits(5), "a");
    assert_eq!(code(world.engine.execute(Actor::Rest, unknown).await), 20404);
    let long = reserve(world.service(), &"ä".repeat(257));
    assert_eq!(code(world.engine.execute(Actor::Rest, long).await), 20001);
    let longest = reserve(world.service(), &"ä".repeat(256));
    world.engine.execute(Actor::Rest, longest).await.unwrap();
}

#[tokio::test]
async fn what_no_message_takes_is_gone_after_five_minutes_b277() {
    let world = World::start().await;
    let stored = world.store(Actor::Rest, "bytes").await;
    world.clock.advance(299);
    world.fetch(&Actor::Rest, stored.sid).await.unwrap();
    let conversation = world.conversation().await;
    world.clock.advance(1);
    // Also while the job has not run.
    assert_eq!(code(world.fetch(&Actor::Rest, stored.sid).await), 20404);
    assert_eq!(
        code(world.send(&Actor::Rest, conversation, &[stored.sid]).await),
        50507
    );
    world.job("collect_media").await;
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn what_a_message_took_stays_b277() {
    let world = World::start().await;
    let stored = world.store(Actor::Rest, "bytes").await;
    let conversation = world.conversation().await;
    world
        .send(&Actor::Rest, conversation, &[stored.sid])
        .await
        .unwrap();
    world.clock.advance(301);
    world.job("collect_media").await;
    world.fetch(&Actor::Rest, stored.sid).await.unwrap();
    assert_eq!(world.files(), [stored.sid.to_string()].into());
}

#[tokio::test]
async fn an_upload_that_a_crash_cut_off_is_collected() {
    let world = World::start().await;
    let reserve = Reserve {
        owner: Owner::Service(world.service()),
        category: Category::Media,
        filename: None,
        bytes: 1 << 20,
    };
    let media = world.engine.execute(Actor::Rest, reserve).await.unwrap();
    let mut writer = world.library.objects().create(media).await.unwrap();
    writer.write(b"half").await.unwrap();
    drop(writer);
    assert_eq!(code(world.fetch(&Actor::Rest, media).await), 20404);
    world.clock.advance(300);
    // A slow upload is not cut off: only its longest time is waited for.
    world.job("collect_media").await;
    assert_eq!(world.files(), [media.to_string()].into());
    world.clock.advance(300);
    world.job("collect_media").await;
    assert!(world.files().is_empty());
    let again = world
        .engine
        .execute(Actor::System, Collect { media })
        .await
        .unwrap();
    assert_eq!(again, Collected::Gone);
}

#[tokio::test]
async fn a_message_takes_media_for_good_b273_b274_b275_b276() {
    let world = World::start().await;
    let stored = world.store(Actor::Rest, "bytes").await;
    let conversation = world.conversation().await;
    let sent = world
        .send(&Actor::Rest, conversation, &[stored.sid])
        .await
        .unwrap();
    assert_eq!(sent.media.len(), 1);
    assert_eq!(
        (sent.media[0].sid, sent.media[0].size, sent.body.as_deref()),
        (stored.sid, 5, None)
    );
    let attached = world.fetch(&Actor::Rest, stored.sid).await.unwrap();
    assert_eq!(
        (attached.message, attached.conversation),
        (Some(sent.sid), Some(conversation))
    );

    assert_eq!(
        code(world.send(&Actor::Rest, conversation, &[stored.sid]).await),
        50508
    );
    let unknown = MediaSid::from_bits(1);
    assert_eq!(
        code(world.send(&Actor::Rest, conversation, &[unknown]).await),
        50507
    );
    let malformed = message::Create {
        media: vec!["ME1".into()],
        ..world.message(conversation, &[])
    };
    assert_eq!(code(world.engine.execute(Actor::Rest, malformed).await), 50510);
    assert_eq!(code(world.send(&Actor::Rest, conversation, &[]).await), 50503);

    let elsewhere = service::Create {
        account: world.engine.account.sid,
        friendly_name: "other".into(),
    };
    let other = world.engine.execute(Actor::Rest, elsewhere).await.unwrap().sid;
    let upload = Upload {
        owner: Owner::Service(other),
        ..world.upload()
    };
    let of_other = world
        .library
        .store(Actor::Rest, upload, pieces(&["x"]))
        .await
        .unwrap();
    assert_eq!(
        code(world.send(&Actor::Rest, conversation, &[of_other.sid]).await),
        50507
    );
    assert_eq!(code(world.fetch(&Actor::Rest, of_other.sid).await), 20404);

    let shown = world
        .engine
        .read(move |tx| {
            let found = conversation::by_sid(tx, conversation)?.unwrap();
            Ok((
                found.messages_count,
                message::fetch(tx, &found, &sent.sid.to_string())?.media,
            ))
        })
        .await
        .unwrap();
    assert_eq!((shown.0, shown.1.len()), (1, 1), "nothing else was stored");
}

#[tokio::test]
async fn of_many_messages_with_one_medium_one_is_sent_b275() {
    let world = Arc::new(World::start().await);
    let stored = world.store(Actor::Rest, "bytes").await.sid;
    let mut conversations = Vec::new();
    for _ in 0..16 {
        conversations.push(world.conversation().await);
    }
    let barrier = Arc::new(tokio::sync::Barrier::new(conversations.len()));
    let callers: Vec<_> = conversations
        .into_iter()
        .map(|conversation| {
            let (world, barrier) = (Arc::clone(&world), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                world.send(&Actor::Rest, conversation, &[stored]).await
            })
        })
        .collect();
    let mut sent = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Ok(_) => sent += 1,
            refused => assert_eq!(code(refused), 50508),
        }
    }
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn all_media_of_a_message_together_keep_the_limit_b281() {
    let world = World::start().await;
    let limit = world.engine.limits().media_bytes;
    let conversation = world.conversation().await;
    // Rows alone: the bytes are of no matter here.
    let reserved = |size| {
        let world = &world;
        async move {
            let reserve = Reserve {
                owner: Owner::Service(world.service()),
                category: Category::Media,
                filename: None,
                bytes: 1 << 20,
            };
            let media = world.engine.execute(Actor::Rest, reserve).await.unwrap();
            let complete = media::Complete {
                media,
                content_type: "text/plain".into(),
                size,
            };
            world.engine.execute(Actor::Rest, complete).await.unwrap().sid
        }
    };
    let (big, small, one) = (reserved(limit - 1).await, reserved(1).await, reserved(1).await);
    let over = world.send(&Actor::Rest, conversation, &[big, small, one]).await;
    assert_eq!(code(over), 50512);
    let at_it = world
        .send(&Actor::Rest, conversation, &[big, small])
        .await
        .unwrap();
    assert_eq!(at_it.media.iter().map(|a| a.size).sum::<i64>(), limit);
    let many: Vec<MediaSid> = (0..11).map(MediaSid::from_bits).collect();
    assert_eq!(code(world.send(&Actor::Rest, conversation, &many).await), 20001);
    assert_eq!(
        code(world.send(&Actor::Rest, conversation, &many[1..]).await),
        50507
    );
}

#[tokio::test]
async fn a_client_sends_what_he_uploaded_and_reads_what_he_may_b282() {
    let world = World::start().await;
    let (alice, bob, eve) = (
        world.client("alice").await,
        world.client("bob").await,
        // A user may be called so; he is not the REST caller.
        world.client("system").await,
    );
    let conversation = world.conversation().await;
    for identity in ["alice", "bob"] {
        world.add_user(conversation, identity).await;
    }
    let (first, second) = (
        world.store(alice.clone(), "one").await,
        world.store(alice.clone(), "two").await,
    );
    let of_rest = world.store(Actor::Rest, "three").await;
    assert_eq!(code(world.send(&bob, conversation, &[first.sid]).await), 50507);
    assert_eq!(code(world.send(&bob, conversation, &[of_rest.sid]).await), 50507);
    assert_eq!(code(world.fetch(&bob, first.sid).await), 50430);
    assert_eq!(code(world.fetch(&eve, of_rest.sid).await), 50430);
    world.fetch(&alice, first.sid).await.unwrap();

    let create = message::Create {
        body: Some("both".into()),
        ..world.message(conversation, &[second.sid, first.sid])
    };
    let sent = world.engine.execute(alice.clone(), create).await.unwrap();
    let sids: Vec<_> = sent.media.iter().map(|a| (a.sid, a.category)).collect();
    assert_eq!(
        sids,
        [
            (second.sid, Some(Category::Media)),
            (first.sid, Some(Category::Media))
        ]
    );
    assert_eq!(sent.body.as_deref(), Some("both"));
    world.fetch(&bob, first.sid).await.unwrap();
    assert_eq!(code(world.fetch(&eve, first.sid).await), 50430);
}

#[tokio::test]
async fn media_and_text_have_a_permission_each_b668() {
    let world = World::start().await;
    let alice = world.client("alice").await;
    let conversation = world.conversation().await;
    world.add_user(conversation, "alice").await;
    let service = world.service();
    let window = Window {
        cursor: None,
        size: 10,
    };
    let roles = world
        .engine
        .read(move |tx| Ok(role::list(tx, service, &window)?.items))
        .await
        .unwrap();
    let member = roles
        .iter()
        .find(|r| r.friendly_name == "channel user")
        .unwrap()
        .sid;
    let allow = |permission: &str| role::Update {
        service,
        role: member,
        permissions: vec![permission.to_owned()],
    };
    let text = |media: &[MediaSid]| message::Create {
        body: Some("text".into()),
        ..world.message(conversation, media)
    };

    let run = |command| world.engine.execute(Actor::Rest, command);
    run(allow("sendMediaMessage")).await.unwrap();
    let stored = world.store(alice.clone(), "x").await.sid;
    assert_eq!(code(world.engine.execute(alice.clone(), text(&[])).await), 50107);
    assert_eq!(
        code(world.engine.execute(alice.clone(), text(&[stored])).await),
        50107
    );
    world.send(&alice, conversation, &[stored]).await.unwrap();

    run(allow("sendMessage")).await.unwrap();
    let stored = world.store(alice.clone(), "x").await.sid;
    assert_eq!(code(world.send(&alice, conversation, &[stored]).await), 50107);
    world.engine.execute(alice, text(&[])).await.unwrap();
}

#[tokio::test]
async fn media_go_with_their_message_b242_b280() {
    let world = World::start().await;
    let conversation = world.conversation().await;
    let (gone, stays) = (
        world.store(Actor::Rest, "gone").await.sid,
        world.store(Actor::Rest, "stays").await.sid,
    );
    let message = world.send(&Actor::Rest, conversation, &[gone]).await.unwrap();
    world.send(&Actor::Rest, conversation, &[stays]).await.unwrap();
    let delete = message::Delete {
        service: world.service(),
        conversation: conversation.to_string(),
        key: message.sid.to_string(),
    };
    world.engine.execute(Actor::Rest, delete).await.unwrap();
    assert_eq!(code(world.fetch(&Actor::Rest, gone).await), 20404);
    world.job("remove_media").await;
    assert_eq!(world.files(), [stays.to_string()].into());
}

#[tokio::test]
async fn media_go_with_their_conversation_b132() {
    let world = World::start().await;
    let conversation = world.conversation().await;
    let stored = world.store(Actor::Rest, "gone").await.sid;
    world.send(&Actor::Rest, conversation, &[stored]).await.unwrap();
    let delete = conversation::Delete {
        service: world.service(),
        key: conversation.to_string(),
    };
    world.engine.execute(Actor::Rest, delete).await.unwrap();
    // For all callers at once, though the purge comes behind.
    assert_eq!(code(world.fetch(&Actor::Rest, stored).await), 20404);
    while !world
        .engine
        .execute(Actor::System, conversation::Purge { conversation })
        .await
        .unwrap()
    {}
    world.job("remove_media").await;
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn media_go_with_their_service_b058() {
    let world = World::start().await;
    let create = service::Create {
        account: world.engine.account.sid,
        friendly_name: "short".into(),
    };
    let service = world.engine.execute(Actor::Rest, create).await.unwrap().sid;
    for _ in 0..60 {
        let upload = Upload {
            owner: Owner::Service(service),
            ..world.upload()
        };
        world
            .library
            .store(Actor::Rest, upload, pieces(&["x"]))
            .await
            .unwrap();
    }
    let delete = || service::Delete {
        account: world.engine.account.sid,
        service,
    };
    while !world.engine.execute(Actor::Rest, delete()).await.unwrap() {}
    for _ in 0..2 {
        world.job("remove_media").await;
    }
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn an_upload_into_a_service_that_goes_meanwhile_leaves_nothing() {
    let world = World::start().await;
    let create = service::Create {
        account: world.engine.account.sid,
        friendly_name: "short".into(),
    };
    let service = world.engine.execute(Actor::Rest, create).await.unwrap().sid;
    let upload = Upload {
        owner: Owner::Service(service),
        ..world.upload()
    };
    let engine = (*world.engine).clone();
    let account = world.engine.account.sid;
    let body = futures_util::stream::once(async move {
        let delete = service::Delete { account, service };
        while !engine.execute(Actor::Rest, delete.clone()).await.unwrap() {}
        Ok::<_, std::convert::Infallible>(Bytes::from_static(b"late"))
    });
    let refused = world.library.store(Actor::Rest, upload, body).await;
    assert!(matches!(refused, Err(Error::Domain(_))), "{refused:?}");
    world.job("remove_media").await;
    assert!(world.files().is_empty());
}

/// What lies about of one user is bounded, by number and by bytes, also when all of it comes at once.
#[tokio::test]
async fn unsent_media_of_a_user_are_bounded_until_they_are_sent_or_collected_b277() {
    let limits = Limits {
        unattached_media: 3,
        unattached_media_bytes: 100,
        ..Limits::default()
    };
    let world = World::with(limits).await;
    let conversation = world.conversation().await;
    let alice = world.client("alice").await;
    let bob = world.client("bob").await;
    let reserve = |bytes| Reserve {
        owner: Owner::Service(world.service()),
        category: Category::Media,
        filename: None,
        bytes,
    };
    let begins = |who: &Actor, bytes| world.engine.execute(who.clone(), reserve(bytes));

    // As many as may be, of those who come together.
    let together = futures_util::future::join_all((0..8).map(|_| begins(&alice, 1))).await;
    let (taken, refused): (Vec<_>, Vec<_>) = together.into_iter().partition(Result::is_ok);
    assert_eq!(taken.len(), 3);
    for one in refused {
        assert_eq!(code(one), 20429);
    }
    // Others are not held back by it: another user, a back end.
    begins(&bob, 1).await.unwrap();
    for _ in 0..4 {
        begins(&Actor::Rest, 1000).await.unwrap();
    }
    // One that broke off makes room.
    let broken = media::Discard {
        media: *taken[0].as_ref().unwrap(),
    };
    world.engine.execute(Actor::System, broken).await.unwrap();
    let last = begins(&alice, 1).await.unwrap();
    assert_eq!(code(begins(&alice, 1).await), 20429);

    // Bytes count as they were announced until they are there, then as they are.
    let carol = world.client("carol").await;
    let first = begins(&carol, 60).await.unwrap();
    assert_eq!(code(begins(&carol, 41).await), 20429);
    let complete = media::Complete {
        media: first,
        content_type: "text/plain".into(),
        size: 50,
    };
    world.engine.execute(carol.clone(), complete).await.unwrap();
    assert_eq!(code(begins(&carol, 51).await), 20429);
    begins(&carol, 50).await.unwrap();
    // One alone may have more than all together.
    let dave = world.client("dave").await;
    begins(&dave, 1_000_000).await.unwrap();
    assert_eq!(code(begins(&dave, 1).await), 20429);

    // What a message takes counts no more, nor what is collected.
    let complete = media::Complete {
        media: last,
        content_type: "text/plain".into(),
        size: 1,
    };
    world.engine.execute(alice.clone(), complete).await.unwrap();
    world.add_user(conversation, "alice").await;
    world.send(&alice, conversation, &[last]).await.unwrap();
    begins(&alice, 1).await.unwrap();
    assert_eq!(code(begins(&alice, 1).await), 20429);
    world.clock.advance(3600);
    for sid in taken.iter().skip(1).map(|one| *one.as_ref().unwrap()) {
        let collect = Collect { media: sid };
        let collected = world.engine.execute(Actor::System, collect).await.unwrap();
        assert_eq!(collected, Collected::Gone);
    }
    begins(&alice, 1).await.unwrap();
}

#[tokio::test]
async fn a_sender_who_falls_silent_is_given_up_and_leaves_nothing() {
    let world = World::start().await;
    let silence = Duration::from_millis(50);
    let library = world.library.clone().impatient(silence);
    let body = pieces(&["abc"]).chain(futures_util::stream::pending());
    let stored = library.store(Actor::Rest, world.upload(), body).await;
    assert!(matches!(stored, Err(Error::Broken(_))), "{stored:?}");
    world.job("remove_media").await;
    assert_eq!(world.files().len(), 0);
}
