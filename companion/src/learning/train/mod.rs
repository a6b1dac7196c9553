//! Trains a channel: from photos to a published release.

mod answers;
mod attribute_heads;
pub mod augment;
pub mod backbone_trial;
pub mod background;
pub mod calibrate;
pub mod content;
pub mod embed;
mod fine_tuning;
mod fit_heads;
pub mod gate;
pub mod hold_out;
pub mod label_model;
mod lda;
mod plan_choice;
pub mod promise;
mod prototypes;
mod relative;
mod report_input;
mod ridge;
pub mod shared_space;
mod sources;
pub mod space_choice;
pub mod trial_head;
pub mod trials;
mod warnings;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jicho::manifest::{
    Decision, Features, FileRole, Golden, Manifest, ModelType, Promise, RUNTIME_NEEDED, SCHEMA, SecondLook,
};
use jicho::recognize::Embedder;
use serde::{Deserialize, Serialize};

use crate::cache;
use crate::dataset::{self, Dataset, Problem, Reading};
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::json;
use crate::learning::measure::Measures;
use crate::model::backbone::{self, Backbone};
use crate::model::plan::Note;
use crate::output::publish::{Published, Target, Terms};
use crate::output::release::Release;
use crate::output::report::place::Place;
use crate::output::store::local;
use crate::progress::Progress;
pub use answers::{HeldOutAnswer, best, expected_calibration_error};
use augment::Variation;
use embed::{EmbeddedPhotos, PhotoEmbedder};
use fine_tuning::FineTuning;
use fit_heads::Fitted;
use gate::{Compared, Gate, Verdict};
use plan_choice::StorageTrial;
use shared_space::SharedSpace;
use sources::Sources;
use space_choice::{Candidate, GivenSpace};
use trial_head::{Comparison, TrialHead};

/// Weight of the colour features beside the embedding. 0.6 was measured best on grocery photos.
pub const COLOR_WEIGHT: f32 = 0.6;
/// Photos whose longer side is more than this many times the shorter one are looked at whole. Photos of 4:3, as phones take them,
/// are cut to the square that a camera's guide shows too.
pub const WHOLE_ABOVE: f64 = 1.4;
/// Where nothing was calibrated, an answer with less confidence than this is `unsure`: it is more likely wrong than right.
pub const MATCH_CONFIDENCE: f32 = 0.5;

/// What to train, from what, and where to publish it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// A folder per product, a JSONL file, or COCO annotations.
    pub photos: PathBuf,
    /// The channel to publish to.
    pub channel: String,
    /// The models folder.
    pub out: PathBuf,
    /// The backbone.
    pub backbone: backbone::Request,
    /// Places the held-out photos.
    pub seed: u64,
    /// How the photos are read.
    pub reading: Reading,
    /// JSONL files of lessons that devices exported: their photos join the others.
    pub lessons: Vec<PathBuf>,
    /// A JSON file with facts per label.
    pub facts: Option<PathBuf>,
    /// A JSON file with the score rule.
    pub score: Option<PathBuf>,
    /// Whether the backbone is fine-tuned on the photos.
    pub fine_tune: bool,
    /// The share of matches that should be right, between 0 and 1.
    pub match_precision: f32,
    /// Whether the mirror image of a product is still the same product.
    pub mirror: bool,
    /// Where features of photos are cached.
    pub cache: cache::Place,
    /// Where the report goes.
    pub report: Place,
    /// How to publish.
    pub terms: Terms,
    /// On which condition it goes into force; none publishes it as `terms` say.
    pub gate: Option<Gate>,
    /// A file that is written just before the release goes into force, with its version: whoever finds this file can tell
    /// whether a training that died had published already.
    pub intent: Option<PathBuf>,
}

/// A published training.
pub struct Trained {
    /// The release.
    pub published: Published,
    /// What was found.
    pub report: Report,
    /// The folder of the report, where it was not published.
    pub report_folder: Option<PathBuf>,
    /// What came of the condition to publish; none where there was no such condition.
    pub verdict: Option<Verdict>,
}

