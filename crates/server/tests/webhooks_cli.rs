//! `confab webhooks`: the binary beside a running server.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::path::Path;
use std::process::{Output, Stdio};

use confab_testkit::{Database, Process, Reply, Rest, Sink, soon};
use reqwest::Method;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_confab");

struct World {
    server: Process,
    sink: Sink,
    conversation: String,
    directory: tempfile::TempDir,
    database: Database,
}

impl World {
    /// A server whose webhook has refused some messages.
    async fn new(messages: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::create().await;
        let data_dir = directory.path().join("data");
        let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
        let rest = Rest::new(
            &format!("http://{}", server.address),
            &server.told("account SID").unwrap(),
            &server.told("auth token").unwrap(),
        );
        let mut sink = Sink::start().await;
        sink.answer(|_| Reply::status(410));
        let url = sink.url("/").replace("http://", "http://me:secret@");
        let hook = [("PostWebhookUrl", url.as_str()), ("Filters", "onMessageAdded")];
        rest.post("/conversations/v1/Configuration/Webhooks", &hook)
            .await
            .expect(200);
        let made = rest
            .post("/conversations/v1/Conversations", &[])
            .await
            .expect(201);
        let conversation = made.text_of("sid");
        for n in 0..messages {
            let path = format!("/conversations/v1/Conversations/{conversation}/Messages");
            let request = rest
                .request(Method::POST, &path)
                .header("X-Twilio-Webhook-Enabled", "true")
                .form(&[("Body", n.to_string())]);
            rest.send(request).await.unwrap().expect(201);
        }
        for _ in 0..messages {
            sink.next().await;
        }
        let world = Self {
            server,
            sink,
            conversation,
            directory,
            database,
        };
        soon("the calls to be recorded", async {
            while world.listed(&["--state", "failed"]).await.len() < messages {}
        })
        .await;
        world
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let url = format!("http://{}", self.server.address);
        let mut all = vec!["webhooks"];
        all.extend(arguments);
        all.extend(["--url", &url]);
        run(&all, &self.directory.path().join("data"), &self.database).await
    }

    async fn listed(&self, arguments: &[&str]) -> Vec<Value> {
        let mut all = vec!["list", "--json"];
        all.extend(arguments);
        let output = self.run(&all).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

async fn run(arguments: &[&str], data_dir: &Path, database: &Database) -> Output {
    let child = Process::command(BINARY, arguments, data_dir, database)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    soon("a process to end", child.wait_with_output()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_log_is_listed_as_a_table_and_as_json() {
    let world = World::new(3).await;
    let output = world.run(&["list"]).await;
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        table.lines().filter(|line| line.contains("failed")).count(),
        3,
        "{table}"
    );
    assert!(table.contains("410") && !table.contains("secret"), "{table}");
    assert_eq!(world.listed(&["--limit", "2"]).await.len(), 2);
    assert_eq!(world.listed(&["--event", "onUserUpdated"]).await.len(), 0);
    assert_eq!(world.listed(&["--since", "2000-01-01"]).await.len(), 3);
    let conversation = world.listed(&["--conversation", &world.conversation]).await;
    assert_eq!(conversation.len(), 3);
    assert_eq!(conversation[0]["conversation_sid"], world.conversation.as_str());
    let output = world.run(&["list", "--state", "delivered"]).await;
    assert_eq!(text(&output.stdout), "no deliveries\n");
}

#[tokio::test]
async fn calls_are_replayed_by_number_and_by_conversation() {
    let mut world = World::new(3).await;
    world.sink.answer(|_| Reply::ok());
    let id = world.listed(&[]).await[0]["id"].to_string();
    let output = world.run(&["replay", &id]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).starts_with(&format!("{id} is replayed as ")));
    let call = world.sink.next().await;
    assert_eq!(
        (call.text("Body"), call.header("Confab-Replay-Of")),
        ("2", id.as_str())
    );

    let conversation = world.conversation.clone();
    let mut other = Sink::start().await;
    let to = other.url("/new");
    let output = world
        .run(&["replay", "--conversation", &conversation, "--to", &to, "--json"])
        .await;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["webhook_url"], to.as_str());
    for body in ["0", "1", "2"] {
        assert_eq!(other.next().await.text("Body"), body);
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_told_by_text_and_exit_status() {
    let world = World::new(1).await;
    let refused = |output: &Output, words: &str| {
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let error = text(&output.stderr);
        assert!(error.starts_with("confab: ") && error.contains(words), "{error}");
        assert!(output.stdout.is_empty());
    };
    refused(&world.run(&["replay", "999"]).await, "20404");
    refused(&world.run(&["replay", "1", "--to", "ftp://x/"]).await, "50054");
    refused(&world.run(&["list", "--since", "soon"]).await, "StartDate");
    for wrong in [
        &["replay"][..],
        &["list", "--state", "lost"],
        &["replay", "--state", "failed"],
    ] {
        assert_eq!(world.run(wrong).await.status.code(), Some(2), "{wrong:?}");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let output = run(&["webhooks", "list"], elsewhere.path(), &world.database).await;
    refused(&output, "credentials");
    let data_dir = world.directory.path().join("data");
    let output = run(
        &["webhooks", "list", "--url", "http://127.0.0.1:1"],
        &data_dir,
        &world.database,
    )
    .await;
    refused(&output, "--url");
    let help = run(&["webhooks", "replay", "--help"], &data_dir, &world.database).await;
    assert!(text(&help.stdout).contains("Examples:"));
}
