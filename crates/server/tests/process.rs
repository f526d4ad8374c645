//! The binary as people and service managers meet it.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use confab_testkit::{Database, Process, Rest, soon};
use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_confab");
const FREE_PORT: &str = "127.0.0.1:0";

/// A data directory and a database that survive the processes of a test.
struct Place {
    data_dir: PathBuf,
    database: Database,
    _directory: TempDir,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            data_dir: directory.path().join("data"),
            database: Database::create().await,
            _directory: directory,
        }
    }

    async fn start(&self) -> Process {
        Process::start(BINARY, FREE_PORT, &self.data_dir, &self.database).await
    }

    fn serve(&self) -> tokio::process::Command {
        Process::command(
            BINARY,
            &["serve", "--listen", FREE_PORT],
            &self.data_dir,
            &self.database,
        )
    }

    /// Starts a server that must refuse to run, and gives what it says about it.
    async fn refused(&self, command: tokio::process::Command) -> String {
        let output = run(command).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(
            output.stdout.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("confab: "), "{text}");
        assert!(
            !text.contains("backtrace") && !text.contains("panicked"),
            "{text}"
        );
        text
    }

    /// A client with the kept credentials.
    fn rest(&self, server: &Process) -> Rest {
        let text = std::fs::read_to_string(self.data_dir.join("credentials")).unwrap();
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap()
                .to_owned()
        };
        Rest::new(
            &format!("http://{}", server.address),
            &field("account_sid="),
            &field("auth_token="),
        )
    }
}

