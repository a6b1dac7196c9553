//! The JavaScript surface of a channel.

mod connection;
mod diagnosis;
mod digest;
mod fetch;
mod frame;
mod indexed_db;
mod lessons;
mod network;
#[cfg(feature = "tract")]
mod onnx;
mod options;
mod storage;
mod unreachable_host;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{AbortController, AbortSignal};

use crate::boundary::channel::{ModelInfo, Synced};
use crate::error::Result;
use crate::frame::Frame;
use crate::quality::{Assessor, Quality};
use crate::sync::{Loaded, Session};
use crate::web::failure::plain;
use crate::web::json::to_js;
use connection::FollowingAbort;
use fetch::FetchHost;
use frame::{FrameBytes, field};
use options::Options;
use storage::Storage;

pub use indexed_db::IndexedDb;
pub use network::Network;
#[cfg(feature = "tract")]
pub use onnx::OnnxNetwork;

/// A channel opened in this browser. Methods may overlap: none holds a borrow across an await. Syncs, refreshes, clears
/// and unloads are serialised.
#[wasm_bindgen]
pub struct Channel {
    session: Rc<Session<Storage>>,
    token: Option<Function>,
    stall: Duration,
    /// The last serialised call; the next one waits for it.
    last_call: RefCell<Promise>,
    /// Cancels the syncs that were asked for so far.
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
                let last_call = RefCell::new(Promise::resolve(&JsValue::UNDEFINED));
                let clearing = RefCell::new(controller());
                Ok(Channel { session, token, stall, last_call, clearing, assessor: RefCell::default() })
            };
            open.await.map(JsValue::from).map_err(|e| plain(&e))
        })
    }

    /// Asks the host for a newer model and loads it; the old one answers meanwhile.
    #[wasm_bindgen(unchecked_return_type = "Promise<Synced>")]
    pub fn sync(
        &self,
        #[wasm_bindgen(js_name = onProgress, unchecked_param_type = "(loadedBytes: number, totalBytes: number) => void")]
        on_progress: Function,
        #[wasm_bindgen(js_name = onLoaded, unchecked_param_type = "(model: ModelInfo) => void")] on_loaded: Function,
        signal: Option<AbortSignal>,
    ) -> Promise {
        let parents = [Some(self.clearing.borrow().signal()), signal].into_iter().flatten().collect();
        let (abort, token, stall) = (FollowingAbort::new(parents), self.token.clone(), self.stall);
        self.serialised(async move |session| {
            let host = FetchHost { signal: abort.signal(), token, stall };
            sync(&session, &host, &on_progress, &on_loaded).await
        })
    }

    /// Loads a newer model from the device's store, where another tab put it, without asking the host. Whether another
    /// model answers now.
    #[wasm_bindgen(unchecked_return_type = "Promise<boolean>")]
    pub fn refresh(&self) -> Promise {
        self.serialised(async |session| Ok(session.refresh().await?.into()))
    }

    /// Removes the channel from memory and from this browser's storage: its model, its lessons, and what was downloaded.
    /// Running syncs end with `ABORTED`. Other channels are not affected.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn clear(&self) -> Promise {
        self.clearing.replace(controller()).abort();
        self.serialised(async |session| session.clear().await.map(|()| JsValue::UNDEFINED))
    }

    /// Removes the channel from this tab's memory alone: another tab has cleared its storage.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn unload(&self) -> Promise {
        self.clearing.replace(controller()).abort();
        self.serialised(async |session| {
            session.unload();
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Sets the products that the app knows: from now on others are marked and never win. Null knows all.
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

    /// Recognises what frames show; several of them show the same, and answer together. On request the answer tells the
    /// quality of the last one, as [`Channel::assess`] does.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(unchecked_return_type = "Answer")]
    pub fn recognize(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Frame[]")] frames: &Array,
        #[wasm_bindgen(unchecked_param_type = "RecognizeOptions")] options: &JsValue,
    ) -> Result<JsValue, JsValue> {
        let recognize = || {
            let bytes = FrameBytes::read_all(frames)?;
            let mut frames = Vec::with_capacity(bytes.len());
            for frame in &bytes {
                frames.push(frame.frame()?);
            }
            let precision = options::precision(&field(options, "precision"))?;
            let is_live = !field(options, "moment").is_undefined();
            let answer = to_js(&self.session.recognize_with(&frames, precision, is_live)?)?;
            let wanted = frames.last().filter(|_| field(options, "quality").is_truthy());
            let quality = wanted.map(|frame| quality_to_js(&self.quality(frame, &field(options, "moment"))));
            // Setting a field of a plain object cannot fail.
            let _ = Reflect::set(&answer, &"quality".into(), &quality.unwrap_or(Ok(JsValue::NULL))?);
            Ok(answer)
        };
        recognize().map_err(|e| plain(&e))
    }

    /// Assesses a frame, without a model. One of a video says of which and when, and its quality tells how far the picture
    /// moved since the frame of that video before, be it recognised or assessed.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(unchecked_return_type = "Quality")]
    pub fn assess(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Frame")] frame: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "Moment")] moment: &JsValue,
    ) -> Result<JsValue, JsValue> {
        let assess = || quality_to_js(&self.quality(&FrameBytes::read(frame)?.frame()?, moment));
        assess().map_err(|e| plain(&e))
    }

    /// The model that answers now, or null.
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
        future_to_promise(async move { to_js(&diagnosis::of(&session)).map_err(|e| plain(&e)) })
    }

    fn quality(&self, frame: &Frame<'_>, moment: &JsValue) -> Quality {
        self.assessor.borrow_mut().assess(frame, frame::moment(moment))
    }

    fn serialised(&self, work: impl AsyncFnOnce(Rc<Session<Storage>>) -> Result<JsValue> + 'static) -> Promise {
        let session = Rc::clone(&self.session);
        let previous = self.last_call.borrow().clone();
        let promise = future_to_promise(async move {
            // Only that it ended matters here: its own caller gets its result.
            let _ = JsFuture::from(previous).await;
            work(session).await.map_err(|e| plain(&e))
        });
        *self.last_call.borrow_mut() = promise.clone();
        promise
    }
}

// One copy of the serialising code for all callers.
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
        // A progress callback that throws must not fail the sync.
        let _ = on_progress.call2(&JsValue::UNDEFINED, &(loaded as f64).into(), &(total as f64).into());
    };
    let mut loaded = |loaded: &Loaded| {
        let model = to_js(&ModelInfo::new(loaded));
        let _ = model.map(|model| on_loaded.call1(&JsValue::UNDEFINED, &model));
    };
    let outcome = session.sync(host, &mut progress, &mut loaded).await?;
    let loaded = session.loaded();
    // The sync above has just set it.
    let check = session.last_check();
    let (expires, expired) = check.as_ref().map_or((None, false), |check| (check.expires, check.expired));
    let cause = check.and_then(|check| check.cause);
    to_js(&Synced { outcome, cause, expires, expired, model: loaded.as_deref().map(ModelInfo::new) })
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("../../boundary/types/channel.d.ts");
