//! Files of inbound messages, fetched from where the carrier has them.

use std::time::Duration;

use bytes::Bytes;
use confab_outgoing::{Guard, cause, http_client};
use futures_util::Stream;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, Url};
use tokio::sync::OnceCell;

/// Time for one file, below the patience of the job worker.
const WITHIN: Duration = Duration::from_secs(10);

/// Why a file was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It never will be.
    #[error("{0}")]
    Never(String),
    /// It may be, later.
    #[error("{0}")]
    NotNow(String),
    /// This server cannot take it now.
    #[error("{0}")]
    NotHere(String),
}

/// Fetches files from the web.
#[derive(Debug)]
pub struct Fetcher {
    guard: Guard,
    /// Made at the first use: most servers never fetch a file, and it holds all root certificates.
    client: OnceCell<Client>,
}

/// A file whose bytes are about to come.
pub(crate) struct Found {
    pub(crate) content_type: Option<String>,
    pub(crate) filename: Option<String>,
    response: Response,
}

impl Fetcher {
    /// A fetcher with a guard.
    #[must_use]
    pub fn new(guard: Guard) -> Self {
        Self {
            guard,
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> Result<&Client, Failure> {
        let guard = self.guard;
        // Root certificates are read from files.
        let make = || async move {
            let made = tokio::task::spawn_blocking(move || http_client(guard, WITHIN)).await;
            match made {
                Ok(Ok(client)) => Ok(client),
                Ok(Err(error)) => Err(Failure::NotHere(format!("no HTTP client: {}", cause(&error)))),
                Err(error) => Err(Failure::NotHere(format!("no HTTP client: {error}"))),
            }
        };
        self.client.get_or_try_init(make).await
    }

    /// Asks for a file of at most `most` bytes.
    pub(crate) async fn open(&self, url: &str, most: u64) -> Result<Found, Failure> {
        let url = Url::parse(url).map_err(|error| Failure::Never(error.to_string()))?;
        if !self.guard.allows_url(&url) {
            return Err(Failure::Never("an address that must not be called".into()));
        }
        let filename = filename(&url);
        let response = self.client().await?.get(url).send().await.map_err(|error| {
            if error.is_redirect() || error.is_builder() {
                Failure::Never(cause(&error))
            } else {
                Failure::NotNow(cause(&error))
            }
        })?;
        let status = response.status();
        if status.is_server_error()
            || matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            )
        {
            return Err(Failure::NotNow(status.to_string()));
        }
        if status != StatusCode::OK {
            return Err(Failure::Never(status.to_string()));
        }
        if response.content_length().is_some_and(|length| length > most) {
            return Err(Failure::Never("too many bytes".into()));
        }
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Ok(Found {
            content_type,
            filename,
            response,
        })
    }
}

impl Found {
    /// The bytes.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<Bytes, String>> + Send {
        futures_util::stream::try_unfold(self.response, |mut response| async move {
            let piece = response.chunk().await.map_err(|error| cause(&error))?;
            Ok(piece.map(|piece| (piece, response)))
        })
    }
}

/// The last segment of the path, where it looks like a file's name.
fn filename(url: &Url) -> Option<String> {
    let last = url.path_segments()?.next_back()?;
    let name = percent_encoding::percent_decode_str(last).decode_utf8().ok()?;
    let usable = name.contains('.') && name.chars().count() <= 128 && !name.contains(['/', '\0']);
    usable.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_like_the_end_of_its_url() {
        let name = |url: &str| filename(&Url::parse(url).unwrap());
        assert_eq!(name("http://x.org/a/b%20c.png?d=e.f"), Some("b c.png".into()));
        for url in [
            "http://x.org/",
            "http://x.org/a",
            "http://x.org/a.b/",
            "http://x.org/%00.a",
        ] {
            assert_eq!(name(url), None, "{url}");
        }
    }

    #[tokio::test]
    async fn an_inner_address_is_not_called() {
        let fetcher = Fetcher::new(Guard::Public);
        for url in [
            "http://127.0.0.1:9/",
            "http://localhost:9/",
            "file:///etc/passwd",
            "no url",
        ] {
            let failure = fetcher.open(url, 1).await.err();
            assert!(failure.is_some(), "{url}");
        }
        let never = fetcher.open("http://127.0.0.1:9/", 1).await.err();
        assert_eq!(
            never,
            Some(Failure::Never("an address that must not be called".into()))
        );
    }
}
