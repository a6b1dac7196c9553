//! Vaults in this origin's IndexedDB: database `jicho-vault`, object stores `headers`, `rows`, `blobs` and `keys`
//! (docs/formats/vault.md). As [`Database`] demands, everything to write is made ready before a transaction begins.

use std::rc::Rc;

use futures_util::future::join_all;
use idb::{
    CursorDirection, IndexParams, KeyPath, KeyRange, ManagedCursor, ObjectStore, ObjectStoreParams, Query, Transaction,
};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::vault::{Change, DeviceKey, KeyChange, Kind, RecordId, Row, Select, Store, Usage};
use crate::web::database::{Database, Fault, Mode, Schema};

const NAME: &str = "jicho-vault";
/// Of each vault by its name, bytes.
const HEADERS: &str = "headers";
/// Of each record an object of `vault`, `kind`, `time`, `id`, `key`, `sealed`, and the length of its `blob`.
const ROWS: &str = "rows";
/// By the vault's name and the record's id, bytes.
const BLOBS: &str = "blobs";
/// The device's own keys by the vault's name, `CryptoKey`s.
const KEYS: &str = "keys";
/// Of the rows.
const BY_TIME: &str = "time";
const BY_KEY: &str = "key";
const SCHEMA: Schema = Schema { version: 1, stores: &[HEADERS, ROWS, BLOBS, KEYS], make };

fn make(database: &idb::Database, store: &str) -> Result<(), idb::Error> {
    let mut params = ObjectStoreParams::new();
    if store == ROWS {
        params.key_path(Some(KeyPath::new_array(["vault", "id"])));
    }
    let made = database.create_object_store(store, params)?;
    if store == ROWS {
        let unique = || {
            let mut params = IndexParams::new();
            params.unique(true);
            Some(params)
        };
        made.create_index(BY_TIME, KeyPath::new_array(["vault", "kind", "time", "id"]), unique())?;
        made.create_index(BY_KEY, KeyPath::new_array(["vault", "key", "id"]), unique())?;
    }
    Ok(())
}

/// Every vault of this origin, and the device's keys.
pub struct VaultDatabase(Database);

impl VaultDatabase {
    /// Opens the database, which is made when there is none. `None` where this browser allows no IndexedDB here.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when a newer version of the app has changed the database's schema.
    pub async fn open() -> Result<Option<Self>> {
        Self::open_named(NAME).await
    }

    /// As [`VaultDatabase::open`], in a database of another name.
    ///
    /// # Errors
    /// As [`VaultDatabase::open`].
    pub async fn open_named(name: &str) -> Result<Option<Self>> {
        Ok(Database::open(name, &SCHEMA).await?.map(VaultDatabase))
    }

    /// A key of the device's as it is read back from the disk; `None` where the browser can read it no more. Nothing of it
    /// stays.
    pub(super) async fn read_back(&self, key: &JsValue) -> Result<Option<JsValue>> {
        // No vault has this name.
        let probe = JsValue::from("");
        let write = async |transaction: &Transaction| {
            let keys = transaction.object_store(KEYS)?;
            keys.put(key, Some(&probe))?.await?;
            let read = get(&keys, &probe).await?.filter(JsValue::is_object);
            keys.delete(probe.clone())?.await?;
            Ok(read)
        };
        self.0.within(Mode::Write, write).await
    }
}

impl Store for VaultDatabase {
    async fn header(&self, vault: &str) -> Result<Option<Vec<u8>>> {
        let read = async |transaction: &Transaction| header(transaction, vault).await;
        self.0.within(Mode::Read, read).await
    }

    async fn device_key(&self, vault: &str) -> Result<Option<DeviceKey>> {
        let read = async |transaction: &Transaction| {
            let key = get(&transaction.object_store(KEYS)?, &vault.into()).await?;
            // Some browsers give null for a key that they can read no more.
            Ok(key.filter(JsValue::is_object))
        };
        Ok(self.0.within(Mode::Read, read).await?.map(|key| Rc::new(key) as DeviceKey))
    }

    async fn commit_lock(
        &self,
        vault: &str,
        expected: Option<&[u8]>,
        new: &[u8],
        changes: &[Change],
        key: &KeyChange,
    ) -> Result<bool> {
        let new = Uint8Array::from(new);
        // A sale is nowhere else: it must survive the loss of power.
        let is_sale = |change: &Change| matches!(change, Change::Put(row) if row.kind == Kind::Sale);
        let mode = if changes.iter().any(is_sale) { Mode::WriteThrough } else { Mode::Write };
        let changes: Vec<Written> = changes.iter().map(|change| Written::new(vault, change)).collect();
        let write = async |transaction: &Transaction| {
            if header(transaction, vault).await?.as_deref() != expected {
                return Ok(false);
            }
            let (rows, blobs) = (transaction.object_store(ROWS)?, transaction.object_store(BLOBS)?);
            for Written { place, row, blob } in &changes {
                match row {
                    Some(row) => drop(rows.put(row, None)?),
                    None => drop(rows.delete(place.clone())?),
                }
                match blob {
                    Some(blob) => drop(blobs.put(blob, Some(place))?),
                    None => drop(blobs.delete(place.clone())?),
                }
            }
            match key {
                KeyChange::Keep => {}
                KeyChange::Put(key) => {
                    let key = key.downcast_ref::<JsValue>().ok_or_else(|| foreign("key"))?;
                    drop(transaction.object_store(KEYS)?.put(key, Some(&vault.into()))?);
                }
                KeyChange::Delete => drop(transaction.object_store(KEYS)?.delete(JsValue::from(vault))?),
            }
            transaction.object_store(HEADERS)?.put(&new, Some(&vault.into()))?.await?;
            Ok(true)
        };
        self.0.within(mode, write).await
    }

