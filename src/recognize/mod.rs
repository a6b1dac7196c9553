//! From a frame to an answer: network, features, heads, decision, attributes, score.

mod decision;
mod head;
mod score;

use std::collections::BTreeMap;

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

pub use decision::{Decision, Reason, decide};
pub use head::{NumericHead, PrototypeHead, normalize, softmax};

use crate::engine::{Engine, TractEngine};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{Frame, Pixels};
use crate::manifest::{AttributeHead, Features, FileRole, LabelHead, Manifest, ModelType, Preprocessing};
use crate::{color, golden};

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recognition {
    /// What to do with it.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// Every label, most likely first; confidences are probabilities that sum to 1.
    pub predictions: Vec<Prediction>,
    /// First confidence minus second (minus 0 where there is none).
    pub margin: f32,
    /// Largest cosine to a product (embedding model) or largest confidence (classifier); 0 without labels.
    pub rejection_score: f32,
    /// Further attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// 0–100, where the release has a score rule.
    pub score: Option<f64>,
    /// The release that answered.
    pub version: String,
}

/// A label with its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Product id.
    pub label: String,
    /// Probability, 0–1.
    pub confidence: f32,
}

/// A recognised attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its value.
    pub value: AttributeValue,
    /// Probability of the value, 0–1 (of a sequence: that every position is right, taken as independent); null for
    /// numbers.
    pub confidence: Option<f32>,
    /// For numbers: mean absolute error on held-out photos, in the attribute's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// Of a categorical attribute.
    Text(String),
    /// Of a numeric attribute.
    Number(f64),
    /// Of a sequence attribute.
    Sequence(Vec<i64>),
}

enum AttributeReader {
    Label,
    Categorical(PrototypeHead),
    Sequence(Vec<PrototypeHead>),
    Numeric(NumericHead),
}

/// Embeds frames: the network joined with the colour features. Training and recognition both use it.
pub struct Embedder {
    engine: Box<dyn Engine>,
    preprocessing: Preprocessing,
    image_size: usize,
    features: Features,
}

impl Embedder {
    /// Joins a loaded network with how its pixels go in. `features.embedding` must be the network's output length.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when it is not.
    pub fn new(
        engine: Box<dyn Engine>,
        preprocessing: Preprocessing,
        image_size: usize,
        features: Features,
    ) -> Result<Self> {
        if engine.output_len() != features.embedding {
            let message = format!("the network gives {} values, expected {}", engine.output_len(), features.embedding);
            return Err(Error::new(ErrorKind::InvalidModel, message));
        }
        Ok(Embedder { engine, preprocessing, image_size, features })
    }

    /// Length of the feature vector.
    #[must_use]
    pub fn len(&self) -> usize {
        feature_len(&self.features)
    }

    /// Never: a network gives at least one value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pixels that the network sees of a frame.
    #[must_use]
    pub fn pixels(&self, frame: &Frame<'_>) -> Pixels {
        frame.pixels(&self.preprocessing, self.image_size)
    }

    /// The feature vector of prepared pixels.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when the network fails.
    pub fn embed(&self, pixels: &Pixels) -> Result<Vec<f32>> {
        let mut features = self.engine.run(&pixels.tensor(&self.preprocessing))?;
        normalize(&mut features);
        if self.features.color_weight > 0.0 {
            features.extend(color::features(pixels).into_iter().map(|v| v * self.features.color_weight));
        }
        Ok(features)
    }
}

/// Length of the feature vector that `features` describes.
#[must_use]
pub fn feature_len(features: &Features) -> usize {
    features.embedding + if features.color_weight > 0.0 { color::LENGTH } else { 0 }
}

enum Model {
    Embedding { embedder: Embedder, label: Option<PrototypeHead>, attributes: Vec<AttributeReader> },
    Classifier { engine: Box<dyn Engine> },
}

/// A loaded release.
pub struct Recognizer {
    manifest: Manifest,
    model: Model,
}

