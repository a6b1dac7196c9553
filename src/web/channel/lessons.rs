//! What is taught on this device, as JavaScript sees it. There a lesson is the bytes that [`Lesson::parse`] reads, and
//! JavaScript chooses where to keep them: in this database, or in a vault.

use std::rc::Rc;

use half::f16;
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::frame::{FrameBytes, field};
use super::storage::Storage;
use super::{Channel, quality_to_js};
use crate::boundary::lesson as boundary;
use crate::error::{Error, Result};
use crate::jpeg::is_bare;
use crate::quality::Quality;
use crate::teach::{self, Lesson, LessonFrame};
use crate::web::failure::plain;
use crate::web::json::to_js;

/// A frame below either of these shows nothing: the luma that a twentieth of its pixels reach, and its contrast.
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

    /// What a lesson keeps of a frame: its features, and the square that is to be kept as JPEG.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(js_name = lessonFrame, unchecked_return_type = "LessonFrame")]
    pub fn lesson_frame(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Frame")] frame: &JsValue,
    ) -> Result<JsValue, JsValue> {
        let take = || {
            let bytes = FrameBytes::read(frame)?;
            let frame = bytes.frame()?;
            let quality = self.quality(&frame, &JsValue::UNDEFINED);
            let LessonFrame { features, .. } = self.session.lesson_frame(&frame)?;
            let features: Vec<u8> = features.iter().flat_map(|value| value.to_le_bytes()).collect();
            let (square, side) = self.session.lesson_square(&frame)?;
            Ok(object([
                ("features", Uint8Array::from(&features[..]).into()),
                ("square", Uint8Array::from(&square[..]).into()),
                ("side", (side as u32).into()),
                ("usable", shows_something(&quality).into()),
                ("quality", quality_to_js(&quality)?),
            ]))
        };
        take().map_err(|e: Error| plain(&e))
    }

    /// The file of a lesson with these frames, if there is room for it. It takes no part in answers until it is learnt.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    pub fn lesson(
        &self,
        #[wasm_bindgen(unchecked_param_type = "LessonText")] text: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "{ features: Uint8Array; jpeg: Uint8Array }[]")] frames: &Array,
    ) -> Result<Uint8Array, JsValue> {
        let write = || {
            let string = |name| field(text, name).as_string();
            let frame = |frame: JsValue| {
                let bytes = |name| Uint8Array::new(&field(&frame, name)).to_vec();
                let features = bytes("features").as_chunks().0.iter().map(|v| f16::from_le_bytes(*v)).collect();
                LessonFrame { features, jpeg: bytes("jpeg") }
            };
            self.session.admit(&Lesson {
                id: string("id").unwrap_or_default(),
                time: field(text, "time").as_f64().unwrap_or_default() as u64,
                label: string("label"),
                facts: string("facts").unwrap_or_default(),
                correction: field(text, "correction").is_truthy(),
                features_digest: self.session.features_digest()?,
                frames: frames.iter().map(frame).collect(),
            })
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
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(unchecked_return_type = "Lesson[]")]
    pub fn lessons(&self) -> Result<JsValue, JsValue> {
        let lessons: Vec<boundary::Lesson> = self.session.lessons().into_iter().map(Into::into).collect();
        to_js(&lessons).map_err(|e| plain(&e))
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

    /// Whether a JPEG file has metadata, such as where it was taken or an orientation, or is damaged: it is to be encoded
    /// anew before it is kept.
    #[wasm_bindgen(js_name = hasMetadata)]
    #[must_use]
    pub fn has_metadata(jpeg: &[u8]) -> bool {
        !is_bare(jpeg)
    }

    /// The lesson of a file as lines of JSON, one a frame, to train on.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    #[wasm_bindgen(js_name = lessonRows)]
    pub fn lesson_rows(file: &[u8]) -> Result<String, JsValue> {
        Lesson::parse(file).and_then(|lesson| teach::rows(&lesson)).map_err(|e| plain(&e))
    }
}

/// Whether there is anything to learn from: not a lens that a finger covers.
fn shows_something(Quality { scores, .. }: &Quality) -> bool {
    scores.too_dark >= BLACK && scores.low_contrast >= FLAT
}

fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // A fresh object takes any field.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}
