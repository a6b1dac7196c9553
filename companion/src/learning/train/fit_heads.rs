//! From feature vectors to what a release says: the space, the heads, and when an answer is a match.

use std::collections::BTreeMap;
use std::sync::Arc;

use jicho::manifest::{AttributeHead, Decision, LabelHead};
use jicho::recognize::softmax;

use super::answers::{self, HeldOutAnswer, OtherVisits};
use super::calibrate::{self, Calibrated, Expected, MEASURABLE_PHOTOS};
use super::content::ContentId;
use super::embed::{self, Embedded};
use super::hold_out::HeldOut;
use super::label_model::{LabelModel, SpaceSource, TrainingSet};
use super::shared_space::SharedSpace;
use super::space_choice::{self, Candidate, Choice, GivenSpace};
use super::trials::{self, Trial};
use super::{MATCH_CONFIDENCE, attribute_heads};
use crate::dataset::{Dataset, Value};
use crate::error::Result;
use crate::learning::measure::{Answer, Measures};
use crate::model::backbone::pretraining::Calibration;
use crate::output::release::HeadFile;

/// What heads are fitted to. The slices have one entry per example.
pub struct Inputs<'a> {
    /// The photos, with labels and attributes.
    pub dataset: &'a Dataset,
    /// Their feature vectors.
    pub photos: &'a [Embedded],
    /// What each photo shows, to find copies.
    pub contents: &'a [ContentId],
    /// Whether the backbone was pretrained on the photo.
    pub pretrained: &'a [bool],
    /// The calibration in the backbone's own file, if the backbone was pretrained on some of these photos.
    pub stored_calibration: Option<Calibration>,
    /// Frames without a product, with their kind.
    pub background: &'a [(usize, Embedded)],
    /// Length of the backbone's part of the feature vectors.
    pub embedding: usize,
    /// Spaces that exist already, in the order of `space_choice::choose`.
    pub given: Vec<GivenSpace>,
    /// Places the held-out photos.
    pub seed: u64,
    /// Whether the backbone was fine-tuned on these photos, except the held-out ones.
    pub is_fine_tuned: bool,
    /// The share of matches that should be right, 0–1.
    pub match_precision: f32,
}

/// What a release says, and what was measured.
pub struct Fitted {
    /// The space.
    pub shared: Arc<SharedSpace>,
    /// The heads' tensors.
    pub file: HeadFile,
    /// The label head; none in a dataset without labels.
    pub label_head: Option<LabelHead>,
    /// The heads of attributes.
    pub attributes: BTreeMap<String, AttributeHead>,
    /// When an answer is a match.
    pub decision: Decision,
    /// Whether scale and threshold are those stored in the backbone's own file.
    pub is_stored_calibration: bool,
    /// Measures of the label head on the held-out photos.
    pub measures: Option<Measures>,
    /// Its expected calibration error on them, 0–1.
    pub ece: Option<f64>,
    /// The spaces that were tried.
    pub candidates: Vec<Candidate>,
    /// The trial on the held-out photos.
    pub trial: Option<Trial>,
    /// How many photos the release learns from.
    pub learnt: usize,
    /// The answers that calibrate; empty in a dataset without labels.
    pub visits: OtherVisits,
    /// What to expect of photos of another day.
    pub expected: Option<Expected>,
}

/// The part of [`Fitted`] that a dataset with labels adds.
struct Labels {
    head: LabelHead,
    decision: Decision,
    is_stored_calibration: bool,
    measures: Option<Measures>,
    ece: Option<f64>,
    visits: OtherVisits,
    expected: Option<Expected>,
}

