//! From a frame to an answer: network, features, heads, decision, attributes, score.
//!
//! A [`Recognizer`] is a loaded release; the [crate's example](crate) loads one from a folder. What a device adds to its
//! release goes into a [`Context`]:
//!
//! ```no_run
//! use std::collections::BTreeSet;
//!
//! use jicho::recognize::{Context, Reason};
//! use jicho::{Frame, Recognizer};
//!
//! fn sold_here(release: &Recognizer, frame: Frame<'_>) -> jicho::Result<Option<String>> {
//!     let products = BTreeSet::from(["apple".to_owned(), "kiwi".to_owned()]);
//!     let context = Context { products: Some(&products), ..Context::default() };
//!     let answer = release.recognize_in(&[frame], &context)?;
//!     assert_ne!(answer.reason, Reason::NotKnown, "the release has none of these products");
//!     Ok(answer.predictions.into_iter().find(|prediction| prediction.known).map(|prediction| prediction.label))
//! }
//! ```

mod answer;
mod attributes;
mod decision;
mod embedder;
mod head;
mod score;
mod space;
mod taught;
#[doc(hidden)]
pub mod tensors;
mod vote;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use half::f16;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use attributes::{Attribute, AttributeValue};
pub use decision::{Decision, Reason};
pub use taught::{Product, RELEASE_FRAMES, Standing, Taught};

// For the companion alone: training fits, calibrates and measures with what recognition reads.
#[doc(hidden)]
pub use decision::{Likeness, decide, nearest};
#[doc(hidden)]
pub use embedder::{Embedder, feature_len};
#[doc(hidden)]
pub use head::{DiscriminantHead, NumericHead, Prototypes, normalize, softmax};
#[doc(hidden)]
pub use space::Space;

use attributes::AttributeReader;
use head::dot;

use crate::color;
use crate::engine::plan::{self, Plan};
use crate::engine::{self, CompiledEngine, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::golden;
use crate::manifest::{AttributeHead, FileRole, Manifest, ModelType, Preprocessing};
use crate::teach::{Lesson, LessonFrame};

/// What a model says of one frame, or of several that show the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Recognition {
    /// `match`: take the first prediction. `unsure`: offer the first few. `unknown`: probably none of the products.
    pub decision: Decision,
    /// Why it was decided so.
    pub reason: Reason,
    /// Every product, most likely first, those that the app does not know last; the confidences sum to 1.
    pub predictions: Vec<Prediction>,
    /// First confidence minus second, 0–1, among products that the app knows.
    pub margin: f32,
    /// How like a known product the frame is; below the release's rejection threshold the answer is `unknown`. Of an
    /// embedding model: the nearest product's cosine less the mean cosine of that product's own photos, so about 0 for a
    /// product and negative for anything else. Of a classifier: the largest confidence. 0 without any product.
    pub rejection_score: f32,
    /// Further attributes, by name.
    #[cfg_attr(test, ts(type = "Record<string, Attribute>"))]
    pub attributes: BTreeMap<String, Attribute>,
    /// 0–100 where the release has a score rule, else null.
    pub score: Option<f64>,
    /// The release that answered.
    pub version: String,
}

/// A product with its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Prediction {
    /// Product id.
    pub label: String,
    /// Probability, 0–1.
    pub confidence: f32,
    /// Whether the app knows this product; always true where the app never said which it knows. One that it does not
    /// know never wins. One that was taught is known.
    pub known: bool,
    /// Whether it was taught on this device, and the release does not have it.
    pub taught: bool,
}

/// What a device adds to a release.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The product ids that the app knows; `None` knows all.
    pub products: Option<&'a BTreeSet<String>>,
    /// What was taught, by [`Recognizer::learn`].
    pub taught: Option<&'a Taught>,
    /// The share of matches that should be right, 0–1; `None` leaves it to the release.
    pub precision: Option<f32>,
    /// Whether the frames are of a video that goes on: the next frame is the second look then, and costs no wait.
    pub is_live: bool,
}

