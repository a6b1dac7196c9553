//! API keys: made, listed and revoked by admins.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Caller, Permission, Role, check_channels, read_channels, stored_channels};
use crate::service::database::{Connection, from_row};
use crate::service::http::extract::{Json, Path};
use crate::service::http::problem::{Problem, ProblemDocument, Result};
use crate::service::{App, Millis, audit, ids};

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub struct Key {
    /// The part before the dot. The audit log names the key by it.
    id: String,
    /// What people call it, such as the till that uses it.
    name: String,
    role: Role,
    /// The channels that it is for; null for all.
    channels: Option<Vec<String>>,
    /// Who made it.
    created_by: String,
    /// Milliseconds since 1970-01-01 UTC.
    created_at: Millis,
    /// When it ends to hold, in milliseconds; null for never.
    expires_at: Option<Millis>,
}

/// A key with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewKey {
    #[serde(flatten)]
    key: Key,
    /// What is sent as `Authorization: Bearer …`. It is stored hashed and cannot be shown again.
    secret: String,
}

/// What a new key is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRequest {
    /// What people call it, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The channels that it is for; leave it out for all.
    #[serde(default)]
    pub channels: Option<Vec<String>>,
    /// In how many days it ends to hold; leave it out for never.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 36500)]
    pub expires_in_days: Option<u32>,
}

struct Row {
    id: String,
    name: String,
    role: String,
    channels: Option<String>,
    created_by: String,
    created_at: Millis,
    expires_at: Option<Millis>,
}
from_row!(Row { id, name, role, channels, created_by, created_at, expires_at });

impl Row {
    fn into_key(self) -> Result<Key> {
        let role = Role::of_word(&self.role).ok_or_else(|| Problem::internal("an unknown role is stored"))?;
        Ok(Key {
            id: self.id,
            name: self.name,
            role,
            channels: read_channels(self.channels)?,
            created_by: self.created_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
        })
    }
}

/// The keys that hold or have expired. Revoked ones are in the audit log.
#[utoipa::path(
    get, path = "/keys", tag = "access",
    responses((status = 200, body = Vec<Key>), (status = "4XX", body = ProblemDocument))
)]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<Key>>> {
    caller.require_everywhere(Permission::Administer)?;
    let sql = "SELECT * FROM keys WHERE deleted_at IS NULL ORDER BY created_at, id";
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(app.database.read()).await?;
    Ok(Json(rows.into_iter().map(Row::into_key).collect::<Result<_>>()?))
}

/// Makes a key. Its secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/keys", tag = "access", request_body = KeyRequest,
    responses((status = 201, body = NewKey), (status = "4XX", body = ProblemDocument))
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<KeyRequest>,
) -> Result<(StatusCode, Json<NewKey>)> {
    caller.require_everywhere(Permission::Administer)?;
    Ok((StatusCode::CREATED, Json(make(&app, &caller, request).await?)))
}

/// Makes a key and stores its hash.
///
/// # Errors
/// 400 for a request that cannot be met.
pub async fn make(app: &App, caller: &Caller, request: KeyRequest) -> Result<NewKey> {
    let name = crate::service::http::text::name("name", &request.name)?;
    if request.expires_in_days.is_some_and(|days| !(1..=36500).contains(&days)) {
        return Err(Problem::field("expiresInDays", "give a number of days from 1 to 36500"));
    }
    let now = app.now();
    let (id, secret) = (ids::new("key"), ids::secret());
    let expires_at = request.expires_in_days.map(|days| now + i64::from(days) * 86_400_000);
    let mut write = app.database.write().await?;
    check_channels(&mut write, request.channels.as_ref()).await?;
    let sql = "INSERT INTO keys (id, hash, name, role, channels, created_by, created_at, expires_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(&id)
        .bind(ids::hash(&secret))
        .bind(&name)
        .bind(request.role.word())
        .bind(stored_channels(request.channels.as_ref())?)
        .bind(&caller.id)
        .bind(now)
        .bind(expires_at)
        .execute(&mut *write)
        .await?;
    let details = serde_json::json!({ "name": name, "role": request.role.word(), "channels": request.channels });
    audit::record(&mut write, app, caller, "key.create", &id, details).await?;
    write.commit().await?;
    let key = Key {
        id: id.clone(),
        name,
        role: request.role,
        channels: request.channels,
        created_by: caller.id.clone(),
        created_at: now,
        expires_at,
    };
    Ok(NewKey { key, secret: format!("{id}.{secret}") })
}

/// Revokes a key. It and the sessions that it opened end at once.
#[utoipa::path(
    delete, path = "/keys/{key}", tag = "access", params(("key" = String, Path, description = "The key's id")),
    responses((status = 204), (status = "4XX", body = ProblemDocument))
)]
async fn revoke(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    caller.require_everywhere(Permission::Administer)?;
    let mut write = app.database.write().await?;
    let sql = "UPDATE keys SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL";
    if sqlx::query(sql).bind(app.now()).bind(&id).execute(&mut *write).await?.rows_affected() == 0 {
        return Err(Problem::not_found(format_args!("key `{id}`")));
    }
    sqlx::query("DELETE FROM sessions WHERE key_id = ?").bind(&id).execute(&mut *write).await?;
    audit::record(&mut write, &app, &caller, "key.revoke", &id, serde_json::json!({})).await?;
    write.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

struct Stored {
    hash: Vec<u8>,
    role: String,
    channels: Option<String>,
    expires_at: Option<Millis>,
}
from_row!(Stored { hash, role, channels, expires_at });

/// Whoever holds the key `token`.
///
/// # Errors
/// 401, with the same words whether there is no such key, it was revoked, or the secret is another.
pub async fn caller(on: &mut Connection, token: &str, now: Millis) -> Result<Caller> {
    let refused = || Problem::unauthenticated("The key does not hold: it is wrong, revoked or of another service.");
    let (id, secret) = token.split_once('.').ok_or_else(refused)?;
    let sql = "SELECT hash, role, channels, expires_at FROM keys WHERE id = ? AND deleted_at IS NULL";
    let stored: Option<Stored> = sqlx::query_as(sql).bind(id).fetch_optional(on).await?;
    let stored = stored.filter(|stored| super::holds(secret, &stored.hash)).ok_or_else(refused)?;
    if stored.expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::unauthenticated("The key has expired. Ask an admin for a new one."));
    }
    let role = Role::of_word(&stored.role).ok_or_else(refused)?;
    Ok(Caller { id: id.into(), role, channels: read_channels(stored.channels)?, address: String::new() })
}
