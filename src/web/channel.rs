//! The JavaScript surface: one channel.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::{Function, JSON, Promise};
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::AbortSignal;

use super::failure::{describe, plain};
use super::fetch::FetchHost;
use super::storage::Storage;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::manifest::ModelType;
use crate::sync::{Loaded, Session};

/// A channel opened in this browser. Methods may overlap: none holds a borrow while it waits.
#[wasm_bindgen]
pub struct Channel {
    session: Rc<Session<Storage>>,
    /// The last sync that was asked for; the next one waits for it.
    turn: RefCell<Promise>,
}

#[wasm_bindgen]
impl Channel {
    /// Opens `channel` of the models below `models`, an absolute URL that ends in `/`, with what is stored of it.
    #[wasm_bindgen(unchecked_return_type = "Promise<Channel>")]
    pub fn open(models: String, channel: String) -> Promise {
        future_to_promise(async move {
            let opened = async { Session::open(Storage::open().await?, &models, &channel).await }.await;
            let session = Rc::new(opened.map_err(|e| plain(&e))?);
            let turn = RefCell::new(Promise::resolve(&JsValue::UNDEFINED));
            Ok(Channel { session, turn }.into())
        })
    }

    /// Asks the host for a newer model and takes it; the old one answers meanwhile. Syncs that overlap run one after
    /// another.
    #[wasm_bindgen(unchecked_return_type = "Promise<Synced>")]
    pub fn sync(
        &self,
        #[wasm_bindgen(js_name = onProgress, unchecked_param_type = "(loadedBytes: number, totalBytes: number) => void")]
        on_progress: Function,
        #[wasm_bindgen(js_name = onLoaded, unchecked_param_type = "(model: ModelInfo) => void")] on_loaded: Function,
        signal: Option<AbortSignal>,
    ) -> Promise {
        let session = Rc::clone(&self.session);
        let previous = self.turn.borrow().clone();
        let promise = future_to_promise(async move {
            // How the previous sync ended is its caller's business.
            let _ = JsFuture::from(previous).await;
            let synced = sync(&session, &on_progress, &on_loaded, signal).await;
            synced.map_err(|e| plain(&e))
        });
        *self.turn.borrow_mut() = promise.clone();
        promise
    }

    /// Recognises what a frame of straight 8-bit RGBA shows.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(unchecked_return_type = "Recognition")]
    pub fn recognize(&self, rgba: &[u8], width: u32, height: u32) -> Result<JsValue, JsValue> {
        let recognize = || to_js(&self.session.recognize(&Frame::new(width, height, rgba)?)?);
        recognize().map_err(|e| plain(&e))
    }

    /// What answers now, or null.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(unchecked_return_type = "ModelInfo | null")]
    pub fn model(&self) -> Result<JsValue, JsValue> {
        to_js(&self.session.loaded().as_deref().map(ModelInfo::new)).map_err(|e| plain(&e))
    }
}

async fn sync(
    session: &Session<Storage>,
    on_progress: &Function,
    on_loaded: &Function,
    signal: Option<AbortSignal>,
) -> Result<JsValue> {
    if signal.as_ref().is_some_and(AbortSignal::aborted) {
        return Err(Error::new(ErrorKind::Aborted, "aborted by the caller"));
    }
    let mut progress = |loaded: u64, total: u64| {
        // A progress display that throws must not cost the model.
        let _ = on_progress.call2(&JsValue::UNDEFINED, &(loaded as f64).into(), &(total as f64).into());
    };
    let mut loaded = |loaded: &Loaded| {
        let model = to_js(&ModelInfo::new(loaded));
        let _ = model.map(|model| on_loaded.call1(&JsValue::UNDEFINED, &model));
    };
    let outcome = session.sync(&FetchHost { signal }, &mut progress, &mut loaded).await?;
    let loaded = session.loaded();
    to_js(&Synced { outcome: outcome.name(), model: loaded.as_deref().map(ModelInfo::new) })
}

#[derive(Serialize)]
struct Synced<'a> {
    outcome: &'static str,
    model: Option<ModelInfo<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelInfo<'a> {
    channel: &'a str,
    version: &'a str,
    release_seq: u64,
    trained_at: &'a str,
    product_count: usize,
    image_count: usize,
    labels: &'a [String],
    accuracy: Option<f64>,
    image_size: usize,
    model_type: ModelType,
    bytes: u64,
    stored: bool,
    facts: &'a BTreeMap<String, BTreeMap<String, Value>>,
}

impl<'a> ModelInfo<'a> {
    fn new(loaded: &'a Loaded) -> Self {
        let manifest = loaded.manifest();
        ModelInfo {
            channel: &manifest.channel_id,
            version: &manifest.version,
            release_seq: manifest.release_seq,
            trained_at: &manifest.trained_at,
            product_count: manifest.product_count,
            image_count: manifest.image_count,
            labels: &manifest.labels,
            accuracy: manifest.accuracy,
            image_size: manifest.image_size,
            model_type: manifest.model_type,
            bytes: manifest.total_bytes(),
            stored: loaded.stored(),
            facts: &manifest.facts,
        }
    }
}

/// Plain data: objects, arrays, strings, numbers, booleans, null. Through JSON text, which takes any integer that a
/// fact may hold and gives an `f32` the digits that the companion prints.
fn to_js(value: &impl Serialize) -> Result<JsValue> {
    let text = serde_json::to_string(value).map_err(|e| e.to_string());
    text.and_then(|text| JSON::parse(&text).map_err(|thrown| describe(&thrown)))
        .map_err(|e| Error::new(ErrorKind::Internal, format!("a result cannot be given to JavaScript: {e}")))
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r"
/** What answers for a channel. */
export interface ModelInfo {
  channel: string;
  version: string;
  releaseSeq: number;
  /** ISO 8601, UTC. */
  trainedAt: string;
  productCount: number;
  imageCount: number;
  labels: string[];
  /** Top-1 on photos held out of training, 0–1; null where none could be. */
  accuracy: number | null;
  imageSize: number;
  modelType: string;
  /** Of all its files. */
  bytes: number;
  /** Whether it survives the page. */
  stored: boolean;
  facts: Record<string, Record<string, unknown>>;
}

/** What came of a sync. */
export interface Synced {
  outcome: 'updated' | 'current' | 'offline' | 'absent';
  model: ModelInfo | null;
}

/** One answer. */
export interface Recognition {
  decision: 'match' | 'unsure' | 'unknown';
  reason: 'confident' | 'low-confidence' | 'far-from-products' | 'no-product' | 'no-labels';
  predictions: { label: string; confidence: number }[];
  margin: number;
  rejectionScore: number;
  attributes: Record<string, { value: string | number | number[]; confidence: number | null; error?: number }>;
  score: number | null;
  version: string;
}
";
