//! Access tokens, as the helper libraries make them.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

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
    let claims = json!({
        "jti": format!("{key}-{now}"),
        "iss": key,
        "sub": account,
        "iat": now,
        "exp": now + ttl,
        "grants": {"identity": identity, "chat": {"service_sid": service}},
    });
    signed_token(Some("twilio-fpa;v=1"), &claims, secret)
}

/// A token with any claims, and the `cty` of its header.
///
/// # Panics
/// Never for a secret of text.
#[must_use]
pub fn signed_token(cty: Option<&str>, claims: &Value, secret: &str) -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.cty = cty.map(str::to_owned);
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret.as_bytes())).expect("a token")
}
