//! Listeners that behave badly: callers stay answered, other listeners are told, what went wrong can be read.

use std::net::SocketAddr;

use confab_domain::hook::delivery::{Attempt, Delivery, State};
use confab_server::tls::{DIRECTORY, authority};
use confab_testkit::{TestServer, soon};
use confab_types::{AccountSid, Sid as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{CONVERSATIONS, World};

/// How a listener behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Takes the request and says nothing.
    Silent,
    /// Its head comes byte by byte and never ends.
    Drips,
    /// So does its body.
    DripsBody,
    /// 200 with a body without end.
    Endless,
    /// Closes before it has read anything.
    Slams,
    /// Closes in the middle of its answer.
    BreaksOff,
    /// A head of headers without end.
    Headers,
    /// 500 with bytes that are no text.
    Bytes,
    /// Leads to itself.
    Circles,
    /// No HTTP.
    Nonsense,
}

async fn behave(way: Way, mut stream: TcpStream) -> std::io::Result<()> {
    if way == Way::Slams {
        return Ok(());
    }
    let mut request = [0; 16 * 1024];
    let _ = stream.read(&mut request).await?;
    let head = |rest: &str| format!("HTTP/1.1 200 OK\r\n{rest}").into_bytes();
    match way {
        Way::Slams => {}
        Way::Silent => std::future::pending().await,
        Way::Drips => {
            stream.write_all(&head("X-A: ")).await?;
            loop {
                stream.write_all(b"a").await?;
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
        Way::DripsBody => {
            stream.write_all(&head("\r\n")).await?;
            loop {
                stream.write_all(b"a").await?;
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
        Way::Endless => {
            stream.write_all(&head("\r\n")).await?;
            loop {
                stream.write_all(&[b'x'; 4096]).await?;
            }
        }
        Way::BreaksOff => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le").await?,
        Way::Headers => {
            stream.write_all(&head("")).await?;
            loop {
                stream.write_all(b"X-Header: of many\r\n").await?;
            }
        }
        Way::Bytes => {
            let answer = b"HTTP/1.1 500 No\r\nX-Raw: \xff\xfe\r\nContent-Length: 7\r\n\r\n\xff\xfe a\0\xc3z";
            stream.write_all(answer).await?;
        }
        Way::Circles => {
            let answer = b"HTTP/1.1 307 Away\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await?;
        }
        Way::Nonsense => stream.write_all(b"SSH-2.0-none\r\n").await?,
    }
    stream.shutdown().await
}

/// A listener that behaves in a way.
struct Listener {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listener {
    async fn start(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(behave(way, stream));
            }
        });
        Self { address, accepting }
    }
}

/// The log of the first call to a URL, when its try is over.
async fn log(world: &World, url: &str) -> (Delivery, Vec<Attempt>) {
    let account = AccountSid::parse(&world.server.account_sid).unwrap();
    let engine = world.server.engine().clone();
    let find = async {
        loop {
            for id in 1..100 {
                let found = engine
                    .read(move |tx| confab_domain::hook::log::fetch(tx, account, id))
                    .await;
                if let Ok(found) = found
                    && found.0.url == url
                    && !found.1.is_empty()
                {
                    return found;
                }
            }
            tokio::task::yield_now().await;
        }
    };
    soon("the try in the log", find).await
}

/// The newest alert about a URL, with all that is known of it.
async fn alert(world: &World, url: &str) -> Option<Value> {
    let alerts = world
        .server
        .rest
        .list("/monitor/v1/Alerts?PageSize=100", "alerts")
        .await;
    let found = alerts.iter().find(|alert| alert["request_url"] == url)?;
    let path = format!("/monitor/v1/Alerts/{}", found["sid"].as_str().unwrap());
    Some(world.shown(&path).await)
}

const TIMEOUT: &str = "50076";
const FAILED: &str = "11200";

/// Ways and URLs, with what becomes of a call: the code of its alert, or none where it counts as delivered.
async fn all() -> (Vec<Listener>, Vec<(String, Option<&'static str>)>) {
    let mut listeners = Vec::new();
    let mut urls = Vec::new();
    for (way, code) in [
        (Way::Silent, Some(TIMEOUT)),
        (Way::Drips, Some(TIMEOUT)),
        (Way::DripsBody, Some(TIMEOUT)),
        (Way::Endless, None),
        (Way::Slams, Some(FAILED)),
        (Way::BreaksOff, Some(FAILED)),
        (Way::Headers, Some(FAILED)),
        (Way::Bytes, Some(FAILED)),
        (Way::Nonsense, Some(FAILED)),
    ] {
        let listener = Listener::start(way).await;
        urls.push((format!("http://{}/{way:?}#tt=2000", listener.address), code));
        listeners.push(listener);
    }
    let plain = Listener::start(Way::Nonsense).await;
    urls.push((format!("https://{}/no-tls#tt=2000", plain.address), Some(FAILED)));
    urls.push(("http://nobody.invalid/#tt=15000".into(), Some(FAILED)));
    listeners.push(plain);
    (listeners, urls)
}

/// A server whose certificate nobody trusts.
async fn self_signed() -> TestServer {
    TestServer::start_with(|config| {
        authority::init(&config.data_dir.join(DIRECTORY), &[]).unwrap();
        config.tls.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    })
    .await
}

/// B-405, B-408, B-410: of what has happened; each conversation's webhook fails in its way, the account's is told of all.
#[tokio::test]
async fn bad_listeners_hold_nobody_up() {
    let server = TestServer::start_with(|config| config.webhooks.retry_secs = 0).await;
    let mut world = World::on(server, &["onMessageAdded"]).await;
    let (_listeners, mut urls) = all().await;
    let circles = Listener::start(Way::Circles).await;
    urls.push((
        format!("http://{}/circles#tt=2000", circles.address),
        Some(FAILED),
    ));
    let untrusted = self_signed().await;
    let address = untrusted.tls_address.unwrap();
    urls.push((format!("https://{address}/#tt=2000"), Some(FAILED)));
    for (url, _) in &urls {
        let sid = world.conversation().await;
        let hook = [
            ("Target", "webhook"),
            ("Configuration.Url", url.as_str()),
            ("Configuration.Filters", "onMessageAdded"),
        ];
        let path = format!("{CONVERSATIONS}/{sid}/Webhooks");
        world.server.post(&path, &hook).await.expect(201);
        let message = world.say(&sid, url).await;
        let told = world.sink.next().await;
        assert_eq!(
            (told.text("MessageSid"), told.text("Body")),
            (message.as_str(), url.as_str())
        );
    }
    for (url, code) in &urls {
        let (call, tries) = log(&world, url).await;
        let expected = if code.is_some() {
            State::Failed
        } else {
            State::Delivered
        };
        assert_eq!((call.state, tries.len()), (expected, 1), "{url} {tries:?}");
        let alert = alert(&world, url).await;
        assert_eq!(alert.is_some(), code.is_some(), "{url}");
        let Some(alert) = alert else { continue };
        assert_eq!(alert["error_code"], json!(code), "{url} {alert}");
        assert_eq!(alert["log_level"], "error");
        assert_eq!(alert["request_method"], "POST");
        assert_eq!(alert["resource_sid"], json!(call.conversation));
        assert!(
            alert["request_variables"]
                .as_str()
                .unwrap()
                .contains("EventType=onMessageAdded")
        );
        if url.contains("Bytes") {
            assert_eq!(tries[0].status, Some(500));
            assert_eq!(
                tries[0].answer.as_deref(),
                Some("\u{fffd}\u{fffd} a\u{fffd}\u{fffd}z")
            );
            assert_eq!(alert["response_body"], "\u{fffd}\u{fffd} a\u{fffd}\u{fffd}z");
        } else {
            assert_eq!(tries[0].status, None, "{url}");
            assert!(tries[0].error.is_some(), "{url}");
        }
    }
    assert!(world.sink.came().is_none());
}

/// B-403, B-404, B-405: of what is asked before; it happens unless the answer is a refusal, however it is said.
#[tokio::test]
async fn bad_listeners_that_are_asked_refuse_nothing_by_silence() {
    let mut world = World::new(&["onMessageAdd", "onMessageAdded"]).await;
    let sid = world.conversation().await;
    let path = format!("{CONVERSATIONS}/{sid}/Messages");
    let (_listeners, urls) = all().await;
    for (url, code) in &urls {
        let form = [("PreWebhookUrl", url.as_str())];
        world
            .server
            .post("/conversations/v1/Configuration/Webhooks", &form)
            .await
            .expect(200);
        let answer = world.post(&path, &[("Body", url)]).await;
        let refuses = url.contains("Bytes");
        if refuses {
            assert_eq!((answer.status, answer.code()), (403, Some(50056)), "{url}");
        } else {
            assert_eq!((answer.status, answer.text_of("body")), (201, url.clone()));
            assert_eq!(world.sink.next().await.text("Body"), url);
        }
        let alert = alert(&world, url).await;
        assert_eq!(alert.is_some(), code.is_some(), "{url}");
        if let Some(alert) = alert {
            let code = if refuses { Some("50056") } else { *code };
            assert_eq!(alert["error_code"], json!(code), "{url} {alert}");
            assert_eq!(alert["service_sid"], world.server.service_sid);
        }
    }
    // And a redirect is none (B-407).
    let circles = Listener::start(Way::Circles).await;
    let url = format!("http://{}/", circles.address);
    let form = [("PreWebhookUrl", url.as_str())];
    world
        .server
        .post("/conversations/v1/Configuration/Webhooks", &form)
        .await
        .expect(200);
    world.say(&sid, "not followed").await;
    assert_eq!(world.sink.next().await.text("Body"), "not followed");
    assert!(alert(&world, &url).await.is_none());
}

/// A name that leads into the own network is not called either.
#[tokio::test]
async fn names_of_inner_addresses_are_not_called() {
    let server = TestServer::start_with(|config| config.webhooks.allow_private = Some(false)).await;
    let mut world = World::on(server, &["onMessageAdded"]).await;
    let url = format!("http://localhost:{}/#tt=5000", world.sink.address.port());
    let form = [("PostWebhookUrl", url.as_str())];
    world
        .server
        .post("/conversations/v1/Configuration/Webhooks", &form)
        .await
        .expect(200);
    let sid = world.conversation().await;
    world.say(&sid, "x").await;
    let (_, tries) = log(&world, &url).await;
    assert!(tries[0].status.is_none() && tries[0].error.is_some());
    assert!(alert(&world, &url).await.is_some());
    assert!(world.sink.came().is_none());
}
