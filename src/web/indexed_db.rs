//! The store over IndexedDB: database `jicho`, object stores `releases`, `blobs` and `state` (docs/formats/device.md).
//!
//! A transaction commits by itself as soon as it has nothing to do, so between its begin and its end nothing is
//! awaited but its own requests, and everything to write is made ready before it begins.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use idb::{Database, DatabaseEvent, Factory, ObjectStore, ObjectStoreParams, Transaction, TransactionMode};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbTransaction};

use super::failure::describe;
use super::random;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Rank, Store, StoredRelease, incomplete};

const NAME: &str = "jicho";
/// 1: `releases` and `blobs`. 2: `state`; in releases `latestSeq` and `etag`, which may be missing.
pub(super) const VERSION: u32 = 2;
const RELEASES: &str = "releases";
const BLOBS: &str = "blobs";
const STATE: &str = "state";
const STORES: [&str; 3] = [RELEASES, BLOBS, STATE];
/// In `state`.
const DEVICE: &str = "device";

/// Releases and files in this origin's IndexedDB.
pub struct IndexedDb {
    name: String,
    connection: RefCell<Option<Rc<Connection>>>,
}

/// Closed when dropped, so that its handlers cannot be called afterwards.
struct Connection(Database);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What is done in a transaction.
type Work<'a> = dyn Fn(Transaction) -> LocalBoxFuture<'a, Result<(), Fault>> + 'a;

/// What went wrong in a transaction.
enum Fault {
    /// As the database tells, a DOMException's name first.
    Database(String),
    /// Found out by this side.
    Own(Error),
}

impl From<idb::Error> for Fault {
    fn from(error: idb::Error) -> Self {
        Fault::Database(error.to_string())
    }
}

impl Fault {
    /// Whether the connection is to blame, and another one may do: closed by the browser, or Safari's "Connection to
    /// Indexed Database server lost".
    fn is_of_the_connection(&self) -> bool {
        let names = ["InvalidStateError", "UnknownError", "AbortError", "TransactionInactiveError"];
        matches!(self, Fault::Database(what) if names.iter().any(|name| what.contains(name)))
    }

    /// Whether this browser allows no database here, now or later.
    fn is_of_the_browser(&self) -> bool {
        matches!(self, Fault::Database(what) if what.contains("SecurityError")) || Factory::new().is_err()
    }

    fn is_too_new(&self) -> bool {
        matches!(self, Fault::Database(what) if what.contains("VersionError"))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        if fault.is_too_new() {
            let message = "this device's database was made by a newer version of the app: update the app (reload it)";
            return Error::new(ErrorKind::Storage, message);
        }
        match fault {
            Fault::Database(what) => Error::new(ErrorKind::Storage, format!("this device's storage failed: {what}")),
            Fault::Own(error) => error,
        }
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
        let mut connection = connect(name).await;
        if connection.as_ref().err().is_some_and(Fault::is_of_the_connection) {
            connection = connect(name).await;
        }
        match connection {
            Ok(connection) => {
                Ok(Some(IndexedDb { name: name.to_owned(), connection: RefCell::new(Some(Rc::new(connection))) }))
            }
            Err(fault) if fault.is_too_new() => Err(fault.into()),
            Err(fault) if fault.is_of_the_browser() => Ok(None),
            // It may pass: every transaction tries again.
            Err(_) => Ok(Some(IndexedDb { name: name.to_owned(), connection: RefCell::default() })),
        }
    }