async fn run(mut command: tokio::process::Command) -> Output {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    soon("a process to end", child.wait_with_output()).await.unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_second_process_on_the_same_data_directory_is_refused() {
    let place = Place::new().await;
    let first = place.start().await;
    let text = place.refused(place.serve()).await;
    assert!(text.contains("is in use by another confab process"), "{text}");
    assert!(text.contains(&place.data_dir.display().to_string()), "{text}");
    // The first one did not notice.
    place.rest(&first).get("/readyz").await.expect(200);
    assert_eq!(first.terminate().await.0.code(), Some(0));
    // And the lock went with it.
    place.start().await.kill().await;
    place.start().await.kill().await;
}

#[tokio::test]
async fn a_taken_address_is_refused_and_makes_no_account() {
    let (place, other) = (Place::new().await, Place::new().await);
    let first = place.start().await;
    let listen = first.address.to_string();
    let command = Process::command(
        BINARY,
        &["serve", "--listen", &listen],
        &other.data_dir,
        &other.database,
    );
    let text = other.refused(command).await;
    assert!(text.contains(&format!("cannot listen on {listen}")), "{text}");
    assert!(!other.data_dir.join("credentials").exists());
}

#[tokio::test]
async fn health_readiness_and_metrics_are_answered() {
    let place = Place::new().await;
    let server = place.start().await;
    let rest = place.rest(&server).anonymous();
    rest.get("/healthz").await.expect(200);
    rest.get("/readyz").await.expect(200);
    place
        .rest(&server)
        .post("/conversations/v1/Conversations", &[])
        .await
        .expect(201);
    let metrics = rest.get("/metrics").await.expect(200);
    let value = |name: &str| -> f64 {
        let line = metrics.text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{}", metrics.text))
            .trim()
            .parse()
            .unwrap()
    };
    assert!(
        value("confab_store_writes_total ") >= 2.0,
        "the account and the conversation"
    );
    assert!(value("confab_store_commits_total ") >= 2.0);
    let posts = r#"confab_http_requests_total{product="conversations",method="POST",status="2xx"} "#;
    assert!((value(posts) - 1.0).abs() < f64::EPSILON);
    assert!(value("confab_realtime_connections ").abs() < f64::EPSILON);
}

#[tokio::test]
async fn sigterm_closes_sdk_connections_with_308_and_exits_with_0() {
    let place = Place::new().await;
    let server = place.start().await;
    let rest = place.rest(&server);
    let account = server.told("account SID").unwrap();
    let service = rest
        .get("/conversations/v1/Configuration")
        .await
        .expect(200)
        .text_of("default_chat_service_sid");
    let key = rest
        .post(&format!("/2010-04-01/Accounts/{account}/Keys.json"), &[])
        .await
        .expect(201);
    let (key, secret) = (key.text_of("sid"), key.text_of("secret"));
    let token = confab_testkit::access_token(&account, "alice", &service, &key, &secret, 600);
    let mut alice = confab_testkit::Socket::connect(server.address).await;
    assert_eq!(alice.init(&token).await.status(), 200);
    server.signal(rustix::process::Signal::TERM);
    let close = alice.wait_for("close", |frame| frame.method() == "close").await;
    assert_eq!(close.status(), 308);
    alice.close().await;
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[tokio::test]
async fn wrong_settings_stop_the_start_and_are_named() {
    let place = Place::new().await;
    let file = place._directory.path().join("confab.toml");
    std::fs::write(
        &file,
        "lissten = \"127.0.0.1:1\"\n[limits]\nparticipants = \"many\"\n",
    )
    .unwrap();
    let mut command = place.serve();
    command
        .arg("--config")
        .arg(&file)
        .env("CONFAB_LOG_FORMAT", "yaml");
    let text = place.refused(command).await;
    for part in [
        "`lissten`",
        "did you mean `listen`",
        "limits.participants",
        "a whole number",
        "log.format",
        "text or json",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(
        !place.data_dir.exists(),
        "nothing is made before the settings are right"
    );
}

#[tokio::test]
async fn files_are_for_their_owner_only() {
    let place = Place::new().await;
    let server = place.start().await;
    place
        .rest(&server)
        .post("/conversations/v1/Conversations", &[])
        .await
        .expect(201);
    assert_eq!(mode(&place.data_dir), 0o700);
    for file in std::fs::read_dir(&place.data_dir).unwrap() {
        let file = file.unwrap().path();
        let wanted = if file.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&file), wanted, "{}", file.display());
    }
    for name in ["credentials", "master.key", "lock"] {
        assert!(place.data_dir.join(name).exists(), "{name}");
    }
    server.terminate().await;
    std::fs::set_permissions(
        place.data_dir.join("master.key"),
        std::fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let text = place.refused(place.serve()).await;
    assert!(
        text.contains("master.key") && text.contains("chmod 600"),
        "{text}"
    );
}

#[tokio::test]
async fn the_log_holds_no_secret_and_no_message() {
    let place = Place::new().await;
    let server = place.start().await;
    let (account, token) = (
        server.told("account SID").unwrap(),
        server.told("auth token").unwrap(),
    );
    let rest = place.rest(&server);
    let key = rest
        .post(&format!("/2010-04-01/Accounts/{account}/Keys.json"), &[])
        .await
        .expect(201);
    let secret = key.text_of("secret");
    let by_key = rest.with(&key.text_of("sid"), &secret);
    let sid = by_key
        .post("/conversations/v1/Conversations", &[])
        .await
        .expect(201)
        .text_of("sid");
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    let path = format!("/conversations/v1/Conversations/{sid}");
    rest.post(&format!("{path}/Participants"), &phone)
        .await
        .expect(201);
    let body = "a rendezvous at midnight";
    let message = [("Body", body), ("Attributes", r#"{"note":"for nobody else"}"#)];
    let sent = rest
        .post(&format!("{path}/Messages"), &message)
        .await
        .expect(201)
        .text_of("sid");
    // Refusals are logged by themselves, if at all.
    rest.post(
        &format!("{path}/Messages"),
        &[("Body", body), ("Attributes", "for nobody else {")],
    )
    .await;
    rest.with(&account, "guessed-token")
        .get("/conversations/v1/Conversations")
        .await
        .expect(401);
    rest.get(&format!("{path}/Messages/{sent}")).await.expect(200);
    // A job that is done has had its chance to log.
    let handset = "/simulator/v1/Handsets/%2B15558675310/Messages";
    let received = async {
        while rest.get(handset).await.json["messages"][0]["body"] != *body {
            tokio::task::yield_now().await;
        }
    };
    soon("the message on the phone", received).await;
    let (status, log) = server.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("started"), "{log}");
    let master_key = std::fs::read_to_string(place.data_dir.join("master.key")).unwrap();
    for secret in [
        &token,
        &secret,
        master_key.trim(),
        "guessed-token",
        body,
        "rendezvous",
        "for nobody else",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[tokio::test]
async fn the_command_of_the_banner_works_on_the_first_and_on_later_starts() {
    let place = Place::new().await;
    for start in 1..=2 {
        let server = place.start().await;
        let command = &server.banner[server.banner.find("curl ").unwrap()..];
        assert_eq!(command.lines().count(), 3, "{command}");
        assert_eq!(server.banner.contains("shown this once"), start == 1);
        let has_curl = std::process::Command::new("curl")
            .arg("--version")
            .output()
            .is_ok();
        let created: Value = if has_curl {
            let mut shell = tokio::process::Command::new("sh");
            shell.arg("-c").arg(command).env("no_proxy", "127.0.0.1");
            let output = run(shell).await;
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            serde_json::from_slice(&output.stdout).unwrap()
        } else {
            let path = "/conversations/v1/Conversations";
            let form = [("FriendlyName", "My first conversation")];
            place.rest(&server).post(path, &form).await.expect(201).json
        };
        assert_eq!(created["friendly_name"], "My first conversation", "{created}");
        let listed = place
            .rest(&server)
            .list("/conversations/v1/Conversations", "conversations")
            .await;
        assert_eq!(listed.len(), start);
        server.kill().await;
    }
}

#[tokio::test]
async fn keys_survive_a_restart() {
    let place = Place::new().await;
    let first = place.start().await;
    let account = first.told("account SID").unwrap();
    let keys = format!("/2010-04-01/Accounts/{account}/Keys.json");
    let key = place
        .rest(&first)
        .post(&keys, &[("FriendlyName", "mine")])
        .await
        .expect(201);
    let (sid, secret) = (key.text_of("sid"), key.text_of("secret"));
    first.kill().await;
    let second = place.start().await;
    assert_eq!(second.told("account SID").unwrap(), account);
    let rest = place.rest(&second).with(&sid, &secret);
    rest.get("/conversations/v1/Conversations").await.expect(200);
    rest.with(&sid, "another")
        .get("/conversations/v1/Conversations")
        .await
        .expect(401);
}

#[tokio::test]
async fn another_master_key_is_refused_and_the_right_one_still_works() {
    let place = Place::new().await;
    place.start().await.kill().await;
    let kept = std::fs::read_to_string(place.data_dir.join("master.key")).unwrap();
    let mut command = place.serve();
    command.env(
        "CONFAB_MASTER_KEY",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    );
    let text = place.refused(command).await;
    assert!(
        text.contains("master_key (from environment variable CONFAB_MASTER_KEY)"),
        "{text}"
    );
    assert!(text.contains("does not open the secrets"), "{text}");
    // A lost key is not made up anew, which would leave an account that nobody can enter.
    std::fs::remove_file(place.data_dir.join("master.key")).unwrap();
    let text = place.refused(place.serve()).await;
    assert!(text.contains("set master_key"), "{text}");
    assert!(!place.data_dir.join("master.key").exists());
    let mut command = place.serve();
    command.env("CONFAB_MASTER_KEY", kept.trim());
    let server = Process::spawn(command).await;
    place
        .rest(&server)
        .get("/conversations/v1/Conversations")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_database_with_an_account_is_not_given_a_second_one() {
    let place = Place::new().await;
    let server = place.start().await;
    let (account, token) = (
        server.told("account SID").unwrap(),
        server.told("auth token").unwrap(),
    );
    server.kill().await;
    let kept = std::fs::read_to_string(place.data_dir.join("master.key")).unwrap();
    for name in ["credentials", "master.key"] {
        std::fs::remove_file(place.data_dir.join(name)).unwrap();
    }
    let text = place.refused(place.serve()).await;
    for part in [&account, "account_sid, auth_token, master_key"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let with = |account: &str| {
        let mut command = place.serve();
        command
            .env("CONFAB_ACCOUNT_SID", account)
            .env("CONFAB_AUTH_TOKEN", &token);
        command.env("CONFAB_MASTER_KEY", kept.trim());
        command
    };
    let text = place.refused(with("AC00000000000000000000000000000000")).await;
    assert!(
        text.contains("AC00000000000000000000000000000000") && text.contains(&account),
        "{text}"
    );
    assert!(
        !place.data_dir.join("credentials").exists(),
        "a refused start leaves no file behind"
    );
    let server = Process::spawn(with(&account)).await;
    place
        .rest(&server)
        .get("/conversations/v1/Conversations")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_new_token_replaces_the_stored_one() {
    let place = Place::new().await;
    let server = place.start().await;
    let (account, old) = (
        server.told("account SID").unwrap(),
        server.told("auth token").unwrap(),
    );
    server.kill().await;
    std::fs::remove_file(place.data_dir.join("credentials")).unwrap();
    let mut command = place.serve();
    let new = "0123456789abcdef0123456789abcdef";
    command
        .env("CONFAB_ACCOUNT_SID", &account)
        .env("CONFAB_AUTH_TOKEN", new);
    let server = Process::spawn(command).await;
    let rest = place.rest(&server);
    rest.with(&account, new)
        .get("/conversations/v1/Conversations")
        .await
        .expect(200);
    rest.with(&account, &old)
        .get("/conversations/v1/Conversations")
        .await
        .expect(401);
}

#[tokio::test]
async fn tls_init_makes_what_serve_needs_and_tells_what_to_do() {
    let place = Place::new().await;
    let init = |arguments: &[&str]| {
        let mut command = Process::command(BINARY, &["tls", "init"], &place.data_dir, &place.database);
        command.args(arguments);
        run(command)
    };
    let tls = place.data_dir.join("tls");
    let ca = |text: &str| text.contains(&tls.canonicalize().unwrap().join("ca.pem").display().to_string());
    let first = init(&["--name", "chat.example.com"]).await;
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    let text = String::from_utf8(first.stdout).unwrap();
    assert!(ca(&text), "{text}");
    for part in [
        "made; clients have to trust it",
        "chat.example.com",
        "confab serve --tls",
        "NODE_EXTRA_CA_CERTS=",
        "REQUESTS_CA_BUNDLE=",
        "HTTP_PROXY=",
        "tsock.us1.twilio.com",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let (authority, certificate) = (
        std::fs::read(tls.join("ca.pem")),
        std::fs::read(tls.join("server.pem")),
    );
    assert_eq!(
        (mode(&place.data_dir), mode(&tls), mode(&tls.join("ca.key"))),
        (0o700, 0o700, 0o600)
    );

    let mut command = place.serve();
    command.args(["--tls", FREE_PORT]);
    let server = Process::spawn(command).await;
    let address = server.told("TLS").unwrap();
    assert!(address.starts_with("https://127.0.0.1:"), "{address}");

    // Also beside a server that runs.
    let second = init(&[]).await;
    let text = String::from_utf8(second.stdout).unwrap();
    assert!(
        text.contains("kept; clients") && text.contains("chat.example.com"),
        "{text}"
    );
    assert_eq!(std::fs::read(tls.join("ca.pem")).unwrap(), authority.unwrap());
    assert_ne!(
        std::fs::read(tls.join("server.pem")).unwrap(),
        certificate.unwrap()
    );
    assert_eq!(server.terminate().await.0.code(), Some(0));

    let elsewhere = place._directory.path().join("elsewhere");
    let third = init(&["--dir", &elsewhere.display().to_string()]).await;
    let text = String::from_utf8(third.stdout).unwrap();
    assert!(
        text.contains("CONFAB_TLS_CERTIFICATE=") && elsewhere.join("server.key").exists(),
        "{text}"
    );

    let wrong = init(&["--name", "https://chat.example.com"]).await;
    assert!(!wrong.status.success());
    let text = String::from_utf8(wrong.stderr).unwrap();
    assert!(text.contains("a host name such as"), "{text}");
}

#[tokio::test]
async fn tls_without_a_certificate_stops_the_start() {
    let place = Place::new().await;
    let mut command = place.serve();
    command.args(["--tls", FREE_PORT]);
    let text = place.refused(command).await;
    assert!(text.contains("run `confab tls init`"), "{text}");
    assert!(!place.data_dir.join("credentials").exists());
}
