//! A release as a device knows it, and which of two is newer.

use std::sync::Arc;

use super::sha256;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::signature::Role;
use crate::manifest::{FileRole, Manifest};

/// A metadata.json of the channel that was asked for. Whether it may be trusted is for
/// [`ChannelTrust`](super::trust::ChannelTrust) to say.
#[derive(Debug, Clone)]
pub(super) struct Release {
    pub(super) manifest: Arc<Manifest>,
    /// The file as it was published.
    pub(super) metadata: Vec<u8>,
    /// The SHA-256 of `metadata`.
    pub(super) sha256: String,
}

impl Release {
    pub(super) fn parse(metadata: Vec<u8>, channel: &str) -> Result<Self> {
        let manifest = Manifest::parse(&metadata)?;
        if manifest.channel_id != channel {
            let message = format!("metadata.json is of the channel `{}`, not `{channel}`", manifest.channel_id);
            return Err(Error::new(ErrorKind::InvalidManifest, message));
        }
        let sha256 = sha256(&metadata);
        Ok(Release { manifest: Arc::new(manifest), metadata, sha256 })
    }

    /// The hashes of the files that a device needs to run it.
    pub(super) fn blobs(&self) -> Vec<String> {
        self.manifest.needed().map(|f| f.sha256.clone()).collect()
    }

    pub(super) fn runs_a_plan(&self) -> bool {
        self.manifest.network().is_ok_and(|f| f.role == FileRole::Plan)
    }
}

/// Orders releases by age: first by the `latest/metadata.json` that named them, then, of two named by the same one, the
/// candidate is newer. (A candidate's own number alone would do too, as long as no publisher's clock runs ahead.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// The `releaseSeq` of the latest/metadata.json that named the release.
    pub latest: u64,
    /// The release's own `releaseSeq`: the same number, unless it is a candidate.
    pub release: u64,
}

impl Rank {
    /// The rank of a release that is in force for all devices.
    #[must_use]
    pub fn of(release_seq: u64) -> Self {
        Rank { latest: release_seq, release: release_seq }
    }

    /// Whether the release is on trial.
    #[must_use]
    pub fn is_candidate(self) -> bool {
        self.release != self.latest
    }

    /// What its metadata.json must be signed as.
    pub(super) fn role(self) -> Role {
        if self.is_candidate() { Role::Candidate } else { Role::Latest }
    }
}
