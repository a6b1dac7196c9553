//! From photos to a published release.

pub mod augment;
pub mod background;
pub mod calibrate;
pub mod embed;
pub mod fit;
mod heads;
mod lda;
pub mod learn;
mod prototypes;
mod report;
mod ridge;
pub mod shared;
pub mod split;
mod storage;
mod tune;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jicho::manifest::{
    AttributeHead, Features, FileRole, Golden, Manifest, ModelType, RUNTIME_NEEDED, SCHEMA, ScoreRule,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cache;
use crate::dataset::{Dataset, Problem};
use crate::digest::sha256;
use crate::error::{Error, Result, at};
use crate::json;
use crate::learning::measure::Measures;
use crate::model::backbone;
use crate::model::backbone::PlanStorage;
use crate::model::plan::Note;
use crate::output::publish::{Published, Target, Terms};
use crate::output::release::Release;
use crate::progress::Progress;
use augment::Variation;
use fit::Candidate;
use shared::Shared;
use storage::Tried;
use tune::FineTuning;

/// Weight of the colour features beside the embedding; 0.6 was measured best on grocery photos.
pub const COLOR_WEIGHT: f32 = 0.6;
/// Below this confidence an answer is `unsure`: more likely wrong than right.
pub const MATCH_CONFIDENCE: f32 = 0.5;

/// What to train.
pub struct Options {
    /// A folder per product, or a JSONL file.
    pub photos: PathBuf,
    /// The channel to publish to.
    pub channel: String,
    /// The models folder.
    pub out: PathBuf,
    /// The backbone.
    pub backbone: backbone::Request,
    /// Places the held-out photos.
    pub seed: u64,
    /// The JSONL field that holds the product id.
    pub label: Option<String>,
    /// JSONL files of lessons that devices exported: their photos join the others.
    pub lessons: Vec<PathBuf>,
    /// JSON: facts per label.
    pub facts: Option<PathBuf>,
    /// JSON: the score rule.
    pub score: Option<PathBuf>,
    /// Whether the network is to be trained further.
    pub fine_tune: bool,
    /// Whether the mirror image of a product still is the product.
    pub mirror: bool,
    /// Where features of photos are kept.
    pub cache: cache::Place,
    /// How to publish.
    pub terms: Terms,
}

/// What training found, beside the release itself; stored as report.json.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The backbone's name or file.
    pub backbone: String,
    /// What runs it.
    #[serde(flatten)]
    pub engine: Note,
    /// Seed of the hold-out.
    pub seed: u64,
    /// Seconds, by stage.
    pub seconds: BTreeMap<&'static str, f64>,
    /// Photos and rows that were left out.
    pub problems: Vec<Problem>,
    /// What the report's reader should know.
    pub warnings: Vec<String>,
    /// On held-out photos, by the head that did not see them; null where none could be held out, or where there is
    /// but one product.
    pub held_out: Option<Measures>,
    /// Expected calibration error on them, 0–1.
    pub ece: Option<f64>,
    /// The spaces that were tried.
    pub spaces: Vec<Candidate>,
    /// How the plan's weights are stored; null where that was asked for, or nothing could be tried.
    pub storage: Option<Tried>,
    /// What came of training the network further; null where that was not asked for.
    pub fine_tuning: Option<FineTuning>,
    /// What report.html shows.
    #[serde(flatten)]
    pub details: Option<crate::output::report::Report>,
}

