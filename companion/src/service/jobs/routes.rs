//! The endpoints of jobs: asking for one, looking at them, cancelling.

use std::io::Write as _;
use std::path::Path as FilePath;

use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::queue::{self, missing, tell};
use super::work::{Pixels, Work};
use super::{Job, JobState, Queued, Request, Row, enqueue, events};
use crate::model::backbone::{download, embedded, registry};
use crate::service::access::{Caller, Permission};
use crate::service::http::extract::{Json, Path, Query};
use crate::service::http::page::{Page, Rows, limit};
use crate::service::http::problem::{Problem, ProblemDocument, Result};
use crate::service::{App, audit};
use crate::worker::Update;

/// The most backbones of one trial.
const MAX_BACKBONES: usize = 8;
/// Longer than any list of labels.
const MAX_LABELS: u64 = 16 << 20;
/// Longer than what is said of pixels.
const MAX_TEXT: usize = 4096;

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_of_channel))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .routes(routes!(train))
        .routes(routes!(backbones))
        .routes(routes!(fetch_backbone))
        .routes(routes!(try_backbones))
        .merge(OpenApiRouter::new().routes(routes!(import_model)).layer(DefaultBodyLimit::disable()))
        .merge(events::routes())
}

/// A job that the caller may look at.
///
/// # Errors
/// 403; 404 also for a job of a channel that the caller does not reach.
pub(super) async fn visible(app: &App, caller: &Caller, id: &str) -> Result<Row> {
    caller.require(Permission::Read)?;
    let mut reader = app.database.read().acquire().await?;
    let row = queue::find(&mut reader, id).await?;
    match row.channel_id.as_deref().is_none_or(|channel| caller.reaches(channel)) {
        true => Ok(row),
        false => Err(missing(id)),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// At most so many jobs, 1 to 500; 50 where it is left out.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<i64>,
    /// Only jobs in this state.
    #[param(inline)]
    state: Option<JobState>,
}

/// A row with its place in the order of requests.
struct Placed {
    place: i64,
    row: Row,
}

impl sqlx::FromRow<'_, sqlx::sqlite::SqliteRow> for Placed {
    fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row as _;
        Ok(Placed { place: row.try_get("place")?, row: Row::from_row(row)? })
    }
}

async fn page(app: &App, which: Which, channel: Option<&str>, scope: Option<String>) -> Result<Json<Page<Job>>> {
    let limit = limit(which.limit)?;
    let sql = "SELECT rowid AS place, * FROM jobs WHERE (?1 IS NULL OR rowid < ?1) AND (?2 IS NULL OR state = ?2) \
               AND (?3 IS NULL OR channel_id = ?3) \
               AND (?4 IS NULL OR channel_id IS NULL OR channel_id IN (SELECT value FROM json_each(?4))) \
               ORDER BY rowid DESC LIMIT ?5";
    let rows: Vec<Placed> = sqlx::query_as(sql)
        .bind(which.after)
        .bind(which.state.map(JobState::word))
        .bind(channel)
        .bind(scope)
        .bind(limit + 1)
        .fetch_all(app.database.read())
        .await?;
    Ok(Json(Rows::of(rows, limit, |row: &Placed| row.place.to_string()).try_map(|row| row.row.into_job())?))
}

/// The jobs of all channels that the key reaches, newest first.
#[utoipa::path(
    get, path = "/jobs", tag = "jobs", operation_id = "list_jobs", params(Which),
    responses((status = 200, body = Page<Job>), (status = "4XX", body = ProblemDocument))
)]
async fn list(State(app): State<App>, caller: Caller, Query(which): Query<Which>) -> Result<Json<Page<Job>>> {
    caller.require(Permission::Read)?;
    let scope = caller.channels.as_ref().map(serde_json::to_string).transpose()?;
    page(&app, which, None, scope).await
}

