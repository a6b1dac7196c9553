//! Where releases and their files are kept on a device.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::Rank;
use crate::error::{Error, ErrorKind, Result};

/// The release of a channel as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRelease {
    /// A store never replaces a release by one of a lower rank.
    pub rank: Rank,
    /// The SHA-256 of each file that it needs: what must be kept as long as the release is.
    pub blobs: Vec<String>,
    /// The metadata.json as it was published.
    pub metadata: Vec<u8>,
    /// The ETag of the latest/metadata.json that asks for this release and no other.
    pub etag: Option<String>,
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
    fn pack(&self, bytes: &[u8]) -> Self::Parcel;

    /// In one transaction: puts `parcels` by their hashes, makes `release` the release of `key`, and deletes every file
    /// that no kept release names. Where a release of a higher rank is kept already (by another tab), that one stays and
    /// the answer is false; unless its rank is `distrusted`.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`]: no room, or a file of the release is neither in `parcels` nor kept. Then nothing
    /// changed.
    async fn activate(
        &self,
        key: &str,
        release: &StoredRelease,
        distrusted: Option<Rank>,
        parcels: &[(String, Self::Parcel)],
    ) -> Result<bool>;

    /// In one transaction: removes the release of `key`, and every file that no kept release names.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn remove(&self, key: &str) -> Result<()>;

    /// The device's number: random, made when it is first asked for, the same for all keys. It never leaves the device.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`].
    async fn device(&self) -> Result<[u8; 16]>;
}

/// The error of an activation whose files are not all there.
pub(crate) fn incomplete(sha256: &str) -> Error {
    Error::new(ErrorKind::Storage, format!("the release cannot be stored: its file {sha256} is gone"))
}

/// A store that lives as long as the page: for browsers without IndexedDB, and for tests.
#[derive(Debug, Default)]
pub struct MemoryStore {
    device: [u8; 16],
    releases: RefCell<BTreeMap<String, StoredRelease>>,
    blobs: RefCell<BTreeMap<String, Rc<[u8]>>>,
}

impl MemoryStore {
    /// An empty store on the device of that number.
    #[must_use]
    pub fn new(device: [u8; 16]) -> Self {
        MemoryStore { device, ..MemoryStore::default() }
    }

    fn sweep(&self) {
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

    type Parcel = Rc<[u8]>;

    fn pack(&self, bytes: &[u8]) -> Rc<[u8]> {
        bytes.into()
    }

    async fn activate(
        &self,
        key: &str,
        release: &StoredRelease,
        distrusted: Option<Rank>,
        parcels: &[(String, Rc<[u8]>)],
    ) -> Result<bool> {
        let kept = self.releases.borrow().get(key).map(|r| r.rank);
        if kept > Some(release.rank) && kept != distrusted {
            return Ok(false);
        }
        let there = |s: &String| self.blobs.borrow().contains_key(s) || parcels.iter().any(|p| p.0 == *s);
        if let Some(gone) = release.blobs.iter().find(|s| !there(s)) {
            return Err(incomplete(gone));
        }
        self.blobs.borrow_mut().extend(parcels.iter().cloned());
        self.releases.borrow_mut().insert(key.to_owned(), release.clone());
        self.sweep();
        Ok(true)
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.releases.borrow_mut().remove(key);
        self.sweep();
        Ok(())
    }

    async fn device(&self) -> Result<[u8; 16]> {
        Ok(self.device)
    }
}
