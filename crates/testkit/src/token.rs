//! Access tokens, as the helper libraries make them.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

/// A token for an SDK client; `ttl` in seconds, negative for one that has expired.
///
/// # Panics
/// Never for a secret of text.
#[must_use]
pub fn access_token(
    account: &str,
    identity: &str,
    service: &str,
    key: &str,
    secret: &str,
    ttl: i64,
) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let now = i64::try_from(now).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    header.cty = Some("twilio-fpa;v=1".into());
    let claims = json!({
        "jti": format!("{key}-{now}"),
        "iss": key,
        "sub": account,
        "iat": now,
        "exp": now + ttl,
        "grants": {"identity": identity, "chat": {"service_sid": service}},
    });
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes())).expect("a token")
}
