//! metadata.json: everything that a device must know about a release. It is parsed once into checked types, so code that
//! holds a [`Manifest`] need not validate it again. Format: `docs/formats/metadata.md`.

mod candidate;
mod preprocessing;
mod score;
pub mod signature;
mod validate;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::plan;
use crate::error::{Error, ErrorKind, Result};
pub use candidate::{Candidate, takes_candidate};
pub use preprocessing::{ColorOrder, Layout, Preprocessing};
pub use score::{ScoreRule, ScoreTerm};
use signature::KeyList;
pub use validate::{
    MAX_CLOCK_SKEW, MAX_RELEASE_SEQ, check_channel, check_new_channel, check_release_time, check_version,
};

/// The metadata.json schema that this build writes, and the newest it reads.
pub const SCHEMA: u32 = 1;

/// The oldest library version that can run what this build writes. Raised only when the format asks for it, so that a
/// new companion does not lock out apps that would understand its releases.
pub const RUNTIME_NEEDED: &str = "0.1.0";

/// The formats of plans that this build runs (docs/formats/plan.md).
pub const PLAN_FORMATS: std::ops::RangeInclusive<u32> = plan::VERSION..=plan::BYTES_VERSION;

/// The largest side of a network's input, pixels.
pub const MAX_IMAGE_SIZE: usize = 1024;

/// The most bytes a metadata.json may have; checked before parsing.
pub const MAX_BYTES: usize = 16 << 20;

/// A release of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Format version of this file.
    pub schema: u32,
    /// The channel (one shop) the release is for.
    pub channel_id: String,
    /// Name of the release, unique in its channel.
    pub version: String,
    /// Rises with every publish, rollbacks included; decides what is newer.
    pub release_seq: u64,
    /// When training ended, ISO 8601, UTC.
    pub trained_at: String,
    /// Seconds.
    pub training_duration: f64,
    /// Number of labels.
    pub product_count: usize,
    /// Photos trained on.
    pub image_count: usize,
    /// How the answers come about.
    pub model_type: ModelType,
    /// The network's family, as `mobilenetv2`; absent where the publisher did not know it, and in older releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Side of the network's square input, pixels.
    pub image_size: usize,
    /// Product ids; their order is that of the head's rows.
    pub labels: Vec<String>,
    /// Top-1 on photos held out of training, 0–1; null where none could be held out, or of one product.
    pub accuracy: Option<f64>,
    /// The oldest library version (`major.minor.patch`) that can run the release.
    pub minimum_runtime: String,
    /// How pixels go in.
    pub preprocessing: Preprocessing,
    /// The files of the release, at most one a known role.
    pub files: Vec<FileEntry>,
    /// Features that the heads read; only for [`ModelType::Embedding`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
    /// The head that tells labels apart. Absent where there are no labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_head: Option<LabelHead>,
    /// Heads for further attributes, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, AttributeHead>,
    /// When an answer is a match.
    pub decision: Decision,
    /// Facts an app shows with a label: name, price, …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, BTreeMap<String, Value>>,
    /// The lessons that the training learnt, by their [digests](crate::teach::digest), ascending: a device retires them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub lessons: BTreeSet<String>,
    /// How a score of 0–100 is computed on the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreRule>,
    /// What the model must answer to the built-in golden frame.
    pub golden: Golden,
    /// In latest/metadata.json only: the release on trial beside this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    /// Unix seconds after which the publisher should have written latest/metadata.json anew: a host that still serves it
    /// then is frozen, by mistake or on purpose. Absent where nothing was promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// How the keys that sign this channel were exchanged, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_lists: Vec<KeyList>,
}

/// How a model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum ModelType {
    /// A frozen backbone's embedding, joined with colour features, read by heads.
    Embedding,
    /// One network that outputs a value a label.
    Classifier,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// For people.
    pub name: String,
    /// Relative to the models' base URL (the folder that holds `blobs/`).
    pub url: String,
    /// Lower-case hex of the SHA-256 of the bytes.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
    /// What it is for.
    pub role: FileRole,
    /// Of a plan, the version of its format, so that a device knows before it fetches it whether it can run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<u32>,
}

/// What a file is for. Which of them a device needs: [`Manifest::needed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum FileRole {
    /// The network, ONNX.
    Backbone,
    /// The same network, compiled.
    Plan,
    /// The space that the heads read points of, safetensors; one for all channels of a backbone.
    Space,
    /// The heads' tensors, safetensors.
    Head,
    /// A role that only later versions of this library know. No device fetches such a file.
    #[serde(other)]
    Other,
}

