//! The history of a channel's models: which there were, what they were trained on, how good they are, and which is in
//! force.
//!
//! What is in force is told by the models folder alone, because devices read nothing else. The table `ml_models` holds
//! what the folder cannot tell, and follows it: [`reconcile`] is called after every change and at every start.

mod change;
mod compare;
mod routes;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::database::{Connection, from_row};
use super::http::problem::{Problem, Result};
use super::{App, Millis, ids};
use crate::output::publish::versions::{self, Listing};
use crate::worker::Trained;
pub use compare::{Compared, Recall, compare};
pub use routes::routes;

/// A model that was trained or imported.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Its version, which names its release.
    pub version: String,
    /// The channel.
    pub channel: String,
    /// Its sequence number when it was first published.
    pub release_seq: Option<i64>,
    /// Milliseconds since 1970-01-01 UTC.
    pub trained_at: Millis,
    /// Products that it knows.
    pub products: i64,
    /// Photos that it learnt from.
    pub images: i64,
    /// Seconds that the training took.
    pub seconds: f64,
    /// Top-1 on photos that it did not learn from, 0–1; null where nothing could be held out.
    pub accuracy: Option<f64>,
    /// `published` (in force), `canary`, `candidate` (on trial on no device), `withdrawn` or `superseded`.
    pub state: String,
    /// Whether it is what devices fetch.
    pub active: bool,
    /// The share of devices that it is on trial on, 0–1.
    pub share: Option<f64>,
    /// Whether its files are still there, so that it can be put into force again.
    pub kept: bool,
    /// The job that made it.
    pub job: Option<String>,
    /// The digest of what it was trained on.
    pub data_hash: Option<String>,
    /// The version of the program that trained it.
    pub code_version: String,
    /// The key or link that asked for it; `service` where nobody did.
    pub asked_by: String,
    /// Bytes that a device without any of its files fetches.
    pub bytes: Option<i64>,
    /// What was asked for.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// `backbone`, `interval` (95 % of the accuracy), `ece`, `leftOut`, `verdict` and `comparison` with the model in force
    /// before it.
    #[schema(value_type = Object)]
    pub metrics: Value,
    /// When the service noted it.
    pub created_at: Millis,
}

/// A row of the table.
pub(super) struct Row {
    version: String,
    channel_id: String,
    release_seq: Option<i64>,
    trained_at: Millis,
    product_count: i64,
    image_count: i64,
    training_duration: f64,
    accuracy: Option<f64>,
    state: String,
    active: i64,
    share: Option<f64>,
    kept: i64,
    job_id: Option<String>,
    data_hash: Option<String>,
    code_version: String,
    asked_by: String,
    bytes: Option<i64>,
    parameters: String,
    metrics: String,
    created_at: Millis,
}
from_row!(Row {
    version,
    channel_id,
    release_seq,
    trained_at,
    product_count,
    image_count,
    training_duration,
    accuracy,
    state,
    active,
    share,
    kept,
    job_id,
    data_hash,
    code_version,
    asked_by,
    bytes,
    parameters,
    metrics,
    created_at
});

impl Row {
    pub(super) fn into_model(self) -> Result<Model> {
        Ok(Model {
            parameters: serde_json::from_str(&self.parameters)?,
            metrics: serde_json::from_str(&self.metrics)?,
            version: self.version,
            channel: self.channel_id,
            release_seq: self.release_seq,
            trained_at: self.trained_at,
            products: self.product_count,
            images: self.image_count,
            seconds: self.training_duration,
            accuracy: self.accuracy,
            state: self.state,
            active: self.active != 0,
            share: self.share,
            kept: self.kept != 0,
            job: self.job_id,
            data_hash: self.data_hash,
            code_version: self.code_version,
            asked_by: self.asked_by,
            bytes: self.bytes,
            created_at: self.created_at,
        })
    }
}

/// A model of a channel.
///
/// # Errors
/// 404.
pub async fn find(on: &mut Connection, channel: &str, version: &str) -> Result<Model> {
    let sql = "SELECT * FROM ml_models WHERE channel_id = ? AND version = ?";
    let row: Option<Row> = sqlx::query_as(sql).bind(channel).bind(version).fetch_optional(on).await?;
    row.ok_or_else(|| Problem::not_found(format_args!("model `{}`", jicho::names::shown(version))))?.into_model()
}

