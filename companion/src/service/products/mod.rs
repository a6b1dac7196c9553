//! The products of a channel: what its model is to recognise and its till sells.

mod exchange;

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{Caller, Permission};
use super::database::{Connection, from_row};
use super::events::Event;
use super::http::extract::{Json, Path, Query};
use super::http::page::{Page, Rows, limit};
use super::http::problem::{Problem, ProblemDocument, Result};
use super::http::text;
use super::{App, Millis, audit, channels, ids};

/// The most products of a channel.
pub const MAX_PRODUCTS: i64 = 5000;
/// The most facts of a product.
const MAX_FACTS: usize = 32;
/// The longest text of a fact.
const MAX_FACT: usize = 500;

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, change, delete)).merge(exchange::routes())
}

/// A product.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The label that its photos are trained under and that answers name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Decimal text in the currency's main unit, as `1.20`; null where it has none.
    pub price: Option<String>,
    /// Three capital letters (ISO 4217); null for the channel's.
    pub currency: Option<String>,
    /// Its barcode's digits.
    pub barcode: Option<String>,
    /// Whatever else the shop knows of it: texts, numbers and switches.
    #[schema(value_type = Object)]
    pub facts: Facts,
    /// The photo that stands for it, by its id.
    pub picture: Option<String>,
    /// Its photos.
    pub photos: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub created_at: Millis,
    /// Milliseconds since 1970-01-01 UTC.
    pub updated_at: Millis,
    /// When it was archived: it is neither trained nor in the catalogue then.
    pub archived_at: Option<Millis>,
}

/// Facts by name.
pub type Facts = BTreeMap<String, serde_json::Value>;

pub(super) struct Row {
    id: String,
    name: String,
    price: Option<String>,
    currency: Option<String>,
    barcode: Option<String>,
    facts: String,
    picture: Option<String>,
    photos: i64,
    created_at: Millis,
    updated_at: Millis,
    archived_at: Option<Millis>,
}
from_row!(Row { id, name, price, currency, barcode, facts, picture, photos, created_at, updated_at, archived_at });

impl Row {
    pub(super) fn into_product(self) -> Result<Product> {
        let Row { id, name, price, currency, barcode, facts, picture, photos, created_at, updated_at, archived_at } =
            self;
        let facts = serde_json::from_str(&facts)?;
        Ok(Product { id, name, price, currency, barcode, facts, picture, photos, created_at, updated_at, archived_at })
    }
}

/// What products are read by; a condition follows.
pub(super) const SELECT: &str = "SELECT p.*, (SELECT count(*) FROM photos f WHERE f.channel_id = p.channel_id \
                                 AND f.product_id = p.id) AS photos FROM products p WHERE p.channel_id = ?1";

fn missing(id: &str) -> Problem {
    Problem::not_found(format_args!("product `{}`", jicho::names::shown(id)))
}

/// A product of a channel.
///
/// # Errors
/// 404.
pub async fn find(on: &mut Connection, channel: &str, id: &str) -> Result<Product> {
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} AND p.id = ?2"));
    let row: Option<Row> = sqlx::query_as(sql).bind(channel).bind(id).fetch_optional(on).await?;
    row.ok_or_else(|| missing(id))?.into_product()
}

/// What a product is to be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductRequest {
    /// The label that its photos are trained under; made of the name where it is left out. It cannot change later.
    #[serde(default)]
    pub id: Option<String>,
    /// What people call it, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Decimal text, as `1.20`, of at most 12 digits before the point and 4 behind it.
    #[serde(default)]
    #[schema(pattern = r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
    pub price: Option<String>,
    /// Three capital letters (ISO 4217); null for the channel's.
    #[serde(default)]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// 4 to 32 letters and digits.
    #[serde(default)]
    #[schema(pattern = "^[0-9A-Za-z-]{4,32}$")]
    pub barcode: Option<String>,
    /// Texts, numbers and switches by name.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub facts: Facts,
}

