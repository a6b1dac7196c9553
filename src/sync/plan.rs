//! What to do, from what the device has and what the host answers.

use super::Answer;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;

/// A metadata.json of the channel that was asked for: the checked manifest and the bytes it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    manifest: Manifest,
    metadata: Vec<u8>,
}

impl Release {
    /// Reads a metadata.json that must be `channel`'s.
    ///
    /// # Errors
    /// What [`Manifest::parse`] returns; [`ErrorKind::InvalidManifest`] when it is another channel's.
    pub fn parse(metadata: Vec<u8>, channel: &str) -> Result<Self> {
        let manifest = Manifest::parse(&metadata)?;
        if manifest.channel_id != channel {
            let message = format!("metadata.json is of the channel `{}`, not `{channel}`", manifest.channel_id);
            return Err(Error::new(ErrorKind::InvalidManifest, message));
        }
        Ok(Release { manifest, metadata })
    }

    /// What the release says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The metadata.json as it was published.
    #[must_use]
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }
}

/// What a device knows of a channel before it asks the host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The release that answers now.
    pub loaded: Option<&'a Manifest>,
    /// The release that the store holds: the highest this device trusted, perhaps activated by another tab.
    pub stored: Option<&'a Release>,
    /// The loaded release was stored, but the store has lost some of it.
    pub damaged: bool,
}

/// What a sync does.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Nothing: the device is up to date, or the host offers an older release than it trusted before.
    Current,
    /// Nothing: the host has no such channel.
    Absent,
    /// Nothing: the host cannot be reached.
    Offline,
    /// Gather this release's files and activate it.
    Take(Box<Release>),
}

/// Decides what to do about the answer to `{channel}/latest/metadata.json`.
///
/// `releaseSeq` alone decides what is newer, so a published rollback arrives and a replayed old release does not.
///
/// # Errors
/// What [`Release::parse`] returns for the bytes; the host's error unless it is [`ErrorKind::Network`].
pub fn plan(channel: &str, known: Known<'_>, answer: Result<Answer>) -> Result<Plan> {
    let metadata = match answer {
        Ok(Answer::Bytes(metadata)) => metadata,
        Ok(Answer::Absent) => return Ok(Plan::Absent),
        Err(error) if error.kind() == ErrorKind::Network => return Ok(Plan::Offline),
        Err(error) => return Err(error),
    };
    let offered = Release::parse(metadata, channel)?;
    let loaded = known.loaded.map(|m| m.release_seq);
    let trusted = loaded.max(known.stored.map(|r| r.manifest.release_seq));
    let seq = Some(offered.manifest.release_seq);
    // The trusted release itself does not answer: the store lost some of it, or another tab activated it.
    let behind = loaded < trusted;
    Ok(match (known.stored, known.loaded) {
        _ if seq > trusted || (seq == trusted && behind) => Plan::Take(Box::new(offered)),
        (Some(stored), _) if behind => Plan::Take(Box::new(stored.clone())),
        (_, Some(loaded)) if known.damaged && *loaded == offered.manifest => Plan::Take(Box::new(offered)),
        _ => Plan::Current,
    })
}
