//! A channel from an existing ONNX classifier.

mod classifier;
mod labels;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jicho::manifest::{Decision, FileRole, Golden, Manifest, ModelType, Preprocessing, RUNTIME_NEEDED, SCHEMA};
use serde::{Deserialize, Serialize};

use super::isolated::{self, Answer, Task};
use super::plan::{self, Compiled, Note};
use crate::error::Result;
use crate::json;
use crate::learning::train::MATCH_CONFIDENCE;
use crate::model::backbone::{self, PixelFlags};
use crate::model::compile::Storage;
use crate::model::onnx;
use crate::output::publish::{Published, Target, Terms};
use crate::output::release::Release;
use crate::output::report::place::Place;
use crate::output::store::local;
use crate::progress::Progress;

/// Below this confidence an imported classifier's answer is `unknown`: it was not calibrated by us, so this only says
/// that no label stands out.
const UNKNOWN_CONFIDENCE: f32 = 0.2;

/// What to import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// The ONNX file.
    pub model: PathBuf,
    /// The labels, in the order of the network's output; see [`labels::read`].
    pub labels: PathBuf,
    /// The channel to publish to.
    pub channel: String,
    /// The models folder.
    pub out: PathBuf,
    /// The output with a value a label, where several fit.
    pub output: Option<String>,
    /// What the flags say of the pixels.
    pub pixels: PixelFlags,
    /// How its plan stores weights; none makes no plan.
    pub plan: Option<Storage>,
    /// Where the report goes.
    pub report: Place,
    /// How to publish.
    pub terms: Terms,
    /// As that of a training: a file that is written just before the release goes into force, with its version.
    pub intent: Option<PathBuf>,
}

/// What the child is asked: see [`Options`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    model: PathBuf,
    labels: usize,
    output: Option<String>,
    pixels: PixelFlags,
    plan: Option<Storage>,
}

/// What the child found. The files with it are the network and, if there is one, its plan.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    architecture: Option<String>,
    preprocessing: Preprocessing,
    size: usize,
    note: Note,
}

/// Imports and publishes.
///
/// # Errors
/// A model that is no image classifier, labels that do not fit it, pixels that are not known.
pub fn run(options: &Options, progress: Progress) -> Result<Published> {
    let target = Target::open(&options.out, &options.channel, &options.terms)?;
    let labels = labels::read(&options.labels)?;
    let question = Question {
        model: options.model.clone(),
        labels: labels.len(),
        output: options.output.clone(),
        pixels: options.pixels.clone(),
        plan: options.plan,
    };
    let (Told { architecture, preprocessing, size, note }, files) = isolated::ask(Task::Classifier(question))?;
    let mut files = files.into_iter();
    let onnx = files.next().unwrap_or_default();
    let compiled = Compiled { plan: files.next(), note };
    compiled.warn(progress);
    let manifest = Manifest {
        schema: SCHEMA,
        channel_id: options.channel.clone(),
        version: "unpublished".into(),
        release_seq: 0,
        trained_at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        training_duration: 0.0,
        product_count: labels.len(),
        image_count: 0,
        model_type: ModelType::Classifier,
        architecture,
        image_size: size,
        labels,
        accuracy: None,
        minimum_runtime: RUNTIME_NEEDED.into(),
        preprocessing,
        files: Vec::new(),
        features: None,
        label_head: None,
        attributes: BTreeMap::new(),
        decision: Decision {
            rejection_threshold: UNKNOWN_CONFIDENCE,
            true_accept_rate: None,
            false_accept_rate: None,
            match_confidence: MATCH_CONFIDENCE,
            match_precision: None,
            match_score: None,
            unknown_confidence: None,
            promises: Vec::new(),
            second_look: None,
        },
        facts: BTreeMap::new(),
        lessons: BTreeSet::new(),
        score: None,
        golden: Golden { outputs: vec![0.0], tolerance: 0.1 },
        candidate: None,
        expires: None,
        key_lists: Vec::new(),
    };
    let mut files = vec![(FileRole::Backbone, onnx)];
    files.extend(compiled.plan.map(|plan| (FileRole::Plan, plan)));
    let mut release = Release::new(manifest, files);
    release.record_golden()?;
    let report = |manifest: &Manifest| {
        let files = vec![("report.json", json::pretty(&compiled.note)?)];
        let placed = options.report.put(manifest, files)?;
        if let Some(file) = &options.intent {
            local::write_atomically(file, manifest.version.as_bytes())?;
        }
        Ok(placed.published)
    };
    target.publish(release, report, progress)
}

/// The child's part: reads the network, makes it give a probability a label, and compiles it.
///
/// # Errors
/// See [`run`].
pub fn answer(question: &Question) -> Result<Answer<Told>> {
    let file = onnx::read(&question.model)?;
    let network = backbone::known_pixels(&file, &question.pixels)?;
    let onnx = classifier::network(&network, question.output.as_deref(), question.labels)?;
    onnx::check_steady(&onnx, network.preprocessing.layout, network.size)?;
    let compiled = plan::make(&onnx, &network.preprocessing, network.size, question.plan, &[], Progress::Silent)?;
    let mut files = vec![onnx];
    files.extend(compiled.plan);
    let architecture = network.name.map(str::to_owned);
    let told = Told { architecture, preprocessing: network.preprocessing, size: network.size, note: compiled.note };
    Ok((told, files))
}
