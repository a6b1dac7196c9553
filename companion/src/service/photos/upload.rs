//! Uploads: each file is streamed to the data folder, looked through, and stored once.

use std::io::Write as _;

use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use serde::Serialize;
use tempfile::NamedTempFile;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::intake::{Intake, Refusal, take_in};
use super::{Photo, row, thumbnail};
use crate::service::access::{Caller, Permission};
use crate::service::database::Connection;
use crate::service::events::Event;
use crate::service::http::extract::{Json, Path, Query};
use crate::service::http::problem::{FieldError, Problem, ProblemDocument, Result};
use crate::service::{App, audit, channels, ids, products};

/// Photos of which at most so many bits of the difference hash differ look alike.
const ALIKE_BITS: u32 = 3;
/// The most files of one request.
const MAX_FILES: usize = 500;

/// The endpoint.
pub fn routes() -> OpenApiRouter<App> {
    // Files have limits of their own; each is checked while it comes in.
    OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::disable())
}

#[derive(serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The product that the photos show; or send it as the field `product` before them.
    product: Option<String>,
}

/// The form of an upload.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes the form for the OpenAPI document alone")]
struct UploadForm {
    /// The product that the photos after it show.
    product: Option<String>,
    /// A photo: JPEG, PNG or WebP. The field may come often.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    photo: Vec<u8>,
}

/// What came of one file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Added {
    /// The name that the file was sent under.
    pub file: String,
    /// `stored`, `duplicate` (the channel has the same photo, whatever its product) or `refused`.
    pub outcome: Outcome,
    /// The photo; null where it was refused.
    pub photo: Option<Photo>,
    /// An older photo of the product that looks the same but for small differences: it teaches little.
    pub looks_like: Option<String>,
    /// The product that the model in force takes it for, where it is sure and the label says otherwise.
    pub recognised_as: Option<String>,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
}

/// What came of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is stored.
    Stored,
    /// It was there.
    Duplicate,
    /// It cannot be used.
    Refused,
}

/// Adds photos to a product. Each file is answered for by itself; where none can be used, the request fails.
#[utoipa::path(
    post, path = "/channels/{channel}/photos", tag = "photos",
    params(("channel" = String, Path, description = "The channel's id"), Which),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Vec<Added>), (status = 200, body = Vec<Added>), (status = "4XX", body = ProblemDocument))
)]
async fn upload(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(which): Query<Which>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Vec<Added>>)> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Upload, &channel).await?.require_active()?;
    drop(reader);
    let mut form = form.map_err(|error| Problem::invalid(error.body_text()))?;
    let mut product = which.product;
    let mut added = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() == Some("product") {
            product = Some(field.text().await.map_err(broken)?.trim().to_owned());
            continue;
        }
        let Some(product) = &product else {
            return Err(Problem::field(
                "product",
                "send the product's id before its photos, or as ?product= in the URL",
            ));
        };
        if added.len() == MAX_FILES {
            return Err(Problem::invalid(format!("Send at most {MAX_FILES} files at once; the first are stored.")));
        }
        let mut reader = app.database.read().acquire().await?;
        products::find(&mut reader, &channel, product).await?;
        drop(reader);
        let name: String = field.file_name().unwrap_or("photo").chars().take(200).collect();
        let source = if caller.id.starts_with("link_") { "link" } else { "upload" };
        let one = match receive(&app, field).await? {
            Ok(file) => store_file(&app, &caller, &channel, product, file, source, name).await?,
            Err(refusal) => refused(name, refusal),
        };
        added.push(one);
    }
    if added.is_empty() {
        return Err(Problem::field("photo", "the form holds no file"));
    }
    if added.iter().all(|one| one.outcome == Outcome::Refused) {
        let errors = added.iter().filter_map(|one| {
            let refusal = one.refusal.as_ref()?;
            Some(FieldError { field: one.file.clone(), detail: format!("{} ({})", refusal.detail, refusal.code) })
        });
        let mut problem = Problem::invalid("None of the files can be used.");
        problem.errors = errors.collect();
        return Err(problem);
    }
    let stored = added.iter().any(|one| one.outcome == Outcome::Stored);
    if stored {
        app.events.send(Event::Photos { channel });
    }
    Ok((if stored { StatusCode::CREATED } else { StatusCode::OK }, Json(added)))
}

/// The refusal of a file.
pub fn refused(file: String, refusal: Refusal) -> Added {
    let refusal = Some(refusal);
    Added { file, outcome: Outcome::Refused, photo: None, looks_like: None, recognised_as: None, refusal }
}

pub(super) fn broken(error: axum::extract::multipart::MultipartError) -> Problem {
    Problem::new(error.status(), "invalid-request", error.body_text())
}

/// Streams a file into the data folder.
async fn receive(app: &App, mut field: Field<'_>) -> Result<Result<NamedTempFile, Refusal>> {
    let most = app.settings.photos.max_megabytes << 20;
    let mut file = app.storage.incoming_file()?;
    let (mut length, mut too_large) = (0, false);
    while let Some(chunk) = field.chunk().await.map_err(broken)? {
        length += chunk.len() as u64;
        too_large |= length > most;
        // What is beyond the limit is read and dropped, so that the other files of the form are still heard.
        if too_large {
            if length > 4 * most {
                let detail = format!("A file is larger than {} MB.", app.settings.photos.max_megabytes);
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail));
            }
        } else {
            file.write_all(&chunk)?;
        }
    }
    Ok(match too_large {
        true => Err(Refusal {
            code: "too-large",
            detail: format!("The file is larger than {} MB.", app.settings.photos.max_megabytes),
        }),
        false => Ok(file),
    })
}

