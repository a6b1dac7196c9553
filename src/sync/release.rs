//! A release as a device knows it, and which of two is newer.

use std::sync::Arc;

use super::sha256;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::signature::{self, PublicKey};
use crate::manifest::{FileRole, Manifest};

/// A metadata.json that may be trusted: of the channel that was asked for, and signed where the app asks for that.
#[derive(Debug, Clone)]
pub(super) struct Release {
    pub(super) manifest: Arc<Manifest>,
    /// As it was published.
    pub(super) metadata: Vec<u8>,
    /// Of `metadata`.
    pub(super) sha256: String,
}

impl Release {
    pub(super) fn read(metadata: Vec<u8>, channel: &str, keys: &[PublicKey]) -> Result<Self> {
        let manifest = Manifest::parse(&metadata)?;
        if manifest.channel_id != channel {
            let message = format!("metadata.json is of the channel `{}`, not `{channel}`", manifest.channel_id);
            return Err(Error::new(ErrorKind::InvalidManifest, message));
        }
        if !keys.is_empty() {
            signature::verify(&metadata, keys)?;
        }
        let sha256 = sha256(&metadata);
        Ok(Release { manifest: Arc::new(manifest), metadata, sha256 })
    }

    /// The hashes of the files that it needs.
    pub(super) fn blobs(&self) -> Vec<String> {
        self.manifest.needed().map(|f| f.sha256.clone()).collect()
    }

    pub(super) fn runs_a_plan(&self) -> bool {
        self.manifest.network().is_ok_and(|f| f.role == FileRole::Plan)
    }
}

/// Decides which of two releases is newer: the one that was named by a newer latest/metadata.json, and of two named by
/// the same one the candidate. (A candidate's own number alone would do too, as long as no publisher's clock runs ahead.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// The `releaseSeq` of the latest/metadata.json that named it.
    pub latest: u64,
    /// Its own `releaseSeq`: the same number, unless it is a candidate.
    pub release: u64,
}

impl Rank {
    /// Of a release that is in force for all.
    #[must_use]
    pub fn of(release_seq: u64) -> Self {
        Rank { latest: release_seq, release: release_seq }
    }

    /// Whether the release is on trial.
    #[must_use]
    pub fn is_candidate(self) -> bool {
        self.release != self.latest
    }
}