    /// Does `work` in one transaction; a second time over another connection where the first is lost. Nothing of a
    /// transaction that failed stays.
    async fn within<T>(
        &self,
        mode: TransactionMode,
        work: impl AsyncFn(&Transaction) -> Result<T, Fault>,
    ) -> Result<T> {
        let value = RefCell::new(None);
        // Boxed, so that what is around it is there once in the module and not once for each kind of work.
        let work = |transaction| -> LocalBoxFuture<'_, Result<(), Fault>> {
            let (work, value) = (&work, &value);
            Box::pin(async move {
                value.replace(Some(work(&transaction).await?));
                Ok(())
            })
        };
        self.twice(mode, &work).await?;
        value.take().ok_or_else(|| Error::new(ErrorKind::Internal, "a transaction without a result"))
    }

    async fn twice(&self, mode: TransactionMode, work: &Work<'_>) -> Result<(), Fault> {
        match self.attempt(mode, work).await {
            Err(fault) if fault.is_of_the_connection() => {
                self.connection.take();
                self.attempt(mode, work).await
            }
            ended => ended,
        }
    }

    async fn attempt(&self, mode: TransactionMode, work: &Work<'_>) -> Result<(), Fault> {
        let transaction = IdbTransaction::from(self.begin(mode).await?);
        // Its own error says more than that of a request, which often only says that the transaction was aborted.
        let why = |fault: Fault| transaction.error().map_or(fault, |error| Fault::Database(describe(&error)));
        if let Err(fault) = work(transaction.clone().into()).await {
            // Only fails where the transaction has aborted already.
            let _ = transaction.abort();
            return Err(if matches!(fault, Fault::Own(_)) { fault } else { why(fault) });
        }
        if mode == TransactionMode::ReadOnly {
            return Ok(());
        }
        let ended = Transaction::from(transaction.clone()).await;
        // After an error event comes an abort event, when its handler is gone already.
        transaction.set_onabort(None);
        match ended {
            Ok(result) if result.is_committed() => Ok(()),
            Ok(_) => Err(why(Fault::Database("AbortError: the transaction was aborted".into()))),
            Err(error) => Err(why(error.into())),
        }
    }

    /// Begins a transaction. A connection that was closed (another tab's upgrade, the browser itself) is opened anew.
    async fn begin(&self, mode: TransactionMode) -> Result<Transaction, Fault> {
        let held = self.connection.borrow().clone();
        if let Some(transaction) = held.and_then(|connection| connection.0.transaction(&STORES, mode).ok()) {
            return Ok(transaction);
        }
        let connection = Rc::new(connect(&self.name).await?);
        self.connection.replace(Some(Rc::clone(&connection)));
        Ok(connection.0.transaction(&STORES, mode)?)
    }

    async fn get(&self, store: &str, key: &str) -> Result<Option<JsValue>> {
        let read = async |transaction: &Transaction| {
            Ok(transaction.object_store(store)?.get(JsValue::from(key))?.await?.filter(|value| !value.is_undefined()))
        };
        self.within(TransactionMode::ReadOnly, read).await
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
        let kept = async |transaction: &Transaction| keys(&transaction.object_store(BLOBS)?).await;
        let kept = self.within(TransactionMode::ReadOnly, kept).await?;
        Ok(sha256s.iter().filter(|s| !kept.contains(*s)).cloned().collect())
    }

    type Parcel = JsValue;

    fn pack(&self, bytes: &[u8]) -> JsValue {
        Uint8Array::from(bytes).into()
    }

    async fn activate(
        &self,
        key: &str,
        release: &StoredRelease,
        distrusted: Option<Rank>,
        parcels: &[(String, JsValue)],
    ) -> Result<bool> {
        let value = write_release(release);
        let write = async |transaction: &Transaction| {
            let releases = transaction.object_store(RELEASES)?;
            let blobs = transaction.object_store(BLOBS)?;
            let current = releases.get(JsValue::from(key))?.await?;
            let current = current.as_ref().and_then(read_release).map(|r| r.rank);
            if current > Some(release.rank) && current != distrusted {
                return Ok(false);
            }
            for (sha256, bytes) in parcels {
                blobs.put(bytes, Some(&sha256.as_str().into()))?;
            }
            releases.put(&value, Some(&key.into()))?;
            let kept = keys(&blobs).await?;
            if let Some(gone) = release.blobs.iter().find(|s| !kept.contains(*s)) {
                return Err(Fault::Own(incomplete(gone)));
            }
            sweep(&releases, &blobs).await?;
            Ok(true)
        };
        let stored = self.within(TransactionMode::ReadWrite, write).await;
        stored.map_err(|e| e.context("the release could not be stored"))
    }

    async fn remove(&self, key: &str) -> Result<()> {
        let remove = async |transaction: &Transaction| {
            let releases = transaction.object_store(RELEASES)?;
            releases.delete(JsValue::from(key))?.await?;
            sweep(&releases, &transaction.object_store(BLOBS)?).await
        };
        self.within(TransactionMode::ReadWrite, remove).await
    }

    async fn device(&self) -> Result<[u8; 16]> {
        let number = |value: JsValue| value.dyn_into::<Uint8Array>().ok()?.to_vec().try_into().ok();
        if let Some(device) = self.get(STATE, DEVICE).await?.and_then(number) {
            return Ok(device);
        }
        let fresh = random::bytes();
        let make = async |transaction: &Transaction| {
            let state = transaction.object_store(STATE)?;
            // Another tab may have been faster.
            if let Some(device) = state.get(JsValue::from(DEVICE))?.await?.and_then(number) {
                return Ok(device);
            }
            state.put(&Uint8Array::from(&fresh[..]), Some(&DEVICE.into()))?.await?;
            Ok(fresh)
        };
        self.within(TransactionMode::ReadWrite, make).await
    }
}

