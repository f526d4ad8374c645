//! Webhooks whose target was away for long: the backlog drains in order, without growing memory.
//!
//! `CONFAB_BACKLOG` sets how many deliveries wait (3000); 100000 takes minutes. Run with `--nocapture` to see memory and
//! time of each half: where the second half took much longer than the first, something is quadratic.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::collections::HashMap;
use std::time::Instant;

use confab_domain::{Command as _, Cx, Limits, MIGRATIONS, Origin, Transaction, message};
use confab_engine::{Clock as _, RandomIds, SystemClock};
use confab_store::Store;
use confab_testkit::{Database, Process, Rest, Sink};
use confab_types::{ServiceSid, Sid as _};
use futures_util::future::join_all;

const BINARY: &str = env!("CARGO_BIN_EXE_confab");
/// What the server may take more in the second half than in the first, KiB: by then all its connections and calls are there
/// that will ever be at a time, and the store's cache of pages is full where the backlog is large.
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

/// Writes messages in turn into conversations, of which the webhook is to hear. No server is there to call it.
async fn queue(store: &Store, service: ServiceSid, conversations: &[String], count: usize) {
    for start in (0..count).step_by(500) {
        let conversations = conversations.to_vec();
        let unit = move |tx: &mut Transaction<'_>| -> confab_domain::Result<()> {
            let (mut ids, limits) = (RandomIds, Limits::default());
            for n in start..count.min(start + 500) {
                let mut cx = Cx::new(SystemClock.now(), Origin::rest(true), &limits, &mut ids);
                let create = message::Create {
                    service,
                    conversation: conversations[n % conversations.len()].clone(),
                    author: None,
                    body: Some(format!("{n} {}", "x".repeat(300))),
                    subject: None,
                    attributes: None,
                    content: confab_domain::content::Reference::default(),
                    created_at: None,
                    updated_at: None,
                    media: Vec::new(),
                };
                create.apply(tx, &mut cx)?;
            }
            Ok(())
        };
        store.write(unit, |()| {}).await.unwrap();
    }
}

/// The account's webhook, and conversations that it hears of.
async fn prepare(server: &Process, url: &str, conversations: usize) -> (ServiceSid, Vec<String>) {
    let (account, token) = (
        server.told("account SID").unwrap(),
        server.told("auth token").unwrap(),
    );
    let rest = Rest::new(&format!("http://{}", server.address), &account, &token);
    let hook = [("PostWebhookUrl", url), ("Filters", "onMessageAdded")];
    rest.post("/conversations/v1/Configuration/Webhooks", &hook)
        .await
        .expect(200);
    let configuration = rest.get("/conversations/v1/Configuration").await.expect(200);
    let service = ServiceSid::parse(&configuration.text_of("default_chat_service_sid")).unwrap();
    let mut sids = Vec::with_capacity(conversations);
    while sids.len() < conversations {
        let some = (0..(conversations - sids.len()).min(50)).map(|_| async {
            let created = rest.post("/conversations/v1/Conversations", &[]).await;
            created.expect(201).text_of("sid")
        });
        sids.extend(join_all(some).await);
    }
    (service, sids)
}

async fn drains(conversations: usize) {
    let count = backlog();
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let database = Database::create().await;
    let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let mut sink = Sink::start().await;
    let (service, sids) = prepare(&server, &sink.url("/"), conversations).await;
    assert_eq!(server.terminate().await.0.code(), Some(0));
    let store = Store::open(database.backend(&data_dir), MIGRATIONS)
        .await
        .unwrap();
    queue(&store, service, &sids, count).await;
    drop(store);

    let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let before = memory(&server, "VmRSS");
    let started = Instant::now();
    let mut early = before;
    let mut middle = started.elapsed();
    let mut seen = Vec::new();
    let mut next: HashMap<usize, usize> = HashMap::new();
    for came in 0..count {
        let call = sink.next().await;
        let n: usize = call.text("Body").split(' ').next().unwrap().parse().unwrap();
        // B-409: each conversation's in their order, each once.
        let expected = next.entry(n % conversations).or_insert(n % conversations);
        assert_eq!(n, *expected);
        *expected += conversations;
        if came % (count / 10).max(1) == 0 {
            seen.push(memory(&server, "VmRSS") / 1024);
        }
        if came == count / 2 {
            early = memory(&server, "VmHWM");
            middle = started.elapsed();
        }
    }
    let (whole, peak) = (started.elapsed(), memory(&server, "VmHWM"));
    println!(
        "backlog of {count} in {conversations} conversations: {before} KiB before, {early} KiB in the first half, \
         {peak} KiB at most; MiB at each tenth: {seen:?}; {middle:.1?} for the first half, {:.1?} for the second",
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
