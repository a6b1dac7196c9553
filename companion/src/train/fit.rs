//! From feature vectors to what a release says: which space, the heads, and when an answer is a match.

use std::collections::BTreeMap;
use std::sync::Arc;

use jicho::manifest::{AttributeHead, Decision, LabelHead};
use jicho::recognize::softmax;
use serde::Serialize;

use super::calibrate::{self, HeldOut};
use super::embed::{self, Embedded};
use super::learn::{self, Model, Set, Source};
use super::shared::Shared;
use super::{MATCH_CONFIDENCE, heads, split};
use crate::dataset::{Dataset, Value};
use crate::error::Result;
use crate::measure::{Answer, Measures};
use crate::release::HeadFile;

/// A space of one's own must name this share of the held-out photos more than a shared one, which devices may have
/// already and which knows more products.
const WORTH_ITS_BYTES: f64 = 0.01;

/// What is fitted to.
pub struct Inputs<'a> {
    /// The photos.
    pub dataset: &'a Dataset,
    /// Their feature vectors.
    pub photos: &'a [Embedded],
    /// Frames without a product, by kind.
    pub background: &'a [(usize, Embedded)],
    /// Length of the network's part of the features.
    pub embedding: usize,
    /// The space that is there already.
    pub given: Option<Shared>,
    /// Places the held-out photos.
    pub seed: u64,
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
    /// On the held-out photos.
    pub measures: Option<Measures>,
    /// Likewise.
    pub ece: Option<f64>,
    /// The spaces that were tried.
    pub candidates: Vec<Candidate>,
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
    let Inputs { dataset, photos, background, embedding, .. } = *inputs;
    let class: Vec<Option<usize>> = dataset.examples.iter().map(|e| e.label).collect();
    let labels = dataset.labels.len();
    let held = match labels {
        0 => split::hold_out(&vec![Some(0); class.len()], 1, inputs.seed),
        labels => split::hold_out(&class, labels, inputs.seed),
    };
    let (spanned, classes) = if labels > 0 { (class.clone(), labels) } else { attribute_classes(dataset) };
    let set = Set { photos, class: &spanned, classes, background, embedding };
    let sources: Vec<(&'static str, Source)> = inputs
        .given
        .iter()
        .map(|given| ("shared", Source::Given(Arc::new(given.clone()))))
        .chain([("own", Source::Own)])
        .collect();
    let (mut candidates, mut trials) = (Vec::new(), Vec::new());
    for (space, source) in &sources {
        let held_out = if labels > 0 { learn::held_out(set, source, &held)? } else { Vec::new() };
        let answers: Vec<HeldOut> = held_out.iter().map(|(_, answer)| answer.clone()).collect();
        candidates.push(Candidate { space, accuracy: calibrate::accuracy(&answers), chosen: false });
        trials.push(answers);
    }
    // The first, unless the last is worth its bytes.
    let last = sources.len() - 1;
    let better = candidates[last].accuracy.unwrap_or(0.0) - candidates[0].accuracy.unwrap_or(0.0);
    let chosen = if better > WORTH_ITS_BYTES { last } else { 0 };
    candidates[chosen].chosen = true;
    let (source, answers) = (&sources[chosen].1, std::mem::take(&mut trials[chosen]));

    let model = Model::of(set, source)?;
    let dims = model.shared.space.dims();
    let mut file = HeadFile::default();
    let mut label_head = None;
    let mut decision = Decision {
        rejection_threshold: calibrate::DEFAULT_THRESHOLD,
        true_accept_rate: None,
        false_accept_rate: None,
        match_confidence: MATCH_CONFIDENCE,
    };
    let (mut measures, mut ece) = (None, None);
    if labels > 0 {
        file.prototypes("label", &model.head, dims);
        let visits = learn::visits(set, source)?;
        let scale = calibrate::fit_scale(&visits.known);
        label_head = Some(LabelHead { scale });
        let rejection = calibrate::rejection(&visits.known, &visits.strangers);
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
    Ok(Trained { shared, file, label_head, attributes, decision, measures, ece, candidates })
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