    async fn row(&self, vault: &str, id: RecordId) -> Result<Option<Row>> {
        let place = place(vault, id);
        let read = async |transaction: &Transaction| {
            let Some(row) = get(&transaction.object_store(ROWS)?, &place).await? else { return Ok(None) };
            let mut rows = vec![read_row(&row)?];
            add_blobs(transaction, vault, &mut rows).await?;
            Ok(rows.pop())
        };
        self.0.within(Mode::Read, read).await
    }

    async fn rows(&self, vault: &str, select: &Select) -> Result<Vec<Row>> {
        let Select { kind, from, until, descending, after, limit, blobs } = *select;
        let edge = |time: u64, id: Option<RecordId>| {
            let parts: [JsValue; 3] = [vault.into(), kind.code().into(), (time as f64).into()];
            let id = id.map(|id| JsValue::from(Uint8Array::from(&id.0[..])));
            JsValue::from(parts.into_iter().chain(id).collect::<Array>())
        };
        let (mut lower, mut upper) = ((edge(from, None), false), (edge(until, None), true));
        let (mut first, mut last) = (from, until);
        match after {
            Some(after) if descending && after.time < until => {
                (upper, last) = ((edge(after.time, Some(after.id)), true), after.time);
            }
            Some(after) if !descending && after.time >= until => return Ok(Vec::new()),
            Some(after) if !descending && after.time >= from => {
                (lower, first) = ((edge(after.time, Some(after.id)), true), after.time);
            }
            _ => {}
        }
        // A range that ends before it begins is an error to the browser.
        if first > last || from >= until {
            return Ok(Vec::new());
        }
        let range = KeyRange::bound(&lower.0, &upper.0, Some(lower.1), Some(upper.1)).map_err(Fault::from)?;
        let read = async |transaction: &Transaction| {
            let index = transaction.object_store(ROWS)?.index(BY_TIME)?;
            let range = Some(Query::from(range.clone()));
            let mut rows = Vec::new();
            if descending {
                let cursor = index.open_cursor(range, Some(CursorDirection::Prev))?.await?;
                let mut cursor = cursor.map(ManagedCursor::from);
                while let Some(cursor) = &mut cursor
                    && let Some(row) = cursor.value()?
                {
                    rows.push(read_row(&row)?);
                    if rows.len() >= limit {
                        break;
                    }
                    cursor.next(None).await?;
                }
            } else {
                let found = index.get_all(range, Some(limit as u32))?.await?;
                rows = found.iter().map(read_row).collect::<Result<_, _>>()?;
            }
            if blobs {
                add_blobs(transaction, vault, &mut rows).await?;
            }
            Ok(rows)
        };
        self.0.within(Mode::Read, read).await
    }

    async fn rows_under(&self, vault: &str, key: u32, after: Option<RecordId>, limit: usize) -> Result<Vec<Row>> {
        let edge = |id: JsValue| Array::of3(&vault.into(), &key.into(), &id);
        let first = after.map_or([0; 16], |id| id.0);
        let lower = edge(Uint8Array::from(&first[..]).into());
        // An array is above all bytes.
        let upper = edge(Array::new().into());
        let range = KeyRange::bound(&lower, &upper, Some(after.is_some()), Some(true)).map_err(Fault::from)?;
        let read = async |transaction: &Transaction| {
            let index = transaction.object_store(ROWS)?.index(BY_KEY)?;
            let found = index.get_all(Some(range.clone().into()), Some(limit as u32))?.await?;
            let mut rows: Vec<Row> = found.iter().map(read_row).collect::<Result<_, _>>()?;
            add_blobs(transaction, vault, &mut rows).await?;
            Ok(rows)
        };
        self.0.within(Mode::Read, read).await
    }

    async fn usage(&self, vault: &str) -> Result<Usage> {
        /// Rows that are looked at together.
        const CHUNK: u32 = 256;
        let read = async |transaction: &Transaction| {
            let bytes = header(transaction, vault).await?.map_or(0, |header| header.len() as u64);
            let mut usage = Usage { bytes, ..Usage::default() };
            let rows = transaction.object_store(ROWS)?;
            let mut range = of_vault(vault)?;
            loop {
                let found = rows.get_all(Some(range.into()), Some(CHUNK))?.await?;
                for value in &found {
                    let row = read_row(value)?;
                    usage.counts[usize::from(row.kind.code()) - 1] += 1;
                    usage.bytes += (row.sealed.len() + blob_bytes(value)) as u64;
                }
                let Some(last) = found.last().filter(|_| found.len() as u32 == CHUNK) else { return Ok(usage) };
                let last = place(vault, read_row(last)?.id);
                range = KeyRange::bound(&last, &behind(vault), Some(true), Some(true))?;
            }
        };
        self.0.within(Mode::Read, read).await
    }

