//! A release on trial: `latest/metadata.json` names it, and a share of the devices takes it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The release that some devices take instead of the one in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Of all devices, 0–1.
    pub share: f64,
    /// Its name.
    pub version: String,
    /// Lower-case hex of the SHA-256 of its metadata.json.
    pub sha256: String,
}

impl Candidate {
    /// Where its metadata.json is, relative to the models' base URL.
    #[must_use]
    pub fn url(&self, channel: &str) -> String {
        format!("{channel}/versions/{}/metadata.json", self.version)
    }
}

/// Whether the device with this anonymous random number is among `share` of all. The same device always has the same
/// place: one that is among 10 % is among 20 % too, and so a share can grow without anybody going back. Channels shuffle
/// the devices each on its own.
///
/// The place is the first 53 bits of SHA-256(`device` ‖ `channel`), read as a fraction.
#[must_use]
pub fn takes_candidate(device: &[u8; 16], channel: &str, share: f64) -> bool {
    let digest = Sha256::new().chain_update(device).chain_update(channel).finalize();
    let bits = digest[..8].iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    // 53 bits are what an f64 keeps exactly; all 64 could round up to 1, which a share of 1 would miss.
    ((bits >> 11) as f64) < share * (1u64 << 53) as f64
}
