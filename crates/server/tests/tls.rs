//! TLS and the proxy, as clients meet them on the wire.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use confab_server::tls::{DIRECTORY, authority};
use confab_testkit::{TestServer, soon};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const HOST: &str = "conversations.twilio.com";

/// A server with TLS beside its plain address.
async fn server() -> TestServer {
    TestServer::start_with(|config| {
        authority::init(&config.data_dir.join(DIRECTORY), &[]).unwrap();
        config.tls.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    })
    .await
}

/// Shakes hands as a client that trusts the authority of this server and nobody else.
async fn tls<I>(server: &TestServer, io: I, host: &str) -> std::io::Result<tokio_rustls::client::TlsStream<I>>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(server.data_dir().join(DIRECTORY).join("ca.pem")).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from(host.to_owned()).unwrap(), io)
        .await
}

async fn by_tls(server: &TestServer, host: &str) -> tokio_rustls::client::TlsStream<TcpStream> {
    let stream = TcpStream::connect(server.tls_address.unwrap()).await.unwrap();
    tls(server, stream, host).await.unwrap()
}

/// A tunnel to `target`; none when the proxy refused, with what it said.
async fn tunnel(server: &TestServer, target: &str) -> Result<TcpStream, String> {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (head, body) = answer(&mut stream).await;
    if head.starts_with("HTTP/1.1 200 ") {
        assert!(!head.contains("content-length") && body.is_empty(), "{head}");
        Ok(stream)
    } else {
        Err(format!("{head}\n{body}"))
    }
}

/// One answer: its head in lower case but for the first line, and its body.
async fn answer<I: AsyncRead + Unpin>(io: &mut I) -> (String, String) {
    let mut got = Vec::new();
    let reading = async {
        loop {
            let text = String::from_utf8_lossy(&got).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let (first, rest) = head.split_once("\r\n").unwrap_or((head, ""));
                let head = format!("{first}\r\n{}", rest.to_lowercase());
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
                    .unwrap_or_default();
                if body.len() >= length {
                    return (head, body.to_owned());
                }
            }
            let mut buffer = [0; 4096];
            let read = io.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "ended after {}", String::from_utf8_lossy(&got));
            got.extend_from_slice(&buffer[..read]);
        }
    };
    soon("an answer", reading).await
}

