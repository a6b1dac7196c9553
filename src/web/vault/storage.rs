//! The store that this browser allows.

use std::rc::Rc;

use super::database::VaultDatabase;
use crate::error::Result;
use crate::vault::{Change, MemoryStore, RecordId, Row, Select, Store, Usage};

/// IndexedDB, or memory where there is none (some private modes).
pub(super) enum Storage {
    IndexedDb(VaultDatabase),
    Memory(MemoryStore),
}

impl Storage {
    pub(super) async fn open() -> Result<Rc<Self>> {
        let memory = || Storage::Memory(MemoryStore::default());
        Ok(Rc::new(VaultDatabase::open().await?.map_or_else(memory, Storage::IndexedDb)))
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

    async fn commit(&self, vault: &str, expected: Option<&[u8]>, header: &[u8], changes: &[Change]) -> Result<bool> {
        either!(self, store => store.commit(vault, expected, header, changes))
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

    async fn behead(&self, vault: &str) -> Result<()> {
        either!(self, store => store.behead(vault))
    }

    async fn sweep(&self, vault: &str) -> Result<()> {
        either!(self, store => store.sweep(vault))
    }
}
