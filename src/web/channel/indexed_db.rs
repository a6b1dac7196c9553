//! The store over IndexedDB: database `jicho`, object stores `releases`, `blobs`, `state` and `lessons`
//! (docs/formats/device.md).
//!
//! As [`Database`] demands, everything that is to be written is prepared before a transaction begins.

use idb::{KeyRange, ObjectStore, ObjectStoreParams, Query, Transaction};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use crate::error::Result;
use crate::sync::{Rank, Store, StoredRelease, incomplete};
use crate::web::database::{Database, Fault, Mode, Schema};
use crate::web::random;

const NAME: &str = "jicho";
/// 1: `releases` and `blobs`. 2: `state`; in releases `latestSeq`, `etag` and `expires`, which may be missing. 3: `lessons`.
pub(super) const VERSION: u32 = 3;
const RELEASES: &str = "releases";
const BLOBS: &str = "blobs";
const STATE: &str = "state";
const LESSONS: &str = "lessons";
const SCHEMA: Schema = Schema {
    version: VERSION,
    stores: &[RELEASES, BLOBS, STATE, LESSONS],
    make: |database, store| database.create_object_store(store, ObjectStoreParams::new()).map(drop),
};
/// The key of the device's random number in `state`.
const DEVICE: &str = "device";

/// Releases and files in this origin's IndexedDB.
pub struct IndexedDb(Database);

impl IndexedDb {
    /// Opens the database, and creates it where there is none. `None` where this browser allows no IndexedDB here.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`] when a newer version of the app has changed the database's schema.
    pub async fn open() -> Result<Option<Self>> {
        Self::open_named(NAME).await
    }

    /// As [`IndexedDb::open`], in a database of another name.
    ///
    /// # Errors
    /// As [`IndexedDb::open`].
    pub async fn open_named(name: &str) -> Result<Option<Self>> {
        Ok(Database::open(name, &SCHEMA).await?.map(IndexedDb))
    }

    /// Every lesson of the channel `key`: arrays of its id and its bytes, which stay JavaScript's.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`].
    pub async fn lessons(&self, key: &str) -> Result<Array> {
        let read = async |transaction: &Transaction| {
            let store = transaction.object_store(LESSONS)?;
            let keys = store.get_all_keys(Some(Query::from(lessons_of(key)?)), None)?.await?;
            let values = store.get_all(Some(Query::from(lessons_of(key)?)), None)?.await?;
            let id = |of: &JsValue| of.as_string().map(|of| of[lesson_key(key, "").len()..].to_owned());
            let pair = |(of, bytes): (&JsValue, JsValue)| JsValue::from(Array::of2(&id(of).into(), &bytes));
            Ok(keys.iter().zip(values).map(pair).collect())
        };
        self.0.within(Mode::Read, read).await
    }

    /// In one transaction: puts lessons, as [`IndexedDb::lessons`] gives them, in the place of those of the same id, and
    /// deletes those of the ids `gone`. It is on the disk then.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`]; nothing has changed.
    pub async fn keep_lessons(&self, key: &str, lessons: &Array, gone: &[String]) -> Result<()> {
        let write = async |transaction: &Transaction| {
            let store = transaction.object_store(LESSONS)?;
            for lesson in lessons.iter().map(|pair| Array::from(&pair)) {
                let id = lesson.get(0).as_string().unwrap_or_default();
                store.put(&lesson.get(1), Some(&lesson_key(key, &id).into()))?;
            }
            for id in gone {
                store.delete(JsValue::from(lesson_key(key, id)))?;
            }
            Ok(())
        };
        let kept = self.0.within(Mode::WriteThrough, write).await;
        kept.map_err(|e| e.context("the lesson could not be kept"))
    }

    async fn get(&self, store: &str, key: &str) -> Result<Option<JsValue>> {
        let read = async |transaction: &Transaction| {
            Ok(transaction.object_store(store)?.get(JsValue::from(key))?.await?.filter(|value| !value.is_undefined()))
        };
        self.0.within(Mode::Read, read).await
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
        let kept = self.0.within(Mode::Read, kept).await?;
        Ok(sha256s.iter().filter(|s| !kept.contains(*s)).cloned().collect())
    }

    type StagedBlob = JsValue;

    fn stage(&self, bytes: &[u8]) -> JsValue {
        Uint8Array::from(bytes).into()
    }

