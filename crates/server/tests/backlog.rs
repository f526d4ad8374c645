//! Webhooks whose target was away for long: the backlog drains in order, without growing memory.
//!
//! `CONFAB_BACKLOG` sets how many deliveries wait (3000); 100000 takes minutes. Run with `--nocapture` to see memory and
//! time of each half: where the second half took much longer than the first, something is quadratic.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::collections::HashMap;
use std::time::{Instant, SystemTime};

use confab_domain::hook::delivery;
use confab_domain::{MIGRATIONS, Transaction};
use confab_store::Store;
use confab_testkit::{Database, Process, Sink};
use confab_types::{AccountSid, ConversationSid, Sid as _, Timestamp};

const BINARY: &str = env!("CARGO_BIN_EXE_confab");
/// What the server may take more after the first tenth than until then, KiB: by then all its connections and calls are
/// there that will ever be at a time.
const GROWTH: u64 = 32 * 1024;

fn backlog() -> usize {
    std::env::var("CONFAB_BACKLOG")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3000)
}

/// A line of `/proc/<pid>/status`, KiB.
fn memory(server: &Process, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':')
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// Writes deliveries as events leave them, spread over so many conversations.
async fn queue(store: &Store, account: AccountSid, url: String, conversations: usize, count: usize) {
    let micros = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros();
    let now = Timestamp(i64::try_from(micros).unwrap());
    for start in (0..count).step_by(1000) {
        let url = url.clone();
        let unit = move |tx: &mut Transaction<'_>| -> confab_domain::Result<()> {
            for n in start..count.min(start + 1000) {
                let conversation = ConversationSid::from_bits((n % conversations) as u128);
                let body = format!("EventType=onMessageAdded&N={n}&Body={}", "x".repeat(300));
                delivery::queue(tx, (account, conversation), (&url, &body), n as u128, now)?;
            }
            Ok(())
        };
        store.write(unit, |()| {}).await.unwrap();
    }
}

async fn drains(conversations: usize) {
    let count = backlog();
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let database = Database::create().await;
    let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let account = AccountSid::parse(&server.told("account SID").unwrap()).unwrap();
    assert_eq!(server.terminate().await.0.code(), Some(0));
    let mut sink = Sink::start().await;
    let url = sink.url("/");
    let store = Store::open(database.backend(&data_dir), MIGRATIONS)
        .await
        .unwrap();
    queue(&store, account, url, conversations, count).await;
    drop(store);

    let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let before = memory(&server, "VmRSS");
    let started = Instant::now();
    let mut early = before;
    let mut middle = started.elapsed();
    let mut next: HashMap<usize, usize> = HashMap::new();
    for came in 0..count {
        let call = sink.next().await;
        let n: usize = call.text("N").parse().unwrap();
        // B-409: each conversation's in their order, each once.
        let expected = next.entry(n % conversations).or_insert(n % conversations);
        assert_eq!(n, *expected);
        *expected += conversations;
        if came == count / 10 {
            early = memory(&server, "VmHWM");
        }
        if came == count / 2 {
            middle = started.elapsed();
        }
    }
    let (whole, peak) = (started.elapsed(), memory(&server, "VmHWM"));
    println!(
        "backlog of {count} in {conversations} conversations: {before} KiB before, {early} KiB in the first tenth, \
         {peak} KiB at most; {middle:.1?} for \
         the first half, {:.1?} for the second",
        whole - middle
    );
    assert!(peak <= early + GROWTH, "{early} KiB early, {peak} KiB at most");
    assert!(sink.came().is_none());
    server.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_many_conversations_drains() {
    drains(backlog() / 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_one_conversation_drains() {
    drains(1).await;
}
