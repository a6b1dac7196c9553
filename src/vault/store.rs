//! What a vault asks of the place where it is kept. A store sees sealed bytes only, and beside them each record's kind, time,
//! id and key id.

use std::rc::Rc;

use super::device::DeviceKey;
use super::ids::RecordId;
use super::kind::Kind;
use crate::error::Result;

/// A record as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its kind.
    pub kind: Kind,
    /// When it was added, in milliseconds since 1970.
    pub time: u64,
    /// Its id, alone in its vault.
    pub id: RecordId,
    /// The id of the data key that sealed it.
    pub key: u32,
    /// Its envelope.
    pub sealed: Vec<u8>,
    /// The envelope of its blob, where there is one and it was asked for.
    pub blob: Option<Vec<u8>>,
}

impl Row {
    /// Its place among those of its kind.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { time: self.time, id: self.id }
    }
}

/// The place of a record among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Milliseconds since 1970.
    pub time: u64,
    /// Among those of one millisecond.
    pub id: RecordId,
}

/// Which rows to read.
#[derive(Debug, Clone)]
pub struct Select {
    /// Of this kind.
    pub kind: Kind,
    /// At this time or later.
    pub from: u64,
    /// Before this time.
    pub until: u64,
    /// The latest first.
    pub descending: bool,
    /// Behind this one, in that order.
    pub after: Option<Position>,
    /// So many at most.
    pub limit: usize,
    /// Whether to read blobs too.
    pub blobs: bool,
}

impl Select {
    /// All of a kind with their blobs, the oldest first.
    #[must_use]
    pub fn all(kind: Kind) -> Self {
        Select { kind, from: 0, until: u64::MAX, descending: false, after: None, limit: usize::MAX, blobs: true }
    }
}

/// A change of one record.
#[derive(Debug, Clone)]
pub enum Change {
    /// Puts a row with its blob, in place of one of the same id.
    Put(Row),
    /// Deletes a row with its blob.
    Delete(RecordId),
}

/// What a vault takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Records of each [`Kind`].
    pub counts: [u32; Kind::ALL.len()],
    /// Bytes of header, records and blobs, without what the database adds.
    pub bytes: u64,
}

/// What a write does to the device's own key for the vault.
#[derive(Debug, Clone, Default)]
pub enum KeyChange {
    /// The new header needs the same key as the old one, or both need none.
    #[default]
    Keep,
    /// The new header needs this key.
    Put(DeviceKey),
    /// The new header needs no key of the device's.
    Delete,
}

/// Keeps vaults by their names. Every failure is [`crate::ErrorKind::Storage`], and of a call that failed all or nothing
/// is done. The futures need not be `Send`.
///
/// The device's key of a vault is part of it: it is put, replaced and deleted only in the transaction that also writes the
/// header that needs it, or needs it no more. So however calls overlap, a header that is locked by the device's key lies
/// beside that very key.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait Store {
    /// The header of a vault.
    async fn header(&self, vault: &str) -> Result<Option<Vec<u8>>>;

    /// The device's own key for a vault.
    async fn device_key(&self, vault: &str) -> Result<Option<DeviceKey>>;

    /// In one transaction: where the vault's header is still `expected` byte for byte (`None`: there is no such vault),
    /// makes `changes`, changes the device's key, replaces the header and answers true; otherwise changes nothing and
    /// answers false. That is all that keeps tabs apart: whoever was overtaken reads the header and plans anew.
    async fn commit_lock(
        &self,
        vault: &str,
        expected: Option<&[u8]>,
        header: &[u8],
        changes: &[Change],
        key: &KeyChange,
    ) -> Result<bool>;

    /// As [`Store::commit_lock`], of a header with the same lock.
    async fn commit(&self, vault: &str, expected: Option<&[u8]>, header: &[u8], changes: &[Change]) -> Result<bool> {
        self.commit_lock(vault, expected, header, changes, &KeyChange::Keep).await
    }

    /// The row of that id with its blob, both as of one moment.
    async fn row(&self, vault: &str, id: RecordId) -> Result<Option<Row>>;

    /// Some rows in the order of their positions.
    async fn rows(&self, vault: &str, select: &Select) -> Result<Vec<Row>>;

    /// At most `limit` rows with their blobs that the data key of that id sealed, in the order of their ids, those behind
    /// `after`.
    async fn rows_under(&self, vault: &str, key: u32, after: Option<RecordId>, limit: usize) -> Result<Vec<Row>>;

    /// What the vault takes.
    async fn usage(&self, vault: &str) -> Result<Usage>;

    /// In one transaction: deletes the header and the device's key. Without them nothing opens any more.
    async fn delete_header(&self, vault: &str) -> Result<()>;

    /// In one transaction: where the vault has no header, deletes every row of it.
    async fn sweep(&self, vault: &str) -> Result<()>;
}

/// One store of several vaults, and of a device that keeps its keys there.
impl<S: Store> Store for Rc<S> {
    async fn header(&self, vault: &str) -> Result<Option<Vec<u8>>> {
        S::header(self, vault).await
    }

    async fn device_key(&self, vault: &str) -> Result<Option<DeviceKey>> {
        S::device_key(self, vault).await
    }

    async fn commit_lock(
        &self,
        vault: &str,
        expected: Option<&[u8]>,
        header: &[u8],
        changes: &[Change],
        key: &KeyChange,
    ) -> Result<bool> {
        S::commit_lock(self, vault, expected, header, changes, key).await
    }

    async fn row(&self, vault: &str, id: RecordId) -> Result<Option<Row>> {
        S::row(self, vault, id).await
    }

    async fn rows(&self, vault: &str, select: &Select) -> Result<Vec<Row>> {
        S::rows(self, vault, select).await
    }

    async fn rows_under(&self, vault: &str, key: u32, after: Option<RecordId>, limit: usize) -> Result<Vec<Row>> {
        S::rows_under(self, vault, key, after, limit).await
    }

    async fn usage(&self, vault: &str) -> Result<Usage> {
        S::usage(self, vault).await
    }

    async fn delete_header(&self, vault: &str) -> Result<()> {
        S::delete_header(self, vault).await
    }

    async fn sweep(&self, vault: &str) -> Result<()> {
        S::sweep(self, vault).await
    }
}
