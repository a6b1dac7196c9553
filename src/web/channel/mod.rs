//! The JavaScript surface: one channel.

mod connection;
mod diagnosis;
mod digest;
mod fetch;
mod indexed_db;
mod lessons;
mod network;
#[cfg(feature = "tract")]
mod onnx;
mod options;
mod storage;
mod unreachable_host;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Promise, Reflect};
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{AbortController, AbortSignal};

use crate::error::Result;
use crate::frame::Frame;
use crate::manifest::ModelType;
use crate::quality::{Assessor, Moment, Quality};
use crate::sync::{Loaded, Problem, Session};
use crate::web::failure::plain;
use crate::web::json::to_js;
use connection::ChildSignal;
use diagnosis::Report;
use fetch::FetchHost;
use options::Options;
use storage::Storage;

pub use indexed_db::IndexedDb;
pub use network::Network;
#[cfg(feature = "tract")]
pub use onnx::OnnxNetwork;

/// A channel opened in this browser. Methods may overlap: none holds a borrow while it waits. Syncs, refreshes and clears
/// run one after another.
#[wasm_bindgen]
pub struct Channel {
    session: Rc<Session<Storage>>,
    token: Option<Function>,
    stall: Duration,
    /// The last of them that was asked for; the next one waits for it.
    turn: RefCell<Promise>,
    /// Ends the syncs that were asked for so far.
    clearing: RefCell<AbortController>,
    assessor: RefCell<Assessor>,
}

#[wasm_bindgen]
impl Channel {
    /// Opens `channel` of the models below `models`, an absolute URL that ends in `/`, with what is stored of it.
    #[wasm_bindgen(unchecked_return_type = "Promise<Channel>")]
    pub fn open(
        models: String,
        channel: String,
        #[wasm_bindgen(unchecked_optional_param_type = "ChannelOptions")] options: JsValue,
    ) -> Promise {
        future_to_promise(async move {
            let open = async {
                let Options { sync, token, stall } = Options::read(&options)?;
                let session = Rc::new(Session::open(Storage::open().await?, &models, &channel, sync).await?);
                let turn = RefCell::new(Promise::resolve(&JsValue::UNDEFINED));
                let clearing = RefCell::new(controller());
                Ok(Channel { session, token, stall, turn, clearing, assessor: RefCell::default() })
            };
            open.await.map(JsValue::from).map_err(|e| plain(&e))
        })
    }

    /// Asks the host for a newer model and takes it; the old one answers meanwhile.
    #[wasm_bindgen(unchecked_return_type = "Promise<Synced>")]
    pub fn sync(
        &self,
        #[wasm_bindgen(js_name = onProgress, unchecked_param_type = "(loadedBytes: number, totalBytes: number) => void")]
        on_progress: Function,
        #[wasm_bindgen(js_name = onLoaded, unchecked_param_type = "(model: ModelInfo) => void")] on_loaded: Function,
        signal: Option<AbortSignal>,
    ) -> Promise {
        let parents = [Some(self.clearing.borrow().signal()), signal].into_iter().flatten().collect();
        let (child, token, stall) = (ChildSignal::new(parents), self.token.clone(), self.stall);
        self.in_turn(async move |session| {
            let host = FetchHost { signal: child.signal(), token, stall };
            sync(&session, &host, &on_progress, &on_loaded).await
        })
    }

    /// Loads a newer model from the device's store, where another tab put it, without asking the host. Whether another
    /// model answers now.
    #[wasm_bindgen(unchecked_return_type = "Promise<boolean>")]
    pub fn refresh(&self) -> Promise {
        self.in_turn(async |session| Ok(session.refresh().await?.into()))
    }

