//! A compiled network without a channel, for the benchmark.

use wasm_bindgen::prelude::*;

use crate::engine::{CompiledEngine, Engine};
use crate::web::failure::plain;

/// A loaded plan.
#[wasm_bindgen]
pub struct Network(CompiledEngine);

#[wasm_bindgen]
impl Network {
    /// Loads a plan.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    pub fn load(plan: &[u8]) -> Result<Network, JsValue> {
        CompiledEngine::load(plan).map(Network).map_err(|e| plain(&e))
    }

    /// Side of the input image, pixels.
    #[must_use]
    #[wasm_bindgen(getter, js_name = inputSize)]
    pub fn input_size(&self) -> usize {
        self.0.input_size()
    }

    /// Length of the answer.
    #[must_use]
    #[wasm_bindgen(getter, js_name = outputLen)]
    pub fn output_len(&self) -> usize {
        self.0.output_len()
    }

    /// Runs it on normalised pixels, rows of pixels of three channels.
    ///
    /// # Errors
    /// A plain `{ code, message }`.
    pub fn run(&self, input: &[f32]) -> Result<Vec<f32>, JsValue> {
        let size = self.0.input_size();
        if input.len() != 3 * size * size {
            let message = format!("the input has {} values, the network takes {size}x{size}x3", input.len());
            return Err(plain(&crate::Error::new(crate::ErrorKind::InvalidArgument, message)));
        }
        self.0.run(&mut |_, tensor| tensor.copy_from_slice(input)).map_err(|e| plain(&e))
    }
}
