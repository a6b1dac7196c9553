//! Channels: the shops of a service. Each has its own products, photos and model.

use axum::extract::State;
use axum::http::StatusCode;
use jicho::manifest::check_new_channel;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{Caller, Permission};
use super::database::{Connection, from_row};
use super::http::extract::{Json, Path, Query};
use super::http::page::{Page, Rows, limit};
use super::http::problem::{Problem, ProblemDocument, Result};
use super::http::text;
use super::{App, Millis, audit};
use crate::model::backbone::{embedded, registry};

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, delete))
}

/// What may be set of a channel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ChannelSettings {
    /// The currency of products without one of their own: three capital letters (ISO 4217).
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// The backbone by name; null for the service's.
    pub backbone: Option<String>,
    /// Whether changed photos are trained by themselves; null for the service's setting.
    pub automatic_training: Option<bool>,
    /// The share of matches that should be right on other days; null for 0.97.
    #[schema(minimum = 0.5, exclusive_maximum = 1.0)]
    pub match_precision: Option<f64>,
    /// Whether the mirror image of a product is another product, as of lettering and shoes.
    pub mirror_differs: bool,
    /// The rule that the score of an answer is made by, as `jicho train --score` takes it.
    #[schema(value_type = Option<Object>)]
    pub score: Option<serde_json::Value>,
}

impl ChannelSettings {
    fn check(&self) -> Result<()> {
        if let Some(currency) = &self.currency {
            check_currency("settings.currency", currency)?;
        }
        if self.match_precision.is_some_and(|share| !(0.5..1.0).contains(&share)) {
            return Err(Problem::field("settings.matchPrecision", "give a share of at least 0.5 and below 1, as 0.97"));
        }
        let known = || [embedded::NAME].into_iter().chain(registry::all().iter().map(|entry| entry.name));
        if let Some(backbone) = &self.backbone
            && !known().any(|name| name == backbone)
        {
            let known = known().collect::<Vec<_>>().join(", ");
            return Err(Problem::field("settings.backbone", format!("no backbone is called that; there are: {known}")));
        }
        if let Some(score) = &self.score {
            let rule = serde_json::from_value::<jicho::manifest::ScoreRule>(score.clone());
            let problem = rule.map_or_else(|error| Some(error.to_string()), |rule| rule.problem());
            if let Some(problem) = problem {
                return Err(Problem::field("settings.score", problem));
            }
        }
        Ok(())
    }
}

/// Refuses what is no currency code.
///
/// # Errors
/// 400.
pub fn check_currency(field: &str, currency: &str) -> Result<()> {
    match currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        true => Ok(()),
        false => Err(Problem::field(field, "give three capital letters, as KES or EUR")),
    }
}

/// A channel.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// Names the channel's folder of models, too.
    pub id: String,
    /// What people call the shop.
    pub name: String,
    /// What is set of it.
    pub settings: ChannelSettings,
    /// Changes with every change of its products.
    pub revision: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub created_at: Millis,
    /// When it was archived: it is neither trained nor changed then, and its models stay.
    pub archived_at: Option<Millis>,
}

impl Channel {
    /// Refuses changes of an archived channel.
    ///
    /// # Errors
    /// 409.
    pub fn require_active(&self) -> Result<()> {
        match self.archived_at {
            None => Ok(()),
            Some(_) => Err(Problem::conflict("The channel is archived. Take it out of the archive first.")),
        }
    }
}

struct Row {
    id: String,
    name: String,
    settings: String,
    revision: i64,
    created_at: Millis,
    archived_at: Option<Millis>,
}
from_row!(Row { id, name, settings, revision, created_at, archived_at });

impl Row {
    fn into_channel(self) -> Result<Channel> {
        let Row { id, name, settings, revision, created_at, archived_at } = self;
        Ok(Channel { id, name, settings: serde_json::from_str(&settings)?, revision, created_at, archived_at })
    }
}

/// The refusal for a channel that is not there, or not there for this caller.
pub fn missing(id: &str) -> Problem {
    Problem::not_found(format_args!("channel `{}`", jicho::names::shown(id)))
}

/// A channel that is not deleted.
///
/// # Errors
/// 404.
pub async fn find(on: &mut Connection, id: &str) -> Result<Channel> {
    let sql = "SELECT * FROM channels WHERE id = ? AND deleted_at IS NULL";
    let row: Option<Row> = sqlx::query_as(sql).bind(id).fetch_optional(on).await?;
    row.ok_or_else(|| missing(id))?.into_channel()
}

/// Notes that the catalogue of a channel has changed.
///
/// # Errors
/// Where the database cannot be written.
pub async fn touch(write: &mut Connection, id: &str) -> Result<()> {
    sqlx::query("UPDATE channels SET revision = revision + 1 WHERE id = ?").bind(id).execute(write).await?;
    Ok(())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// At most so many channels, 1 to 500; 50 where it is left out.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
    /// Whether archived channels are listed, too.
    #[serde(default)]
    archived: bool,
}