async fn store_file(
    app: &App,
    caller: &Caller,
    channel: &str,
    product: &str,
    file: NamedTempFile,
    source: &str,
    name: String,
) -> Result<Added> {
    let bytes = tokio::fs::read(file.path()).await?;
    match look_through(app, bytes).await? {
        Ok(intake) => store(app, caller, channel, product, intake, source, name).await,
        Err(refusal) => Ok(refused(name, refusal)),
    }
}

/// Looks through a photo on one of the few threads that decode.
///
/// # Errors
/// Where the service ends meanwhile.
pub async fn look_through(app: &App, bytes: Vec<u8>) -> Result<Result<Intake, Refusal>> {
    let _turn = app.decoders.acquire().await.map_err(Problem::internal)?;
    let most = app.settings.photos.max_megapixels;
    Ok(tokio::task::spawn_blocking(move || take_in(&bytes, most)).await?)
}

/// Stores a photo that was looked through. Afterwards it outlasts a power cut.
///
/// # Errors
/// Where database or folder cannot be written.
pub async fn store(
    app: &App,
    caller: &Caller,
    channel: &str,
    product: &str,
    intake: Intake,
    source: &str,
    name: String,
) -> Result<Added> {
    let file = format!("{}.{}", intake.sha256, intake.ending);
    let prepared = prepare(app, &intake).await?;
    let mut write = app.database.write().await?;
    channels::find(&mut write, channel).await?.require_active()?;
    products::find(&mut write, channel, product).await?;
    let sql = "SELECT id FROM photos WHERE channel_id = ? AND sha256 = ?";
    let same: Option<String> =
        sqlx::query_scalar(sql).bind(channel).bind(&intake.sha256).fetch_optional(&mut *write).await?;
    if let Some(same) = same {
        let photo = Some(row(&mut write, channel, &same).await?.into_photo()?);
        return Ok(Added {
            file: name,
            outcome: Outcome::Duplicate,
            photo,
            looks_like: None,
            recognised_as: None,
            refusal: None,
        });
    }
    let looks_like = alike(&mut write, channel, product, intake.likeness).await?;
    // Renaming under the write lock: see `remove_files`.
    keep(app, channel, &file, prepared).await?;
    let id = ids::new("photo");
    let percent = app.settings.photos.confirm_percent;
    let asked = source != "import" && drawn(percent);
    let sql = "INSERT INTO photos (id, channel_id, product_id, sha256, file, bytes, width, height, likeness, findings, \
               source, added_by, created_at, confirm_asked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(&id)
        .bind(channel)
        .bind(product)
        .bind(&intake.sha256)
        .bind(&file)
        .bind(intake.bytes.len() as i64)
        .bind(i64::from(intake.width))
        .bind(i64::from(intake.height))
        .bind(format!("{:016x}", intake.likeness))
        .bind(serde_json::to_string(&intake.findings)?)
        .bind(source)
        .bind(&caller.id)
        .bind(app.now())
        .bind(asked)
        .execute(&mut *write)
        .await?;
    // The first photo stands for its product until somebody chooses another.
    let sql = "UPDATE products SET picture = ? WHERE channel_id = ? AND id = ? AND picture IS NULL";
    let is_first = sqlx::query(sql).bind(&id).bind(channel).bind(product).execute(&mut *write).await?.rows_affected();
    if is_first > 0 {
        channels::touch(&mut write, channel).await?;
    }
    let details = serde_json::json!({ "product": product, "sha256": intake.sha256 });
    audit::record(&mut write, app, caller, "photo.add", &format!("{channel}/{id}"), details).await?;
    let photo = row(&mut write, channel, &id).await?.into_photo()?;
    write.commit().await?;
    Ok(Added {
        file: name,
        outcome: Outcome::Stored,
        photo: Some(photo),
        looks_like,
        recognised_as: None,
        refusal: None,
    })
}

/// Whether a label is drawn for a second person, of so many in a hundred.
fn drawn(percent: u64) -> bool {
    u64::from_le_bytes(ids::random()) % 100 < percent
}

/// Photo and thumbnail, written and synced under no name yet.
async fn prepare(app: &App, intake: &Intake) -> Result<[NamedTempFile; 2]> {
    let (storage, bytes, thumbnail) = (app.storage.clone(), intake.bytes.clone(), intake.thumbnail.clone());
    let write = move |bytes: &[u8]| -> std::io::Result<NamedTempFile> {
        let mut file = storage.incoming_file()?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    let written = tokio::task::spawn_blocking(move || Ok::<_, std::io::Error>([write(&bytes)?, write(&thumbnail)?]));
    Ok(written.await??)
}

async fn keep(app: &App, channel: &str, file: &str, [photo, small]: [NamedTempFile; 2]) -> Result<()> {
    let (storage, channel, file) = (app.storage.clone(), channel.to_owned(), file.to_owned());
    let thumbnail = thumbnail::path(app, &channel, &file);
    let kept = tokio::task::spawn_blocking(move || {
        storage.keep(small, &thumbnail)?;
        storage.keep(photo, &storage.photos(&channel).join(&file))
    });
    Ok(kept.await??)
}

/// An older photo of the product that looks the same.
async fn alike(on: &mut Connection, channel: &str, product: &str, likeness: u64) -> Result<Option<String>> {
    let sql = "SELECT id, likeness FROM photos WHERE channel_id = ? AND product_id = ?";
    let others: Vec<(String, String)> = sqlx::query_as(sql).bind(channel).bind(product).fetch_all(on).await?;
    let found = others.into_iter().find(|(_, other)| {
        u64::from_str_radix(other, 16).is_ok_and(|other| (other ^ likeness).count_ones() <= ALIKE_BITS)
    });
    Ok(found.map(|(id, _)| id))
}
