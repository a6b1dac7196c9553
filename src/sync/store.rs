//! Where releases and their files are stored on a device.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::Rank;
use crate::error::{Error, ErrorKind, Result};

/// The release of a channel as a store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRelease {
    /// A store never replaces a release by one of a lower rank.
    pub rank: Rank,
    /// The SHA-256 of each file that it needs. These files stay as long as the release does.
    pub blobs: Vec<String>,
    /// The metadata.json as it was published.
    pub metadata: Vec<u8>,
    /// The `ETag` of the latest/metadata.json that asks for this release and no other.
    pub etag: Option<String>,
    /// The `expires` of the same file, Unix seconds.
    pub expires: Option<u64>,
}

/// Holds one release per key, and files by their hash, which all keys share. A key is the models' base URL followed by the
/// channel id. Every failure is [`ErrorKind::Storage`]. The futures need not be `Send`.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait Store {
    /// Whether its content survives the page.
    fn durable(&self) -> bool;

    /// The release of `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn release(&self, key: &str) -> Result<Option<StoredRelease>>;

    /// The file with that hash. Its bytes are not verified: the disk may have damaged them.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn blob(&self, sha256: &str) -> Result<Option<Vec<u8>>>;

    /// Those of the files that it does not hold.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn missing(&self, sha256s: &[String]) -> Result<Vec<String>>;

    /// Lower-case hex of the SHA-256 of `bytes`, computed by the fastest means that the device has.
    async fn sha256(&self, bytes: &[u8]) -> String {
        super::sha256(bytes)
    }

    /// A file that is ready to be written.
    type StagedBlob;

    /// Copies a file out of this program's memory where the store can (into JavaScript's), so that the caller can free the
    /// bytes before they are written.
    fn stage(&self, bytes: &[u8]) -> Self::StagedBlob;

    /// In one transaction: writes the `staged` files under their hashes, makes `release` the release of `key`, and deletes
    /// every file that no stored release names. Where the store already holds a release of a higher rank (from another
    /// tab), that one stays and the answer is false, unless its rank is `distrusted`.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`]: there is no room, or a file of the release is neither staged nor stored. Nothing has
    /// changed then.
    async fn activate(
        &self,
        key: &str,
        release: &StoredRelease,
        distrusted: Option<Rank>,
        staged: &[(String, Self::StagedBlob)],
    ) -> Result<bool>;

    /// What was noted of `key` beside its release; the bytes are opaque to the store.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn notes(&self, key: &str) -> Result<Option<Vec<u8>>>;

    /// Replaces what [`Store::notes`] gives.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn put_notes(&self, key: &str, notes: &[u8]) -> Result<()>;

    /// In one transaction: removes the release and the notes of `key`, and every file that no other release names.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn remove(&self, key: &str) -> Result<()>;

    /// The device's random number. It is made when it is first asked for, is the same for all keys, and never leaves the
    /// device.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn device(&self) -> Result<[u8; 16]>;
}

/// The error of an activation for which the file `sha256` is missing.
pub(crate) fn incomplete(sha256: &str) -> Error {
    Error::new(ErrorKind::Storage, format!("the release cannot be stored: its file {sha256} is gone"))
}

/// A store that lives as long as the page: for browsers without `IndexedDB`, and for tests.
#[derive(Debug, Default)]
pub struct MemoryStore {
    device: [u8; 16],
    releases: RefCell<BTreeMap<String, StoredRelease>>,
    notes: RefCell<BTreeMap<String, Vec<u8>>>,
    blobs: RefCell<BTreeMap<String, Rc<[u8]>>>,
}

impl MemoryStore {
    /// An empty store on the device with that random number.
    #[must_use]
    pub fn new(device: [u8; 16]) -> Self {
        MemoryStore { device, ..MemoryStore::default() }
    }

    /// Deletes every file that no release names.
    fn evict_unnamed_blobs(&self) {
        let releases = self.releases.borrow();
        self.blobs.borrow_mut().retain(|sha256, _| releases.values().any(|r| r.blobs.contains(sha256)));
    }
}

impl Store for MemoryStore {
    fn durable(&self) -> bool {
        false
    }

    async fn release(&self, key: &str) -> Result<Option<StoredRelease>> {
        Ok(self.releases.borrow().get(key).cloned())
    }

    async fn blob(&self, sha256: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.blobs.borrow().get(sha256).map(|bytes| bytes.to_vec()))
    }

    async fn missing(&self, sha256s: &[String]) -> Result<Vec<String>> {
        let blobs = self.blobs.borrow();
        Ok(sha256s.iter().filter(|s| !blobs.contains_key(*s)).cloned().collect())
    }

    type StagedBlob = Rc<[u8]>;

    fn stage(&self, bytes: &[u8]) -> Rc<[u8]> {
        bytes.into()
    }

    async fn activate(
        &self,
        key: &str,
        release: &StoredRelease,
        distrusted: Option<Rank>,
        staged: &[(String, Rc<[u8]>)],
    ) -> Result<bool> {
        let kept = self.releases.borrow().get(key).map(|r| r.rank);
        if kept > Some(release.rank) && kept != distrusted {
            return Ok(false);
        }
        let there = |s: &String| self.blobs.borrow().contains_key(s) || staged.iter().any(|p| p.0 == *s);
        if let Some(gone) = release.blobs.iter().find(|s| !there(s)) {
            return Err(incomplete(gone));
        }
        self.blobs.borrow_mut().extend(staged.iter().cloned());
        self.releases.borrow_mut().insert(key.to_owned(), release.clone());
        self.evict_unnamed_blobs();
        Ok(true)
    }

    async fn notes(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.notes.borrow().get(key).cloned())
    }

    async fn put_notes(&self, key: &str, notes: &[u8]) -> Result<()> {
        self.notes.borrow_mut().insert(key.to_owned(), notes.to_vec());
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.releases.borrow_mut().remove(key);
        self.notes.borrow_mut().remove(key);
        self.evict_unnamed_blobs();
        Ok(())
    }

    async fn device(&self) -> Result<[u8; 16]> {
        Ok(self.device)
    }
}
