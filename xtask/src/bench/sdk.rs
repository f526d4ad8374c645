//! An SDK client on the wire: starts as the SDK starts, then acknowledges every frame as the SDK does. Frames are built
//! and read as bytes; JSON is parsed only while a client starts.

mod broadcast;

pub(super) use broadcast::{Broadcaster, Sample};

use super::http::find;
use super::setup::Account;
use super::stats::{Samples, now};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Digits of the send time with which each measured message begins.
pub(super) const STAMP: usize = 20;

/// Writes the time of this moment into the place for it.
pub(super) fn put_stamp(place: &mut [u8]) {
    let digits = format!("{:0STAMP$}", now());
    place.copy_from_slice(&digits.as_bytes()[..place.len()]);
}

/// What clients received.
#[derive(Default)]
pub(super) struct Receipts {
    count: AtomicU64,
    latencies: Mutex<Samples>,
}

impl Receipts {
    fn add(&self, sent: u64) {
        let took = Duration::from_nanos(now().saturating_sub(sent));
        self.latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(took);
        self.count.fetch_add(1, Relaxed);
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.take();
    }

    pub(super) fn take(&self) -> Samples {
        self.count.store(0, Relaxed);
        std::mem::take(&mut self.latencies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until this many messages were received, or until it is clear that they will not be; gives how many are
    /// missing.
    pub(super) async fn wait_for(&self, count: u64) -> u64 {
        let mut last = (0, Instant::now());
        loop {
            let received = self.count.load(Relaxed);
            if received >= count {
                return 0;
            }
            if received != last.0 {
                last = (received, Instant::now());
            } else if last.1.elapsed() > Duration::from_secs(5) {
                return count - received;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// A client with what it follows and how far it has come: what the SDK keeps while it is not connected.
pub(super) struct Known {
    identity: String,
    wanted: Vec<Wanted>,
}

/// Connected clients. Dropping them closes their connections.
pub(super) struct Clients {
    tasks: JoinSet<Result<()>>,
    pub(super) receipts: Arc<Receipts>,
    known: Vec<Known>,
}

impl Clients {
    /// Connects one client for each identity, some at a time, and returns when all have all their subscriptions.
    pub(super) async fn connect(
        address: SocketAddr,
        account: &Account,
        identities: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        const AT_A_TIME: usize = 32;
        let fresh = identities.into_iter().map(|identity| Known {
            identity,
            wanted: Vec::new(),
        });
        Self::gather(address, account, fresh, AT_A_TIME).await
    }

    /// Brings clients back that have lost their connections, as many at once as come.
    pub(super) async fn resume(address: SocketAddr, account: &Account, known: Vec<Known>) -> Result<Self> {
        Self::gather(address, account, known, Semaphore::MAX_PERMITS).await
    }

    async fn gather(
        address: SocketAddr,
        account: &Account,
        known: impl IntoIterator<Item = Known>,
        at_a_time: usize,
    ) -> Result<Self> {
        let receipts = Arc::new(Receipts::default());
        let gate = Arc::new(Semaphore::new(at_a_time));
        let mut starting = JoinSet::new();
        for Known { identity, wanted } in known {
            let token = account.access_token(&identity)?;
            let (gate, receipts) = (Arc::clone(&gate), Arc::clone(&receipts));
            starting.spawn(async move {
                let _turn = gate.acquire().await?;
                let started = async {
                    if wanted.is_empty() {
                        Client::start(address, &token, &receipts).await
                    } else {
                        Client::resume(address, &token, &receipts, wanted).await
                    }
                };
                let (client, wanted) = tokio::time::timeout(Duration::from_secs(60), started)
                    .await
                    .with_context(|| format!("client {identity} got stuck"))??;
                anyhow::Ok((client, Known { identity, wanted }))
            });
        }
        let (mut tasks, mut known) = (JoinSet::new(), Vec::new());
        while let Some(client) = starting.join_next().await {
            let (client, follows) = client??;
            known.push(follows);
            tasks.spawn(client.listen());
        }
        Ok(Self {
            tasks,
            receipts,
            known,
        })
    }

    /// Subscriptions of all clients.
    pub(super) fn subscriptions(&self) -> usize {
        self.known.iter().map(|known| known.wanted.len()).sum()
    }

    /// Cuts all connections. Nothing may have happened since they were made: the clients go on from there.
    pub(super) fn cut(self) -> Vec<Known> {
        self.known
    }

    /// Fails when a client has lost its connection.
    pub(super) fn check(&mut self) -> Result<()> {
        if let Some(ended) = self.tasks.try_join_next() {
            ended??;
            bail!("a client ended");
        }
        Ok(())
    }
}

struct Client {
    stream: TcpStream,
    /// Bytes that came and are not consumed.
    input: Vec<u8>,
    sent: u64,
    receipts: Arc<Receipts>,
}

/// A frame's place in the input: header and payload.
struct Frame {
    header: Range<usize>,
    payload: Range<usize>,
}

/// One entity to subscribe to.
struct Wanted {
    sid: String,
    kind: &'static str,
    last_event_id: i64,
}

impl Client {
    /// Connects and does what the SDK does until it is initialised and follows its conversations. Gives what it
    /// follows, too.
    async fn start(
        address: SocketAddr,
        token: &str,
        receipts: &Arc<Receipts>,
    ) -> Result<(Self, Vec<Wanted>)> {
        let mut client = Self::open(address, receipts).await?;
        client.init(token).await?;
        let configuration = client
            .get("https://aim.us1.twilio.com/Client/v2/Configuration")
            .await?;
        let objects = &configuration["sync_objects"];
        let mut wanted = vec![
            client
                .entity("Maps", text(&objects["my_conversations"])?, "")
                .await?
                .0,
        ];
        wanted.push(
            client
                .entity("Maps", text(&objects["my_user_info"])?, "?Include=items")
                .await?
                .0,
        );
        let mine = text(&configuration["links"]["my_conversations"])?.to_owned();
        let mut page = client.get(&mine).await?;
        loop {
            for conversation in list(&page["conversations"])? {
                if conversation["status"] == "joined" {
                    client
                        .join(text(&conversation["sync_objects"]["conversation"])?, &mut wanted)
                        .await?;
                }
            }
            match page["meta"]["next_token"].as_str() {
                Some(token) if !token.is_empty() => {
                    page = client.get(&format!("{mine}?PageToken={token}")).await?;
                }
                _ => break,
            }
        }
        client.subscribe(&wanted).await?;
        client.input.shrink_to(2 * 1024);
        Ok((client, wanted))
    }

    /// Connects and does what the SDK does after a lost connection: `init`, and one batch of subscriptions.
    async fn resume(
        address: SocketAddr,
        token: &str,
        receipts: &Arc<Receipts>,
        wanted: Vec<Wanted>,
    ) -> Result<(Self, Vec<Wanted>)> {
        let mut client = Self::open(address, receipts).await?;
        client.init(token).await?;
        client.subscribe(&wanted).await?;
        client.input.shrink_to(2 * 1024);
        Ok((client, wanted))
    }

    /// Reads the document of a conversation, then its messages and participants, of which all items are read.
    async fn join(&mut self, document: &str, wanted: &mut Vec<Wanted>) -> Result<()> {
        let (entity, document) = self.entity("Documents", document, "").await?;
        wanted.push(entity);
        let data = &document["data"];
        wanted.push(self.entity("Lists", text(&data["messages"])?, "").await?.0);
        let (entity, roster) = self.entity("Maps", text(&data["roster"])?, "").await?;
        wanted.push(entity);
        let items = text(&roster["links"]["items"])?;
        let mut page = self.get(&format!("{items}?PageSize=50&Order=asc")).await?;
        while let Some(token) = page["meta"]["next_token"].as_str() {
            page = self.get(&format!("{items}?PageToken={token}")).await?;
        }
        Ok(())
    }

    async fn entity(&mut self, collection: &str, name: &str, query: &str) -> Result<(Wanted, Value)> {
        let kind = match collection {
            "Documents" => "document",
            "Lists" => "list",
            _ => "map",
        };
        let entity = self
            .get(&format!(
                "https://cds.us1.twilio.com/v3/{collection}/{name}{query}"
            ))
            .await?;
        let wanted = Wanted {
            sid: text(&entity["sid"])?.to_owned(),
            kind,
            last_event_id: entity["last_event_id"]
                .as_i64()
                .context("an entity without last_event_id")?,
        };
        Ok((wanted, entity))
    }

    async fn open(address: SocketAddr, receipts: &Arc<Receipts>) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        // The key is the one of RFC 6455's example; nothing depends on its being random.
        let upgrade = format!(
            "GET /v3/wsconnect HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(upgrade.as_bytes()).await?;
        let mut input = Vec::with_capacity(4 * 1024);
        let end = loop {
            if stream.read_buf(&mut input).await? == 0 {
                bail!("the server closed a connection instead of upgrading it");
            }
            if let Some(end) = find(&input, b"\r\n\r\n") {
                break end + 4;
            }
        };
        if !input.starts_with(b"HTTP/1.1 101 ") {
            bail!("no upgrade: {}", String::from_utf8_lossy(&input));
        }
        input.drain(..end);
        Ok(Self {
            stream,
            input,
            sent: 0,
            receipts: Arc::clone(receipts),
        })
    }

    async fn init(&mut self, token: &str) -> Result<()> {
        let reply = self
            .ask(
                json!({
                    "method": "init",
                    "token": token,
                    "continuation_token": null,
                    "metadata": {
                        "ver": "1.0.2", "env": "Node.js", "envv": "22.0.0", "os": "Linux", "osv": "unknown", "osa": 64,
                        "type": "conversations", "sdk": "JS", "sdkv": "3.0.1",
                    },
                    "registrations": [{
                        "product": "ip_messaging",
                        "type": "ers",
                        "notification_protocol_version": 0,
                        "message_types": [
                            "twilio.ipmsg.typing_indicator", "twilio.sync.event", "com.twilio.rtd.cds.document",
                            "com.twilio.rtd.cds.list", "com.twilio.rtd.cds.map",
                        ],
                    }],
                    "tweaks": null,
                    "capabilities": ["client_update", "offline_storage", "telemetry.v1"],
                }),
                "",
            )
            .await?
            .0;
        if reply["status"]["code"] != 200 {
            bail!("init is refused: {reply}");
        }
        Ok(())
    }

    async fn get(&mut self, url: &str) -> Result<Value> {
        self.request("GET", url, "").await
    }

    /// A request inside the websocket.
    async fn request(&mut self, method: &str, url: &str, body: &str) -> Result<Value> {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (host, path) = rest.split_once('/').context("a link without path")?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let params: serde_json::Map<String, Value> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let header = json!({
            "method": "message",
            "active_grant": "ip_messaging",
            "payload_type": "application/json",
            "http_request": {
                "host": host,
                "path": format!("/{path}"),
                "method": method,
                "params": params,
                "headers": {"Content-Type": "application/json"},
            },
        });
        let (reply, payload) = self.ask(header, body).await?;
        if !matches!(reply["http_status"]["code"].as_u64(), Some(200..300)) {
            bail!("{method} {url}: {reply} {payload}");
        }
        Ok(payload)
    }

    /// Subscribes in one batch and waits until each subscription is confirmed.
    async fn subscribe(&mut self, wanted: &[Wanted]) -> Result<()> {
        let requests: Vec<Value> = wanted
            .iter()
            .map(|one| {
                json!({"object_sid": one.sid, "object_type": one.kind, "last_event_id": one.last_event_id})
            })
            .collect();
        let batch = json!({
            "event_protocol_version": 4,
            "action": "establish",
            "correlation_id": 1_795_178_688_834_u64,
            "retried_requests": 0,
            "ttl_in_s": -1,
            "requests": requests,
        });
        let header = json!({
            "method": "message",
            "active_grant": "ip_messaging",
            "payload_type": "application/json",
            "http_request": {
                "host": "cds.us1.twilio.com", "path": "/v4/Subscriptions", "method": "POST", "params": {},
                "headers": {"Content-Type": "application/json"},
            },
        });
        // Confirmations may come before the reply.
        let id = self.send(header, &batch.to_string()).await?;
        let (mut replied, mut established) = (false, 0);
        while !replied || established < wanted.len() {
            let (header, payload) = self.receive().await?;
            match text(&header["method"])? {
                "reply" if header["id"] == id.as_str() => {
                    replied = true;
                    if header["http_status"]["code"] != 202 {
                        bail!("subscriptions are refused: {header} {payload}");
                    }
                }
                "notification" if payload["event_type"] == "subscription_established" => {
                    established += list(&payload["events"])?.len();
                }
                "notification" if payload["event_type"] == "subscription_failed" => {
                    bail!("a subscription failed: {payload}");
                }
                "close" => bail!("the server closes: {header}"),
                _ => {}
            }
        }
        Ok(())
    }

    /// Sends a frame and waits for the reply to it.
    async fn ask(&mut self, header: Value, payload: &str) -> Result<(Value, Value)> {
        let id = self.send(header, payload).await?;
        loop {
            let (header, payload) = self.receive().await?;
            match text(&header["method"])? {
                "reply" if header["id"] == id.as_str() => return Ok((header, payload)),
                "close" => bail!("the server closes: {header}"),
                _ => {}
            }
        }
    }

    async fn send(&mut self, mut header: Value, payload: &str) -> Result<String> {
        self.sent += 1;
        let id = format!("TM00000000-0000-4000-8000-{:012}", self.sent);
        header["id"] = id.as_str().into();
        header["payload_size"] = payload.len().into();
        let mut output = Vec::new();
        put_frame(&mut output, &header.to_string(), payload);
        self.stream.write_all(&output).await?;
        Ok(id)
    }

    /// The next frame, parsed and acknowledged.
    async fn receive(&mut self) -> Result<(Value, Value)> {
        loop {
            let Some((frame, end)) = next_message(&self.input)? else {
                self.read().await?;
                continue;
            };
            let parsed = match frame {
                None => None,
                Some(frame) => {
                    let header: Value = serde_json::from_slice(&self.input[frame.header.clone()])?;
                    // A replay brings messages before all is subscribed.
                    if let Some(sent) = stamp(&self.input[frame.payload.clone()]) {
                        self.receipts.add(sent);
                    }
                    let payload = match &self.input[frame.payload.clone()] {
                        b"" => Value::Null,
                        payload => serde_json::from_slice(payload)?,
                    };
                    let mut output = Vec::new();
                    put_acknowledgement(&mut output, &self.input[frame.header]);
                    self.stream.write_all(&output).await?;
                    Some((header, payload))
                }
            };
            self.input.drain(..end);
            if let Some(parsed) = parsed {
                return Ok(parsed);
            }
        }
    }

    /// The bytes of the next websocket message that has a frame, which is acknowledged.
    async fn message(&mut self) -> Result<Vec<u8>> {
        loop {
            let Some((frame, end)) = next_message(&self.input)? else {
                self.read().await?;
                continue;
            };
            let message: Vec<u8> = self.input.drain(..end).collect();
            if let Some(frame) = frame {
                let mut output = Vec::new();
                put_acknowledgement(&mut output, &message[frame.header]);
                self.stream.write_all(&output).await?;
                return Ok(message);
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.input).await? == 0 {
            bail!("the server closed the connection of a client");
        }
        Ok(())
    }

    /// Acknowledges every frame and notes the messages among them, to the end of the connection.
    async fn listen(mut self) -> Result<()> {
        let mut output = Vec::new();
        loop {
            let mut start = 0;
            while let Some((frame, length)) = next_message(&self.input[start..])? {
                let message = &self.input[start..start + length];
                if let Some(frame) = frame {
                    if let Some(sent) = stamp(&message[frame.payload]) {
                        self.receipts.add(sent);
                    }
                    put_acknowledgement(&mut output, &message[frame.header]);
                }
                start += length;
            }
            self.input.drain(..start);
            if !output.is_empty() {
                self.stream.write_all(&output).await?;
                output.clear();
            }
            self.read().await?;
        }
    }
}

fn text(value: &Value) -> Result<&str> {
    value
        .as_str()
        .with_context(|| format!("{value} instead of a text"))
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value
        .as_array()
        .with_context(|| format!("{value} instead of a list"))
}

/// The time at which the message of a `list_item_added` was sent.
fn stamp(payload: &[u8]) -> Option<u64> {
    const TEXT: &[u8] = b"\"text\":\"";
    let start = find(payload, TEXT)? + TEXT.len();
    let digits = std::str::from_utf8(payload.get(start..start + STAMP)?).ok()?;
    let sent = digits.parse().ok()?;
    find(payload, b"\"list_item_added\"").map(|_| sent)
}

/// Appends a frame as a masked websocket message; the mask is zero, so that the bytes stay as they are.
fn put_frame(output: &mut Vec<u8>, header: &str, payload: &str) {
    const MASKED: u8 = 0x80;
    let magic = format!("TWILSOCK V3.0 {}\r\n", header.len());
    let length = magic.len() + header.len() + 2 + payload.len();
    output.push(0x82);
    match length {
        0..126 => output.push(MASKED | length as u8),
        126..0x1_0000 => {
            output.push(MASKED | 126);
            output.extend((length as u16).to_be_bytes());
        }
        _ => {
            output.push(MASKED | 127);
            output.extend((length as u64).to_be_bytes());
        }
    }
    output.extend([0; 4]);
    for part in [&magic, header, "\r\n", payload] {
        output.extend(part.as_bytes());
    }
}

/// Appends the reply that the SDK sends to everything that is not a reply itself.
fn put_acknowledgement(output: &mut Vec<u8>, header: &[u8]) {
    if find(header, b"\"method\":\"reply\"").is_some() {
        return;
    }
    let id = find(header, b"\"id\":\"").and_then(|at| {
        let rest = &header[at + 6..];
        std::str::from_utf8(&rest[..rest.iter().position(|&byte| byte == b'"')?]).ok()
    });
    let header = format!(
        "{{\"id\":\"{}\",\"method\":\"reply\",\"payload_type\":\"application/json\",\
         \"status\":{{\"code\":200,\"status\":\"OK\"}},\"payload_size\":0}}",
        id.unwrap_or_default()
    );
    put_frame(output, &header, "");
}

/// The first websocket message when all of it is there, and its length. There is no frame in a control message.
fn next_message(input: &[u8]) -> Result<Option<(Option<Frame>, usize)>> {
    let &[first, short, ..] = input else {
        return Ok(None);
    };
    let number = |range: Range<usize>| {
        let bytes = input.get(range)?;
        Some(bytes.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)))
    };
    let Some((start, length)) = (match short {
        126 => number(2..4).map(|length| (4, length)),
        127 => number(2..10).map(|length| (10, length)),
        length => Some((2, usize::from(length))),
    }) else {
        return Ok(None);
    };
    let end = start + length;
    if input.len() < end {
        return Ok(None);
    }
    match first {
        0x82 => Ok(Some((Some(frame(&input[..end], start)?), end))),
        0x88 => bail!("the server closed a websocket"),
        0x89 | 0x8a => Ok(Some((None, end))),
        _ => bail!("a websocket message of an unexpected kind: {first:#x}"),
    }
}

fn frame(message: &[u8], start: usize) -> Result<Frame> {
    let bytes = &message[start..];
    let line = find(bytes, b"\r\n").context("a frame without magic line")?;
    let length: usize = std::str::from_utf8(&bytes[..line])?
        .strip_prefix("TWILSOCK V3.0 ")
        .context("a frame with another magic")?
        .parse()?;
    let header = start + line + 2..start + line + 2 + length;
    // The payload ends with the message, but for a line end that may follow it and disturbs no JSON parser.
    let payload = (header.end + 2).min(message.len())..message.len();
    if header.end > message.len() {
        bail!("a frame that is cut off");
    }
    Ok(Frame { header, payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the mask out of a client's message, as the server sees it.
    fn unmasked(mut message: Vec<u8>) -> Vec<u8> {
        let start = if message[1] == 0x80 | 126 { 4 } else { 2 };
        message.drain(start..start + 4);
        message[1] &= 0x7f;
        message
    }

    #[test]
    fn frames_are_found_in_a_stream() {
        for payload in ["", "{}", &format!("\"{}\"", "x".repeat(300))] {
            let mut output = Vec::new();
            put_frame(&mut output, "{\"method\":\"ping\"}", payload);
            let message = unmasked(output);
            for cut in 0..message.len() {
                assert!(next_message(&message[..cut]).unwrap().is_none());
            }
            let doubled = message.repeat(2);
            let (frame, end) = next_message(&doubled).unwrap().unwrap();
            let frame = frame.unwrap();
            assert_eq!(end, message.len());
            assert_eq!(&doubled[frame.header], b"{\"method\":\"ping\"}");
            assert_eq!(&doubled[frame.payload], payload.as_bytes());
        }
    }

    #[test]
    fn all_but_replies_are_acknowledged() {
        let mut output = Vec::new();
        put_acknowledgement(&mut output, b"{\"method\":\"reply\",\"id\":\"TM1\"}");
        assert!(output.is_empty());
        put_acknowledgement(&mut output, b"{\"method\":\"notification\",\"id\":\"TM1\"}");
        assert!(find(&output, b"{\"id\":\"TM1\",\"method\":\"reply\"").is_some());
    }

    #[test]
    fn the_send_time_is_read_from_a_new_message_only() {
        let payload = |kind: &str, body: &str| {
            format!("{{\"event_type\":\"{kind}\",\"events\":[{{\"item_data\":{{\"text\":\"{body}\"}}}}]}}")
        };
        let body = format!("{:020} and more", 42);
        assert_eq!(stamp(payload("list_item_added", &body).as_bytes()), Some(42));
        assert_eq!(stamp(payload("list_item_updated", &body).as_bytes()), None);
        assert_eq!(stamp(payload("list_item_added", "hello").as_bytes()), None);
        assert_eq!(stamp(b"{}"), None);
    }
}
