//! What devices tell of their answers: counts by release and decision, and corrections. No picture is part of it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{Caller, Permission};
use super::http::extract::{Json, Path};
use super::http::problem::{Problem, ProblemDocument, Result};
use super::{App, ids};

/// The most pairs of products of one report.
const MAX_PAIRS: usize = 1000;
/// The largest count of one report.
const MAX_COUNT: u32 = 10_000_000;

/// The endpoint.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(add))
}

/// Counts of a device since its last report.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Feedback {
    /// The release that answered.
    #[schema(min_length = 1, max_length = 64)]
    version: String,
    /// The day of the answers in UTC, YYYY-MM-DD; today where it is left out.
    #[serde(default)]
    #[schema(format = Date)]
    day: Option<String>,
    /// Answers that were a match.
    #[serde(default)]
    matched: u32,
    /// Answers that were unsure.
    #[serde(default)]
    unsure: u32,
    /// Answers that were unknown.
    #[serde(default)]
    unknown: u32,
    /// Answers that a person left as they were or confirmed.
    #[serde(default)]
    confirmed: u32,
    /// Answers that a person corrected.
    #[serde(default)]
    corrected: u32,
    /// Corrections by pair of products.
    #[serde(default)]
    corrections: Vec<Correction>,
}

/// How often one product was taken for another.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Correction {
    /// What the model said; null where it said nothing.
    #[serde(default)]
    from: Option<String>,
    /// What it was.
    to: String,
    count: u32,
}

/// Stores counts of a device.
#[utoipa::path(
    post, path = "/channels/{channel}/feedback", tag = "devices", request_body = Feedback,
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 204), (status = "4XX", body = ProblemDocument))
)]
async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Json(feedback): Json<Feedback>,
) -> Result<StatusCode> {
    caller.require(Permission::Report)?;
    jicho::manifest::check_version(&feedback.version).map_err(|error| Problem::field("version", error.to_string()))?;
    let counts = [feedback.matched, feedback.unsure, feedback.unknown, feedback.confirmed, feedback.corrected];
    if counts.iter().chain(feedback.corrections.iter().map(|pair| &pair.count)).any(|count| *count > MAX_COUNT) {
        return Err(Problem::invalid(format!("A count is larger than {MAX_COUNT}.")));
    }
    if feedback.corrections.len() > MAX_PAIRS {
        return Err(Problem::field("corrections", format!("send at most {MAX_PAIRS} pairs")));
    }
    let today = day(&app);
    let day = feedback.day.clone().unwrap_or_else(|| today.clone());
    if day.parse::<jiff::civil::Date>().is_err() || day.len() != 10 || day > today {
        return Err(Problem::field("day", "give a day that is not in the future, as 2026-11-30"));
    }
    let pairs: BTreeMap<String, u32> = feedback
        .corrections
        .iter()
        .map(|pair| (format!("{} > {}", pair.from.as_deref().unwrap_or_default(), pair.to), pair.count))
        .collect();
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Report, &channel).await?;
    let [matched, unsure, unknown, confirmed, corrected] = counts.map(i64::from);
    let sql = "INSERT INTO feedback (id, channel_id, day, version, matched, unsure, unknown, confirmed, corrected, \
               corrections, received_at, received_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(ids::new("feedback"))
        .bind(&channel)
        .bind(&day)
        .bind(&feedback.version)
        .bind(matched)
        .bind(unsure)
        .bind(unknown)
        .bind(confirmed)
        .bind(corrected)
        .bind(serde_json::to_string(&pairs)?)
        .bind(app.now())
        .bind(&caller.id)
        .execute(&mut *write)
        .await?;
    let sql = "INSERT INTO feedback_by_day (channel_id, day, version, matched, unsure, unknown, confirmed, corrected) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET matched = matched + excluded.matched, \
               unsure = unsure + excluded.unsure, unknown = unknown + excluded.unknown, \
               confirmed = confirmed + excluded.confirmed, corrected = corrected + excluded.corrected";
    sqlx::query(sql)
        .bind(&channel)
        .bind(&day)
        .bind(&feedback.version)
        .bind(matched)
        .bind(unsure)
        .bind(unknown)
        .bind(confirmed)
        .bind(corrected)
        .execute(&mut *write)
        .await?;
    write.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Today in UTC.
pub fn day(app: &App) -> String {
    let now = jiff::Timestamp::from_millisecond(app.now()).unwrap_or_default();
    now.strftime("%Y-%m-%d").to_string()
}
