//! Frames and moments on their way from JavaScript.

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::error::Result;
use crate::frame::Frame;
use crate::quality::Moment;

/// The bytes of a TypeScript `Frame`, copied into this module's memory.
pub(super) struct FrameBytes {
    rgba: Vec<u8>,
    width: u32,
    height: u32,
}

impl FrameBytes {
    /// Reads one frame. What is missing reads as a frame without pixels, which [`FrameBytes::frame`] refuses.
    pub(super) fn read(frame: &JsValue) -> Self {
        let side = |name| field(frame, name).as_f64().unwrap_or_default() as u32;
        let rgba = field(frame, "rgba").dyn_into::<Uint8Array>().map(|rgba| rgba.to_vec());
        FrameBytes { rgba: rgba.unwrap_or_default(), width: side("width"), height: side("height") }
    }

    pub(super) fn read_all(frames: &Array) -> Vec<Self> {
        let mut read = Vec::with_capacity(frames.length() as usize);
        frames.for_each(&mut |frame, _, _| read.push(FrameBytes::read(&frame)));
        read
    }

    pub(super) fn frame(&self) -> Result<Frame<'_>> {
        Frame::new(self.width, self.height, &self.rgba)
    }
}

/// Reads a TypeScript `Moment`; none where that is undefined.
pub(super) fn moment(moment: &JsValue) -> Option<Moment> {
    let number = |name| field(moment, name).as_f64();
    Some(Moment { video: number("video")? as u32, at: number("at")? })
}

/// A field of an object; undefined where it lacks it, or is no object.
pub(super) fn field(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}
