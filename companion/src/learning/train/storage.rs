//! Whether a network's weights can be stored in bytes: tried on photos that the heads did not see.

use rayon::prelude::*;
use serde::Serialize;

use super::calibrate::{HeldOut, best, log_loss};
use super::embed::Embedded;
use super::learn::Trial;
use crate::dataset::Example;
use crate::error::Result;
use crate::model::backbone::Backbone;
use crate::model::compile::Storage;
use crate::model::plan::{self, Compiled};
use crate::progress::Progress;
use jicho::manifest::Features;

/// The most photos that are tried; fewer than this few tell nothing.
const MOST: usize = 256;
const FEW: usize = 30;
/// How much more the answers may be surprised by the truth, of their mean log loss.
const LOSS: f64 = 0.01;

/// What was tried.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// Photos.
    pub images: usize,
    /// Top-1 with weights in half precision, and in bytes.
    pub top1: [f64; 2],
    /// Mean log loss of the probabilities, likewise.
    pub log_loss: [f64; 2],
    /// What the release has: `f16` or `int8`.
    pub chosen: &'static str,
}

/// Compiles the network with weights in bytes and answers held-out photos by it, with heads that were fitted to the
/// network in half precision, as a device would. Where it names as many photos and is hardly more surprised, it becomes
/// the backbone's plan. None where there is no plan or too little to tell by.
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
) -> Result<Option<Tried>> {
    let step = trial.answers.len().div_ceil(MOST).max(1);
    let held: Vec<&(usize, HeldOut)> = trial.answers.iter().step_by(step).collect();
    if held.len() < FEW || backbone.compiled.plan.is_none() {
        return Ok(None);
    }
    let small = plan::make(&backbone.onnx, &backbone.preprocessing, backbone.size, Some(Storage::I8), progress)?;
    let Compiled { plan: Some(_), .. } = small else { return Ok(None) };
    let half = std::mem::replace(&mut backbone.compiled, small);
    let embedder = backbone.embedder(features)?;
    let photos: Vec<Option<(Embedded, usize)>> = held
        .par_iter()
        .map(|(place, answer)| {
            // A photo that has gone since is none to tell by.
            let Ok(photo) = examples[*place].read() else { return Ok(None) };
            let plain = embedder.embed(&embedder.pixels(&photo.frame()?))?;
            Ok(Some((Embedded { plain, varied: Vec::new() }, answer.class)))
        })
        .collect::<jicho::Result<_>>()?;
    let before: Vec<HeldOut> =
        held.iter().zip(&photos).filter(|(_, p)| p.is_some()).map(|(h, _)| h.1.clone()).collect();
    let photos: Vec<(&Embedded, usize)> = photos.iter().flatten().map(|(photo, class)| (photo, *class)).collect();
    let all = vec![true; trial.model.head.count()];
    let after = trial.model.answers(&photos, &all)?;
    let right = |answers: &[HeldOut]| answers.iter().filter(|a| best(&a.cosines) == a.class).count();
    let losses = [&before, &after].map(|answers| log_loss(answers, scale));
    let is_small = right(&after) >= right(&before) && losses[1] <= losses[0] * (1.0 + LOSS);
    if !is_small {
        backbone.compiled = half;
    }
    Ok(Some(Tried {
        images: after.len(),
        top1: [&before, &after].map(|answers| right(answers) as f64 / answers.len().max(1) as f64),
        log_loss: losses,
        chosen: if is_small { "int8" } else { "f16" },
    }))
}