/// The channels that the key reaches, by id.
#[utoipa::path(
    get, path = "/channels", tag = "channels", params(Which),
    responses((status = 200, body = Page<Channel>), (status = "4XX", body = ProblemDocument))
)]
async fn list(State(app): State<App>, caller: Caller, Query(which): Query<Which>) -> Result<Json<Page<Channel>>> {
    caller.require(Permission::Read)?;
    let limit = limit(which.limit)?;
    let scope = caller.channels.as_ref().map(serde_json::to_string).transpose()?;
    let sql = "SELECT * FROM channels WHERE deleted_at IS NULL AND id > ?1 AND (?2 OR archived_at IS NULL) \
               AND (?3 IS NULL OR id IN (SELECT value FROM json_each(?3))) ORDER BY id LIMIT ?4";
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(which.after.unwrap_or_default())
        .bind(which.archived)
        .bind(scope)
        .bind(limit + 1)
        .fetch_all(app.database.read())
        .await?;
    Ok(Json(Rows::of(rows, limit, |row| row.id.clone()).try_map(Row::into_channel)?))
}

/// What a new channel is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChannelRequest {
    /// 1 to 64 letters, digits, `_` and `-`, a letter or digit first.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    id: String,
    /// What people call the shop; the id where it is left out.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    settings: ChannelSettings,
}

/// Makes a channel.
#[utoipa::path(
    post, path = "/channels", tag = "channels", request_body = ChannelRequest,
    responses((status = 201, body = Channel), (status = "4XX", body = ProblemDocument))
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<ChannelRequest>,
) -> Result<(StatusCode, Json<Channel>)> {
    caller.require_everywhere(Permission::Administer)?;
    let ChannelRequest { id, name, settings } = request;
    let name = text::name("name", name.as_ref().unwrap_or(&id))?;
    settings.check()?;
    check_new_channel(&id, []).map_err(|error| Problem::field("id", error.to_string()))?;
    let mut write = app.database.write().await?;
    let sql = "SELECT id FROM channels WHERE id_folded = ?";
    let taken: Option<String> = sqlx::query_scalar(sql).bind(id.to_lowercase()).fetch_optional(&mut *write).await?;
    match taken {
        Some(taken) if taken == id => return Err(Problem::conflict(format!("There is a channel `{id}` already."))),
        Some(taken) => {
            let detail = format!("The channel `{taken}` differs from it by case alone. Choose another id.");
            return Err(Problem::conflict(detail));
        }
        None => {}
    }
    let now = app.now();
    sqlx::query("INSERT INTO channels (id, id_folded, name, settings, created_at) VALUES (?, ?, ?, ?, ?)")
        .bind(&id)
        .bind(id.to_lowercase())
        .bind(&name)
        .bind(serde_json::to_string(&settings)?)
        .bind(now)
        .execute(&mut *write)
        .await?;
    audit::record(&mut write, &app, &caller, "channel.create", &id, serde_json::json!({ "name": name })).await?;
    let channel = find(&mut write, &id).await?;
    write.commit().await?;
    Ok((StatusCode::CREATED, Json(channel)))
}

/// A channel.
#[utoipa::path(
    get, path = "/channels/{channel}", tag = "channels", params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = Channel), (status = "4XX", body = ProblemDocument))
)]
async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Channel>> {
    let mut reader = app.database.read().acquire().await?;
    Ok(Json(caller.channel(&mut reader, Permission::Read, &id).await?))
}

/// What is to change of a channel. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChannelChange {
    #[serde(default)]
    name: Option<String>,
    /// Replaces all settings.
    #[serde(default)]
    settings: Option<ChannelSettings>,
    /// Puts the channel into the archive or takes it out.
    #[serde(default)]
    archived: Option<bool>,
}

/// Renames a channel, changes its settings, archives it or takes it out of the archive.
#[utoipa::path(
    patch, path = "/channels/{channel}", tag = "channels", request_body = ChannelChange,
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = Channel), (status = "4XX", body = ProblemDocument))
)]
async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<ChannelChange>,
) -> Result<Json<Channel>> {
    let mut write = app.database.write().await?;
    let channel = caller.channel(&mut write, Permission::Administer, &id).await?;
    let name = request.name.as_deref().map_or(Ok(channel.name), |name| text::name("name", name))?;
    let settings = request.settings.unwrap_or(channel.settings);
    settings.check()?;
    let archived_at = match request.archived {
        None => channel.archived_at,
        Some(false) => None,
        Some(true) => channel.archived_at.or(Some(app.now())),
    };
    sqlx::query("UPDATE channels SET name = ?, settings = ?, archived_at = ? WHERE id = ?")
        .bind(&name)
        .bind(serde_json::to_string(&settings)?)
        .bind(archived_at)
        .bind(&id)
        .execute(&mut *write)
        .await?;
    touch(&mut write, &id).await?;
    let details = serde_json::json!({ "name": name, "settings": settings, "archived": archived_at.is_some() });
    audit::record(&mut write, &app, &caller, "channel.change", &id, details).await?;
    let channel = find(&mut write, &id).await?;
    write.commit().await?;
    Ok(Json(channel))
}

/// Deletes a channel. Its photos and models are removed by the weekly clean-up; its id is not given again until then.
#[utoipa::path(
    delete, path = "/channels/{channel}", tag = "channels",
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 204), (status = "4XX", body = ProblemDocument))
)]
async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Administer, &id).await?;
    let sql = "UPDATE channels SET deleted_at = ? WHERE id = ?";
    sqlx::query(sql).bind(app.now()).bind(&id).execute(&mut *write).await?;
    let sql = "UPDATE jobs SET cancel_requested = 1 WHERE channel_id = ? AND state IN ('queued', 'running')";
    sqlx::query(sql).bind(&id).execute(&mut *write).await?;
    audit::record(&mut write, &app, &caller, "channel.delete", &id, serde_json::json!({})).await?;
    write.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
