//! Sales that tills send: each is stored once, however often it is sent.

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{Caller, Permission};
use super::database::from_row;
use super::http::extract::{Json, Path, Query};
use super::http::page::{Page, Rows, limit};
use super::http::problem::{Problem, ProblemDocument, Result};
use super::http::text::defused;
use super::{App, Millis, audit, channels, ids};

/// The most lines of a sale.
const MAX_LINES: usize = 1000;
/// The longest idempotency key.
const MAX_KEY: usize = 200;

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(export))
}

/// A finished sale. Amounts are in the currency's main unit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Sale {
    /// The number for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// The channel; that of the URL where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    /// The release that recognised the products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// When it was finished, ISO 8601 with its offset from UTC.
    #[schema(format = DateTime)]
    at: String,
    /// Three capital letters (ISO 4217).
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    lines: Vec<Line>,
    total: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment: Option<Payment>,
}

/// A line of a sale.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Line {
    /// The product; null for one that was sold by hand.
    #[serde(default)]
    label: Option<String>,
    name: String,
    quantity: f64,
    price: f64,
    total: f64,
}

/// How a sale was paid.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Payment {
    /// `cash`, `card`, `mobile` or `other`.
    method: String,
    given: f64,
    change: f64,
}

/// A sale as it is stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StoredSale {
    id: String,
    /// Milliseconds since 1970-01-01 UTC.
    received_at: Millis,
    /// The key of the device.
    received_from: String,
    sale: Sale,
}

struct Row {
    place: i64,
    id: String,
    request_hash: String,
    document: String,
    received_at: Millis,
    received_from: String,
}
from_row!(Row { place, id, request_hash, document, received_at, received_from });

impl Row {
    fn into_stored(self) -> Result<StoredSale> {
        let Row { id, document, received_at, received_from, .. } = self;
        Ok(StoredSale { id, received_at, received_from, sale: serde_json::from_str(&document)? })
    }
}

/// Stores a sale. Sent again with the same Idempotency-Key it is not stored twice, and the answer is the same with 200.
#[utoipa::path(
    post, path = "/channels/{channel}/sales", tag = "sales", request_body = Sale,
    params(
        ("channel" = String, Path, description = "The channel's id"),
        ("Idempotency-Key" = String, Header, description = "Names the sale: 1 to 200 characters that no other sale has")
    ),
    responses(
        (status = 201, body = StoredSale), (status = 200, body = StoredSale), (status = "4XX", body = ProblemDocument)
    )
)]
async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    headers: HeaderMap,
    Json(sale): Json<Sale>,
) -> Result<(StatusCode, Json<StoredSale>)> {
    caller.require(Permission::Report)?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::trim).unwrap_or_default();
    if !(1..=MAX_KEY).contains(&key.len()) {
        return Err(Problem::field("Idempotency-Key", "send a header of 1 to 200 characters that names this sale"));
    }
    let sold_at = checked(&channel, &sale)?;
    let document = serde_json::to_string(&sale)?;
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&document));
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Report, &channel).await?;
    let sql = "SELECT rowid AS place, * FROM sales WHERE channel_id = ? AND idempotency_key = ?";
    let stored: Option<Row> = sqlx::query_as(sql).bind(&channel).bind(key).fetch_optional(&mut *write).await?;
    if let Some(stored) = stored {
        if stored.request_hash != hash {
            let detail = "The Idempotency-Key names another sale. Give each sale a key of its own.";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail));
        }
        return Ok((StatusCode::OK, Json(stored.into_stored()?)));
    }
    let (id, now) = (ids::new("sale"), app.now());
    let sql = "INSERT INTO sales (id, channel_id, idempotency_key, request_hash, sold_at, number, document, total, \
               currency, received_at, received_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(&id)
        .bind(&channel)
        .bind(key)
        .bind(hash)
        .bind(sold_at)
        .bind(&sale.number)
        .bind(document)
        .bind(sale.total.to_string())
        .bind(&sale.currency)
        .bind(now)
        .bind(&caller.id)
        .execute(&mut *write)
        .await?;
    let details = serde_json::json!({ "number": sale.number, "total": sale.total, "currency": sale.currency });
    audit::record(&mut write, &app, &caller, "sale.add", &format!("{channel}/{id}"), details).await?;
    write.commit().await?;
    Ok((StatusCode::CREATED, Json(StoredSale { id, received_at: now, received_from: caller.id, sale })))
}

