//! The teacher's embeddings, which a new backbone learns to predict.

use jicho::frame::InputPixels;
use jicho::manifest::{Features, Layout, Preprocessing};
use jicho::recognize::normalize;
use rayon::prelude::*;

use crate::error::Result;
use crate::learning::network::schedule::{Targets, fixed_crop};
use crate::learning::network::view::{Augmentation, Square};
use crate::model::backbone::Backbone;
use crate::progress::Progress;

/// Preprocessing that yields the bytes of the central square, from which the library's own preprocessing for the teacher starts.
pub(super) const BYTES: Preprocessing = Preprocessing {
    layout: Layout::Nhwc,
    color: jicho::manifest::ColorOrder::Rgb,
    range: [0.0, 255.0],
    mean: [0.0; 3],
    std: [1.0; 3],
    crop: 1.0,
    whole_above: None,
};

/// The teacher's embeddings of `crops` crops of each photo. They are normalised to length 1, reduced by the mean of all, and
/// normalised again, since only what differs between photos is worth learning.
///
/// # Errors
/// When the teacher fails.
pub fn targets(teacher: &Backbone, squares: &[Square], crops: usize, seed: u64, progress: Progress) -> Result<Targets> {
    let embedder = teacher.embedder(Features { embedding: teacher.outputs, color_weight: 0.0 })?;
    let stage = progress.stage("teacher", squares.len() * crops);
    let rows: Vec<Vec<f32>> = (0..squares.len() * crops)
        .into_par_iter()
        .map(|i| {
            let crop = fixed_crop(seed, i / crops, i % crops);
            let view = squares[i / crops].view(&crop, &Augmentation::PLAIN, teacher.size, &BYTES);
            let pixels = InputPixels::from_rgb(teacher.size, view.iter().map(|v| v.round() as u8).collect())?;
            stage.advance();
            embedder.embed(&pixels)
        })
        .collect::<jicho::Result<_>>()?;
    stage.finish();
    let length = teacher.outputs;
    let mut mean = vec![0f64; length];
    rows.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(to, v)| *to += f64::from(*v)));
    let mut values: Vec<f32> = rows.concat();
    for row in values.chunks_exact_mut(length) {
        row.iter_mut().zip(&mean).for_each(|(v, m)| *v -= (m / rows.len() as f64) as f32);
        normalize(row);
    }
    Ok(Targets { crops, length, values })
}
