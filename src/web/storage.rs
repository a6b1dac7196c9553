//! The store that this browser allows.

use super::digest;
use super::indexed_db::{IndexedDb, Packed};
use crate::error::Result;
use crate::sync::{Blob, MemoryStore, Store, StoredRelease};

/// IndexedDB, or memory where there is none (some private modes).
pub(super) enum Storage {
    IndexedDb(IndexedDb),
    Memory(MemoryStore),
}

impl Storage {
    pub(super) async fn open() -> Result<Self> {
        Ok(IndexedDb::open().await?.map_or_else(|| Storage::Memory(MemoryStore::default()), Storage::IndexedDb))
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

    fn pack(&self, sha256: &str, bytes: &[u8]) -> Parcel {
        match self {
            Storage::IndexedDb(store) => Parcel::IndexedDb(store.pack(sha256, bytes)),
            Storage::Memory(store) => Parcel::Memory(store.pack(sha256, bytes)),
        }
    }

    async fn activate(&self, key: &str, release: &StoredRelease, parcels: Vec<Parcel>) -> Result<()> {
        match self {
            Storage::IndexedDb(store) => {
                let packed =
                    parcels.into_iter().filter_map(|p| if let Parcel::IndexedDb(p) = p { Some(p) } else { None });
                store.activate(key, release, packed.collect()).await
            }
            Storage::Memory(store) => {
                let blobs = parcels.into_iter().filter_map(|p| if let Parcel::Memory(b) = p { Some(b) } else { None });
                store.activate(key, release, blobs.collect()).await
            }
        }
    }
}

/// Of the store that packed it.
pub(super) enum Parcel {
    IndexedDb(Packed),
    Memory(Blob),
}
