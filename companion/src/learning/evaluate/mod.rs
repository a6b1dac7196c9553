//! Measures a published channel on photos.

mod outcome;
mod shifts;

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use jicho::Recognition;
use jicho::recognize::{Attribute, AttributeValue, Decision, Prediction, Reason, Recognizer};
use rayon::prelude::*;
use serde::Serialize;

use crate::dataset::{self, Dataset, Example, Problem, Reading, Value};
use crate::error::{Error, Result, at};
use crate::json;
use crate::learning::measure::{Answer, BINS, Measures, Truth, auroc, expected_calibration_error, false_accepts_at};
use crate::output::publish;
use crate::photo::PhotoError;
use crate::progress::Progress;
use outcome::{Outcome, Summary};
pub use shifts::Row;

/// What to evaluate.
pub struct Options {
    /// The channel's folder, `…/ml-models/T_1`.
    pub channel: PathBuf,
    /// Photos: a folder per product, a JSONL or a COCO file.
    pub photos: PathBuf,
    /// How they are read.
    pub reading: Reading,
    /// Photos of what none of the channel's products is, in the same forms.
    pub unknown: Option<PathBuf>,
    /// Whether the photos are also measured as another camera might have taken them.
    pub shifts: bool,
    /// The file to write one JSON line per image to.
    pub predictions: Option<PathBuf>,
}

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// The channel.
    pub channel: String,
    /// The version of its release.
    pub version: String,
    /// Measures over the labels.
    #[serde(flatten)]
    pub measures: Measures,
    /// Number of answers that are a match, unsure, unknown.
    pub decisions: BTreeMap<&'static str, usize>,
    /// What of the answers matters at a till.
    #[serde(flatten)]
    pub summary: Summary,
    /// The same of the photos as another camera might have taken them, after a first row of the photos as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shifts: Vec<Row>,
    /// Expected calibration error on photos whose product the channel has, 0–1; null without such photos.
    pub ece: Option<f64>,
    /// The probability that such a photo has a larger rejection score than an unknown photo; null without photos of both.
    pub auroc: Option<f64>,
    /// The share of unknown photos that are accepted by the threshold that accepts 95 % of the known ones; null without
    /// photos of both.
    pub fpr95: Option<f64>,
    /// Number of answers to unknown photos that are a match, unsure, unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_decisions: Option<BTreeMap<&'static str, usize>>,
    /// Measures of each attribute of the photos.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, AttributeMeasure>,
    /// Photos and rows that were left out.
    pub problems: Vec<Problem>,
}

/// How well an attribute is recognised.
#[derive(Debug, Default, Serialize)]
pub struct AttributeMeasure {
    /// Number of photos that have the attribute.
    pub images: usize,
    /// Share of answers that are right as a whole; null for numbers.
    pub accuracy: Option<f64>,
    /// Mean absolute error, in the attribute's unit; only for numbers.
    pub mae: Option<f64>,
    /// Root mean squared error, in the attribute's unit; only for numbers.
    pub rmse: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    image: &'a str,
    /// The box, if the answer is about a part of the image.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    region: Option<[f64; 4]>,
    label: Option<&'a str>,
    /// Whether the photo is one of `--unknown`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unknown: bool,
    decision: Decision,
    reason: Reason,
    rejection_score: f32,
    predictions: &'a [Prediction],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: &'a BTreeMap<String, Attribute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
}

/// Recognises every photo with the channel's current release, and measures the answers.
///
/// # Errors
/// A channel that cannot be loaded, no usable photo, a predictions file that cannot be written.
pub fn run(options: &Options, progress: Progress) -> Result<Evaluation> {
    let (recognizer, _) = publish::open(&options.channel)?;
    let manifest = recognizer.manifest();
    let mut dataset = Dataset::read(&options.photos, &options.reading)?;
    dataset.keep_measured();
    dataset.tell(progress);
    let answered = recognize(&recognizer, &mut dataset, progress)?;
    let mut unknown_photos =
        options.unknown.as_deref().map(|path| Dataset::read_unlabelled(path, &options.reading)).transpose()?;
    let unknown =
        unknown_photos.as_mut().map(|unknown_photos| recognize(&recognizer, unknown_photos, progress)).transpose()?;
    if let Some(path) = &options.predictions {
        write_predictions(path, &answered, unknown.as_deref().unwrap_or_default(), &dataset.labels)?;
    }

    let index: BTreeMap<&str, usize> = manifest.labels.iter().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
    let truth = |example: &Example| match example.label {
        Some(label) => index.get(dataset.labels[label].as_str()).map_or(Truth::Foreign, |&l| Truth::Label(l)),
        None => Truth::Untold,
    };
    let ranked = answered.iter().map(|(example, answer)| Answer {
        truth: truth(example),
        ranking: answer.predictions.iter().filter_map(|p| index.get(p.label.as_str()).copied()).collect(),
    });
    let measures = Measures::of(&manifest.labels, ranked);
    let outcome = |example: &Example, answer: &Recognition| {
        Outcome::of(answer, example.label.map(|label| dataset.labels[label].as_str()), truth(example))
    };
    let outcomes: Vec<Outcome> = answered.iter().map(|(example, answer)| outcome(example, answer)).collect();
    let known: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.is_known).collect();
    let claims: Vec<(f32, bool)> = known.iter().map(|outcome| (outcome.confidence, outcome.is_right)).collect();
    let known_scores: Vec<f32> = known.iter().map(|outcome| outcome.score).collect();
    let shifts = match options.shifts {
        true => shifts::rows(&recognizer, &answered, &outcomes, &outcome, progress)?,
        false => Vec::new(),
    };
    let unknown_scores: Vec<f32> = unknown.iter().flatten().map(|(_, answer)| answer.rejection_score).collect();
    Ok(Evaluation {
        summary: Summary::of(&outcomes),
        shifts,
        channel: manifest.channel_id.clone(),
        version: manifest.version.clone(),
        measures,
        decisions: decisions(&answered),
        ece: expected_calibration_error(&claims, BINS),
        auroc: auroc(&known_scores, &unknown_scores),
        fpr95: false_accepts_at(0.95, &known_scores, &unknown_scores),
        unknown_decisions: unknown.as_deref().map(decisions),
        attributes: attribute_measures(&answered),
        problems: dataset
            .problems
            .into_iter()
            .chain(unknown_photos.into_iter().flat_map(|photos| photos.problems))
            .collect(),
    })
}

