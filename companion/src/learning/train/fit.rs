//! From feature vectors to what a release says: which space, the heads, and when an answer is a match.

use std::collections::BTreeMap;
use std::sync::Arc;

use jicho::manifest::{AttributeHead, Decision, LabelHead};
use jicho::recognize::softmax;
use serde::Serialize;

use super::calibrate::{self, MEASURABLE_PHOTOS};
use super::embed::{self, Embedded};
use super::learn::{self, Model, Set, Source, Trial, Visits};
use super::shared::Shared;
use super::{MATCH_CONFIDENCE, heads, split};
use crate::dataset::{Dataset, Value};
use crate::error::Result;
use crate::learning::measure::{Answer, Measures};
use crate::model::backbone::pretraining::Calibration;
use crate::output::release::HeadFile;

/// A space of one's own must name this share of the held-out photos more than a shared one, which devices may have
/// already and which knows more products.
const WORTH_ITS_BYTES: f64 = 0.01;

/// What is fitted to.
pub struct Inputs<'a> {
    /// The photos.
    pub dataset: &'a Dataset,
    /// Their feature vectors.
    pub photos: &'a [Embedded],
    /// Whether the network was made from each of them.
    pub seen: &'a [bool],
    /// What the network's own file tells of other photos, where it was made from some of these.
    pub told: Option<Calibration>,
    /// Frames without a product, by kind.
    pub background: &'a [(usize, Embedded)],
    /// Length of the network's part of the features.
    pub embedding: usize,
    /// The space that is there already, and whether it may have been fitted to these very photos.
    pub given: Option<(Arc<Shared>, bool)>,
    /// Places the held-out photos.
    pub seed: u64,
    /// Whether the network was trained on these photos but the held-out ones.
    pub is_tuned: bool,
}

/// What a release says.
pub struct Trained {
    /// The space.
    pub shared: Arc<Shared>,
    /// The heads.
    pub file: HeadFile,
    /// Of the labels; none without any.
    pub label_head: Option<LabelHead>,
    /// Of the attributes.
    pub attributes: BTreeMap<String, AttributeHead>,
    /// When an answer is a match.
    pub decision: Decision,
    /// Whether both are calibrated as the network's own file tells.
    pub is_told: bool,
    /// On the held-out photos.
    pub measures: Option<Measures>,
    /// Likewise.
    pub ece: Option<f64>,
    /// The spaces that were tried.
    pub candidates: Vec<Candidate>,
    /// The trial that measured.
    pub trial: Option<Trial>,
    /// The trial that calibrated; empty without labels.
    pub visits: Visits,
}

/// A space that was tried.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// `own` (fitted to these photos) or `shared` (of releases of the same backbone, or the backbone's own).
    pub space: &'static str,
    /// Top-1 on the held-out photos; null where none could be held out.
    pub accuracy: Option<f64>,
    /// Whether the release has it.
    pub chosen: bool,
}

/// Fits everything.
///
/// # Errors
/// A given space that does not fit the features.
pub fn run(inputs: &Inputs<'_>) -> Result<Trained> {
    let Inputs { dataset, photos, seen, background, embedding, .. } = *inputs;
    let class: Vec<Option<usize>> = dataset.examples.iter().map(|e| e.label).collect();
    let labels = dataset.labels.len();
    let mut held = match labels {
        0 => split::hold_out(&vec![Some(0); class.len()], 1, inputs.seed),
        labels => split::hold_out(&class, labels, inputs.seed),
    };
    held.iter_mut().zip(seen).for_each(|(held, seen)| *held &= !seen);
    let (spanned, classes) = if labels > 0 { (class.clone(), labels) } else { attribute_classes(dataset) };
    let set = Set { photos, class: &spanned, seen, classes, background, embedding };
    let held_products = if labels > 0 { held.clone() } else { vec![false; held.len()] };
    let Choice { source, trial, held_out, candidates } = choose(set, inputs.given.as_ref(), &held_products)?;

    let answers = held_out.as_ref().map_or_else(Vec::new, Trial::answers);
    let model = Model::of(set, &source)?;
    let dims = model.shared.space.dims();
    let mut file = HeadFile::default();
    let mut label_head = None;
    let mut decision = Decision {
        rejection_threshold: calibrate::DEFAULT_THRESHOLD,
        true_accept_rate: None,
        false_accept_rate: None,
        match_confidence: MATCH_CONFIDENCE,
    };
    let (mut measures, mut ece, mut visits, mut told) = (None, None, Visits::default(), None);
    if labels > 0 {
        file.prototypes("label", &model.head, dims);
        visits = learn::visits(set, &trial)?;
        if inputs.is_tuned {
            // The others are too easy for the network to calibrate by.
            visits.known.clone_from(&answers);
        }
        told = inputs.told.filter(|_| visits.known.len() < MEASURABLE_PHOTOS);
        let (scale, rejection) = calibrate::calibrate(&visits, told);
        label_head = Some(LabelHead { scale });
        decision.rejection_threshold = rejection.threshold;
        decision.true_accept_rate = rejection.true_accept_rate;
        decision.false_accept_rate = rejection.false_accept_rate;
        ece = if labels > 1 { calibrate::expected_calibration_error(&answers, scale) } else { None };
        // Of one product every answer is right, which measures nothing.
        measures = (labels > 1 && !answers.is_empty()).then(|| {
            let ranked = answers.iter().map(|h| Answer::ranked(h.class, &softmax(&h.cosines, scale)));
            Measures::of(&dataset.labels, ranked)
        });
    }
    let points = embed::points(&model.shared.space, photos)?;
    let photos = heads::Photos { points: &points, held: &held, seed: inputs.seed };
    let label_attribute = dataset.label_attribute.as_deref();
    let attributes = heads::attributes(photos, &dataset.examples, label_attribute, &mut file)?;
    let shared = model.shared;
    Ok(Trained {
        shared,
        file,
        label_head,
        attributes,
        decision,
        is_told: told.is_some(),
        measures,
        ece,
        candidates,
        trial: held_out,
        visits,
    })
}

