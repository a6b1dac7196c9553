//! Sessions of browsers: opened with a key or a one-time link, so that no page has to keep a key.

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{COOKIE_NAME, Caller, Role, after, keys, links, read_channels, stored_channels};
use crate::service::database::{Connection, from_row};
use crate::service::http::address::Address;
use crate::service::http::extract::Json;
use crate::service::http::problem::{Problem, ProblemDocument, Result};
use crate::service::{App, Millis, audit, ids};

const HOUR: u64 = 3_600_000;

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, open, close))
}

/// A session that was found.
pub struct Found {
    /// Whose it is.
    pub caller: Caller,
    /// What changes must send.
    pub csrf: String,
    /// When it ends.
    pub expires_at: Millis,
}

/// How to open a session: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionRequest {
    /// An API key.
    #[serde(default)]
    key: Option<String>,
    /// The secret of a one-time link to sign in.
    #[serde(default)]
    link: Option<String>,
}

/// A session as its browser sees it. The cookie itself is in the header Set-Cookie, out of reach of scripts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The key or link that opened it.
    opened_by: String,
    role: Role,
    /// The channels that it reaches; null for all.
    channels: Option<Vec<String>>,
    /// Send it in the header X-CSRF-Token with every request that is not GET or HEAD.
    csrf_token: String,
    /// Milliseconds since 1970-01-01 UTC.
    expires_at: Millis,
}

impl Session {
    fn of(found: &Found) -> Session {
        let Caller { id, role, channels, .. } = found.caller.clone();
        Session { opened_by: id, role, channels, csrf_token: found.csrf.clone(), expires_at: found.expires_at }
    }
}

/// The browser's session.
#[utoipa::path(
    get, path = "/session", tag = "access",
    responses((status = 200, body = Session), (status = "4XX", body = ProblemDocument))
)]
async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Json<Session>> {
    let secret = super::session(&headers).ok_or_else(|| Problem::unauthenticated("No session: sign in."))?;
    let mut reader = app.database.read().acquire().await?;
    Ok(Json(Session::of(&find(&mut reader, secret, app.now()).await?)))
}

/// Opens a session with a key or the secret of a one-time link.
#[utoipa::path(
    post, path = "/session", tag = "access", request_body = SessionRequest,
    responses((status = 201, body = Session), (status = "4XX", body = ProblemDocument))
)]
async fn open(
    State(app): State<App>,
    Address(address): Address,
    Json(request): Json<SessionRequest>,
) -> Result<Response> {
    app.limits.log_ins.take(&address)?;
    let now = app.now();
    let mut write = app.database.write().await?;
    let (caller, key) = match (request.key, request.link) {
        (Some(key), None) => {
            let caller = keys::caller(&mut write, key.trim(), now).await?;
            let id = caller.id.clone();
            (caller, Some(id))
        }
        (None, Some(link)) => (links::redeem(&mut write, link.trim(), links::Purpose::SignIn, now).await?, None),
        _ => return Err(Problem::invalid("Give either `key` or `link`.")),
    };
    let caller = Caller { address: app.addresses.hash(address), ..caller };
    let (secret, csrf) = (ids::secret(), ids::secret());
    let hours = app.settings.access.session_hours;
    let expires_at = after(now, hours * HOUR);
    let sql = "INSERT INTO sessions (hash, opened_by, key_id, role, channels, csrf, created_at, expires_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(ids::hash(&secret))
        .bind(&caller.id)
        .bind(key)
        .bind(caller.role.word())
        .bind(stored_channels(caller.channels.as_ref())?)
        .bind(&csrf)
        .bind(now)
        .bind(expires_at)
        .execute(&mut *write)
        .await?;
    audit::record(&mut write, &app, &caller, "session.open", &caller.id, serde_json::json!({})).await?;
    write.commit().await?;
    // The link of the first start has done its work once somebody is in.
    let _ = tokio::fs::remove_file(app.storage.first_link()).await;

    let session = Session::of(&Found { caller, csrf, expires_at });
    let seconds = i64::try_from(hours * 3600).unwrap_or(i64::MAX);
    Ok((StatusCode::CREATED, [(SET_COOKIE, set_cookie(&app, secret, seconds)?)], Json(session)).into_response())
}

/// Ends the browser's session.
#[utoipa::path(
    delete, path = "/session", tag = "access",
    responses((status = 204), (status = "4XX", body = ProblemDocument))
)]
async fn close(State(app): State<App>, headers: HeaderMap, caller: Caller) -> Result<Response> {
    if let Some(secret) = super::session(&headers) {
        let mut write = app.database.write().await?;
        sqlx::query("DELETE FROM sessions WHERE hash = ?").bind(ids::hash(secret)).execute(&mut *write).await?;
        audit::record(&mut write, &app, &caller, "session.close", &caller.id, serde_json::json!({})).await?;
        write.commit().await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, set_cookie(&app, String::new(), 0)?)]).into_response())
}

/// The header that sets the cookie. Browsers keep a `Secure` cookie on https only, and on localhost.
fn set_cookie(app: &App, secret: String, seconds: i64) -> Result<HeaderValue> {
    let cookie = Cookie::build((COOKIE_NAME, secret))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.settings.server.is_secure())
        .max_age(cookie::time::Duration::seconds(seconds));
    HeaderValue::from_str(&cookie.to_string()).map_err(Problem::internal)
}

struct Row {
    opened_by: String,
    role: String,
    channels: Option<String>,
    csrf: String,
    expires_at: Millis,
}
from_row!(Row { opened_by, role, channels, csrf, expires_at });

/// The session of a cookie.
///
/// # Errors
/// 401.
pub async fn find(on: &mut Connection, secret: &str, now: Millis) -> Result<Found> {
    let refused = || Problem::unauthenticated("The session has ended. Sign in again.");
    // A session ends with the key that opened it, also when that key expires.
    let sql = "SELECT s.opened_by, s.role, s.channels, s.csrf, s.expires_at FROM sessions s \
               LEFT JOIN keys k ON k.id = s.key_id \
               WHERE s.hash = ?1 AND s.expires_at > ?2 AND (s.key_id IS NULL OR (k.deleted_at IS NULL \
               AND (k.expires_at IS NULL OR k.expires_at > ?2)))";
    let row: Option<Row> = sqlx::query_as(sql).bind(ids::hash(secret)).bind(now).fetch_optional(on).await?;
    let row = row.ok_or_else(refused)?;
    let role = Role::of_word(&row.role).ok_or_else(refused)?;
    let caller = Caller { id: row.opened_by, role, channels: read_channels(row.channels)?, address: String::new() };
    Ok(Found { caller, csrf: row.csrf, expires_at: row.expires_at })
}
