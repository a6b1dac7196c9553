//! Whether the plan's weights can be stored as bytes without loss, tried on photos that the heads did not learn from.

use rayon::prelude::*;
use serde::Serialize;

use super::answers::{HeldOutAnswer, best, log_loss};
use super::embed::Embedded;
use super::trials::Trial;
use crate::dataset::Example;
use crate::error::Result;
use crate::model::backbone::Backbone;
use crate::model::compile::Storage;
use crate::model::plan::{self, Compiled};
use crate::progress::Progress;
use jicho::manifest::Features;

/// At most this many photos are tried, to bound the time.
const MAX_PHOTOS: usize = 256;
/// Fewer photos than this cannot tell whether anything was lost.
const MIN_PHOTOS: usize = 30;
/// The share by which the mean log loss may grow.
const MAX_LOSS_GROWTH: f64 = 0.01;

/// How the two storages did.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageTrial {
    /// Number of photos.
    pub images: usize,
    /// Top-1 with weights in half precision, and as bytes.
    pub top1: [f64; 2],
    /// Mean log loss of the probabilities, in the same order.
    pub log_loss: [f64; 2],
    /// The storage of the release: `f16` or `int8`.
    pub chosen: &'static str,
}

/// Compiles the network with weights stored as bytes, and answers the held-out photos with it as a device would: by heads
/// that were fitted to the network in half precision. When it names as many photos and its log loss hardly grows, it
/// becomes the backbone's plan. None when there is no plan or there are too few photos.
///
/// # Errors
/// A network that fails.
pub fn choose(
    backbone: &mut Backbone,
    features: Features,
    trial: &Trial,
    examples: &[Example],
    scale: f32,
    progress: Progress,
) -> Result<Option<StorageTrial>> {
    let step = trial.answers.len().div_ceil(MAX_PHOTOS).max(1);
    let held: Vec<&(usize, HeldOutAnswer)> = trial.answers.iter().step_by(step).collect();
    if held.len() < MIN_PHOTOS || backbone.compiled.plan.is_none() {
        return Ok(None);
    }
    let small = plan::make(&backbone.onnx, &backbone.preprocessing, backbone.size, Some(Storage::I8), progress)?;
    let Compiled { plan: Some(_), .. } = small else { return Ok(None) };
    let half = std::mem::replace(&mut backbone.compiled, small);
    let embedder = backbone.embedder(features)?;
    let photos: Vec<Option<(Embedded, usize)>> = held
        .par_iter()
        .map(|(place, answer)| {
            // The file may have been removed since it was embedded.
            let Ok(photo) = examples[*place].read() else { return Ok(None) };
            let plain = embedder.embed(&embedder.input_pixels(&photo.frame()?))?;
            Ok(Some((Embedded { plain, varied: Vec::new() }, answer.class)))
        })
        .collect::<jicho::Result<_>>()?;
    let before: Vec<HeldOutAnswer> =
        held.iter().zip(&photos).filter(|(_, p)| p.is_some()).map(|(h, _)| h.1.clone()).collect();
    let photos: Vec<(&Embedded, usize)> = photos.iter().flatten().map(|(photo, class)| (photo, *class)).collect();
    let all = vec![true; trial.model.head.count()];
    let after = trial.model.answers(&photos, &all)?;
    let right = |answers: &[HeldOutAnswer]| answers.iter().filter(|a| best(&a.cosines) == a.class).count();
    let losses = [&before, &after].map(|answers| log_loss(answers, scale));
    let is_small = right(&after) >= right(&before) && losses[1] <= losses[0] * (1.0 + MAX_LOSS_GROWTH);
    if !is_small {
        backbone.compiled = half;
    }
    Ok(Some(StorageTrial {
        images: after.len(),
        top1: [&before, &after].map(|answers| right(answers) as f64 / answers.len().max(1) as f64),
        log_loss: losses,
        chosen: if is_small { "int8" } else { "f16" },
    }))
}
