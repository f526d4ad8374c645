//! Access tokens of SDK clients (rest.md §13, B-701…B-707).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use confab_domain::alert::{Level, NewAlert, Record};
use confab_domain::{Actor, Client, Error, Result, service, user};
use confab_types::{AccountSid, ApiError, CredentialSid, KeySid, RoleSid, ServiceSid, Sid, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;

use crate::{Credentials, Engine};

/// What a valid token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatToken {
    /// The account.
    pub account: AccountSid,
    /// The API key that signed it: the token is good for as long as the key is there.
    pub key: KeySid,
    /// The conversation service.
    pub service: ServiceSid,
    /// Who its bearer is.
    pub identity: String,
    /// Role of a user that this connection makes (B-677).
    pub role: Option<RoleSid>,
    /// What it says of push.
    pub push: PushGrant,
    /// When it ends, seconds since 1970.
    pub expires_at: i64,
    /// When it began to live, seconds since 1970; for the notice before its end.
    pub issued_at: i64,
}

/// How the devices of a token's bearer are pushed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushGrant {
    /// Who pushes (B-626).
    pub credential: Option<CredentialSid>,
    /// The device, as its app names it.
    pub endpoint: Option<String>,
}

/// Why a token was refused. The code is that of a websocket frame: clients act on 20104.
pub type TokenError = ApiError;

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    exp: Option<i64>,
    nbf: Option<i64>,
    iat: Option<i64>,
    grants: Option<Grants>,
}

#[derive(Deserialize)]
struct Grants {
    identity: Option<serde_json::Value>,
    chat: Option<ChatGrant>,
    /// The product's old name (B-707).
    ip_messaging: Option<ChatGrant>,
}

#[derive(Deserialize)]
struct ChatGrant {
    service_sid: Option<String>,
    deployment_role_sid: Option<String>,
    push_credential_sid: Option<String>,
    endpoint_id: Option<String>,
}

/// Longest life of a token, seconds (B-705), and how far the clock of its maker may be ahead of ours.
const LONGEST: i64 = 24 * 3600;
const SKEW: i64 = 10;
/// A longer text is no token that a helper library made.
const MAX_LENGTH: usize = 8192;

/// Refuses the keys of an account that may not be used.
fn may_sign(signer: &Credentials) -> Result<()> {
    if signer.active {
        Ok(())
    } else {
        Err(ApiError::new(20005).status(403).into())
    }
}

impl Engine {
    /// Verifies an access token. The account whose key it names hears of one that is refused by an alert.
    ///
    /// # Errors
    /// An [`Error::Api`] with status 401 or 403 and the code of its fault; or the database's.
    pub async fn verify_token(&self, token: &str) -> Result<ChatToken> {
        if token.len() > MAX_LENGTH {
            return Err(Error::code(20101));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Error::code(20101))?;
        let known_header = header.cty.as_deref() == Some("twilio-fpa;v=1")
            && matches!(header.alg, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512);
        // The issuer is read first, since it names the secret; nothing else is believed before the signature.
        let unverified: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token)
            .map_err(|_| Error::code(if known_header { 20101 } else { 20102 }))?;
        let issuer = unverified.iss.as_deref().unwrap_or_default();
        let found = match self.credentials(issuer).await? {
            Some(found) if found.key.is_some() => found,
            // Nobody's key, so there is nobody to tell.
            _ if known_header => return Err(Error::code(20103)),
            _ => return Err(Error::code(20102)),
        };
        let verified = if known_header {
            self.verify_signed(token, &header, &found).await
        } else {
            Err(Error::code(20102))
        };
        if let Err(Error::Api(cause)) = &verified {
            self.alert_of_token(found.account, found.key, cause).await;
        }
        verified
    }

    async fn verify_signed(&self, token: &str, header: &Header, found: &Credentials) -> Result<ChatToken> {
        let signer = found.key.ok_or_else(|| Error::code(20103))?;
        let mut validation = Validation::new(header.alg);
        // Times are checked below, against the engine's clock and with the API's own codes.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_secret(found.secret());
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
            .map_err(|_| Error::code(20107))?
            .claims;
        if claims.sub.as_deref().and_then(AccountSid::parse) != Some(found.account) {
            return Err(Error::code(20103));
        }
        may_sign(found)?;
        self.accept(found.account, signer, claims).await
    }

    /// Whether tokens of a key are good still, apart from their time.
    ///
    /// # Errors
    /// 401/20103 when the key is gone, 403/20005 when its account is suspended or closed; or the database's.
    pub async fn check_signer(&self, key: KeySid) -> Result<()> {
        may_sign(&*self.signer(key).await?)
    }

    async fn signer(&self, key: KeySid) -> Result<Arc<Credentials>> {
        let found = self.credentials(&key.to_string()).await?;
        found.ok_or_else(|| Error::code(20103))
    }

    /// The user of a token, who is made when this is the first that is heard of him (B-701).
    ///
    /// # Errors
    /// Those of the command.
    pub async fn client(&self, token: &ChatToken) -> Result<Client> {
        let (account, service, identity) = (token.account, token.service, token.identity.clone());
        // Nearly all are users that exist: they cost a read, not a write.
        let found = self
            .read({
                let identity = identity.clone();
                move |tx| user::by_identity(tx, service, &identity)
            })
            .await?;
        let user = match found {
            Some(user) => user,
            None => {
                let connect = user::Connect {
                    account,
                    service,
                    identity: identity.clone(),
                    role: token.role,
                };
                match self.execute(Actor::System, connect).await {
                    Err(Error::Api(cause)) => {
                        self.alert_of_token(account, None, &cause).await;
                        return Err(cause.into());
                    }
                    made => made?,
                }
            }
        };
        Ok(Client {
            account,
            service,
            user: user.sid,
            identity,
        })
    }

    /// Tells an account of a token that was refused; of each fault once a minute, since a client tries again and again.
    async fn alert_of_token(&self, account: AccountSid, key: Option<KeySid>, cause: &ApiError) {
        let code = alert_code(cause.code);
        if !self.inner.refused_tokens.is_news((account, code), self.now()) {
            return;
        }
        let alert = NewAlert {
            resource: key.map(|key| key.to_string()),
            ..NewAlert::new(account, Level::Error, code)
        };
        // The client is answered also when the alert cannot be written.
        if let Err(error) = self.execute(Actor::System, Record(alert)).await {
            tracing::warn!(%error, "an alert could not be recorded");
        }
    }

    async fn accept(&self, account: AccountSid, key: KeySid, claims: Claims) -> Result<ChatToken> {
        let now = self.now().seconds();
        let expires_at = claims.exp.ok_or_else(|| Error::code(20104))?;
        if expires_at <= now {
            return Err(Error::code(20104));
        }
        if claims.nbf.is_some_and(|nbf| nbf > now + SKEW) {
            return Err(Error::code(20105));
        }
        if expires_at > now + LONGEST + SKEW {
            return Err(Error::code(20157));
        }
        let grants = claims.grants.ok_or_else(|| Error::code(20106))?;
        let chat = grants
            .chat
            .or(grants.ip_messaging)
            .ok_or_else(|| Error::code(20106))?;
        let identity = match grants.identity {
            Some(serde_json::Value::String(text)) if !text.is_empty() => text,
            // A helper library given a number as identity writes a number.
            Some(serde_json::Value::Number(number)) => number.to_string(),
            _ => return Err(Error::code(51105)),
        };
        let service = chat.service_sid.as_deref().and_then(ServiceSid::parse);
        let service = service.ok_or_else(|| Error::code(51101))?;
        let known = self.read(move |tx| service::find(tx, service)).await?;
        if known.is_none_or(|s| s.account != account) {
            return Err(Error::code(51101));
        }
        Ok(ChatToken {
            account,
            key,
            service,
            identity,
            role: chat.deployment_role_sid.as_deref().and_then(RoleSid::parse),
            push: PushGrant {
                credential: chat.push_credential_sid.as_deref().and_then(CredentialSid::parse),
                endpoint: chat.endpoint_id.filter(|id| !id.is_empty()),
            },
            expires_at,
            issued_at: claims.iat.unwrap_or(now),
        })
    }
}

