//! The space that comes with a new backbone, and the calibration of heads in it on photos that it has not seen.

use jicho::manifest::Features;

use super::photos::Photos;
use crate::cache::Cache;
use crate::dataset::{Dataset, Example};
use crate::error::{Result, at};
use crate::learning::train::COLOR_WEIGHT;
use crate::learning::train::augment::Variation;
use crate::learning::train::calibrate::{MEASURABLE_PHOTOS, fit_rejection, fit_scale};

use crate::learning::train::embed::{self, Embedded};
use crate::learning::train::label_model::{LabelModel, SpaceSource, TrainingSet};
use crate::model::backbone::pretraining::Calibration;
use crate::model::backbone::{self, Request};
use crate::progress::Progress;

/// Fits a space to the labelled photos with the backbone's file, as training does, and calibrates heads in it on the
/// held-out photos. Either is none when there are too few photos for it.
///
/// # Errors
/// When the backbone fails.
pub fn run(backbone: &[u8], photos: &Photos, progress: Progress) -> Result<(Option<Vec<u8>>, Option<Calibration>)> {
    if photos.classes.len() < 2 {
        return Ok((None, None));
    }
    let folder = tempfile::tempdir().map_err(at(std::env::temp_dir()))?;
    let file = folder.path().join("backbone.onnx");
    std::fs::write(&file, backbone).map_err(at(&file))?;
    let request = Request { backbone: file.display().to_string(), ..Request::default() };
    let backbone = backbone::resolve(&request, progress)?;
    let features = Features { embedding: backbone.outputs, color_weight: COLOR_WEIGHT };
    let embedder = backbone.embedder(features)?;
    let photo_embedder = embed::PhotoEmbedder {
        embedder: &embedder,
        network: backbone.digest(features),
        variation: Variation { mirror: true },
        cache: &Cache::none(),
    };
    let embedded = |examples: &[Example], variations: &(dyn Fn(usize) -> usize + Sync)| -> Result<_> {
        let known = examples.iter().filter(|example| example.label.is_some()).cloned().collect();
        let mut dataset = Dataset { labels: photos.classes.clone(), examples: known, ..Dataset::default() };
        let rows = embed::photos(&photo_embedder, &mut dataset, variations, progress)?;
        let class: Vec<Option<usize>> = dataset.examples.iter().map(|example| example.label).collect();
        Ok((rows, class))
    };
    let (rows, class) = embedded(&photos.examples, &embed::variations)?;
    let set = TrainingSet {
        photos: &rows.features,
        class: &class,
        contents: &rows.contents,
        pretrained: &vec![false; rows.features.len()],
        classes: photos.classes.len(),
        background: &embed::background(&embedder, backbone.size)?,
        embedding: features.embedding,
    };
    let model = LabelModel::train(set, &SpaceSource::Own)?;
    let (held, class) = embedded(&photos.held_examples, &|_| 0)?;
    let asked: Vec<(&Embedded, usize)> =
        held.features.iter().zip(class).filter_map(|(row, class)| Some((row, class?))).collect();
    let answers = model.answers(&asked, &vec![true; photos.classes.len()])?;
    let calibration = (answers.len() >= MEASURABLE_PHOTOS).then(|| Calibration {
        scale: fit_scale(&answers),
        rejection_threshold: fit_rejection(&answers, &[]).threshold,
    });
    Ok((Some(model.shared.serialize()?), calibration))
}
