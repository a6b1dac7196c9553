//! The files of photos: originals and thumbnails. A photo never changes, so that browsers may keep both.

use std::path::PathBuf;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::row;
use crate::service::App;
use crate::service::access::{Caller, Permission};
use crate::service::http::extract::Path;
use crate::service::http::problem::{Problem, ProblemDocument, Result};

const KEPT: &str = "private, max-age=31536000, immutable";

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(file)).routes(routes!(thumbnail))
}

/// Where the thumbnail of a photo's file is.
pub fn path(app: &App, channel: &str, file: &str) -> PathBuf {
    let name = file.split_once('.').map_or(file, |(name, _)| name);
    app.storage.thumbnails(channel).join(format!("{name}.jpg"))
}

/// The photo's file.
#[utoipa::path(
    get, path = "/channels/{channel}/photos/{photo}/file", tag = "photos",
    params(("channel" = String, Path, description = "The channel's id"), ("photo" = String, Path, description = "The photo's id")),
    responses(
        (status = 200, content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"))),
        (status = "4XX", body = ProblemDocument)
    )
)]
async fn file(State(app): State<App>, caller: Caller, Path((channel, id)): Path<(String, String)>) -> Result<Response> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let photo = row(&mut reader, &channel, &id).await?;
    let kind = match photo.file.rsplit_once('.').map(|(_, ending)| ending) {
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        _ => "image/jpeg",
    };
    send(app.storage.photos(&channel).join(&photo.file), kind).await
}

/// A small JPEG of the photo. Devices may fetch those of the catalogue.
#[utoipa::path(
    get, path = "/channels/{channel}/photos/{photo}/thumbnail", tag = "photos",
    params(("channel" = String, Path, description = "The channel's id"), ("photo" = String, Path, description = "The photo's id")),
    responses((status = 200, content_type = "image/jpeg", body = Vec<u8>), (status = "4XX", body = ProblemDocument))
)]
async fn thumbnail(
    State(app): State<App>,
    caller: Caller,
    Path((channel, id)): Path<(String, String)>,
) -> Result<Response> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Fetch, &channel).await?;
    let photo = row(&mut reader, &channel, &id).await?;
    if !caller.role.may(Permission::Read) {
        let sql = "SELECT count(*) FROM products WHERE channel_id = ? AND picture = ? AND archived_at IS NULL";
        let shown: i64 = sqlx::query_scalar(sql).bind(&channel).bind(&id).fetch_one(&mut *reader).await?;
        if shown == 0 {
            return Err(Problem::not_found("such picture in the catalogue"));
        }
    }
    send(path(&app, &channel, &photo.file), "image/jpeg").await
}

async fn send(path: PathBuf, kind: &'static str) -> Result<Response> {
    let bytes = tokio::fs::read(&path).await?;
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, KEPT)], bytes).into_response())
}
