//! Who calls: Basic authentication with an account's token or an API key (rest.md §1.2), remembered in process.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::hmac;
use confab_domain::account::{self, Account};
use confab_domain::{Error, Ids as _, Origin, Result, key, subaccount};
use confab_types::{AccountSid, ApiError, KeySid, ServiceSid, Sid};

use crate::remembered::Remembered;
use crate::vault::new_secret;
use crate::{Engine, RandomIds};

/// What authenticates: the secret of an account or key with what the owner may reach.
pub struct Credentials {
    /// The account that it acts for.
    pub account: AccountSid,
    /// The API key; `None` for the account's own token.
    pub key: Option<KeySid>,
    /// The service of the short URL form (B-030); only with the account's token or key.
    pub default_service: ServiceSid,
    /// Whether the account may be used.
    pub active: bool,
    secret: String,
    /// Keyed hash of the secret: two of them are compared in constant time, whatever their lengths.
    hash: hmac::Tag,
}

impl Credentials {
    /// The secret, to verify what it signed.
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

/// A caller whose credentials were right.
#[derive(Clone)]
pub struct Principal {
    /// His credentials.
    pub credentials: Arc<Credentials>,
}

impl Principal {
    /// The account that he acts for.
    #[must_use]
    pub fn account(&self) -> AccountSid {
        self.credentials.account
    }
}

/// Key of the hashes that secrets are compared by; new with each process.
static HASH_KEY: LazyLock<Option<hmac::Key>> =
    LazyLock::new(|| hmac::Key::generate(hmac::HMAC_SHA256, &aws_lc_rs::rand::SystemRandom::new()).ok());

fn hash(secret: &str) -> Result<hmac::Tag> {
    let key = HASH_KEY.as_ref().ok_or_else(|| Error::code(20500))?;
    Ok(hmac::sign(key, secret.as_bytes()))
}

/// Credentials by the SID that names them.
pub(crate) type Cache = Remembered<String, Credentials>;

impl Credentials {
    /// Whether they are those of a key or, without one, of anything of an account.
    pub(crate) fn are_of(&self, key: Option<KeySid>, account: AccountSid) -> bool {
        match key {
            Some(key) => self.key == Some(key),
            None => self.account == account,
        }
    }
}

impl Engine {
    /// Checks a name and secret (B-001…B-003).
    ///
    /// # Errors
    /// 401/20003 for an unknown name and for a wrong secret alike, 400/20005 for the right one of an account that is
    /// suspended or closed; or the database's.
    pub async fn authenticate(&self, name: &str, secret: &str) -> Result<Principal> {
        let refused = || Error::Api(ApiError::new(20003));
        let found = self.credentials(name).await?.ok_or_else(refused)?;
        let given = hash(secret)?;
        // The tags are of equal length; the comparison takes the same time wherever they differ.
        if !bool::from(subtle::ConstantTimeEq::ct_eq(given.as_ref(), found.hash.as_ref())) {
            return Err(refused());
        }
        if !found.active {
            return Err(Error::code(20005));
        }
        Ok(Principal { credentials: found })
    }

    /// Moves with each change of credentials, before the command that made it is answered: what was found good at a
    /// version is good for as long as that is the present one.
    #[must_use]
    pub fn credentials_version(&self) -> u64 {
        self.inner.credentials.generation()
    }

    /// The credentials that an account or key SID names; `None` when there are none.
    ///
    /// # Errors
    /// The database's, and 500 when a secret does not open.
    pub async fn credentials(&self, name: &str) -> Result<Option<Arc<Credentials>>> {
        let cache = &self.inner.credentials;
        if let Some(found) = cache.get(name) {
            return Ok(Some(found));
        }
        let generation = cache.generation();
        let (account_sid, key_sid) = (AccountSid::parse(name), KeySid::parse(name));
        if account_sid.is_none() && key_sid.is_none() {
            return Ok(None);
        }
        let row = self
            .read(move |tx| {
                let key = match key_sid {
                    Some(sid) => match key::find(tx, sid)? {
                        Some(key) => Some(key),
                        None => return Ok(None),
                    },
                    None => None,
                };
                let Some(owner) = key.as_ref().map(|k| k.account).or(account_sid) else {
                    return Ok(None);
                };
                Ok(account::find(tx, owner)?.map(|account| (account, key)))
            })
            .await?;
        let Some((account, key)) = row else {
            return Ok(None);
        };
        let (owner, sealed) = match &key {
            Some(key) => (key.sid.to_string(), &key.secret),
            None => (account.sid.to_string(), &account.auth_token),
        };
        let secret = self.vault().open(&owner, sealed).map_err(|error| {
            tracing::error!(%owner, %error, "stored credentials cannot be used");
            Error::code(20500)
        })?;
        let found = Arc::new(Credentials {
            account: account.sid,
            key: key.map(|k| k.sid),
            default_service: account.default_service,
            active: account.status == account::Status::Active,
            hash: hash(&secret)?,
            secret,
        });
        cache.keep(owner, &found, generation);
        Ok(Some(found))
    }

    /// Makes an API key and gives it with its secret, which is shown this once.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn create_key(
        &self,
        origin: impl Into<Origin>,
        account: AccountSid,
        friendly_name: String,
    ) -> Result<(key::Key, String)> {
        let unsealed = |_| Error::code(20500);
        let secret = new_secret().map_err(unsealed)?;
        // The SID is made inside the transaction, so the secret is sealed for a SID that is chosen here.
        let sid = {
            let mut ids = crate::RandomIds;
            KeySid::from_bits(confab_domain::Ids::bits(&mut ids, self.now()))
        };
        let sealed = self.vault().seal(&sid.to_string(), &secret).map_err(unsealed)?;
        let key = self
            .execute(
                origin,
                key::Create {
                    sid,
                    account,
                    friendly_name,
                    secret: sealed,
                },
            )
            .await?;
        Ok((key, secret))
    }

    /// Makes a subaccount with an auth token of its own.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn create_subaccount(
        &self,
        origin: impl Into<Origin>,
        owner: AccountSid,
        friendly_name: Option<String>,
    ) -> Result<Account> {
        let unsealed = |_| Error::code(20500);
        let sid = AccountSid::from_bits(RandomIds.bits(self.now()));
        let token = new_secret().map_err(unsealed)?;
        let command = subaccount::Create {
            owner,
            sid,
            auth_token: self.vault().seal(&sid.to_string(), &token).map_err(unsealed)?,
            friendly_name,
        };
        self.execute(origin, command).await
    }

    /// The auth token of an account, for its owner.
    ///
    /// # Errors
    /// 500 when it was sealed with another master key.
    pub fn auth_token(&self, account: &Account) -> Result<String> {
        self.vault()
            .open(&account.sid.to_string(), &account.auth_token)
            .map_err(|_| Error::code(20500))
    }
}
