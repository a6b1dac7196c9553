//! The endpoints of models.

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::change::change;
use super::{Compared, Model, Row, compare, find};
use crate::output::publish::versions::Change;
use crate::service::App;
use crate::service::access::{Caller, Permission};
use crate::service::database::Connection;
use crate::service::http::extract::{Json, Path, Query};
use crate::service::http::page::{Page, Rows, limit};
use crate::service::http::problem::{Problem, ProblemDocument, Result};

/// A report holds its own style and pictures, and no script runs in it.
const REPORT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox";

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(compared))
        .routes(routes!(show))
        .routes(routes!(report))
        .routes(routes!(report_page))
        .routes(routes!(rollback))
        .routes(routes!(promote))
        .routes(routes!(withdraw))
        .routes(routes!(share))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// At most so many models, 1 to 500; 50 where it is left out.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<i64>,
}

/// The models of a channel, newest first.
#[utoipa::path(
    get, path = "/channels/{channel}/models", tag = "models", operation_id = "list_models",
    params(("channel" = String, Path, description = "The channel's id"), Which),
    responses((status = 200, body = Page<Model>), (status = "4XX", body = ProblemDocument))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Page<Model>>> {
    let limit = limit(which.limit)?;
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let sql = "SELECT rowid AS place, * FROM ml_models WHERE channel_id = ?1 AND (?2 IS NULL OR rowid < ?2) \
               ORDER BY rowid DESC LIMIT ?3";
    let rows: Vec<Placed> =
        sqlx::query_as(sql).bind(&channel).bind(which.after).bind(limit + 1).fetch_all(&mut *reader).await?;
    Ok(Json(Rows::of(rows, limit, |row: &Placed| row.place.to_string()).try_map(|row| row.row.into_model())?))
}

/// A row with its place in the history.
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

/// A model.
#[utoipa::path(
    get, path = "/channels/{channel}/models/{version}", tag = "models", operation_id = "show_model",
    params(("channel" = String, Path, description = "The channel's id"), ("version" = String, Path, description = "The version")),
    responses((status = 200, body = Model), (status = "4XX", body = ProblemDocument))
)]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((channel, version)): Path<(String, String)>,
) -> Result<Json<Model>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    Ok(Json(find(&mut reader, &channel, &version).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Pair {
    /// A version.
    a: String,
    /// Another one.
    b: String,
}

/// Two models side by side: measures, products, sizes, and what devices tell of each.
#[utoipa::path(
    get, path = "/channels/{channel}/models/compare", tag = "models", operation_id = "compare_models",
    params(("channel" = String, Path, description = "The channel's id"), Pair),
    responses((status = 200, body = Compared), (status = "4XX", body = ProblemDocument))
)]
async fn compared(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(Pair { a, b }): Query<Pair>,
) -> Result<Json<Compared>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    Ok(Json(compare(&mut reader, &app.storage, &channel, &a, &b).await?))
}

/// The report of a training. It names photos of the shop, and is never public.
#[utoipa::path(
    get, path = "/channels/{channel}/models/{version}/report.json", tag = "models", operation_id = "model_report",
    params(("channel" = String, Path, description = "The channel's id"), ("version" = String, Path, description = "The version")),
    responses((status = 200, body = Object, content_type = "application/json"), (status = "4XX", body = ProblemDocument))
)]
async fn report(
    State(app): State<App>,
    caller: Caller,
    Path((channel, version)): Path<(String, String)>,
) -> Result<Response> {
    let bytes = report_file(&app, &caller, &channel, &version, "report.json").await?;
    Ok(([(CONTENT_TYPE, "application/json")], bytes).into_response())
}

/// The report of a training as a page for people. It shows photos of the shop, and is never public.
#[utoipa::path(
    get, path = "/channels/{channel}/models/{version}/report.html", tag = "models", operation_id = "model_report_page",
    params(("channel" = String, Path, description = "The channel's id"), ("version" = String, Path, description = "The version")),
    responses((status = 200, body = String, content_type = "text/html"), (status = "4XX", body = ProblemDocument))
)]
async fn report_page(
    State(app): State<App>,
    caller: Caller,
    Path((channel, version)): Path<(String, String)>,
) -> Result<Response> {
    let bytes = report_file(&app, &caller, &channel, &version, "report.html").await?;
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, REPORT_POLICY)];
    Ok((headers, bytes).into_response())
}

