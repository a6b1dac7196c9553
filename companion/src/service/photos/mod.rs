//! Photos of products: uploaded, looked through, listed, moved, deleted and disputed.

mod confirmation;
mod import;
mod intake;
mod metadata;
mod thumbnail;
mod upload;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{Caller, Permission};
use super::database::{Connection, from_row};
use super::events::Event;
use super::http::extract::{Json, Path, Query};
use super::http::page::{Page, Rows, limit};
use super::http::problem::{Problem, ProblemDocument, Result};
use super::http::text;
use super::{App, Millis, audit, channels, products};
pub use upload::{Outcome, look_through, store};

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, change, delete))
        .merge(upload::routes())
        .merge(import::routes())
        .merge(thumbnail::routes())
        .merge(confirmation::routes())
}

/// A photo.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Photo {
    /// Its id.
    pub id: String,
    /// The product that it shows.
    pub product: String,
    /// SHA-256 of the stored bytes, in hex: those that were uploaded, without their metadata.
    pub sha256: String,
    /// Bytes.
    pub bytes: i64,
    /// Pixels, upright.
    pub width: i64,
    /// Pixels, upright.
    pub height: i64,
    /// What makes it hard to recognise, each in a word: `too-dark`, `blur` and so on.
    #[schema(value_type = Vec<String>)]
    pub findings: serde_json::Value,
    /// Where it comes from: `upload`, `link`, `import`, `lesson` or `device`.
    pub source: String,
    /// The key or link by which it came.
    pub added_by: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub created_at: Millis,
    /// When somebody doubted its label. It is not trained on then.
    pub disputed_at: Option<Millis>,
    /// Why.
    pub dispute: Option<String>,
    /// Whether a second person is asked to confirm the label.
    pub confirmation_asked: bool,
    /// What the second person said that it shows.
    pub confirmed_as: Option<String>,
}

struct Row {
    id: String,
    product_id: String,
    sha256: String,
    file: String,
    bytes: i64,
    width: i64,
    height: i64,
    findings: String,
    source: String,
    added_by: String,
    created_at: Millis,
    disputed_at: Option<Millis>,
    dispute: Option<String>,
    confirm_asked: i64,
    confirmed_as: Option<String>,
}
from_row!(Row {
    id,
    product_id,
    sha256,
    file,
    bytes,
    width,
    height,
    findings,
    source,
    added_by,
    created_at,
    disputed_at,
    dispute,
    confirm_asked,
    confirmed_as
});

impl Row {
    fn into_photo(self) -> Result<Photo> {
        Ok(Photo {
            id: self.id,
            product: self.product_id,
            sha256: self.sha256,
            bytes: self.bytes,
            width: self.width,
            height: self.height,
            findings: serde_json::from_str(&self.findings)?,
            source: self.source,
            added_by: self.added_by,
            created_at: self.created_at,
            disputed_at: self.disputed_at,
            dispute: self.dispute,
            confirmation_asked: self.confirm_asked != 0,
            confirmed_as: self.confirmed_as,
        })
    }
}

async fn row(on: &mut Connection, channel: &str, id: &str) -> Result<Row> {
    let sql = "SELECT * FROM photos WHERE channel_id = ? AND id = ?";
    let row: Option<Row> = sqlx::query_as(sql).bind(channel).bind(id).fetch_optional(on).await?;
    row.ok_or_else(|| Problem::not_found(format_args!("photo `{}`", jicho::names::shown(id))))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// At most so many photos, 1 to 500; 50 where it is left out.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<i64>,
    /// Only photos of this product.
    product: Option<String>,
    /// Only photos whose label is disputed.
    #[serde(default)]
    disputed: bool,
    /// Only photos with a finding.
    #[serde(default)]
    faulty: bool,
}

/// The photos of a channel, newest first.
#[utoipa::path(
    get, path = "/channels/{channel}/photos", tag = "photos",
    params(("channel" = String, Path, description = "The channel's id"), Which),
    responses((status = 200, body = Page<Photo>), (status = "4XX", body = ProblemDocument))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Page<Photo>>> {
    let limit = limit(which.limit)?;
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let sql = "SELECT rowid AS place, * FROM photos WHERE channel_id = ?1 AND (?2 IS NULL OR rowid < ?2) \
               AND (?3 IS NULL OR product_id = ?3) AND (NOT ?4 OR disputed_at IS NOT NULL) \
               AND (NOT ?5 OR findings != '[]') ORDER BY rowid DESC LIMIT ?6";
    let rows: Vec<Placed> = sqlx::query_as(sql)
        .bind(&channel)
        .bind(which.after)
        .bind(which.product)
        .bind(which.disputed)
        .bind(which.faulty)
        .bind(limit + 1)
        .fetch_all(&mut *reader)
        .await?;
    Ok(Json(Rows::of(rows, limit, |row: &Placed| row.place.to_string()).try_map(|row| row.row.into_photo())?))
}

/// A row with its place in the order of upload.
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

/// A photo.
#[utoipa::path(
    get, path = "/channels/{channel}/photos/{photo}", tag = "photos",
    params(("channel" = String, Path, description = "The channel's id"), ("photo" = String, Path, description = "The photo's id")),
    responses((status = 200, body = Photo), (status = "4XX", body = ProblemDocument))
)]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((channel, id)): Path<(String, String)>,
) -> Result<Json<Photo>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    Ok(Json(row(&mut reader, &channel, &id).await?.into_photo()?))
}

