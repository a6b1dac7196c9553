//! Answers that the service gives itself, for devices that cannot run the model: the same code on the same bytes as in the
//! browser, so the same answers.

mod models;
mod picture;
mod routes;
mod scan;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use jicho::recognize::{Context, Decision};
use jicho::{Quality, Recognition};
use moka::sync::Cache;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::config::Settings;
use super::http::problem::{Problem, Result};
use super::metrics::DecisionLabels;
use super::{App, feedback};
use crate::photo::Photo;
use models::{Model, Models};
pub use routes::{at_root, routes};

/// Models, kept answers, and the turns of those who decode and recognise.
pub struct Predictor {
    models: Models,
    answers: Cache<Key, Arc<Answer>>,
    turns: Semaphore,
    /// Answers since they were last stored, by channel, release and decision.
    counts: Mutex<HashMap<(String, String, &'static str), i64>>,
    max_megapixels: u64,
}

/// An answer depends on these alone.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    channel: String,
    version: String,
    picture: [u8; 32],
    precision: Option<u32>,
}

/// An answer, as `recognize()` of the library gives it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What the model says.
    #[serde(flatten)]
    pub recognition: Recognition,
    /// How usable the picture is.
    pub quality: Quality,
    /// Pixels of the picture.
    pub width: usize,
    /// Pixels of the picture.
    pub height: usize,
}

/// [`Answer`] as the OpenAPI document describes it.
#[derive(ToSchema)]
#[schema(as = Answer, rename_all = "camelCase")]
#[allow(dead_code, reason = "it describes the answer for the OpenAPI document alone")]
pub struct AnswerSchema {
    /// `match`: take the first prediction. `unsure`: offer the first few. `unknown`: probably none of the products.
    decision: String,
    /// Why it was decided so.
    reason: String,
    /// Every product, most likely first.
    predictions: Vec<PredictionSchema>,
    /// First confidence minus second, 0 to 1.
    margin: f32,
    /// How like a known product the picture is.
    rejection_score: f32,
    /// Further attributes, by name.
    #[schema(value_type = Object)]
    attributes: (),
    /// 0 to 100 where the release has a score rule, else null.
    score: Option<f64>,
    /// The release that answered.
    version: String,
    /// How usable the picture is.
    #[schema(value_type = Object)]
    quality: (),
    /// Pixels of the picture.
    width: u32,
    /// Pixels of the picture.
    height: u32,
}

/// A product with its probability.
#[derive(ToSchema)]
#[schema(as = Prediction)]
#[allow(dead_code, reason = "it describes the answer for the OpenAPI document alone")]
pub struct PredictionSchema {
    /// Product id.
    label: String,
    /// Probability, 0 to 1.
    confidence: f32,
    /// Always true here.
    known: bool,
    /// Always false here.
    taught: bool,
}

impl Predictor {
    /// As the settings say.
    pub fn new(settings: &Settings) -> Predictor {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let workers = usize::try_from(settings.predict.workers).ok().filter(|workers| *workers > 0).unwrap_or(cores);
        Predictor {
            models: Models::new(settings.server.models.clone(), settings.predict.models_megabytes << 20),
            answers: Cache::new(settings.predict.cached_answers),
            turns: Semaphore::new(workers),
            counts: Mutex::default(),
            max_megapixels: settings.photos.max_megapixels,
        }
    }

    /// Stores how often each release answered in each way since the last time.
    ///
    /// # Errors
    /// Where the database cannot be written; the counts are then kept for the next time.
    pub async fn store_counts(&self, app: &App) -> Result<()> {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return Ok(());
        }
        let stored = store(app, &counts).await;
        if stored.is_err() {
            let mut kept = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            counts.into_iter().for_each(|(key, count)| *kept.entry(key).or_default() += count);
        }
        stored
    }
}

async fn store(app: &App, counts: &HashMap<(String, String, &'static str), i64>) -> Result<()> {
    let day = feedback::day(app);
    let mut write = app.database.write().await?;
    for ((channel, version, decision), count) in counts {
        let sql = "INSERT INTO predictions_by_day (channel_id, day, version, decision, count) VALUES (?, ?, ?, ?, ?) \
                   ON CONFLICT DO UPDATE SET count = count + excluded.count";
        sqlx::query(sql)
            .bind(channel)
            .bind(&day)
            .bind(version)
            .bind(*decision)
            .bind(count)
            .execute(&mut *write)
            .await?;
    }
    write.commit().await?;
    Ok(())
}

/// What the model of a channel says of a picture, and the facts of its release.
///
/// # Errors
/// 404 where the channel has no model; 400 for a picture that cannot be read.
async fn predict(
    app: &App,
    channel: &str,
    picture: Vec<u8>,
    precision: Option<f32>,
) -> Result<(Arc<Answer>, Arc<Model>)> {
    let predictor = &app.predictor;
    let model = predictor.models.of(channel).await?;
    let key = Key {
        channel: channel.to_owned(),
        version: model.recognizer.manifest().version.clone(),
        picture: Sha256::digest(&picture).into(),
        precision: precision.map(f32::to_bits),
    };
    let answer = match predictor.answers.get(&key) {
        Some(answer) => answer,
        None => {
            let _turn = predictor.turns.acquire().await.map_err(Problem::internal)?;
            let (asked, most) = (Arc::clone(&model), predictor.max_megapixels);
            let answer = tokio::task::spawn_blocking(move || answer(&asked, &picture, precision, most)).await??;
            let answer = Arc::new(answer);
            predictor.answers.insert(key, Arc::clone(&answer));
            answer
        }
    };
    count(app, channel, &answer.recognition);
    Ok((answer, model))
}

/// Decodes and recognises. This takes a core for some 5 to 200 ms.
fn answer(model: &Model, picture: &[u8], precision: Option<f32>, max_megapixels: u64) -> Result<Answer> {
    picture::check(picture, max_megapixels)?;
    let wrong = |error: String| Problem::field("image", format!("the picture cannot be read: {error}"));
    let photo = Photo::decode(picture).map_err(|error| wrong(error.to_string()))?;
    let frame = photo.frame().map_err(|error| wrong(error.to_string()))?;
    let context = Context { precision, ..Context::default() };
    let recognition = model.recognizer.recognize_in(&[frame], &context).map_err(Problem::internal)?;
    let (quality, _) = jicho::quality::assess(&frame, None);
    Ok(Answer { recognition, quality, width: frame.width(), height: frame.height() })
}

fn count(app: &App, channel: &str, recognition: &Recognition) {
    let decision = match recognition.decision {
        Decision::Match => "match",
        Decision::Unsure => "unsure",
        Decision::Unknown => "unknown",
    };
    let labels = DecisionLabels { channel: channel.to_owned(), decision: decision.to_owned() };
    app.metrics.predictions.get_or_create(&labels).inc();
    let key = (channel.to_owned(), recognition.version.clone(), decision);
    *app.predictor.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
}
