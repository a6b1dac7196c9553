//! Measures how well training on a folder of photos works: cross-validation with folds of neighbouring photos, with few
//! photos, in small shops, on unknown products and kinds of products, and on frames without a product.
//!
//! Every model is trained by the functions that `jicho train` uses, on the same variations of the photos.

mod background_frames;
mod protocol;
mod table;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::cache;
use crate::dataset::{Dataset, Reading, Split, Value};
use crate::error::{Error, Result};
use crate::learning::train::augment::Variation;
use crate::learning::train::content::ContentId;
use crate::learning::train::shared_space::SharedSpace;
use crate::learning::train::space_choice::GivenSpace;
use crate::learning::train::{COLOR_WEIGHT, WHOLE_ABOVE, embed};
use crate::model::backbone;
use crate::progress::Progress;
use jicho::manifest::Features;
use protocol::Bench;
pub use table::print;

/// What to cross-validate.
pub struct Options {
    /// Photos: a folder per product, a JSONL file or COCO annotations.
    pub photos: PathBuf,
    /// Photos of other visits, to measure models on that learn from all of `photos`.
    pub test: Option<PathBuf>,
    /// The backbone.
    pub backbone: backbone::Request,
    /// How they are read.
    pub reading: Reading,
    /// The attribute that holds the kind of product.
    pub kind: Option<String>,
    /// Number of repetitions, each with different folds, shops and left-out products.
    pub seeds: u64,
    /// How many shops are drawn to see whether the promise of a match is kept.
    pub shops: u64,
    /// Whether the mirror image of a product is still the same product.
    pub mirror: bool,
    /// Where features of photos are cached.
    pub cache: cache::Place,
    /// Whether to measure only what the models of the folds tell.
    pub brief: bool,
}

/// Mean and standard deviation over repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
}

impl Spread {
    /// The spread of the values; none without values.
    pub fn of(values: &[f64]) -> Option<Spread> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
        (!values.is_empty()).then_some(Spread { mean, sd })
    }
}

/// A row of the table. Shares are 0–1.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// The measures, by name.
    pub measures: BTreeMap<&'static str, Spread>,
}

/// The table, by protocol.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// The backbone's name or file.
    pub backbone: String,
    /// Number of photos.
    pub images: usize,
    /// Number of products.
    pub products: usize,
    /// Number of repetitions.
    pub seeds: u64,
    /// Each fold of the photos is measured on by a model that learnt from the others.
    pub folds: Vec<Row>,
    /// Photos of other visits are measured on by models that learnt from all photos; empty without such photos.
    pub other_visits: Vec<Row>,
}

/// Cross-validates.
///
/// # Errors
/// As [`crate::learning::train::run`], and `BAD_INPUT` when a photo cannot be read.
pub fn run(options: &Options, progress: Progress) -> Result<Validation> {
    let mut dataset = Dataset::read(&options.photos, &options.reading)?;
    let mut learnt = dataset.examples.len();
    if let Some(test) = &options.test {
        join(&mut dataset, Dataset::read(test, &options.reading)?);
    } else if dataset.has_splits() {
        // What its maker set apart is what the rest is judged by.
        dataset.examples.sort_by_key(|example| example.split.is_some_and(Split::is_apart));
        learnt = dataset.examples.iter().filter(|example| !example.split.is_some_and(Split::is_apart)).count();
    }
    dataset.tell(progress);
    let mut backbone = backbone::resolve(&options.backbone, progress)?;
    backbone.preprocessing.whole_above = Some(WHOLE_ABOVE);
    let features = Features { embedding: backbone.outputs, color_weight: COLOR_WEIGHT };
    let embedder = backbone.embedder(features)?;
    let total = dataset.examples.len();
    let photo_embedder = embed::PhotoEmbedder {
        embedder: &embedder,
        network: backbone.digest(features),
        variation: Variation { mirror: options.mirror },
        cache: &options.cache.open(progress),
    };
    let photos = embed::photos(&photo_embedder, &mut dataset, |_| embed::MAX_VARIATIONS, progress)?;
    if dataset.examples.len() < total || dataset.labels.len() < 2 {
        let first = dataset.problems.first().map_or("at least two products are needed".into(), ToString::to_string);
        return Err(Error::BadInput(format!("photos that cannot be read would shift the folds: {first}")));
    }
    let space = backbone.space.as_deref().map(|bytes| SharedSpace::read(bytes, embedder.feature_len())).transpose()?;
    let given = space.map(|space| GivenSpace { name: "backbone", shared: Arc::new(space), knows_photos: false });
    let kinds = kinds(&dataset, options.kind.as_deref());
    let pretraining = backbone.pretraining.as_ref();
    let pretrained = pretraining.map_or_else(|| vec![false; total], |made| made.saw(&dataset.examples));
    let count = pretrained.iter().filter(|pretrained| **pretrained).count();
    if count > 0 {
        progress.warn(&format!("the backbone was made from {count} of these photos: folds of them flatter it"));
    }
    let bench = Bench {
        photos: &photos.features,
        contents: &photos.contents,
        class: dataset.examples.iter().map(|e| e.label.unwrap_or_default()).collect(),
        pretrained,
        stored_calibration: pretraining.filter(|_| count > 0).and_then(|made| made.calibration),
        kind: kinds,
        classes: dataset.labels.len(),
        background: &embed::background(&embedder, backbone.size)?,
        frames: background_frames::embed(&embedder, &dataset, backbone.size)?,
        embedding: features.embedding,
        given: given.into_iter().collect(),
        mirror: options.mirror,
    };
    let all: Vec<usize> = (0..total).collect();
    let (first, second) = all.split_at(learnt);
    let known: HashSet<ContentId> = photos.contents[..learnt].iter().copied().collect();
    let second: Vec<usize> = second.iter().copied().filter(|&i| !known.contains(&photos.contents[i])).collect();
    if second.len() < total - learnt {
        let copies = total - learnt - second.len();
        progress.warn(&format!("{copies} photos of --test are copies of photos that are learnt from: left out"));
    }
    let folds = bench.rows(&|seed| bench.folds(&all, seed), options, progress)?;
    let other_visits = match second.is_empty() {
        true => Vec::new(),
        false => bench.rows(&|_| vec![(first.to_vec(), second.clone())], options, progress)?,
    };
    Ok(Validation {
        backbone: backbone.name,
        images: total,
        products: dataset.labels.len(),
        seeds: options.seeds,
        folds,
        other_visits,
    })
}

/// Appends the examples of another dataset. Labels are matched by name.
fn join(dataset: &mut Dataset, other: Dataset) {
    for mut example in other.examples {
        let Some(label) = example.label.map(|l| other.labels[l].clone()) else { continue };
        // Photos of products that are not learnt measure nothing.
        if let Some(index) = dataset.labels.iter().position(|l| *l == label) {
            example.label = Some(index);
            dataset.examples.push(example);
        }
    }
}

/// The number of each product's kind, which its first photo tells. Without an attribute, each product is a kind of its own.
fn kinds(dataset: &Dataset, attribute: Option<&str>) -> Vec<usize> {
    let mut names: Vec<String> = dataset.labels.clone();
    for example in dataset.examples.iter().rev() {
        if let (Some(label), Some(Value::Text(kind))) =
            (example.label, attribute.and_then(|name| example.attributes.get(name)))
        {
            names[label].clone_from(kind);
        }
    }
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    names.iter().map(|name| distinct.binary_search(name).unwrap_or_default()).collect()
}
