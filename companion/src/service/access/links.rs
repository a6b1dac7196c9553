//! One-time links: to sign in a browser, to pair a till, and to upload photos from a phone.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keys::{self, KeyRequest, NewKey};
use super::{Caller, Permission, Role, after, check_channels, read_channels, stored_channels};
use crate::service::database::{Connection, from_row};
use crate::service::http::address::Address;
use crate::service::http::extract::Json;
use crate::service::http::problem::{Problem, ProblemDocument, Result};
use crate::service::{App, Millis, audit, ids};

const MINUTE: u64 = 60_000;
/// The longest name of a till.
const DEFAULT_DEVICE: &str = "A paired device";

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(pair))
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Opens one session in a browser, at `/shop/#link=…`.
    SignIn,
    /// Gives one till or scanner a device key, at `/#pair=…`.
    Pair,
    /// Opens one session in a browser that can add photos and nothing else, at `/shop/upload/#link=…`.
    Upload,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Purpose::SignIn => "sign-in",
            Purpose::Pair => "pair",
            Purpose::Upload => "upload",
        }
    }
}

/// What a new link is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkRequest {
    purpose: Purpose,
    /// The role of a link to sign in; the others have theirs.
    #[serde(default)]
    role: Option<Role>,
    /// The channels that it is for; leave it out for all. Links to pair and to upload name one.
    #[serde(default)]
    channels: Option<Vec<String>>,
    /// In how many minutes it ends to hold; leave it out for the setting `access.link_minutes`.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10080)]
    expires_in_minutes: Option<u32>,
}

/// A link, which is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewLink {
    /// By this the audit log names the link and what was done through it.
    pub id: String,
    /// The link. What it opens is after `#`, so that it is in no server's log.
    pub url: String,
    /// The secret alone, for apps that make their own link.
    pub secret: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub expires_at: Millis,
}

/// What a device sends to be paired.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PairRequest {
    /// The secret of the link.
    link: String,
    /// What people call the device.
    #[serde(default)]
    name: Option<String>,
}

/// Makes a one-time link.
#[utoipa::path(
    post, path = "/links", tag = "access", request_body = LinkRequest,
    responses((status = 201, body = NewLink), (status = "4XX", body = ProblemDocument))
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<LinkRequest>,
) -> Result<(StatusCode, Json<NewLink>)> {
    let channels = request.channels.as_ref();
    let role = match request.purpose {
        // Whoever may upload may let a phone do so, and in no other channels than theirs.
        Purpose::Upload => {
            caller.require(Permission::Edit)?;
            if !channels.is_some_and(|channels| channels.len() == 1 && caller.reaches(&channels[0])) {
                return Err(Problem::field("channels", "name the one channel that the photos are for"));
            }
            Role::Uploader
        }
        Purpose::Pair => {
            caller.require_everywhere(Permission::Administer)?;
            if channels.is_none_or(|channels| channels.len() != 1) {
                return Err(Problem::field("channels", "name the one channel that the device is for"));
            }
            Role::Device
        }
        Purpose::SignIn => {
            caller.require_everywhere(Permission::Administer)?;
            request.role.ok_or_else(|| Problem::field("role", "name the role that the link gives"))?
        }
    };
    if request.purpose != Purpose::SignIn && request.role.is_some_and(|given| given != role) {
        return Err(Problem::field("role", format!("a link of this purpose has the role `{}`", role.word())));
    }
    if request.expires_in_minutes.is_some_and(|minutes| !(1..=10080).contains(&minutes)) {
        return Err(Problem::field("expiresInMinutes", "give a number of minutes from 1 to 10080"));
    }
    let minutes = request.expires_in_minutes.map_or(app.settings.access.link_minutes, u64::from);
    let link = make(&app, &caller, request.purpose, role, request.channels, minutes).await?;
    Ok((StatusCode::CREATED, Json(link)))
}

