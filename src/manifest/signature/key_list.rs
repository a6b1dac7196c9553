//! Which keys a device trusts: those that the app pinned, and how a list that they signed takes their place.

use serde::{Deserialize, Serialize};

use super::{PublicKey, SigningKey};
use crate::error::{Error, ErrorKind, Result};

/// Comes before what is signed of a list, so that its signature is never one of a metadata.json.
const DOMAIN: &str = "jicho keys v1";
/// The most keys of a list, and the most lists of a metadata.json.
const MOST: usize = 32;

/// Keys of which so many must have signed a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedKeys {
    /// Without keys, no signature is asked for.
    pub keys: Vec<PublicKey>,
    /// How many different ones of them must have signed; at least 1.
    pub threshold: usize,
    /// The version of the list that named them; 0 where the app pinned them.
    pub version: u64,
}

/// A list of keys that takes the place of those that signed it. Lists form a chain in `keyLists` of a metadata.json: a
/// device that still trusts the oldest keys finds its way to the newest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyList {
    /// Rises from list to list; from 1.
    pub version: u64,
    /// How many different keys of this list must sign a metadata.json.
    pub threshold: usize,
    /// Public keys, 64 hex digits each.
    pub keys: Vec<String>,
    /// By keys that were trusted before.
    pub signatures: Vec<KeySignature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySignature {
    /// The key's name ([`PublicKey::name`]).
    pub key: String,
    /// 128 hex digits.
    pub value: String,
}

impl TrustedKeys {
    /// Keys that an app pinned, of which `threshold` must have signed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: a threshold of 0, or above the number of different keys.
    pub fn pinned(keys: Vec<PublicKey>, threshold: usize) -> Result<Self> {
        let trusted = TrustedKeys { keys, threshold, version: 0 };
        if trusted.keys.is_empty() || trusted.is_reachable() {
            return Ok(trusted);
        }
        let message = format!("the threshold {threshold} is not within 1 and the number of different keys");
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    /// Whether as many different keys are named as must sign.
    fn is_reachable(&self) -> bool {
        let different = self.keys.iter().enumerate().filter(|(i, key)| !self.keys[..*i].contains(key)).count();
        (1..=different).contains(&self.threshold)
    }

    /// How many different trusted keys signed `message`. `signatures` are pairs of a key's name and the value.
    pub(super) fn count<'s>(&self, message: &[u8], signatures: impl Iterator<Item = (&'s [u8], &'s [u8])>) -> usize {
        let mut signers: Vec<&PublicKey> = Vec::new();
        for (name, value) in signatures {
            let signer = self.keys.iter().find(|key| key.name().as_bytes() == name && key.accepts(message, value));
            signers.extend(signer.filter(|signer| !signers.contains(signer)));
        }
        signers.len()
    }

    /// The keys to trust after reading `lists`: each list that is newer than what is trusted, and signed by enough of
    /// the keys trusted so far, takes their place. Lists that these keys did not sign are passed over.
    #[must_use]
    pub fn followed(&self, lists: &[KeyList]) -> Self {
        let mut trusted = self.clone();
        if trusted.keys.is_empty() {
            return trusted;
        }
        for list in lists.iter().take(MOST) {
            if let Some(next) = list.trusted_keys().filter(|next| next.version > trusted.version) {
                let signatures = list.signatures.iter().map(|s| (s.key.as_bytes(), s.value.as_bytes()));
                if trusted.count(&list.message(), signatures) >= trusted.threshold {
                    trusted = next;
                }
            }
        }
        trusted
    }
}

impl KeyList {
    /// A list signed by `signers`, who were trusted before.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: a threshold that the keys cannot reach, or too many keys.
    pub fn sign(version: u64, threshold: usize, keys: &[PublicKey], signers: &[SigningKey]) -> Result<Self> {
        let keys = keys.iter().map(PublicKey::to_hex).collect();
        let mut list = KeyList { version, threshold, keys, signatures: Vec::new() };
        if list.trusted_keys().is_none() {
            let message = format!(
                "a key list needs 1 to {MOST} different keys, a version above 0, and a threshold that they can reach"
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let message = list.message();
        let sign = |key: &SigningKey| KeySignature { key: key.public().name(), value: key.sign(&message) };
        list.signatures = signers.iter().map(sign).collect();
        Ok(list)
    }

    /// What it says to trust; none where it makes no sense.
    #[must_use]
    pub fn trusted_keys(&self) -> Option<TrustedKeys> {
        if self.version == 0 || self.keys.len() > MOST {
            return None;
        }
        let keys = self.keys.iter().map(|key| PublicKey::parse(key).ok()).collect::<Option<_>>()?;
        let trusted = TrustedKeys { keys, threshold: self.threshold, version: self.version };
        trusted.is_reachable().then_some(trusted)
    }

    /// Lines: the domain, the version, the threshold, then the keys. (JSON could be written in more than one way.)
    fn message(&self) -> Vec<u8> {
        let head = format!("{DOMAIN}\n{}\n{}\n", self.version, self.threshold);
        let keys = self.keys.iter().flat_map(|key| [key.as_str(), "\n"]);
        [head.as_str()].into_iter().chain(keys).collect::<String>().into_bytes()
    }
}
