//! Measures a published channel on photos.

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
    /// The share of right answers among the matches of photos with a known product; null without such matches.
    pub match_precision: Option<f64>,
    /// The share of photos of known products that are a match; null without such photos.
    pub match_coverage: Option<f64>,
    /// The share of them whose product is among the first three answers; null without such photos.
    pub top3: Option<f64>,
    /// The mean of the first confidence over them, which equals top-1 where confidences are honest; null without such photos.
    pub mean_confidence: Option<f64>,
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
    let (mut right, mut judged) = (0u32, 0u32);
    let (mut matched, mut among_three) = (0u32, 0u32);
    let (mut claims, mut known_scores) = (Vec::new(), Vec::new());
    for (example, answer) in &answered {
        let label = example.label.map(|l| dataset.labels[l].as_str());
        let top = answer.predictions.first();
        let is_right = label.is_some() && label == top.map(|p| p.label.as_str());
        if answer.decision == Decision::Match && label.is_some() {
            judged += 1;
            right += u32::from(is_right);
        }
        if let (Truth::Label(_), Some(top)) = (truth(example), top) {
            claims.push((top.confidence, is_right));
            known_scores.push(answer.rejection_score);
            matched += u32::from(answer.decision == Decision::Match);
            among_three += u32::from(answer.predictions.iter().take(3).any(|p| Some(p.label.as_str()) == label));
        }
    }
    let unknown_scores: Vec<f32> = unknown.iter().flatten().map(|(_, answer)| answer.rejection_score).collect();
    let count = claims.len() as f64;
    let share = |sum: f64| (count > 0.0).then(|| sum / count);
    Ok(Evaluation {
        match_coverage: share(f64::from(matched)),
        top3: share(f64::from(among_three)),
        mean_confidence: share(claims.iter().map(|(confidence, _)| f64::from(*confidence)).sum()),
        channel: manifest.channel_id.clone(),
        version: manifest.version.clone(),
        measures,
        match_precision: (judged > 0).then(|| f64::from(right) / f64::from(judged)),
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