/// The jobs of a channel, newest first.
#[utoipa::path(
    get, path = "/channels/{channel}/jobs", tag = "jobs", operation_id = "list_channel_jobs",
    params(("channel" = String, Path, description = "The channel's id"), Which),
    responses((status = 200, body = Page<Job>), (status = "4XX", body = ProblemDocument))
)]
async fn list_of_channel(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Page<Job>>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    drop(reader);
    page(&app, which, Some(&channel), None).await
}

/// A job.
#[utoipa::path(
    get, path = "/jobs/{job}", tag = "jobs", operation_id = "show_job", params(("job" = String, Path, description = "The job's id")),
    responses((status = 200, body = Job), (status = "4XX", body = ProblemDocument))
)]
async fn show(State(app): State<App>, caller: Caller, Path(job): Path<String>) -> Result<Json<Job>> {
    Ok(Json(visible(&app, &caller, &job).await?.into_job()?))
}

/// Cancels a job. One that waits is cancelled at once; the process of one that runs is ended within two seconds, and what
/// it had not published by then is not published. A job that is over stays as it is.
#[utoipa::path(
    post, path = "/jobs/{job}/cancel", tag = "jobs", operation_id = "cancel_job",
    params(("job" = String, Path, description = "The job's id")),
    responses((status = 200, body = Job), (status = "4XX", body = ProblemDocument))
)]
async fn cancel(State(app): State<App>, caller: Caller, Path(job): Path<String>) -> Result<Json<Job>> {
    caller.require(Permission::Train)?;
    visible(&app, &caller, &job).await?;
    let mut write = app.database.write().await?;
    let row = queue::find(&mut write, &job).await?;
    let state = JobState::of_word(&row.state)?;
    if state.is_over() {
        return Ok(Json(row.into_job()?));
    }
    sqlx::query("UPDATE jobs SET cancel_requested = 1 WHERE id = ?").bind(&job).execute(&mut *write).await?;
    if state == JobState::Queued {
        let now = app.now();
        let update = Update { message: Some("the job was cancelled".into()), ..Update::queued() };
        queue::note(&mut write, now, &job, JobState::Cancelled, &update).await?;
        sqlx::query("UPDATE jobs SET ended_at = ? WHERE id = ?").bind(now).bind(&job).execute(&mut *write).await?;
    }
    let resource = row.channel_id.as_ref().map_or_else(|| job.clone(), |channel| format!("{channel}/{job}"));
    audit::record(&mut write, &app, &caller, "job.cancel", &resource, json!({ "kind": row.kind })).await?;
    let cancelled = queue::find(&mut write, &job).await?.into_job()?;
    write.commit().await?;
    app.jobs.cancel(&job);
    if let Some(channel) = row.channel_id.as_ref().filter(|_| state == JobState::Queued) {
        // What was sent with it, such as a network to import.
        let _ = std::fs::remove_dir_all(app.storage.run(channel, &job));
    }
    tell(&app, &job);
    Ok(Json(cancelled))
}

/// Queues work of a channel, for a caller who may train it.
async fn queue(app: &App, caller: &Caller, request: Request<'_>) -> Result<(StatusCode, Json<Job>)> {
    let mut write = app.database.write().await?;
    if let Some(channel) = request.channel {
        caller.channel(&mut write, Permission::Train, channel).await?.require_active()?;
    }
    let (job, queued) = enqueue(&mut write, app, caller, request).await?;
    write.commit().await?;
    tell(app, &job.id);
    Ok((if queued == Queued::New { StatusCode::ACCEPTED } else { StatusCode::OK }, Json(job)))
}

/// How to train.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct TrainRequest {
    /// Trains although nothing has changed since the last training.
    force: bool,
    /// Trains the backbone further on the photos, and keeps the result if it recognises more; each device then downloads a
    /// backbone of this channel's own.
    fine_tune: bool,
}

