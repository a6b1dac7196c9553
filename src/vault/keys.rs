//! The two kinds of keys: data keys seal records, the wrapping key seals data keys.

use hkdf::Hkdf;
use sha2::Sha256;

use super::cipher::{CipherKey, Secret};
use super::envelope::{Content, Envelope, NONCE, Place, seal};
use super::ids::{RecordId, VaultId};
use crate::error::{Error, ErrorKind, Result};

/// Seals records. Random, and known to the disk only wrapped.
pub(super) struct DataKey {
    pub(super) id: u32,
    pub(super) key: CipherKey,
    /// Shown in the header: it tells this key from another of the same id, and nothing of the key.
    pub(super) check: [u8; 16],
}

impl DataKey {
    pub(super) fn new(id: u32, secret: Secret) -> Result<Self> {
        let mut check = [0; 16];
        expand(&Hkdf::new(None, &*secret), b"jicho vault 2 data key check", &mut check)?;
        Ok(DataKey { id, key: CipherKey::new(secret), check })
    }
}

fn expand(hkdf: &Hkdf<Sha256>, label: &[u8], into: &mut [u8]) -> Result<()> {
    hkdf.expand(label, into).map_err(|_| Error::new(ErrorKind::Internal, "HKDF refused so few bytes"))
}

/// Seals data keys. Made from what unlocks the vault, and known to no disk.
pub(super) struct WrappingKey {
    vault: VaultId,
    key: CipherKey,
    /// The key-check value: tells a wrong secret from a damaged vault, and ties the vault to one key, which GCM alone
    /// does not.
    pub(super) check: [u8; 32],
}

impl WrappingKey {
    pub(super) fn derive(vault: VaultId, secret: &[u8; 32]) -> Result<Self> {
        let hkdf = Hkdf::<Sha256>::new(Some(&vault.0), secret);
        let mut key = Secret::default();
        expand(&hkdf, b"jicho vault 1 wrapping key", &mut *key)?;
        let mut check = [0; 32];
        expand(&hkdf, b"jicho vault 1 key check", &mut check)?;
        Ok(WrappingKey { vault, key: CipherKey::new(key), check })
    }

    pub(super) fn wrap(&self, key: &DataKey, nonce: [u8; NONCE]) -> Result<Vec<u8>> {
        seal(&self.key, key.id, nonce, &self.place(), &*key.key.secret)
    }

    pub(super) fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey> {
        let damaged = || Error::new(ErrorKind::VaultDamaged, "a data key of the vault is damaged");
        let envelope = Envelope::parse(wrapped).map_err(|_| damaged())?;
        let plain = envelope.open(&self.key, &self.place()).map_err(|_| damaged())?;
        let mut secret = Secret::default();
        if plain.len() != secret.len() {
            return Err(damaged());
        }
        secret.copy_from_slice(&plain);
        DataKey::new(envelope.key, secret)
    }

    fn place(&self) -> Place {
        Place { vault: self.vault, id: RecordId([0; 16]), content: Content::DataKey, time: 0 }
    }
}
