//! A network of the channel's own: the backbone trained further on the channel's photos, where that wins.

use rayon::prelude::*;
use serde::Serialize;

use super::split::hold_out;
use crate::dataset::{Dataset, Example};
use crate::error::{Error, Result};
use crate::learning::fine_tune::{self, fine_tune};
use crate::learning::network::view::Square;
use crate::model::backbone::Backbone;
use crate::model::plan;
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
    if dataset.labels.is_empty() {
        return Err(Error::BadInput("--fine-tune needs photos of products; these have attributes only".into()));
    }
    // Somewhat larger, so that parts of them are sharp. Photos that cannot be read are told of where they are embedded.
    let side = size * 5 / 4;
    let examples = &dataset.examples;
    let seen = backbone.pretraining.as_ref().map_or_else(|| vec![false; examples.len()], |made| made.saw(examples));
    let read = |(example, seen): (&Example, &bool)| {
        Some((Square::read(example, pixels.crop, side).ok()?, (example.label, *seen)))
    };
    let (photos, told): (Vec<Square>, Vec<(Option<usize>, bool)>) =
        examples.par_iter().zip(&seen).filter_map(read).unzip();
    let (told, seen): (Vec<Option<usize>>, Vec<bool>) = told.into_iter().unzip();
    // Numbered as the heads' classes will be, so that the same photos are held out.
    let mut used: Vec<usize> = told.iter().flatten().copied().collect();
    used.sort_unstable();
    used.dedup();
    let class: Vec<Option<usize>> =
        told.iter().map(|label| label.and_then(|label| used.binary_search(&label).ok())).collect();
    let held = hold_out(&class, used.len(), seed).into_iter().zip(seen).map(|(held, seen)| held && !seen);
    let known =
        photos.into_iter().zip(class).zip(held).filter_map(|((photo, class), held)| Some((photo, (class?, held))));
    let (photos, told): (Vec<Square>, Vec<(usize, bool)>) = known.unzip();
    let (labels, out): (Vec<usize>, Vec<bool>) = told.into_iter().unzip();
    let options = fine_tune::Options { seed, ..fine_tune::Options::default() };
    let tuned = fine_tune(&backbone.onnx, (size, &pixels), &photos, &labels, &out, &options, progress)?;
    let held_out = out.iter().filter(|held| **held).count();
    let Some(tuned) = tuned else {
        progress.warn("fine-tuning names no more held-out photos than before: the network stays as it was");
        return Ok(FineTuning { held_out, before: None, after: None, kept: false, bytes: None });
    };
    backbone.compiled = plan::make(&tuned.onnx, &pixels, size, backbone.storage.storage(), progress)?;
    backbone.onnx = tuned.onnx;
    // They were of another network. What that has seen, this one has seen too.
    backbone.space = None;
    backbone.pretraining.iter_mut().for_each(|made| made.calibration = None);
    let (before, after) = (Some(tuned.before), Some(tuned.after));
    Ok(FineTuning { held_out: tuned.held_out, before, after, kept: true, bytes: None })
}
