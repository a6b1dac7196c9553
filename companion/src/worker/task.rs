//! What a worker can be asked to do, and what it answers.

use jicho::Manifest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;
use crate::json;
use crate::learning::train::trial_head::Comparison;
use crate::learning::train::{self, backbone_trial, gate::Verdict};
use crate::model::{backbone, import};
use crate::output::publish::Published;
use crate::progress::Progress;

/// One piece of work for a process of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// Trains a channel and publishes it. Answers with [`Trained`].
    Train(Box<train::Options>),
    /// Publishes an ONNX classifier as a channel. Answers with [`Trained`].
    Import(Box<import::Options>),
    /// Downloads a backbone, by its name. Answers with null.
    FetchBackbone(String),
    /// Measures backbones on a channel's photos. Answers with a list of [`backbone_trial::Tried`].
    TryBackbones {
        /// As for a training; its backbone does not matter.
        options: Box<train::Options>,
        /// Their names.
        backbones: Vec<String>,
    },
}

/// A release that a worker made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trained {
    /// Its version.
    pub version: String,
    /// Its sequence number.
    pub release_seq: u64,
    /// When it was trained, ISO 8601, UTC.
    pub trained_at: String,
    /// Products that it knows.
    pub products: usize,
    /// Photos that it learnt from.
    pub images: usize,
    /// Photos that could not be used.
    pub left_out: usize,
    /// Seconds that the training took.
    pub seconds: f64,
    /// Top-1 on held-out photos, 0–1; null where it was not measured.
    pub accuracy: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Expected calibration error, 0–1; null where it was not measured.
    pub ece: Option<f64>,
    /// Bytes that a device without any of its files fetches.
    pub bytes: u64,
    /// The network's name.
    pub backbone: Option<String>,
    /// The share of devices that take it by themselves; null where it is in force for all.
    pub share: Option<f64>,
    /// How it did against the release that was in force, in a sentence; null where there was nothing to compare with.
    pub verdict: Option<String>,
    /// The same in numbers.
    pub comparison: Option<Comparison>,
}

impl Trained {
    /// From what a release and its report tell, for a worker that died before it could tell by itself.
    pub fn recovered(manifest: &Manifest, share: Option<f64>, report: &Value) -> Trained {
        let made = Trained::of_manifest(manifest, share);
        let read = |name: &str| report.get(name).filter(|value| !value.is_null()).cloned();
        let hits = || {
            let top1 = report.pointer("/accuracy/top1")?;
            Some([top1.get("low")?.as_f64()?, top1.get("high")?.as_f64()?])
        };
        let comparison: Option<Comparison> = read("comparison").and_then(|value| serde_json::from_value(value).ok());
        Trained {
            left_out: read("problems").and_then(|value| value.as_array().map(Vec::len)).unwrap_or(0),
            interval: hits(),
            ece: read("ece").and_then(|value| value.as_f64()),
            backbone: read("backbone").and_then(|value| value.as_str().map(str::to_owned)).or(made.backbone),
            verdict: comparison.as_ref().map(Comparison::summary),
            comparison,
            ..made
        }
    }

    fn imported(published: &Published) -> Trained {
        Trained::of_manifest(&published.manifest, published.canary)
    }

    fn of_manifest(manifest: &Manifest, share: Option<f64>) -> Trained {
        Trained {
            version: manifest.version.clone(),
            release_seq: manifest.release_seq,
            trained_at: manifest.trained_at.clone(),
            products: manifest.product_count,
            images: manifest.image_count,
            left_out: 0,
            seconds: manifest.training_duration,
            accuracy: manifest.accuracy,
            interval: None,
            ece: None,
            bytes: manifest.total_bytes(),
            backbone: manifest.architecture.clone(),
            share,
            verdict: None,
            comparison: None,
        }
    }

    fn of(trained: &train::Trained) -> Trained {
        let train::Trained { published, report, verdict, .. } = trained;
        let held_out = report.held_out.as_ref();
        Trained {
            left_out: report.problems.len(),
            interval: held_out.and_then(|measures| {
                let hits = (measures.top1? * measures.images as f64).round() as usize;
                crate::learning::measure::wilson(hits, measures.images)
            }),
            ece: report.ece,
            backbone: Some(report.backbone.clone()),
            verdict: verdict.as_ref().and_then(Verdict::summary),
            comparison: report.comparison.clone(),
            ..Trained::imported(published)
        }
    }
}

impl Task {
    /// Does it, in this process. Progress goes to stdout as JSON lines.
    ///
    /// # Errors
    /// Those of what is done.
    pub fn run(&self) -> Result<Value> {
        let progress = Progress::Json;
        let value = match self {
            Task::Train(options) => {
                progress.enter("read");
                json::value(&Trained::of(&train::run(options, progress)?))?
            }
            Task::Import(options) => json::value(&Trained::imported(&import::run(options, progress)?))?,
            Task::FetchBackbone(name) => {
                backbone::fetch(name, progress)?;
                Value::Null
            }
            Task::TryBackbones { options, backbones } => {
                json::value(&backbone_trial::run(options, backbones, progress)?)?
            }
        };
        Ok(value)
    }
}
