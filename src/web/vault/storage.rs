//! The store that this browser allows.

use std::rc::Rc;

use super::indexed_db::VaultDatabase;
use crate::error::{Error, ErrorKind, Result};
use crate::vault::{Change, DeviceKey, KeyChange, MemoryStore, RecordId, Row, Select, Store, Usage};

/// IndexedDB, or memory where there is none (some private modes).
pub(super) enum Storage {
    IndexedDb(VaultDatabase),
    Memory(MemoryStore),
}

impl Storage {
    /// `memory`: whether memory will do. Unasked for, an empty vault there would pass for the one on the disk.
    pub(super) async fn open(memory: bool) -> Result<Rc<Self>> {
        let storage = match VaultDatabase::open().await? {
            Some(database) => Storage::IndexedDb(database),
            None if memory => Storage::Memory(MemoryStore::default()),
            None => {
                let message =
                    "this browser allows no IndexedDB here; with `memory: true` a vault lives as long as the page";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        Ok(Rc::new(storage))
    }

    /// Whether what it keeps outlives the page.
    pub(super) fn durable(&self) -> bool {
        matches!(self, Storage::IndexedDb(_))
    }
}

macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Storage::IndexedDb($store) => $call.await,
            Storage::Memory($store) => $call.await,
        }
    };
}

impl Store for Storage {
    async fn header(&self, vault: &str) -> Result<Option<Vec<u8>>> {
        either!(self, store => store.header(vault))
    }

    async fn device_key(&self, vault: &str) -> Result<Option<DeviceKey>> {
        either!(self, store => store.device_key(vault))
    }

    async fn commit_lock(
        &self,
        vault: &str,
        expected: Option<&[u8]>,
        header: &[u8],
        changes: &[Change],
        key: &KeyChange,
    ) -> Result<bool> {
        either!(self, store => store.commit_lock(vault, expected, header, changes, key))
    }

    async fn row(&self, vault: &str, id: RecordId) -> Result<Option<Row>> {
        either!(self, store => store.row(vault, id))
    }

    async fn rows(&self, vault: &str, select: &Select) -> Result<Vec<Row>> {
        either!(self, store => store.rows(vault, select))
    }

    async fn rows_under(&self, vault: &str, key: u32, after: Option<RecordId>, limit: usize) -> Result<Vec<Row>> {
        either!(self, store => store.rows_under(vault, key, after, limit))
    }

    async fn usage(&self, vault: &str) -> Result<Usage> {
        either!(self, store => store.usage(vault))
    }

    async fn delete_header(&self, vault: &str) -> Result<()> {
        either!(self, store => store.delete_header(vault))
    }

    async fn sweep(&self, vault: &str) -> Result<()> {
        either!(self, store => store.sweep(vault))
    }
}
