//! A channel from an existing ONNX classifier.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jicho::engine::{Engine, TractEngine};
use jicho::manifest::{Decision, FileRole, Golden, Manifest, ModelType, RUNTIME_NEEDED, SCHEMA};

use crate::error::{Error, Result, at};
use crate::json;
use crate::learning::train::{MATCH_CONFIDENCE, background};
use crate::model::backbone::{self, Network, PixelFlags};
use crate::model::compile::Storage;
use crate::model::onnx::build::{Builder, int};
use crate::model::onnx::{self, cut, pixels};
use crate::model::plan;
use crate::output::publish::{Published, Target, Terms};
use crate::output::release::Release;
use crate::output::report::place::Place;
use crate::progress::Progress;

/// Below this confidence an imported classifier's answer is `unknown`: it was not calibrated by us, so this only says
/// that no label stands out.
const UNKNOWN_CONFIDENCE: f32 = 0.2;

/// What to import.
pub struct Options {
    /// The ONNX file.
    pub model: PathBuf,
    /// One label a line.
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
}

/// Imports and publishes.
///
/// # Errors
/// A model that is no image classifier, labels that do not fit it, pixels that are not known.
pub fn run(options: &Options, progress: Progress) -> Result<Published> {
    let target = Target::open(&options.out, &options.channel, &options.terms)?;
    let text = std::fs::read_to_string(&options.labels).map_err(at(&options.labels))?;
    let labels: Vec<String> = text.trim_start_matches('\u{feff}').lines().map(|l| l.trim().to_owned()).collect();
    let blank = labels.iter().rposition(|l| !l.is_empty()).map_or(0, |last| last + 1);
    let labels = distinct(&labels[..blank], &options.labels.display().to_string())?;

    let bytes = std::fs::read(&options.model).map_err(at(&options.model))?;
    let network = backbone::known_pixels(&bytes, &options.pixels)?;
    let onnx = classifier(&network, options.output.as_deref(), labels.len())?;
    let compiled = plan::make(&onnx, &network.preprocessing, network.size, options.plan, progress)?;
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
        architecture: network.name.map(str::to_owned),
        image_size: network.size,
        labels,
        accuracy: None,
        minimum_runtime: RUNTIME_NEEDED.into(),
        preprocessing: network.preprocessing,
        files: Vec::new(),
        features: None,
        label_head: None,
        attributes: BTreeMap::new(),
        decision: Decision {
            rejection_threshold: UNKNOWN_CONFIDENCE,
            true_accept_rate: None,
            false_accept_rate: None,
            match_confidence: MATCH_CONFIDENCE,
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
        Ok(options.report.put(manifest, files)?.published)
    };
    target.publish(release, report, progress)
}

/// The network with one output: a probability a label.
fn classifier(network: &Network, asked: Option<&str>, labels: usize) -> Result<Vec<u8>> {
    let declared: Vec<String> = match asked {
        Some(name) => vec![name.to_owned()],
        None => onnx::graph(&network.model)?.output.iter().map(|o| o.name.clone()).collect(),
    };
    let mut lengths = Vec::new();
    let mut chosen = None;
    for name in &declared {
        let cut = onnx::encode(&cut::at_output(&network.model, name)?);
        let engine = TractEngine::load(&cut, network.preprocessing.layout, network.size)?;
        lengths.push(format!("`{name}` gives {}", engine.output_len()));
        if engine.output_len() != labels {
            continue;
        }
        let values = values(&engine, network)?;
        // Of several that fit, probabilities are preferred to logits.
        if chosen.as_ref().is_none_or(|(_, before)| values == Values::Probabilities && *before != values) {
            chosen = Some((name.clone(), values));
        }
    }
    let Some((output, values)) = chosen else {
        return Err(Error::BadInput(format!(
            "there are {labels} labels, but {}; give one label a line, in the order of the network's output",
            lengths.join(", ")
        )));
    };
    if values == Values::Independent {
        return Err(Error::BadInput(format!(
            "`{output}` gives each label a value of its own within 0 and 1 (a sigmoid), not one probability shared by \
             all; name an output with logits by --output TENSOR"
        )));
    }
    let mut model = cut::at_output(&network.model, &output)?;
    let graph = model.graph.get_or_insert_default();
    let mut build = Builder::new(graph, "jicho_import");
    let flat = build.node("Flatten", &[&output], vec![int("axis", 1)]);
    if values == Values::Probabilities {
        build.named("Identity", &[&flat], "probabilities", vec![]);
    } else {
        build.named("Softmax", &[&flat], "probabilities", vec![int("axis", 1)]);
    }
    let mut declared = onnx::build::value("probabilities", &[0, labels]);
    declared.name = "probabilities".into();
    graph.output = vec![declared];
    pixels::write(&mut model, &network.preprocessing);
    Ok(onnx::encode(&model))
}

/// What an output's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Within 0 and 1, summing to 1.
    Probabilities,
    /// Within 0 and 1, each on its own.
    Independent,
    /// Anything: to be made probabilities by a softmax.
    Logits,
}

/// Told from the answers to several frames, since a softmax can be written in many ways.
fn values(engine: &TractEngine, network: &Network) -> Result<Values> {
    let mut values = Values::Probabilities;
    for kind in 0..background::KINDS {
        let pixels = background::pixels(kind, 0, network.size)?;
        let outputs = engine.run_pixels(&pixels, &network.preprocessing)?;
        if outputs.iter().any(|v| !(-1e-6..=1.0 + 1e-6).contains(v)) {
            return Ok(Values::Logits);
        }
        if (outputs.iter().sum::<f32>() - 1.0).abs() > 1e-3 {
            values = Values::Independent;
        }
    }
    Ok(values)
}

/// Blank and repeated lines get their line number, since a label is what an answer is called by.
fn distinct(lines: &[String], file: &str) -> Result<Vec<String>> {
    if lines.is_empty() {
        return Err(Error::BadInput(format!("{file} has no labels; write one a line")));
    }
    let mut seen = std::collections::BTreeSet::new();
    Ok(lines
        .iter()
        .enumerate()
        .map(|(i, line)| {
            let label = if line.is_empty() { format!("class-{}", i + 1) } else { line.clone() };
            if seen.insert(label.clone()) {
                return label;
            }
            let mut names = (i + 1..).map(|n| format!("{label} ({n})"));
            let numbered = names.find(|name| !lines.contains(name) && !seen.contains(name)).unwrap_or(label);
            seen.insert(numbered.clone());
            numbered
        })
        .collect())
}
