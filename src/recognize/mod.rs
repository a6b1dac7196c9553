//! From a frame to an answer: network, features, heads, decision, attributes, score.

mod attributes;
mod decision;
mod embedder;
mod head;
mod score;
mod space;
pub mod tensors;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use attributes::{Attribute, AttributeValue};
pub use decision::{Decision, Likeness, Reason, decide};
pub use embedder::{Embedder, feature_len};
pub use head::{DiscriminantHead, NumericHead, Prototypes, normalize, softmax};
pub use space::Space;

use attributes::AttributeReader;
use head::dot;

use crate::engine::plan::{self, Plan};
use crate::engine::{self, CompiledEngine, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::golden;
use crate::manifest::{AttributeHead, FileRole, LabelHead, Manifest, ModelType, PLAN_FORMAT};

const _: () = assert!(plan::VERSION == PLAN_FORMAT);

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recognition {
    /// What to do with it.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// Every label, most likely first, those that the app does not know after the others; confidences are probabilities
    /// that sum to 1.
    pub predictions: Vec<Prediction>,
    /// First confidence minus second (minus 0 where there is none), among labels that the app knows.
    pub margin: f32,
    /// How like one of the known products: see [`Likeness::score`] (embedding model); the largest confidence
    /// (classifier); 0 without any product.
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
    /// Whether the app knows the product. One that it does not know never wins.
    pub known: bool,
}

enum Model {
    Embedding(Reader),
    Classifier { engine: Box<dyn Engine> },
}

/// An embedding model: features, the space they are read in, and the heads.
struct Reader {
    embedder: Embedder,
    space: Space,
    label: Option<Prototypes>,
    /// Of frames without a product.
    background: Prototypes,
    attributes: Vec<AttributeReader>,
}

/// A loaded release.
pub struct Recognizer {
    manifest: Arc<Manifest>,
    model: Model,
}

impl Recognizer {
    /// Loads a release from the bytes of the files that it needs ([`Manifest::needed`]).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`], [`ErrorKind::NeedsTract`], or what `file` returns.
    pub fn load<'a>(manifest: impl Into<Arc<Manifest>>, file: impl Fn(FileRole) -> Result<&'a [u8]>) -> Result<Self> {
        let manifest = manifest.into();
        let engine = load_network(&manifest, &file)?;
        let model = match (manifest.model_type, manifest.features) {
            (ModelType::Embedding, Some(features)) => Model::Embedding(Reader::load(
                &manifest,
                Embedder::new(engine, manifest.preprocessing, manifest.image_size, features)?,
                &file,
            )?),
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
        self.recognize_among(frame, None)
    }

    /// As [`Recognizer::recognize`], where labels other than `products` are marked and never win. They take part in the
    /// probabilities: what they explain is not given to the others.
    ///
    /// # Errors
    /// As [`Recognizer::recognize`].
    pub fn recognize_among(&self, frame: &Frame<'_>, products: Option<&BTreeSet<String>>) -> Result<Recognition> {
        let rule = &self.manifest.decision;
        let known: Vec<bool> = self.manifest.labels.iter().map(|l| products.is_none_or(|p| p.contains(l))).collect();
        let best = |values: &[f32]| largest(values.iter().zip(&known).filter(|(_, known)| **known).map(|(v, _)| *v));
        let mut attributes = BTreeMap::new();
        let (confidences, outcome, rejection_score) = match &self.model {
            Model::Classifier { engine } => {
                let pixels = frame.pixels(&self.manifest.preprocessing, self.manifest.image_size);
                let confidences = engine.run_pixels(&pixels, &self.manifest.preprocessing)?;
                let top = best(&confidences);
                (confidences, decide(rule, top, false, top), top)
            }
            Model::Embedding(reader) => {
                let point = reader.point(frame)?;
                for ((name, head), reader) in self.manifest.attributes.iter().zip(&reader.attributes) {
                    if let Some(answer) = reader.answer(head, &point) {
                        attributes.insert(name.clone(), answer);
                    }
                }
                match (&reader.label, self.manifest.label_head) {
                    (Some(head), Some(LabelHead { scale })) => {
                        let cosines = head.cosines(&point);
                        let confidences = softmax(&cosines, scale);
                        let likeness = Likeness::of(head, &cosines, &known, &reader.background, &point);
                        let outcome = decide(rule, likeness.score(), likeness.is_background(), best(&confidences));
                        (confidences, outcome, likeness.score())
                    }
                    _ => (Vec::new(), (Decision::Unsure, Reason::NoLabels), 0.0),
                }
            }
        };
        let nobody = !known.is_empty() && !known.contains(&true);
        let (outcome, rejection_score) =
            if nobody { ((Decision::Unknown, Reason::NotKnown), 0.0) } else { (outcome, rejection_score) };
        let mut order: Vec<usize> = (0..confidences.len()).collect();
        let place = |a: usize, b: usize| known[b].cmp(&known[a]).then(confidences[b].total_cmp(&confidences[a]));
        order.sort_unstable_by(|&a, &b| place(a, b).then(a.cmp(&b)));
        let predictions: Vec<Prediction> = order
            .iter()
            .map(|&i| {
                let label = self.manifest.labels[i].clone();
                Prediction { label, confidence: confidences[i], known: known[i] }
            })
            .collect();
        let [first, second] = [0, 1].map(|i| predictions.get(i).filter(|p| p.known));
        if let Some(first) = first {
            for (name, _) in self.manifest.attributes.iter().filter(|(_, head)| **head == AttributeHead::Label) {
                let value = AttributeValue::Text(first.label.clone());
                attributes.insert(name.clone(), Attribute { value, confidence: Some(first.confidence), error: None });
            }
        }
        let margin = first.map_or(0.0, |p| p.confidence) - second.map_or(0.0, |p| p.confidence);
        let score = self.manifest.score.as_ref().and_then(|rule| {
            // What is unknown has no facts.
            let known = first.filter(|_| outcome.0 != Decision::Unknown);
            let facts = known.and_then(|p| self.manifest.facts.get(&p.label));
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

    /// The raw outputs for the golden frame: of an embedding model the cosines of the label head and of the frames
    /// without a product, each less its prototype's own, then those of each attribute head in name order (a numeric head gives its number divided by the width of its
    /// range); of a classifier its output.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when the network fails.
    pub fn golden_outputs(&self) -> Result<Vec<f32>> {
        let rgba = golden::rgba();
        let frame = golden::frame(&rgba);
        match &self.model {
            Model::Classifier { engine } => {
                let pixels = frame.pixels(&self.manifest.preprocessing, self.manifest.image_size);
                engine.run_pixels(&pixels, &self.manifest.preprocessing)
            }
            Model::Embedding(reader) => Ok(reader.golden_outputs(&reader.point(&frame)?, &self.manifest)),
        }
    }

    /// What runs the network, for people.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match &self.model {
            Model::Embedding(reader) => reader.embedder.engine().name(),
            Model::Classifier { engine } => engine.name(),
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

impl Reader {
    fn load<'a>(manifest: &Manifest, embedder: Embedder, file: impl Fn(FileRole) -> Result<&'a [u8]>) -> Result<Self> {
        let shared = tensors::open(file(FileRole::Space)?, "space")?;
        let space = Space::read(&shared, embedder.feature_len())?;
        let background = Prototypes::read(&shared, "background", space.dims())?;
        let heads = tensors::open(file(FileRole::Head)?, "head")?;
        let label = manifest.label_head.map(|_| Prototypes::read(&heads, "label", space.dims())).transpose()?;
        let count = label.as_ref().map_or(0, Prototypes::count);
        if count != manifest.labels.len() {
            let labels = manifest.labels.len();
            let message = format!("the head has {count} prototypes for {labels} labels");
            return Err(Error::new(ErrorKind::InvalidModel, message));
        }
        let attributes = manifest
            .attributes
            .iter()
            .map(|(name, head)| AttributeReader::read(&heads, name, head, space.dims()))
            .collect::<Result<_>>()?;
        Ok(Reader { embedder, space, label, background, attributes })
    }

    fn point(&self, frame: &Frame<'_>) -> Result<Vec<f32>> {
        self.space.point(&self.embedder.embed(&self.embedder.pixels(frame))?)
    }

    fn golden_outputs(&self, point: &[f32], manifest: &Manifest) -> Vec<f32> {
        let heads = self.label.iter().chain([&self.background]);
        let less_own = |head: &Prototypes| -> Vec<f32> {
            head.cosines(point).iter().zip(head.own()).map(|(cosine, own)| cosine - own).collect()
        };
        let mut outputs: Vec<f32> = heads.flat_map(less_own).collect();
        for (reader, head) in self.attributes.iter().zip(manifest.attributes.values()) {
            match (reader, head) {
                (AttributeReader::Label, _) => {}
                (AttributeReader::Categorical(h), _) => outputs.extend(h.cosines(point)),
                (AttributeReader::Sequence(hs), _) => outputs.extend(hs.iter().flat_map(|h| h.cosines(point))),
                (AttributeReader::Numeric(h), AttributeHead::Numeric { range: [low, high], .. }) => {
                    outputs.push(h.predict(point) / (high - low).max(1e-6) as f32);
                }
                (AttributeReader::Numeric(_), _) => {}
            }
        }
        outputs
    }
}

fn load_network<'a>(manifest: &Manifest, file: impl Fn(FileRole) -> Result<&'a [u8]>) -> Result<Box<dyn Engine>> {
    let role = manifest.network()?.role;
    let bytes = file(role)?;
    if role != FileRole::Plan {
        return engine::load_onnx(bytes, manifest.preprocessing.layout, manifest.image_size);
    }
    let plan = Plan::parse(bytes)?;
    if plan.program.onnx != manifest.file(FileRole::Backbone)?.sha256 {
        return Err(Error::new(
            ErrorKind::InvalidModel,
            "the plan was compiled from another network than the release's",
        ));
    }
    let engine = CompiledEngine::load(bytes)?;
    if engine.input_size() != manifest.image_size {
        let (size, told) = (engine.input_size(), manifest.image_size);
        let message = format!("the plan takes {size} pixels a side, metadata.json says {told}");
        return Err(Error::new(ErrorKind::InvalidModel, message));
    }
    Ok(Box::new(engine))
}

fn largest(values: impl Iterator<Item = f32>) -> f32 {
    values.fold(f32::NEG_INFINITY, f32::max)
}