/// What training found, beside the release itself. Stored as report.json.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The name of the backbone, or of its file.
    pub backbone: String,
    /// What runs the backbone on a device.
    #[serde(flatten)]
    pub engine: Note,
    /// The seed of the hold-out.
    pub seed: u64,
    /// Seconds, by stage.
    pub seconds: BTreeMap<&'static str, f64>,
    /// Photos and rows that were left out.
    pub problems: Vec<Problem>,
    /// How many were left out for each cause.
    pub left_out: BTreeMap<&'static str, usize>,
    /// How the data set was understood, a sentence each.
    pub dataset: Vec<String>,
    /// What the report's reader should know.
    pub warnings: Vec<String>,
    /// What to expect of photos of another day: the share of right first answers; null where too few photos were measured.
    pub expected: Option<calibrate::Expected>,
    /// What a match takes, and how many photos got one in the trial, for each promise of precision.
    pub promises: Vec<Promise>,
    /// Measures on the held-out photos, by a head that did not learn from them; null when none could be held out, or there
    /// is only one product.
    pub held_out: Option<Measures>,
    /// Expected calibration error on them, 0–1.
    pub ece: Option<f64>,
    /// The spaces that were tried.
    pub spaces: Vec<Candidate>,
    /// Whether the plan computes with bytes or in half precision; null when the user chose it, or nothing could be tried.
    pub storage: Option<StorageTrial>,
    /// What came of fine-tuning; null when it was not asked for.
    pub fine_tuning: Option<FineTuning>,
    /// How the model did against the one in force; null where they were not compared.
    pub comparison: Option<Comparison>,
    /// What report.html shows.
    #[serde(flatten)]
    pub details: Option<crate::output::report::Report>,
}

/// Trains the channel and publishes the release.
///
/// # Errors
/// Options or photos that cannot be used, a network that cannot be used, or a store that cannot be written.
pub fn run(options: &Options, progress: Progress) -> Result<Trained> {
    let mut clock = Clock::start();
    let mut target = Target::open(&options.out, &options.channel, &options.terms)?;
    let mut sources = Sources::read(options)?;
    sources.dataset.require_products()?;
    sources.dataset.tell(progress);
    let told = std::mem::take(&mut sources.dataset.warnings);
    let mut backbone = backbone::resolve(&options.backbone, progress)?;
    backbone.preprocessing.whole_above = Some(WHOLE_ABOVE);
    let fine_tuning = fine_tune(options, &mut backbone, &sources.dataset, progress)?;
    clock.end_stage("load");

    let storage = plan_choice::run(options, &mut backbone, &mut sources.dataset, progress)?;
    let features = Features { embedding: backbone.outputs, color_weight: COLOR_WEIGHT };
    let embedder = backbone.embedder(features)?;
    let photos = embed_photos(options, &backbone, &embedder, &mut sources.dataset, progress)?;
    let mut warnings = warnings::drop_empty_labels(&mut sources.dataset);
    clock.end_stage("embed");

    progress.enter("fit");
    let published = target.space_of(&sha256(&backbone.onnx))?;
    let given = given_spaces(published, &backbone, embedder.feature_len(), progress);
    let is_fine_tuned = fine_tuning.as_ref().is_some_and(|tuning| tuning.kept);
    let (fitted, pretrained) = fit(options, &backbone, &embedder, &sources.dataset, &photos, given, is_fine_tuned)?;
    progress.enter("evaluate");
    let trial_head = trial_head(&backbone, &embedder, &sources.dataset, &photos, &fitted);
    let verdict = judge(options, &target, &sources.dataset, &photos, &fitted, trial_head.as_ref(), progress)?;
    if verdict.as_ref().is_some_and(|verdict| !verdict.publishes()) {
        target = target.into_candidate(0.0)?;
    }
    clock.end_stage("fit");

    sources.check_score(&fitted.attributes)?;
    warnings.extend(warnings::pretrained(pretrained, photos.features.len(), fitted.is_stored_calibration));
    warnings.extend(general_warnings(&sources, &backbone));
    warnings.iter().for_each(|w| progress.warn(w));
    // Those of the data set were told before training began.
    warnings.splice(0..0, told);

    let mut release = release(options, &sources, &backbone, &fitted, clock.total())?;
    release.record_golden()?;
    let report = Report {
        backbone: file_name(&backbone.name),
        engine: backbone.compiled.note,
        seed: options.seed,
        seconds: clock.stages,
        left_out: dataset::by_cause(&sources.dataset.problems),
        dataset: sources.dataset.understood(),
        problems: relative::without_folders(options, std::mem::take(&mut sources.dataset.problems)),
        warnings,
        expected: fitted.expected,
        promises: fitted.decision.promises.clone(),
        held_out: fitted.measures,
        ece: fitted.ece,
        spaces: fitted.candidates,
        storage,
        fine_tuning: fine_tuning.map(|tuning| with_bytes(tuning, &release)),
        comparison: match &verdict {
            Some(Verdict::Compared(comparison)) => Some(comparison.clone()),
            _ => None,
        },
        details: None,
    };
    let material = report_input::Material {
        examples: &sources.dataset.examples,
        labels: &sources.dataset.labels,
        photos: &photos.features,
        embedding: features.embedding,
        trial: fitted.trial.as_ref(),
        visits: &fitted.visits,
    };
    progress.enter("publish");
    let (report, published, report_folder) =
        publish(options, target, release, report, &material, trial_head.as_ref(), progress)?;
    Ok(Trained { published, report, report_folder, verdict })
}

