//! A whole data set in one archive: products and photos at once.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use serde::Serialize;
use tempfile::NamedTempFile;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::upload::{Outcome, broken, look_through, store};
use crate::dataset::{Dataset, Example, Reading};
use crate::service::access::{Caller, Permission};
use crate::service::events::Event;
use crate::service::http::extract::{Json, Path};
use crate::service::http::problem::{Problem, ProblemDocument, Result};
use crate::service::http::text;
use crate::service::products::{self, ProductRequest};
use crate::service::{App, audit};

/// So many refusals are told one by one.
const MAX_TOLD: usize = 100;
/// JPEG quality of photos that are cut out of a larger one.
const CUT_QUALITY: u8 = 95;

/// The endpoint.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import)).layer(DefaultBodyLimit::disable())
}

/// The form of an import.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes the form for the OpenAPI document alone")]
struct ImportForm {
    /// A zip archive: a folder of photos per product; or COCO, Pascal VOC, YOLO or CSV annotations with their photos.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    archive: Vec<u8>,
}

/// What an import did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ImportedPhotos {
    /// Products that were not there before.
    products: u64,
    /// Photos that were stored.
    stored: u64,
    /// Photos that the channel had.
    duplicates: u64,
    /// Files and rows that cannot be used.
    left_out: u64,
    /// The first of them, with the reason.
    problems: Vec<String>,
    /// How the archive was understood.
    understood: Vec<String>,
}

/// Adds the products and photos of a data set. Photos are stored one by one: what was stored before a failure stays, and
/// the same archive can be sent again.
#[utoipa::path(
    post, path = "/channels/{channel}/photos.import", tag = "photos",
    params(("channel" = String, Path, description = "The channel's id")),
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses((status = 200, body = ImportedPhotos), (status = "4XX", body = ProblemDocument))
)]
async fn import(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<ImportedPhotos>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Edit, &channel).await?.require_active()?;
    drop(reader);
    let form = form.map_err(|error| Problem::invalid(error.body_text()))?;
    let archive = receive(&app, form).await?;
    let dataset = read(archive.path().to_owned()).await?;
    let mut imported = ImportedPhotos {
        products: 0,
        stored: 0,
        duplicates: 0,
        left_out: dataset.problems.len() as u64,
        problems: dataset.problems.iter().take(MAX_TOLD).map(ToString::to_string).collect(),
        understood: dataset.understood(),
    };
    let ids = add_products(&app, &caller, &channel, &dataset.labels, &mut imported).await?;
    for example in dataset.examples {
        let Some(product) = example.label.and_then(|label| ids.get(&dataset.labels[label])) else { continue };
        let name = example.name.clone();
        match photo_of(example).await? {
            Ok(bytes) => match look_through(&app, bytes).await? {
                Ok(intake) => {
                    let added = store(&app, &caller, &channel, product, intake, "import", name).await?;
                    match added.outcome {
                        Outcome::Stored => imported.stored += 1,
                        _ => imported.duplicates += 1,
                    }
                }
                Err(refusal) => leave_out(&mut imported, &name, &refusal.detail),
            },
            Err(why) => leave_out(&mut imported, &name, &why),
        }
    }
    app.events.send(Event::Photos { channel: channel.clone() });
    app.events.send(Event::Products { channel });
    Ok(Json(imported))
}

fn leave_out(imported: &mut ImportedPhotos, name: &str, why: &str) {
    imported.left_out += 1;
    if imported.problems.len() < MAX_TOLD {
        imported.problems.push(format!("{}: {why}", jicho::names::shown(name)));
    }
}

/// Streams the archive into the data folder.
async fn receive(app: &App, mut form: Multipart) -> Result<NamedTempFile> {
    let most = app.settings.photos.archive_megabytes << 20;
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        if field.name() != Some("archive") {
            continue;
        }
        let mut file = app.storage.incoming_file()?;
        let mut length = 0;
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            length += chunk.len() as u64;
            if length > most {
                let detail = format!("The archive is larger than {} MB.", app.settings.photos.archive_megabytes);
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail));
            }
            file.write_all(&chunk)?;
        }
        file.flush()?;
        return Ok(file);
    }
    Err(Problem::field("archive", "the form holds no archive"))
}

/// Reads the data set; nothing of it may name a file elsewhere.
async fn read(archive: PathBuf) -> Result<Dataset> {
    let reading = Reading { allow_outside: false, ..Reading::default() };
    let file = archive.clone();
    let mut dataset = tokio::task::spawn_blocking(move || Dataset::read(&file, &reading)).await?.map_err(|error| {
        let why = text::without_path(&error.to_string(), &archive, "archive");
        Problem::invalid(format!("The archive cannot be used: {why}"))
    })?;
    for problem in &mut dataset.problems {
        problem.file = text::without_path(&problem.file, &archive, "archive");
    }
    Ok(dataset)
}

/// The products by their labels; makes those that are missing.
async fn add_products(
    app: &App,
    caller: &Caller,
    channel: &str,
    labels: &[String],
    imported: &mut ImportedPhotos,
) -> Result<BTreeMap<String, String>> {
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Edit, channel).await?.require_active()?;
    let mut ids = BTreeMap::new();
    for label in labels {
        if products::find(&mut write, channel, label).await.is_err() {
            let name = label.replace(['_', '-'], " ").chars().take(100).collect();
            let request = ProductRequest { id: Some(label.clone()), name, ..ProductRequest::default() };
            products::insert(&mut write, app, channel, &request).await?;
            imported.products += 1;
        }
        ids.insert(label.clone(), label.clone());
    }
    let details = serde_json::json!({ "products": imported.products });
    audit::record(&mut write, app, caller, "photo.import", channel, details).await?;
    write.commit().await?;
    Ok(ids)
}

/// The bytes of an example: its file, or a JPEG of the part of it that it is.
async fn photo_of(example: Example) -> Result<Result<Vec<u8>, String>> {
    Ok(tokio::task::spawn_blocking(move || {
        if example.region.is_none() {
            return example.bytes().map(|bytes| bytes.to_vec()).map_err(|error| error.to_string());
        }
        let photo = example.read().map_err(|error| error.to_string())?;
        let image = photo.into_image().ok_or("it holds fewer pixels than it says")?;
        let rgb = image::DynamicImage::ImageRgba8(image).into_rgb8();
        let mut file = Cursor::new(Vec::new());
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, CUT_QUALITY);
        rgb.write_with_encoder(encoder).map_err(|error| error.to_string())?;
        Ok(file.into_inner())
    })
    .await?)
}