impl Recognizer {
    /// Loads a release from the bytes of its files.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`], or what `file` returns.
    pub fn load<'a>(manifest: Manifest, file: impl Fn(FileRole) -> Result<&'a [u8]>) -> Result<Self> {
        let engine =
            Box::new(TractEngine::load(file(FileRole::Backbone)?, manifest.preprocessing.layout, manifest.image_size)?);
        let model = match (manifest.model_type, manifest.features) {
            (ModelType::Embedding, Some(features)) => {
                let embedder = Embedder::new(engine, manifest.preprocessing, manifest.image_size, features)?;
                let tensors = SafeTensors::deserialize(file(FileRole::Head)?).map_err(|e| {
                    Error::new(ErrorKind::InvalidModel, format!("the head file is not safetensors: {e}"))
                })?;
                let label = manifest
                    .label_head
                    .map(|h| {
                        PrototypeHead::read(&tensors, "label", embedder.len(), manifest.labels.len() + h.background)
                    })
                    .transpose()?;
                let attributes = manifest
                    .attributes
                    .iter()
                    .map(|(name, head)| AttributeReader::read(&tensors, name, head, embedder.len()))
                    .collect::<Result<_>>()?;
                Model::Embedding { embedder, label, attributes }
            }
            _ if engine.output_len() == manifest.labels.len() => Model::Classifier { engine },
            _ => {
                let (outputs, labels) = (engine.output_len(), manifest.labels.len());
                let message = format!("the network gives {outputs} values for {labels} labels");
                return Err(Error::new(ErrorKind::InvalidModel, message));
            }
        };
        Ok(Recognizer { manifest, model })
    }

    /// The release's manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Recognises what a frame shows.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when the network fails on it.
    pub fn recognize(&self, frame: &Frame<'_>) -> Result<Recognition> {
        let rule = &self.manifest.decision;
        let mut attributes = BTreeMap::new();
        let (confidences, outcome, rejection_score) = match &self.model {
            Model::Classifier { engine } => {
                let pixels = frame.pixels(&self.manifest.preprocessing, self.manifest.image_size);
                let confidences = engine.run(&pixels.tensor(&self.manifest.preprocessing))?;
                let top = largest(&confidences);
                (confidences, decide(rule, top, f32::NEG_INFINITY, top), top)
            }
            Model::Embedding { embedder, label, attributes: readers } => {
                let features = embedder.embed(&embedder.pixels(frame))?;
                for ((name, head), reader) in self.manifest.attributes.iter().zip(readers) {
                    if let Some(answer) = reader.answer(head, &features) {
                        attributes.insert(name.clone(), answer);
                    }
                }
                match (label, self.manifest.label_head) {
                    (Some(head), Some(LabelHead { scale, .. })) => {
                        let cosines = head.cosines(&features);
                        let (products, background) = cosines.split_at(self.manifest.labels.len());
                        let confidences = softmax(products, scale);
                        let score = largest(products);
                        let outcome = decide(rule, score, largest(background), largest(&confidences));
                        (confidences, outcome, score)
                    }
                    _ => (Vec::new(), (Decision::Unsure, Reason::NoLabels), 0.0),
                }
            }
        };
        let mut order: Vec<usize> = (0..confidences.len()).collect();
        order.sort_by(|&a, &b| confidences[b].total_cmp(&confidences[a]).then(a.cmp(&b)));
        let predictions: Vec<Prediction> = order
            .iter()
            .map(|&i| Prediction { label: self.manifest.labels[i].clone(), confidence: confidences[i] })
            .collect();
        let first = predictions.first();
        if let Some(first) = first {
            for (name, _) in self.manifest.attributes.iter().filter(|(_, head)| **head == AttributeHead::Label) {
                let value = AttributeValue::Text(first.label.clone());
                attributes.insert(name.clone(), Attribute { value, confidence: Some(first.confidence), error: None });
            }
        }
        let margin = first.map_or(0.0, |p| p.confidence) - predictions.get(1).map_or(0.0, |p| p.confidence);
        let score = self.manifest.score.as_ref().and_then(|rule| {
            let facts = first.and_then(|p| self.manifest.facts.get(&p.label));
            score::score(rule, first.map(|p| p.confidence), &attributes, facts)
        });
        Ok(Recognition {
            decision: outcome.0,
            reason: outcome.1,
            predictions,
            margin,
            rejection_score,
            attributes,
            score,
            version: self.manifest.version.clone(),
        })
    }

    /// The raw outputs for the golden frame: of an embedding model the cosines of the label head, then of each
    /// attribute head in name order (a numeric head gives its number divided by the width of its range); of a
    /// classifier its output.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when the network fails.
    pub fn golden_outputs(&self) -> Result<Vec<f32>> {
        let rgba = golden::rgba();
        let frame = golden::frame(&rgba);
        match &self.model {
            Model::Classifier { engine } => {
                let pixels = frame.pixels(&self.manifest.preprocessing, self.manifest.image_size);
                engine.run(&pixels.tensor(&self.manifest.preprocessing))
            }
            Model::Embedding { embedder, label, attributes } => {
                let features = embedder.embed(&embedder.pixels(&frame))?;
                let mut outputs = label.as_ref().map_or_else(Vec::new, |h| h.cosines(&features));
                for (reader, head) in attributes.iter().zip(self.manifest.attributes.values()) {
                    match (reader, head) {
                        (AttributeReader::Label, _) => {}
                        (AttributeReader::Categorical(h), _) => outputs.extend(h.cosines(&features)),
                        (AttributeReader::Sequence(hs), _) => {
                            outputs.extend(hs.iter().flat_map(|h| h.cosines(&features)));
                        }
                        (AttributeReader::Numeric(h), AttributeHead::Numeric { range: [low, high], .. }) => {
                            outputs.push(h.predict(&features) / (high - low).max(1e-6) as f32);
                        }
                        (AttributeReader::Numeric(_), _) => {}
                    }
                }
                Ok(outputs)
            }
        }
    }

    /// Checks that this device reproduces the manifest's golden vector.
    ///
    /// # Errors
    /// [`ErrorKind::GoldenMismatch`] when it does not.
    pub fn check_golden(&self) -> Result<()> {
        let outputs = self.golden_outputs()?;
        let golden = &self.manifest.golden;
        let mismatch = |message: String| Err(Error::new(ErrorKind::GoldenMismatch, message));
        if outputs.len() != golden.outputs.len() {
            return mismatch(format!("{} golden outputs, expected {}", outputs.len(), golden.outputs.len()));
        }
        let difference = outputs.iter().zip(&golden.outputs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        if difference.is_nan() || difference > golden.tolerance {
            return mismatch(format!(
                "the model answers the golden frame otherwise than when it was published: \
                 difference {difference}, allowed {}",
                golden.tolerance
            ));
        }
        Ok(())
    }
}

