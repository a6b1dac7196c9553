//! What is taught on this device, as JavaScript sees it. Lessons are bytes there ([`Lesson::parse`]), and who keeps them is
//! its own choice: this database, or a vault.

use std::rc::Rc;

use half::f16;
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::storage::Storage;
use super::{Channel, quality_to_js};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::quality::Quality;
use crate::sync::LessonSummary;
use crate::teach::{self, Lesson, LessonFrame};
use crate::web::failure::plain;

/// Below these a frame shows nothing: the luma that a twentieth of its pixels reach, and its contrast.
const BLACK: f32 = 25.0;
const FLAT: f32 = 0.1;

#[wasm_bindgen]
impl Channel {
    /// Every lesson that this browser keeps of the channel; null where it keeps nothing.
    #[wasm_bindgen(js_name = keptLessons, unchecked_return_type = "Promise<[id: string, file: Uint8Array][] | null>")]
    pub fn kept_lessons(&self) -> Promise {
        let session = Rc::clone(&self.session);
        future_to_promise(async move {
            let Storage::IndexedDb(store) = session.store() else { return Ok(JsValue::NULL) };
            store.lessons(&session.key()).await.map(JsValue::from).map_err(|e| plain(&e))
        })
    }

    /// At once: keeps lessons in this browser, in the place of those of the same id, and removes others by id.
    #[wasm_bindgen(js_name = keepLessons, unchecked_return_type = "Promise<void>")]
    pub fn keep_lessons(
        &self,
        #[wasm_bindgen(unchecked_param_type = "[id: string, file: Uint8Array][]")] lessons: Array,
        gone: Vec<String>,
    ) -> Promise {
        let session = Rc::clone(&self.session);
        future_to_promise(async move {
            let Storage::IndexedDb(store) = session.store() else { return Ok(JsValue::UNDEFINED) };
            let kept = store.keep_lessons(&session.key(), &lessons, &gone).await;
            kept.map(|()| JsValue::UNDEFINED).map_err(|e| plain(&e))
        })
    }

    /// What a lesson keeps of a frame of straight 8-bit RGBA: its features, and the square to be kept as JPEG.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(js_name = lessonFrame, unchecked_return_type = "LessonFrame")]
    pub fn lesson_frame(&self, rgba: &[u8], width: u32, height: u32) -> Result<JsValue, JsValue> {
        let look = || {
            let frame = Frame::new(width, height, rgba)?;
            let quality = self.quality(&frame, None, None);
            let LessonFrame { features, .. } = self.session.lesson_frame(&frame)?;
            let features: Vec<u8> = features.iter().flat_map(|value| value.to_le_bytes()).collect();
            let (square, side) = teach::square(&frame);
            Ok(object([
                ("features", Uint8Array::from(&features[..]).into()),
                ("square", Uint8Array::from(&square[..]).into()),
                ("side", (side as u32).into()),
                ("usable", shows_something(&quality).into()),
                ("quality", quality_to_js(&quality)?),
            ]))
        };
        look().map_err(|e: Error| plain(&e))
    }