/// Deletes every file that no release names.
async fn sweep(releases: &ObjectStore, blobs: &ObjectStore) -> Result<(), Fault> {
    let all = releases.get_all(None, None)?.await?;
    let all: Option<Vec<StoredRelease>> = all.iter().map(read_release).collect();
    // A release that this version cannot read may name any file: nothing is deleted then.
    let Some(all) = all else { return Ok(()) };
    for sha256 in keys(blobs).await?.iter().filter(|s| !all.iter().any(|r| r.blobs.contains(s))) {
        blobs.delete(JsValue::from(sha256.as_str()))?;
    }
    Ok(())
}

async fn keys(store: &ObjectStore) -> Result<Vec<String>, Fault> {
    Ok(store.get_all_keys(None, None)?.await?.iter().filter_map(JsValue::as_string).collect())
}

async fn connect(name: &str) -> Result<Connection, Fault> {
    let mut request = Factory::new()?.open(name, Some(VERSION))?;
    request.on_upgrade_needed(|event| {
        // A store that cannot be made fails the first transaction, which names it. Those of an older version stay.
        if let Ok(database) = event.database() {
            let there = database.store_names();
            for store in STORES.iter().filter(|store| !there.iter().any(|name| name == *store)) {
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
    let fields: [(&str, JsValue); 5] = [
        ("releaseSeq", (release.rank.release as f64).into()),
        ("latestSeq", (release.rank.latest as f64).into()),
        ("blobs", blobs.into()),
        ("metadata", Uint8Array::from(release.metadata.as_slice()).into()),
        ("etag", release.etag.as_deref().into()),
    ];
    for (name, value) in fields {
        // Setting a field of a fresh object cannot fail.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

fn read_release(value: &JsValue) -> Option<StoredRelease> {
    let field = |name: &str| Reflect::get(value, &name.into()).ok();
    let number = |name: &str| Some(field(name)?.as_f64()? as u64);
    let release = number("releaseSeq")?;
    Some(StoredRelease {
        rank: Rank { latest: number("latestSeq").unwrap_or(release), release },
        blobs: field("blobs")?.dyn_into::<Array>().ok()?.iter().map(|v| v.as_string()).collect::<Option<_>>()?,
        metadata: field("metadata")?.dyn_into::<Uint8Array>().ok()?.to_vec(),
        etag: field("etag").and_then(|etag| etag.as_string()),
    })
}
