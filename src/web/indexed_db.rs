//! The store over IndexedDB: database `jicho`, object stores `releases` and `blobs`.
//!
//! A transaction commits by itself as soon as it has nothing to do, so between its begin and its end nothing is
//! awaited but its own requests, and everything to write is made ready before it begins.

use std::cell::RefCell;
use std::rc::Rc;

use idb::{Database, DatabaseEvent, Factory, ObjectStore, ObjectStoreParams, Transaction, TransactionMode};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbTransaction};

use super::failure::describe;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Store, StoredRelease, incomplete};

const NAME: &str = "jicho";
const VERSION: u32 = 1;
const RELEASES: &str = "releases";
const BLOBS: &str = "blobs";

/// Releases and files in this origin's IndexedDB.
pub struct IndexedDb {
    name: String,
    connection: RefCell<Option<Rc<Connection>>>,
}

/// A file in JavaScript's memory.
pub struct Packed {
    sha256: JsValue,
    bytes: JsValue,
}

/// Closed when dropped, so that its handlers cannot be called afterwards.
struct Connection(Database);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl IndexedDb {
    /// Opens the database, which is made when there is none. `None` where this browser allows no IndexedDB here.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] when a newer version of the app has changed the database's schema.
    pub async fn open() -> Result<Option<Self>> {
        Self::open_named(NAME).await
    }

    /// As [`IndexedDb::open`], in a database of another name.
    ///
    /// # Errors
    /// As [`IndexedDb::open`].
    pub async fn open_named(name: &str) -> Result<Option<Self>> {
        match connect(name).await {
            Ok(connection) => {
                Ok(Some(IndexedDb { name: name.to_owned(), connection: RefCell::new(Some(Rc::new(connection))) }))
            }
            Err(error) if is_too_new(&error) => Err(failed(&error)),
            Err(_) => Ok(None),
        }
    }

    /// Begins a transaction. A connection that was closed (another tab's upgrade, the browser itself) is opened anew.
    async fn begin(&self, mode: TransactionMode) -> Result<Transaction> {
        let held = self.connection.borrow().clone();
        let begin = |connection: &Connection| connection.0.transaction(&[RELEASES, BLOBS], mode);
        if let Some(transaction) = held.and_then(|connection| begin(&connection).ok()) {
            return Ok(transaction);
        }
        let connection = Rc::new(connect(&self.name).await.map_err(|e| failed(&e))?);
        let transaction = begin(&connection).map_err(|e| failed(&e));
        self.connection.replace(Some(connection));
        transaction
    }

    async fn get(&self, store: &str, key: &str) -> Result<Option<JsValue>> {
        let transaction = self.begin(TransactionMode::ReadOnly).await?;
        let read = async || transaction.object_store(store)?.get(JsValue::from(key))?.await;
        Ok(read().await.map_err(|e| failed(&e))?.filter(|value| !value.is_undefined()))
    }
}

impl Store for IndexedDb {
    fn durable(&self) -> bool {
        true
    }

    async fn release(&self, key: &str) -> Result<Option<StoredRelease>> {
        Ok(self.get(RELEASES, key).await?.as_ref().and_then(read_release))
    }

    async fn blob(&self, sha256: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get(BLOBS, sha256).await?.and_then(|value| value.dyn_into::<Uint8Array>().ok()).map(|b| b.to_vec()))
    }

    async fn missing(&self, sha256s: &[String]) -> Result<Vec<String>> {
        let transaction = self.begin(TransactionMode::ReadOnly).await?;
        let kept = async { keys(&transaction.object_store(BLOBS)?).await }.await.map_err(|e| failed(&e))?;
        Ok(sha256s.iter().filter(|s| !kept.contains(*s)).cloned().collect())
    }

    type Parcel = Packed;

    fn pack(&self, sha256: &str, bytes: &[u8]) -> Packed {
        Packed { sha256: sha256.into(), bytes: Uint8Array::from(bytes).into() }
    }

    async fn activate(&self, key: &str, release: &StoredRelease, parcels: Vec<Packed>) -> Result<()> {
        let value = write_release(release);
        let transaction = IdbTransaction::from(self.begin(TransactionMode::ReadWrite).await?);
        let written = write(&transaction.clone().into(), key, release, &value, &parcels).await;
        if let Err(error) = written {
            // Only fails where the transaction has aborted already.
            let _ = transaction.abort();
            return Err(error);
        }
        let ended = Transaction::from(transaction.clone()).await;
        // After an error event comes an abort event, when its handler is gone already.
        transaction.set_onabort(None);
        let why = match ended {
            Ok(result) if result.is_committed() => return Ok(()),
            Ok(_) => "aborted".to_owned(),
            Err(error) => error.to_string(),
        };
        let why = transaction.error().map_or(why, |e| describe(&e));
        Err(Error::new(ErrorKind::Storage, format!("the release could not be stored: {why}")))
    }
}