/// The feature vector: the embedding divided by its Euclidean norm, then the colour features times their weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Features {
    /// Length of the network's embedding.
    pub embedding: usize,
    /// Weight of the colour features ([`crate::color`]); 0 leaves them out.
    pub color_weight: f32,
}

/// The head over `labels`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelHead {
    /// Factor of the cosines before the softmax: 1 ÷ temperature (Guo 2017), fitted on held-out photos.
    pub scale: f32,
}

/// A head for an attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", try_from = "HeadFields")]
pub enum AttributeHead {
    /// The label itself: read by the label head, under this name too.
    Label,
    /// One of several strings.
    Categorical {
        /// The values, in the order of the head's rows.
        classes: Vec<String>,
        /// As [`LabelHead::scale`].
        scale: f32,
        /// Top-1 on held-out photos; null where none.
        accuracy: Option<f64>,
    },
    /// A fixed number of integers, each with a head of its own.
    Sequence {
        /// One a position.
        positions: Vec<Position>,
        /// Share of held-out photos with every position right; null where none.
        accuracy: Option<f64>,
    },
    /// A number, by ridge regression.
    Numeric {
        /// Smallest and largest value trained on; answers stay within.
        range: [f64; 2],
        /// Mean absolute error on held-out photos, in the attribute's own unit; null where none.
        mae: Option<f64>,
        /// Root mean squared error, likewise.
        rmse: Option<f64>,
    },
}

/// An [`AttributeHead`] as it is read. (Told apart by serde, the kinds would take 20 KB of the wasm module.)
#[derive(Deserialize)]
struct HeadFields {
    kind: String,
    classes: Option<Vec<String>>,
    scale: Option<f32>,
    positions: Option<Vec<Position>>,
    range: Option<[f64; 2]>,
    accuracy: Option<f64>,
    mae: Option<f64>,
    rmse: Option<f64>,
}

impl TryFrom<HeadFields> for AttributeHead {
    type Error = String;

    fn try_from(fields: HeadFields) -> Result<Self, String> {
        let HeadFields { kind, classes, scale, positions, range, accuracy, mae, rmse } = fields;
        let head = match kind.as_str() {
            "label" => Some(AttributeHead::Label),
            "categorical" => {
                classes.zip(scale).map(|(classes, scale)| AttributeHead::Categorical { classes, scale, accuracy })
            }
            "sequence" => positions.map(|positions| AttributeHead::Sequence { positions, accuracy }),
            "numeric" => range.map(|range| AttributeHead::Numeric { range, mae, rmse }),
            _ => return Err(format!("there is no attribute of the kind `{kind}`")),
        };
        head.ok_or_else(|| format!("an attribute of the kind `{kind}` lacks a field"))
    }
}

/// One position of a sequence attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The integers seen at this position, ascending; the order of the head's rows.
    pub classes: Vec<i64>,
    /// As [`LabelHead::scale`].
    pub scale: f32,
}

/// When an answer is a match, unsure or unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Below this rejection score ([`crate::recognize::Likeness::score`], or the largest confidence of a classifier) the
    /// answer is `unknown`, unless its confidence reaches `unknown_confidence`.
    pub rejection_threshold: f32,
    /// Share of held-out photos of known products that pass the threshold; null where it was not measured.
    pub true_accept_rate: Option<f64>,
    /// Share of photos of products left out of a trial training that pass it; null where it was not measured.
    #[serde(default)]
    pub false_accept_rate: Option<f64>,
    /// Below this confidence the answer is `unsure`.
    pub match_confidence: f32,
    /// The share of matches that should be right with it, 0–1; absent where nothing is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_precision: Option<f32>,
    /// Below this rejection score an answer is no match, however confident it is. Absent in older releases, where the
    /// rejection threshold alone counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_score: Option<f32>,
    /// From this confidence on an answer is not `unknown` for its rejection score. Absent in older releases, where no
    /// confidence helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_confidence: Option<f32>,
    /// What a match takes for each promise of precision, ascending; empty in older releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<Promise>,
    /// How a picture is looked at again that is no match at first. Absent in older releases, and where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_look: Option<SecondLook>,
}

