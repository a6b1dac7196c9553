//! Any ONNX network without a channel. Only the build with tract has it.

use wasm_bindgen::prelude::*;

use crate::engine::{self, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::manifest::{MAX_IMAGE_SIZE, Preprocessing};
use crate::web::failure::plain;

/// A loaded ONNX network that takes one image and gives one vector.
#[wasm_bindgen]
pub struct OnnxNetwork {
    engine: Box<dyn Engine>,
    preprocessing: Preprocessing,
}

#[wasm_bindgen]
impl OnnxNetwork {
    /// Loads an ONNX file whose input is `size` pixels a side; `preprocessing` is JSON as in metadata.json.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    pub fn load(onnx: &[u8], size: usize, preprocessing: &str) -> Result<OnnxNetwork, JsValue> {
        load(onnx, size, preprocessing).map_err(|e| plain(&e))
    }

    /// Length of the answer.
    #[must_use]
    #[wasm_bindgen(getter, js_name = outputLength)]
    pub fn output_length(&self) -> usize {
        self.engine.output_len()
    }

    /// Runs it on a frame of straight 8-bit RGBA.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    pub fn infer(&self, rgba: &[u8], width: u32, height: u32) -> Result<Vec<f32>, JsValue> {
        let infer = || {
            let pixels = Frame::new(width, height, rgba)?.input_pixels(&self.preprocessing, self.engine.input_size());
            self.engine.run_pixels(&pixels, &self.preprocessing)
        };
        infer().map_err(|e| plain(&e))
    }
}

fn load(onnx: &[u8], size: usize, preprocessing: &str) -> Result<OnnxNetwork> {
    let invalid = |message: String| Error::new(ErrorKind::InvalidArgument, message);
    let preprocessing: Preprocessing =
        serde_json::from_str(preprocessing).map_err(|e| invalid(format!("the preprocessing is not one: {e}")))?;
    if let Some(problem) = preprocessing.problem() {
        return Err(invalid(problem));
    }
    if !(1..=MAX_IMAGE_SIZE).contains(&size) {
        return Err(invalid(format!("the image size {size} is not within 1 and {MAX_IMAGE_SIZE}")));
    }
    Ok(OnnxNetwork { engine: engine::load_onnx(onnx, preprocessing.layout, size)?, preprocessing })
}