/// Trains and publishes.
///
/// # Errors
/// Bad options or photos, a network that cannot be used, or a store that cannot be written.
pub fn run(options: &Options, progress: Progress) -> Result<(Published, Report)> {
    let started = Instant::now();
    let target = Target::open(&options.out, &options.channel, &options.terms)?;
    let mut facts: BTreeMap<String, _> = read_json(options.facts.as_deref())?.unwrap_or_default();
    let score: Option<ScoreRule> = read_json(options.score.as_deref())?;
    if let Some(problem) = score.as_ref().and_then(ScoreRule::problem) {
        return Err(Error::BadInput(problem));
    }
    let mut dataset = Dataset::read(&options.photos, options.label.as_deref())?;
    for file in &options.lessons {
        dataset.join(Dataset::read(file, None)?);
    }
    for (label, told) in std::mem::take(&mut dataset.facts) {
        facts.entry(label).or_insert(told);
    }
    let mut backbone = backbone::resolve(&options.backbone, progress)?;
    let mut fine_tuning = match options.fine_tune {
        true => Some(tune::run(&mut backbone, &dataset, options.seed, progress)?),
        false => None,
    };
    let is_tuned = fine_tuning.as_ref().is_some_and(|tuning| tuning.kept);
    let features = Features { embedding: backbone.outputs, color_weight: COLOR_WEIGHT };
    let embedder = backbone.embedder(features)?;
    let mut seconds = BTreeMap::from([("load", started.elapsed().as_secs_f64())]);

    let stage = Instant::now();
    let views = embed::Views {
        embedder: &embedder,
        network: backbone.digest(features),
        variation: Variation { mirror: options.mirror },
        cache: &options.cache.open(progress),
    };
    let embedded = embed::photos(&views, &mut dataset, embed::variations, progress)?;
    report_problems(&dataset.problems, progress);
    if dataset.examples.is_empty() {
        let first = dataset.problems.first().map(ToString::to_string).unwrap_or_default();
        return Err(Error::NoPhotos(format!("no photo could be used; the first: {first}")));
    }
    let mut warnings = drop_empty_labels(&mut dataset);
    seconds.insert("embed", stage.elapsed().as_secs_f64());

    let stage = Instant::now();
    let background = embed::background(&embedder, backbone.size)?;
    let made = backbone.pretraining.as_ref();
    let seen = made.map_or_else(|| vec![false; embedded.len()], |made| made.saw(&dataset.examples));
    let known = seen.iter().filter(|seen| **seen).count();
    let inputs = fit::Inputs {
        dataset: &dataset,
        photos: &embedded,
        seen: &seen,
        told: made.filter(|_| known > 0).and_then(|made| made.calibration),
        background: &background,
        embedding: features.embedding,
        given: given_space(&target, &backbone, embedder.feature_len(), progress)?,
        seed: options.seed,
        is_tuned,
    };
    let trained = fit::run(&inputs)?;
    warnings.extend(seen_warning(known, seen.len(), trained.is_told));
    let storage = match (&trained.trial, trained.label_head) {
        (Some(trial), Some(head)) if options.backbone.plan == PlanStorage::Auto => {
            storage::choose(&mut backbone, features, trial, &dataset.examples, head.scale, progress)?
        }
        _ => None,
    };
    seconds.insert("fit", stage.elapsed().as_secs_f64());
    if let Some(rule) = &score {
        check_sources(rule, &trained.attributes, &facts)?;
    }
    warnings.extend(small_shop_warnings(&dataset));
    if backbone.name == backbone::embedded::NAME {
        warnings.push(backbone::embedded::LIMITS.into());
    }
    warnings.extend(
        facts.keys().filter(|l| !dataset.labels.contains(l)).map(|l| format!("facts name `{l}`, which is no label")),
    );
    warnings.iter().for_each(|w| progress.warn(w));

    let head = trained.file.serialize()?;
    let mut manifest = Manifest {
        schema: SCHEMA,
        channel_id: options.channel.clone(),
        version: "unpublished".into(),
        release_seq: 0,
        trained_at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        training_duration: 0.0,
        product_count: dataset.labels.len(),
        image_count: dataset.examples.len(),
        model_type: ModelType::Embedding,
        architecture: backbone.architecture.clone(),
        image_size: backbone.size,
        labels: dataset.labels.clone(),
        accuracy: trained.measures.as_ref().and_then(|m| m.top1),
        minimum_runtime: RUNTIME_NEEDED.into(),
        preprocessing: backbone.preprocessing,
        files: Vec::new(),
        features: Some(features),
        label_head: trained.label_head,
        attributes: trained.attributes,
        decision: trained.decision,
        facts,
        score,
        golden: Golden { outputs: vec![0.0], tolerance: 0.1 },
        candidate: None,
        expires: None,
        key_lists: Vec::new(),
    };
    manifest.training_duration = (started.elapsed().as_secs_f64() * 1e3).round() / 1e3;
    let mut files = vec![(FileRole::Backbone, backbone.onnx)];
    files.extend(backbone.compiled.plan.map(|plan| (FileRole::Plan, plan)));
    files.push((FileRole::Space, trained.shared.serialize()?));
    files.push((FileRole::Head, head));
    let mut release = Release::new(manifest, files);
    release.record_golden()?;
    if let Some(tuning) = fine_tuning.as_mut().filter(|tuning| tuning.kept) {
        let own = release.manifest.needed().filter(|file| file.role != FileRole::Head);
        tuning.bytes = Some(own.map(|file| file.bytes).sum());
    }

    let mut report = Report {
        backbone: backbone.name,
        engine: backbone.compiled.note,
        seed: options.seed,
        seconds,
        problems: dataset.problems,
        warnings,
        held_out: trained.measures,
        ece: trained.ece,
        spaces: trained.candidates,
        storage,
        fine_tuning,
        details: None,
    };
    let material = report::Material {
        examples: &dataset.examples,
        labels: &dataset.labels,
        photos: &embedded,
        embedding: features.embedding,
        trial: trained.trial.as_ref(),
        visits: &trained.visits,
    };
    let extra = |manifest: &Manifest| {
        let (details, page) = report::make(&material, manifest, &report);
        report.details = Some(details);
        Ok(vec![("report.json", json::pretty(&report)?), ("report.html", page.into_bytes())])
    };
    let published = target.publish(release, extra, progress)?;
    Ok((published, report))
}

