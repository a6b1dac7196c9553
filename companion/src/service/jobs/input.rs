//! What a training reads, and what it left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jicho::manifest::ScoreRule;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cache;
use crate::dataset::Reading;
use crate::learning::train;
use crate::learning::train::gate::Gate;
use crate::learning::train::promise::MATCH_PRECISION;
use crate::model::backbone::{self, embedded};
use crate::output::publish::signing::SigningTerms;
use crate::output::publish::{KEEP, Terms};
use crate::output::report::place::Place;
use crate::service::App;
use crate::service::channels::{self, Channel};
use crate::service::database::from_row;
use crate::service::http::problem::{Problem, Result};

/// What stands in a score rule before the name of a fact.
const FACTS: &str = "facts.";
/// The seed of the hold-out, the same for every training: so trial heads of one channel are measured on photos that the
/// older ones did not learn either.
const SEED: u64 = 1;

/// All that a training depends on, as it is now.
pub struct Input {
    channel: Channel,
    backbone: String,
    /// JSON lines, a photo each, in the order of upload.
    examples: Vec<u8>,
    /// Facts by product: its name, and what the score reads.
    facts: BTreeMap<String, BTreeMap<String, Value>>,
    fine_tune: bool,
    /// Number of photos.
    pub photos: usize,
    /// The digest of all this.
    pub hash: String,
}

struct Photo {
    file: String,
    product_id: String,
    lesson: Option<String>,
}
from_row!(Photo { file, product_id, lesson });

struct Product {
    id: String,
    name: String,
    facts: String,
}
from_row!(Product { id, name, facts });

/// Reads what a training of the channel would learn from: the photos that nobody disputes, of products that are not
/// archived.
///
/// # Errors
/// 404 for a channel that is not there.
pub async fn read(app: &App, channel: &str, fine_tune: bool) -> Result<Input> {
    let mut reader = app.database.read().begin().await?;
    let channel = channels::find(&mut reader, channel).await?;
    // The row's number is the order of upload. Neighbours are often alike, and are held out together.
    let sql = "SELECT photos.file, photos.product_id, (SELECT nullif(digest, '') FROM lessons WHERE photo_id = photos.id \
               LIMIT 1) AS lesson FROM photos JOIN products ON products.channel_id = photos.channel_id \
               AND products.id = photos.product_id WHERE photos.channel_id = ? AND photos.disputed_at IS NULL \
               AND products.archived_at IS NULL ORDER BY photos.product_id, photos.rowid";
    let photos: Vec<Photo> = sqlx::query_as(sql).bind(&channel.id).fetch_all(&mut *reader).await?;
    let sql = "SELECT id, name, facts FROM products WHERE channel_id = ? AND archived_at IS NULL ORDER BY id";
    let products: Vec<Product> = sqlx::query_as(sql).bind(&channel.id).fetch_all(&mut *reader).await?;
    drop(reader);

    let mut examples = Vec::new();
    let mut shown = BTreeSet::new();
    for Photo { file, product_id, lesson } in &photos {
        let mut row = json!({ "image_path": format!("photos/{file}"), "product": product_id });
        if let Some(lesson) = lesson {
            row["lesson"] = lesson.as_str().into();
        }
        serde_json::to_writer(&mut examples, &row)?;
        examples.push(b'\n');
        shown.insert(product_id.as_str());
    }
    let read_by_score = facts_of_score(channel.settings.score.as_ref())?;
    let mut facts = BTreeMap::new();
    for Product { id, name, facts: all } in products.into_iter().filter(|product| shown.contains(product.id.as_str())) {
        let all: BTreeMap<String, Value> = serde_json::from_str(&all)?;
        let mut kept: BTreeMap<String, Value> =
            all.into_iter().filter(|(fact, _)| read_by_score.contains(fact)).collect();
        // A score that reads a fact called `name` reads the product's.
        kept.insert("name".into(), name.into());
        facts.insert(id, kept);
    }
    let given = [&channel.settings.backbone, &Some(app.settings.training.backbone.clone())];
    let named = given.into_iter().flatten().find(|name| !name.is_empty()).cloned();
    let backbone = named.unwrap_or_else(|| embedded::NAME.into());
    let photos = photos.len();
    let mut input = Input { channel, backbone, examples, facts, fine_tune, photos, hash: String::new() };
    input.hash = input.digest()?;
    Ok(input)
}