/// What of a product is stored as given.
struct Checked {
    name: String,
    price: Option<String>,
    currency: Option<String>,
    barcode: Option<String>,
    facts: String,
}

fn checked(request: &ProductRequest) -> Result<Checked> {
    let name = text::name("name", &request.name)?;
    if let Some(price) = &request.price {
        check_price("price", price)?;
    }
    if let Some(currency) = &request.currency {
        channels::check_currency("currency", currency)?;
    }
    if let Some(barcode) = &request.barcode {
        let fits = (4..=32).contains(&barcode.len())
            && barcode.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !fits {
            return Err(Problem::field("barcode", "give 4 to 32 letters, digits or hyphens"));
        }
    }
    check_facts(&request.facts)?;
    Ok(Checked {
        name,
        price: request.price.clone(),
        currency: request.currency.clone(),
        barcode: request.barcode.clone(),
        facts: serde_json::to_string(&request.facts)?,
    })
}

/// Refuses what is no price.
///
/// # Errors
/// 400.
pub fn check_price(field: &str, price: &str) -> Result<()> {
    let (whole, part) = price.split_once('.').map_or((price, None), |(whole, part)| (whole, Some(part)));
    let digits =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match digits(whole, 12) && part.is_none_or(|part| digits(part, 4)) {
        true => Ok(()),
        false => Err(Problem::field(field, "give decimal text without a sign, as 1.20")),
    }
}

fn check_facts(facts: &Facts) -> Result<()> {
    if facts.len() > MAX_FACTS {
        return Err(Problem::field("facts", format!("a product has at most {MAX_FACTS} facts")));
    }
    for (name, value) in facts {
        text::name("facts", name)?;
        let fits = match value {
            serde_json::Value::String(text) => text.chars().count() <= MAX_FACT,
            serde_json::Value::Number(_) | serde_json::Value::Bool(_) => true,
            _ => false,
        };
        if !fits {
            let detail = format!("give a text of at most {MAX_FACT} characters, a number, true or false");
            return Err(Problem::field(format!("facts.{name}"), detail));
        }
    }
    Ok(())
}

/// An id of the words of a name, which no other product of the channel has.
async fn new_id(write: &mut Connection, channel: &str, name: &str) -> Result<String> {
    let words = name.to_lowercase();
    let words: Vec<&str> = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let wanted: String = words.join("-").chars().take(60).collect();
    if jicho::names::label_problem(&wanted).is_none() && !is_taken(write, channel, &wanted).await? {
        return Ok(wanted);
    }
    Ok(ids::new("product"))
}

async fn is_taken(on: &mut Connection, channel: &str, id: &str) -> Result<bool> {
    let sql = "SELECT count(*) FROM products WHERE channel_id = ? AND id_folded = ?";
    let count: i64 = sqlx::query_scalar(sql).bind(channel).bind(id.to_lowercase()).fetch_one(on).await?;
    Ok(count > 0)
}

/// Stores a new product and gives its id.
///
/// # Errors
/// 400 for what cannot be; 409 where the channel has one of that id, or as many as it may have.
pub async fn insert(write: &mut Connection, app: &App, channel: &str, request: &ProductRequest) -> Result<String> {
    let product = checked(request)?;
    let id = match &request.id {
        Some(id) => text::label("id", id)?,
        None => new_id(write, channel, &product.name).await?,
    };
    if is_taken(write, channel, &id).await? {
        return Err(Problem::conflict(format!("There is a product `{id}` already, perhaps in another case.")));
    }
    let sql = "SELECT count(*) FROM products WHERE channel_id = ?";
    let count: i64 = sqlx::query_scalar(sql).bind(channel).fetch_one(&mut *write).await?;
    if count >= MAX_PRODUCTS {
        return Err(Problem::conflict(format!("A channel has at most {MAX_PRODUCTS} products.")));
    }
    let sql = "INSERT INTO products (channel_id, id, id_folded, name, price, currency, barcode, facts, created_at, \
               updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(channel)
        .bind(&id)
        .bind(id.to_lowercase())
        .bind(product.name)
        .bind(product.price)
        .bind(product.currency)
        .bind(product.barcode)
        .bind(product.facts)
        .bind(app.now())
        .bind(app.now())
        .execute(&mut *write)
        .await?;
    channels::touch(write, channel).await?;
    Ok(id)
}

