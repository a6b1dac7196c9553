//! Around every request: its id, its time limit, security headers, counts and the log line.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::problem::{Problem, REQUEST_ID};
use crate::service::metrics::{RequestLabels, RouteLabels};
use crate::service::{App, ids};

const ID: HeaderName = HeaderName::from_static("x-request-id");
/// How much longer than other requests an upload may take: photos come through slow networks.
const UPLOAD_FACTOR: u64 = 15;

/// Answers the request within its limits.
pub async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = ids::new("req");
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let is_upload = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"));
    let seconds = app.settings.server.request_seconds * if is_upload { UPLOAD_FACTOR } else { 1 };

    // A defect in one request must not end the connection without a word.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind();
    let answered = REQUEST_ID.scope(id.clone(), async {
        match tokio::time::timeout(Duration::from_secs(seconds), answered).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => Problem::internal("a panic").into_response(),
            Err(_) => {
                let detail =
                    format!("The request took longer than {seconds} s. Try again later, or send less at once.");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail).into_response()
            }
        }
    });
    let mut response = answered.await;
    let status = response.status();
    let elapsed = started.elapsed();

    let labels = RequestLabels { method: method.to_string(), route: route.clone(), status: status.as_u16() };
    app.metrics.requests.get_or_create(&labels).inc();
    let labels = RouteLabels { method: method.to_string(), route: route.clone() };
    app.metrics.durations.get_or_create(&labels).observe(elapsed.as_secs_f64());
    tracing::info!(request = id, %method, route, status = status.as_u16(), ms = elapsed.as_millis() as u64, "request");

    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry("content-security-policy")
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(ID, value);
    }
    response
}
