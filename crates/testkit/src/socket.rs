//! An SDK client at the level of frames. Frames are built and taken apart here from the specification, not by the
//! server's own code: a fault that both sides share would not be seen.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::soon;

/// One message of the protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Its header.
    pub header: Value,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The bytes on the wire; sets `payload_size`.
    #[must_use]
    pub fn build(mut header: Value, payload: &[u8]) -> Vec<u8> {
        header["payload_size"] = payload.len().into();
        let header = header.to_string();
        let mut bytes = format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len()).into_bytes();
        bytes.extend_from_slice(payload);
        bytes
    }

    /// Takes the bytes of a message apart.
    ///
    /// # Panics
    /// When they are no frame.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let shown = || String::from_utf8_lossy(bytes).into_owned();
        let end = bytes
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .unwrap_or_else(|| panic!("no CRLF: {}", shown()));
        let first = std::str::from_utf8(&bytes[..end]).expect("the first line is text");
        let size = first
            .strip_prefix("TWILSOCK V3.0 ")
            .unwrap_or_else(|| panic!("no magic: {}", shown()));
        let size: usize = size
            .parse()
            .unwrap_or_else(|_| panic!("no header size: {}", shown()));
        let rest = &bytes[end + 2..];
        let header: Value = serde_json::from_slice(&rest[..size]).expect("the header is JSON");
        assert_eq!(&rest[size..size + 2], b"\r\n", "{}", shown());
        let payload_size = header["payload_size"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok());
        let payload_size = payload_size.unwrap_or_else(|| panic!("no payload_size: {header}"));
        let payload = rest[size + 2..][..payload_size].to_vec();
        Self { header, payload }
    }

    /// The payload; null when there is none.
    ///
    /// # Panics
    /// When it is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        if self.payload.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.payload).expect("the payload is JSON")
    }

    /// The kind of message.
    #[must_use]
    pub fn method(&self) -> &str {
        self.header["method"].as_str().unwrap_or_default()
    }

    /// The status code of a reply or close.
    #[must_use]
    pub fn status(&self) -> u64 {
        self.header["status"]["code"].as_u64().unwrap_or_default()
    }
}

/// A connection to the SDK's side of a server.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    sent: u64,
    /// What came while something else was waited for.
    waiting: VecDeque<Frame>,
}