/// Replaces what is known of a product.
async fn update(write: &mut Connection, app: &App, channel: &str, id: &str, request: &ProductRequest) -> Result<()> {
    let product = checked(request)?;
    let sql = "UPDATE products SET name = ?, price = ?, currency = ?, barcode = ?, facts = ?, updated_at = ? \
               WHERE channel_id = ? AND id = ?";
    sqlx::query(sql)
        .bind(product.name)
        .bind(product.price)
        .bind(product.currency)
        .bind(product.barcode)
        .bind(product.facts)
        .bind(app.now())
        .bind(channel)
        .bind(id)
        .execute(&mut *write)
        .await?;
    channels::touch(write, channel).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// At most so many products, 1 to 500; 50 where it is left out.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
    /// Only products whose name, id or barcode holds this text.
    search: Option<String>,
    /// Whether archived products are listed, too.
    #[serde(default)]
    archived: bool,
}

/// The products of a channel, by id.
#[utoipa::path(
    get, path = "/channels/{channel}/products", tag = "products",
    params(("channel" = String, Path, description = "The channel's id"), Which),
    responses((status = 200, body = Page<Product>), (status = "4XX", body = ProblemDocument))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Page<Product>>> {
    let limit = limit(which.limit)?;
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let sql = format!(
        "{SELECT} AND p.id > ?2 AND (?3 OR p.archived_at IS NULL) AND (?4 IS NULL OR instr(lower(p.name), ?4) \
         OR instr(p.id_folded, ?4) OR instr(lower(p.barcode), ?4)) ORDER BY p.id LIMIT ?5"
    );
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(&channel)
        .bind(which.after.unwrap_or_default())
        .bind(which.archived)
        .bind(which.search.map(|text| text.to_lowercase()))
        .bind(limit + 1)
        .fetch_all(&mut *reader)
        .await?;
    Ok(Json(Rows::of(rows, limit, |row: &Row| row.id.clone()).try_map(Row::into_product)?))
}

/// Makes a product.
#[utoipa::path(
    post, path = "/channels/{channel}/products", tag = "products", request_body = ProductRequest,
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 201, body = Product), (status = "4XX", body = ProblemDocument))
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Json(request): Json<ProductRequest>,
) -> Result<(StatusCode, Json<Product>)> {
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Edit, &channel).await?.require_active()?;
    let id = insert(&mut write, &app, &channel, &request).await?;
    let resource = format!("{channel}/{id}");
    audit::record(&mut write, &app, &caller, "product.create", &resource, serde_json::to_value(&request)?).await?;
    let product = find(&mut write, &channel, &id).await?;
    write.commit().await?;
    app.events.send(Event::Products { channel });
    Ok((StatusCode::CREATED, Json(product)))
}

/// A product.
#[utoipa::path(
    get, path = "/channels/{channel}/products/{product}", tag = "products",
    params(("channel" = String, Path, description = "The channel's id"), ("product" = String, Path, description = "The product's id")),
    responses((status = 200, body = Product), (status = "4XX", body = ProblemDocument))
)]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((channel, id)): Path<(String, String)>,
) -> Result<Json<Product>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    Ok(Json(find(&mut reader, &channel, &id).await?))
}

/// What is to change of a product. What is left out stays; null empties what can be empty.
#[expect(clippy::option_option, reason = "a field that was left out is told from one that is null")]
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProductChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    price: Option<Option<String>>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    currency: Option<Option<String>>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    barcode: Option<Option<String>>,
    /// Replaces all facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    facts: Option<Facts>,
    /// The photo that stands for the product: the id of one of its photos.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    picture: Option<Option<String>>,
    /// Puts the product into the archive or takes it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
}

