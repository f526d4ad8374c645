//! Secrets of push services (rest.md §2.19): what each is made of, whether its parts are of any use, and how they are
//! sealed. They leave this module only sealed, or opened for who pushes.

use std::fmt;

use confab_domain::credential::{self, Credential, CredentialType, Renewal, Sealed};
use confab_domain::{Error, Ids as _, Origin, Result};
use confab_types::{AccountSid, ApiError, CredentialSid, Sid as _};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};

use crate::{Engine, RandomIds};

/// What a server proves itself with at a push service.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushSecret {
    /// Of Apple's: a certificate with its key.
    Apn {
        /// PEM; the certificate, and those between it and its root.
        certificate: String,
        /// PEM; PKCS #1, PKCS #8 or SEC 1.
        private_key: String,
    },
    /// Of Google's older one.
    Gcm {
        /// The server's key.
        api_key: String,
    },
    /// Of Google's.
    Fcm {
        /// A service account as JSON, or the server's key of the older kind.
        secret: String,
    },
}

impl fmt::Debug for PushSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushSecret({})", self.kind().name())
    }
}

impl PushSecret {
    fn kind(&self) -> CredentialType {
        match self {
            Self::Apn { .. } => CredentialType::Apn,
            Self::Gcm { .. } => CredentialType::Gcm,
            Self::Fcm { .. } => CredentialType::Fcm,
        }
    }

    /// That of a credential which was made of its type alone, as the documentation's sample does: its parts come with an
    /// update, and nothing can be pushed until then.
    fn blank(kind: CredentialType) -> Self {
        match kind {
            CredentialType::Apn => Self::Apn {
                certificate: String::new(),
                private_key: String::new(),
            },
            CredentialType::Gcm => Self::Gcm {
                api_key: String::new(),
            },
            CredentialType::Fcm => Self::Fcm {
                secret: String::new(),
            },
        }
    }

    /// Whether its parts have yet to come: no push service takes it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        *self == Self::blank(self.kind())
    }

    /// The secret of a push service from what the caller sent and, where he sent nothing, from the one before.
    ///
    /// # Errors
    /// 400/52161 when a part is absent, 400/20001 for one that is of no use; what it says holds no secret.
    fn of(kind: CredentialType, sent: &Parts, before: Option<Self>) -> Result<Self> {
        let before = before.map_or_else(Parts::default, Parts::of);
        let part = |sent: &Option<String>, before: Option<String>| {
            let text = sent.clone().or(before);
            text.filter(|t| !t.trim().is_empty())
                .ok_or_else(|| Error::code(52161))
        };
        match kind {
            CredentialType::Apn => {
                let certificate = part(&sent.certificate, before.certificate)?;
                let private_key = part(&sent.private_key, before.private_key)?;
                check_pair(&certificate, &private_key)?;
                Ok(Self::Apn {
                    certificate,
                    private_key,
                })
            }
            CredentialType::Gcm => Ok(Self::Gcm {
                api_key: part(&sent.api_key, before.api_key)?,
            }),
            CredentialType::Fcm => {
                let secret = part(&sent.secret, before.secret)?;
                check_service_account(&secret)?;
                Ok(Self::Fcm { secret })
            }
        }
    }
}

/// What push services are told apart by; `None` for what was not sent.
#[derive(Clone, Default)]
pub struct Parts {
    /// Apple's: PEM.
    pub certificate: Option<String>,
    /// Apple's: PEM.
    pub private_key: Option<String>,
    /// Google's older one's.
    pub api_key: Option<String>,
    /// Google's.
    pub secret: Option<String>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parts(…)")
    }
}

impl Parts {
    fn of(secret: PushSecret) -> Self {
        match secret {
            PushSecret::Apn {
                certificate,
                private_key,
            } => Self {
                certificate: Some(certificate),
                private_key: Some(private_key),
                ..Self::default()
            },
            PushSecret::Gcm { api_key } => Self {
                api_key: Some(api_key),
                ..Self::default()
            },
            PushSecret::Fcm { secret } => Self {
                secret: Some(secret),
                ..Self::default()
            },
        }
    }

    /// Whether nothing was sent at all.
    fn is_empty(&self) -> bool {
        CredentialType::ALL.into_iter().all(|kind| !self.has_any(kind))
    }

    /// Whether something was sent that a push service has.
    fn has_any(&self, kind: CredentialType) -> bool {
        match kind {
            CredentialType::Apn => self.certificate.is_some() || self.private_key.is_some(),
            CredentialType::Gcm => self.api_key.is_some(),
            CredentialType::Fcm => self.secret.is_some(),
        }
    }
}

