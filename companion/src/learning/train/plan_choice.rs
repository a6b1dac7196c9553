//! Whether devices can compute with bytes without loss, tried on photos that heads did not learn from.

use jicho::frame::InputPixels;
use rayon::prelude::*;
use serde::Serialize;

use super::answers::{HeldOutAnswer, best, log_loss};
use super::augment::Variation;
use super::embed::{self, EmbeddedPhotos, PhotoEmbedder};
use super::hold_out::HeldOut;
use super::label_model::{SpaceSource, TrainingSet};
use super::{Options, embedder_features, trials};
use crate::dataset::{Dataset, Example};
use crate::error::Result;
use crate::model::backbone::{Backbone, PlanStorage};
use crate::model::compile::Storage;
use crate::model::compile::bytes::MAX_PHOTOS;
use crate::model::plan::{self, Compiled};
use crate::progress::Progress;

/// Fewer held-out photos than this cannot tell whether anything was lost.
const MIN_PHOTOS: usize = 30;
/// The share of held-out photos that may be named worse than before.
const MAX_LOST: f64 = 0.005;
/// The share by which the mean log loss may grow.
const MAX_LOSS_GROWTH: f64 = 0.02;
/// Factors of the cosines, of which each plan's best one counts: the trials are not calibrated.
const SCALES: [f32; 6] = [5.0, 8.0, 12.0, 18.0, 27.0, 40.0];

/// How the two plans did.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageTrial {
    /// Number of held-out photos.
    pub images: usize,
    /// Top-1 with the plan of half precision, and with bytes.
    pub top1: [f64; 2],
    /// Mean log loss of the probabilities, in the same order.
    pub log_loss: [f64; 2],
    /// The plan of the release: `f16` or `int8`.
    pub chosen: &'static str,
}

/// Decides how devices run the backbone, before anything learns from its features, so that heads are fitted to the very
/// arithmetic that devices use. With `int8` the plan computes with bytes, calibrated on the photos. With `auto` both plans
/// are tried: each embeds all photos as they are, heads learn from them, and the photos held out decide. None when nothing
/// was tried: the user chose, there is no plan, or there are too few photos.
///
/// # Errors
/// A network that fails.
pub fn run(
    options: &Options,
    backbone: &mut Backbone,
    dataset: &mut Dataset,
    progress: Progress,
) -> Result<Option<StorageTrial>> {
    match backbone.storage {
        PlanStorage::As(Storage::I8) => {
            if let Some(bytes) = with_bytes(backbone, &dataset.examples)? {
                backbone.compiled = bytes;
            }
            Ok(None)
        }
        PlanStorage::Auto if backbone.compiled.plan.is_some() => choose(options, backbone, dataset, progress),
        _ => Ok(None),
    }
}

/// The backbone's plan with bytes; none where it answers otherwise than the network, where processors would answer
/// otherwise than each other, or where nothing in it computes with bytes.
fn with_bytes(backbone: &Backbone, examples: &[Example]) -> Result<Option<Compiled>> {
    let step = examples.len().div_ceil(MAX_PHOTOS).max(1);
    let pixels = |example: &Example| -> Option<jicho::Result<InputPixels>> {
        // A photo that cannot be read is reported when it is embedded.
        let photo = example.read().ok()?;
        Some(photo.frame().map(|frame| frame.input_pixels(&backbone.preprocessing, backbone.size)))
    };
    let chosen: Vec<&Example> = examples.iter().step_by(step).collect();
    let photos = chosen.into_par_iter().filter_map(pixels).collect::<jicho::Result<Vec<InputPixels>>>()?;
    let (onnx, size) = (&backbone.onnx, backbone.size);
    // Without bytes there is still the plan that the backbone came with, so nothing is to be warned of.
    let silent = Progress::Silent;
    let made = plan::make(onnx, &backbone.preprocessing, size, Some(Storage::Bytes), &photos, silent)?;
    Ok(Some(made).filter(|made| made.plan.is_some() && made.note.byte_convolutions > 0))
}

fn choose(
    options: &Options,
    backbone: &mut Backbone,
    dataset: &mut Dataset,
    progress: Progress,
) -> Result<Option<StorageTrial>> {
    let plain = embed_plain(options, backbone, dataset, progress)?;
    let pretrained = backbone.pretraining.as_ref().map(|made| made.saw(&dataset.examples));
    let pretrained = pretrained.unwrap_or_else(|| vec![false; dataset.examples.len()]);
    let class: Vec<Option<usize>> = dataset.examples.iter().map(|example| example.label).collect();
    let splits: Vec<_> = dataset.examples.iter().map(|example| example.split).collect();
    let mut held = HeldOut::of(&splits, &class, dataset.labels.len(), &plain.contents, options.seed).held;
    held.iter_mut().zip(&pretrained).for_each(|(held, pretrained)| *held &= !pretrained);
    if held.iter().filter(|held| **held).count() < MIN_PHOTOS {
        return Ok(None);
    }
    let Some(bytes) = with_bytes(backbone, &dataset.examples)? else { return Ok(None) };
    let classes = dataset.labels.len();
    let trial = |backbone: &Backbone, photos: &EmbeddedPhotos| -> Result<Vec<HeldOutAnswer>> {
        let set = TrainingSet {
            photos: &photos.features,
            class: &class,
            contents: &photos.contents,
            pretrained: &pretrained,
            classes,
            background: &embed::background(&backbone.embedder(embedder_features(backbone))?, backbone.size)?,
            embedding: backbone.outputs,
        };
        Ok(trials::held_out(set, &SpaceSource::Own, &held)?.map_or_else(Vec::new, |trial| trial.answers()))
    };
    let before = trial(backbone, &plain)?;
    let half = std::mem::replace(&mut backbone.compiled, bytes);
    let photos = embed_plain(options, backbone, dataset, progress)?;
    if photos.features.len() != plain.features.len() {
        // A file was removed meanwhile: the two cannot be compared.
        backbone.compiled = half;
        return Ok(None);
    }
    let after = trial(backbone, &photos)?;
    let right = |answers: &[HeldOutAnswer]| answers.iter().filter(|a| best(&a.cosines) == a.class).count();
    let top1 = [&before, &after].map(|answers| right(answers) as f64 / answers.len().max(1) as f64);
    let losses = [&before, &after]
        .map(|answers| SCALES.map(|scale| log_loss(answers, scale)).into_iter().fold(f64::INFINITY, f64::min));
    let is_as_good = top1[1] >= top1[0] - MAX_LOST && losses[1] <= losses[0] * (1.0 + MAX_LOSS_GROWTH);
    if !is_as_good {
        backbone.compiled = half;
    }
    let chosen = if is_as_good { "int8" } else { "f16" };
    Ok(Some(StorageTrial { images: after.len(), top1, log_loss: losses, chosen }))
}

/// The features of all photos as they are. What cannot be read leaves the data set.
fn embed_plain(
    options: &Options,
    backbone: &Backbone,
    dataset: &mut Dataset,
    progress: Progress,
) -> Result<EmbeddedPhotos> {
    let embedder = PhotoEmbedder {
        embedder: &backbone.embedder(embedder_features(backbone))?,
        network: backbone.digest(embedder_features(backbone)),
        variation: Variation { mirror: options.mirror },
        cache: &options.cache.open(progress),
    };
    embed::photos(&embedder, dataset, |_| 0, Progress::Silent)
}
