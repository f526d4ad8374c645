//! Uploads: row and bytes together.

use std::fmt::Display;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use confab_domain::media::{Category, Complete, Discard, Media, Owner, Reserve, UPLOAD_SECONDS};
use confab_domain::{Actor, error};
use confab_engine::Engine;
use confab_types::MediaSid;
use futures_util::{Stream, StreamExt as _};

use crate::{Links, Objects};

/// Longest silence of a sender.
pub const SILENCE: Duration = Duration::from_secs(30);
/// Longest upload; it ends a little before its row is collected.
const PATIENCE: Duration = Duration::from_secs(UPLOAD_SECONDS as u64 - 10);
/// Bytes at the beginning by which the type is told.
const HEAD: usize = 8 * 1024;
/// The type of bytes that say nothing of themselves.
const UNKNOWN: &str = "application/octet-stream";

/// Rows, bytes and temporary URLs of media. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    engine: Engine,
    objects: Objects,
    links: Links,
    silence: Duration,
}

/// What is known of an upload before its bytes.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Where it goes.
    pub owner: Owner,
    /// What it is for.
    pub category: Category,
    /// Its name.
    pub filename: Option<String>,
    /// Its MIME type as the sender says; where he says nothing, or only that it is bytes, the bytes tell.
    pub content_type: Option<String>,
    /// Bytes at most.
    pub max_bytes: u64,
}

/// Why an upload failed. Nothing of it is left then, or will be after its collection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has more bytes than allowed.
    #[error("too many bytes")]
    TooLarge,
    /// It has no bytes.
    #[error("no bytes")]
    Empty,
    /// The sender broke off, fell silent, or took too long.
    #[error("the upload did not come to its end: {0}")]
    Broken(String),
    /// The disk.
    #[error("the bytes cannot be stored: {0}")]
    Storage(#[from] io::Error),
    /// The row was refused.
    #[error("{0}")]
    Domain(#[from] error::Error),
}

impl Library {
    /// A library over an object store.
    #[must_use]
    pub fn new(engine: Engine, objects: Objects, links: Links) -> Self {
        Self {
            engine,
            objects,
            links,
            silence: SILENCE,
        }
    }

    /// The same library with another time than [`SILENCE`] in which a sender must send something; for tests.
    #[must_use]
    pub fn impatient(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// The bytes.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The temporary URLs.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Takes an upload; when this returns, row and bytes survive the loss of power. Of the body no more is in memory
    /// than the piece that came last.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn store<S, E>(&self, actor: Actor, upload: Upload, body: S) -> Result<Media, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        let reserve = Reserve {
            owner: upload.owner,
            category: upload.category,
            filename: upload.filename,
            bytes: i64::try_from(upload.max_bytes).unwrap_or(i64::MAX),
        };
        let media = self.engine.execute(actor.clone(), reserve).await?;
        let stored = tokio::time::timeout(PATIENCE, self.write(media, upload.max_bytes, body))
            .await
            .unwrap_or_else(|_| Err(Error::Broken("it took too long".into())));
        let (size, head) = match stored {
            Ok(stored) => stored,
            Err(error) => {
                self.discard(media).await;
                return Err(error);
            }
        };
        let complete = Complete {
            media,
            content_type: content_type(upload.content_type, &head),
            size,
        };
        let completed = self.engine.execute(actor, complete).await;
        if completed.is_err() {
            // No row, so these bytes are nobody's; if this fails, the job of the reservation removes them.
            if let Err(error) = self.objects.remove(media).await {
                tracing::warn!(%media, %error, "bytes without a row are left to their collection");
            }
        }
        Ok(completed?)
    }

    async fn write<S, E>(&self, media: MediaSid, most: u64, body: S) -> Result<(i64, Vec<u8>), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        let mut writer = self.objects.create(media).await?;
        let mut body = pin!(body);
        let (mut size, mut head) = (0_u64, Vec::new());
        while let Some(piece) = tokio::time::timeout(self.silence, body.next())
            .await
            .map_err(|_| Error::Broken("the sender fell silent".into()))?
        {
            let piece = piece.map_err(|error| Error::Broken(error.to_string()))?;
            size = size.saturating_add(piece.len() as u64);
            if size > most {
                return Err(Error::TooLarge);
            }
            let wanted = (HEAD - head.len()).min(piece.len());
            head.extend_from_slice(&piece[..wanted]);
            writer.write(&piece).await?;
        }
        if size == 0 {
            return Err(Error::Empty);
        }
        writer.finish().await?;
        Ok((i64::try_from(size).unwrap_or(i64::MAX), head))
    }

    async fn discard(&self, media: MediaSid) {
        if let Err(error) = self.engine.execute(Actor::System, Discard { media }).await {
            tracing::warn!(%media, %error, "a broken upload is left to its collection");
        }
    }
}

/// The type that a medium is kept with.
fn content_type(given: Option<String>, head: &[u8]) -> String {
    let says_something = |kind: &String| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        !kind.is_empty() && !kind.eq_ignore_ascii_case(UNKNOWN)
    };
    match given.filter(says_something) {
        Some(given) => given,
        None => infer::get(head)
            .map_or(UNKNOWN, |found| found.mime_type())
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_told_by_the_bytes_where_the_sender_says_none() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        for given in [
            None,
            Some(""),
            Some("application/octet-stream"),
            Some("Application/Octet-Stream; x=1"),
        ] {
            assert_eq!(
                content_type(given.map(str::to_owned), png),
                "image/png",
                "{given:?}"
            );
        }
        assert_eq!(content_type(Some("x/y; z=1".into()), png), "x/y; z=1");
        assert_eq!(content_type(None, b"abc"), UNKNOWN);
        assert_eq!(content_type(None, b""), UNKNOWN);
    }
}
