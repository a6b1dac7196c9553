//! Frames without a product to measure on: corners of photos, photos that are too dark or too blurred to show anything, and
//! generated textures that training did not use.

use jicho::frame::InputPixels;
use jicho::recognize::Embedder;
use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::learning::train::background;
use crate::learning::train::embed::Embedded;

/// Frames are cut from about this many photos.
const PHOTOS: usize = 60;
/// The shorter side of a photo is this many times the side of a corner.
const CORNER: usize = 8;
/// Number of generated frames of each kind.
const GENERATED: usize = 8;

/// The feature vectors of the frames.
///
/// # Errors
/// When the network fails.
pub fn embed(embedder: &Embedder, dataset: &Dataset, size: usize) -> Result<Vec<Embedded>> {
    let step = dataset.examples.len().div_ceil(PHOTOS).max(1);
    let cut: Vec<Vec<InputPixels>> = dataset
        .examples
        .par_iter()
        .step_by(step)
        .map(|example| {
            // Photos that cannot be read were reported when they were embedded.
            let Ok(photo) = example.read() else { return Ok(Vec::new()) };
            let frame = photo.frame()?;
            let side = frame.width().min(frame.height()) / CORNER;
            let far = [frame.width() - side, frame.height() - side];
            let corners = [[0, 0], [far[0], 0], [0, far[1]], far].map(|at| frame.rectangle(at, [side, side], size));
            let seen = embedder.input_pixels(&frame);
            let dark = seen.mapped(&[std::array::from_fn(|byte| (byte / 24) as u8); 3]);
            let blurred = frame.center_square(1.0, 3).resized(size);
            Ok(corners.into_iter().chain([dark, blurred]).collect())
        })
        .collect::<Result<_>>()?;
    let generated = (0..background::KINDS * GENERATED).map(|i| {
        // Training learns from the first frames of each kind; these come after them.
        background::pixels(i % background::KINDS, background::PER_KIND + i / background::KINDS, size)
    });
    let generated: Vec<InputPixels> = generated.collect::<jicho::Result<_>>()?;
    let frames: Vec<InputPixels> = cut.into_iter().flatten().chain(generated).collect();
    let embed = |pixels: &InputPixels| Ok(Embedded { plain: embedder.embed(pixels)?, varied: Vec::new() });
    frames.par_iter().map(embed).collect()
}