/// Refuses what cannot be a sale; tells when it was finished.
fn checked(channel: &str, sale: &Sale) -> Result<Millis> {
    if sale.channel.as_ref().is_some_and(|named| named != channel) {
        return Err(Problem::field("channel", "it is another channel than that of the URL"));
    }
    channels::check_currency("currency", &sale.currency)?;
    if !(1..=MAX_LINES).contains(&sale.lines.len()) {
        return Err(Problem::field("lines", format!("a sale has 1 to {MAX_LINES} lines")));
    }
    let numbers = sale.lines.iter().flat_map(|line| [line.quantity, line.price, line.total]).chain([sale.total]);
    if numbers.into_iter().any(|number| !number.is_finite() || number.abs() > 1e12) {
        return Err(Problem::invalid("An amount is too large."));
    }
    let at: jiff::Timestamp = sale
        .at
        .parse()
        .map_err(|_| Problem::field("at", "give the time as ISO 8601 with its offset, as 2026-11-30T08:15:00Z"))?;
    Ok(at.as_millisecond())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// At most so many sales, 1 to 500; 50 where it is left out.
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<i64>,
    /// Only sales finished at or after this time, in milliseconds since 1970-01-01 UTC.
    from: Option<Millis>,
    /// Only sales finished before this time, in milliseconds.
    to: Option<Millis>,
}

const LIST: &str = "SELECT rowid AS place, * FROM sales WHERE channel_id = ?1 AND (?2 IS NULL OR rowid < ?2) \
                    AND (?3 IS NULL OR sold_at >= ?3) AND (?4 IS NULL OR sold_at < ?4) ORDER BY rowid DESC LIMIT ?5";

/// The sales of a channel, newest first.
#[utoipa::path(
    get, path = "/channels/{channel}/sales", tag = "sales",
    params(("channel" = String, Path, description = "The channel's id"), Which),
    responses((status = 200, body = Page<StoredSale>), (status = "4XX", body = ProblemDocument))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Page<StoredSale>>> {
    let limit = limit(which.limit)?;
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let rows: Vec<Row> = sqlx::query_as(LIST)
        .bind(&channel)
        .bind(which.after)
        .bind(which.from)
        .bind(which.to)
        .bind(limit + 1)
        .fetch_all(&mut *reader)
        .await?;
    Ok(Json(Rows::of(rows, limit, |row| row.place.to_string()).try_map(Row::into_stored)?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Span {
    /// Only sales finished at or after this time, in milliseconds since 1970-01-01 UTC.
    from: Option<Millis>,
    /// Only sales finished before this time, in milliseconds.
    to: Option<Millis>,
}

/// The sales of a channel as CSV, a row per line of a sale, oldest first.
#[utoipa::path(
    get, path = "/channels/{channel}/sales.export", tag = "sales",
    params(("channel" = String, Path, description = "The channel's id"), Span),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "4XX", body = ProblemDocument))
)]
async fn export(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(span): Query<Span>,
) -> Result<Response> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let sql = "SELECT rowid AS place, * FROM sales WHERE channel_id = ?1 AND (?2 IS NULL OR sold_at >= ?2) \
               AND (?3 IS NULL OR sold_at < ?3) ORDER BY sold_at, rowid";
    let rows: Vec<Row> =
        sqlx::query_as(sql).bind(&channel).bind(span.from).bind(span.to).fetch_all(&mut *reader).await?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns =
        ["sale", "number", "at", "currency", "label", "name", "quantity", "price", "total", "payment", "device"];
    csv.write_record(columns).map_err(Problem::internal)?;
    for row in rows {
        let StoredSale { id, received_from, sale, .. } = row.into_stored()?;
        let (number, payment) = (sale.number.unwrap_or_default(), sale.payment.map(|p| p.method).unwrap_or_default());
        for line in sale.lines {
            let numbers = [line.quantity, line.price, line.total].map(|number| number.to_string());
            let [quantity, price, total] = &numbers;
            let label = line.label.unwrap_or_default();
            let texts = [&id, &number, &sale.at, &sale.currency, &label, &line.name].map(|text| defused(text));
            let cells = texts.iter().chain([quantity, price, total, &payment, &received_from]);
            csv.write_record(cells).map_err(Problem::internal)?;
        }
    }
    let file = format!("attachment; filename=\"{channel}-sales.csv\"");
    let body = csv.into_inner().map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, file)], body).into_response())
}