/// What is to change of a photo. What is left out stays.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PhotoChange {
    /// The product that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// `true` doubts the label, so that the photo is not trained on; `false` takes that back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disputed: Option<bool>,
    /// Why the label is doubted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dispute: Option<String>,
}

/// Moves a photo to another product, or disputes its label.
#[utoipa::path(
    patch, path = "/channels/{channel}/photos/{photo}", tag = "photos", request_body = PhotoChange,
    params(("channel" = String, Path, description = "The channel's id"), ("photo" = String, Path, description = "The photo's id")),
    responses((status = 200, body = Photo), (status = "4XX", body = ProblemDocument))
)]
async fn change(
    State(app): State<App>,
    caller: Caller,
    Path((channel, id)): Path<(String, String)>,
    Json(request): Json<PhotoChange>,
) -> Result<Json<Photo>> {
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Edit, &channel).await?.require_active()?;
    let now = row(&mut write, &channel, &id).await?;
    let details = serde_json::to_value(&request)?;
    if let Some(product) = &request.product {
        products::find(&mut write, &channel, product).await?;
        unset_picture(&mut write, &channel, &id).await?;
        let sql = "UPDATE photos SET product_id = ? WHERE channel_id = ? AND id = ?";
        sqlx::query(sql).bind(product).bind(&channel).bind(&id).execute(&mut *write).await?;
    }
    let why = request.dispute.as_deref().map(|why| text::name("dispute", why)).transpose()?;
    let disputed = match request.disputed {
        Some(false) => Some((None, None)),
        Some(true) => Some((now.disputed_at.or(Some(app.now())), why)),
        None if why.is_some() => Some((now.disputed_at.or(Some(app.now())), why)),
        None => None,
    };
    if let Some((at, why)) = disputed {
        let sql = "UPDATE photos SET disputed_at = ?, dispute = ? WHERE channel_id = ? AND id = ?";
        sqlx::query(sql).bind(at).bind(why).bind(&channel).bind(&id).execute(&mut *write).await?;
    }
    audit::record(&mut write, &app, &caller, "photo.change", &format!("{channel}/{id}"), details).await?;
    let photo = row(&mut write, &channel, &id).await?.into_photo()?;
    write.commit().await?;
    app.events.send(Event::Photos { channel });
    Ok(Json(photo))
}

/// Deletes a photo for good.
#[utoipa::path(
    delete, path = "/channels/{channel}/photos/{photo}", tag = "photos",
    params(("channel" = String, Path, description = "The channel's id"), ("photo" = String, Path, description = "The photo's id")),
    responses((status = 204), (status = "4XX", body = ProblemDocument))
)]
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((channel, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Edit, &channel).await?.require_active()?;
    let photo = row(&mut write, &channel, &id).await?;
    forget(&mut write, &channel, &id).await?;
    let details = serde_json::json!({ "product": photo.product_id, "sha256": photo.sha256 });
    audit::record(&mut write, &app, &caller, "photo.delete", &format!("{channel}/{id}"), details).await?;
    write.commit().await?;
    remove_files(&app, &channel, &photo.file).await;
    app.events.send(Event::Photos { channel });
    Ok(StatusCode::NO_CONTENT)
}

/// Removes what the database knows of a photo.
///
/// # Errors
/// Where the database cannot be written.
pub async fn forget(write: &mut Connection, channel: &str, id: &str) -> Result<()> {
    unset_picture(write, channel, id).await?;
    let sql = "UPDATE lessons SET photo_id = NULL WHERE channel_id = ? AND photo_id = ?";
    sqlx::query(sql).bind(channel).bind(id).execute(&mut *write).await?;
    let sql = "DELETE FROM photos WHERE channel_id = ? AND id = ?";
    sqlx::query(sql).bind(channel).bind(id).execute(write).await?;
    Ok(())
}

/// The photo stands for no product any more.
async fn unset_picture(write: &mut Connection, channel: &str, id: &str) -> Result<()> {
    let sql = "UPDATE products SET picture = NULL WHERE channel_id = ? AND picture = ?";
    let changed = sqlx::query(sql).bind(channel).bind(id).execute(&mut *write).await?.rows_affected();
    if changed > 0 {
        channels::touch(write, channel).await?;
    }
    Ok(())
}

/// Removes the files of a photo that the database does not know any more. The write lock is held meanwhile, so that
/// nobody uploads the same photo between the look and the removal.
pub async fn remove_files(app: &App, channel: &str, file: &str) {
    let removed = async {
        let mut write = app.database.write().await?;
        let sql = "SELECT count(*) FROM photos WHERE channel_id = ? AND file = ?";
        let used: i64 = sqlx::query_scalar(sql).bind(channel).bind(file).fetch_one(&mut *write).await?;
        if used == 0 {
            let thumbnail = thumbnail::path(app, channel, file);
            for path in [app.storage.photos(channel).join(file), thumbnail] {
                match tokio::fs::remove_file(&path).await {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Problem::from(error)),
                    _ => {}
                }
            }
        }
        write.rollback().await?;
        Ok(())
    };
    if let Err(problem) = removed.await {
        tracing::warn!(cause = problem.detail, channel, file, "a photo's file could not be removed");
    }
}
