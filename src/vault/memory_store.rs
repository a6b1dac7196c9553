//! A store in memory, which lives as long as the page.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::device::DeviceKey;
use super::ids::RecordId;
use super::kind::Kind;
use super::store::{Change, KeyChange, Position, Row, Select, Store, Usage};
use crate::error::Result;

/// For browsers without `IndexedDB`, and for tests. Sealed all the same.
#[derive(Debug, Default, Clone)]
pub struct MemoryStore {
    vaults: RefCell<BTreeMap<String, Kept>>,
}

#[derive(Debug, Default, Clone)]
struct Kept {
    header: Option<Vec<u8>>,
    device_key: Option<DeviceKey>,
    rows: BTreeMap<RecordId, Row>,
    order: BTreeSet<(Kind, Position)>,
    keys: BTreeSet<(u32, RecordId)>,
}

impl Kept {
    fn delete(&mut self, id: RecordId) {
        if let Some(row) = self.rows.remove(&id) {
            self.order.remove(&(row.kind, row.position()));
            self.keys.remove(&(row.key, id));
        }
    }

    fn put(&mut self, row: Row) {
        self.delete(row.id);
        self.order.insert((row.kind, row.position()));
        self.keys.insert((row.key, row.id));
        self.rows.insert(row.id, row);
    }
}

impl MemoryStore {
    fn read<T: Default>(&self, vault: &str, read: impl FnOnce(&Kept) -> T) -> T {
        self.vaults.borrow().get(vault).map(read).unwrap_or_default()
    }
}

impl Store for MemoryStore {
    async fn header(&self, vault: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.read(vault, |kept| kept.header.clone()))
    }

    async fn device_key(&self, vault: &str) -> Result<Option<DeviceKey>> {
        Ok(self.read(vault, |kept| kept.device_key.clone()))
    }

    async fn commit_lock(
        &self,
        vault: &str,
        expected: Option<&[u8]>,
        header: &[u8],
        changes: &[Change],
        key: &KeyChange,
    ) -> Result<bool> {
        let mut vaults = self.vaults.borrow_mut();
        let kept = vaults.entry(vault.to_owned()).or_default();
        if kept.header.as_deref() != expected {
            return Ok(false);
        }
        kept.header = Some(header.to_vec());
        match key {
            KeyChange::Keep => {}
            KeyChange::Put(key) => kept.device_key = Some(Rc::clone(key)),
            KeyChange::Delete => kept.device_key = None,
        }
        for change in changes {
            match change {
                Change::Put(row) => kept.put(row.clone()),
                Change::Delete(id) => kept.delete(*id),
            }
        }
        Ok(true)
    }

    async fn row(&self, vault: &str, id: RecordId) -> Result<Option<Row>> {
        Ok(self.read(vault, |kept| kept.rows.get(&id).cloned()))
    }

    async fn rows(&self, vault: &str, select: &Select) -> Result<Vec<Row>> {
        let Select { kind, from, until, descending, after, limit, blobs } = *select;
        let wanted = |position: Position| {
            let behind = after.is_none_or(|after| if descending { position < after } else { position > after });
            behind && (from..until).contains(&position.time)
        };
        let first = |time| (kind, Position { time, id: RecordId([0; 16]) });
        let row = |kept: &Kept, place: &(Kind, Position)| {
            let row = kept.rows.get(&place.1.id)?;
            let blob = row.blob.clone().filter(|_| blobs);
            Some(Row { blob, sealed: row.sealed.clone(), ..*row })
        };
        Ok(self.read(vault, |kept| {
            if from >= until {
                return Vec::new();
            }
            let range = kept.order.range(first(from)..first(until));
            let places: Box<dyn Iterator<Item = _>> = if descending { Box::new(range.rev()) } else { Box::new(range) };
            places.filter(|place| wanted(place.1)).take(limit).filter_map(|place| row(kept, place)).collect()
        }))
    }

    async fn rows_under(&self, vault: &str, key: u32, after: Option<RecordId>, limit: usize) -> Result<Vec<Row>> {
        let last = (key, RecordId([255; 16]));
        let behind = |id: RecordId| after.is_none_or(|after| id > after);
        Ok(self.read(vault, |kept| {
            let ids = kept.keys.range((key, after.unwrap_or(RecordId([0; 16])))..=last).map(|(_, id)| *id);
            ids.filter(|id| behind(*id)).take(limit).filter_map(|id| kept.rows.get(&id).cloned()).collect()
        }))
    }

    async fn usage(&self, vault: &str) -> Result<Usage> {
        Ok(self.read(vault, |kept| {
            let mut usage = Usage { bytes: kept.header.as_ref().map_or(0, Vec::len) as u64, ..Usage::default() };
            for row in kept.rows.values() {
                usage.counts[usize::from(row.kind.code()) - 1] += 1;
                usage.bytes += (row.sealed.len() + row.blob.as_ref().map_or(0, Vec::len)) as u64;
            }
            usage
        }))
    }

    async fn delete_header(&self, vault: &str) -> Result<()> {
        if let Some(kept) = self.vaults.borrow_mut().get_mut(vault) {
            kept.header = None;
            kept.device_key = None;
        }
        Ok(())
    }

    async fn sweep(&self, vault: &str) -> Result<()> {
        self.vaults.borrow_mut().retain(|name, kept| name != vault || kept.header.is_some());
        Ok(())
    }
}
