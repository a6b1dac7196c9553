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

    type Parcel = Parcel;

    fn pack(&self, bytes: &[u8]) -> Parcel {
        match self {
            Storage::IndexedDb(store) => Parcel::IndexedDb(store.pack(bytes)),
            Storage::Memory(store) => Parcel::Memory(store.pack(bytes)),
        }
    }

    async fn activate(
        &self,
        key: &str,
        release: &StoredRelease,
        distrusted: Option<Rank>,
        parcels: &[(String, Parcel)],
    ) -> Result<bool> {
        match self {
            Storage::IndexedDb(store) => {
                let packed = parcels.iter().filter_map(|(name, parcel)| match parcel {
                    Parcel::IndexedDb(packed) => Some((name.clone(), packed.clone())),
                    Parcel::Memory(_) => None,
                });
                store.activate(key, release, distrusted, &packed.collect::<Vec<_>>()).await
            }
            Storage::Memory(store) => {
                let packed = parcels.iter().filter_map(|(name, parcel)| match parcel {
                    Parcel::Memory(packed) => Some((name.clone(), Rc::clone(packed))),
                    Parcel::IndexedDb(_) => None,
                });
                store.activate(key, release, distrusted, &packed.collect::<Vec<_>>()).await
            }
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

/// A file, packed by the store that is to keep it.
pub(super) enum Parcel {
    IndexedDb(JsValue),
    Memory(Rc<[u8]>),
}