/// Fits the space and all heads.
///
/// # Errors
/// When the given space is for other features.
pub fn run(inputs: &Inputs<'_>) -> Result<Fitted> {
    let Inputs { dataset, photos, contents, pretrained, background, embedding, .. } = *inputs;
    let has_labels = !dataset.labels.is_empty();
    let HeldOut { held, apart } = held_photos(inputs);
    let (class, classes) = if has_labels {
        (dataset.examples.iter().map(|e| e.label).collect(), dataset.labels.len())
    } else {
        attribute_classes(dataset)
    };
    let set = TrainingSet { photos, class: &class, contents, pretrained, classes, background, embedding };
    let held_products = if has_labels { held.clone() } else { vec![false; held.len()] };
    let Choice { source, trial_source, held_out, candidates } =
        space_choice::choose(set, &inputs.given, &held_products)?;

    // What was set apart to measure is not learnt from.
    let learnt: Vec<Option<usize>> = class.iter().zip(&apart).map(|(class, apart)| class.filter(|_| !apart)).collect();
    let set = TrainingSet { class: &learnt, ..set };
    let model = LabelModel::train(set, &source)?;
    let mut file = HeadFile::default();
    let labels = if has_labels {
        file.prototypes("label", &model.head, model.shared.space.dims());
        let answers = held_out.as_ref().map_or_else(Vec::new, Trial::answers);
        Some(calibrate_labels(inputs, set, &trial_source, &answers)?)
    } else {
        None
    };
    let points = embed::points(&model.shared.space, photos)?;
    let photos = attribute_heads::Photos { points: &points, held: &held, apart: &apart, contents, seed: inputs.seed };
    let label_attribute = dataset.label_attribute.as_deref();
    let attributes = attribute_heads::fit(photos, &dataset.examples, label_attribute, &mut file)?;
    let fitted = Fitted {
        shared: model.shared,
        file,
        label_head: None,
        attributes,
        decision: Decision {
            rejection_threshold: calibrate::DEFAULT_THRESHOLD,
            true_accept_rate: None,
            false_accept_rate: None,
            match_confidence: MATCH_CONFIDENCE,
            match_precision: None,
            match_score: None,
            unknown_confidence: None,
            promises: Vec::new(),
            second_look: None,
        },
        is_stored_calibration: false,
        measures: None,
        ece: None,
        candidates,
        trial: held_out,
        learnt: apart.iter().filter(|apart| !**apart).count(),
        visits: OtherVisits::default(),
        expected: None,
    };
    Ok(match labels {
        None => fitted,
        Some(Labels { head, decision, is_stored_calibration, measures, ece, visits, expected }) => Fitted {
            label_head: Some(head),
            decision,
            is_stored_calibration,
            measures,
            ece,
            visits,
            expected,
            ..fitted
        },
    })
}

/// Which photos are held out: by label, or over the whole dataset when there are no labels. The backbone is too sure of
/// photos that it was pretrained on, so those are never held out.
fn held_photos(inputs: &Inputs<'_>) -> HeldOut {
    let Inputs { dataset, contents, pretrained, seed, .. } = *inputs;
    let splits: Vec<_> = dataset.examples.iter().map(|e| e.split).collect();
    let mut chosen = if dataset.labels.is_empty() {
        HeldOut::of(&splits, &vec![Some(0); splits.len()], 1, contents, seed)
    } else {
        let class: Vec<Option<usize>> = dataset.examples.iter().map(|e| e.label).collect();
        HeldOut::of(&splits, &class, dataset.labels.len(), contents, seed)
    };
    chosen.held.iter_mut().zip(pretrained).for_each(|(held, pretrained)| *held &= !pretrained);
    chosen
}

/// Calibrates the label head on photos of other visits and measures it by the `answers` to the held-out photos.
fn calibrate_labels(
    inputs: &Inputs<'_>,
    set: TrainingSet<'_>,
    trial_source: &SpaceSource,
    answers: &[HeldOutAnswer],
) -> Result<Labels> {
    let labels = &inputs.dataset.labels;
    let mut visits = trials::other_visits(set, trial_source)?;
    if inputs.is_fine_tuned {
        // The fine-tuned backbone knows all other photos too well; calibrate on the held-out ones.
        visits.known = answers.to_vec();
        visits.groups = vec![answers.len()];
        visits.photos = answers.len();
    }
    let stored = inputs.stored_calibration.filter(|_| visits.photos < MEASURABLE_PHOTOS);
    let Calibrated { scale, decision, expected } = calibrate::calibrate(&visits, stored, inputs.match_precision);
    // With a single product every answer is right, which measures nothing.
    let is_measured = labels.len() > 1 && !answers.is_empty();
    let measures = is_measured.then(|| {
        let ranked = answers.iter().map(|answer| Answer::ranked(answer.class, &softmax(&answer.cosines, scale)));
        Measures::of(labels, ranked)
    });
    Ok(Labels {
        head: LabelHead { scale },
        decision,
        expected,
        is_stored_calibration: stored.is_some(),
        measures,
        ece: if is_measured { answers::expected_calibration_error(answers, scale) } else { None },
        visits,
    })
}

/// Classes to span a space with when there are no labels, and their number. Photos with the same texts and sequences share
/// a class; when hardly any two photos do, or there are only numbers, each photo is a class, with its variations.
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