/// What a network knows by heart measures nothing.
fn seen_warning(known: usize, of: usize, is_told: bool) -> Option<String> {
    let instead =
        if is_told { "; the others are too few, so confidences are calibrated as its file tells" } else { "" };
    (known > 0).then(|| {
        format!(
            "the backbone was made from {known} of these {of} photos: they are learnt from, but measure and calibrate \
             nothing{instead}"
        )
    })
}

/// The space that other releases of this backbone have: the channel's own, else another channel's, so that devices which
/// have it fetch the new heads alone; else the one that comes with the backbone.
fn given_space(
    target: &Target,
    backbone: &backbone::Backbone,
    inputs: usize,
    progress: Progress,
) -> Result<Option<(Arc<Shared>, bool)>> {
    let published = target.space_of(&sha256(&backbone.onnx))?;
    let Some(bytes) = published.as_deref().or(backbone.space.as_deref()) else { return Ok(None) };
    // Of other features, if an older program made it.
    Ok(Shared::read(bytes, inputs)
        .map(|shared| (Arc::new(shared), published.is_some()))
        .map_err(|e| progress.warn(&format!("the space that is there cannot be used: {e}")))
        .ok())
}

/// A score term that could never count would be a mistake nobody sees.
fn check_sources(
    rule: &ScoreRule,
    attributes: &BTreeMap<String, AttributeHead>,
    facts: &BTreeMap<String, BTreeMap<String, serde_json::Value>>,
) -> Result<()> {
    for term in &rule.terms {
        let usable = match term.source.split_once('.') {
            Some(("attributes", name)) => match attributes.get(name) {
                Some(AttributeHead::Numeric { .. }) => term.range.is_some(),
                Some(AttributeHead::Label | AttributeHead::Categorical { .. }) => term.values.is_some(),
                Some(AttributeHead::Sequence { .. }) | None => false,
            },
            Some(("facts", name)) => facts.values().any(|f| f.contains_key(name)),
            _ => true,
        };
        if !usable {
            return Err(Error::BadInput(format!(
                "the score's source `{}` can never count: attributes must exist (numbers with a range, strings with \
                 values), facts must be given for at least one label",
                term.source
            )));
        }
    }
    Ok(())
}

/// Labels all of whose photos were unreadable cannot be learnt.
fn drop_empty_labels(dataset: &mut Dataset) -> Vec<String> {
    let mut used = vec![false; dataset.labels.len()];
    dataset.examples.iter().filter_map(|e| e.label).for_each(|l| used[l] = true);
    let mut index = vec![None; used.len()];
    let mut kept = Vec::new();
    let mut warnings = Vec::new();
    for (i, label) in std::mem::take(&mut dataset.labels).into_iter().enumerate() {
        if used[i] {
            index[i] = Some(kept.len());
            kept.push(label);
        } else {
            warnings.push(format!("`{label}` has no usable photo and was left out"));
        }
    }
    dataset.labels = kept;
    dataset.examples.iter_mut().for_each(|e| e.label = e.label.and_then(|l| index[l]));
    warnings
}

fn small_shop_warnings(dataset: &Dataset) -> Vec<String> {
    let mut warnings = Vec::new();
    if dataset.labels.len() == 1 {
        warnings.push("only one product: everything else is told from it by a threshold alone; add products".into());
    }
    let mut counts = vec![0usize; dataset.labels.len()];
    dataset.examples.iter().filter_map(|e| e.label).for_each(|l| counts[l] += 1);
    let single: Vec<&str> =
        dataset.labels.iter().zip(&counts).filter(|(_, n)| **n == 1).map(|(l, _)| l.as_str()).collect();
    if !single.is_empty() {
        let named = single.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if single.len() > 5 { ", …" } else { "" };
        warnings.push(format!(
            "{} with one photo only ({named}{more}): nothing can be held out to measure them; add photos",
            single.len()
        ));
    }
    warnings
}

fn report_problems(problems: &[Problem], progress: Progress) {
    problems.iter().for_each(|p| progress.warn(&format!("left out: {p}")));
}

fn read_json<T: DeserializeOwned>(path: Option<&Path>) -> Result<Option<T>> {
    let Some(path) = path else { return Ok(None) };
    let bytes = std::fs::read(path).map_err(at(path))?;
    serde_json::from_slice(&bytes).map(Some).map_err(|e| Error::BadInput(format!("{}: {e}", path.display())))
}