/// Asks with the account's token: the status and the body.
async fn ask<I>(server: &TestServer, io: &mut I, host: &str, line: &str, form: &str) -> (String, Value)
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let user = STANDARD.encode(format!("{}:{}", server.account_sid, server.auth_token));
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {user}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    io.write_all(request.as_bytes()).await.unwrap();
    let (head, body) = answer(io).await;
    let status = head.split(' ').nth(1).unwrap().to_owned();
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn the_hosts_of_the_original_are_served_by_tls_with_https_urls() {
    let server = server().await;
    for host in [
        HOST,
        "conversations.dublin.ie1.twilio.com",
        "conversations.us1.twilio.com",
    ] {
        let mut stream = by_tls(&server, host).await;
        let (status, made) = ask(
            &server,
            &mut stream,
            host,
            "POST /v1/Conversations",
            "FriendlyName=tls",
        )
        .await;
        assert_eq!(status, "201");
        let sid = made["sid"].as_str().unwrap();
        assert_eq!(made["url"], format!("https://{host}/v1/Conversations/{sid}"));
        // The connection stays open for the next request.
        let (status, found) = ask(
            &server,
            &mut stream,
            host,
            &format!("GET /v1/Conversations/{sid}"),
            "",
        )
        .await;
        assert_eq!((status.as_str(), &found["friendly_name"]), ("200", &"tls".into()));
    }
    // By its own address, and in the clear, as before.
    let mut stream = by_tls(&server, "127.0.0.1").await;
    let host = server.tls_address.unwrap().to_string();
    let (_, list) = ask(
        &server,
        &mut stream,
        &host,
        "GET /conversations/v1/Conversations?PageSize=1",
        "",
    )
    .await;
    let next = list["meta"]["next_page_url"].as_str().unwrap();
    assert!(
        next.starts_with(&format!("https://{host}/conversations/v1/Conversations?")),
        "{next}"
    );
    let plain = server.get("/conversations/v1/Conversations").await.expect(200);
    let url = plain.json["meta"]["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("http://{}/", server.address)), "{url}");
}

#[tokio::test]
async fn the_websocket_is_served_by_tls_and_in_a_tunnel() {
    let server = server().await;
    let upgrade = "GET /v3/wsconnect HTTP/1.1\r\nHost: tsock.us1.twilio.com\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    let mut direct = by_tls(&server, "tsock.us1.twilio.com").await;
    direct.write_all(upgrade.as_bytes()).await.unwrap();
    let (head, _) = answer(&mut direct).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let stream = tunnel(&server, "tsock.us1.twilio.com:443").await.unwrap();
    let mut inside = tls(&server, stream, "tsock.us1.twilio.com").await.unwrap();
    inside.write_all(upgrade.as_bytes()).await.unwrap();
    let (head, _) = answer(&mut inside).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

#[tokio::test]
async fn the_proxy_leads_to_the_server_itself() {
    let server = server().await;
    let stream = tunnel(&server, &format!("{HOST}:443")).await.unwrap();
    let mut inside = tls(&server, stream, HOST).await.unwrap();
    let (status, made) = ask(&server, &mut inside, HOST, "POST /v1/Conversations", "").await;
    assert_eq!(status, "201");
    let sid = made["sid"].as_str().unwrap().to_owned();
    assert_eq!(made["url"], format!("https://{HOST}/v1/Conversations/{sid}"));
    // Seen from outside it is the same conversation.
    server
        .get(&format!("/conversations/v1/Conversations/{sid}"))
        .await
        .expect(200);
    // A tunnel inside a tunnel would lead nowhere new.
    let (status, error) = ask(&server, &mut inside, HOST, &format!("CONNECT {HOST}:443"), "").await;
    assert_eq!((status.as_str(), &error["code"]), ("403", &20403.into()));

    // Clients of a proxy send the whole URL of what is not encrypted; a few of what should be, too.
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    for scheme in ["http", "https"] {
        let line = format!("GET {scheme}://{HOST}/v1/Conversations/{sid}");
        let (status, found) = ask(&server, &mut plain, HOST, &line, "").await;
        assert_eq!(status, "200");
        assert_eq!(found["url"], format!("{scheme}://{HOST}/v1/Conversations/{sid}"));
    }
}

#[tokio::test]
async fn the_proxy_is_not_an_open_one() {
    let server = server().await;
    // Somebody who must not be called by the server.
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    for target in [
        "example.com:443",
        "twilio.com.example.org:443",
        "a.b.c.twilio.com:443",
        "192.0.2.1:443",
        "[2001:db8::1]:443",
    ] {
        let refused = tunnel(&server, target).await.unwrap_err();
        assert!(refused.starts_with("HTTP/1.1 403 "), "{target}: {refused}");
        assert!(refused.contains("\"code\":20403"), "{refused}");
    }
    // The machine's own names lead to the server whatever the port: nobody else is ever called.
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let stream = tunnel(&server, &format!("{host}:{port}")).await.unwrap();
        let mut inside = tls(&server, stream, host.trim_matches(['[', ']'])).await.unwrap();
        let (status, _) = ask(&server, &mut inside, host, "GET /healthz", "").await;
        assert_eq!(status, "200", "{host}");
    }
    let called = tokio::time::timeout(std::time::Duration::ZERO, elsewhere.accept()).await;
    assert!(called.is_err(), "the server called {called:?}");
}

#[tokio::test]
async fn without_tls_there_is_no_proxy() {
    let server = TestServer::start().await;
    assert_eq!(server.tls_address, None);
    let refused = tunnel(&server, &format!("{HOST}:443")).await.unwrap_err();
    assert!(
        refused.starts_with("HTTP/1.1 403 ") && refused.contains("confab tls init"),
        "{refused}"
    );
}

#[tokio::test]
async fn with_files_of_init_alone_the_plain_address_is_a_proxy() {
    let server = TestServer::start_with(|config| {
        authority::init(&config.data_dir.join(DIRECTORY), &[]).unwrap();
    })
    .await;
    assert_eq!(server.tls_address, None);
    let stream = tunnel(&server, &format!("{HOST}:443")).await.unwrap();
    let mut inside = tls(&server, stream, HOST).await.unwrap();
    let (status, _) = ask(&server, &mut inside, HOST, "GET /v1/Conversations", "").await;
    assert_eq!(status, "200");
}

#[tokio::test]
async fn tls_can_be_all_there_is() {
    let mut plain = None;
    let server = TestServer::start_with(|config| {
        authority::init(&config.data_dir.join(DIRECTORY), &[]).unwrap();
        config.tls.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.tls.only = true;
        // Free a moment ago, so that it can be seen that nobody listens there.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        config.listen = free.local_addr().unwrap();
        plain = Some(config.listen);
    })
    .await;
    assert_eq!(server.tls_address, Some(server.address));
    let mut stream = by_tls(&server, HOST).await;
    let (status, _) = ask(&server, &mut stream, HOST, "GET /v1/Conversations", "").await;
    assert_eq!(status, "200");
    assert!(TcpStream::connect(plain.unwrap()).await.is_err());
    // What is not TLS gets no answer in the clear.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut got = Vec::new();
    let _ = soon("the connection to end", stream.read_to_end(&mut got)).await;
    assert!(!String::from_utf8_lossy(&got).contains("HTTP"), "{got:?}");
}

#[tokio::test]
async fn requests_in_flight_are_answered_and_idle_tunnels_end_with_the_server() {
    let server = server().await;
    let mut idle = by_tls(&server, HOST).await;
    ask(&server, &mut idle, HOST, "GET /v1/Conversations", "").await;
    let stream = tunnel(&server, &format!("{HOST}:443")).await.unwrap();
    let mut idle_tunnel = tls(&server, stream, HOST).await.unwrap();
    ask(&server, &mut idle_tunnel, HOST, "GET /v1/Conversations", "").await;
    // Neither has spoken yet.
    let mut silent = TcpStream::connect(server.tls_address.unwrap()).await.unwrap();
    let mut silent_tunnel = tunnel(&server, &format!("{HOST}:443")).await.unwrap();

    let stream = tunnel(&server, &format!("{HOST}:443")).await.unwrap();
    let mut in_flight = tls(&server, stream, HOST).await.unwrap();
    let user = STANDARD.encode(format!("{}:{}", server.account_sid, server.auth_token));
    let head = format!(
        "POST /v1/Conversations HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Basic {user}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n"
    );
    in_flight.write_all(head.as_bytes()).await.unwrap();
    let (head, _) = answer(&mut in_flight).await;
    assert!(head.starts_with("HTTP/1.1 100 "), "{head}");

    let stopping = tokio::spawn(server.stop());
    let mut rest = Vec::new();
    soon("the idle connection to end", idle.read_to_end(&mut rest))
        .await
        .unwrap();
    soon("the idle tunnel to end", idle_tunnel.read_to_end(&mut rest))
        .await
        .unwrap();
    soon("the silent connection to end", silent.read_to_end(&mut rest))
        .await
        .unwrap();
    soon("the silent tunnel to end", silent_tunnel.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(!stopping.is_finished());
    in_flight.write_all(b"FriendlyName=last").await.unwrap();
    let (head, body) = answer(&mut in_flight).await;
    assert!(
        head.starts_with("HTTP/1.1 201 ") && body.contains("\"last\""),
        "{head}\n{body}"
    );
    soon("the server to stop", stopping).await.unwrap();
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let server = server().await;
    let directory = server.data_dir().join(DIRECTORY);
    let address = server.tls_address.unwrap();
    let good = async |host: &str| {
        let stream = TcpStream::connect(address).await.unwrap();
        tls(&server, stream, host).await.is_ok()
    };
    assert!(good(HOST).await && !good("new.region.x.twilio.com").await);
    let renew =
        |directory: &Path| authority::init(directory, &["*.region.x.twilio.com".parse().unwrap()]).unwrap();
    renew(&directory);
    let taken_up = async {
        while !good("new.region.x.twilio.com").await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("the new certificate", taken_up).await;
}