async fn write(
    transaction: &Transaction,
    key: &str,
    release: &StoredRelease,
    value: &JsValue,
    parcels: &[Packed],
) -> Result<()> {
    let database = |e: idb::Error| failed(&e);
    let releases = transaction.object_store(RELEASES).map_err(database)?;
    let blobs = transaction.object_store(BLOBS).map_err(database)?;
    let current = releases.get(JsValue::from(key)).map_err(database)?.await.map_err(database)?;
    if current.as_ref().and_then(read_release).is_some_and(|r| r.release_seq > release.release_seq) {
        return Ok(());
    }
    for Packed { sha256, bytes } in parcels {
        blobs.put(bytes, Some(sha256)).map_err(database)?;
    }
    releases.put(value, Some(&key.into())).map_err(database)?;
    let kept = keys(&blobs).await.map_err(database)?;
    if let Some(gone) = release.blobs.iter().find(|s| !kept.contains(*s)) {
        return Err(incomplete(gone));
    }
    let all = releases.get_all(None, None).map_err(database)?.await.map_err(database)?;
    let all: Option<Vec<StoredRelease>> = all.iter().map(read_release).collect();
    // A release that this version cannot read may name any file: nothing is deleted then.
    let Some(all) = all else { return Ok(()) };
    for sha256 in kept.iter().filter(|s| !all.iter().any(|r| r.blobs.contains(s))) {
        blobs.delete(JsValue::from(sha256.as_str())).map_err(database)?;
    }
    Ok(())
}

async fn keys(store: &ObjectStore) -> Result<Vec<String>, idb::Error> {
    Ok(store.get_all_keys(None, None)?.await?.iter().filter_map(JsValue::as_string).collect())
}

async fn connect(name: &str) -> Result<Connection, idb::Error> {
    let mut request = Factory::new()?.open(name, Some(VERSION))?;
    request.on_upgrade_needed(|event| {
        // A store that cannot be made fails the first transaction, which names it.
        if let Ok(database) = event.database() {
            for store in [RELEASES, BLOBS] {
                let _ = database.create_object_store(store, ObjectStoreParams::new());
            }
        }
    });
    let mut database = request.await?;
    // Else this tab would block another one's upgrade until it is closed.
    database.on_version_change(|event| {
        if let Some(database) = event.target().and_then(|t| t.dyn_into::<IdbDatabase>().ok()) {
            database.close();
        }
    });
    Ok(Connection(database))
}

fn write_release(release: &StoredRelease) -> JsValue {
    let object = Object::new();
    let blobs: Array = release.blobs.iter().map(|s| JsValue::from(s.as_str())).collect();
    let fields: [(&str, JsValue); 3] = [
        ("releaseSeq", (release.release_seq as f64).into()),
        ("blobs", blobs.into()),
        ("metadata", Uint8Array::from(release.metadata.as_slice()).into()),
    ];
    for (name, value) in fields {
        // Setting a field of a fresh object cannot fail.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

fn read_release(value: &JsValue) -> Option<StoredRelease> {
    let field = |name: &str| Reflect::get(value, &name.into()).ok();
    Some(StoredRelease {
        release_seq: field("releaseSeq")?.as_f64()? as u64,
        blobs: field("blobs")?.dyn_into::<Array>().ok()?.iter().map(|v| v.as_string()).collect::<Option<_>>()?,
        metadata: field("metadata")?.dyn_into::<Uint8Array>().ok()?.to_vec(),
    })
}

fn is_too_new(error: &idb::Error) -> bool {
    matches!(error, idb::Error::DomException(e) if e.name() == "VersionError")
}

fn failed(error: &idb::Error) -> Error {
    if is_too_new(error) {
        let message = "this device's database was made by a newer version of the app: update the app (reload it)";
        return Error::new(ErrorKind::Storage, message);
    }
    Error::new(ErrorKind::Storage, format!("this device's storage failed: {error}"))
}
