//! Keeping a device's model current without ever leaving it without a working one.
//!
//! Nothing here does I/O: a [`Host`] answers requests, a [`Store`] keeps bytes. The order is fixed: read what is
//! known, ask the host, decide ([`plan`]), gather and verify every file, load, check the golden vector, and only then
//! activate. Whatever fails before that leaves the old model in place.

mod plan;
mod session;
mod store;

use sha2::{Digest, Sha256};

pub use plan::{Known, Plan, Release, plan};
pub use session::{Loaded, Session};
#[cfg(target_arch = "wasm32")]
pub(crate) use store::incomplete;
pub use store::{Blob, MemoryStore, Store, StoredRelease};

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::FileEntry;

/// What a host says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The file's bytes.
    Bytes(Vec<u8>),
    /// 404.
    Absent,
}

/// Where releases are published. The futures need not be `Send`.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait Host {
    /// Asks for a metadata.json, revalidated so that no cache answers with an old one.
    ///
    /// # Errors
    /// [`ErrorKind::Network`], [`ErrorKind::HttpStatus`], [`ErrorKind::Aborted`].
    async fn metadata(&self, url: &str) -> Result<Answer>;

    /// Asks for an immutable file that should have `bytes` bytes, and may stop once more came. `on_bytes` is told how
    /// many came so far.
    ///
    /// # Errors
    /// [`ErrorKind::Network`], [`ErrorKind::HttpStatus`], [`ErrorKind::Aborted`].
    async fn blob(&self, url: &str, bytes: u64, on_bytes: &mut dyn FnMut(u64)) -> Result<Answer>;
}

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

/// Lower-case hex of the SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| char::from_digit(u32::from(n), 16)).collect()
}