    async fn delete_header(&self, vault: &str) -> Result<()> {
        let write = async |transaction: &Transaction| {
            drop(transaction.object_store(KEYS)?.delete(JsValue::from(vault))?);
            transaction.object_store(HEADERS)?.delete(JsValue::from(vault))?.await?;
            Ok(())
        };
        self.0.within(Mode::Write, write).await
    }

    async fn sweep(&self, vault: &str) -> Result<()> {
        let write = async |transaction: &Transaction| {
            if header(transaction, vault).await?.is_none() {
                transaction.object_store(ROWS)?.delete(of_vault(vault)?)?;
                transaction.object_store(BLOBS)?.delete(of_vault(vault)?)?.await?;
            }
            Ok(())
        };
        self.0.within(Mode::Write, write).await
    }
}

/// A change as the database takes it.
struct Written {
    place: JsValue,
    row: Option<JsValue>,
    blob: Option<JsValue>,
}

impl Written {
    fn new(vault: &str, change: &Change) -> Self {
        match change {
            Change::Put(row) => Written {
                place: place(vault, row.id),
                row: Some(write_row(vault, row)),
                blob: row.blob.as_deref().map(|blob| Uint8Array::from(blob).into()),
            },
            Change::Delete(id) => Written { place: place(vault, *id), row: None, blob: None },
        }
    }
}

async fn get(store: &ObjectStore, key: &JsValue) -> Result<Option<JsValue>, Fault> {
    Ok(store.get(key.clone())?.await?.filter(|value| !value.is_undefined()))
}

async fn header(transaction: &Transaction, vault: &str) -> Result<Option<Vec<u8>>, Fault> {
    let header = get(&transaction.object_store(HEADERS)?, &vault.into()).await?;
    header.map(|bytes| bytes_of(&bytes).ok_or_else(|| foreign("header"))).transpose()
}

/// Reads the blobs that belong to the rows. One that is missing stays missing: the vault notices.
async fn add_blobs(transaction: &Transaction, vault: &str, rows: &mut [Row]) -> Result<(), Fault> {
    let blobs = transaction.object_store(BLOBS)?;
    // All are asked for before any is awaited.
    let asked = rows.iter().map(|row| Ok(blobs.get(place(vault, row.id))?.into_future()));
    let found = join_all(asked.collect::<Result<Vec<_>, idb::Error>>()?).await;
    for (row, found) in rows.iter_mut().zip(found) {
        row.blob = found?.as_ref().and_then(bytes_of);
    }
    Ok(())
}

fn place(vault: &str, id: RecordId) -> JsValue {
    Array::of2(&vault.into(), &Uint8Array::from(&id.0[..])).into()
}

/// Behind every place of a vault: an array is above all bytes.
fn behind(vault: &str) -> JsValue {
    Array::of2(&vault.into(), &Array::new()).into()
}

fn of_vault(vault: &str) -> Result<KeyRange, idb::Error> {
    KeyRange::bound(&Array::of1(&vault.into()), &behind(vault), None, Some(true))
}

fn write_row(vault: &str, row: &Row) -> JsValue {
    let object = Object::new();
    let fields: [(&str, JsValue); 7] = [
        ("vault", vault.into()),
        ("kind", row.kind.code().into()),
        ("time", (row.time as f64).into()),
        ("id", Uint8Array::from(&row.id.0[..]).into()),
        ("key", row.key.into()),
        ("sealed", Uint8Array::from(&row.sealed[..]).into()),
        ("blob", (row.blob.as_ref().map_or(0, Vec::len) as f64).into()),
    ];
    for (name, value) in fields {
        // Setting a field of a fresh object cannot fail.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

/// Without its blob.
fn read_row(value: &JsValue) -> Result<Row, Fault> {
    let field = |name: &str| Reflect::get(value, &name.into()).ok();
    let number = |name: &str| field(name)?.as_f64();
    let row = || {
        Some(Row {
            kind: Kind::of(number("kind")? as u8)?,
            time: number("time")? as u64,
            id: RecordId(field("id").as_ref().and_then(bytes_of)?.try_into().ok()?),
            key: number("key")? as u32,
            // What is no bytes must keep no other record out: it opens as little as any other damage.
            sealed: field("sealed").as_ref().and_then(bytes_of).unwrap_or_default(),
            blob: None,
        })
    };
    row().ok_or_else(|| foreign("row"))
}

fn blob_bytes(row: &JsValue) -> usize {
    Reflect::get(row, &"blob".into()).ok().and_then(|bytes| bytes.as_f64()).unwrap_or(0.0) as usize
}

fn bytes_of(value: &JsValue) -> Option<Vec<u8>> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}

fn foreign(what: &str) -> Fault {
    Fault::Own(Error::new(ErrorKind::Storage, format!("the database has a {what} that no version of Jicho wrote")))
}
