//! Keeping a device's model current without ever leaving it without a working one.
//!
//! Nothing here does I/O: a [`Host`] answers requests, a [`Store`] keeps bytes. The order is fixed: read what is
//! known, ask the host, decide what is newer ([`Rank`]), gather and verify every file, load, check the golden vector, and
//! only then activate. Whatever fails before that leaves the old model in place.

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

pub use diagnosis::{Check, Diagnosis};
pub use host::{Body, Head, Host, Redirect, Request};
pub use lessons::Told;
pub use loaded_model::Loaded;
pub use release::Rank;
pub use session::{Options, Session};
#[cfg(all(target_arch = "wasm32", feature = "channel"))]
pub(crate) use store::incomplete;
pub use store::{MemoryStore, Store, StoredRelease};

use crate::error::{Error, ErrorKind, Result};
use crate::hash::sha256;
use crate::manifest::FileEntry;

/// What came of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Another release answers now.
    Updated,
    /// The host has nothing newer.
    Current,
    /// The host could not be reached.
    Offline,
    /// The host has no such channel.
    Absent,
}

impl Outcome {
    /// The word for it in JavaScript.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Updated => "updated",
            Outcome::Current => "current",
            Outcome::Offline => "offline",
            Outcome::Absent => "absent",
        }
    }
}

/// Checks that `bytes` are what `file` names, as [`Store::sha256`] tells.
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
