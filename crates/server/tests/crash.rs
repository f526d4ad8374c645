//! The promise that matters most: what was acknowledged is stored. The binary is killed at random moments under
//! load, started again on the same files, and asked for everything that it ever acknowledged. A webhook listens meanwhile,
//! and is to hear of all of it.
//!
//! `CONFAB_CRASH_ROUNDS` sets the number of rounds (5). Run with `--nocapture` to see the counts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confab_domain::{MIGRATIONS, conversation};
use confab_store::{Backend, Store};
use confab_testkit::{Call, Database, Process, Reply, Rest, Sink, soon};
use confab_types::{ConversationSid, Sid as _};
use rand::Rng as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const BINARY: &str = env!("CARGO_BIN_EXE_confab");
const WRITERS: usize = 32;
const CONVERSATIONS: usize = 3;
/// Milliseconds from the first acknowledgement of a round to the kill.
const KILL_AFTER: std::ops::Range<u64> = 50..400;

/// What a writer was told: the message of this SID has this index and body.
#[derive(Clone, Debug)]
struct Acknowledged {
    conversation: String,
    sid: String,
    index: i64,
    body: String,
}

#[derive(Default)]
struct Counts {
    acknowledged: usize,
    stored: usize,
    unanswered: usize,
}

fn rounds() -> usize {
    std::env::var("CONFAB_CRASH_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(5)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let database = Database::create().await;
    let mut server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let listen = server.address.to_string();
    let (account, token) = (
        server.told("account SID").unwrap(),
        server.told("auth token").unwrap(),
    );
    let origin = format!("http://{listen}");

    let rest = Rest::new(&origin, &account, &token);
    let mut conversations = Vec::new();
    for _ in 0..CONVERSATIONS {
        let created = rest
            .post("/conversations/v1/Conversations", &[])
            .await
            .expect(201);
        conversations.push(created.text_of("sid"));
    }

    let mut sink = Sink::start().await;
    let hook = [
        ("PostWebhookUrl", sink.url("/")),
        ("Filters", "onMessageAdded".into()),
    ];
    let hook = hook.each_ref().map(|(name, value)| (*name, value.as_str()));
    rest.post("/conversations/v1/Configuration/Webhooks", &hook)
        .await
        .expect(200);

    let rounds = rounds();
    let mut calls: Vec<Call> = Vec::new();
    let mut known: Vec<Acknowledged> = Vec::new();
    let mut counts = Counts::default();
    for round in 0..rounds {
        // Connections of a killed process are of no use: each round has its own.
        let rest = Rest::new(&origin, &account, &token);
        let (acknowledged, unanswered) = write_until_killed(server, &rest, &conversations, round).await;
        assert!(!acknowledged.is_empty(), "round {round} tested nothing");
        counts.acknowledged += acknowledged.len();
        counts.unanswered += unanswered;
        known.extend(acknowledged);
        server = Process::start(BINARY, &listen, &data_dir, &database).await;
        calls.extend(std::iter::from_fn(|| sink.came()));
        counts.stored = check(&Rest::new(&origin, &account, &token), &conversations, &known).await;
    }
    let rest = Rest::new(&origin, &account, &token);
    soon("the last calls", async {
        let queued = "/confab/v1/WebhookDeliveries?State=queued&PageSize=1";
        while rest.get(queued).await.expect(200).json["webhook_deliveries"] != serde_json::json!([]) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    calls.extend(std::iter::from_fn(|| sink.came()));
    let repeated = check_calls(&rest, &conversations, &calls).await;
    server.kill().await;
    check_rows(&data_dir, &database, &conversations, counts.stored).await;
    println!(
        "crash test: {rounds} rounds, {WRITERS} writers, {} acknowledged, {} without an answer, {} stored, 0 lost; {} calls \
         of the webhook, {repeated} of them repeated",
        counts.acknowledged,
        counts.unanswered,
        counts.stored,
        calls.len()
    );
}

/// A call that was on its way when the server was killed is made again by the same server at its start, on either engine:
/// nobody waits for the end of a lease. B-391: with the token of the event.
#[tokio::test]
async fn a_call_that_was_cut_off_is_made_again_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let database = Database::create().await;
    let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let (account, token) = (
        server.told("account SID").unwrap(),
        server.told("auth token").unwrap(),
    );
    let rest = Rest::new(&format!("http://{}", server.address), &account, &token);
    let mut sink = Sink::start().await;
    let url = sink.url("/");
    let hook = [
        ("PostWebhookUrl", url.as_str()),
        ("Filters", "onConversationAdded"),
    ];
    rest.post("/conversations/v1/Configuration/Webhooks", &hook)
        .await
        .expect(200);
    sink.answer(|_| Reply::Never);
    let request = rest
        .request(reqwest::Method::POST, "/conversations/v1/Conversations")
        .header("X-Twilio-Webhook-Enabled", "true");
    rest.send(request).await.expect("an answer").expect(201);
    let cut_off = sink.next().await;
    server.kill().await;

    sink.answer(|_| Reply::ok());
    let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let again = sink.next().await;
    let name = "I-Twilio-Idempotency-Token";
    assert_eq!(again.header(name), cut_off.header(name));
    assert_eq!(again.text("ConversationSid"), cut_off.text("ConversationSid"));
    server.terminate().await;
}

/// Has the writers post until the server is gone. Gives what it acknowledged, and how many posts it did not answer.
async fn write_until_killed(
    server: Process,
    rest: &Rest,
    conversations: &[String],
    round: usize,
) -> (Vec<Acknowledged>, usize) {
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let unanswered = Arc::new(AtomicUsize::new(0));
    let first = Arc::new(Semaphore::new(0));
    let killed = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (rest, acknowledged, unanswered) =
            (rest.clone(), Arc::clone(&acknowledged), Arc::clone(&unanswered));
        let (first, killed) = (Arc::clone(&first), Arc::clone(&killed));
        let conversation = conversations[writer % conversations.len()].clone();
        writers.spawn(async move {
            let path = format!("/conversations/v1/Conversations/{conversation}/Messages");
            for n in 0.. {
                let body = format!("{round}/{writer}/{n}");
                let request = rest
                    .request(reqwest::Method::POST, &path)
                    .header("X-Twilio-Webhook-Enabled", "true")
                    .form(&[("Body", &body)]);
                match rest.send(request).await {
                    Ok(answer) => {
                        let answer = answer.expect(201);
                        let message = Acknowledged {
                            conversation: conversation.clone(),
                            sid: answer.text_of("sid"),
                            index: answer.json["index"].as_i64().unwrap(),
                            body,
                        };
                        acknowledged.lock().unwrap().push(message);
                        first.add_permits(1);
                    }
                    Err(error) => {
                        assert!(
                            killed.load(Ordering::SeqCst),
                            "no answer before the kill: {error:?}"
                        );
                        unanswered.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                }
            }
        });
    }
    let _ = soon("an acknowledgement", first.acquire()).await.unwrap();
    // The one place where time itself is tested: the kill is to hit whatever the server does then.
    let moment = rand::rng().random_range(KILL_AFTER);
    tokio::time::sleep(Duration::from_millis(moment)).await;
    killed.store(true, Ordering::SeqCst);
    server.kill().await;
    while let Some(ended) = soon("the writers to end", writers.join_next()).await {
        ended.unwrap();
    }
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    (acknowledged, unanswered.load(Ordering::SeqCst))
}

/// Reads all messages over REST and holds them against what was acknowledged. Gives how many are stored.
async fn check(rest: &Rest, conversations: &[String], known: &[Acknowledged]) -> usize {
    let mut listed: HashMap<String, (String, i64, String)> = HashMap::new();
    let mut total = 0;
    for conversation in conversations {
        let path = format!("/conversations/v1/Conversations/{conversation}/Messages?PageSize=100");
        let messages = rest.list(&path, "messages").await;
        let indexes: Vec<i64> = messages
            .iter()
            .map(|message| message["index"].as_i64().unwrap())
            .collect();
        let expected: Vec<i64> = (0..).take(indexes.len()).collect();
        assert_eq!(
            indexes, expected,
            "the indexes of {conversation} have a gap or one twice"
        );
        let mut bodies = HashSet::new();
        for message in &messages {
            let text = |name: &str| message[name].as_str().unwrap().to_owned();
            assert!(bodies.insert(text("body")), "{} is stored twice", text("body"));
            let index = message["index"].as_i64().unwrap();
            listed.insert(text("sid"), (conversation.clone(), index, text("body")));
        }
        total += messages.len();
    }
    assert_eq!(listed.len(), total, "a SID is in use twice");
    for message in known {
        let found = listed
            .get(&message.sid)
            .unwrap_or_else(|| panic!("lost: {message:?}"));
        assert_eq!(
            *found,
            (message.conversation.clone(), message.index, message.body.clone())
        );
    }
    total
}

/// B-409, B-391: a webhook was told of each stored message, answered for or not, in the order of each conversation; what it
/// was told twice, over a kill, with the same token. Gives how many calls were repeated.
async fn check_calls(rest: &Rest, conversations: &[String], calls: &[Call]) -> usize {
    let mut tokens: HashMap<String, String> = HashMap::new();
    let mut told: HashMap<String, Vec<i64>> = HashMap::new();
    let mut repeated = 0;
    for call in calls {
        let token = call.header("I-Twilio-Idempotency-Token").to_owned();
        let index: i64 = call.text("Index").parse().unwrap();
        match tokens.insert(token, call.text("MessageSid").to_owned()) {
            Some(before) => {
                assert_eq!(before, call.text("MessageSid"), "two messages have one token");
                repeated += 1;
            }
            None => told
                .entry(call.text("ConversationSid").to_owned())
                .or_default()
                .push(index),
        }
    }
    for conversation in conversations {
        let path = format!("/conversations/v1/Conversations/{conversation}/Messages?PageSize=100");
        let stored = rest.list(&path, "messages").await.len();
        let told = told.remove(conversation).unwrap_or_default();
        // A message told under two tokens would be in here twice.
        let expected: Vec<i64> = (0..).take(stored).collect();
        assert_eq!(told, expected, "calls of {conversation}");
    }
    assert!(told.is_empty(), "{told:?}");
    repeated
}

/// Looks at the rows behind the API, and whether the database calls itself sound.
async fn check_rows(data_dir: &Path, database: &Database, conversations: &[String], stored: usize) {
    let backend = database.backend(data_dir);
    let sqlite = matches!(backend, Backend::Sqlite { .. });
    let store = Store::open(backend, MIGRATIONS)
        .await
        .expect("the database opens");
    let sids: Vec<_> = conversations
        .iter()
        .map(|sid| ConversationSid::parse(sid).unwrap())
        .collect();
    let counts: BTreeMap<_, _> = store
        .read(move |tx| -> confab_domain::Result<_> {
            if sqlite {
                let verdict = tx.first("PRAGMA integrity_check", &[])?.unwrap().text()?;
                assert_eq!(verdict, "ok");
            }
            sids.iter()
                .map(|sid| Ok((*sid, conversation::by_sid(tx, *sid)?.unwrap())))
                .collect()
        })
        .await
        .unwrap();
    let mut total = 0;
    for (sid, conversation) in counts {
        assert_eq!(conversation.next_index, conversation.messages_count, "{sid}");
        assert_eq!(
            conversation.last_message_index,
            Some(conversation.messages_count - 1),
            "{sid}"
        );
        total += conversation.messages_count;
    }
    assert_eq!(usize::try_from(total).unwrap(), stored);
}