/// Makes a link and stores its hash.
///
/// # Errors
/// 400 for channels that are not there.
pub async fn make(
    app: &App,
    caller: &Caller,
    purpose: Purpose,
    role: Role,
    channels: Option<Vec<String>>,
    minutes: u64,
) -> Result<NewLink> {
    let (id, secret, now) = (ids::new("link"), ids::secret(), app.now());
    let expires_at = after(now, minutes * MINUTE);
    let mut write = app.database.write().await?;
    check_channels(&mut write, channels.as_ref()).await?;
    let sql = "INSERT INTO links (id, hash, purpose, role, channels, created_by, created_at, expires_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(&id)
        .bind(ids::hash(&secret))
        .bind(purpose.word())
        .bind(role.word())
        .bind(stored_channels(channels.as_ref())?)
        .bind(&caller.id)
        .bind(now)
        .bind(expires_at)
        .execute(&mut *write)
        .await?;
    let details = serde_json::json!({ "purpose": purpose, "role": role, "channels": channels });
    audit::record(&mut write, app, caller, "link.create", &id, details).await?;
    write.commit().await?;
    let base = app.public_url();
    let url = match (purpose, &channels) {
        (Purpose::SignIn, _) => format!("{base}/shop/#link={secret}"),
        (Purpose::Pair, channels) => {
            let channel = channels.as_ref().and_then(|channels| channels.first()).map_or("", String::as_str);
            format!("{base}/?channel={channel}#pair={secret}")
        }
        (Purpose::Upload, _) => format!("{base}/shop/#link={secret}"),
    };
    Ok(NewLink { id, url, secret, expires_at })
}

/// Gives a device its key in exchange for the secret of a link to pair.
#[utoipa::path(
    post, path = "/pair", tag = "access", request_body = PairRequest,
    responses((status = 201, body = NewKey), (status = "4XX", body = ProblemDocument))
)]
async fn pair(
    State(app): State<App>,
    Address(address): Address,
    Json(request): Json<PairRequest>,
) -> Result<(StatusCode, Json<NewKey>)> {
    app.limits.log_ins.take(&address)?;
    let name = request.name.unwrap_or_else(|| DEFAULT_DEVICE.into());
    let name = crate::service::http::text::name("name", &name)?;
    let mut write = app.database.write().await?;
    let caller = redeem(&mut write, request.link.trim(), Purpose::Pair, app.now()).await?;
    write.commit().await?;
    let caller = Caller { address: app.addresses.hash(address), ..caller };
    let request = KeyRequest { name, role: caller.role, channels: caller.channels.clone(), expires_in_days: None };
    Ok((StatusCode::CREATED, Json(keys::make(&app, &caller, request).await?)))
}

struct Row {
    id: String,
    purpose: String,
    role: String,
    channels: Option<String>,
}
from_row!(Row { id, purpose, role, channels });

/// Uses a link up, in the transaction of what it is used for.
///
/// # Errors
/// 401, with the same words whether the link is wrong, used or expired. 400 for a link of another purpose, which stays.
pub async fn redeem(on: &mut Connection, secret: &str, purpose: Purpose, now: Millis) -> Result<Caller> {
    let refused = || Problem::unauthenticated("The link does not hold: it is wrong, was used, or has expired.");
    let hash = ids::hash(secret);
    let sql = "SELECT id, purpose, role, channels FROM links WHERE hash = ? AND used_at IS NULL AND expires_at > ?";
    let row: Option<Row> = sqlx::query_as(sql).bind(&hash).bind(now).fetch_optional(&mut *on).await?;
    let row = row.ok_or_else(refused)?;
    // A link to upload opens a session as well, of another role.
    let fits = row.purpose == purpose.word() || (purpose == Purpose::SignIn && row.purpose == Purpose::Upload.word());
    if !fits {
        return Err(Problem::invalid(format!("The link is for another purpose: {}.", row.purpose)));
    }
    sqlx::query("UPDATE links SET used_at = ? WHERE hash = ?").bind(now).bind(&hash).execute(on).await?;
    let role = Role::of_word(&row.role).ok_or_else(refused)?;
    Ok(Caller { id: row.id, role, channels: read_channels(row.channels)?, address: String::new() })
}