impl Socket {
    /// Opens the websocket.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn connect(address: SocketAddr) -> Self {
        let tcp = soon("the connection", TcpStream::connect(address)).await;
        Self::over(address, tcp.expect("the server accepts")).await
    }

    /// Opens a websocket that takes about `bytes` from the server while it is not read.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn connect_narrow(address: SocketAddr, bytes: u32) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(bytes).expect("a small buffer");
        let tcp = soon("the connection", socket.connect(address)).await;
        Self::over(address, tcp.expect("the server accepts")).await
    }

    async fn over(address: SocketAddr, tcp: TcpStream) -> Self {
        let opened = async {
            tcp.set_nodelay(true).unwrap();
            let url = format!("ws://{address}/v3/wsconnect");
            let (stream, _) = tokio_tungstenite::client_async(url, tcp)
                .await
                .expect("a websocket");
            stream
        };
        Self {
            stream: soon("the websocket", opened).await,
            sent: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Sends bytes as one binary message, whatever they are.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_raw(&mut self, bytes: Vec<u8>) {
        self.stream
            .send(Message::Binary(bytes.into()))
            .await
            .expect("the connection lives");
    }

    /// Sends bytes that the server may refuse by closing while they are still on their way.
    pub async fn send_unwelcome(&mut self, bytes: Vec<u8>) {
        let sending = self.stream.send(Message::Binary(bytes.into()));
        let _ = soon("the end of sending", sending).await;
    }

    /// Sends a text message, which is no frame.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_text(&mut self, text: &str) {
        self.stream
            .send(Message::Text(text.into()))
            .await
            .expect("the connection lives");
    }

    /// Sends a frame with an id of its own and gives the id.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send(&mut self, mut header: Value, payload: &[u8]) -> String {
        self.sent += 1;
        let id = format!("TM00000000-0000-4000-8000-{:012}", self.sent);
        header["id"] = id.clone().into();
        self.send_raw(Frame::build(header, payload)).await;
        id
    }

    /// The next frame, acknowledged as the SDK does; `None` when the connection is closed.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn receive(&mut self) -> Option<Frame> {
        loop {
            // Cut off or closed: for a client both are the end.
            let Some(Ok(message)) = soon("a frame", self.stream.next()).await else {
                return None;
            };
            match message {
                Message::Binary(bytes) => {
                    let frame = Frame::parse(&bytes);
                    if frame.method() != "reply" {
                        self.acknowledge(&frame).await;
                    }
                    return Some(frame);
                }
                Message::Text(text) => panic!("a text message, which no client reads: {text}"),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// The oldest frame that nobody has taken yet; `None` when the connection is closed and all are taken.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn next(&mut self) -> Option<Frame> {
        match self.waiting.pop_front() {
            Some(frame) => Some(frame),
            None => self.receive().await,
        }
    }

    async fn acknowledge(&mut self, frame: &Frame) {
        let reply = json!({
            "id": frame.header["id"],
            "method": "reply",
            "payload_type": "application/json",
            "status": {"code": 200, "status": "OK"},
        });
        // The server may have closed right behind the frame.
        let _ = self
            .stream
            .send(Message::Binary(Frame::build(reply, b"").into()))
            .await;
    }

    /// Waits for the first frame, also among those that came before, for which `wanted` holds; the others stay.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn wait_for(&mut self, what: &str, wanted: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at).expect("its place was just found");
        }
        loop {
            let frame = self
                .receive()
                .await
                .unwrap_or_else(|| panic!("the connection ended before {what}"));
            if wanted(&frame) {
                return frame;
            }
            self.waiting.push_back(frame);
        }
    }

    /// Waits for the reply to a frame.
    ///
    /// # Panics
    /// When none comes.
    pub async fn reply(&mut self, id: &str) -> Frame {
        self.wait_for("a reply", |frame| {
            frame.method() == "reply" && frame.header["id"] == id
        })
        .await
    }

    /// Sends `init` as the SDK does and gives the reply.
    ///
    /// # Panics
    /// When none comes.
    pub async fn init(&mut self, token: &str) -> Frame {
        let header = json!({
            "method": "init",
            "token": token,
            "continuation_token": null,
            "metadata": {"ver": "1.0.2", "env": "Node.js", "osa": 64, "type": "conversations", "sdkv": "3.0.1"},
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
        });
        let id = self.send(header, b"").await;
        self.reply(&id).await
    }

    /// Sends `update` with a new token and gives the reply.
    ///
    /// # Panics
    /// When none comes.
    pub async fn update(&mut self, token: &str) -> Frame {
        let id = self.send(json!({"method": "update", "token": token}), b"").await;
        self.reply(&id).await
    }

    /// Sends a request through the websocket and gives its HTTP status and body. Parameters are encoded here.
    ///
    /// # Panics
    /// When no reply comes.
    pub async fn request(
        &mut self,
        method: &str,
        path: &str,
        params: &[(&str, &str)],
        body: Option<&Value>,
    ) -> (u16, Value) {
        let params: serde_json::Map<String, Value> = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), encode(value).into()))
            .collect();
        let mut header = json!({
            "method": "message",
            "active_grant": "ip_messaging",
            "payload_type": "application/json",
            "http_request": {
                "host": "aim.us1.twilio.com",
                "path": path,
                "method": method,
                "params": params,
                "headers": {"Content-Type": "application/json; charset=utf-8"},
            },
        });
        if body.is_some() {
            header["payload_type"] = "application/json; charset=utf-8".into();
        }
        let payload = body.map(Value::to_string).unwrap_or_default();
        let id = self.send(header, payload.as_bytes()).await;
        let reply = self.reply(&id).await;
        let status = reply.header["http_status"]["code"]
            .as_u64()
            .and_then(|code| u16::try_from(code).ok());
        (
            status.unwrap_or_else(|| panic!("no http_status: {}", reply.header)),
            reply.json(),
        )
    }

    /// Waits for a notification for which `wanted` holds; the others stay.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn next_notification(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        self.wait_for("a notification", |frame| {
            frame.method() == "notification" && wanted(frame)
        })
        .await
    }

    /// Says goodbye as the SDK does and closes.
    pub async fn close(mut self) {
        let id = format!("TM00000000-0000-4000-8000-{:012}", self.sent + 1);
        let goodbye = Frame::build(json!({"method": "close", "id": id}), b"");
        let _ = self.stream.send(Message::Binary(goodbye.into())).await;
        let _ = self.stream.close(None).await;
    }
}

/// Percent-encodes all but the characters that never need it.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_built_as_the_specification_shows_it() {
        let ping = Frame::build(
            json!({"id": "TM00000000-0000-4000-8000-000000000001", "method": "ping"}),
            b"",
        );
        let text = String::from_utf8(ping.clone()).unwrap();
        assert!(
            text.starts_with("TWILSOCK V3.0 80\r\n{") && text.ends_with("}\r\n"),
            "{text}"
        );
        assert_eq!(Frame::parse(&ping).method(), "ping");
        let reply = Frame::build(json!({"status": {"code": 200}}), "{\"é\":5}".as_bytes());
        let reply = Frame::parse(&[&reply[..], b"\r\n"].concat());
        assert_eq!((reply.status(), reply.json()), (200, json!({"é": 5})));
    }

    #[test]
    fn parameters_are_percent_encoded() {
        assert_eq!(encode("a=b /é~"), "a%3Db%20%2F%C3%A9~");
    }
}
