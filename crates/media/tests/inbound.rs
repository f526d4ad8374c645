//! Files that phones send: fetched from the web, in order with the messages around them.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use confab_domain::handset::{self, HandsetMessage};
use confab_domain::inbound::{Accept, Arrival};
use confab_domain::message::Message;
use confab_domain::{Actor, Order, Result, Window, conversation, message};
use confab_types::{Address, ConversationSid};
use tokio::sync::Semaphore;

use support::{NUMBER, PHONE, World, code};

const MIB: usize = 1024 * 1024;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A web server with files: `/png`, `/zip`, `/bytes/<size>`, `/slow` (as often as it is allowed), `/missing`,
/// `/flaky` (the first answer is an error).
struct Web {
    url: String,
    slow: Arc<Semaphore>,
    asked: Arc<AtomicUsize>,
}

impl Web {
    async fn start() -> Self {
        let (slow, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let file = |kind: &'static str, bytes: Vec<u8>| -> Response {
            ([(header::CONTENT_TYPE, kind)], bytes).into_response()
        };
        let (allowed, flaky) = (Arc::clone(&slow), Arc::clone(&asked));
        let routes = Router::new()
            .route("/png", get(move || async move { file("", PNG.to_vec()) }))
            .route(
                "/zip",
                get(move || async move { file("application/zip", vec![7]) }),
            )
            .route(
                "/bytes/{size}",
                get(move |Path(size): Path<usize>| async move { file("video/mp4", vec![7; size]) }),
            )
            .route(
                "/slow",
                get(move || async move {
                    allowed.acquire().await.unwrap().forget();
                    file("image/jpeg", vec![1, 2, 3])
                }),
            )
            .route(
                "/flaky",
                get(move || async move {
                    if flaky.fetch_add(1, Ordering::SeqCst) == 0 {
                        StatusCode::SERVICE_UNAVAILABLE.into_response()
                    } else {
                        file("image/jpeg", vec![1])
                    }
                }),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, slow, asked }
    }

    fn urls(&self, paths: &[&str]) -> Vec<String> {
        paths.iter().map(|path| format!("{}{path}", self.url)).collect()
    }
}

async fn send(world: &World, from: &str, to: &str, body: &str, media: Vec<String>) -> Result<HandsetMessage> {
    let send = handset::Send {
        account: world.engine.account.sid,
        handset: Address::parse(from).unwrap(),
        to: to.to_owned(),
        others: Vec::new(),
        body: body.to_owned(),
        media,
    };
    world.engine.execute(Actor::Carrier, send).await
}

async fn phone_sends(world: &World, body: &str, media: Vec<String>) -> HandsetMessage {
    send(world, PHONE, NUMBER, body, media).await.unwrap()
}

async fn messages(world: &World, conversation: ConversationSid) -> Vec<Message> {
    let window = Window {
        cursor: None,
        size: 100,
    };
    world
        .engine
        .read(move |tx| {
            let found = conversation::by_sid(tx, conversation)?.unwrap();
            Ok(message::list(tx, &found, Order::Ascending, &window)?.items)
        })
        .await
        .unwrap()
}

async fn with_phone(world: &World) -> ConversationSid {
    let conversation = world.conversation().await;
    world.add_phone(conversation, PHONE, NUMBER).await;
    conversation
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|m| m.body.as_deref().unwrap_or("-"))
        .collect()
}

#[tokio::test]
async fn a_picture_message_comes_in_order_with_its_neighbours_b285() {
    let (world, web) = (World::start().await, Web::start().await);
    let conversation = with_phone(&world).await;
    phone_sends(&world, "first", vec![]).await;
    let picture = phone_sends(&world, "second", web.urls(&["/slow", "/png"])).await;
    assert!(
        picture.sid.starts_with("MM") && picture.status == "sent",
        "{picture:?}"
    );
    let behind = phone_sends(&world, "third", vec![]).await;
    assert_eq!(behind.status, "sent");
    phone_sends(&world, "fourth", vec![]).await;
    assert_eq!(bodies(&messages(&world, conversation).await), ["first"]);

    web.slow.add_permits(1);
    for _ in 0..3 {
        world.job("receive").await;
    }
    let all = messages(&world, conversation).await;
    assert_eq!(bodies(&all), ["first", "second", "third", "fourth"]);
    let kinds: Vec<&str> = all[1].media.iter().map(|a| a.content_type.as_str()).collect();
    assert_eq!(kinds, ["image/jpeg", "image/png"]);
    assert!(all.iter().all(|m| m.author == PHONE && m.participant.is_some()));
    let stored = world.fetch(&Actor::Rest, all[1].media[0].sid).await.unwrap();
    assert_eq!(
        (stored.author.as_str(), stored.size, stored.message),
        (PHONE, 3, Some(all[1].sid))
    );

    // Nothing waits any more.
    assert_eq!(phone_sends(&world, "fifth", vec![]).await.status, "delivered");
    let account = world.engine.account.sid;
    let window = Window {
        cursor: None,
        size: 10,
    };
    let phone = Address::parse(PHONE).unwrap();
    let outbox = world
        .engine
        .read(move |tx| handset::list(tx, account, &phone, &window))
        .await
        .unwrap();
    assert!(outbox.items.iter().all(|m| m.status == "delivered"));
}