/// The channel that has a version of this name.
///
/// # Errors
/// 404 where none has, 409 where several have.
pub async fn channel_of(on: &mut Connection, version: &str) -> Result<String> {
    let sql = "SELECT channel_id FROM ml_models WHERE version = ?";
    let mut channels: Vec<String> = sqlx::query_scalar(sql).bind(version).fetch_all(on).await?;
    let found =
        channels.pop().ok_or_else(|| Problem::not_found(format_args!("model `{}`", jicho::names::shown(version))))?;
    match channels.is_empty() {
        true => Ok(found),
        false => Err(Problem::conflict(format!("Several channels have a version {version}: name the channel."))),
    }
}

/// All models of a channel, newest first.
///
/// # Errors
/// Where the database cannot be read.
pub async fn history(on: &mut Connection, channel: &str) -> Result<Vec<Model>> {
    let sql = "SELECT * FROM ml_models WHERE channel_id = ? ORDER BY created_at DESC, rowid DESC";
    let rows: Vec<Row> = sqlx::query_as(sql).bind(channel).fetch_all(on).await?;
    rows.into_iter().map(Row::into_model).collect()
}

/// The version of the channel's newest model, if it was trained on just what the digest tells.
///
/// # Errors
/// Where the database cannot be read.
pub async fn trained_on(app: &App, channel: &str, hash: &str) -> Result<Option<String>> {
    let sql = "SELECT version FROM (SELECT version, data_hash FROM ml_models WHERE channel_id = ? \
               ORDER BY created_at DESC, rowid DESC LIMIT 1) WHERE data_hash = ?";
    Ok(sqlx::query_scalar(sql).bind(channel).bind(hash).fetch_optional(app.database.read()).await?)
}

/// What the models folder holds of a channel; none where it was never published.
///
/// # Errors
/// Where the folder cannot be read.
pub async fn listing(app: &App, channel: &str) -> Result<Option<Listing>> {
    let folder = app.settings.server.models.join(channel);
    let listed = tokio::task::spawn_blocking(move || versions::list(&folder)).await?;
    match listed {
        Ok(listing) => Ok(Some(listing)),
        Err(error) if error.code() == "NOT_FOUND" => Ok(None),
        Err(error) => Err(Problem::internal(error)),
    }
}

/// What is known of a version that a job published without being able to tell: from its manifest and its report.
///
/// # Errors
/// Where its files cannot be read.
pub async fn made(app: &App, channel: &str, version: &str) -> Result<Trained> {
    let (folder, name) = (app.settings.server.models.join(channel), version.to_owned());
    let share = listing(app, channel)
        .await?
        .and_then(|listing| listing.versions.into_iter().find(|one| one.version == name).and_then(|one| one.share));
    let named = name.clone();
    let manifest = tokio::task::spawn_blocking(move || versions::manifest(&folder, &named)).await?;
    let manifest = manifest.map_err(Problem::internal)?;
    let report = compare::report(app, channel, version).unwrap_or_default();
    Ok(Trained::recovered(&manifest, share, &report))
}

/// A model that is new to the table.
pub struct New<'a> {
    /// The channel.
    pub channel: &'a str,
    /// What was made.
    pub made: &'a Trained,
    /// The job that made it.
    pub job: Option<&'a str>,
    /// The digest of what it was trained on.
    pub data_hash: Option<&'a str>,
    /// What was asked for, as JSON.
    pub parameters: &'a str,
    /// Who asked.
    pub asked_by: &'a str,
}

