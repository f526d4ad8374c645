//! Twilsock frames (realtime.md §2.1): a magic line with the length of the header, the header as JSON, a payload.
//! One frame is one binary websocket message.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// A frame from a client.
#[derive(Debug)]
pub struct Incoming {
    /// Its header.
    pub header: Header,
    /// Its payload; empty when there is none.
    pub payload: Bytes,
}

/// Members of a client's header that the server reads; others are ignored (realtime.md §2.1).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Kind of the message.
    pub method: String,
    /// To be repeated in the reply.
    pub id: String,
    /// Bytes of the payload.
    pub payload_size: usize,
    /// Access token (`init`, `update`).
    pub token: Option<String>,
    /// Of an earlier connection of the same client (`init`).
    pub continuation_token: Option<String>,
    /// What the client wants to be notified of (`init`).
    pub registrations: Option<Vec<Registration>>,
    /// The wrapped request (`message`).
    pub http_request: Option<HttpRequest>,
}

/// One entry of `registrations`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Registration {
    /// Product.
    pub product: String,
    /// Kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// Message types.
    pub message_types: Vec<String>,
}

/// HTTP over websocket (realtime.md §2.12).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HttpRequest {
    /// Host as the client knows it; never dialled.
    pub host: String,
    /// Path, still percent-encoded.
    pub path: String,
    /// GET, POST, PUT, DELETE.
    pub method: String,
    /// Query, still percent-encoded; a repeated name has an array.
    pub params: serde_json::Map<String, Value>,
    /// Headers, an object of texts where the client has any.
    pub headers: Value,
}

/// Why a message is no frame. The client is told with a close 406 and stays away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// Longest magic line: `TWILSOCK V3.0 ` and a length.
const MAGIC_LIMIT: usize = 32;

/// Takes a message apart by its lengths; never looks for line ends inside the payload.
///
/// # Errors
/// [`Malformed`] with what is wrong.
pub fn parse(message: &Bytes) -> Result<Incoming, Malformed> {
    let head = &message[..message.len().min(MAGIC_LIMIT)];
    let end = head
        .windows(2)
        .position(|w| w == b"\r\n")
        .ok_or(Malformed("no magic line"))?;
    let length = head[..end]
        .strip_prefix(b"TWILSOCK V3.0 ")
        .ok_or(Malformed("another magic"))?;
    if length.is_empty() || !length.iter().all(u8::is_ascii_digit) {
        return Err(Malformed("the header's length is no number"));
    }
    let length: usize = std::str::from_utf8(length)
        .ok()
        .and_then(|t| t.parse().ok())
        .ok_or(Malformed("the header's length is no number"))?;
    let start = end + 2;
    let stop = start
        .checked_add(length)
        .ok_or(Malformed("the header's length is no number"))?;
    let header = message
        .get(start..stop)
        .ok_or(Malformed("the header is cut off"))?;
    // serde would take an array for a struct whose members have defaults.
    if header.first() != Some(&b'{') {
        return Err(Malformed("the header is no JSON object"));
    }
    let header: Header = serde_json::from_slice(header).map_err(|_| Malformed("the header is not JSON"))?;
    if header.payload_size == 0 {
        return Ok(Incoming {
            header,
            payload: Bytes::new(),
        });
    }
    if message.get(stop..stop + 2) != Some(b"\r\n") {
        return Err(Malformed("no line end after the header"));
    }
    let body = stop + 2;
    let last = body
        .checked_add(header.payload_size)
        .filter(|l| *l <= message.len());
    let payload = message.slice(body..last.ok_or(Malformed("the payload is cut off"))?);
    Ok(Incoming { header, payload })
}

/// Status of a reply or a close.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// As in HTTP.
    pub code: u16,
    /// Its word in capitals.
    pub status: &'static str,
    /// Text for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Code of the catalogue; clients act on 20104.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    pub error_code: Option<u32>,
}

impl Status {
    /// 200.
    #[must_use]
    pub fn ok() -> Self {
        Self::bare(200, "OK")
    }

    /// A status without text.
    #[must_use]
    pub fn bare(code: u16, status: &'static str) -> Self {
        Self {
            code,
            status,
            description: None,
            error_code: None,
        }
    }
}

/// A header from the server. Only what is set is written: the client needs no more (realtime.md, head).
#[derive(Serialize)]
struct Outgoing<'a> {
    method: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<HttpStatus<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_ctx_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_update_type: Option<&'a str>,
    #[serde(flatten)]
    more: Option<&'a serde_json::Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_type: Option<&'a str>,
    payload_size: usize,
}

#[derive(Serialize)]
struct HttpStatus<'a> {
    code: u16,
    status: &'a str,
}

impl<'a> Outgoing<'a> {
    fn new(method: &'a str, id: &'a str) -> Self {
        Self {
            method,
            id,
            status: None,
            http_status: None,
            message_type: None,
            notification_ctx_id: None,
            client_update_type: None,
            more: None,
            payload_type: None,
            payload_size: 0,
        }
    }

    fn encode(mut self, payload: &[u8]) -> Bytes {
        if !payload.is_empty() {
            // Any other type leaves the client without the payload (realtime.md §2.1).
            self.payload_type = Some("application/json");
        }
        self.payload_size = payload.len();
        let header = serde_json::to_vec(&self).unwrap_or_default();
        let mut out = Vec::with_capacity(24 + header.len() + payload.len());
        out.extend(format!("TWILSOCK V3.0 {}\r\n", header.len()).into_bytes());
        out.extend(header);
        out.extend(b"\r\n");
        out.extend(payload);
        out.into()
    }
}

