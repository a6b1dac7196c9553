//! From frames to a [`Recognition`], step by step.

use std::collections::BTreeMap;

use super::attributes::{Attribute, AttributeValue};
use super::decision::{Decision, Likeness, Reason, decide, nearest};
use super::head::softmax;
use super::{Context, Model, Prediction, Reader, Recognition, Recognizer, Taught, largest, score, vote};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::manifest::{AttributeHead, LabelHead, Manifest};
use crate::teach;

type Attributes = BTreeMap<String, Attribute>;

/// What the label head, or a classifier, says of a frame.
struct Outcome {
    /// A probability per label; none in a model without labels.
    confidences: Vec<f32>,
    decision: Decision,
    reason: Reason,
    rejection_score: f32,
}

/// The labels that can be answers: those of the release, then those that were taught.
struct Labels<'a> {
    names: Vec<&'a String>,
    /// Whether the app knows each label.
    known: Vec<bool>,
    /// How many of them are the release's.
    trained: usize,
}

impl<'a> Labels<'a> {
    fn of(manifest: &'a Manifest, context: &Context<'a>) -> Self {
        let Context { products, taught } = *context;
        let mut names: Vec<&String> = manifest.labels.iter().collect();
        let mut known: Vec<bool> = names.iter().map(|l| products.is_none_or(|p| p.contains(*l))).collect();
        for label in taught.into_iter().flat_map(Taught::added) {
            names.push(label);
            known.push(true);
        }
        Labels { names, known, trained: manifest.labels.len() }
    }

    /// The largest value of a label that the app knows.
    fn best(&self, values: &[f32]) -> f32 {
        largest(values.iter().zip(&self.known).filter(|(_, known)| **known).map(|(v, _)| *v))
    }

    /// Whether there are labels, and the app knows none of them.
    fn are_all_unknown(&self) -> bool {
        !self.known.is_empty() && !self.known.contains(&true)
    }

    /// Every label with its confidence: those that the app knows first, the most likely first.
    fn ranked(&self, confidences: &[f32]) -> Vec<Prediction> {
        let mut order: Vec<usize> = (0..confidences.len()).collect();
        let place =
            |a: usize, b: usize| self.known[b].cmp(&self.known[a]).then(confidences[b].total_cmp(&confidences[a]));
        order.sort_unstable_by(|&a, &b| place(a, b).then(a.cmp(&b)));
        let prediction = |&i: &usize| Prediction {
            label: self.names[i].clone(),
            confidence: confidences[i],
            known: self.known[i],
            taught: i >= self.trained,
        };
        order.iter().map(prediction).collect()
    }
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
        let labels = Labels::of(&self.manifest, context);
        let mut attributes = Attributes::new();
        let mut outcome = match &self.model {
            Model::Classifier { engine } => self.classify(&**engine, frames, &labels)?,
            Model::Embedding(reader) => {
                let points = frames.iter().map(|frame| reader.point(frame)).collect::<Result<Vec<_>>>()?;
                // Dot products with the mean point equal the mean of the per-frame cosines.
                let point = vote::mean(&points);
                reader.answer_attributes(&self.manifest, &point, &mut attributes);
                reader.compare_labels(&self.manifest, &point, &labels, context.taught)
            }
        };
        if labels.are_all_unknown() {
            (outcome.decision, outcome.reason, outcome.rejection_score) = (Decision::Unknown, Reason::NotKnown, 0.0);
        }
        let predictions = labels.ranked(&outcome.confidences);
        let [first, second] = [0, 1].map(|i| predictions.get(i).filter(|p| p.known));
        if let Some(first) = first {
            self.answer_label_attributes(first, &mut attributes);
        }
        let margin = first.map_or(0.0, |p| p.confidence) - second.map_or(0.0, |p| p.confidence);
        let score = self.score(first, outcome.decision, &attributes, context.taught);
        Ok(Recognition {
            decision: outcome.decision,
            reason: outcome.reason,
            predictions,
            margin,
            rejection_score: outcome.rejection_score,
            attributes,
            score,
            version: self.manifest.version.clone(),
        })
    }

    /// The outcome of a classifier; the frames' probabilities are pooled.
    fn classify(&self, engine: &dyn Engine, frames: &[Frame<'_>], labels: &Labels<'_>) -> Result<Outcome> {
        let run = |frame: &Frame<'_>| {
            let pixels = frame.input_pixels(&self.manifest.preprocessing, self.manifest.image_size);
            engine.run_pixels(&pixels, &self.manifest.preprocessing)
        };
        let confidences = vote::pool(&frames.iter().map(run).collect::<Result<Vec<_>>>()?);
        let top = labels.best(&confidences);
        let (decision, reason) = decide(&self.manifest.decision, top, false, top);
        Ok(Outcome { confidences, decision, reason, rejection_score: top })
    }

    /// Answers the attributes that repeat the label by the first prediction.
    fn answer_label_attributes(&self, first: &Prediction, attributes: &mut Attributes) {
        for (name, _) in self.manifest.attributes.iter().filter(|(_, head)| **head == AttributeHead::Label) {
            let value = AttributeValue::Text(first.label.clone());
            attributes.insert(name.clone(), Attribute { value, confidence: Some(first.confidence), error: None });
        }
    }

    /// The score by the release's rule. Facts count only for a product that was not rejected.
    fn score(
        &self,
        first: Option<&Prediction>,
        decision: Decision,
        attributes: &Attributes,
        taught: Option<&Taught>,
    ) -> Option<f64> {
        let rule = self.manifest.score.as_ref()?;
        let facts = first.filter(|_| decision != Decision::Unknown).map(|p| {
            let mut facts = self.manifest.facts.get(&p.label).cloned().unwrap_or_default();
            let told = taught.and_then(|taught| taught.facts(&p.label)).and_then(teach::facts);
            facts.extend(told.into_iter().flatten());
            facts
        });
        score::score(rule, first.map(|p| p.confidence), attributes, facts.as_ref())
    }
}

impl Reader {
    /// Answers the attributes that have heads of their own.
    fn answer_attributes(&self, manifest: &Manifest, point: &[f32], attributes: &mut Attributes) {
        for ((name, head), reader) in manifest.attributes.iter().zip(&self.attributes) {
            if let Some(answer) = reader.answer(head, point) {
                attributes.insert(name.clone(), answer);
            }
        }
    }

    /// The outcome of comparing a point with the products, those that were taught among them, and with frames without a
    /// product.
    fn compare_labels(
        &self,
        manifest: &Manifest,
        point: &[f32],
        labels: &Labels<'_>,
        taught: Option<&Taught>,
    ) -> Outcome {
        let (Some(head), Some(LabelHead { scale })) = (&self.label, manifest.label_head) else {
            let (decision, reason) = (Decision::Unsure, Reason::NoLabels);
            return Outcome { confidences: Vec::new(), decision, reason, rejection_score: 0.0 };
        };
        let mut cosines = head.cosines(point);
        let mut own = head.own().to_vec();
        let mut background = nearest(&self.background.cosines(point), self.background.own());
        if let Some(taught) = taught {
            taught.compare(head, point, &mut cosines, &mut own);
            background = background.max(taught.background(head, point));
        }
        let confidences = softmax(&cosines, scale);
        let likeness = Likeness::of(&cosines, &own, &labels.known, background);
        let rejection_score = likeness.score();
        let best = labels.best(&confidences);
        let (decision, reason) = decide(&manifest.decision, rejection_score, likeness.is_background(), best);
        Outcome { confidences, decision, reason, rejection_score }
    }
}
