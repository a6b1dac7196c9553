//! Running a network: a small trait, [`Engine`]. Behind it are compiled plans with this crate's own kernels, and tract for
//! whatever a plan cannot express. No other folder names tract.
//!
//! ```
//! use jicho::ErrorKind;
//! use jicho::engine::CompiledEngine;
//!
//! let error = CompiledEngine::load(b"not a plan").err().unwrap();
//! assert_eq!(error.kind(), ErrorKind::InvalidModel);
//! ```

mod compiled;
mod kernels;
#[doc(hidden)]
pub mod plan;
#[cfg(feature = "tract")]
mod tract;

pub use compiled::CompiledEngine;
#[cfg(feature = "tract")]
pub use tract::{TractEngine, read_onnx};

use crate::error::{Error, ErrorKind, Result};
use crate::frame::InputPixels;
use crate::manifest::{Layout, Preprocessing};

/// Loads an ONNX network with tract.
///
/// # Errors
/// [`ErrorKind::NeedsTract`] in a build without tract; what [`TractEngine::load`] returns.
pub fn load_onnx(onnx: &[u8], layout: Layout, size: usize) -> Result<Box<dyn Engine>> {
    #[cfg(feature = "tract")]
    return Ok(Box::new(TractEngine::load(onnx, layout, size)?));
    #[cfg(not(feature = "tract"))]
    {
        let _ = (onnx, layout, size);
        Err(needs_tract())
    }
}

/// Whether this build runs ONNX networks, so that an app learns it before it fetches one.
///
/// # Errors
/// [`ErrorKind::NeedsTract`] in a build without tract.
pub fn check_onnx() -> Result<()> {
    if cfg!(feature = "tract") { Ok(()) } else { Err(needs_tract()) }
}

fn needs_tract() -> Error {
    let message = "this build runs compiled plans only, and the release has none that it can run";
    Error::new(ErrorKind::NeedsTract, message)
}

/// A loaded network: one image in, one vector out.
pub trait Engine: Send + Sync {
    /// Runs the network on one image. `fill` writes the normalised tensor, `3 * size * size` values in the layout it is
    /// told, into the engine's own input.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidModel`] when the network fails on this input.
    fn run(&self, fill: &mut dyn FnMut(Layout, &mut [f32])) -> Result<Vec<f32>>;

    /// Runs the network on prepared pixels of [`Engine::input_size`].
    ///
    /// # Errors
    /// As [`Engine::run`]; [`crate::ErrorKind::InvalidArgument`] when the pixels have another size.
    fn run_pixels(&self, pixels: &InputPixels, preprocessing: &Preprocessing) -> Result<Vec<f32>> {
        if pixels.size() != self.input_size() {
            let message = format!("the pixels have size {}, the network takes {}", pixels.size(), self.input_size());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.run(&mut |layout, tensor| pixels.write_tensor(preprocessing, layout, tensor))
    }

    /// The name of what runs the network, for people.
    fn name(&self) -> &'static str;

    /// Side of the input image, pixels.
    fn input_size(&self) -> usize;

    /// Length of the output vector.
    fn output_len(&self) -> usize;
}
