//! The binary under the largest upload: its memory does not grow with a body (B-281), and what it acknowledged is
//! there after a crash.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use confab_testkit::{Database, Process};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BINARY: &str = env!("CARGO_BIN_EXE_confab");
const MIB: usize = 1024 * 1024;
const LARGEST: usize = 150 * MIB;
/// What the server may take more, KiB.
const GROWTH: u64 = 16 * 1024;

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

struct Account {
    service: String,
    authorization: String,
}

impl Account {
    async fn of(server: &Process, data_dir: &std::path::Path) -> Self {
        let text = std::fs::read_to_string(data_dir.join("credentials")).unwrap();
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap()
                .to_owned()
        };
        let (user, password) = (field("account_sid="), field("auth_token="));
        let authorization = STANDARD.encode(format!("{user}:{password}"));
        let mut account = Self {
            service: String::new(),
            authorization,
        };
        let (_, body) = account
            .call(server, "GET", "/conversations/v1/Configuration", 0)
            .await;
        let configuration: Value = serde_json::from_slice(&body).unwrap();
        account.service = configuration["default_chat_service_sid"]
            .as_str()
            .unwrap()
            .to_owned();
        account
    }

    /// A request with a body of so many bytes, of which this side keeps one MiB; status line and body of the answer.
    async fn call(&self, server: &Process, method: &str, target: &str, length: usize) -> (String, Vec<u8>) {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {}\r\nConnection: close\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n",
            server.address, self.authorization
        );
        let mut connection = TcpStream::connect(server.address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        let piece = vec![b'x'; MIB];
        for at in (0..length).step_by(MIB) {
            connection
                .write_all(&piece[..MIB.min(length - at)])
                .await
                .unwrap();
        }
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let line = answer.split(|b| *b == b'\r').next().unwrap();
        (
            String::from_utf8(line.to_vec()).unwrap(),
            answer[end + 4..].to_vec(),
        )
    }

    async fn upload(&self, server: &Process, length: usize) -> (String, Value) {
        let target = format!("/mcs/v1/Services/{}/Media", self.service);
        let (line, body) = self.call(server, "POST", &target, length).await;
        (line, serde_json::from_slice(&body).unwrap_or_default())
    }
}

/// Reads an answer without keeping it: status line, and how many bytes follow the head.
async fn count(server: &Process, target: &str) -> (String, usize) {
    let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    let (mut start, mut total) = (Vec::new(), 0);
    let mut piece = vec![0; MIB];
    loop {
        match connection.read(&mut piece).await.unwrap() {
            0 => break,
            read => {
                if start.len() < 4096 {
                    start.extend_from_slice(&piece[..read.min(4096)]);
                }
                total += read;
            }
        }
    }
    let end = start.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let line = start.split(|b| *b == b'\r').next().unwrap();
    (String::from_utf8(line.to_vec()).unwrap(), total - end - 4)
}

#[tokio::test]
async fn the_largest_upload_takes_no_more_memory_than_a_small_one_b281() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let database = Database::create().await;
    let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let account = Account::of(&server, &data_dir).await;
    let (line, _) = account.upload(&server, MIB).await;
    assert!(line.contains(" 201 "), "{line}");

    let before = memory(&server, "VmRSS");
    let (line, record) = account.upload(&server, LARGEST).await;
    assert!(line.contains(" 201 "), "{line}");
    assert_eq!(record["size"], LARGEST);
    let url = record["links"]["content_direct_temporary"].as_str().unwrap();
    let target = url.split_once(&server.address.to_string()).unwrap().1;
    let (line, bytes) = count(&server, target).await;
    assert!(line.contains(" 200 "), "{line}");
    assert_eq!(bytes, LARGEST);
    // The peak, not only what is left.
    let peak = memory(&server, "VmHWM");
    assert!(peak <= before + GROWTH, "{before} KiB before, {peak} KiB at most");

    let (line, _) = account.upload(&server, LARGEST + 1).await;
    assert!(line.contains(" 413 "), "{line}");
    let peak = memory(&server, "VmHWM");
    assert!(peak <= before + GROWTH, "{before} KiB before, {peak} KiB at most");
    server.terminate().await;
}

#[tokio::test]
async fn an_acknowledged_upload_is_there_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let database = Database::create().await;
    let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let account = Account::of(&server, &data_dir).await;
    let (line, record) = account.upload(&server, 3 * MIB).await;
    assert!(line.contains(" 201 "), "{line}");
    server.kill().await;

    let server = Process::start(BINARY, "127.0.0.1:0", &data_dir, &database).await;
    let url = record["links"]["content_direct_temporary"].as_str().unwrap();
    // Signed with a key that all starts of this server have.
    let target = format!("/media{}", url.split_once("/media").unwrap().1);
    let (line, bytes) = count(&server, &target).await;
    assert!(line.contains(" 200 "), "{line}");
    assert_eq!(bytes, 3 * MIB);
    server.terminate().await;
}
