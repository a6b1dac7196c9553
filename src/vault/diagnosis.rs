//! Diagnosis: the state of a vault. It tells nothing about the records but their number and size.

use serde::Serialize;

use super::device::Device;
use super::header::{HEADER_FORMAT, Lock};
use super::kind::Kind;
use super::session::Vault;
use super::store::Store;
use crate::error::Result;

/// A vault's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// The format's version.
    pub format: u8,
    /// `passphrase`, `key` or `device`.
    #[cfg_attr(test, ts(type = "'passphrase' | 'key' | 'device'"))]
    pub lock: &'static str,
    /// What a guess at the passphrase costs: KiB of memory, passes.
    #[cfg_attr(test, ts(type = "[number, number] | null"))]
    pub argon2id: Option<[u32; 2]>,
    /// Records of each kind.
    #[cfg_attr(test, ts(type = "[VaultKind, number][]"))]
    pub records: Vec<(&'static str, u32)>,
    /// Records that the header counts and the store has not.
    pub lost: u32,
    /// Bytes of header, records and blobs.
    pub bytes: u64,
    /// Days that records stay, by kind; `None` until they are deleted.
    #[cfg_attr(test, ts(type = "[VaultKind, number | null][]"))]
    pub retention_days: Vec<(&'static str, Option<u32>)>,
    /// How often the current data key sealed something.
    pub key_uses: u64,
    /// When the current data key was made, in milliseconds since 1970.
    pub key_since: u64,
    /// Whether records of older keys are still to be sealed anew.
    pub rotating: bool,
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Describes the vault.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`], [`crate::ErrorKind::VaultClosed`].
    pub async fn diagnose(&self) -> Result<Diagnosis> {
        self.refresh().await?;
        let usage = self.store.usage(&self.name).await?;
        let header = self.ring()?.header;
        let (lock, argon2id) = match &header.lock {
            Lock::Passphrase { cost, .. } => ("passphrase", Some([cost.memory, cost.passes])),
            Lock::Key => ("key", None),
            Lock::Device { .. } => ("device", None),
        };
        let (current, retention) = (header.current(), self.retention()?);
        Ok(Diagnosis {
            format: HEADER_FORMAT,
            lock,
            argon2id,
            records: Kind::ALL.iter().zip(usage.counts).map(|(kind, count)| (kind.name(), count)).collect(),
            lost: header.lost(usage.counts),
            bytes: usage.bytes,
            retention_days: Kind::ALL.iter().map(|kind| (kind.name(), retention.days(*kind))).collect(),
            key_uses: current.uses,
            key_since: current.since,
            rotating: header.keys.len() > 1,
        })
    }
}
