//! Envelopes alone, for the benchmark; in no module that is released.

use super::cipher::CipherKey;
use super::device::Device;
use super::envelope::{Content, Envelope, Place, seal, seal_on};
use super::ids::{RecordId, VaultId};
use super::kind::Kind;
use crate::error::Result;

/// Seals and opens by the crate's own AES.
pub struct Sealer {
    key: CipherKey,
    place: Place,
}

impl Sealer {
    /// Of a key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        let place =
            Place { vault: VaultId([1; 16]), id: RecordId([2; 16]), content: Content::Record(Kind::Scan), time: 3 };
        Sealer { key: CipherKey::new(key.into()), place }
    }

    /// An envelope of `plain`.
    ///
    /// # Errors
    /// Of more than GCM takes.
    pub fn seal(&self, nonce: [u8; 12], plain: &[u8]) -> Result<Vec<u8>> {
        seal(&self.key, 1, nonce, &self.place, plain)
    }

    /// What is in an envelope.
    ///
    /// # Errors
    /// Where it was not sealed by this one.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        Ok(Envelope::parse(sealed)?.open(&self.key, &self.place)?.to_vec())
    }

    /// As the vault does, by the platform where that is faster.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub async fn seal_on(&self, device: &impl Device, nonce: [u8; 12], plain: &[u8]) -> Result<Vec<u8>> {
        seal_on(device, &self.key, 1, nonce, &self.place, plain).await
    }

    /// As the vault does, by the platform where that is faster.
    ///
    /// # Errors
    /// As [`Sealer::open`].
    pub async fn open_on(&self, device: &impl Device, sealed: &[u8]) -> Result<Vec<u8>> {
        Ok(Envelope::parse(sealed)?.open_on(device, &self.key, &self.place).await?.to_vec())
    }
}