impl AttributeReader {
    fn read(tensors: &SafeTensors<'_>, name: &str, head: &AttributeHead, inputs: usize) -> Result<Self> {
        let tensor = format!("attribute/{name}");
        Ok(match head {
            AttributeHead::Label => AttributeReader::Label,
            AttributeHead::Categorical { classes, .. } => {
                AttributeReader::Categorical(PrototypeHead::read(tensors, &tensor, inputs, classes.len())?)
            }
            AttributeHead::Sequence { positions, .. } => AttributeReader::Sequence(
                positions
                    .iter()
                    .enumerate()
                    .map(|(i, p)| PrototypeHead::read(tensors, &format!("{tensor}/{i}"), inputs, p.classes.len()))
                    .collect::<Result<_>>()?,
            ),
            AttributeHead::Numeric { .. } => AttributeReader::Numeric(NumericHead::read(tensors, &tensor, inputs)?),
        })
    }

    /// None for [`AttributeReader::Label`], which is answered by the label head.
    fn answer(&self, head: &AttributeHead, features: &[f32]) -> Option<Attribute> {
        Some(match (self, head) {
            (AttributeReader::Categorical(reader), AttributeHead::Categorical { classes, scale, .. }) => {
                let (best, confidence) = first(&softmax(&reader.cosines(features), *scale));
                Attribute {
                    value: AttributeValue::Text(classes[best].clone()),
                    confidence: Some(confidence),
                    error: None,
                }
            }
            (AttributeReader::Sequence(readers), AttributeHead::Sequence { positions, .. }) => {
                let mut confidence = 1.0;
                let value = readers
                    .iter()
                    .zip(positions)
                    .map(|(reader, position)| {
                        let (best, p) = first(&softmax(&reader.cosines(features), position.scale));
                        confidence *= p;
                        position.classes[best]
                    })
                    .collect();
                Attribute { value: AttributeValue::Sequence(value), confidence: Some(confidence), error: None }
            }
            (AttributeReader::Numeric(reader), AttributeHead::Numeric { range: [low, high], mae, .. }) => {
                let value = f64::from(reader.predict(features)).clamp(*low, *high);
                Attribute { value: AttributeValue::Number(value), confidence: None, error: *mae }
            }
            _ => return None,
        })
    }
}

fn largest(values: &[f32]) -> f32 {
    values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Index and value of the largest probability; the first of equals.
fn first(probabilities: &[f32]) -> (usize, f32) {
    probabilities.iter().copied().enumerate().fold(
        (0, f32::NEG_INFINITY),
        |best, (i, p)| {
            if p > best.1 { (i, p) } else { best }
        },
    )
}
