//! Secrets at rest: AES-256-GCM under the server's master key. A sealed secret is bound to what it belongs to, so
//! that one row's secret does not open in another.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Seals and opens secrets.
pub struct Vault {
    key: LessSafeKey,
    derivation: Prk,
}

/// A secret could not be sealed or opened; says nothing more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret could not be sealed or opened: is this the master key that it was sealed with?")]
pub struct VaultError;

impl Vault {
    /// A vault with a master key.
    ///
    /// # Errors
    /// Never for a key of 32 bytes, which the type has.
    pub fn new(master_key: &[u8; 32]) -> Result<Self, VaultError> {
        let key = UnboundKey::new(&AES_256_GCM, master_key).map_err(|_| VaultError)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            derivation: Salt::new(HKDF_SHA256, &[]).extract(master_key),
        })
    }

    /// A key for one purpose (RFC 5869), the same at each start and on each node with the master key. Who knows it
    /// knows neither the master key nor the key of another purpose.
    ///
    /// # Errors
    /// Never for a key of 32 bytes, which the type has.
    pub fn derive(&self, purpose: &str) -> Result<[u8; 32], VaultError> {
        let mut key = [0; 32];
        self.derivation
            .expand(&[purpose.as_bytes()], HKDF_SHA256)
            .and_then(|output| output.fill(&mut key))
            .map_err(|_| VaultError)?;
        Ok(key)
    }

    /// Seals a secret for its owner (a SID).
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn seal(&self, owner: &str, secret: &str) -> Result<String, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| VaultError)?;
        let mut data = secret.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(owner), &mut data)
            .map_err(|_| VaultError)?;
        Ok(STANDARD.encode([&nonce[..], &data].concat()))
    }

    /// Opens what [`Vault::seal`] sealed for the same owner.
    ///
    /// # Errors
    /// For another owner, another master key, or a text that was changed.
    pub fn open(&self, owner: &str, sealed: &str) -> Result<String, VaultError> {
        let bytes = STANDARD.decode(sealed).map_err(|_| VaultError)?;
        let (nonce, data) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(VaultError)?;
        let mut data = data.to_vec();
        let secret = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(owner), &mut data)
            .map_err(|_| VaultError)?;
        String::from_utf8(secret.to_vec()).map_err(|_| VaultError)
    }
}

/// A new random secret of 32 characters.
///
/// # Errors
/// When the machine gives no randomness.
pub fn new_secret() -> Result<String, VaultError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| VaultError)?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_and_master_key_has_a_key_of_its_own() {
        let vault = Vault::new(&[7; 32]).unwrap();
        assert_eq!(vault.derive("a"), Vault::new(&[7; 32]).unwrap().derive("a"));
        assert_ne!(vault.derive("a"), vault.derive("b"));
        assert_ne!(vault.derive("a"), Vault::new(&[8; 32]).unwrap().derive("a"));
    }

    #[test]
    fn a_secret_opens_for_its_owner_only() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let sealed = vault.seal("SK1", "secret").unwrap();
        assert!(!sealed.contains("secret"));
        assert_eq!(vault.open("SK1", &sealed).as_deref(), Ok("secret"));
        assert_eq!(vault.open("SK2", &sealed), Err(VaultError));
        assert_eq!(
            Vault::new(&[8; 32]).unwrap().open("SK1", &sealed),
            Err(VaultError)
        );
        assert_eq!(vault.open("SK1", "x"), Err(VaultError));
    }
}
