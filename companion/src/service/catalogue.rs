//! The catalogue of a channel: what a till needs to sell, in one document that it keeps for when it is offline.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{MaybeCaller, Permission};
use super::http::extract::{Json, Path};
use super::http::problem::{Problem, ProblemDocument, Result};
use super::products::{Row, SELECT};
use super::{App, channels};

/// The endpoint.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// A product as a till sells it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Item {
    /// The label that answers name.
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    barcode: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    facts: BTreeMap<String, serde_json::Value>,
    /// The path of a small picture of it, which needs the same key.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

/// The catalogue of a channel.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Catalogue {
    channel: String,
    name: String,
    /// The currency of products without one of their own.
    currency: Option<String>,
    /// Grows with every change.
    revision: i64,
    products: Vec<Item>,
}

/// The catalogue, with an ETag. It needs a key that may fetch, unless `catalogue.public` is set.
#[utoipa::path(
    get, path = "/channels/{channel}/catalogue", tag = "products",
    params(
        ("channel" = String, Path, description = "The channel's id"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the catalogue that is there")
    ),
    responses((status = 200, body = Catalogue), (status = 304), (status = "4XX", body = ProblemDocument))
)]
async fn show(
    State(app): State<App>,
    MaybeCaller(caller): MaybeCaller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let mut reader = app.database.read().acquire().await?;
    let channel = match caller {
        Some(caller) => caller.channel(&mut reader, Permission::Fetch, &id).await?,
        None if app.settings.catalogue.public => channels::find(&mut reader, &id).await?,
        None => return Err(Problem::unauthenticated("Send a device key in the header `Authorization: Bearer …`.")),
    };
    let etag = format!("\"r{}\"", channel.revision);
    let cache = (CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let tag = (ETAG, HeaderValue::from_str(&etag).map_err(Problem::internal)?);
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag)) {
        return Ok((StatusCode::NOT_MODIFIED, [cache, tag]).into_response());
    }
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} AND p.archived_at IS NULL ORDER BY p.name, p.id"));
    let rows: Vec<Row> = sqlx::query_as(sql).bind(&id).fetch_all(&mut *reader).await?;
    let products = rows.into_iter().map(|row| {
        let product = row.into_product()?;
        let picture = product.picture.map(|photo| format!("/api/v1/channels/{id}/photos/{photo}/thumbnail"));
        Ok(Item {
            id: product.id,
            name: product.name,
            price: product.price,
            currency: product.currency,
            barcode: product.barcode,
            facts: product.facts,
            picture,
        })
    });
    let catalogue = Catalogue {
        products: products.collect::<Result<_>>()?,
        channel: channel.id,
        name: channel.name,
        currency: channel.settings.currency,
        revision: channel.revision,
    };
    Ok(([cache, tag], Json(catalogue)).into_response())
}
