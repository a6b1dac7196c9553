//! The keyring: the header of an unlocked vault together with the data keys that it names.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::device::{Device, random, secret};
use super::envelope::{Content, Envelope, Place, seal_on};
use super::header::{Header, KeyEntry};
use super::ids::RecordId;
use super::keys::{DataKey, WrappingKey};
use super::kind::Kind;
use super::record::{Entry, Plain};
use super::store::{Change, KeyChange, Row};
use crate::error::{Error, ErrorKind, Result};

/// Data keys at once: one that seals, and those whose records are not all moved yet.
const MAX_KEYS: usize = 255;

/// A header and the keys that it names, all of them.
#[derive(Clone)]
pub(super) struct Keyring {
    pub(super) header: Header,
    pub(super) wrapping: Rc<WrappingKey>,
    keys: BTreeMap<u32, Rc<DataKey>>,
}

impl Keyring {
    /// A new vault's. `header` names no keys yet.
    pub(super) fn new(header: Header, wrapping: WrappingKey, device: &impl Device) -> Result<Self> {
        let mut ring = Keyring { header, wrapping: Rc::new(wrapping), keys: BTreeMap::new() };
        ring.add_key(device)?;
        Ok(ring)
    }

    /// The keys of `header`. Those that are `known` are not unwrapped again, which the wrapping key may not be able to do any
    /// more: but a key is known by its check value, never by its id alone. After an older copy of the vault was put back,
    /// another tab may have given the same id to another key.
    pub(super) fn unwrap(mut header: Header, wrapping: Rc<WrappingKey>, known: Option<&Keyring>) -> Result<Self> {
        let mut keys = BTreeMap::new();
        for entry in &mut header.keys {
            let key = match known.and_then(|ring| ring.known(entry)) {
                Some(key) => key,
                None if wrapping.check != header.check => return Err(header.lock.wrong()),
                None => Rc::new(wrapping.unwrap(&entry.wrapped)?),
            };
            if key.id != entry.id || entry.check.is_some_and(|check| check != key.check) {
                return Err(Error::new(ErrorKind::VaultDamaged, "the keys of the vault are mixed up"));
            }
            entry.check = Some(key.check);
            keys.insert(entry.id, key);
        }
        header.retention = header.retention.or(known.and_then(|ring| ring.header.retention));
        Ok(Keyring { header, wrapping, keys })
    }

    /// The key of an entry of another header of this vault, where it is the same.
    fn known(&self, entry: &KeyEntry) -> Option<Rc<DataKey>> {
        let key = self.keys.get(&entry.id)?;
        let same = match entry.check {
            Some(check) => check == key.check,
            None => self.header.keys.iter().any(|known| known.id == entry.id && known.wrapped == entry.wrapped),
        };
        same.then(|| Rc::clone(key))
    }

    pub(super) fn has(&self, key: u32) -> bool {
        self.keys.contains_key(&key)
    }

    /// Makes the key that seals from now on.
    pub(super) fn add_key(&mut self, device: &impl Device) -> Result<()> {
        if self.header.keys.len() >= MAX_KEYS {
            return Err(Error::new(ErrorKind::KeyMissing, "the vault can take no further key: finish the rotation"));
        }
        if self.wrapping.check != self.header.check {
            let message = "another tab has locked the vault by something else: open it again";
            return Err(Error::new(ErrorKind::VaultClosed, message));
        }
        let next = self.header.keys.last().map_or(Some(1), |key| key.id.checked_add(1));
        let id =
            next.ok_or_else(|| Error::new(ErrorKind::VaultDamaged, "the vault has used up the ids of its keys"))?;
        let key = DataKey::new(id, secret(device)?)?;
        let wrapped = self.wrapping.wrap(&key, random(device)?)?;
        self.header.keys.push(KeyEntry { id, uses: 0, since: device.now(), check: Some(key.check), wrapped });
        self.keys.insert(id, Rc::new(key));
        Ok(())
    }

    /// Removes a key, and with it whatever only it can open.
    pub(super) fn remove_key(&mut self, key: u32) {
        self.header.keys.retain(|entry| entry.id != key);
        self.keys.remove(&key);
    }

    /// Locks the vault anew: the data keys stay, only their wrapping changes.
    pub(super) fn rewrap(&mut self, wrapping: Rc<WrappingKey>, device: &impl Device) -> Result<()> {
        for entry in &mut self.header.keys {
            entry.wrapped = wrapping.wrap(key_of(&self.keys, entry.id)?, random(device)?)?;
        }
        self.header.check = wrapping.check;
        self.wrapping = wrapping;
        Ok(())
    }

