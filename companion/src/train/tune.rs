//! A network of the channel's own: the backbone trained further on the channel's photos, where that wins.

use rayon::prelude::*;
use serde::Serialize;

use super::split::hold_out;
use crate::backbone::Backbone;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::fine_tune::{self, fine_tune};
use crate::network::view::Square;
use crate::plan;
use crate::progress::Progress;

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FineTuning {
    /// Photos held out of it; the heads are measured on the same.
    pub held_out: usize,
    /// Share of them whose nearest class mean is their own, with the network as it was, …
    pub before: Option<f64>,
    /// … and trained further.
    pub after: Option<f64>,
    /// Whether the release has it.
    pub kept: bool,
    /// What each device fetches for this channel alone: the network as devices run it, and its space.
    pub bytes: Option<u64>,
}

/// Trains the backbone further on the labelled photos, and puts the network in its place if it won.
///
/// # Errors
/// `NOT_A_BACKBONE` for a network that is not of the MobileNet family; `BAD_INPUT` without labels.
pub fn run(backbone: &mut Backbone, dataset: &Dataset, seed: u64, progress: Progress) -> Result<FineTuning> {
    let (size, pixels) = (backbone.size, backbone.preprocessing);
    let class: Vec<Option<usize>> = dataset.examples.iter().map(|e| e.label).collect();
    let held = hold_out(&class, dataset.labels.len(), seed);
    // Somewhat larger, so that parts of them are sharp. Photos that cannot be read are told of where they are embedded.
    let side = size * 5 / 4;
    let squares: Vec<Option<Square>> =
        dataset.examples.par_iter().map(|example| Square::read(example, pixels.crop, side).ok()).collect();
    let all =
        squares.into_iter().zip(class).zip(held).filter_map(|((square, class), held)| Some((square?, class?, held)));
    let (mut photos, mut labels, mut out) = (Vec::new(), Vec::new(), Vec::new());
    for (square, class, held) in all {
        photos.push(square);
        labels.push(class);
        out.push(held);
    }
    let options = fine_tune::Options { seed, ..fine_tune::Options::default() };
    let tuned = fine_tune(&backbone.onnx, (size, &pixels), &photos, &labels, &out, &options, progress)?;
    let held_out = out.iter().filter(|held| **held).count();
    let Some(tuned) = tuned else {
        progress.warn("fine-tuning names no more held-out photos than before: the network stays as it was");
        return Ok(FineTuning { held_out, before: None, after: None, kept: false, bytes: None });
    };
    backbone.compiled = plan::make(&tuned.onnx, &pixels, size, backbone.storage.storage(), progress)?;
    backbone.onnx = tuned.onnx;
    // It was one of another network.
    backbone.space = None;
    let (before, after) = (Some(tuned.before), Some(tuned.after));
    Ok(FineTuning { held_out: tuned.held_out, before, after, kept: true, bytes: None })
}