/// Trains the channel on its photos. The model comes into force if it is not worse than the one that is; else it is kept as
/// a candidate. A body may be left out.
#[utoipa::path(
    post, path = "/channels/{channel}/train", tag = "jobs", request_body = Option<TrainRequest>,
    params(("channel" = String, Path, description = "The channel's id")),
    responses(
        (status = 202, body = Job, description = "The new job"),
        (status = 200, body = Job, description = "The job that waits already"),
        (status = "4XX", body = ProblemDocument)
    )
)]
async fn train(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Job>)> {
    caller.require(Permission::Train)?;
    let request: Option<TrainRequest> = match body.is_empty() {
        true => None,
        false => serde_json::from_slice(&body).map_err(|error| Problem::invalid(error.to_string()))?,
    };
    let TrainRequest { force, fine_tune } = request.unwrap_or_default();
    queue(&app, &caller, Request::new(Some(&channel), Work::Train { force, fine_tune })).await
}

/// A backbone that is known by name.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Backbone {
    /// Its name.
    name: &'static str,
    /// Bytes of its file; null where they are not known.
    bytes: Option<u64>,
    /// SPDX identifier of its licence.
    licence: Option<&'static str>,
    /// Side of its square input in pixels.
    input_size: Option<u32>,
    /// Where its weights come from.
    source: &'static str,
    /// Whether it can be used without a download.
    present: bool,
    /// Whether it can be downloaded.
    fetchable: bool,
}

/// The backbones that are known by name, the built-in one first.
#[utoipa::path(
    get, path = "/backbones", tag = "jobs", operation_id = "list_backbones",
    responses((status = 200, body = Vec<Backbone>), (status = "4XX", body = ProblemDocument))
)]
async fn backbones(caller: Caller) -> Result<Json<Vec<Backbone>>> {
    caller.require(Permission::Read)?;
    let folder = download::default_cache_dir();
    let built_in = Backbone {
        name: embedded::NAME,
        bytes: Some(embedded::onnx().len() as u64),
        licence: None,
        input_size: None,
        source: embedded::LIMITS,
        present: true,
        fetchable: false,
    };
    let known = registry::all().iter().map(|entry| Backbone {
        name: entry.name,
        bytes: entry.bytes,
        licence: Some(entry.licence),
        input_size: Some(entry.input_size),
        source: entry.source,
        present: download::is_cached(entry, &folder),
        fetchable: entry.url.is_some(),
    });
    Ok(Json([built_in].into_iter().chain(known).collect()))
}

fn is_known(name: &str) -> bool {
    name == embedded::NAME || registry::find_by_name(name).is_some()
}

/// Downloads a backbone by its name.
#[utoipa::path(
    post, path = "/backbones/{name}/fetch", tag = "jobs", params(("name" = String, Path, description = "The backbone's name")),
    responses(
        (status = 202, body = Job, description = "The new job"),
        (status = 200, body = Job, description = "The job that waits already"),
        (status = "4XX", body = ProblemDocument)
    )
)]
async fn fetch_backbone(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Job>)> {
    caller.require(Permission::Train)?;
    if !is_known(&name) {
        return Err(Problem::not_found(format_args!("backbone `{}`", jicho::names::shown(&name))));
    }
    queue(&app, &caller, Request::new(None, Work::FetchBackbone { backbone: name })).await
}

/// Which backbones to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TrialRequest {
    /// One to eight names; those that are not there are downloaded.
    #[schema(min_items = 1, max_items = 8)]
    backbones: Vec<String>,
}

/// Measures backbones on the photos of a channel: megabytes, milliseconds and accuracy of each are the job's result. Nothing
/// is published.
#[utoipa::path(
    post, path = "/channels/{channel}/backbone-trials", tag = "jobs", request_body = TrialRequest,
    params(("channel" = String, Path, description = "The channel's id")),
    responses(
        (status = 202, body = Job, description = "The new job"),
        (status = 200, body = Job, description = "The job that waits already"),
        (status = "4XX", body = ProblemDocument)
    )
)]
async fn try_backbones(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Json(request): Json<TrialRequest>,
) -> Result<(StatusCode, Json<Job>)> {
    caller.require(Permission::Train)?;
    let backbones = request.backbones;
    if backbones.is_empty() || backbones.len() > MAX_BACKBONES {
        return Err(Problem::field("backbones", format!("name 1 to {MAX_BACKBONES} backbones")));
    }
    for (index, name) in backbones.iter().enumerate() {
        if !is_known(name) {
            return Err(Problem::field(
                format!("backbones[{index}]"),
                "no backbone is called that; see GET /backbones",
            ));
        }
    }
    queue(&app, &caller, Request::new(Some(&channel), Work::Trial { backbones })).await
}