#[tokio::test]
async fn ten_files_two_megabytes_each_five_together_b285() {
    let (world, web) = (World::start().await, Web::start().await);
    let conversation = with_phone(&world).await;
    let (at_it, over) = (format!("/bytes/{}", 2 * MIB), format!("/bytes/{}", 2 * MIB + 1));
    phone_sends(&world, "", web.urls(&[&at_it, &over, &at_it, "/png"])).await;
    world.job("receive").await;
    let sizes = |m: &Message| m.media.iter().map(|a| a.size as usize).collect::<Vec<_>>();
    let all = messages(&world, conversation).await;
    assert_eq!(sizes(&all[0]), [2 * MIB, 2 * MIB, PNG.len()]);

    let (last, too_much) = (format!("/bytes/{MIB}"), format!("/bytes/{}", MIB + 1));
    phone_sends(&world, "", web.urls(&[&at_it, &at_it, &too_much, &last, "/png"])).await;
    world.job("receive").await;
    let all = messages(&world, conversation).await;
    assert_eq!(sizes(&all[1]), [2 * MIB, 2 * MIB, MIB]);

    phone_sends(&world, "", web.urls(&["/png"; 10])).await;
    world.job("receive").await;
    assert_eq!(messages(&world, conversation).await[2].media.len(), 10);
    let eleven = send(&world, PHONE, NUMBER, "", web.urls(&["/png"; 11])).await;
    assert_eq!(code(eleven), 21623);
    for url in [
        "",
        "x",
        "ftp://x/a",
        "http://",
        &format!("http://x/{}", "a".repeat(2048)),
    ] {
        let refused = send(&world, PHONE, NUMBER, "", vec![url.to_owned()]).await;
        assert_eq!(code(refused), 21620, "{url}");
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_left_out_and_what_may_be_had_later_is_waited_for() {
    let (world, web) = (World::start().await, Web::start().await);
    let conversation = with_phone(&world).await;
    phone_sends(&world, "lost", web.urls(&["/missing"])).await;
    world.job("receive").await;
    phone_sends(&world, "late", web.urls(&["/flaky"])).await;
    phone_sends(&world, "after", vec![]).await;
    // Time goes by until the second try.
    let pass = async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            world.clock.advance(1);
        }
    };
    tokio::select! {
        () = async { world.job("receive").await; world.job("receive").await; } => {}
        () = pass => {}
    }
    let all = messages(&world, conversation).await;
    assert_eq!(bodies(&all), ["lost", "late", "after"]);
    assert_eq!((all[0].media.len(), all[1].media.len()), (0, 1));
    assert_eq!(web.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_whatsapp_message_brings_one_file_of_a_known_type_b284() {
    let (world, web) = (World::start().await, Web::start().await);
    let (phone, number) = (format!("whatsapp:{PHONE}"), format!("whatsapp:{NUMBER}"));
    let conversation = world.conversation().await;
    world.add_phone(conversation, &phone, &number).await;
    let (at_it, over) = (format!("/bytes/{}", 16 * MIB), format!("/bytes/{}", 16 * MIB + 1));
    for path in ["/png", "/zip", &at_it, &over] {
        let sent = send(&world, &phone, &number, path, web.urls(&[path]))
            .await
            .unwrap();
        assert!(sent.sid.starts_with("WA"));
        world.job("receive").await;
    }
    let all = messages(&world, conversation).await;
    assert_eq!(bodies(&all), ["/png", "/zip", at_it.as_str(), over.as_str()]);
    let counts: Vec<usize> = all.iter().map(|m| m.media.len()).collect();
    assert_eq!(counts, [1, 0, 1, 0]);
    let two = send(&world, &phone, &number, "", web.urls(&["/png", "/png"])).await;
    assert_eq!(code(two), 21623);
}

#[tokio::test]
async fn a_job_that_runs_again_brings_nothing_twice() {
    let world = World::start().await;
    let conversation = with_phone(&world).await;
    let accept = Accept {
        // As a worker has it whose lease ended, while another one brought the message.
        job: 1_000_000,
        arrival: Arrival {
            account: world.engine.account.sid,
            sid: "SM00000000000000000000000000000001".into(),
            from: PHONE.into(),
            to: NUMBER.into(),
            others: Vec::new(),
            body: "again".into(),
            media: Vec::new(),
        },
        media: Vec::new(),
    };
    world.engine.execute(Actor::Carrier, accept).await.unwrap();
    assert!(messages(&world, conversation).await.is_empty());
}
