//! Running a network: a small trait, with tract behind it. The only folder that names tract.

mod tract;

pub use tract::TractEngine;

use crate::error::Result;

/// A loaded network: one image in, one vector out.
pub trait Engine: Send + Sync {
    /// Runs the network on one normalised input tensor of `3 * size * size` values, in the layout it was loaded for.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidModel`] when the network fails on this input.
    fn run(&self, input: &[f32]) -> Result<Vec<f32>>;

    /// Length of the output vector.
    fn output_len(&self) -> usize;
}
