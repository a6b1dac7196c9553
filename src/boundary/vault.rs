//! What a vault answers to JavaScript. Fields that are not JSON (blobs, lists of entries) are entered one by one; they
//! stand here, in tests only, for their TypeScript.

use serde::Serialize;

use crate::error::Error;
use crate::sync::Problem;
use crate::vault::{Compaction, Damaged, Kind, Record, Rotation};

/// What every record has; the fields of its kind come beside these.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "VaultEntryHead"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct VaultEntry<'a> {
    /// Its id.
    pub(crate) id: String,
    /// When it was added, milliseconds since 1970.
    pub(crate) time: u64,
    /// Bytes of its blob.
    pub(crate) blob_bytes: usize,
    /// What it is. A record that a former version wrote may be a `prototype`, which counts as a lesson.
    #[cfg(test)]
    #[ts(type = "VaultKind | 'prototype'")]
    kind: (),
    /// Its blob, where it was asked for and there is one.
    #[cfg(test)]
    #[ts(type = "Uint8Array | undefined")]
    blob: (),
    #[serde(flatten)]
    #[cfg_attr(test, ts(skip))]
    pub(crate) record: &'a Record,
}

/// A record that cannot be decrypted. The others are not affected.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct VaultDamaged {
    /// What it is.
    kind: Kind,
    /// Its id.
    id: String,
    /// When it was added, milliseconds since 1970.
    time: u64,
    /// Why it cannot be decrypted.
    error: Problem,
}

impl VaultDamaged {
    pub(crate) fn list(damaged: &[Damaged]) -> Vec<Self> {
        damaged.iter().map(Self::from).collect()
    }
}

impl From<&Damaged> for VaultDamaged {
    fn from(Damaged { kind, id, time, error }: &Damaged) -> Self {
        VaultDamaged { kind: *kind, id: id.to_string(), time: *time, error: problem(error) }
    }
}

fn problem(error: &Error) -> Problem {
    Problem { code: error.code(), message: error.message().to_owned() }
}

/// Some records.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct VaultPage {
    /// Those that could be decrypted.
    #[cfg(test)]
    #[ts(type = "VaultEntry[]")]
    records: (),
    /// Those that could not.
    pub(crate) damaged: Vec<VaultDamaged>,
    /// Where the next page begins; null after the last one.
    pub(crate) next: Option<String>,
}

/// What came of adding a record.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct VaultAdded {
    /// Its id.
    pub(crate) id: String,
    /// Whether it is new: a record of that id that was there already stays as it is.
    pub(crate) added: bool,
}

/// What came of a rotation.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct VaultRotation {
    /// How many records were encrypted anew.
    moved: u32,
    /// Records that cannot be decrypted. They stay as they are.
    damaged: Vec<VaultDamaged>,
}

impl From<&Rotation> for VaultRotation {
    fn from(Rotation { moved, damaged }: &Rotation) -> Self {
        VaultRotation { moved: *moved, damaged: VaultDamaged::list(damaged) }
    }
}

/// What clearing up did.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct VaultCompaction {
    /// Records that were too old.
    expired: u32,
    /// Records that the browser has lost, or that were deleted without the vault.
    lost: u32,
    /// What came of a rotation that had not finished.
    rotation: VaultRotation,
}

impl From<&Compaction> for VaultCompaction {
    fn from(Compaction { expired, lost, rotation }: &Compaction) -> Self {
        VaultCompaction { expired: *expired, lost: *lost, rotation: rotation.into() }
    }
}

/// An encrypted file of every record.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct VaultExport {
    /// The file.
    #[cfg(test)]
    #[ts(type = "Blob")]
    file: (),
    /// How many records it has.
    pub(crate) records: u32,
    /// Records that cannot be decrypted, which the file lacks.
    pub(crate) damaged: Vec<VaultDamaged>,
}

/// Records in the clear.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct VaultPlainExport {
    /// JSON or CSV.
    pub(crate) text: String,
    /// Records that cannot be decrypted, which the text lacks.
    pub(crate) damaged: Vec<VaultDamaged>,
}

/// What came of an import.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub(crate) struct VaultImported {
    /// Records that are new here.
    pub(crate) added: u32,
    /// Records that were here already.
    pub(crate) present: u32,
    /// Lessons that are left out since their files cannot be read.
    pub(crate) left_out: u32,
}

/// A vault's state; docs/diagnostics.md explains it.
#[cfg(test)]
#[derive(Serialize, ts_rs::TS)]
#[ts(rename = "VaultDiagnosis")]
pub(crate) struct VaultReport {
    /// Whether records outlive the page.
    durable: bool,
    /// What the vault itself knows.
    #[serde(flatten)]
    diagnosis: crate::vault::Diagnosis,
}
