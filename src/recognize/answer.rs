//! The steps from frames to one answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::attributes::{Attribute, AttributeValue};
use super::decision::{Decision, Likeness, Reason, decide, nearest};
use super::head::{Prototypes, softmax};
use super::{Context, Model, Prediction, Reader, Recognition, Recognizer, Taught, score, vote};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::manifest::{AttributeHead, LabelHead, Manifest, SecondLook};
use crate::teach;

/// The labels that an answer is about: those of the release, then those that were taught beside them.
struct Labels<'a> {
    names: Vec<&'a String>,
    /// Whether the app knows each. What was taught is known.
    known: Vec<bool>,
    /// How many of them are the release's.
    trained: usize,
}

/// What the network and its heads say, before it is put into an order.
struct Reading {
    /// A probability for each label.
    confidences: Vec<f32>,
    decision: Decision,
    reason: Reason,
    rejection_score: f32,
    attributes: BTreeMap<String, Attribute>,
}

impl Recognizer {
    /// As [`Recognizer::recognize`], of several frames that show the same and answer together, and with what a device adds
    /// to the release. Labels that the app does not know are marked and never win. They stay in the softmax: their
    /// probability is not redistributed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidFrame`] without a frame; as [`Recognizer::recognize`].
    pub fn recognize_in(&self, frames: &[Frame<'_>], context: &Context<'_>) -> Result<Recognition> {
        if frames.is_empty() {
            return Err(Error::new(ErrorKind::InvalidFrame, "no frame"));
        }
        let labels = Labels::of(&self.manifest.labels, context);
        let mut reading = match &self.model {
            Model::Classifier { engine } => self.classify(&**engine, frames, &labels, context.precision)?,
            Model::Embedding(reader) => self.compare(reader, frames, &labels, context)?,
        };
        if labels.has_only_unknown() {
            (reading.decision, reading.reason) = (Decision::Unknown, Reason::NotKnown);
            reading.rejection_score = 0.0;
        }
        let predictions = labels.predictions(&reading.confidences);
        let [first, second] = [0, 1].map(|place| predictions.get(place).filter(|prediction| prediction.known));
        if let Some(first) = first {
            repeat_label(&self.manifest, first, &mut reading.attributes);
        }
        Ok(Recognition {
            decision: reading.decision,
            reason: reading.reason,
            margin: first.map_or(0.0, |p| p.confidence) - second.map_or(0.0, |p| p.confidence),
            rejection_score: reading.rejection_score,
            score: self.score(first, &reading, context.taught),
            attributes: reading.attributes,
            version: self.manifest.version.clone(),
            predictions,
        })
    }

    /// Reads a network that gives a probability for each label.
    fn classify(
        &self,
        engine: &dyn Engine,
        frames: &[Frame<'_>],
        labels: &Labels<'_>,
        precision: Option<f32>,
    ) -> Result<Reading> {
        let Manifest { preprocessing, image_size, decision: rule, .. } = &*self.manifest;
        let run = |frame: &Frame<'_>| engine.run_pixels(&frame.input_pixels(preprocessing, *image_size), preprocessing);
        let confidences = vote::pool(&frames.iter().map(run).collect::<Result<Vec<_>>>()?);
        let best = labels.best_known(&confidences);
        let (decision, reason) = decide(rule, best, false, best, precision);
        Ok(Reading { confidences, decision, reason, rejection_score: best, attributes: BTreeMap::new() })
    }

    /// Compares the frames' mean point with the prototypes, and reads the attributes from it. One picture that is no match is
    /// looked at again where the release says so: its mean with its mirror image answers. What else the answer tells, such as attributes,
    /// is of the first look.
    fn compare(
        &self,
        reader: &Reader,
        frames: &[Frame<'_>],
        labels: &Labels<'_>,
        context: &Context<'_>,
    ) -> Result<Reading> {
        let points = frames.iter().map(|frame| reader.point(frame)).collect::<Result<Vec<_>>>()?;
        // Dot products with the mean point equal the mean of the per-frame cosines.
        let point = vote::mean(&points);
        let mut attributes = BTreeMap::new();
        for ((name, head), reader) in self.manifest.attributes.iter().zip(&reader.attributes) {
            if let Some(answer) = reader.answer(head, &point) {
                attributes.insert(name.clone(), answer);
            }
        }
        let (Some(head), Some(LabelHead { scale })) = (&reader.label, self.manifest.label_head) else {
            let (decision, reason) = (Decision::Unsure, Reason::NoLabels);
            return Ok(Reading { confidences: Vec::new(), decision, reason, rejection_score: 0.0, attributes });
        };
        let read = |point: &[f32], attributes| {
            let (cosines, likeness) = likeness(head, &reader.background, point, &labels.known, context.taught);
            let confidences = softmax(&cosines, scale);
            let best = labels.best_known(&confidences);
            let (score, is_background) = (likeness.score(), likeness.is_background());
            let (decision, reason) = decide(&self.manifest.decision, score, is_background, best, context.precision);
            Reading { confidences, decision, reason, rejection_score: score, attributes }
        };
        let reading = read(&point, attributes);
        let [frame] = frames else { return Ok(reading) };
        let looks_again = self.manifest.decision.second_look == Some(SecondLook::Mirror) && !context.is_live;
        if reading.decision == Decision::Match || !looks_again {
            return Ok(reading);
        }
        let mirrored = reader.embedder.input_pixels(frame).mirrored();
        let both = vote::mean(&[point, reader.space.point(&reader.embedder.embed(&mirrored)?)?]);
        Ok(read(&both, reading.attributes))
    }

    /// The release's score rule, with the facts of the first prediction. Of an unknown product no facts are known.
    fn score(&self, first: Option<&Prediction>, reading: &Reading, taught: Option<&Taught>) -> Option<f64> {
        let rule = self.manifest.score.as_ref()?;
        let known = first.filter(|_| reading.decision != Decision::Unknown);
        let facts = known.map(|prediction| self.facts(&prediction.label, taught));
        score::score(rule, first.map(|p| p.confidence), &reading.attributes, facts.as_ref())
    }

    /// What the release says of a product, and what was taught of it, which wins.
    fn facts(&self, label: &str, taught: Option<&Taught>) -> BTreeMap<String, Value> {
        let mut facts = self.manifest.facts.get(label).cloned().unwrap_or_default();
        let own = taught.and_then(|taught| taught.facts(label)).and_then(teach::facts);
        facts.extend(own.into_iter().flatten());
        facts
    }
}

impl<'a> Labels<'a> {
    fn of(trained: &'a [String], context: &Context<'a>) -> Self {
        let is_known =
            |label: &String| context.products.is_none_or(|products: &BTreeSet<String>| products.contains(label));
        let mut known: Vec<bool> = trained.iter().map(is_known).collect();
        let mut names: Vec<&String> = trained.iter().collect();
        for label in context.taught.into_iter().flat_map(Taught::added) {
            names.push(label);
            known.push(true);
        }
        Labels { names, known, trained: trained.len() }
    }

    fn has_only_unknown(&self) -> bool {
        !self.known.is_empty() && !self.known.contains(&true)
    }

    /// The largest of the values of known labels; minus infinity without any.
    fn best_known(&self, values: &[f32]) -> f32 {
        let known = values.iter().zip(&self.known).filter(|(_, known)| **known);
        known.map(|(value, _)| *value).fold(f32::NEG_INFINITY, f32::max)
    }

    /// All labels, most likely first, those that the app does not know after the others.
    fn predictions(&self, confidences: &[f32]) -> Vec<Prediction> {
        let mut order: Vec<usize> = (0..confidences.len()).collect();
        order.sort_unstable_by(|&a, &b| {
            let by_known = self.known[b].cmp(&self.known[a]);
            by_known.then(confidences[b].total_cmp(&confidences[a])).then(a.cmp(&b))
        });
        let prediction = |&place: &usize| Prediction {
            label: self.names[place].clone(),
            confidence: confidences[place],
            known: self.known[place],
            taught: place >= self.trained,
        };
        order.iter().map(prediction).collect()
    }
}

/// The cosines of a point to all labels, and how similar it is to the known ones.
fn likeness(
    head: &Prototypes,
    background: &Prototypes,
    point: &[f32],
    known: &[bool],
    taught: Option<&Taught>,
) -> (Vec<f32>, Likeness) {
    let mut cosines = head.cosines(point);
    let mut own = head.own().to_vec();
    let mut nearest_background = nearest(&background.cosines(point), background.own());
    if let Some(taught) = taught {
        taught.compare(head, point, &mut cosines, &mut own);
        nearest_background = nearest_background.max(taught.background(head, point));
    }
    let likeness = Likeness::of(&cosines, &own, known, nearest_background);
    (cosines, likeness)
}

/// Enters the first prediction under the names of attributes that repeat the label.
fn repeat_label(manifest: &Manifest, first: &Prediction, attributes: &mut BTreeMap<String, Attribute>) {
    for (name, _) in manifest.attributes.iter().filter(|(_, head)| **head == AttributeHead::Label) {
        let value = AttributeValue::Text(first.label.clone());
        attributes.insert(name.clone(), Attribute { value, confidence: Some(first.confidence), error: None });
    }
}
