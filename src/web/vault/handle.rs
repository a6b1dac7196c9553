//! The JavaScript surface: one vault.

use std::rc::Rc;

use js_sys::{Array, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use web_sys::{AbortSignal, Blob};

use crate::boundary::vault::{
    VaultAdded, VaultCompaction, VaultDamaged, VaultEntry, VaultExport, VaultImported, VaultPage, VaultPlainExport,
    VaultRotation,
};
use crate::error::{Error, ErrorKind, Result};
use crate::vault::{self, Entry, Kind, Query, Record, RecordId, Vault, to_csv, to_json};
use crate::web::failure::plain;
use crate::web::json::to_js;

use super::arguments::{self, Key, Location, OpenOptions, parse};
use super::browser::Browser;
use super::file::{ChosenFile, GrowingFile};
use super::storage::Storage;

/// Records that are read at once to be written in the clear.
const CHUNK: usize = 1000;

/// An unlocked vault. Methods may overlap.
#[wasm_bindgen]
pub struct VaultHandle {
    vault: Rc<Vault<Rc<Storage>, Browser>>,
    durable: bool,
    options: Rc<OpenOptions>,
}

#[wasm_bindgen]
impl VaultHandle {
    /// Opens the vault of that name, which is made when there is none. `settings` is JSON, as arguments.rs reads it.
    #[wasm_bindgen(unchecked_return_type = "Promise<VaultHandle>")]
    pub fn open(
        name: String,
        #[wasm_bindgen(unchecked_param_type = "VaultKey")] key: JsValue,
        settings: String,
    ) -> Promise {
        promise(async move {
            let (key, options) = (Key::read(&key)?, parse::<OpenOptions>("the options", &settings)?);
            options.check()?;
            let storage = Storage::open(options.memory).await?;
            let (device, durable) = (Browser(Rc::clone(&storage)), storage.durable());
            let vault = Rc::new(Vault::open(storage, device, &name, key.unlock(), options.settings()).await?);
            Ok(VaultHandle { vault, durable, options: Rc::new(options) }.into())
        })
    }

    /// Destroys the vault of that name, whoever has it open.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn destroy(name: String) -> Promise {
        promise(async move {
            let storage = Storage::open(true).await?;
            vault::destroy(&storage, &name).await.map(nothing)
        })
    }

    /// Overwrites the keys. Every later call fails.
    pub fn close(&self) {
        self.vault.close();
    }

    /// Whether records outlive the page.
    #[wasm_bindgen(getter)]
    pub fn durable(&self) -> bool {
        self.durable
    }

    /// Whether opening it has made it.
    #[wasm_bindgen(getter)]
    pub fn created(&self) -> bool {
        self.vault.created()
    }

    /// Adds a record, the JSON of one, with its blob. `location` is of a scan, the JSON of `{latitude, longitude}`: only
    /// its geohash is kept. Without an id it gets a random one.
    #[wasm_bindgen(unchecked_return_type = "Promise<VaultAdded>")]
    pub fn add(&self, record: String, blob: Option<Vec<u8>>, location: Option<String>, id: Option<String>) -> Promise {
        let (vault, options) = (Rc::clone(&self.vault), Rc::clone(&self.options));
        promise(async move {
            let mut record: Record = parse("the record", &record)?;
            options.locate(&mut record, location.as_deref())?;
            let (id, added) = match id {
                Some(id) => {
                    let id: RecordId = id.parse()?;
                    (id, vault.add_as(id, &record, blob.as_deref()).await?)
                }
                None => (vault.add(&record, blob.as_deref()).await?, true),
            };
            to_js(&VaultAdded { id: id.to_string(), added })
        })
    }

    /// The record of that id with its blob, or null.
    #[wasm_bindgen(unchecked_return_type = "Promise<VaultEntry | null>")]
    pub fn get(&self, id: String) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move { vault.get(id.parse()?).await?.as_ref().map_or(Ok(JsValue::NULL), entry) })
    }

    /// Some records. `query` is JSON, as arguments.rs reads it.
    #[wasm_bindgen(unchecked_return_type = "Promise<VaultPage>")]
    pub fn list(&self, query: String) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move {
            let page = vault.list(&arguments::query(&query)?).await?;
            let damaged = VaultDamaged::list(&page.damaged);
            let listed = to_js(&VaultPage { damaged, next: page.next.map(arguments::bookmark) })?;
            let records = page.entries.iter().map(entry).collect::<Result<Array>>()?;
            set(&listed, "records", &records.into())
        })
    }

    /// Deletes the record of that id. Whether there was one.
    #[wasm_bindgen(unchecked_return_type = "Promise<boolean>")]
    pub fn delete(&self, id: String) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move { Ok(vault.delete(id.parse()?).await?.into()) })
    }

    /// The geohash that a scan at this place would get.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    pub fn geohash(&self, latitude: f64, longitude: f64) -> std::result::Result<String, JsValue> {
        let geohash = Location { latitude, longitude }.geohash(&self.options).map_err(|e| plain(&e))?;
        Ok(geohash.as_str().to_owned())
    }

    /// Locks the vault by something else.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn relock(&self, #[wasm_bindgen(unchecked_param_type = "VaultKey")] key: JsValue) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move { vault.relock(Key::read(&key)?.unlock()).await.map(nothing) })
    }

    /// Seals every record with a new key.
    #[wasm_bindgen(unchecked_return_type = "Promise<VaultRotation>")]
    pub fn rotate(&self) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move { to_js(&VaultRotation::from(&vault.rotate().await?)) })
    }

    /// What is to be done now and then: retention, and the rest of a rotation that was begun.
    #[wasm_bindgen(js_name = keepUp, unchecked_return_type = "Promise<void>")]
    pub fn keep_up(&self) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move { vault.keep_up().await.map(nothing) })
    }

    /// Applies retention, finishes a rotation and counts anew.
    #[wasm_bindgen(unchecked_return_type = "Promise<VaultCompaction>")]
    pub fn compact(&self) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move { to_js(&VaultCompaction::from(&vault.compact().await?)) })
    }

    /// One encrypted file of every record.
    #[wasm_bindgen(unchecked_return_type = "Promise<VaultExport>")]
    pub fn export(&self, #[wasm_bindgen(unchecked_param_type = "VaultKey")] key: JsValue) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move {
            let key = Key::read(&key)?;
            let mut file = GrowingFile::default();
            let exported = vault.export(key.passphrase()?, async |piece: &[u8]| file.push(piece)).await?;
            let damaged = VaultDamaged::list(&exported.damaged);
            let object = to_js(&VaultExport { records: exported.records, damaged })?;
            set(&object, "file", &file.finish()?)
        })
    }

    /// Every record that `query` asks for, whatever its limit, in the clear: `json`, or `csv` of scans.
    #[wasm_bindgen(js_name = exportPlain, unchecked_return_type = "Promise<VaultPlainExport>")]
    pub fn export_plain(&self, format: String, query: String) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move {
            let (mut entries, mut lost) = (Vec::new(), Vec::new());
            let mut query = Query { limit: CHUNK, blobs: false, ..arguments::query(&query)? };
            if format == "csv" && query.kind != Kind::Scan {
                return Err(Error::new(ErrorKind::InvalidArgument, "only scans are written as CSV"));
            }
            loop {
                let page = vault.list(&query).await?;
                entries.extend(page.entries);
                lost.extend(page.damaged);
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            let text = match &*format {
                "csv" => to_csv(&entries),
                "json" => to_json(&entries).to_string(),
                _ => return Err(Error::new(ErrorKind::InvalidArgument, format!("`{format}` is neither json nor csv"))),
            };
            to_js(&VaultPlainExport { text, damaged: VaultDamaged::list(&lost) })
        })
    }

    /// Adds every record of an exported file that is not there yet. An abort ends it between two pieces of the file.
    #[wasm_bindgen(unchecked_return_type = "Promise<VaultImported>")]
    pub fn import(
        &self,
        file: Blob,
        #[wasm_bindgen(unchecked_param_type = "VaultKey")] key: JsValue,
        signal: Option<AbortSignal>,
    ) -> Promise {
        let vault = Rc::clone(&self.vault);
        promise(async move {
            let imported = vault.import(&ChosenFile { file, signal }, Key::read(&key)?.passphrase()?).await?;
            let vault::Imported { added, present, left_out } = imported;
            to_js(&VaultImported { added, present, left_out })
        })
    }

    /// What the vault tells of itself.
    #[wasm_bindgen(unchecked_return_type = "Promise<VaultDiagnosis>")]
    pub fn diagnose(&self) -> Promise {
        let (vault, durable) = (Rc::clone(&self.vault), self.durable);
        promise(async move { set(&to_js(&vault.diagnose().await?)?, "durable", &durable.into()) })
    }
}

pub(super) fn promise(work: impl Future<Output = Result<JsValue>> + 'static) -> Promise {
    future_to_promise(async move { work.await.map_err(|e| plain(&e)) })
}

fn nothing((): ()) -> JsValue {
    JsValue::UNDEFINED
}

fn set(object: &JsValue, name: &str, value: &JsValue) -> Result<JsValue> {
    // Setting a field of a fresh object cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
    Ok(object.clone())
}

fn entry(entry: &Entry) -> Result<JsValue> {
    let Entry { id, time, record, blob_bytes, blob } = entry;
    let object = to_js(&VaultEntry { id: id.to_string(), time: *time, blob_bytes: *blob_bytes, record })?;
    set(&object, "blob", &blob.as_deref().map(Uint8Array::from).into())
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("../../boundary/types/vault.d.ts");
