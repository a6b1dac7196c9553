//! How the service is, for monitors and for people.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::http::extract::{Json, Path};
use super::http::problem::{ProblemDocument, Result};
use super::{App, Millis, channels};

/// Below this share of free disk the service warns.
const LOW_DISK: f64 = 0.10;
/// Below this share of free disk it is unhealthy.
const NO_DISK: f64 = 0.02;
/// A job that has waited so long is worth a warning.
const LONG_WAIT: Millis = 3_600_000;

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(ready)).routes(routes!(status))
}

/// The same where monitors look for them.
pub fn at_root() -> Router<App> {
    Router::new().route("/health", get(health)).route("/ready", get(ready))
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Healthy,
    Warning,
    Unhealthy,
}

/// A part of the service.
#[derive(Serialize, ToSchema)]
struct Component {
    status: Condition,
    /// A sentence for people.
    detail: String,
}

/// How the service is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// That of its worst component.
    status: Condition,
    components: Components,
    /// Milliseconds since 1970-01-01 UTC.
    timestamp: Millis,
    version: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Components {
    database: Component,
    queue: Component,
    storage: Component,
    disk: Component,
    models: Component,
}

/// How the service is: healthy, with a warning, or unhealthy (503).
#[utoipa::path(
    get, path = "/health", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health))
)]
async fn health(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let components = Components {
        database: database(&app).await,
        queue: queue(&app).await,
        storage: storage(&app).await,
        disk: disk(&app),
        models: models(&app).await,
    };
    let Components { database, queue, storage, disk, models } = &components;
    let all = [database, queue, storage, disk, models].map(|component| component.status);
    let status = all.into_iter().max().unwrap_or(Condition::Healthy);
    let code = if status == Condition::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let health = Health { status, components, timestamp: app.now(), version: env!("CARGO_PKG_VERSION") };
    (code, Json(health))
}

/// Whether requests can be answered: 204 if they can, else 503.
#[utoipa::path(get, path = "/ready", tag = "health", security(()), responses((status = 204), (status = 503)))]
async fn ready(State(app): State<App>) -> StatusCode {
    match database(&app).await.status {
        Condition::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::NO_CONTENT,
    }
}

fn component(status: Condition, detail: impl Into<String>) -> Component {
    Component { status, detail: detail.into() }
}

/// What failed goes to the log; the page tells no internals.
fn failed(what: &str, error: impl std::fmt::Display) -> Component {
    tracing::error!(cause = %error, "{what}");
    component(Condition::Unhealthy, format!("{what}; the log tells why"))
}

async fn database(app: &App) -> Component {
    match sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(app.database.read()).await {
        Ok(_) => component(Condition::Healthy, "It answers"),
        Err(error) => failed("The database does not answer", error),
    }
}

async fn queue(app: &App) -> Component {
    let sql = "SELECT count(*), min(not_before) FROM jobs WHERE state = 'queued'";
    match sqlx::query_as::<_, (i64, Option<Millis>)>(sql).fetch_one(app.database.read()).await {
        Err(error) => failed("The queue cannot be read", error),
        Ok((waiting, oldest)) => {
            let late = oldest.is_some_and(|oldest| app.now() - oldest > LONG_WAIT);
            let status = if late { Condition::Warning } else { Condition::Healthy };
            component(status, format!("{waiting} jobs wait{}", if late { ", one for more than an hour" } else { "" }))
        }
    }
}

async fn storage(app: &App) -> Component {
    let storage = app.storage.clone();
    let written = tokio::task::spawn_blocking(move || storage.incoming_file().map(drop)).await;
    match written {
        Ok(Ok(())) => component(Condition::Healthy, "The data folder can be written"),
        Ok(Err(error)) => failed("The data folder cannot be written", error),
        Err(error) => failed("The data folder could not be tried", error),
    }
}

fn disk(app: &App) -> Component {
    #[cfg(unix)]
    {
        let Ok(stat) = rustix::fs::statvfs(app.storage.root()) else {
            return component(Condition::Warning, "The free space is not known");
        };
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        let share = stat.f_bavail as f64 / stat.f_blocks.max(1) as f64;
        let status = match share {
            share if share < NO_DISK => Condition::Unhealthy,
            share if share < LOW_DISK => Condition::Warning,
            _ => Condition::Healthy,
        };
        component(status, format!("{:.1} GB are free, {:.0} %", free as f64 / 1e9, 100.0 * share))
    }
    #[cfg(not(unix))]
    {
        let _ = (app, LOW_DISK, NO_DISK);
        component(Condition::Healthy, "The free space is not looked at on this system")
    }
}

async fn models(app: &App) -> Component {
    let sql = "SELECT count(*) FROM ml_models WHERE active = 1";
    match sqlx::query_scalar::<_, i64>(sql).fetch_one(app.database.read()).await {
        Ok(count) => component(Condition::Healthy, format!("{count} channels have a model")),
        Err(error) => failed("The models cannot be counted", error),
    }
}

/// What a channel has in force.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChannelStatus {
    channel: String,
    /// Whether there is a model in force.
    model_loaded: bool,
    version: Option<String>,
    /// Top-1 on held-out photos, 0 to 1.
    accuracy: Option<f64>,
    /// Products that the model knows.
    products: Option<i64>,
    /// When it was trained, in milliseconds since 1970-01-01 UTC.
    last_training: Option<Millis>,
    /// The state of the newest training: queued, running, done, failed or cancelled.
    last_job: Option<String>,
}

/// What a channel has in force. It needs no key: whoever fetches the models knows as much.
#[utoipa::path(
    get, path = "/channels/{channel}/status", tag = "health", security(()),
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = ChannelStatus), (status = "4XX", body = ProblemDocument))
)]
async fn status(State(app): State<App>, Path(id): Path<String>) -> Result<Json<ChannelStatus>> {
    let mut reader = app.database.read().acquire().await?;
    let channel = channels::find(&mut reader, &id).await?;
    let sql = "SELECT version, accuracy, product_count, trained_at FROM ml_models WHERE channel_id = ? AND active = 1";
    let model: Option<(String, Option<f64>, i64, Millis)> =
        sqlx::query_as(sql).bind(&id).fetch_optional(&mut *reader).await?;
    let sql = "SELECT state FROM jobs WHERE channel_id = ? AND kind = 'train' ORDER BY created_at DESC LIMIT 1";
    let last_job = sqlx::query_scalar(sql).bind(&id).fetch_optional(&mut *reader).await?;
    let (version, accuracy, products, trained) = match model {
        Some((version, accuracy, products, at)) => (Some(version), accuracy, Some(products), Some(at)),
        None => (None, None, None, None),
    };
    Ok(Json(ChannelStatus {
        channel: channel.id,
        model_loaded: version.is_some(),
        version,
        accuracy,
        products,
        last_training: trained,
        last_job,
    }))
}
