//! The endpoints of predictions.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AnswerSchema, picture, predict, scan};
use crate::service::access::{Caller, Permission, Role};
use crate::service::http::extract::{Json, Path, Query};
use crate::service::http::problem::{Problem, ProblemDocument, Result, request_id};
use crate::service::{App, channels};

/// The largest body: a batch of photos, in base64.
const MAX_BODY: usize = 64 << 20;

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(one))
        .routes(routes!(batch))
        .routes(routes!(scanned))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// The endpoint for scan apps, at the root as well.
pub fn at_root() -> axum::Router<App> {
    axum::Router::new().route("/predict", post(scanned)).layer(DefaultBodyLimit::max(MAX_BODY))
}

/// A picture, in one of its forms.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes the form for the OpenAPI document alone")]
struct PictureForm {
    /// A JPEG, PNG or WebP.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    image: Vec<u8>,
    /// The share of matches that should be right, at least 0.5 and below 1; the release's where it is left out.
    precision: Option<f32>,
}

/// A picture in JSON.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes the body for the OpenAPI document alone")]
struct PictureBody {
    /// A JPEG, PNG or WebP in base64, or a data URL of one.
    image: String,
    /// The share of matches that should be right, at least 0.5 and below 1; the release's where it is left out.
    precision: Option<f32>,
    /// Where a scan was made. Its first three digits are kept, the rest is dropped at once.
    zipcode: Option<String>,
}

/// Pictures in JSON.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes the body for the OpenAPI document alone")]
struct PicturesBody {
    /// Up to 32 pictures in base64.
    images: Vec<String>,
    /// The share of matches that should be right, at least 0.5 and below 1; the release's where it is left out.
    precision: Option<f32>,
}

/// Counts a request against the limits of devices.
fn take(app: &App, caller: &Caller, pictures: usize) -> Result<()> {
    if caller.role == Role::Device {
        for _ in 0..pictures {
            app.limits.predictions.take(&caller.id)?;
        }
    }
    Ok(())
}

async fn allowed(app: &App, caller: &Caller, channel: &str) -> Result<()> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Predict, channel).await?;
    Ok(())
}

/// Recognises a picture as the library does in the browser.
#[utoipa::path(
    post, path = "/channels/{channel}/predict", tag = "predict",
    params(("channel" = String, Path, description = "The channel's id")),
    request_body(content(
        (PictureForm = "multipart/form-data"), (PictureBody = "application/json"), (Vec<u8> = "image/jpeg")
    )),
    responses((status = 200, body = AnswerSchema), (status = "4XX", body = ProblemDocument))
)]
async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    request: Request,
) -> Result<Response> {
    allowed(&app, &caller, &channel).await?;
    let mut asked = picture::read(request, &app).await?;
    if asked.pictures.len() > 1 {
        return Err(Problem::field("image", "send one picture here, and several to /predict/batch"));
    }
    take(&app, &caller, 1)?;
    let (answer, _) = predict(&app, &channel, asked.pictures.remove(0), asked.precision).await?;
    Ok(Json(&*answer).into_response())
}

/// Recognises up to 32 pictures. The answers stand in the pictures' order; a picture that cannot be read has a problem
/// document in its place.
#[utoipa::path(
    post, path = "/channels/{channel}/predict/batch", tag = "predict",
    params(("channel" = String, Path, description = "The channel's id")),
    request_body(content((PictureForm = "multipart/form-data"), (PicturesBody = "application/json"))),
    responses((status = 200, body = Vec<Object>), (status = "4XX", body = ProblemDocument))
)]
async fn batch(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    request: Request,
) -> Result<Json<Vec<Value>>> {
    allowed(&app, &caller, &channel).await?;
    let asked = picture::read(request, &app).await?;
    take(&app, &caller, asked.pictures.len())?;
    let predictions = asked.pictures.into_iter().map(|picture| predict(&app, &channel, picture, asked.precision));
    let mut answers = Vec::new();
    for result in futures_util::future::join_all(predictions).await {
        answers.push(match result {
            Ok((answer, _)) => serde_json::to_value(&*answer)?,
            Err(problem) if problem.status.is_client_error() && problem.code == "invalid-request" => problem.document(),
            Err(problem) => return Err(problem),
        });
    }
    Ok(Json(answers))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The channel; that of the key where it is left out.
    channel: Option<String>,
}

/// What was scanned, for scan apps.
#[derive(ToSchema)]
#[schema(as = Scan)]
#[allow(dead_code, reason = "it describes the answer for the OpenAPI document alone")]
struct ScanSchema {
    /// Whether it shows something that the model knows.
    success: bool,
    /// The id of this request.
    request_id: String,
    label: Option<String>,
    /// `match`, `unsure` or `unknown`.
    decision: String,
    /// 0 to 1.
    confidence: Option<f32>,
    /// Milliseconds since 1970-01-01 UTC.
    timestamp: i64,
    api_version: String,
}

/// Recognises a scan: every attribute and every fact of the label is a field of its own, sequences joined by commas.
#[utoipa::path(
    post, path = "/predict", tag = "predict", params(Which),
    request_body(content(
        (PictureForm = "multipart/form-data"), (PictureBody = "application/json"), (Vec<u8> = "image/jpeg")
    )),
    responses((status = 200, body = ScanSchema), (status = "4XX", body = ProblemDocument))
)]
async fn scanned(
    State(app): State<App>,
    caller: Caller,
    Query(which): Query<Which>,
    request: Request,
) -> Result<Json<Value>> {
    let channel = match (which.channel, &caller.channels) {
        (Some(channel), _) => channel,
        (None, Some(channels)) if channels.len() == 1 => channels[0].clone(),
        (None, _) => return Err(Problem::field("channel", "name the channel as ?channel=; the key is for several")),
    };
    allowed(&app, &caller, &channel).await?;
    if jicho::manifest::check_channel(&channel).is_err() {
        return Err(channels::missing(&channel));
    }
    let mut asked = picture::read(request, &app).await?;
    if asked.pictures.len() > 1 {
        return Err(Problem::field("image", "send one picture"));
    }
    take(&app, &caller, 1)?;
    let (answer, model) = predict(&app, &channel, asked.pictures.remove(0), asked.precision).await?;
    Ok(Json(scan::answer(&answer, &model, &request_id(), asked.area, app.now())))
}
