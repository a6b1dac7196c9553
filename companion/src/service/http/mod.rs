//! What every request goes through, and all endpoints put together.

pub mod address;
pub mod extract;
mod openapi;
pub mod page;
mod private_models;
pub mod problem;
mod request;
pub mod text;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::router::OpenApiRouter;

use super::access::{keys, links, sessions};
use super::{
    App, audit, catalogue, channels, feedback, health, jobs, lessons, metrics, models, photos, predict, products,
    sales, series,
};
use crate::service::http::problem::Problem;

/// Where the API is mounted.
pub const API: &str = "/api/v1";

/// The endpoints of the API, without the service behind them.
fn endpoints() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(keys::routes())
        .merge(sessions::routes())
        .merge(links::routes())
        .merge(audit::routes())
        .merge(channels::routes())
        .merge(products::routes())
        .merge(catalogue::routes())
        .merge(photos::routes())
        .merge(sales::routes())
        .merge(lessons::routes())
        .merge(feedback::routes())
        .merge(series::routes())
        .merge(predict::routes())
        .merge(jobs::routes())
        .merge(models::routes())
}

/// The API, with `site` for every path that is not its own.
pub fn router(app: &App, site: Router) -> Router {
    let (api, mut document) = OpenApiRouter::with_openapi(openapi::document()).nest(API, endpoints()).split_for_parts();
    openapi::complete(&mut document);
    let api = api
        .merge(health::at_root())
        .merge(metrics::at_root())
        .merge(predict::at_root())
        .merge(openapi::routes(document));
    let body = usize::try_from(app.settings.server.body_megabytes << 20).unwrap_or(usize::MAX);
    let api = api
        .route(&format!("{API}/{{*path}}"), axum::routing::any(unknown))
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(body))
        .layer(middleware::from_fn_with_state(app.clone(), request::around))
        .layer(cors(app))
        .with_state(app.clone());
    let site = match app.settings.server.private_models {
        true => site.layer(middleware::from_fn_with_state(app.clone(), private_models::guard)),
        false => site,
    };
    api.fallback_service(site)
}

/// The OpenAPI document of the API.
#[cfg(test)]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = OpenApiRouter::with_openapi(openapi::document()).nest(API, endpoints()).into_openapi();
    openapi::complete(&mut document);
    document
}

async fn unknown() -> Problem {
    Problem::not_found("such path; /openapi.json lists the ones there are")
}

async fn not_allowed() -> Problem {
    let detail = "The path does not have this method; /openapi.json lists those that it has.";
    Problem::new(axum::http::StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

/// Pages of the configured origins may call the API with a key. Sessions are for the service's own pages.
fn cors(app: &App) -> CorsLayer {
    let origins = app.settings.server.cors_origins.0.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let headers = ["authorization", "content-type", "idempotency-key", "if-none-match", "last-event-id"];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.collect::<Vec<_>>()))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(headers.map(HeaderName::from_static))
        .expose_headers(["etag", "retry-after", "x-request-id"].map(HeaderName::from_static))
        .max_age(std::time::Duration::from_secs(3600))
}