/// The space that is used, with its answers to the held-out photos.
pub struct Choice {
    /// The space.
    pub source: Source,
    /// What trials are made with: a space that may have seen the photos cannot tell how it would do without.
    pub trial: Source,
    /// The trial with the held-out photos.
    pub held_out: Option<Trial>,
    /// What was tried.
    pub candidates: Vec<Candidate>,
}

/// Tries the given space, of which is told whether it may have seen the photos, and one fitted to them.
///
/// # Errors
/// A given space that does not fit the features.
pub fn choose(set: Set<'_>, given: Option<&(Arc<Shared>, bool)>, held: &[bool]) -> Result<Choice> {
    let seen = given.is_some_and(|(_, seen)| *seen);
    let given = given.map(|(given, _)| ("shared", Source::Given(Arc::clone(given))));
    let mut tried = Vec::new();
    for (space, source) in given.into_iter().chain([("own", Source::Own)]) {
        let trial = learn::held_out(set, &source, held)?;
        let accuracy = trial.as_ref().and_then(|trial| calibrate::accuracy(&trial.answers()));
        tried.push((Candidate { space, accuracy, chosen: false }, source, trial));
    }
    // The first, unless the last is worth its bytes.
    let last = tried.len() - 1;
    let better = tried[last].0.accuracy.unwrap_or(0.0) - tried[0].0.accuracy.unwrap_or(0.0);
    let chosen = if better > WORTH_ITS_BYTES { last } else { 0 };
    tried[chosen].0.chosen = true;
    let source = tried[chosen].1.clone();
    let (_, trial, held_out) = &mut tried[if seen { last } else { chosen }];
    let (trial, held_out) = (trial.clone(), held_out.take());
    Ok(Choice { source, trial, held_out, candidates: tried.into_iter().map(|(candidate, ..)| candidate).collect() })
}

/// Classes to span a space where there are no labels: photos with the same texts and sequences are of one class; if
/// hardly any two have the same, or nothing but numbers is told, each photo is a class of its own, with its variations.
fn attribute_classes(dataset: &Dataset) -> (Vec<Option<usize>>, usize) {
    let key = |attributes: &BTreeMap<String, Value>| {
        let texts = attributes.iter().filter_map(|(name, value)| match value {
            Value::Text(text) => Some(format!("{name}={text}")),
            Value::Sequence(items) => Some(format!("{name}={items:?}")),
            Value::Number(_) => None,
        });
        texts.collect::<Vec<String>>()
    };
    let keys: Vec<Vec<String>> = dataset.examples.iter().map(|e| key(&e.attributes)).collect();
    let mut distinct = keys.clone();
    distinct.sort();
    distinct.dedup();
    if distinct.len() < 2 || 2 * distinct.len() > keys.len() {
        return ((0..keys.len()).map(Some).collect(), keys.len());
    }
    (keys.iter().map(|key| distinct.binary_search(key).ok()).collect(), distinct.len())
}
