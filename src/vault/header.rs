//! The header: what is known of a vault before it is unlocked (docs/formats/vault.md).

use sha2::{Digest, Sha256};

use super::ids::VaultId;
use super::kind::Kind;
use super::passphrase::Cost;
use super::settings::Retention;
use crate::codec::{Reader, put};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: [u8; 4] = *b"JCHV";
/// The version of the header's format that is written. Where nothing is sealed it is one that no release opens.
pub const HEADER_FORMAT: u8 = if cfg!(jicho_unsealed) { 0xff } else { 2 };
/// The version before: without retention, and without the check values of data keys.
const FIRST_FORMAT: u8 = 1;
const CHECKSUM: usize = 16;
/// A wrapped key: an envelope of 32 bytes.
const WRAPPED: usize = 65;
/// What a device's key makes of 32 bytes, at most.
const MAX_SEALED: usize = 1024;

/// The one part of a vault that changes in place. Every write replaces it, which is how two tabs notice each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The vault's own number.
    pub vault: VaultId,
    /// Writes so far.
    pub revision: u64,
    /// How it is unlocked.
    pub lock: Lock,
    /// The key-check value.
    pub check: [u8; 32],
    /// How many records there are of each [`Kind`].
    pub counts: [u32; Kind::ALL.len()],
    /// How long records stay. `None` in a header of format 1, which left that to whoever opened the vault.
    pub retention: Option<Retention>,
    /// The oldest first; the last one seals, the others only open. Never empty, and no id twice.
    pub keys: Vec<KeyEntry>,
}

/// How a vault is unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// By a passphrase.
    Passphrase {
        /// Random.
        salt: [u8; 16],
        /// Of each guess.
        cost: Cost,
    },
    /// By 32 bytes that the app keeps elsewhere.
    Key,
    /// By the device's own key.
    Device {
        /// 32 random bytes, sealed by it.
        sealed: Vec<u8>,
    },
}

impl Lock {
    fn name(&self) -> &'static str {
        match self {
            Lock::Passphrase { .. } => "a passphrase",
            Lock::Key => "a key of the app's",
            Lock::Device { .. } => "the device's key",
        }
    }

    pub(super) fn wrong(&self) -> Error {
        let message = format!("this does not unlock the vault, which is locked by {}", self.name());
        Error::new(ErrorKind::WrongKey, message)
    }
}