/// Recognises every photo of `dataset`. Photos that cannot be read move from its examples to its problems.
fn recognize(
    recognizer: &Recognizer,
    dataset: &mut Dataset,
    progress: Progress,
) -> Result<Vec<(Example, Recognition)>> {
    let bar = progress.stage("recognize", dataset.examples.len());
    let answers: Vec<Result<Recognition, Problem>> = dataset
        .examples
        .par_iter()
        .map(|example| {
            let answer = example.read().map_err(|e| Problem::of(example.name.clone(), &e)).and_then(|photo| {
                let answer = photo.frame().and_then(|frame| recognizer.recognize(&frame));
                answer.map_err(|e| Problem::of(example.name.clone(), &PhotoError::Broken(e.to_string())))
            });
            bar.advance();
            answer
        })
        .collect();
    bar.finish();

    let mut answered = Vec::new();
    for (example, answer) in dataset.examples.drain(..).zip(answers) {
        match answer {
            Ok(answer) => answered.push((example, answer)),
            Err(problem) => dataset.problems.push(problem),
        }
    }
    dataset::tell_left_out(&dataset.problems, progress);
    if answered.is_empty() {
        let first = dataset.problems.first().map(ToString::to_string).unwrap_or_default();
        return Err(Error::NoPhotos(format!("no photo could be used; the first: {first}")));
    }
    Ok(answered)
}

fn decisions(answered: &[(Example, Recognition)]) -> BTreeMap<&'static str, usize> {
    let mut decisions = BTreeMap::from([("match", 0), ("unsure", 0), ("unknown", 0)]);
    for (_, answer) in answered {
        let name = match answer.decision {
            Decision::Match => "match",
            Decision::Unsure => "unsure",
            Decision::Unknown => "unknown",
        };
        *decisions.entry(name).or_default() += 1;
    }
    decisions
}

fn attribute_measures(answered: &[(Example, Recognition)]) -> BTreeMap<String, AttributeMeasure> {
    let mut right: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    let mut errors: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (example, answer) in answered {
        for (name, truth) in &example.attributes {
            match (truth, answer.attributes.get(name).map(|a| &a.value)) {
                (Value::Number(t), Some(AttributeValue::Number(v))) => {
                    errors.entry(name.clone()).or_default().push(v - t);
                }
                (Value::Text(t), Some(AttributeValue::Text(v))) => right.entry(name.clone()).or_default().push(t == v),
                (Value::Sequence(t), Some(AttributeValue::Sequence(v))) => {
                    right.entry(name.clone()).or_default().push(t == v);
                }
                _ => {}
            }
        }
    }
    let mut measures: BTreeMap<String, AttributeMeasure> = BTreeMap::new();
    for (name, right) in right {
        let accuracy = right.iter().filter(|r| **r).count() as f64 / right.len() as f64;
        measures.insert(name, AttributeMeasure { images: right.len(), accuracy: Some(accuracy), ..Default::default() });
    }
    for (name, errors) in errors {
        let count = errors.len() as f64;
        let mae = errors.iter().map(|e| e.abs()).sum::<f64>() / count;
        let rmse = (errors.iter().map(|e| e * e).sum::<f64>() / count).sqrt();
        let measure = AttributeMeasure { images: errors.len(), accuracy: None, mae: Some(mae), rmse: Some(rmse) };
        measures.insert(name, measure);
    }
    measures
}

fn write_predictions(
    path: &Path,
    answered: &[(Example, Recognition)],
    unknown: &[(Example, Recognition)],
    labels: &[String],
) -> Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path).map_err(at(path))?);
    let all = answered.iter().map(|a| (a, false)).chain(unknown.iter().map(|a| (a, true)));
    for ((example, answer), is_unknown) in all {
        let line = Line {
            image: &example.name,
            region: example.region.map(|region| region.bounds()),
            // An unknown photo's label belongs to another dataset.
            label: example.label.filter(|_| !is_unknown).map(|l| labels[l].as_str()),
            unknown: is_unknown,
            decision: answer.decision,
            reason: answer.reason,
            rejection_score: answer.rejection_score,
            predictions: &answer.predictions,
            attributes: &answer.attributes,
            score: answer.score,
        };
        writeln!(file, "{}", json::line(&line)?).map_err(at(path))?;
    }
    file.flush().map_err(at(path))
}
