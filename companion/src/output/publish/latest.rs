//! `latest/metadata.json`: what is in force, and how it is written anew with another sequence number or candidate.

use std::time::{SystemTime, UNIX_EPOCH};

use jicho::ErrorKind;
use jicho::manifest::signature::signed_by;
use jicho::manifest::{Candidate, MAX_RELEASE_SEQ};
use serde_json::{Map, Value};

use super::catalog::{self, Facts, latest_path};
use crate::error::Result;
use crate::json;
use crate::output::store::{Current, Store};

/// The release in force, as far as publishing needs to know it.
pub(super) struct Latest {
    pub(super) current: Current,
    pub(super) facts: Facts,
}

impl Latest {
    /// None where the channel has no release.
    ///
    /// # Errors
    /// A damaged file: going on would restart the count, which would strand every device.
    pub(super) fn read(store: &dyn Store, channel: &str) -> Result<Option<Self>> {
        let path = latest_path(channel);
        let Some(current) = store.current(&path)? else { return Ok(None) };
        let damaged = |why: String| {
            let message = format!("{} is damaged ({why}); move it away to publish anew", store.show(&path));
            jicho::Error::new(ErrorKind::InvalidManifest, message)
        };
        let facts: Facts = serde_json::from_slice(&current.bytes).map_err(|e| damaged(e.to_string()))?;
        if facts.release_seq >= MAX_RELEASE_SEQ {
            return Err(damaged(format!("its releaseSeq is {}", facts.release_seq)).into());
        }
        Ok(Some(Latest { current, facts }))
    }

    /// The name of the key that it is signed with.
    pub(super) fn signed_by(&self) -> Option<String> {
        signed_by(&self.current.bytes)
    }

    /// The release in force with another candidate, or none; not signed.
    pub(super) fn with_candidate(&self, candidate: Option<&Candidate>) -> Result<Vec<u8>> {
        rewritten(&self.current.bytes, None, candidate)
    }
}

/// A sequence number above all that devices of the channel have seen, those with the candidate too.
pub(super) fn next(latest: Option<&Latest>, store: &dyn Store, channel: &str) -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let Some(latest) = latest else {
        // It may have been moved away because it was damaged.
        let highest = catalog::versions(store, channel)?.whole.last().map_or(0, |(_, facts)| facts.release_seq);
        return Ok(now.max(highest.saturating_add(1)));
    };
    // A candidate that is gone or damaged was taken by nobody new; it must not keep the channel from going on.
    let tried = match &latest.facts.candidate {
        Some(candidate) => {
            store.read(&candidate.url(channel))?.and_then(|bytes| serde_json::from_slice::<Facts>(&bytes).ok())
        }
        None => None,
    };
    let seen = tried.map_or(0, |facts| facts.release_seq).max(latest.facts.release_seq);
    // Above MAX_RELEASE_SEQ the manifest would not parse, and nothing would be published.
    Ok(now.max(seen.saturating_add(1)))
}

/// A metadata.json, maybe of a later version of this program with fields unknown here, with another sequence number
/// (unless none) and candidate; without its signature, which no longer holds.
pub(super) fn rewritten(file: &[u8], sequence: Option<u64>, candidate: Option<&Candidate>) -> Result<Vec<u8>> {
    let invalid = |e: serde_json::Error| jicho::Error::new(ErrorKind::InvalidManifest, e.to_string());
    let mut members: Map<String, Value> = serde_json::from_slice(file).map_err(invalid)?;
    members.shift_remove("signature");
    members.shift_remove("candidate");
    if let Some(sequence) = sequence {
        members.insert("releaseSeq".into(), sequence.into());
    }
    if let Some(candidate) = candidate {
        members.insert("candidate".into(), serde_json::to_value(candidate).map_err(invalid)?);
    }
    json::pretty(&members)
}