/// Looks at certificate and key as the connection to Apple will: what passes here can be used there.
fn check_pair(certificate: &str, private_key: &str) -> Result<()> {
    let no_certificate = || Error::from(ApiError::invalid("Certificate"));
    let no_key = || Error::from(ApiError::invalid("PrivateKey"));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| no_certificate())?;
    let key = PrivateKeyDer::from_pem_slice(private_key.as_bytes()).map_err(|_| no_key())?;
    let key = any_supported_type(&key).map_err(|_| no_key())?;
    CertifiedKey::new(chain, key)
        .keys_match()
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => ApiError::new(20001)
                .message("Invalid parameter value: PrivateKey is not that of Certificate")
                .into(),
            _ => no_certificate(),
        })
}

/// A service account is JSON with the key that it signs with; a key of the older kind is any text.
fn check_service_account(secret: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct ServiceAccount {
        project_id: String,
        client_email: String,
        private_key: String,
    }
    if !secret.trim_start().starts_with('{') {
        return Ok(());
    }
    let whole = |account: ServiceAccount| {
        ![account.project_id, account.client_email, account.private_key]
            .iter()
            .any(String::is_empty)
    };
    // The parser's own words would quote what it read.
    if serde_json::from_str(secret).is_ok_and(whole) {
        Ok(())
    } else {
        Err(ApiError::invalid("Secret").into())
    }
}

/// What may be set of a credential; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct CredentialFields {
    /// At most 64 characters (B-077); empty clears it.
    pub friendly_name: Option<String>,
    /// Whether it is for Apple's sandbox.
    pub sandbox: Option<bool>,
    /// What it proves itself with.
    pub parts: Parts,
}

impl Engine {
    /// Makes a credential; without any part of a secret one whose parts come later.
    ///
    /// # Errors
    /// 400/52161 when only some parts were sent, or those of another push service, 400/20001 for one that is of no use, 400/20002 for a long name.
    pub async fn create_credential(
        &self,
        origin: impl Into<Origin>,
        account: AccountSid,
        kind: CredentialType,
        fields: CredentialFields,
    ) -> Result<Credential> {
        let secret = match fields.parts.is_empty() {
            true => PushSecret::blank(kind),
            false => PushSecret::of(kind, &fields.parts, None)?,
        };
        let sid = CredentialSid::from_bits(RandomIds.bits(self.now()));
        let command = credential::Create {
            sid,
            account,
            friendly_name: fields.friendly_name.unwrap_or_default(),
            kind,
            sandbox: fields.sandbox,
            secret: self.seal_push_secret(sid, &secret)?,
        };
        self.execute(origin, command).await
    }

    /// Changes a credential. Where only a part of its secret is sent, the rest stays; another push service needs a
    /// whole one.
    ///
    /// # Errors
    /// 404/20404; as [`Engine::create_credential`]; 409/20409 when another secret came meanwhile; 400/52003 for
    /// another push service of one that devices are registered with.
    pub async fn update_credential(
        &self,
        origin: impl Into<Origin>,
        account: AccountSid,
        sid: CredentialSid,
        kind: Option<CredentialType>,
        fields: CredentialFields,
    ) -> Result<Credential> {
        let seen = self.read(move |tx| credential::fetch(tx, account, sid)).await?;
        let kind = kind.unwrap_or(seen.kind);
        let secret = if kind != seen.kind || fields.parts.has_any(kind) {
            let before = match kind == seen.kind {
                true => Some(self.open_push_secret(&seen)?),
                false => None,
            };
            let secret = PushSecret::of(kind, &fields.parts, before)?;
            Some(Renewal {
                secret: self.seal_push_secret(sid, &secret)?,
                seen: seen.secret,
                kind,
            })
        } else {
            None
        };
        let command = credential::Update {
            account,
            credential: sid,
            friendly_name: fields.friendly_name,
            sandbox: fields.sandbox,
            secret,
        };
        self.execute(origin, command).await
    }

    /// The secret of a credential, for who pushes with it.
    ///
    /// # Errors
    /// 500 when it was sealed with another master key.
    pub fn open_push_secret(&self, credential: &Credential) -> Result<PushSecret> {
        let text = self
            .vault()
            .open(&credential.sid.to_string(), &credential.secret.0)
            .map_err(|_| Error::code(20500))?;
        serde_json::from_str(&text).map_err(|_| Error::code(20500))
    }

    fn seal_push_secret(&self, sid: CredentialSid, secret: &PushSecret) -> Result<Sealed> {
        let text = serde_json::to_string(secret).map_err(|_| Error::code(20500))?;
        let sealed = self
            .vault()
            .seal(&sid.to_string(), &text)
            .map_err(|_| Error::code(20500))?;
        Ok(Sealed(sealed))
    }
}