/// The head that later trainings are compared with; none where nothing was held out. It is made with the network as it
/// embedded these photos, before another storage of its weights is chosen.
fn trial_head(
    backbone: &Backbone,
    embedder: &Embedder,
    dataset: &Dataset,
    photos: &EmbeddedPhotos,
    fitted: &Fitted,
) -> Option<TrialHead> {
    let class = dataset.examples.iter().map(|example| example.label);
    let network = backbone.digest(embedder_features(backbone));
    let of = |trial| TrialHead::of(trial, &dataset.labels, class, &photos.contents, network, embedder.feature_len());
    fitted.trial.as_ref().filter(|_| !dataset.labels.is_empty()).map(of)
}

/// Compares with the release in force, where that is the condition.
fn judge(
    options: &Options,
    target: &Target,
    dataset: &Dataset,
    photos: &EmbeddedPhotos,
    fitted: &Fitted,
    trial_head: Option<&TrialHead>,
    progress: Progress,
) -> Result<Option<Verdict>> {
    let Some(gate) = options.gate else { return Ok(None) };
    let compared = Compared {
        models: &options.out,
        channel: &options.channel,
        reports: &options.report,
        dataset,
        photos,
        trial: fitted.trial.as_ref().zip(trial_head),
    };
    let verdict = compared.judge(target.in_force()?, gate)?;
    verdict.summary().iter().for_each(|text| progress.note(text));
    Ok(Some(verdict))
}

/// Measures how long stages take.
struct Clock {
    started: Instant,
    stage: Instant,
    /// Seconds by stage.
    stages: BTreeMap<&'static str, f64>,
}

impl Clock {
    fn start() -> Clock {
        let now = Instant::now();
        Clock { started: now, stage: now, stages: BTreeMap::new() }
    }

    /// Ends the stage that began when the one before ended.
    fn end_stage(&mut self, name: &'static str) {
        self.stages.insert(name, self.stage.elapsed().as_secs_f64());
        self.stage = Instant::now();
    }

    /// Seconds since the start, in milliseconds.
    fn total(&self) -> f64 {
        (self.started.elapsed().as_secs_f64() * 1e3).round() / 1e3
    }
}

