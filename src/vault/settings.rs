//! What an app chooses when it opens a vault.

use super::kind::Kind;
use super::passphrase::Cost;

/// What an app chooses of a vault.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long records stay.
    pub retention: Retention,
    /// Sales that wait at most.
    pub queue_limit: u32,
    /// A data key that has sealed as often is followed by another. Nonces are random: GCM allows 2^32 a key.
    pub rotate_after: u64,
    /// What a guess at a passphrase costs; `None` measures the device when a vault is made.
    pub cost: Option<Cost>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { retention: Retention::default(), queue_limit: 100, rotate_after: 1 << 30, cost: None }
    }
}

/// Days that records stay, by kind; `None` until they are deleted. Sales stay until they are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Of scans.
    pub scans: Option<u32>,
    /// Of corrections.
    pub corrections: Option<u32>,
    /// Of prototypes, which recognition needs.
    pub prototypes: Option<u32>,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { scans: Some(30), corrections: Some(30), prototypes: None }
    }
}

impl Retention {
    pub(super) fn days(&self, kind: Kind) -> Option<u32> {
        match kind {
            Kind::Scan => self.scans,
            Kind::Correction => self.corrections,
            Kind::Prototype => self.prototypes,
            Kind::Sale => None,
        }
    }
}
