//! Where releases and their files are kept on a device.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};

/// A file's bytes with their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Lower-case hex.
    pub sha256: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// The release of a channel as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRelease {
    /// What the metadata says; a store never replaces a release by one with a lower number.
    pub release_seq: u64,
    /// The SHA-256 of each file that it needs: what must be kept as long as the release is.
    pub blobs: Vec<String>,
    /// The metadata.json as it was published.
    pub metadata: Vec<u8>,
}

/// Keeps one release a key, and files by their hash, shared by all keys. A key is the models' base URL and the
/// channel id in one. Every failure is [`ErrorKind::Storage`]. The futures need not be `Send`.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait Store {
    /// Whether what it keeps survives the page.
    fn durable(&self) -> bool;

    /// The release of `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn release(&self, key: &str) -> Result<Option<StoredRelease>>;

    /// The file of that hash, unverified.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn blob(&self, sha256: &str) -> Result<Option<Vec<u8>>>;

    /// Which of the files it does not have.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn missing(&self, sha256s: &[String]) -> Result<Vec<String>>;

    /// Lower-case hex of the SHA-256 of `bytes`, by the fastest means that the device has.
    async fn sha256(&self, bytes: &[u8]) -> String {
        super::sha256(bytes)
    }

    /// A file ready to be put.
    type Parcel;

    /// Copies a file to where it takes no memory of this program's, if the store can, so that its bytes can be dropped
    /// before it is put.
    fn pack(&self, sha256: &str, bytes: &[u8]) -> Self::Parcel;

    /// In one transaction: puts `parcels`, makes `release` the release of `key`, and deletes every file that no kept
    /// release names. Where a release with a higher number is kept already (by another tab), that one stays.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`]: no room, or a file of the release is neither in `parcels` nor kept. Then nothing
    /// changed.
    async fn activate(&self, key: &str, release: &StoredRelease, parcels: Vec<Self::Parcel>) -> Result<()>;
}

/// The error of an activation whose files are not all there.
pub(crate) fn incomplete(sha256: &str) -> Error {
    Error::new(ErrorKind::Storage, format!("the release cannot be stored: its file {sha256} is gone"))
}

/// A store that lives as long as the page: for browsers without IndexedDB, and for tests.
#[derive(Debug, Default)]
pub struct MemoryStore {
    releases: RefCell<BTreeMap<String, StoredRelease>>,
    blobs: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl Store for MemoryStore {
    fn durable(&self) -> bool {
        false
    }

    async fn release(&self, key: &str) -> Result<Option<StoredRelease>> {
        Ok(self.releases.borrow().get(key).cloned())
    }

    async fn blob(&self, sha256: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.blobs.borrow().get(sha256).cloned())
    }

    async fn missing(&self, sha256s: &[String]) -> Result<Vec<String>> {
        let blobs = self.blobs.borrow();
        Ok(sha256s.iter().filter(|s| !blobs.contains_key(*s)).cloned().collect())
    }

    type Parcel = Blob;

    fn pack(&self, sha256: &str, bytes: &[u8]) -> Blob {
        Blob { sha256: sha256.to_owned(), bytes: bytes.to_vec() }
    }

    async fn activate(&self, key: &str, release: &StoredRelease, blobs: Vec<Blob>) -> Result<()> {
        let (mut releases, mut kept) = (self.releases.borrow_mut(), self.blobs.borrow_mut());
        if releases.get(key).is_some_and(|r| r.release_seq > release.release_seq) {
            return Ok(());
        }
        let there = |s: &String| kept.contains_key(s) || blobs.iter().any(|b| b.sha256 == *s);
        if let Some(gone) = release.blobs.iter().find(|s| !there(s)) {
            return Err(incomplete(gone));
        }
        kept.extend(blobs.into_iter().map(|b| (b.sha256, b.bytes)));
        releases.insert(key.to_owned(), release.clone());
        kept.retain(|sha256, _| releases.values().any(|r| r.blobs.contains(sha256)));
        Ok(())
    }
}
