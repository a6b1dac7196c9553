//! The store of releases: IndexedDB, or memory where the browser allows no database.

use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::digest;
use super::indexed_db::{self, IndexedDb};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{MemoryStore, Rank, Store, StoredRelease};

/// IndexedDB, or memory where there is none (some private modes).
pub(super) enum Storage {
    IndexedDb(IndexedDb),
    Memory(MemoryStore),
}

impl Storage {
    pub(super) async fn open() -> Result<Self> {
        let memory = || Storage::Memory(MemoryStore::default());
        Ok(IndexedDb::open().await?.map_or_else(memory, Storage::IndexedDb))
    }

    /// The version of the database's schema; none of memory.
    pub(super) fn schema(&self) -> Option<u32> {
        match self {
            Storage::IndexedDb(_) => Some(indexed_db::VERSION),
            Storage::Memory(_) => None,
        }
    }
}

impl Store for Storage {
    fn durable(&self) -> bool {
        match self {
            Storage::IndexedDb(store) => store.durable(),
            Storage::Memory(store) => store.durable(),
        }
    }

    async fn release(&self, key: &str) -> Result<Option<StoredRelease>> {
        match self {
            Storage::IndexedDb(store) => store.release(key).await,
            Storage::Memory(store) => store.release(key).await,
        }
    }

    async fn blob(&self, sha256: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Storage::IndexedDb(store) => store.blob(sha256).await,
            Storage::Memory(store) => store.blob(sha256).await,
        }
    }

    async fn missing(&self, sha256s: &[String]) -> Result<Vec<String>> {
        match self {
            Storage::IndexedDb(store) => store.missing(sha256s).await,
            Storage::Memory(store) => store.missing(sha256s).await,
        }
    }

    async fn sha256(&self, bytes: &[u8]) -> String {
        digest::sha256(bytes).await
    }

    type StagedBlob = StagedBlob;

    fn stage(&self, bytes: &[u8]) -> StagedBlob {
        match self {
            Storage::IndexedDb(store) => StagedBlob::IndexedDb(store.stage(bytes)),
            Storage::Memory(store) => StagedBlob::Memory(store.stage(bytes)),
        }
    }

    async fn activate(
        &self,
        key: &str,
        release: &StoredRelease,
        distrusted: Option<Rank>,
        staged: &[(String, StagedBlob)],
    ) -> Result<bool> {
        match self {
            Storage::IndexedDb(store) => {
                let own = staged.iter().filter_map(|(name, blob)| match blob {
                    StagedBlob::IndexedDb(blob) => Some((name.clone(), blob.clone())),
                    StagedBlob::Memory(_) => None,
                });
                store.activate(key, release, distrusted, &own.collect::<Vec<_>>()).await
            }
            Storage::Memory(store) => {
                let own = staged.iter().filter_map(|(name, blob)| match blob {
                    StagedBlob::Memory(blob) => Some((name.clone(), Rc::clone(blob))),
                    StagedBlob::IndexedDb(_) => None,
                });
                store.activate(key, release, distrusted, &own.collect::<Vec<_>>()).await
            }
        }
    }

    async fn notes(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Storage::IndexedDb(store) => store.notes(key).await,
            Storage::Memory(store) => store.notes(key).await,
        }
    }

    async fn put_notes(&self, key: &str, notes: &[u8]) -> Result<()> {
        match self {
            Storage::IndexedDb(store) => store.put_notes(key, notes).await,
            Storage::Memory(store) => store.put_notes(key, notes).await,
        }
    }

    async fn remove(&self, key: &str) -> Result<()> {
        match self {
            Storage::IndexedDb(store) => store.remove(key).await,
            Storage::Memory(store) => store.remove(key).await,
        }
    }

    async fn device(&self) -> Result<[u8; 16]> {
        match self {
            Storage::IndexedDb(store) => store.device().await,
            // A number that changed with every page load would move the device into candidates' shares and out again.
            Storage::Memory(_) => Err(Error::new(ErrorKind::Storage, "this browser can keep no device number")),
        }
    }
}

/// A staged file of the store that staged it.
pub(super) enum StagedBlob {
    IndexedDb(JsValue),
    Memory(Rc<[u8]>),
}
