//! Ed25519 keys: the private one that signs, the public one that apps pin.

use ed25519_dalek::{Signature, Signer};
use sha2::{Digest, Sha256};

use super::{NAME_DIGITS, SIGNATURE_DIGITS};
use crate::error::{Error, ErrorKind, Result};
use crate::hash::{from_hex, hex};

/// A key that an app trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// Reads 64 hex digits.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`].
    pub fn parse(text: &str) -> Result<Self> {
        let key = from_hex::<32>(text.as_bytes()).and_then(|b| ed25519_dalek::VerifyingKey::from_bytes(&b).ok());
        // A key of low order would accept signatures that nobody made.
        key.filter(|key| !key.is_weak()).map(PublicKey).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "a public key is the 64 hex digits that `jicho keygen` prints")
        })
    }

    /// Its 64 hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(self.0.as_bytes())
    }

    /// Its name in a signature: the first 16 hex digits of its SHA-256.
    #[must_use]
    pub fn name(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes())[..NAME_DIGITS / 2])
    }

    /// Whether `value`, 128 hex digits, is this key's signature of `message`.
    pub(super) fn accepts(&self, message: &[u8], value: &[u8]) -> bool {
        let signature = from_hex(value).map(|bytes| Signature::from_bytes(&bytes));
        signature.is_some_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

/// The secret that signs. Never in an app.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a seed of random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The key that apps are given.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The signature of `message`, 128 hex digits.
    pub(super) fn sign(&self, message: &[u8]) -> String {
        let value = hex(&self.0.sign(message).to_bytes());
        debug_assert_eq!(value.len(), SIGNATURE_DIGITS);
        value
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey of {}", self.public().name())
    }
}
