//! Each event once and in order, across reconnects and under many writers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use confab_testkit::{Socket, TestServer, soon};
use tokio::sync::Barrier;

use super::{Follower, finished, write_concurrently};
use crate::support::{Feed, connect, conversation};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_comes_once_and_in_order_across_reconnects_under_16_writers_s4_8_b717() {
    const TOTAL: usize = 480;
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let token = server.token("alice").await;
    let writers = write_concurrently(&server, &sid, TOTAL, "hello");
    let follow = |patience: usize| {
        let (server, token, sid) = (&server, &token, &sid);
        async move {
            let total = i64::try_from(TOTAL).unwrap();
            let mut feed = Feed::new(connect(server, token).await);
            let mut known = Follower::open(&mut feed, sid).await;
            // From the beginning, whenever the first look was.
            (known.list_at, known.document_at) = (-1, -1);
            let mut cycles: i64 = 0;
            while !known.is_done(total) {
                cycles += 1;
                let correlation = 1000 + cycles;
                for event in feed.establish(correlation, &known.requests()).await {
                    known.take(&event);
                }
                // Then some live events, another number each time, before the connection is lost.
                for _ in 0..(usize::try_from(cycles).unwrap() * patience) % 23 {
                    if known.is_done(total) {
                        break;
                    }
                    known.take(&feed.next("a live event").await);
                }
                feed = Feed::new(connect(server, token).await);
            }
            cycles
        }
    };
    let cycles = tokio::join!(follow(1), follow(5), follow(7), follow(11));
    finished(writers).await;
    assert!(
        cycles.0 > 1 && cycles.1 > 1 && cycles.2 > 1 && cycles.3 > 1,
        "{cycles:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_comes_once_and_in_order_across_cancels_on_one_connection_s4_8() {
    const TOTAL: usize = 320;
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut feed = Feed::new(server.client("alice").await);
    let mut known = Follower::open(&mut feed, &sid).await;
    let total = i64::try_from(TOTAL).unwrap();
    let writers = write_concurrently(&server, &sid, TOTAL, "hello");
    let mut cycles: i64 = 0;
    while !known.is_done(total) {
        cycles += 1;
        for event in feed.establish(2 * cycles, &known.requests()).await {
            known.take(&event);
        }
        for _ in 0..(cycles * 5) % 13 {
            if known.is_done(total) {
                break;
            }
            known.take(&feed.next("a live event").await);
        }
        // Between establish and cancel events may come, behind the confirmation none.
        for event in feed.cancel(2 * cycles + 1, &known.requests()).await {
            known.take(&event);
        }
    }
    finished(writers).await;
    assert!(cycles > 1, "{cycles}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_come_at_the_same_moment_under_16_writers_miss_nothing_s4_8_b718() {
    const TOTAL: usize = 480;
    const CLIENTS: usize = 8;
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let token = server.token("alice").await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut feed = Feed::new(connect(&server, &token).await);
        let known = Follower::open(&mut feed, &sid).await;
        clients.push((feed, known));
    }
    let written = Arc::new(AtomicBool::new(false));
    let stop = Arc::new(AtomicBool::new(false));
    let barrier = Arc::new(Barrier::new(CLIENTS));
    let writers = write_concurrently(&server, &sid, TOTAL, "hello");
    let clients: Vec<_> = clients
        .into_iter()
        .map(|(mut feed, mut known)| {
            let (written, stop, barrier) = (written.clone(), stop.clone(), barrier.clone());
            tokio::spawn(async move {
                let total = i64::try_from(TOTAL).unwrap();
                for round in 1.. {
                    // All come to a conversation that nobody follows, and all are gone before they come again.
                    soon("the others", barrier.wait()).await;
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    for event in feed.establish(2 * round, &known.requests()).await {
                        known.take(&event);
                    }
                    for event in feed.cancel(2 * round + 1, &known.requests()).await {
                        known.take(&event);
                    }
                    let last = soon("the others", barrier.wait()).await.is_leader();
                    if last && written.load(Ordering::SeqCst) {
                        stop.store(true, Ordering::SeqCst);
                    }
                }
                for event in feed.establish(0, &known.requests()).await {
                    known.take(&event);
                }
                assert!(known.is_done(total), "{} of {total}", known.next_index);
            })
        })
        .collect();
    finished(writers).await;
    written.store(true, Ordering::SeqCst);
    finished(clients).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_holds_nobody_up_and_misses_nothing_s4_8_b717() {
    const TOTAL: usize = 2600;
    let total = i64::try_from(TOTAL).unwrap();
    let server = TestServer::start().await;
    let sid = conversation(&server, &["slow", "fast"]).await;
    let token = server.token("slow").await;
    let mut socket = Socket::connect_narrow(server.address, 4096).await;
    assert_eq!(socket.init(&token).await.status(), 200);
    let mut slow = Feed::new(socket);
    let mut known = Follower::open(&mut slow, &sid).await;
    slow.establish(1, &known.requests()).await;
    let mut fast = Feed::new(server.client("fast").await);
    let mut fast_known = Follower::open(&mut fast, &sid).await;
    fast.establish(1, &fast_known.requests()).await;
    let body = "x".repeat(8 * 1024);
    // While nobody reads the slow one, all writers are answered and the other client gets everything.
    let writers = write_concurrently(&server, &sid, TOTAL, &body);
    while !fast_known.is_done(total) {
        let event = fast.next("a message for the fast one").await;
        fast_known.take(&event);
    }
    finished(writers).await;
    // Now it reads what was on its way: all of it, or up to where the server gave it up.
    while !known.is_done(total) {
        match slow.try_next().await {
            Some(event) => known.take(&event),
            None => break,
        }
    }
    let before = known.next_index;
    let mut again = Feed::new(soon("the way back", connect(&server, &token)).await);
    for event in again.establish(2, &known.requests()).await {
        known.take(&event);
    }
    while !known.is_done(total) {
        known.take(&again.next("the rest").await);
    }
    assert!(before <= total, "{before}");
    assert_eq!(known.next_index, total);
}