/// Tells a null from a field that was left out.
#[expect(clippy::option_option, reason = "as above")]
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(from).map(Some)
}

/// Changes a product, archives it or takes it out of the archive.
#[utoipa::path(
    patch, path = "/channels/{channel}/products/{product}", tag = "products", request_body = ProductChange,
    params(("channel" = String, Path, description = "The channel's id"), ("product" = String, Path, description = "The product's id")),
    responses((status = 200, body = Product), (status = "4XX", body = ProblemDocument))
)]
async fn change(
    State(app): State<App>,
    caller: Caller,
    Path((channel, id)): Path<(String, String)>,
    Json(request): Json<ProductChange>,
) -> Result<Json<Product>> {
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Edit, &channel).await?.require_active()?;
    let details = serde_json::to_value(&request)?;
    let now = find(&mut write, &channel, &id).await?;
    let changed = ProductRequest {
        id: None,
        name: request.name.unwrap_or(now.name),
        price: request.price.unwrap_or(now.price),
        currency: request.currency.unwrap_or(now.currency),
        barcode: request.barcode.unwrap_or(now.barcode),
        facts: request.facts.unwrap_or(now.facts),
    };
    update(&mut write, &app, &channel, &id, &changed).await?;
    if let Some(picture) = request.picture {
        set_picture(&mut write, &channel, &id, picture.as_deref()).await?;
    }
    if let Some(archived) = request.archived {
        let at = archived.then(|| now.archived_at.unwrap_or_else(|| app.now()));
        let sql = "UPDATE products SET archived_at = ? WHERE channel_id = ? AND id = ?";
        sqlx::query(sql).bind(at).bind(&channel).bind(&id).execute(&mut *write).await?;
    }
    audit::record(&mut write, &app, &caller, "product.change", &format!("{channel}/{id}"), details).await?;
    let product = find(&mut write, &channel, &id).await?;
    write.commit().await?;
    app.events.send(Event::Products { channel });
    Ok(Json(product))
}

async fn set_picture(write: &mut Connection, channel: &str, id: &str, picture: Option<&str>) -> Result<()> {
    if let Some(picture) = picture {
        let sql = "SELECT count(*) FROM photos WHERE id = ? AND channel_id = ? AND product_id = ?";
        let count: i64 = sqlx::query_scalar(sql).bind(picture).bind(channel).bind(id).fetch_one(&mut *write).await?;
        if count == 0 {
            return Err(Problem::field("picture", "name a photo of this product by its id"));
        }
    }
    let sql = "UPDATE products SET picture = ? WHERE channel_id = ? AND id = ?";
    sqlx::query(sql).bind(picture).bind(channel).bind(id).execute(write).await?;
    Ok(())
}

/// Deletes a product without photos. One with photos is archived instead, or its photos are deleted first.
#[utoipa::path(
    delete, path = "/channels/{channel}/products/{product}", tag = "products",
    params(("channel" = String, Path, description = "The channel's id"), ("product" = String, Path, description = "The product's id")),
    responses((status = 204), (status = "4XX", body = ProblemDocument))
)]
async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((channel, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Edit, &channel).await?.require_active()?;
    let product = find(&mut write, &channel, &id).await?;
    if product.photos > 0 {
        let detail = format!("`{id}` has {} photos. Archive it, or delete its photos first.", product.photos);
        return Err(Problem::conflict(detail));
    }
    sqlx::query("DELETE FROM products WHERE channel_id = ? AND id = ?")
        .bind(&channel)
        .bind(&id)
        .execute(&mut *write)
        .await?;
    channels::touch(&mut write, &channel).await?;
    let resource = format!("{channel}/{id}");
    audit::record(&mut write, &app, &caller, "product.delete", &resource, serde_json::json!({})).await?;
    write.commit().await?;
    app.events.send(Event::Products { channel });
    Ok(StatusCode::NO_CONTENT)
}