    /// Seals something with the current key, and counts that.
    pub(super) async fn seal(&mut self, place: &Place, plain: &[u8], device: &impl Device) -> Result<Vec<u8>> {
        let entry = self.header.current_mut();
        // What the header counts is not to be trusted: it ends here, it does not wrap.
        entry.uses = entry.uses.saturating_add(1);
        let DataKey { id, key, .. } = &**key_of(&self.keys, entry.id)?;
        seal_on(device, key, *id, random(device)?, place, plain).await
    }

    /// The key of a file's stream: its only data key.
    pub(super) fn stream_key(&self) -> Result<&[u8; 32]> {
        Ok(&key_of(&self.keys, self.header.current().id)?.key.secret)
    }

    pub(super) fn place(&self, id: RecordId, time: u64, content: Content) -> Place {
        Place { vault: self.header.vault, id, content, time }
    }

    /// Seals a record with the current key.
    pub(super) async fn seal_row(
        &mut self,
        kind: Kind,
        time: u64,
        id: RecordId,
        plain: &Plain,
        device: &impl Device,
    ) -> Result<Row> {
        let sealed = self.seal(&self.place(id, time, Content::Record(kind)), &plain.record, device).await?;
        let place = self.place(id, time, Content::Blob(kind));
        let blob = match &plain.blob {
            Some(blob) => Some(self.seal(&place, blob, device).await?),
            None => None,
        };
        Ok(Row { kind, time, id, key: self.header.current().id, sealed, blob })
    }

    pub(super) async fn open_plain(&self, row: &Row, device: &impl Device) -> Result<Plain> {
        let open = async |sealed: &[u8], content| {
            if Envelope::parse(sealed)?.key != row.key {
                return Err(Error::new(ErrorKind::RecordDamaged, "it was sealed by another key than its row says"));
            }
            self.open(&self.place(row.id, row.time, content), sealed, device).await
        };
        let record = open(&row.sealed, Content::Record(row.kind)).await?;
        let blob = match &row.blob {
            Some(blob) => Some(open(blob, Content::Blob(row.kind)).await?),
            None => None,
        };
        Ok(Plain { record, blob })
    }

    /// As [`Keyring::open_plain`], of a record that can be read too.
    pub(super) async fn checked_plain(&self, row: &Row, device: &impl Device) -> Result<(Plain, Entry)> {
        let plain = self.open_plain(row, device).await?;
        let entry = plain.read(row.kind, row.id, row.time, true)?;
        Ok((plain, entry))
    }

    pub(super) async fn open_row(&self, row: &Row, with_blob: bool, device: &impl Device) -> Result<Entry> {
        self.open_plain(row, device).await?.read(row.kind, row.id, row.time, with_blob)
    }

    pub(super) async fn open(
        &self,
        place: &Place,
        sealed: &[u8],
        device: &impl Device,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>> {
        let envelope = Envelope::parse(sealed)?;
        envelope.open_on(device, &key_of(&self.keys, envelope.key)?.key, place).await
    }
}

fn key_of(keys: &BTreeMap<u32, Rc<DataKey>>, key: u32) -> Result<&Rc<DataKey>> {
    keys.get(&key).ok_or_else(|| {
        let message = format!("sealed under the key {key}, which this vault does not have (any more)");
        Error::new(ErrorKind::KeyMissing, message)
    })
}

/// A write that is being planned: the new header and the changes that go with it.
pub(super) struct Draft {
    pub(super) ring: Keyring,
    pub(super) changes: Vec<Change>,
    pub(super) device_key: KeyChange,
    /// Whether there is anything to write.
    pub(super) touched: bool,
}

impl Draft {
    pub(super) fn add(&mut self, row: Row) {
        let count = self.ring.header.count_mut(row.kind);
        *count = count.saturating_add(1);
        self.replace(row);
    }

    pub(super) fn replace(&mut self, row: Row) {
        self.changes.push(Change::Put(row));
        self.touched = true;
    }

    pub(super) fn delete(&mut self, kind: Kind, id: RecordId) {
        let count = self.ring.header.count_mut(kind);
        *count = count.saturating_sub(1);
        self.changes.push(Change::Delete(id));
        self.touched = true;
    }
}
