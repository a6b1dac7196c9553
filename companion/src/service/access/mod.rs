//! Who calls, and what they may do.
//!
//! A caller is known by an API key (`Authorization: Bearer key_….SECRET`) or by a browser's session, whose cookie no script
//! can read and whose changes need the CSRF token. Both have a role and, where they are scoped, a list of channels.

pub mod keys;
pub mod limits;
pub mod links;
mod roles;
pub mod sessions;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method};
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::channels::{self, Channel};
use super::database::Connection;
use super::http::problem::{Problem, Result};
use super::{App, Millis, ids};
pub use roles::{Permission, Role};

/// The header of a session's CSRF token.
pub const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// The cookie of a session.
pub const COOKIE_NAME: &str = "jicho_session";

/// Who calls.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Caller {
    /// The id of the key or link by which the caller is known, as the audit log names it.
    pub id: String,
    /// What the caller may do.
    pub role: Role,
    /// The channels that the caller reaches; null for all.
    pub channels: Option<Vec<String>>,
    /// The hashed network address.
    #[serde(skip)]
    pub address: String,
}

impl Caller {
    /// The service itself, for what nobody asked for.
    pub fn service() -> Caller {
        Caller { id: "service".into(), role: Role::Admin, channels: None, address: String::new() }
    }

    /// Refuses whoever's role does not allow it.
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, permission: Permission) -> Result<()> {
        match self.role.may(permission) {
            true => Ok(()),
            false => Err(Problem::forbidden(format!(
                "The role `{}` does not allow this. Use a key with the permission `{}`.",
                self.role.word(),
                permission.word()
            ))),
        }
    }

    /// Refuses whoever is bound to single channels, for what concerns all of them.
    ///
    /// # Errors
    /// 403.
    pub fn require_everywhere(&self, permission: Permission) -> Result<()> {
        self.require(permission)?;
        match &self.channels {
            None => Ok(()),
            Some(_) => Err(Problem::forbidden("This concerns all channels, and the key is for some of them.")),
        }
    }

    /// Whether the caller's key is for this channel.
    pub fn reaches(&self, channel: &str) -> bool {
        self.channels.as_ref().is_none_or(|channels| channels.iter().any(|one| one == channel))
    }

    /// The channel, for a caller who may do this there.
    ///
    /// # Errors
    /// 403; 404 also where the key is for other channels, so that it does not tell which there are.
    pub async fn channel(&self, on: &mut Connection, permission: Permission, id: &str) -> Result<Channel> {
        self.require(permission)?;
        if !self.reaches(id) {
            return Err(channels::missing(id));
        }
        channels::find(on, id).await
    }
}

/// The network address of whoever sent the request.
pub fn address(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let address = address(parts);
        let found = match bearer(&parts.headers)? {
            Some(token) => of_token(app, token).await,
            None => match session(&parts.headers) {
                Some(secret) => of_session(app, secret, &parts.method, &parts.headers).await,
                None => {
                    let detail = "Send a key in the header `Authorization: Bearer …`, or sign in.";
                    return Err(Problem::unauthenticated(detail));
                }
            },
        };
        match found {
            Ok(caller) => Ok(Caller { address: app.addresses.hash(address), ..caller }),
            Err(problem) => {
                // Whoever guesses too often is told to wait instead.
                app.limits.refusals.take(&address)?;
                Err(problem)
            }
        }
    }
}

/// A caller, or nobody where the request names none. What it names must hold.
pub struct MaybeCaller(pub Option<Caller>);

impl FromRequestParts<App> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let named = parts.headers.contains_key(AUTHORIZATION) || session(&parts.headers).is_some();
        Ok(MaybeCaller(if named { Some(Caller::from_request_parts(parts, app).await?) } else { None }))
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let detail = "The header Authorization must read `Bearer` and a key.";
    token.map(Some).ok_or_else(|| Problem::unauthenticated(detail))
}

/// The secret of the session's cookie.
fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

async fn of_token(app: &App, token: &str) -> Result<Caller> {
    let mut reader = app.database.read().acquire().await?;
    keys::caller(&mut reader, token, app.now()).await
}

async fn of_session(app: &App, secret: &str, method: &Method, headers: &HeaderMap) -> Result<Caller> {
    let mut reader = app.database.read().acquire().await?;
    let session = sessions::find(&mut reader, secret, app.now()).await?;
    if !method.is_safe() {
        let sent = headers.get(CSRF).map(|value| value.as_bytes()).unwrap_or_default();
        if !bool::from(sent.ct_eq(session.csrf.as_bytes())) {
            let detail = "Send the session's CSRF token in the header X-CSRF-Token; GET /api/v1/session tells it.";
            return Err(Problem::forbidden(detail));
        }
    }
    Ok(session.caller)
}

/// When something that lasts `milliseconds` from now ends.
pub fn after(now: Millis, milliseconds: u64) -> Millis {
    now.saturating_add(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}

/// The list of channels as it is stored.
pub fn stored_channels(channels: Option<&Vec<String>>) -> Result<Option<String>> {
    Ok(channels.map(serde_json::to_string).transpose()?)
}

/// The list of channels as it was stored.
pub fn read_channels(stored: Option<String>) -> Result<Option<Vec<String>>> {
    Ok(stored.as_deref().map(serde_json::from_str).transpose()?)
}

/// Refuses a list of channels that names one that is not there.
///
/// # Errors
/// 400.
pub async fn check_channels(on: &mut Connection, channels: Option<&Vec<String>>) -> Result<()> {
    let Some(channels) = channels else { return Ok(()) };
    if channels.is_empty() {
        return Err(Problem::field("channels", "name at least one channel, or leave it out for all"));
    }
    for id in channels {
        if channels::find(on, id).await.is_err() {
            return Err(Problem::field("channels", format!("there is no channel `{id}`")));
        }
    }
    Ok(())
}

/// Splits a token `id.secret` and tells whether the secret is that of `hash`.
fn holds(secret: &str, hash: &[u8]) -> bool {
    ids::hash(secret).ct_eq(hash).into()
}
