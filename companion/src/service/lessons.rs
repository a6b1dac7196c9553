//! Lessons that devices were taught: what `exportLessons()` of the library gives becomes photos to train on.

use std::io::Write as _;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{Caller, Permission};
use super::events::Event;
use super::http::extract::{Json, Path};
use super::http::problem::{Problem, ProblemDocument, Result};
use super::http::text;
use super::photos::{Outcome, look_through, store};
use super::products::{self, ProductRequest};
use super::{App, ids};
use crate::dataset::Dataset;

/// The largest file of lessons.
const MAX_BYTES: usize = 64 << 20;
/// So many refusals are told one by one.
const MAX_TOLD: usize = 100;

/// The endpoint.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(add)).layer(DefaultBodyLimit::max(MAX_BYTES))
}

/// What came of the lessons.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TakenLessons {
    /// Frames that became photos.
    stored: u64,
    /// Frames that were there.
    duplicates: u64,
    /// Products that were not there before.
    products: u64,
    /// Rows that cannot be used.
    left_out: u64,
    /// The first of them, with the reason.
    problems: Vec<String>,
}

/// Takes lessons: JSON lines as `exportLessons()` of the library gives them. The same lessons can be sent again.
#[utoipa::path(
    post, path = "/channels/{channel}/lessons", tag = "devices",
    params(("channel" = String, Path, description = "The channel's id")),
    request_body(content = String, content_type = "application/jsonl"),
    responses((status = 200, body = TakenLessons), (status = "4XX", body = ProblemDocument))
)]
async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    body: Bytes,
) -> Result<Json<TakenLessons>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Report, &channel).await?.require_active()?;
    drop(reader);
    let mut file = app.storage.incoming_file()?;
    file.write_all(&body)?;
    file.flush()?;
    let path = file.path().to_owned();
    let read = tokio::task::spawn_blocking(move || Dataset::read_lessons(&path)).await?;
    let dataset =
        read.map_err(|error| Problem::invalid(text::without_path(&error.to_string(), file.path(), "lessons")))?;
    let told = dataset
        .problems
        .iter()
        .take(MAX_TOLD)
        .map(|problem| text::without_path(&problem.to_string(), file.path(), "lessons"));
    let mut taken = TakenLessons {
        stored: 0,
        duplicates: 0,
        products: 0,
        left_out: dataset.problems.len() as u64,
        problems: told.collect(),
    };
    for example in dataset.examples {
        let Some(label) = example.label.map(|label| dataset.labels[label].clone()) else { continue };
        let bytes = match example.bytes() {
            Ok(bytes) => bytes.to_vec(),
            Err(error) => {
                leave_out(&mut taken, error.to_string());
                continue;
            }
        };
        let intake = match look_through(&app, bytes).await? {
            Ok(intake) => intake,
            Err(refusal) => {
                leave_out(&mut taken, refusal.detail);
                continue;
            }
        };
        taken.products += u64::from(ensure_product(&app, &channel, &label).await?);
        let sha256 = intake.sha256.clone();
        let added = store(&app, &caller, &channel, &label, intake, "lesson", example.name).await?;
        match added.outcome {
            Outcome::Stored => taken.stored += 1,
            _ => taken.duplicates += 1,
        }
        let mut write = app.database.write().await?;
        let sql = "INSERT INTO lessons (id, channel_id, label, digest, sha256, photo_id, received_at, received_from) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel_id, sha256) DO UPDATE SET photo_id = \
                   excluded.photo_id, digest = excluded.digest, label = excluded.label";
        sqlx::query(sql)
            .bind(ids::new("lesson"))
            .bind(&channel)
            .bind(&label)
            .bind(example.lesson.unwrap_or_default())
            .bind(sha256)
            .bind(added.photo.map(|photo| photo.id))
            .bind(app.now())
            .bind(&caller.id)
            .execute(&mut *write)
            .await?;
        write.commit().await?;
    }
    if taken.stored > 0 {
        app.events.send(Event::Photos { channel });
    }
    Ok(Json(taken))
}

fn leave_out(taken: &mut TakenLessons, why: String) {
    taken.left_out += 1;
    if taken.problems.len() < MAX_TOLD {
        taken.problems.push(why);
    }
}

/// Makes the product where the channel does not have it. Whether it did.
async fn ensure_product(app: &App, channel: &str, label: &str) -> Result<bool> {
    let mut write = app.database.write().await?;
    if products::find(&mut write, channel, label).await.is_ok() {
        return Ok(false);
    }
    let name = label.chars().take(100).collect();
    let request = ProductRequest { id: Some(label.to_owned()), name, ..ProductRequest::default() };
    products::insert(&mut write, app, channel, &request).await?;
    write.commit().await?;
    Ok(true)
}