/// Notes a model. Its state is set by [`reconcile`].
///
/// # Errors
/// Where the database cannot be written.
pub async fn record(write: &mut Connection, app: &App, new: New<'_>) -> Result<()> {
    let made = new.made;
    let trained_at = made.trained_at.parse::<jiff::Timestamp>().map_or_else(|_| app.now(), |at| at.as_millisecond());
    let metrics = json!({
        "backbone": made.backbone,
        "interval": made.interval,
        "ece": made.ece,
        "leftOut": made.left_out,
        "verdict": made.verdict,
        "comparison": made.comparison,
    });
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let sql = "INSERT INTO ml_models (id, channel_id, version, release_seq, trained_at, product_count, image_count, \
               training_duration, accuracy, state, job_id, data_hash, code_version, asked_by, bytes, parameters, metrics, \
               created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'candidate', ?, ?, ?, ?, ?, ?, ?, ?) \
               ON CONFLICT (channel_id, version) DO NOTHING";
    sqlx::query(sql)
        .bind(ids::new("model"))
        .bind(new.channel)
        .bind(&made.version)
        .bind(number(made.release_seq))
        .bind(trained_at)
        .bind(number(made.products as u64))
        .bind(number(made.images as u64))
        .bind(made.seconds)
        .bind(made.accuracy)
        .bind(new.job)
        .bind(new.data_hash)
        .bind(env!("CARGO_PKG_VERSION"))
        .bind(new.asked_by)
        .bind(number(made.bytes))
        .bind(new.parameters)
        .bind(metrics.to_string())
        .bind(app.now())
        .execute(write)
        .await?;
    Ok(())
}

/// Makes the table say what the models folder says.
///
/// # Errors
/// Where the database cannot be written.
pub async fn reconcile(write: &mut Connection, channel: &str, listing: &Listing) -> Result<()> {
    // One at a time may be active, so that the old one goes first.
    let sql = "UPDATE ml_models SET active = 0, kept = 0, share = NULL, state = CASE WHEN state IN ('candidate', 'canary', \
               'withdrawn') THEN 'withdrawn' ELSE 'superseded' END WHERE channel_id = ?";
    sqlx::query(sql).bind(channel).execute(&mut *write).await?;
    for version in &listing.versions {
        let state = match (version.latest, version.share) {
            (true, _) => Some("published"),
            (false, Some(share)) if share > 0.0 => Some("canary"),
            (false, Some(_)) => Some("candidate"),
            (false, None) => None,
        };
        let sql = "UPDATE ml_models SET kept = 1, share = ?, active = ?, state = coalesce(?, state) \
                   WHERE channel_id = ? AND version = ?";
        sqlx::query(sql)
            .bind(version.share)
            .bind(version.latest)
            .bind(state)
            .bind(channel)
            .bind(&version.version)
            .execute(&mut *write)
            .await?;
    }
    Ok(())
}

/// Reconciles every channel that has models, and notes models in force that this service did not train.
///
/// # Errors
/// Where database or models folder cannot be used.
pub async fn reconcile_all(app: &App) -> Result<()> {
    let sql = "SELECT id FROM channels WHERE deleted_at IS NULL";
    let channels: Vec<String> = sqlx::query_scalar(sql).fetch_all(app.database.read()).await?;
    for channel in channels {
        // A folder that cannot be read now must not keep the service from starting.
        let Ok(Some(listing)) = listing(app, &channel).await else { continue };
        let mut foreign = Vec::new();
        for version in listing.versions.iter().filter(|one| one.latest || one.share.is_some()) {
            let mut reader = app.database.read().acquire().await?;
            if find(&mut reader, &channel, &version.version).await.is_err()
                && !of_a_job(app, &channel, &version.version).await?
            {
                drop(reader);
                foreign.push(made(app, &channel, &version.version).await?);
            }
        }
        let mut write = app.database.write().await?;
        for made in &foreign {
            let new =
                New { channel: &channel, made, job: None, data_hash: None, parameters: "{}", asked_by: "command line" };
            record(&mut write, app, new).await?;
        }
        reconcile(&mut write, &channel, &listing).await?;
        write.commit().await?;
    }
    Ok(())
}

/// Whether a running job was about to publish the version: it is recorded as that job's when the job is picked up.
async fn of_a_job(app: &App, channel: &str, version: &str) -> Result<bool> {
    let sql = "SELECT id FROM jobs WHERE channel_id = ? AND state IN ('queued', 'running')";
    let jobs: Vec<String> = sqlx::query_scalar(sql).bind(channel).fetch_all(app.database.read()).await?;
    let intended = |job: &String| std::fs::read_to_string(super::jobs::intent(app, channel, job)).ok();
    Ok(jobs.iter().filter_map(intended).any(|intended| intended == version))
}
