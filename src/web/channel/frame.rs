//! Frames and moments on their way from JavaScript.

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::JsValue;

use crate::error::Result;
use crate::frame::{Frame, check_size};
use crate::quality::Moment;

/// The bytes of a TypeScript `Frame`, copied into this module's memory.
pub(super) struct FrameBytes {
    rgba: Vec<u8>,
    width: u32,
    height: u32,
}

impl FrameBytes {
    /// Reads one frame; its bytes are copied only once its size has been checked.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidFrame`], also where a field is missing.
    pub(super) fn read(frame: &JsValue) -> Result<Self> {
        let side = |name| field(frame, name).as_f64().unwrap_or_default() as u32;
        let (width, height) = (side("width"), side("height"));
        let rgba = Uint8Array::new(&field(frame, "rgba"));
        check_size(width, height, rgba.length() as usize)?;
        Ok(FrameBytes { rgba: rgba.to_vec(), width, height })
    }

    pub(super) fn read_all(frames: &Array) -> Result<Vec<Self>> {
        let mut read = Vec::new();
        for frame in frames.iter() {
            read.push(FrameBytes::read(&frame)?);
        }
        Ok(read)
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