async fn report_file(app: &App, caller: &Caller, channel: &str, version: &str, file: &str) -> Result<Vec<u8>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Trace, channel).await?;
    // The version is one of the table, so that it names no other folder.
    let model = find(&mut reader, channel, version).await?;
    let path = app.storage.reports().join(channel).join(&model.version).join(file);
    match tokio::fs::read(&path).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Problem::not_found(format_args!("report of the model `{}`", model.version)))
        }
        bytes => Ok(bytes?),
    }
}

/// Puts an older model into force again. Devices take it at their next check.
#[utoipa::path(
    post, path = "/channels/{channel}/models/{version}/rollback", tag = "models", operation_id = "rollback_model",
    params(("channel" = String, Path, description = "The channel's id"), ("version" = String, Path, description = "The version")),
    responses((status = 200, body = Model), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument))
)]
async fn rollback(
    State(app): State<App>,
    caller: Caller,
    Path((channel, version)): Path<(String, String)>,
) -> Result<Json<Model>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Train, &channel).await?.require_active()?;
    let model = find(&mut reader, &channel, &version).await?;
    drop(reader);
    if model.active {
        return Err(Problem::conflict(format!("{version} is in force already.")));
    }
    if !model.kept {
        return Err(Problem::conflict(format!("The files of {version} are gone: only the newest versions are kept.")));
    }
    let details = json!({ "version": version });
    Ok(Json(change(&app, &caller, &channel, "model.rollback", Change::Rollback(Some(version)), details).await?))
}

/// The candidate of a channel, for a caller who may decide about it.
async fn candidate(on: &mut Connection, caller: &Caller, channel: &str) -> Result<String> {
    caller.channel(on, Permission::Train, channel).await?.require_active()?;
    let sql = "SELECT version FROM ml_models WHERE channel_id = ? AND share IS NOT NULL";
    let version: Option<String> = sqlx::query_scalar(sql).bind(channel).fetch_optional(on).await?;
    version.ok_or_else(|| Problem::conflict("The channel has no candidate."))
}

/// Puts the candidate into force for all devices.
#[utoipa::path(
    post, path = "/channels/{channel}/candidate/promote", tag = "models", operation_id = "promote_candidate",
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = Model), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument))
)]
async fn promote(State(app): State<App>, caller: Caller, Path(channel): Path<String>) -> Result<Json<Model>> {
    let mut reader = app.database.read().acquire().await?;
    let version = candidate(&mut reader, &caller, &channel).await?;
    drop(reader);
    let details = json!({ "version": version });
    Ok(Json(change(&app, &caller, &channel, "model.promote", Change::Promote, details).await?))
}

/// Takes the candidate back from the devices that try it. Answers with the model in force.
#[utoipa::path(
    post, path = "/channels/{channel}/candidate/withdraw", tag = "models", operation_id = "withdraw_candidate",
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = Model), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument))
)]
async fn withdraw(State(app): State<App>, caller: Caller, Path(channel): Path<String>) -> Result<Json<Model>> {
    let mut reader = app.database.read().acquire().await?;
    let version = candidate(&mut reader, &caller, &channel).await?;
    drop(reader);
    let details = json!({ "version": version });
    Ok(Json(change(&app, &caller, &channel, "model.withdraw", Change::Withdraw, details).await?))
}

/// On how many devices the candidate is tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShareRequest {
    /// 0 for none, 1 for all.
    #[schema(minimum = 0, maximum = 1)]
    share: f64,
}

/// Tries the candidate on another share of the devices. Answers with the candidate.
#[utoipa::path(
    put, path = "/channels/{channel}/candidate/share", tag = "models", operation_id = "share_candidate",
    params(("channel" = String, Path, description = "The channel's id")), request_body = ShareRequest,
    responses((status = 200, body = Model), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument))
)]
async fn share(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Json(ShareRequest { share }): Json<ShareRequest>,
) -> Result<Json<Model>> {
    if !(0.0..=1.0).contains(&share) {
        return Err(Problem::field("share", "give a number from 0 to 1"));
    }
    let mut reader = app.database.read().acquire().await?;
    let version = candidate(&mut reader, &caller, &channel).await?;
    drop(reader);
    let details = json!({ "version": version, "share": share });
    change(&app, &caller, &channel, "model.share", Change::Share(share), details).await?;
    let mut reader = app.database.read().acquire().await?;
    Ok(Json(find(&mut reader, &channel, &version).await?))
}
