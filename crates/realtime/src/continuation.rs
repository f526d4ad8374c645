//! Continuation tokens (realtime.md §2.3): they name the logical endpoint over reconnects. Nothing is looked up by
//! one; it only has to stay the same for the same client.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use confab_domain::Client;
use serde_json::{Value, json};

/// Makes and recognises tokens of this process.
#[derive(Default)]
pub struct Tokens {
    key: RandomState,
}

impl Tokens {
    fn mark(&self, client: &Client, nonce: u64) -> u64 {
        self.key.hash_one((client.user, nonce))
    }

    /// The token to go on with, and what to say of it.
    pub fn renew(&self, client: &Client, known: Option<&str>) -> (String, Value) {
        let parts = known
            .and_then(|t| t.strip_prefix("CT"))
            .filter(|t| t.len() == 32 && t.is_ascii());
        let parse = |text: &str| u64::from_str_radix(text, 16).ok();
        if let Some(parts) = parts
            && let (Some(nonce), Some(mark)) = (parse(&parts[..16]), parse(&parts[16..]))
            && mark == self.mark(client, nonce)
        {
            return (format!("CT{parts}"), json!({"reissued": false}));
        }
        let nonce = rand::random();
        let (reason, message) = match known {
            None => ("MISSING", "Continuation token is not provided"),
            Some(_) => (
                "UNKNOWN",
                "Continuation token is of another server start or identity",
            ),
        };
        let token = format!("CT{nonce:016x}{:016x}", self.mark(client, nonce));
        (
            token,
            json!({"reissued": true, "reissue_reason": reason, "reissue_message": message}),
        )
    }
}

#[cfg(test)]
mod tests {
    use confab_types::{AccountSid, ServiceSid, Sid, UserSid};

    use super::*;

    #[test]
    fn a_token_stays_for_its_user_only() {
        let client = |user| Client {
            account: AccountSid::from_bits(1),
            service: ServiceSid::from_bits(1),
            user: UserSid::from_bits(user),
            identity: "x".into(),
        };
        let tokens = Tokens::default();
        let (token, status) = tokens.renew(&client(1), None);
        assert_eq!(status["reissued"], true);
        assert_eq!(
            tokens.renew(&client(1), Some(&token)),
            (token.clone(), json!({"reissued": false}))
        );
        assert_ne!(tokens.renew(&client(2), Some(&token)).0, token);
        assert_eq!(tokens.renew(&client(1), Some("CT")).1["reissued"], true);
    }
}
