//! Replay, live events and the switch between them; pages of items; subscriptions (realtime.md §4; B-711…B-718).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod batches;
mod continuity;
mod live;
mod pages;
mod replay;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use confab_testkit::TestServer;
use serde_json::Value;
use support::{CONVERSATIONS, Entity, Event, Feed};

const WRITERS: usize = 16;

/// Posts over REST from [`WRITERS`] callers at once until there are `total` messages.
fn write_concurrently(
    server: &TestServer,
    conversation: &str,
    total: usize,
    body: &str,
) -> Vec<tokio::task::JoinHandle<()>> {
    let path = format!("{CONVERSATIONS}/{conversation}/Messages");
    let started = Arc::new(AtomicUsize::new(0));
    (0..WRITERS)
        .map(|_| {
            let (rest, path, body) = (server.rest.clone(), path.clone(), body.to_owned());
            let started = Arc::clone(&started);
            tokio::spawn(async move {
                while started.fetch_add(1, Ordering::Relaxed) < total {
                    rest.post(&path, &[("Body", body.as_str())]).await.expect(201);
                }
            })
        })
        .collect()
}

async fn finished(writers: Vec<tokio::task::JoinHandle<()>>) {
    for writer in writers {
        writer.await.unwrap();
    }
}

/// What an SDK client knows of one conversation: its place in messages and document.
struct Follower {
    list: Entity,
    document: Entity,
    list_at: i64,
    document_at: i64,
    next_index: i64,
    last_message: Value,
}

impl Follower {
    async fn open(feed: &mut Feed, conversation: &str) -> Self {
        let [document, list, _] = feed.open_conversation(conversation).await;
        Self {
            list_at: list.last_event_id,
            document_at: document.last_event_id,
            list,
            document,
            next_index: 0,
            last_message: Value::Null,
        }
    }

    fn requests(&self) -> [Value; 2] {
        [
            self.list.after(self.list_at),
            self.document.after(self.document_at),
        ]
    }

    /// Every message must be the next one, added and never seen before.
    fn take(&mut self, event: &Event) {
        match event.kind.as_str() {
            "list_item_added" => {
                assert!(event.id() > self.list_at, "an event came again: {event:?}");
                assert_eq!(
                    event.data["item_index"], self.next_index,
                    "after id {}: {event:?}",
                    self.list_at
                );
                assert_eq!(event.data["item_data"]["index"], self.next_index);
                self.next_index += 1;
                self.list_at = event.id();
            }
            "document_updated" => {
                assert!(event.id() > self.document_at, "an event came again: {event:?}");
                self.document_at = event.id();
                self.last_message = event.data["document_data"]["lastMessage"]["index"].clone();
            }
            "subscription_established" => {
                let newest = event.data["last_event_id"].as_i64().unwrap();
                if event.is_of(&self.list) {
                    // Everything up to the newest id was sent before.
                    assert!(newest >= self.list_at, "{event:?}");
                    self.list_at = newest;
                }
            }
            "subscription_canceled" => {}
            other => panic!("{other}: {event:?}"),
        }
    }

    fn is_done(&self, total: i64) -> bool {
        self.next_index == total && self.last_message == total - 1
    }
}