enum Model {
    Embedding(Box<Reader>),
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
            (ModelType::Embedding, Some(features)) => Model::Embedding(Box::new(Reader::load(
                &manifest,
                Embedder::new(engine, manifest.preprocessing, manifest.image_size, features)?,
                &file,
            )?)),
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
        self.recognize_in(std::slice::from_ref(frame), &Context::default())
    }

    /// The digest of what makes the features that a lesson keeps: they mean nothing where this is another.
    ///
    /// # Errors
    /// [`ErrorKind::NotTeachable`], where nothing can be taught.
    #[inline(never)]
    pub fn features_digest(&self) -> Result<[u8; 32]> {
        let embedder = &self.teachable()?.0.embedder;
        let Manifest { preprocessing, image_size, features, .. } = &*self.manifest;
        let Preprocessing { layout, color, range, mean, std, crop, whole_above } = preprocessing;
        let weight = features.map_or(0.0, |features| features.color_weight);
        let whole = [color::VERSION, *image_size as u32, embedder.feature_len() as u32, *layout as u32, *color as u32];
        let mut hash = Sha256::new_with_prefix(&self.manifest.file(FileRole::Backbone)?.sha256);
        // Features that were computed with bytes are like those of no other plan.
        let network = self.manifest.network()?;
        if network.format == Some(plan::BYTES_VERSION) {
            hash.update(&network.sha256);
        }
        whole.iter().for_each(|value| hash.update(value.to_le_bytes()));
        range.iter().chain(mean).chain(std).chain([&weight]).for_each(|value| hash.update(value.to_le_bytes()));
        hash.update(crop.to_le_bytes());
        whole_above.iter().for_each(|above| hash.update(above.to_le_bytes()));
        Ok(hash.finalize().into())
    }

    /// The features of a frame, for a lesson with its picture.
    ///
    /// # Errors
    /// As [`Recognizer::features_digest`] and [`Recognizer::recognize`].
    pub fn lesson_frame(&self, frame: &Frame<'_>, jpeg: Vec<u8>) -> Result<LessonFrame> {
        let embedder = &self.teachable()?.0.embedder;
        let features = embedder.embed(&embedder.input_pixels(frame))?;
        Ok(LessonFrame { features: features.into_iter().map(f16::from_f32).collect(), jpeg })
    }

    /// What this release makes of a lesson. No clock takes part: a release lists the lessons that it was trained on
    /// ([`Manifest::lessons`]).
    #[must_use]
    pub fn standing(&self, lesson: &Lesson) -> Standing {
        if self.manifest.lessons.contains(&lesson.digest()) {
            return Standing::InRelease;
        }
        let length = self.teachable().map(|(reader, _)| reader.embedder.feature_len());
        let fits = length.is_ok_and(|length| lesson.frames.iter().all(|frame| frame.features.len() == length));
        if fits && self.features_digest().is_ok_and(|digest| digest == lesson.features_digest) {
            Standing::Active
        } else {
            Standing::Stale
        }
    }

    /// Brings `taught` up to date with lessons that changed, named by their ids. Of these, each that is among `lessons`
    /// joins, if its [`Standing`] allows that, in the place of an earlier one; the others leave. All changes of one call cost one
    /// pass over all lessons, so name many at once.
    pub fn update_taught<'a>(
        &self,
        taught: &mut Taught,
        changed: &BTreeSet<String>,
        lessons: impl Iterator<Item = &'a Lesson>,
    ) {
        let Ok((reader, head)) = self.teachable() else { return };
        taught.remove(changed);
        for lesson in lessons.filter(|lesson| changed.contains(&lesson.id)) {
            if self.standing(lesson) == Standing::Active {
                taught.insert(&reader.space, lesson);
            }
        }
        taught.settle(head, &self.manifest.labels);
    }

    /// Has one lesson take part in `taught`; see [`Recognizer::update_taught`].
    pub fn learn(&self, taught: &mut Taught, lesson: &Lesson) {
        self.update_taught(taught, &BTreeSet::from([lesson.id.clone()]), std::iter::once(lesson));
    }

    fn teachable(&self) -> Result<(&Reader, &Prototypes)> {
        if let Model::Embedding(reader) = &self.model
            && let Some(head) = &reader.label
        {
            return Ok((reader, head));
        }
        let message = "this model has no products to add to: it is a whole classifier, or tells attributes only";
        Err(Error::new(ErrorKind::NotTeachable, message))
    }

    /// The raw outputs for the golden frame: of an embedding model the cosines of the label head and of the frames
    /// without a product, each less its prototype's own, then those of each attribute head in name order (a numeric head
    /// gives its number divided by the width of its range); of a classifier its output.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] when the network fails.
    pub fn golden_outputs(&self) -> Result<Vec<f32>> {
        let rgba = golden::rgba();
        let frame = golden::frame(&rgba);
        match &self.model {
            Model::Classifier { engine } => {
                let pixels = frame.input_pixels(&self.manifest.preprocessing, self.manifest.image_size);
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
        self.space.point(&self.embedder.embed(&self.embedder.input_pixels(frame))?)
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
    let engine = CompiledEngine::new(&plan)?;
    if engine.input_size() != manifest.image_size {
        let (size, told) = (engine.input_size(), manifest.image_size);
        let message = format!("the plan takes {size} pixels a side, metadata.json says {told}");
        return Err(Error::new(ErrorKind::InvalidModel, message));
    }
    Ok(Box::new(engine))
}