/// A new message id.
#[must_use]
pub fn new_id() -> String {
    let bits: u128 = rand::random();
    format!(
        "TM{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        bits >> 80 & 0xffff,
        bits >> 64 & 0xffff,
        bits >> 48 & 0xffff,
        bits & 0xffff_ffff_ffff
    )
}

/// A reply with a transport status, further members of the header and a payload.
#[must_use]
pub fn reply(
    id: &str,
    status: &Status,
    more: Option<&serde_json::Map<String, Value>>,
    payload: &[u8],
) -> Bytes {
    Outgoing {
        status: Some(status),
        more,
        ..Outgoing::new("reply", id)
    }
    .encode(payload)
}

/// A reply to a wrapped request. The reason phrase is what application developers read as `error.message`.
#[must_use]
pub fn http_reply(id: &str, code: u16, payload: &[u8]) -> Bytes {
    let reason = http::StatusCode::from_u16(code)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("Unknown");
    Outgoing {
        status: Some(&Status::ok()),
        http_status: Some(HttpStatus { code, status: reason }),
        ..Outgoing::new("reply", id)
    }
    .encode(payload)
}

/// A notification of the type that clients take in strict order.
#[must_use]
pub fn notification(message_type: &str, payload: &[u8]) -> Bytes {
    Outgoing {
        message_type: Some(message_type),
        notification_ctx_id: Some(""),
        ..Outgoing::new("notification", &new_id())
    }
    .encode(payload)
}

/// A keep-alive that the client answers.
#[must_use]
pub fn ping() -> Bytes {
    Outgoing::new("ping", &new_id()).encode(&[])
}

/// Tells the client that its token is about to expire.
#[must_use]
pub fn token_about_to_expire() -> Bytes {
    Outgoing {
        client_update_type: Some("token_about_to_expire"),
        ..Outgoing::new("client_update", &new_id())
    }
    .encode(&[])
}

/// Asks the client to go. Without a status the client dies in its socket callback (realtime.md §2.6).
#[must_use]
pub fn close(status: &Status, payload: Option<&RawValue>) -> Bytes {
    let payload = payload.map_or(&[][..], |p| p.get().as_bytes());
    Outgoing {
        status: Some(status),
        ..Outgoing::new("close", &new_id())
    }
    .encode(payload)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_frame_is_read() {
        let text = "TWILSOCK V3.0 80\r\n{\"method\":\"ping\",\"id\":\"TM00000000-0000-4000-8000-000000000001\",\"payload_size\":0}\r\n";
        let frame = parse(&Bytes::from_static(text.as_bytes())).unwrap();
        assert_eq!((frame.header.method.as_str(), frame.payload.len()), ("ping", 0));
    }

    #[test]
    fn line_ends_inside_a_payload_and_after_it_are_harmless() {
        let text = "TWILSOCK V3.0 35\r\n{\"method\":\"message\",\"payload_size\":6}\r\na\r\n\r\nb\r\n";
        let header = "{\"method\":\"message\",\"payload_size\":6}";
        let text = text.replace("35", &header.len().to_string());
        assert_eq!(parse(&Bytes::from(text)).unwrap().payload.as_ref(), b"a\r\n\r\nb");
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for text in [
            "",
            "TWILSOCK",
            "TWILSOCK V2.0 2\r\n{}\r\n",
            "TWILSOCK V3.0 -2\r\n{}\r\n",
            "TWILSOCK V3.0 99999999999999999999\r\n{}\r\n",
            "TWILSOCK V3.0 9\r\n{}\r\n",
            "TWILSOCK V3.0 2\r\n[]\r\n",
            "TWILSOCK V3.0 20\r\n{\"payload_size\":1000}\r\nshort",
            "TWILSOCK V3.0 18446744073709551615\r\n{}\r\n",
        ] {
            assert!(parse(&Bytes::from_static(text.as_bytes())).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes.into());
        }

        #[test]
        fn no_cut_of_a_frame_panics(payload: Vec<u8>, cut in 0usize..200) {
            let whole = reply("TM1", &Status::ok(), None, &payload);
            let parsed = parse(&whole).unwrap();
            prop_assert_eq!(parsed.payload.as_ref(), payload.as_slice());
            let _ = parse(&whole.slice(..cut.min(whole.len())));
        }

        #[test]
        fn lengths_that_lie_are_refused_or_hold(
            length in prop_oneof![0usize..80, any::<usize>()],
            size in prop_oneof![0u64..20, any::<u64>()],
            method: String,
            payload: Vec<u8>,
        ) {
            let header = serde_json::json!({"method": method, "payload_size": size}).to_string();
            for length in [length, header.len()] {
                let head = format!("TWILSOCK V3.0 {length}\r\n{header}\r\n");
                let whole = Bytes::from([head.as_bytes(), &payload].concat());
                // What is taken is whole; the length of the header decides where the payload begins.
                if let Ok(frame) = parse(&whole) {
                    prop_assert_eq!(frame.payload.len() as u64, size);
                    prop_assert_eq!(frame.header.method, method.as_str());
                    prop_assert!(payload.starts_with(&frame.payload));
                }
            }
        }
    }
}