    async fn activate(
        &self,
        key: &str,
        release: &StoredRelease,
        distrusted: Option<Rank>,
        staged: &[(String, JsValue)],
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
            for (sha256, bytes) in staged {
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
        let stored = self.0.within(Mode::Write, write).await;
        stored.map_err(|e| e.context("the release could not be stored"))
    }

    async fn notes(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let bytes = |value: JsValue| Some(value.dyn_into::<Uint8Array>().ok()?.to_vec());
        Ok(self.get(STATE, &notes_key(key)).await?.and_then(bytes))
    }

    async fn put_notes(&self, key: &str, notes: &[u8]) -> Result<()> {
        let value = Uint8Array::from(notes);
        let write = async |transaction: &Transaction| {
            transaction.object_store(STATE)?.put(&value, Some(&notes_key(key).into()))?.await?;
            Ok(())
        };
        self.0.within(Mode::Write, write).await
    }

    async fn remove(&self, key: &str) -> Result<()> {
        let remove = async |transaction: &Transaction| {
            let releases = transaction.object_store(RELEASES)?;
            releases.delete(JsValue::from(key))?.await?;
            transaction.object_store(STATE)?.delete(JsValue::from(notes_key(key)))?;
            transaction.object_store(LESSONS)?.delete(Query::from(lessons_of(key)?))?;
            sweep(&releases, &transaction.object_store(BLOBS)?).await
        };
        self.0.within(Mode::Write, remove).await
    }

    async fn device(&self) -> Result<[u8; 16]> {
        let number = |value: JsValue| value.dyn_into::<Uint8Array>().ok()?.to_vec().try_into().ok();
        if let Some(device) = self.get(STATE, DEVICE).await?.and_then(number) {
            return Ok(device);
        }
        let fresh = random::bytes();
        let make = async |transaction: &Transaction| {
            let state = transaction.object_store(STATE)?;
            // Another tab may have created it meanwhile.
            if let Some(device) = state.get(JsValue::from(DEVICE))?.await?.and_then(number) {
                return Ok(device);
            }
            state.put(&Uint8Array::from(&fresh[..]), Some(&DEVICE.into()))?.await?;
            Ok(fresh)
        };
        self.0.within(Mode::Write, make).await
    }
}

/// Where `state` has the notes of the channel `key`. Every channel's key holds `://`, so none is [`DEVICE`].
fn notes_key(key: &str) -> String {
    format!("notes {key}")
}

/// The key of a lesson. Neither a channel's key nor an id contains a blank.
fn lesson_key(key: &str, id: &str) -> String {
    format!("{key} {id}")
}

fn lessons_of(key: &str) -> Result<KeyRange, Fault> {
    let (from, until) = (lesson_key(key, ""), format!("{key}!"));
    Ok(KeyRange::bound(&from.into(), &until.into(), None, Some(true))?)
}

/// Evicts every file that no release names.
async fn sweep(releases: &ObjectStore, blobs: &ObjectStore) -> Result<(), Fault> {
    let all = releases.get_all(None, None)?.await?;
    let all: Option<Vec<StoredRelease>> = all.iter().map(read_release).collect();
    // A release that this version cannot read may name any file, so nothing is evicted then.
    let Some(all) = all else { return Ok(()) };
    for sha256 in keys(blobs).await?.iter().filter(|s| !all.iter().any(|r| r.blobs.contains(s))) {
        blobs.delete(JsValue::from(sha256.as_str()))?;
    }
    Ok(())
}

async fn keys(store: &ObjectStore) -> Result<Vec<String>, Fault> {
    Ok(store.get_all_keys(None, None)?.await?.iter().filter_map(JsValue::as_string).collect())
}

fn write_release(release: &StoredRelease) -> JsValue {
    let object = Object::new();
    let blobs: Array = release.blobs.iter().map(|s| JsValue::from(s.as_str())).collect();
    let fields: [(&str, JsValue); 6] = [
        ("releaseSeq", (release.rank.release as f64).into()),
        ("latestSeq", (release.rank.latest as f64).into()),
        ("blobs", blobs.into()),
        ("metadata", Uint8Array::from(release.metadata.as_slice()).into()),
        ("etag", release.etag.as_deref().into()),
        ("expires", release.expires.map(|seconds| seconds as f64).into()),
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
        expires: number("expires"),
    })
}
