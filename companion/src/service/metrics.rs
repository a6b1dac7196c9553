//! What the service counts, for Prometheus.

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::access::{Caller, Permission};
use super::http::problem::{Problem, Result};

/// A request, by its route rather than by its path, so that the number of series is bounded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// GET, POST and so on.
    pub method: String,
    /// The route, as `/api/v1/channels/{channel}`.
    pub route: String,
    /// The status of the answer.
    pub status: u16,
}

/// A method and a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// GET, POST and so on.
    pub method: String,
    /// The route.
    pub route: String,
}

/// A decision of a prediction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DecisionLabels {
    /// The channel.
    pub channel: String,
    /// match, unsure or unknown.
    pub decision: String,
}

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests.
    pub requests: Family<RequestLabels, Counter>,
    /// How long they took.
    pub durations: Family<RouteLabels, Histogram>,
    /// Jobs that wait.
    pub queue_depth: Gauge,
    /// How long trainings took.
    pub training_seconds: Histogram,
    /// Predictions by decision.
    pub predictions: Family<DecisionLabels, Counter>,
}

fn seconds() -> Histogram {
    Histogram::new([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<RequestLabels, Counter>::default();
        let durations = Family::<RouteLabels, Histogram>::new_with_constructor(seconds);
        let queue_depth = Gauge::default();
        let training_seconds = Histogram::new([1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0]);
        let predictions = Family::<DecisionLabels, Counter>::default();
        // The encoder appends `_total` to counters.
        registry.register("api_requests", "Requests to the API", requests.clone());
        registry.register("api_request_duration_seconds", "Seconds until an answer began", durations.clone());
        registry.register("queue_depth", "Jobs that wait", queue_depth.clone());
        registry.register("training_duration_seconds", "Seconds of finished trainings", training_seconds.clone());
        registry.register("predictions", "Predictions of the service by decision", predictions.clone());
        Metrics { registry, requests, durations, queue_depth, training_seconds, predictions }
    }
}

/// The endpoint.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// The same where Prometheus looks for it.
pub fn at_root() -> Router<App> {
    Router::new().route("/metrics", get(metrics))
}

/// Counters and timings in Prometheus's text format.
///
/// Prometheus sends the key as `authorization: credentials`.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"))
)]
async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response> {
    caller.require(Permission::Read)?;
    let waiting: i64 =
        sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state = 'queued'").fetch_one(app.database.read()).await?;
    app.metrics.queue_depth.set(waiting);
    let mut text = String::new();
    encode(&mut text, &app.metrics.registry).map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}