/// The code by which alerts name what a client hears of as another one (behaviours §17).
fn alert_code(code: u32) -> i64 {
    match code {
        20005 => 51107,
        20101 => 51130,
        20102 => 51114,
        20103 => 51115,
        20104 => 51119,
        20105 => 51120,
        20106 => 51103,
        20107 => 51117,
        20157 => 51121,
        50207 => 51003,
        other => other.into(),
    }
}

/// When an account was last told of a fault in its tokens.
#[derive(Default)]
pub(crate) struct RefusedTokens(Mutex<HashMap<(AccountSid, i64), i64>>);

/// Faults that are remembered before those of the last minute are all that is.
const REMEMBERED: usize = 10_000;
const MINUTE: i64 = 60_000_000;

impl RefusedTokens {
    /// Whether the account has not heard of the fault in this minute; it hears of it now.
    fn is_news(&self, fault: (AccountSid, i64), now: Timestamp) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that is set back silences nobody.
        let is_recent = |at: &i64| (0..MINUTE).contains(&(now.0 - at));
        if told.get(&fault).is_some_and(is_recent) {
            return false;
        }
        if told.len() >= REMEMBERED {
            told.retain(|_, at| is_recent(at));
        }
        // With so many accounts at fault one of them waits for its alert.
        if told.len() >= REMEMBERED {
            return false;
        }
        told.insert(fault, now.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_hears_of_a_fault_once_a_minute() {
        let told = RefusedTokens::default();
        let (one, other) = (AccountSid::from_bits(1), AccountSid::from_bits(2));
        assert!(told.is_news((one, 51119), Timestamp(0)));
        assert!(!told.is_news((one, 51119), Timestamp(MINUTE - 1)));
        assert!(told.is_news((one, 51117), Timestamp(1)) && told.is_news((other, 51119), Timestamp(1)));
        assert!(told.is_news((one, 51119), Timestamp(MINUTE)));
        assert!(told.is_news((one, 51119), Timestamp(5)), "the clock was set back");
    }

    #[test]
    fn no_more_faults_are_remembered_than_there_is_room_for() {
        let told = RefusedTokens::default();
        for code in 0..i64::try_from(REMEMBERED).unwrap() {
            assert!(told.is_news((AccountSid::from_bits(1), code), Timestamp(0)));
        }
        assert!(!told.is_news((AccountSid::from_bits(2), 0), Timestamp(MINUTE - 1)));
        assert!(told.is_news((AccountSid::from_bits(2), 0), Timestamp(MINUTE)));
        assert_eq!(told.0.lock().unwrap().len(), 1);
    }
}