/// The form of an import.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes the form for the OpenAPI document alone")]
struct ImportForm {
    /// The ONNX file of an image classifier.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    model: Vec<u8>,
    /// Its labels in the order of its output: a label a line, or JSON as the usual tools write it.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    labels: Vec<u8>,
    /// How pixels go in, as JSON.
    pixels: Option<Pixels>,
    /// The output with a value a label, where several fit.
    output: Option<String>,
}

/// Publishes an ONNX classifier of somebody else as the channel's model.
#[utoipa::path(
    post, path = "/channels/{channel}/import-model", tag = "jobs",
    params(("channel" = String, Path, description = "The channel's id")),
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses((status = 202, body = Job), (status = "4XX", body = ProblemDocument))
)]
async fn import_model(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Job>)> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Train, &channel).await?.require_active()?;
    drop(reader);
    let mut form = form.map_err(|error| Problem::invalid(error.body_text()))?;
    let (mut pixels, mut output) = (Pixels::default(), None);
    let mut request = Request::new(Some(&channel), Work::Train { force: false, fine_tune: false });
    let folder = app.storage.run(&channel, &request.id);
    let (mut has_model, mut has_labels) = (false, false);
    let received = async {
        while let Some(field) = form.next_field().await.map_err(broken)? {
            match field.name().unwrap_or_default() {
                "model" => {
                    receive(&app, field, &folder.join("model.onnx"), app.settings.photos.archive_megabytes << 20)
                        .await?;
                    has_model = true;
                }
                "labels" => {
                    receive(&app, field, &folder.join("labels"), MAX_LABELS).await?;
                    has_labels = true;
                }
                "pixels" => {
                    pixels = serde_json::from_str(&text(field).await?)
                        .map_err(|error| Problem::field("pixels", error.to_string()))?;
                    pixels.flags().map_err(|error| Problem::field("pixels", error.to_string()))?;
                }
                "output" => output = Some(text(field).await?),
                name => {
                    return Err(Problem::field(jicho::names::shown(name), "the form has no such field"));
                }
            }
        }
        match (has_model, has_labels) {
            (false, _) => Err(Problem::field("model", "send the ONNX file")),
            (_, false) => Err(Problem::field("labels", "send the labels, in the order of the network's output")),
            (true, true) => Ok(()),
        }
    };
    let received = received.await;
    let queued = match received {
        Ok(()) => {
            request.work = Work::Import { pixels, output };
            queue(&app, &caller, request).await
        }
        Err(problem) => Err(problem),
    };
    if queued.is_err() {
        // Nobody refers to the files.
        let _ = std::fs::remove_dir_all(&folder);
    }
    queued
}

fn broken(error: MultipartError) -> Problem {
    Problem::new(error.status(), "invalid-request", error.body_text())
}

async fn text(mut field: Field<'_>) -> Result<String> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_TEXT {
            return Err(Problem::field(name, format!("it is longer than {MAX_TEXT} bytes")));
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::field(name, "it is no UTF-8 text"))
}

/// Streams a part of a form to a file.
async fn receive(app: &App, mut field: Field<'_>, to: &FilePath, most: u64) -> Result<()> {
    let mut file = app.storage.incoming_file()?;
    let mut length = 0;
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        length += chunk.len() as u64;
        if length > most {
            let detail = format!("A file is larger than {} MB.", most >> 20);
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail));
        }
        file.write_all(&chunk)?;
    }
    Ok(app.storage.keep(file, to)?)
}