fn fine_tune(
    options: &Options,
    backbone: &mut Backbone,
    dataset: &Dataset,
    progress: Progress,
) -> Result<Option<FineTuning>> {
    options.fine_tune.then(|| fine_tuning::run(backbone, dataset, options.seed, progress)).transpose()
}

/// Embeds all photos and warns of those that cannot be read.
fn embed_photos(
    options: &Options,
    backbone: &Backbone,
    embedder: &Embedder,
    dataset: &mut Dataset,
    progress: Progress,
) -> Result<EmbeddedPhotos> {
    let photo_embedder = PhotoEmbedder {
        embedder,
        network: backbone.digest(embedder_features(backbone)),
        variation: Variation { mirror: options.mirror },
        cache: &options.cache.open(progress),
    };
    let photos = embed::photos(&photo_embedder, dataset, embed::variations, progress)?;
    dataset::tell_left_out(&dataset.problems, progress);
    if dataset.examples.is_empty() {
        let first = dataset.problems.first().map(ToString::to_string).unwrap_or_default();
        return Err(Error::NoPhotos(format!("no photo could be used; the first: {first}")));
    }
    Ok(photos)
}

/// The features of a backbone: its embedding, with colours beside it.
fn embedder_features(backbone: &Backbone) -> Features {
    Features { embedding: backbone.outputs, color_weight: COLOR_WEIGHT }
}

/// Fits space and heads, and counts the photos that the backbone was pretrained on.
fn fit(
    options: &Options,
    backbone: &Backbone,
    embedder: &Embedder,
    dataset: &Dataset,
    photos: &EmbeddedPhotos,
    given: Vec<GivenSpace>,
    is_fine_tuned: bool,
) -> Result<(Fitted, usize)> {
    let pretraining = backbone.pretraining.as_ref();
    let pretrained = pretraining.map_or_else(|| vec![false; photos.features.len()], |made| made.saw(&dataset.examples));
    let count = pretrained.iter().filter(|pretrained| **pretrained).count();
    let fitted = fit_heads::run(&fit_heads::Inputs {
        dataset,
        photos: &photos.features,
        contents: &photos.contents,
        pretrained: &pretrained,
        stored_calibration: pretraining.filter(|_| count > 0).and_then(|made| made.calibration),
        background: &embed::background(embedder, backbone.size)?,
        embedding: backbone.outputs,
        given,
        seed: options.seed,
        is_fine_tuned,
        match_precision: options.match_precision,
    })?;
    Ok((fitted, count))
}

/// The spaces that exist already: the one that other releases of this backbone have, so that devices which have it download the
/// new heads alone (`published`: the channel's own, or else another channel's), and the one that comes with the backbone.
fn given_spaces(published: Option<Vec<u8>>, backbone: &Backbone, inputs: usize, progress: Progress) -> Vec<GivenSpace> {
    let shipped = backbone.space.as_deref();
    let is_shipped = published.as_deref() == shipped;
    let known = published.as_deref().filter(|_| !is_shipped).map(|bytes| ("shared", bytes, true));
    let own = shipped.map(|bytes| ("backbone", bytes, false));
    let spaces = known.into_iter().chain(own).filter_map(|(name, bytes, knows_photos)| {
        // A space for other features may have been made by an older program; training can do without it.
        SharedSpace::read(bytes, inputs)
            .map(|shared| GivenSpace { name, shared: Arc::new(shared), knows_photos })
            .map_err(|e| progress.warn(&format!("the space that is there cannot be used: {e}")))
            .ok()
    });
    spaces.collect()
}

/// Warnings that follow from the photos and the backbone alone.
fn general_warnings(sources: &Sources, backbone: &Backbone) -> Vec<String> {
    let mut warnings = warnings::small_shop(&sources.dataset);
    if backbone.name == backbone::embedded::NAME {
        warnings.push(backbone::embedded::LIMITS.into());
    }
    let unknown = sources.facts.keys().filter(|label| !sources.dataset.labels.contains(label));
    warnings.extend(unknown.map(|label| format!("facts name `{label}`, which is no label")));
    warnings
}

