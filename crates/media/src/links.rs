//! Temporary URLs (B-278): they are their own permission, so each is signed and ends soon.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use confab_types::{MediaSid, Timestamp};

/// Life of a temporary URL, seconds.
const LIFE_SECONDS: i64 = 300;

/// A temporary URL that is not, or not any more, one of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the temporary URL has expired or was changed")]
pub struct Refused;

/// Signs temporary URLs and checks them.
#[derive(Clone)]
pub struct Links {
    key: hmac::Key,
}

impl Links {
    /// With a key that is used for nothing else. Servers with the same key take each other's URLs.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// What follows the media host in a URL of a medium that can be used for the next 300 s.
    #[must_use]
    pub fn sign(&self, media: MediaSid, now: Timestamp) -> String {
        let expires = now.seconds() + LIFE_SECONDS;
        let tag = hmac::sign(&self.key, signed_text(media, expires).as_bytes());
        format!(
            "/{media}?Expires={expires}&Signature={}",
            URL_SAFE_NO_PAD.encode(tag)
        )
    }

    /// Checks what [`Links::sign`] made, in constant time.
    ///
    /// # Errors
    /// [`Refused`] after its end, or for any other text.
    pub fn verify(
        &self,
        media: MediaSid,
        expires: &str,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let expires: i64 = expires.parse().map_err(|_| Refused)?;
        let tag = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused)?;
        hmac::verify(&self.key, signed_text(media, expires).as_bytes(), &tag).map_err(|_| Refused)?;
        if now.seconds() < expires {
            Ok(())
        } else {
            Err(Refused)
        }
    }
}

fn signed_text(media: MediaSid, expires: i64) -> String {
    format!("{media} {expires}")
}

#[cfg(test)]
mod tests {
    use confab_types::Sid as _;

    use super::*;

    #[test]
    fn a_temporary_url_lives_for_300_seconds_b278() {
        let (links, media, now) = (
            Links::new(b"key"),
            MediaSid::from_bits(7),
            Timestamp(1_700_000_000_000_000),
        );
        let url = links.sign(media, now);
        let (path, query) = url.split_once('?').unwrap();
        assert_eq!(path, format!("/{media}"));
        let (expires, signature) = query.split_once('&').unwrap();
        let expires = expires.strip_prefix("Expires=").unwrap();
        let signature = signature.strip_prefix("Signature=").unwrap();
        let check = |links: &Links, media, expires: &str, signature: &str, after| {
            links.verify(media, expires, signature, now.plus_seconds(after))
        };
        assert_eq!(check(&links, media, expires, signature, 299), Ok(()));
        assert_eq!(check(&links, media, expires, signature, 300), Err(Refused));
        let later = (now.seconds() + 9000).to_string();
        assert_eq!(check(&links, media, &later, signature, 0), Err(Refused));
        assert_eq!(
            check(&links, MediaSid::from_bits(8), expires, signature, 0),
            Err(Refused)
        );
        assert_eq!(
            check(&Links::new(b"other"), media, expires, signature, 0),
            Err(Refused)
        );
        for broken in ["", "x", "é", &signature[1..]] {
            assert_eq!(check(&links, media, expires, broken, 0), Err(Refused), "{broken}");
        }
    }
}
