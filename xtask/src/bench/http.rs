//! HTTP/1.1 as bytes. The generator shares its processors with the server, so it must not cost what a full client costs.

use anyhow::{Context as _, Result, bail};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use std::net::SocketAddr;
use std::ops::Range;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Who asks. Renders requests to the whole byte string that is sent.
#[derive(Clone)]
pub(super) struct Caller {
    authorization: String,
    /// Further lines of the head.
    headers: &'static str,
}

impl Caller {
    pub(super) fn new(user: &str, password: &str) -> Self {
        Self {
            authorization: BASE64_STANDARD.encode(format!("{user}:{password}")),
            headers: "",
        }
    }

    /// One whose changes webhooks hear of.
    pub(super) fn announcing(self) -> Self {
        Self {
            headers: "X-Twilio-Webhook-Enabled: true\r\n",
            ..self
        }
    }

    pub(super) fn get(&self, path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\n{}\r\n", self.head()).into_bytes()
    }

    /// `form` is encoded already.
    pub(super) fn post(&self, path: &str, form: &str) -> Vec<u8> {
        format!(
            "POST {path} HTTP/1.1\r\n{}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.head(),
            form.len()
        )
        .into_bytes()
    }

    fn head(&self) -> String {
        format!(
            "Host: 127.0.0.1\r\nAuthorization: Basic {}\r\n{}",
            self.authorization, self.headers
        )
    }
}

/// A connection that is kept alive and carries one request at a time.
pub(super) struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    body: Range<usize>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("the server accepts no connection")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: Vec::with_capacity(8 * 1024),
            body: 0..0,
        })
    }

    /// Sends a request, waits for the whole answer and gives its status.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.input.clear();
        loop {
            if self.stream.read_buf(&mut self.input).await? == 0 {
                bail!("the server closed a connection instead of answering");
            }
            let Some(head) = find(&self.input, b"\r\n\r\n") else {
                continue;
            };
            let (status, length) = parse_head(&self.input[..head])?;
            let start = head + 4;
            while self.input.len() < start + length {
                if self.stream.read_buf(&mut self.input).await? == 0 {
                    bail!("the server closed a connection within an answer");
                }
            }
            self.body = start..start + length;
            return Ok(status);
        }
    }

    /// The body of the last answer.
    pub(super) fn body(&self) -> &[u8] {
        &self.input[self.body.clone()]
    }
}

/// Status and length of the body. Each answer of the server names its length; 204 has no body.
fn parse_head(head: &[u8]) -> Result<(u16, usize)> {
    let head = std::str::from_utf8(head).context("the head of an answer is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
        .with_context(|| format!("no status line: {head}"))?;
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok((
                status,
                value.trim().parse().context("a length that is no number")?,
            ));
        }
    }
    match status {
        204 => Ok((status, 0)),
        _ => bail!("an answer without length: {head}"),
    }
}

/// Where `needle` begins.
pub(super) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let head = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nContent-Length: 12";
        assert_eq!(parse_head(head).unwrap(), (201, 12));
        assert_eq!(parse_head(b"HTTP/1.1 204 No Content").unwrap(), (204, 0));
        assert!(parse_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked").is_err());
        assert!(parse_head(b"SSH-2.0").is_err());
    }
}
