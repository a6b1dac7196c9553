//! `latest/metadata.json`: what is in force, and how it is written anew with another sequence number or candidate.

use jicho::ErrorKind;
use jicho::manifest::signature::{KeyList, signed_by};
use jicho::manifest::{Candidate, MAX_RELEASE_SEQ};
use serde_json::{Map, Value};

use super::catalog::{Facts, latest_path};
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
            let message = format!(
                "{} is damaged ({why}); move it away to publish anew, with --above-sequence N if you know the highest number that devices have seen",
                store.show(&path)
            );
            jicho::Error::new(ErrorKind::InvalidManifest, message)
        };
        let facts: Facts = serde_json::from_slice(&current.bytes).map_err(|e| damaged(e.to_string()))?;
        if facts.release_seq >= MAX_RELEASE_SEQ {
            return Err(damaged(format!("its releaseSeq is {}", facts.release_seq)).into());
        }
        Ok(Some(Latest { current, facts }))
    }

    /// The names of the keys that it is signed with, joined by commas; none of an unsigned one.
    pub(super) fn signed_by(&self) -> Option<String> {
        Some(signed_by(&self.current.bytes).join(", ")).filter(|names| !names.is_empty())
    }
}

/// How a published metadata.json is written anew.
#[derive(Default)]
pub(super) struct Rewrite<'a> {
    /// Another sequence number.
    pub(super) sequence: Option<u64>,
    /// The candidate beside it; none removes it.
    pub(super) candidate: Option<&'a Candidate>,
    /// Another expiry. Without one, a release that comes into force anew has none.
    pub(super) expires: Option<u64>,
    /// Other key lists.
    pub(super) key_lists: Option<&'a [KeyList]>,
}

/// A metadata.json, maybe of a later version of this program with fields unknown here, written anew; without its signatures,
/// which no longer hold.
pub(super) fn rewritten(file: &[u8], rewrite: &Rewrite<'_>) -> Result<Vec<u8>> {
    let invalid = |e: serde_json::Error| jicho::Error::new(ErrorKind::InvalidManifest, e.to_string());
    let mut members: Map<String, Value> = serde_json::from_slice(file).map_err(invalid)?;
    members.shift_remove("signature");
    members.shift_remove("signatures");
    members.shift_remove("candidate");
    if let Some(sequence) = rewrite.sequence {
        members.insert("releaseSeq".into(), sequence.into());
        members.shift_remove("expires");
    }
    if let Some(expires) = rewrite.expires {
        members.insert("expires".into(), expires.into());
    }
    if let Some(lists) = rewrite.key_lists {
        members.insert("keyLists".into(), serde_json::to_value(lists).map_err(invalid)?);
    }
    if let Some(candidate) = rewrite.candidate {
        members.insert("candidate".into(), serde_json::to_value(candidate).map_err(invalid)?);
    }
    json::pretty(&members)
}
