//! Models behind device keys, where `server.private_models` is set: a key that may fetch, and for the channel.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    CACHE_CONTROL,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{Problem, Result};
use crate::service::access::{Caller, Permission};
use crate::service::{App, audit};

/// Where the site has the models.
const MODELS: &str = "/assets/ml-models/";

/// Refuses whoever may not have a model; audits what is fetched.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(path) = request.uri().path().strip_prefix(MODELS).map(str::to_owned) else {
        return next.run(request).await;
    };
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    let (mut parts, body) = request.into_parts();
    let caller = match allowed(&app, &mut parts, &path).await {
        Ok(caller) => caller,
        Err(problem) => return with_origin(problem.into_response()),
    };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // No shared cache may keep it for others.
    if let Some(cache) = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok()) {
        let private = cache.replace("public", "private");
        if let Ok(value) = HeaderValue::from_str(&private) {
            response.headers_mut().insert(CACHE_CONTROL, value);
        }
    }
    // Checks for a new release are answered with 304 or a small document, and come often: files alone are told.
    if response.status() == StatusCode::OK && !path.ends_with(".json") {
        match tell(&app, &caller, &path).await {
            Ok(()) => {}
            Err(problem) => return with_origin(problem.into_response()),
        }
    }
    response
}

async fn allowed(app: &App, parts: &mut axum::http::request::Parts, path: &str) -> Result<Caller> {
    let caller = Caller::from_request_parts(parts, app).await?;
    caller.require(Permission::Fetch)?;
    let channel = path.split('/').next().unwrap_or_default();
    // Blobs are named by their SHA-256, which the releases of a channel tell; so they are the channel's secret.
    match channel == "blobs" || caller.reaches(channel) {
        true => Ok(caller),
        false => Err(Problem::not_found("such file")),
    }
}

async fn tell(app: &App, caller: &Caller, path: &str) -> Result<()> {
    let mut write = app.database.write().await?;
    audit::record(&mut write, app, caller, "model.fetch", path, serde_json::json!({})).await?;
    write.commit().await?;
    Ok(())
}

/// Browsers ask first whether they may send a key to another origin.
fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, if-none-match, if-range, range"),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    with_origin((StatusCode::NO_CONTENT, headers, Body::empty()).into_response())
}

fn with_origin(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
