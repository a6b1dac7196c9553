//! What happened by day and release, for charts.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{Caller, Permission};
use super::database::from_row;
use super::http::extract::{Json, Path, Query};
use super::http::problem::{Problem, ProblemDocument, Result};
use super::{App, Millis};

/// The endpoint.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// So many days up to today, 1 to 1830; 90 where it is left out.
    days: Option<u32>,
}

/// Series of a channel.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Series {
    /// What devices told and what the service answered itself, by day and release, oldest first.
    days: Vec<Day>,
    /// The releases, oldest first.
    releases: Vec<Release>,
}

/// A day of one release.
#[derive(Serialize, ToSchema)]
struct Day {
    /// YYYY-MM-DD in UTC.
    day: String,
    version: String,
    matched: i64,
    unsure: i64,
    unknown: i64,
    /// Answers that a person left as they were or confirmed.
    confirmed: i64,
    /// Answers that a person corrected.
    corrected: i64,
}
from_row!(Day { day, version, matched, unsure, unknown, confirmed, corrected });

/// A release and how good it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Release {
    version: String,
    /// Milliseconds since 1970-01-01 UTC.
    trained_at: Millis,
    /// Top-1 on held-out photos, 0 to 1.
    accuracy: Option<f64>,
    /// The share of answers that people did not correct, 0 to 1; null where none was told.
    field_accuracy: Option<f64>,
    product_count: i64,
    image_count: i64,
}

struct ReleaseRow {
    version: String,
    trained_at: Millis,
    accuracy: Option<f64>,
    product_count: i64,
    image_count: i64,
    confirmed: i64,
    corrected: i64,
}
from_row!(ReleaseRow { version, trained_at, accuracy, product_count, image_count, confirmed, corrected });

/// Predictions, corrections and accuracy by day and release.
#[utoipa::path(
    get, path = "/channels/{channel}/series", tag = "models",
    params(("channel" = String, Path, description = "The channel's id"), Which),
    responses((status = 200, body = Series), (status = "4XX", body = ProblemDocument))
)]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Series>> {
    let days = which.days.unwrap_or(90);
    if !(1..=1830).contains(&days) {
        return Err(Problem::field("days", "give a number of days from 1 to 1830"));
    }
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let first = jiff::Timestamp::from_millisecond(app.now() - i64::from(days) * 86_400_000).unwrap_or_default();
    let first = first.strftime("%Y-%m-%d").to_string();
    let sql = "SELECT day, version, sum(matched) AS matched, sum(unsure) AS unsure, sum(unknown) AS unknown, \
               sum(confirmed) AS confirmed, sum(corrected) AS corrected FROM ( \
               SELECT day, version, matched, unsure, unknown, confirmed, corrected FROM feedback_by_day \
               WHERE channel_id = ?1 AND day > ?2 UNION ALL \
               SELECT day, version, (decision = 'match') * count, (decision = 'unsure') * count, \
               (decision = 'unknown') * count, 0, 0 FROM predictions_by_day WHERE channel_id = ?1 AND day > ?2) \
               GROUP BY day, version ORDER BY day, version";
    let days = sqlx::query_as(sql).bind(&channel).bind(first).fetch_all(&mut *reader).await?;
    let sql = "SELECT m.version, m.trained_at, m.accuracy, m.product_count, m.image_count, \
               coalesce(sum(f.confirmed), 0) AS confirmed, coalesce(sum(f.corrected), 0) AS corrected \
               FROM ml_models m LEFT JOIN feedback_by_day f ON f.channel_id = m.channel_id AND f.version = m.version \
               WHERE m.channel_id = ? GROUP BY m.id ORDER BY m.trained_at";
    let rows: Vec<ReleaseRow> = sqlx::query_as(sql).bind(&channel).fetch_all(&mut *reader).await?;
    let releases = rows.into_iter().map(|row| {
        let told = row.confirmed + row.corrected;
        Release {
            version: row.version,
            trained_at: row.trained_at,
            accuracy: row.accuracy,
            field_accuracy: (told > 0).then(|| row.confirmed as f64 / told as f64),
            product_count: row.product_count,
            image_count: row.image_count,
        }
    });
    Ok(Json(Series { days, releases: releases.collect() }))
}
