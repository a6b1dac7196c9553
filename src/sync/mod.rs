//! Keeps a device's model current without ever leaving the device without a working one.
//!
//! Nothing here does I/O and nothing here has a clock: a [`Host`] answers requests and tells the time, a [`Store`] keeps
//! bytes. A sync has a fixed order: read what the store holds, ask the host for `latest/metadata.json`, decide what is newer
//! ([`Rank`]), collect and verify every file, load the model, check its golden vector, and only then activate it. Whatever
//! fails before the last step leaves the old model in place.

mod channel_notes;
mod diagnosis;
mod download;
mod host;
mod http_client;
mod lessons;
mod loaded_model;
mod ranked;
mod release;
mod session;
mod store;
mod stored;
mod sync_run;
mod trust;

pub use diagnosis::{Check, DiagnosedFile, DiagnosedModel, Diagnosis, Problem};
pub use host::{Body, Head, Host, Redirect, Request};
pub use lessons::LessonSummary;
pub use loaded_model::Loaded;
pub use release::Rank;
pub use session::{Options, Session};
#[cfg(all(target_arch = "wasm32", feature = "channel"))]
pub(crate) use store::incomplete;
pub use store::{MemoryStore, Store, StoredRelease};

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::hash::sha256;
use crate::manifest::FileEntry;

/// How a sync ended.
/// `updated`: another release answers now. `current`: the host has nothing newer. `offline`: the host could not be
/// reached; the model on the device goes on answering. `absent`: the host has no such channel. `host-older`: the host's
/// release is older than one that this device trusted (a stale cache, a restored backup, or a replay); the model stays.
/// `expired`: the host has nothing newer, and what it has should have been replaced by now; the model goes on answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Another release answers now.
    Updated,
    /// The host has nothing newer.
    Current,
    /// The host could not be reached. [`Check::cause`] says why.
    Offline,
    /// The host has no such channel.
    Absent,
    /// The host's `latest/metadata.json` is older than one that this device trusted: a cache that was not refreshed, a
    /// backup that was restored, or a replay by an attacker. The model stays.
    HostOlder,
    /// The host has nothing newer, and what it has should have been replaced by now (its `expires` has passed): nobody
    /// publishes any more, or somebody withholds what is published. The model goes on answering.
    Expired,
}

/// The build of this library that runs: a model that one build cannot run, another one may.
#[must_use]
pub fn build() -> &'static str {
    if cfg!(not(target_arch = "wasm32")) {
        "native"
    } else if cfg!(feature = "tract") {
        "tract"
    } else if cfg!(target_feature = "relaxed-simd") {
        "relaxed"
    } else if cfg!(target_feature = "simd128") {
        "simd"
    } else {
        "scalar"
    }
}

/// Checks that `bytes` are the file that `file` describes: its length, and its SHA-256 as [`Store::sha256`] computes it.
async fn verify(store: &impl Store, file: &FileEntry, bytes: &[u8]) -> Result<()> {
    let FileEntry { name, url, sha256, bytes: expected, .. } = file;
    if bytes.len() as u64 != *expected {
        let found = bytes.len();
        let message = format!("{name} ({url}) has {found} bytes, metadata.json says {expected}: an incomplete upload?");
        return Err(Error::new(ErrorKind::SizeMismatch, message));
    }
    let found = store.sha256(bytes).await;
    if found != *sha256 {
        let message = format!("{name} ({url}) has the sha256 {found}, metadata.json says {sha256}");
        return Err(Error::new(ErrorKind::HashMismatch, message));
    }
    Ok(())
}