/// A data key as the header keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// Above that of the key before it.
    pub id: u32,
    /// How often it has sealed something; never less than it has.
    pub uses: u64,
    /// When it was made, in milliseconds since 1970.
    pub since: u64,
    /// Tells one data key from another of the same id, as there may be after an older copy of the vault was put back.
    /// `None` in a header of format 1.
    pub check: Option<[u8; 16]>,
    /// Itself, in an envelope.
    pub wrapped: Vec<u8>,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`ErrorKind::VaultDamaged`]; [`ErrorKind::SchemaTooNew`] for another version of the format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let damaged = || {
            let message = "the vault's header is damaged: restore the vault from an exported file, or destroy it";
            Error::new(ErrorKind::VaultDamaged, message)
        };
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or_else(damaged)?;
        if Sha256::digest(body)[..CHECKSUM] != *checksum {
            return Err(damaged());
        }
        match body.split_at_checked(5) {
            Some((head, rest)) if head[..4] == MAGIC && [FIRST_FORMAT, HEADER_FORMAT].contains(&head[4]) => {
                Self::read(rest, head[4] == FIRST_FORMAT).ok_or_else(damaged)
            }
            Some((head, _)) if head[..4] == MAGIC && head[4] > HEADER_FORMAT => {
                let message = format!("the vault has the format {}: update the app (reload it)", head[4]);
                Err(Error::new(ErrorKind::SchemaTooNew, message))
            }
            _ => Err(damaged()),
        }
    }

    fn read(body: &[u8], first: bool) -> Option<Self> {
        let mut reader = Reader(body);
        let vault = VaultId(reader.array()?);
        let revision = reader.u64()?;
        let lock = match reader.u8()? {
            1 => {
                let salt = reader.array()?;
                let cost = Cost { memory: reader.u32()?, passes: reader.u32()? };
                Lock::Passphrase { salt, cost: Some(cost).filter(|cost| cost.is_sound())? }
            }
            2 => Lock::Key,
            3 => Lock::Device { sealed: Some(reader.bytes()?).filter(|s| s.len() <= MAX_SEALED)?.to_vec() },
            _ => return None,
        };
        let check = reader.array()?;
        let mut counts = [0; Kind::ALL.len()];
        for count in &mut counts {
            *count = reader.u32()?;
        }
        let retention = if first { None } else { Some(read_retention(&mut reader)?) };
        let mut keys: Vec<KeyEntry> = Vec::new();
        for _ in 0..reader.u8()? {
            let (id, uses, since) = (reader.u32()?, reader.u64()?, reader.u64()?);
            let check = if first { None } else { Some(reader.array()?) };
            let wrapped = reader.take(WRAPPED)?.to_vec();
            if keys.last().is_some_and(|before| before.id >= id) {
                return None;
            }
            keys.push(KeyEntry { id, uses, since, check, wrapped });
        }
        reader.end()?;
        (!keys.is_empty()).then_some(Header { vault, revision, lock, check, counts, retention, keys })
    }

    /// As [`Header::parse`] reads it, in the newest format: what a header of format 1 lacks must have been filled in.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &[HEADER_FORMAT], &self.vault.0, &self.revision.to_le_bytes()].concat();
        match &self.lock {
            Lock::Passphrase { salt, cost } => {
                bytes.push(1);
                bytes.extend(salt);
                bytes.extend([cost.memory, cost.passes].map(u32::to_le_bytes).concat());
            }
            Lock::Key => bytes.push(2),
            Lock::Device { sealed } => {
                bytes.push(3);
                put(&mut bytes, sealed);
            }
        }
        bytes.extend(self.check);
        bytes.extend(self.counts.iter().flat_map(|count| count.to_le_bytes()));
        let Retention { scans, corrections, lessons } = self.retention.unwrap_or_default();
        bytes.extend([scans, corrections, lessons].iter().flat_map(|days| days.unwrap_or(0).to_le_bytes()));
        // No more than MAX_KEYS are ever made.
        bytes.push(self.keys.len() as u8);
        for key in &self.keys {
            bytes.extend(key.id.to_le_bytes());
            bytes.extend(key.uses.to_le_bytes());
            bytes.extend(key.since.to_le_bytes());
            bytes.extend(key.check.unwrap_or_default());
            bytes.extend(&key.wrapped);
        }
        let checksum = Sha256::digest(&bytes);
        bytes.extend(&checksum[..CHECKSUM]);
        bytes
    }

    pub(super) fn count(&self, kind: Kind) -> u32 {
        self.counts[place(kind)]
    }

    pub(super) fn count_mut(&mut self, kind: Kind) -> &mut u32 {
        &mut self.counts[place(kind)]
    }

    /// Records that it counts beyond those that were `found`.
    pub(super) fn lost(&self, found: [u32; Kind::ALL.len()]) -> u32 {
        let lost = self.counts.iter().zip(found).map(|(told, found)| told.saturating_sub(found));
        lost.fold(0, u32::saturating_add)
    }

    /// The key that seals.
    pub(super) fn current(&self) -> &KeyEntry {
        self.keys.last().expect("a header has a key")
    }

    pub(super) fn current_mut(&mut self) -> &mut KeyEntry {
        self.keys.last_mut().expect("a header has a key")
    }
}

/// Days of each kind that has any; 0 stands for records that stay until they are deleted.
fn read_retention(reader: &mut Reader<'_>) -> Option<Retention> {
    let mut days = || reader.u32().map(|days| Some(days).filter(|days| *days > 0));
    Some(Retention { scans: days()?, corrections: days()?, lessons: days()? })
}

fn place(kind: Kind) -> usize {
    usize::from(kind.code()) - 1
}
