//! What an app chooses when it opens a vault.

use super::kind::Kind;
use super::passphrase::Cost;
use crate::error::{Error, ErrorKind, Result};

/// What an app chooses of a vault.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long records stay in a vault that is made, or that a version without [`Vault::set_retention`] made. Of any
    /// other the vault's own retention counts, whoever opens it.
    ///
    /// [`Vault::set_retention`]: super::Vault::set_retention
    pub retention: Retention,
    /// Days of the kinds that the app names: whatever the vault's own retention was, these replace it when the vault is
    /// opened, before anything is deleted by it. Kinds that are not named keep the vault's own.
    pub named_retention: Vec<(Kind, Option<u32>)>,
    /// Characters of a geohash at most, 1 to 12: more is refused by [`Vault::add`] and cut off by [`Vault::import`]. Seven
    /// and more tell a street or a house.
    ///
    /// [`Vault::add`]: super::Vault::add
    /// [`Vault::import`]: super::Vault::import
    pub geohash_length: u8,
    /// Sales that wait at most.
    pub queue_limit: u32,
    /// A data key that has sealed as often is followed by another. Nonces are random: GCM allows 2^32 a key.
    pub rotate_after: u64,
    /// What a guess at a passphrase costs; `None` measures the device when a vault is made.
    pub cost: Option<Cost>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            retention: Retention::default(),
            named_retention: Vec::new(),
            geohash_length: 6,
            queue_limit: 100,
            rotate_after: 1 << 30,
            cost: None,
        }
    }
}

/// Days that records stay, by kind; `None` until they are deleted. Sales stay until they are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Of scans.
    pub scans: Option<u32>,
    /// Of corrections.
    pub corrections: Option<u32>,
    /// Of lessons, which recognition needs.
    pub lessons: Option<u32>,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { scans: Some(30), corrections: Some(30), lessons: None }
    }
}

impl Retention {
    /// Whether it can be kept: no kind stays for no day at all.
    pub(super) fn check(&self) -> Result<()> {
        if Kind::ALL.iter().any(|kind| self.days(*kind) == Some(0)) {
            let message = "records stay for a day at least, or until they are deleted";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(())
    }

    /// The same with other days of some kinds. Sales have none.
    pub(super) fn with(mut self, named: &[(Kind, Option<u32>)]) -> Self {
        for (kind, days) in named {
            match kind {
                Kind::Scan => self.scans = *days,
                Kind::Correction => self.corrections = *days,
                Kind::Lesson => self.lessons = *days,
                Kind::Sale => {}
            }
        }
        self
    }

    pub(super) fn days(&self, kind: Kind) -> Option<u32> {
        match kind {
            Kind::Scan => self.scans,
            Kind::Correction => self.corrections,
            Kind::Lesson => self.lessons,
            Kind::Sale => None,
        }
    }
}
