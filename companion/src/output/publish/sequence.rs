//! Sequence numbers: which `releaseSeq` a release gets, so that every device takes it.
//!
//! Devices take a release only if its number is above all that they have seen, and not more than a day ahead of their clock.
//! The highest number that was ever published for a channel is noted in `.sequence/{channel}`, because
//! `latest/metadata.json` may be damaged and moved away.

use std::time::{SystemTime, UNIX_EPOCH};

use jicho::manifest::check_release_time;
use serde::{Deserialize, Serialize};

use super::catalog::{self, Facts};
use super::latest::Latest;
use crate::error::{Error, Result};
use crate::output::store::Store;

const FOLDER: &str = ".sequence";

/// What the user says about sequence numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SequenceTerms {
    /// A number that devices have seen, although nothing in the models folder tells.
    pub above: Option<u64>,
    /// Disregards numbers from the future, which devices refuse.
    pub disregard_future: bool,
}

/// Unix seconds.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// A sequence number above all that devices of the channel have seen, those with the candidate too.
///
/// # Errors
/// `CLOCK`, `INVALID_MANIFEST`: a number from the future was published, so devices would refuse the next one as well.
pub(super) fn next(latest: Option<&Latest>, store: &dyn Store, channel: &str, terms: &SequenceTerms) -> Result<u64> {
    let now = now();
    let mut seen = vec![noted(store, channel)?, terms.above];
    match latest {
        Some(latest) => seen.extend([Some(latest.facts.release_seq), of_candidate(latest, store, channel)?]),
        // It may have been moved away because it was damaged.
        None => seen.extend(catalog::versions(store, channel)?.whole.iter().map(|(_, facts)| Some(facts.release_seq))),
    }
    let mut next = now;
    for sequence in seen.into_iter().flatten().map(|seen| seen.saturating_add(1)) {
        match check_release_time(sequence, now) {
            Ok(()) => next = next.max(sequence),
            Err(_) if terms.disregard_future => {}
            Err(error) => {
                return Err(Error::from(error.context(format!(
                    "{channel} has published a release from the future, and devices would refuse the next one too; set \
                     this machine's clock, or pass --disregard-future if the number is wrong"
                ))));
            }
        }
    }
    Ok(next)
}

/// The candidate's number. A candidate that is gone or damaged was taken by nobody new; it must not keep the channel from
/// going on.
fn of_candidate(latest: &Latest, store: &dyn Store, channel: &str) -> Result<Option<u64>> {
    let Some(candidate) = &latest.facts.candidate else { return Ok(None) };
    let bytes = store.read(&candidate.url(channel))?;
    let facts = bytes.and_then(|bytes| serde_json::from_slice::<Facts>(&bytes).ok());
    Ok(facts.map(|facts| facts.release_seq))
}

/// The highest number that was published, as far as the store's note says.
pub(super) fn noted(store: &dyn Store, channel: &str) -> Result<Option<u64>> {
    let text = store.read(&format!("{FOLDER}/{channel}"))?.unwrap_or_default();
    Ok(str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok()))
}

/// Notes a number before devices can see it.
pub(super) fn note(store: &dyn Store, channel: &str, sequence: u64) -> Result<()> {
    store.write(&format!("{FOLDER}/{channel}"), sequence.to_string().as_bytes())
}

/// Removes the note of a channel that is gone.
pub(super) fn remove_note(store: &dyn Store, channel: &str) -> Result<()> {
    store.remove(&format!("{FOLDER}/{channel}"))
}