/// The facts that a score rule reads.
fn facts_of_score(score: Option<&Value>) -> Result<BTreeSet<String>> {
    let rule: Option<ScoreRule> = score.map(|score| serde_json::from_value(score.clone())).transpose()?;
    let terms = rule.into_iter().flat_map(|rule| rule.terms);
    Ok(terms.filter_map(|term| term.source.strip_prefix(FACTS).map(str::to_owned)).collect())
}

impl Input {
    fn digest(&self) -> Result<String> {
        let settings = &self.channel.settings;
        let rest = json!([
            self.facts,
            settings.score,
            self.backbone,
            settings.match_precision,
            settings.mirror_differs,
            self.fine_tune,
        ]);
        let mut digest = Sha256::new();
        digest.update((self.examples.len() as u64).to_le_bytes());
        digest.update(&self.examples);
        digest.update(serde_json::to_vec(&rest)?);
        Ok(data_encoding::HEXLOWER.encode(&digest.finalize()))
    }

    /// Writes the files of a job, and tells how to train from them.
    ///
    /// # Errors
    /// Where the data folder cannot be written.
    pub fn write(self, app: &App, job: &str) -> Result<train::Options> {
        let (storage, settings) = (&app.storage, &app.settings);
        let Channel { id, settings: own, .. } = &self.channel;
        let run = storage.run(id, job);
        let photos = storage.examples(id, job);
        storage.put(&photos, &self.examples)?;
        let facts = run.join("facts.json");
        storage.put(&facts, &serde_json::to_vec(&self.facts)?)?;
        let score = own.score.as_ref().map(|rule| {
            let path = run.join("score.json");
            storage.put(&path, &serde_json::to_vec(rule)?)?;
            Ok::<PathBuf, Problem>(path)
        });
        Ok(train::Options {
            photos,
            channel: id.clone(),
            out: settings.server.models.clone(),
            backbone: backbone::Request { backbone: self.backbone, ..backbone::Request::default() },
            seed: SEED,
            reading: Reading { in_order: true, ..Reading::default() },
            lessons: Vec::new(),
            facts: Some(facts),
            score: score.transpose()?,
            fine_tune: self.fine_tune,
            match_precision: own.match_precision.map_or(MATCH_PRECISION, |share| share as f32),
            mirror: !own.mirror_differs,
            cache: cache::Place(Some(storage.features())),
            report: Place::Private(storage.reports()),
            terms: terms(app),
            gate: Some(Gate { margin: settings.training.margin_points as f64 / 100.0 }),
            intent: Some(intent(app, id, job)),
        })
    }
}

/// How the service publishes.
pub fn terms(app: &App) -> Terms {
    let key = &app.settings.training.signing_key;
    let keys = if key.as_os_str().is_empty() { Vec::new() } else { vec![key.clone()] };
    Terms {
        keep: KEEP,
        signing: SigningTerms { keys, ..SigningTerms::default() },
        sequence: Default::default(),
        canary: None,
    }
}

/// The file that names the version which a job is about to publish.
pub fn intent(app: &App, channel: &str, job: &str) -> PathBuf {
    app.storage.run(channel, job).join("intent")
}

/// The version that a job put into force or on trial although it could not report it: its process or the service died in
/// that moment. None where it did not come so far; then the file that says otherwise is removed.
///
/// # Errors
/// Where the models folder cannot be read.
pub async fn published(app: &App, channel: &str, job: &str) -> Result<Option<String>> {
    let path = intent(app, channel, job);
    let Ok(version) = std::fs::read_to_string(&path) else { return Ok(None) };
    let listing = crate::service::models::listing(app, channel).await?;
    let of = |listing: crate::output::publish::versions::Listing| {
        listing.versions.into_iter().find(|one| one.version == version && (one.latest || one.share.is_some()))
    };
    match listing.and_then(of) {
        Some(found) => Ok(Some(found.version)),
        None => {
            std::fs::remove_file(&path)?;
            Ok(None)
        }
    }
}