    /// Forgets the channel: its model, what is stored of it, and what was downloaded. Syncs end with `ABORTED`; other
    /// channels keep theirs.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn clear(&self) -> Promise {
        self.clearing.replace(controller()).abort();
        self.in_turn(async |session| session.clear().await.map(|()| JsValue::UNDEFINED))
    }

    /// The same where another tab has cleared it: only what this one has in memory.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn forget(&self) -> Promise {
        self.clearing.replace(controller()).abort();
        self.in_turn(async |session| {
            session.unload();
            Ok(JsValue::UNDEFINED)
        })
    }

    /// From now on these are the products that the app knows: others are marked and never win. Null knows all.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(js_name = setProducts)]
    pub fn set_products(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string[] | null")] ids: JsValue,
    ) -> Result<(), JsValue> {
        self.session.set_products(options::products(&ids).map_err(|e| plain(&e))?);
        Ok(())
    }

    /// Recognises what a frame of straight 8-bit RGBA shows, and on request assesses it as [`Channel::assess`] does. Frames
    /// `beside` it show the same, and answer together with it.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(unchecked_return_type = "Recognition")]
    pub fn recognize(
        &self,
        rgba: &[u8],
        width: u32,
        height: u32,
        quality: bool,
        video: Option<u32>,
        at: Option<f64>,
        #[wasm_bindgen(unchecked_optional_param_type = "Picture[]")] beside: Option<Array>,
    ) -> Result<JsValue, JsValue> {
        let recognize = || {
            let frame = Frame::new(width, height, rgba)?;
            let beside = lessons::pictures(beside);
            let others = beside.iter().map(|(rgba, width, height)| Frame::new(*width, *height, rgba));
            let frames = std::iter::once(Ok(frame)).chain(others).collect::<Result<Vec<_>>>()?;
            let answer = to_js(&self.session.recognize(&frames)?)?;
            let quality = if quality { quality_to_js(&self.quality(&frame, video, at))? } else { JsValue::NULL };
            // A plain object takes any field.
            let _ = Reflect::set(&answer, &"quality".into(), &quality);
            Ok(answer)
        };
        recognize().map_err(|e| plain(&e))
    }

    /// Assesses a frame of straight 8-bit RGBA, without a model. Those of a video say which and when, in milliseconds, and
    /// are told of their motion since the one before, be it recognised or assessed.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(unchecked_return_type = "Quality")]
    pub fn assess(
        &self,
        rgba: &[u8],
        width: u32,
        height: u32,
        video: Option<u32>,
        at: Option<f64>,
    ) -> Result<JsValue, JsValue> {
        let assess = || quality_to_js(&self.quality(&Frame::new(width, height, rgba)?, video, at));
        assess().map_err(|e| plain(&e))
    }

    /// What answers now, or null.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(unchecked_return_type = "ModelInfo | null")]
    pub fn model(&self) -> Result<JsValue, JsValue> {
        to_js(&self.session.loaded().as_deref().map(ModelInfo::new)).map_err(|e| plain(&e))
    }

    /// Describes the channel for a support person.
    #[wasm_bindgen(unchecked_return_type = "Promise<ChannelDiagnosis>")]
    pub fn diagnose(&self) -> Promise {
        let session = Rc::clone(&self.session);
        future_to_promise(async move { to_js(&Report::new(&session)).map_err(|e| plain(&e)) })
    }

    fn quality(&self, frame: &Frame<'_>, video: Option<u32>, at: Option<f64>) -> Quality {
        let moment = video.zip(at).map(|(video, at)| Moment { video, at });
        self.assessor.borrow_mut().assess(frame, moment)
    }

    fn in_turn(&self, work: impl AsyncFnOnce(Rc<Session<Storage>>) -> Result<JsValue> + 'static) -> Promise {
        let session = Rc::clone(&self.session);
        let previous = self.turn.borrow().clone();
        let promise = future_to_promise(async move {
            // How the previous one ended is its caller's business.
            let _ = JsFuture::from(previous).await;
            work(session).await.map_err(|e| plain(&e))
        });
        *self.turn.borrow_mut() = promise.clone();
        promise
    }
}

/// The code is there once.
#[inline(never)]
fn quality_to_js(quality: &Quality) -> Result<JsValue> {
    to_js(quality)
}

fn controller() -> AbortController {
    // The constructor cannot throw.
    AbortController::new().unwrap_throw()
}

async fn sync(
    session: &Session<Storage>,
    host: &FetchHost,
    on_progress: &Function,
    on_loaded: &Function,
) -> Result<JsValue> {
    let mut progress = |loaded: u64, total: u64| {
        // A progress display that throws must not cost the model.
        let _ = on_progress.call2(&JsValue::UNDEFINED, &(loaded as f64).into(), &(total as f64).into());
    };
    let mut loaded = |loaded: &Loaded| {
        let model = to_js(&ModelInfo::new(loaded));
        let _ = model.map(|model| on_loaded.call1(&JsValue::UNDEFINED, &model));
    };
    let outcome = session.sync(host, &mut progress, &mut loaded).await?;
    let loaded = session.loaded();
    let cause = session.last_check().and_then(|check| check.cause);
    to_js(&Synced { outcome: outcome.name(), cause, model: loaded.as_deref().map(ModelInfo::new) })
}

#[derive(Serialize)]
struct Synced<'a> {
    outcome: &'static str,
    cause: Option<Problem>,
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
    architecture: Option<&'a str>,
    bytes: u64,
    candidate: bool,
    stored: bool,
    stored_problem: Option<String>,
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
            architecture: manifest.architecture.as_deref(),
            bytes: manifest.total_bytes(),
            candidate: loaded.is_candidate(),
            stored: loaded.stored(),
            stored_problem: loaded.stored_problem(),
            facts: &manifest.facts,
        }
    }
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
  /** `embedding` (a network and heads) or `classifier` (one network with a value per label). */
  modelType: string;
  /** The network's family, as `mobilenetv2`; null where the release does not say. */
  architecture: string | null;
  /** Of the files that a device fetches. */
  bytes: number;
  /** Whether it is a release on trial, which only some devices take. */
  candidate: boolean;
  /** Whether it survives the page. */
  stored: boolean;
  /** Why not, for people. */
  storedProblem: string | null;
  /** By product, as the release says; what was taught comes by `lessons`. */
  facts: Record<string, Record<string, unknown>>;
}

/** What came of a sync. */
export interface Synced {
  outcome: 'updated' | 'current' | 'offline' | 'absent' | 'host-older' | 'expired';
  /** Why the host could not be reached, where the outcome is `offline`. */
  cause: Problem | null;
  model: ModelInfo | null;
}

/** One answer. */
export interface Recognition {
  decision: 'match' | 'unsure' | 'unknown';
  reason: 'confident' | 'low-confidence' | 'far-from-products' | 'no-product' | 'no-labels' | 'not-known';
  /** Those that the app does not know come after the others. */
  predictions: { label: string; confidence: number; known: boolean; taught: boolean }[];
  margin: number;
  rejectionScore: number;
  attributes: Record<string, { value: string | number | number[]; confidence: number | null; error?: number }>;
  score: number | null;
  version: string;
  /** Null where it was not asked for. */
  quality: Quality | null;
}

/** How usable a frame is. */
export interface Quality {
  scores: {
    tooDark: number;
    tooBright: number;
    glare: number;
    lowContrast: number;
    tooSmall: number;
    /** Absent without a frame before. */
    motion?: number;
    blur: number;
  };
  findings: { defect: Defect; score: number; limit: number; reason: string }[];
}

export type Defect = 'too-dark' | 'too-bright' | 'glare' | 'low-contrast' | 'too-small' | 'motion' | 'blur';
";