    /// The file of a lesson, if there is room for it: what is said of it, and its frames. It takes no part yet. `facts` are
    /// a JSON object, or empty; without a `label` it is of no product.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    pub fn lesson(
        &self,
        id: String,
        time: f64,
        label: Option<String>,
        facts: String,
        correction: bool,
        #[wasm_bindgen(unchecked_param_type = "{ features: Uint8Array; jpeg: Uint8Array }[]")] frames: Array,
    ) -> Result<Uint8Array, JsValue> {
        let write = || {
            let features_digest = self.session.features_digest()?;
            let frames = frames.iter().map(|frame| {
                let bytes = |name| Uint8Array::new(&field(&frame, name)).to_vec();
                let features = bytes("features").as_chunks().0.iter().map(|v| f16::from_le_bytes(*v)).collect();
                LessonFrame { features, jpeg: bytes("jpeg") }
            });
            let frames = frames.collect();
            self.session.admit(&Lesson { id, time: time as u64, label, facts, correction, features_digest, frames })
        };
        write().map(|file| Uint8Array::from(&file[..])).map_err(|e| plain(&e))
    }

    /// Has a lesson take part from now on; one of the same id is replaced.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    pub fn learn(&self, file: &[u8]) -> Result<(), JsValue> {
        self.session.learn(file).map_err(|e| plain(&e))
    }

    /// Takes a lesson out.
    pub fn unlearn(&self, id: &str) {
        self.session.unlearn(id);
    }

    /// Every lesson that was learnt.
    #[wasm_bindgen(unchecked_return_type = "Lesson[]")]
    #[must_use]
    pub fn lessons(&self) -> Array {
        let told = |told: LessonSummary| {
            object([
                ("id", told.id.into()),
                ("label", told.label.map_or(JsValue::NULL, JsValue::from)),
                ("facts", told.facts.into()),
                ("correction", told.correction.into()),
                ("time", (told.time as f64).into()),
                ("frames", (told.frames as u32).into()),
                ("standing", told.standing.map_or(JsValue::NULL, |standing| standing.name().into())),
            ])
        };
        self.session.lessons().into_iter().map(told).collect()
    }

    /// The JPEG of each frame in a lesson's file; empty of one that has none.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(js_name = lessonPictures)]
    pub fn lesson_pictures(file: &[u8]) -> Result<Vec<Uint8Array>, JsValue> {
        let lesson = Lesson::parse(file).map_err(|e| plain(&e))?;
        Ok(lesson.frames.iter().map(|frame| Uint8Array::from(&frame.jpeg[..])).collect())
    }

    /// The lesson of a file as lines of JSON, one a frame, to train on.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(js_name = lessonRows)]
    pub fn lesson_rows(file: &[u8]) -> Result<String, JsValue> {
        Lesson::parse(file).map(|lesson| teach::rows(&lesson)).map_err(|e| plain(&e))
    }
}

/// Whether there is anything to learn from: not a lens that a finger covers.
fn shows_something(Quality { scores, .. }: &Quality) -> bool {
    scores.too_dark >= BLACK && scores.low_contrast >= FLAT
}

/// The pixels, width and height of each picture.
pub(super) fn pictures(pictures: Option<Array>) -> Vec<(Vec<u8>, u32, u32)> {
    let read = |picture: JsValue| {
        let number = |name| field(&picture, name).as_f64().unwrap_or_default() as u32;
        let rgba = field(&picture, "rgba").dyn_into::<Uint8Array>().map(|rgba| rgba.to_vec());
        (rgba.unwrap_or_default(), number("width"), number("height"))
    };
    pictures.into_iter().flat_map(|pictures| pictures.iter().map(read).collect::<Vec<_>>()).collect()
}

fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // A fresh object takes any field.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}

fn field(of: &JsValue, name: &str) -> JsValue {
    // Of what is no object there are no fields.
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r"
/** Straight 8-bit RGBA, rows from the top. */
export interface Picture {
  rgba: Uint8Array;
  width: number;
  height: number;
}

/** What a lesson keeps of a frame. */
export interface LessonFrame {
  /** For `Channel.lesson`. */
  features: Uint8Array;
  /** Opaque RGBA, `side` pixels a side: to be made a JPEG. */
  square: Uint8Array;
  side: number;
  /** Whether it shows anything at all. */
  usable: boolean;
  quality: Quality;
}

/** A lesson that was learnt. */
export interface Lesson {
  id: string;
  /** Null: no product. */
  label: string | null;
  /** A JSON object, or empty. */
  facts: string;
  correction: boolean;
  /** Milliseconds since 1970. */
  time: number;
  frames: number;
  /** What the model makes of it; null without one. */
  standing: 'active' | 'stale' | 'in-release' | null;
}
";