/// The release in memory. Version and sequence number are set when it is published.
fn release(
    options: &Options,
    sources: &Sources,
    backbone: &Backbone,
    fitted: &Fitted,
    seconds: f64,
) -> Result<Release> {
    let dataset = &sources.dataset;
    // A mirror image that may be another product tells nothing.
    let second_look = (options.mirror && fitted.label_head.is_some()).then_some(SecondLook::Mirror);
    let manifest = Manifest {
        schema: SCHEMA,
        channel_id: options.channel.clone(),
        version: "unpublished".into(),
        release_seq: 0,
        trained_at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        training_duration: seconds,
        product_count: dataset.labels.len(),
        image_count: fitted.learnt,
        model_type: ModelType::Embedding,
        architecture: backbone.architecture.clone(),
        image_size: backbone.size,
        labels: dataset.labels.clone(),
        accuracy: fitted.measures.as_ref().and_then(|m| m.top1),
        minimum_runtime: RUNTIME_NEEDED.into(),
        preprocessing: backbone.preprocessing,
        files: Vec::new(),
        features: Some(embedder_features(backbone)),
        label_head: fitted.label_head,
        attributes: fitted.attributes.clone(),
        decision: Decision { second_look, ..fitted.decision.clone() },
        facts: sources.facts.clone(),
        lessons: dataset.examples.iter().filter_map(|example| example.lesson.clone()).collect(),
        score: sources.score.clone(),
        golden: Golden { outputs: vec![0.0], tolerance: 0.1 },
        candidate: None,
        expires: None,
        key_lists: Vec::new(),
    };
    let mut files = vec![(FileRole::Backbone, backbone.onnx.clone())];
    files.extend(backbone.compiled.plan.clone().map(|plan| (FileRole::Plan, plan)));
    files.push((FileRole::Space, fitted.shared.serialize()?));
    files.push((FileRole::Head, fitted.file.serialize()?));
    Ok(Release::new(manifest, files))
}

/// A fine-tuned network belongs to one channel: tells the bytes that its devices download for it.
fn with_bytes(tuning: FineTuning, release: &Release) -> FineTuning {
    let own = release.manifest.needed().filter(|file| file.role != FileRole::Head);
    FineTuning { bytes: tuning.kept.then(|| own.map(|file| file.bytes).sum()), ..tuning }
}

/// Publishes the release, and puts its report into place. The trial head stays private.
fn publish(
    options: &Options,
    target: Target,
    release: Release,
    mut report: Report,
    material: &report_input::Material<'_>,
    trial_head: Option<&TrialHead>,
    progress: Progress,
) -> Result<(Report, Published, Option<PathBuf>)> {
    let mut report_folder = None;
    let attachments = |manifest: &Manifest| {
        let (details, page) = report_input::make(material, manifest, &report);
        report.details = Some(details);
        let mut files = vec![("report.json", json::pretty(&report)?), ("report.html", page.into_bytes())];
        if let (Place::Private(_), Some(head)) = (&options.report, trial_head) {
            files.extend(head.files()?);
        }
        let placed = options.report.put(manifest, files)?;
        report_folder = placed.folder;
        if let Some(file) = &options.intent {
            local::write_atomically(file, manifest.version.as_bytes())?;
        }
        Ok(placed.published)
    };
    let published = target.publish(release, attachments, progress)?;
    Ok((report, published, report_folder))
}

/// The name of a backbone that is given as a file, without its folder.
fn file_name(backbone: &str) -> String {
    let name = std::path::Path::new(backbone).file_name();
    name.map_or_else(|| backbone.to_owned(), |name| name.to_string_lossy().into_owned())
}
