//! Access tokens of SDK clients (rest.md §13, B-701…B-707).

use confab_domain::{Actor, Client, Error, Result, service, user};
use confab_types::{AccountSid, ApiError, RoleSid, ServiceSid, Sid};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::Engine;

/// What a valid token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatToken {
    /// The account.
    pub account: AccountSid,
    /// The conversation service.
    pub service: ServiceSid,
    /// Who its bearer is.
    pub identity: String,
    /// Role of a user that this connection makes (B-677).
    pub role: Option<RoleSid>,
    /// When it ends, seconds since 1970.
    pub expires_at: i64,
    /// When it began to live, seconds since 1970; for the notice before its end.
    pub issued_at: i64,
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
}

/// Longest life of a token, seconds (B-705), and how far the clock of its maker may be ahead of ours.
const LONGEST: i64 = 24 * 3600;
const SKEW: i64 = 10;
/// A longer text is no token that a helper library made.
const MAX_LENGTH: usize = 8192;

impl Engine {
    /// Verifies an access token.
    ///
    /// # Errors
    /// An [`Error::Api`] with status 401 or 403 and the code of its fault; or the database's.
    pub async fn verify_token(&self, token: &str) -> Result<ChatToken> {
        if token.len() > MAX_LENGTH {
            return Err(Error::code(20101));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Error::code(20101))?;
        if header.cty.as_deref() != Some("twilio-fpa;v=1") {
            return Err(Error::code(20102));
        }
        if !matches!(header.alg, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
            return Err(Error::code(20102));
        }
        // The issuer is read first, since it names the secret; nothing else is believed before the signature.
        let unverified: Claims =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| Error::code(20101))?;
        let issuer = unverified.iss.as_deref().unwrap_or_default();
        let found = match self.credentials(issuer).await? {
            Some(found) if found.key.is_some() => found,
            _ => return Err(Error::code(20103)),
        };
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
        if !found.active {
            return Err(ApiError::new(20005).status(403).into());
        }
        self.accept(found.account, claims).await
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
                self.execute(Actor::System, connect).await?
            }
        };
        Ok(Client {
            account,
            service,
            user: user.sid,
            identity,
        })
    }

    async fn accept(&self, account: AccountSid, claims: Claims) -> Result<ChatToken> {
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
            service,
            identity,
            role: chat.deployment_role_sid.as_deref().and_then(RoleSid::parse),
            expires_at,
            issued_at: claims.iat.unwrap_or(now),
        })
    }
}