/// What is looked at beside a picture that is no match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondLook {
    /// Its mirror image.
    Mirror,
    /// Something that only a newer library knows; it is left out.
    #[serde(other)]
    Other,
}

/// The confidence from which on the share `precision` of all matches is right, on photos like those of other visits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Promise {
    /// The share of matches that are right, 0–1.
    pub precision: f32,
    /// The least confidence of a match.
    pub confidence: f32,
    /// The share of photos of known products that get a match in the trial; null where too few photos were measured, so
    /// that the confidence is only claimed.
    pub coverage: Option<f64>,
    /// The 95 % interval of the share of right matches in the trial; null as `coverage`.
    pub interval: Option<[f64; 2]>,
}

impl Decision {
    /// The least confidence of a match that is to be right with a probability of `precision`; `None` asks for what the
    /// release's trainer chose. A precision between two promises gets the higher one. Where nothing was promised so high,
    /// the confidence must claim it itself.
    #[must_use]
    pub fn match_confidence_for(&self, precision: Option<f32>) -> f32 {
        let Some(precision) = precision else { return self.match_confidence };
        // A precision that was written as text may come back a little larger.
        let promise = self.promises.iter().find(|promise| promise.precision >= precision - 1e-6);
        let highest = self.promises.last().map_or(0.0, |promise| promise.confidence);
        promise.map_or(precision.max(highest), |promise| promise.confidence)
    }
}

/// What the model must answer to [`crate::golden::frame`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Golden {
    /// The raw outputs of all heads one after another (see [`crate::Recognizer::golden_outputs`]).
    pub outputs: Vec<f32>,
    /// The largest difference that other engine builds may show.
    pub tolerance: f32,
}

impl Manifest {
    /// Reads and checks a metadata.json.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidManifest`], [`ErrorKind::SchemaTooNew`], [`ErrorKind::RuntimeTooOld`],
    /// [`ErrorKind::InvalidChannel`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorKind::InvalidManifest, message);
        if bytes.len() > MAX_BYTES {
            return Err(invalid(format!("metadata.json has {} bytes, more than {MAX_BYTES}", bytes.len())));
        }
        if bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<') {
            return Err(invalid(
                "metadata.json is an HTML page: the host answers missing files with its app (SPA fallback); \
                 exclude the models folder from that rule"
                    .into(),
            ));
        }
        // These two fields decide whether the rest can be understood at all, so they are read first.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Envelope {
            schema: u64,
            minimum_runtime: Option<String>,
        }
        let Envelope { schema, minimum_runtime } =
            serde_json::from_slice(bytes).map_err(|e| invalid(format!("metadata.json is not a release: {e}")))?;
        if schema > u64::from(SCHEMA) {
            return Err(Error::new(
                ErrorKind::SchemaTooNew,
                format!("metadata.json has schema {schema}, this library reads up to {SCHEMA}: update the app"),
            ));
        }
        if let Some(minimum) = minimum_runtime {
            validate::check_runtime(&minimum)?;
        }
        let manifest: Manifest =
            serde_json::from_slice(bytes).map_err(|e| invalid(format!("metadata.json is not a release: {e}")))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The file of `role`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidManifest`] when the release has none.
    pub fn file(&self, role: FileRole) -> Result<&FileEntry> {
        self.files.iter().find(|f| f.role == role).ok_or_else(|| {
            Error::new(ErrorKind::InvalidManifest, format!("the release has no file with the role {role:?}"))
        })
    }

    /// The file that a device runs the network from: the plan if its format is known, else the ONNX.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidManifest`] when the release has neither.
    pub fn network(&self) -> Result<&FileEntry> {
        let plan = self
            .files
            .iter()
            .find(|f| f.role == FileRole::Plan && f.format.is_some_and(|format| PLAN_FORMATS.contains(&format)));
        plan.map_or_else(|| self.file(FileRole::Backbone), Ok)
    }

    /// The files that a device needs, in the order of the release: network and, of an embedding model, space and head.
    pub fn needed(&self) -> impl Iterator<Item = &FileEntry> {
        let network = self.network().ok().map(|f| f.role);
        self.files.iter().filter(move |f| match f.role {
            FileRole::Backbone | FileRole::Plan => Some(f.role) == network,
            FileRole::Space | FileRole::Head => self.model_type == ModelType::Embedding,
            FileRole::Other => false,
        })
    }

    /// Bytes of all files that a device needs.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.needed().map(|f| f.bytes).sum()
    }
}
