//! The space that comes with a new backbone, and how far heads in it are to be trusted on photos it has not seen.

use std::path::Path;

use jicho::manifest::Features;

use super::photos::Photos;
use crate::backbone::pretraining::Calibration;
use crate::backbone::{self, Request};
use crate::cache::Cache;
use crate::dataset::{Dataset, Example};
use crate::error::Result;
use crate::progress::Progress;
use crate::train::COLOR_WEIGHT;
use crate::train::augment::Variation;
use crate::train::calibrate::{MEASURABLE_PHOTOS, fit_scale, rejection};
use crate::train::embed::{self, Embedded};
use crate::train::learn::{Model, Set, Source};
use crate::train::shared::Shared;

/// Fits a space to the labelled photos by the backbone in `file`, as training does, and calibrates heads in it by the
/// held-out photos. None of either where there is too little.
///
/// # Errors
/// When the backbone fails.
pub fn run(
    file: &Path,
    photos: &Photos,
    progress: Progress,
) -> Result<(Option<std::sync::Arc<Shared>>, Option<Calibration>)> {
    if photos.classes.len() < 2 {
        return Ok((None, None));
    }
    let request = Request { backbone: file.display().to_string(), ..Request::default() };
    let backbone = backbone::resolve(&request, progress)?;
    let features = Features { embedding: backbone.outputs, color_weight: COLOR_WEIGHT };
    let embedder = backbone.embedder(features)?;
    let views = embed::Views {
        embedder: &embedder,
        network: backbone.digest(features),
        variation: Variation { mirror: true },
        cache: &Cache::none(),
    };
    let embedded = |examples: &[Example], variations: &(dyn Fn(usize) -> usize + Sync)| -> Result<_> {
        let known = examples.iter().filter(|example| example.label.is_some()).cloned().collect();
        let mut dataset = Dataset { labels: photos.classes.clone(), examples: known, ..Dataset::default() };
        let rows = embed::photos(&views, &mut dataset, variations, progress)?;
        let class: Vec<Option<usize>> = dataset.examples.iter().map(|example| example.label).collect();
        Ok((rows, class))
    };
    let (rows, class) = embedded(&photos.examples, &embed::variations)?;
    let set = Set {
        photos: &rows,
        class: &class,
        seen: &vec![false; rows.len()],
        classes: photos.classes.len(),
        background: &embed::background(&embedder, backbone.size)?,
        embedding: features.embedding,
    };
    let model = Model::of(set, &Source::Own)?;
    let (held, class) = embedded(&photos.held_examples, &|_| 0)?;
    let asked: Vec<(&Embedded, usize)> =
        held.iter().zip(class).filter_map(|(row, class)| Some((row, class?))).collect();
    let answers = model.answers(&asked, &vec![true; photos.classes.len()])?;
    let scale = fit_scale(&answers);
    let found = rejection(&answers, &[]);
    let calibration = found
        .true_accept_rate
        .filter(|_| answers.len() >= MEASURABLE_PHOTOS)
        .map(|true_accept_rate| Calibration { scale, rejection_threshold: found.threshold, true_accept_rate });
    Ok((Some(model.shared), calibration))
}
