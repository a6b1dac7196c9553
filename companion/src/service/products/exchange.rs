//! Products as one file: imported and exported as JSON or CSV.
//!
//! A CSV has a header line with the columns `id`, `name`, `price`, `currency` and `barcode`, of which `name` must be
//! there. Every other column is a fact.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Product, ProductRequest, Row, SELECT, insert, is_taken, update};
use crate::service::access::{Caller, Permission};
use crate::service::database::Connection;
use crate::service::events::Event;
use crate::service::http::extract::{Json, Path, Query};
use crate::service::http::problem::{FieldError, Problem, ProblemDocument, Result};
use crate::service::http::text::defused;
use crate::service::{App, audit};

/// The columns that are no facts.
const COLUMNS: [&str; 5] = ["id", "name", "price", "currency", "barcode"];
/// So many mistakes are told at once.
const MAX_MISTAKES: usize = 20;

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export)).routes(routes!(import))
}

/// The form of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Form {
    #[default]
    Json,
    Csv,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// `json` or `csv`.
    #[serde(default)]
    #[param(inline)]
    format: Form,
}

/// All products of the channel that are not archived, as JSON or CSV.
#[utoipa::path(
    get, path = "/channels/{channel}/products.export", tag = "products",
    params(("channel" = String, Path, description = "The channel's id"), Which),
    responses(
        (status = 200, content((Vec<ProductRequest> = "application/json"), (String = "text/csv"))),
        (status = "4XX", body = ProblemDocument)
    )
)]
async fn export(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} AND p.archived_at IS NULL ORDER BY p.id"));
    let rows: Vec<Row> = sqlx::query_as(sql).bind(&channel).fetch_all(&mut *reader).await?;
    let products = rows.into_iter().map(Row::into_product).collect::<Result<Vec<_>>>()?;
    let requests: Vec<ProductRequest> = products.into_iter().map(request_of).collect();
    let (kind, body, ending) = match which.format {
        Form::Json => ("application/json", serde_json::to_vec_pretty(&requests)?, "json"),
        Form::Csv => ("text/csv; charset=utf-8", to_csv(&requests).map_err(Problem::internal)?, "csv"),
    };
    let file = format!("attachment; filename=\"{channel}-products.{ending}\"");
    Ok(([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, file)], body).into_response())
}

fn request_of(product: Product) -> ProductRequest {
    let Product { id, name, price, currency, barcode, facts, .. } = product;
    ProductRequest { id: Some(id), name, price, currency, barcode, facts }
}

fn to_csv(products: &[ProductRequest]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut facts: Vec<&String> = products.iter().flat_map(|product| product.facts.keys()).collect();
    facts.sort();
    facts.dedup();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.into_iter().chain(facts.iter().map(|name| name.as_str())))?;
    for product in products {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let own = [
            text(&product.id),
            product.name.clone(),
            text(&product.price),
            text(&product.currency),
            text(&product.barcode),
        ];
        let facts = facts.iter().map(|name| match product.facts.get(*name) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        });
        writer.write_record(own.into_iter().map(|cell| defused(&cell)).chain(facts.map(|cell| defused(&cell))))?;
    }
    Ok(writer.into_inner()?)
}

/// What an import did.
#[derive(Serialize, ToSchema)]
struct Imported {
    /// Products that were not there before.
    created: u64,
    /// Products that were there.
    changed: u64,
}

/// Makes and changes products by a file: JSON as the export gives it, or CSV with a header line. All of it or nothing.
#[utoipa::path(
    post, path = "/channels/{channel}/products.import", tag = "products",
    params(("channel" = String, Path, description = "The channel's id")),
    request_body(content((Vec<ProductRequest> = "application/json"), (String = "text/csv"))),
    responses((status = 200, body = Imported), (status = "4XX", body = ProblemDocument))
)]
async fn import(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Imported>> {
    caller.require(Permission::Edit)?;
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let products = if kind.starts_with("text/csv") {
        of_csv(&body)?
    } else if kind.starts_with("application/json") {
        serde_json::from_slice(&body).map_err(|error| Problem::invalid(error.to_string()))?
    } else {
        let detail = "Send JSON or CSV, with the header Content-Type: application/json or text/csv.";
        return Err(Problem::new(axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail));
    };
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Edit, &channel).await?.require_active()?;
    let (mut imported, mut mistakes) = (Imported { created: 0, changed: 0 }, Vec::new());
    for (index, product) in products.iter().enumerate() {
        match put(&mut write, &app, &channel, product).await {
            Ok(true) => imported.created += 1,
            Ok(false) => imported.changed += 1,
            Err(problem) if problem.status.is_server_error() => return Err(problem),
            Err(problem) => mistakes.push(FieldError { field: format!("[{index}]"), detail: problem.detail }),
        }
    }
    if !mistakes.is_empty() {
        let mut problem = Problem::invalid(format!("Nothing was imported: {} products cannot be.", mistakes.len()));
        mistakes.truncate(MAX_MISTAKES);
        problem.errors = mistakes;
        return Err(problem);
    }
    let details = serde_json::json!({ "created": imported.created, "changed": imported.changed });
    audit::record(&mut write, &app, &caller, "product.import", &channel, details).await?;
    write.commit().await?;
    app.events.send(Event::Products { channel });
    Ok(Json(imported))
}

/// Whether the product was new.
async fn put(write: &mut Connection, app: &App, channel: &str, product: &ProductRequest) -> Result<bool> {
    match &product.id {
        Some(id) if is_taken(write, channel, id).await? => {
            // The stored id: the same in another case would be another label.
            super::find(write, channel, id).await.map_err(|_| {
                Problem::conflict(format!("`{}` differs from a product's id by case alone", jicho::names::shown(id)))
            })?;
            update(write, app, channel, id, product).await.map(|()| false)
        }
        _ => insert(write, app, channel, product).await.map(|_| true),
    }
}

fn of_csv(bytes: &[u8]) -> Result<Vec<ProductRequest>> {
    let wrong = |error: csv::Error| Problem::invalid(format!("The CSV cannot be read: {error}"));
    // Spreadsheets begin a file with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let columns: Vec<String> = reader.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
    if !columns.iter().any(|column| column == "name") {
        return Err(Problem::invalid("The CSV has no column `name` in its first line."));
    }
    let mut products = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let mut product = ProductRequest::default();
        for (column, cell) in columns.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty()) {
            let cell = cell.strip_prefix('\'').filter(|rest| defused(rest) == *cell).unwrap_or(cell);
            let text = Some(cell.to_owned());
            match column.as_str() {
                "id" => product.id = text,
                "name" => product.name = cell.to_owned(),
                "price" => product.price = text,
                "currency" => product.currency = text,
                "barcode" => product.barcode = text,
                _ => {
                    product.facts.insert(column.clone(), fact(cell));
                }
            }
        }
        products.push(product);
    }
    Ok(products)
}

/// A cell as a number or a switch where it is written as one, else as text.
fn fact(cell: &str) -> serde_json::Value {
    match cell {
        "true" => true.into(),
        "false" => false.into(),
        _ => match cell.parse::<serde_json::Number>() {
            // Leading zeros and signs are part of codes, which are texts.
            Ok(number) if number.to_string() == cell => serde_json::Value::Number(number),
            _ => cell.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::Facts;
    use super::*;

    #[test]
    fn what_is_exported_as_csv_is_imported_as_it_was() {
        let facts: Facts = [
            ("size".to_owned(), serde_json::json!("=1+1")),
            ("organic".into(), true.into()),
            ("weight".into(), serde_json::json!(1.5)),
            ("code".into(), "007".into()),
        ]
        .into();
        let product = ProductRequest {
            id: Some("a,b".into()),
            name: "Apple \"red\"".into(),
            price: Some("1.20".into()),
            currency: None,
            barcode: Some("0071".into()),
            facts,
        };
        let plain = ProductRequest { name: "Pear".into(), id: Some("pear".into()), ..ProductRequest::default() };
        let csv = to_csv(&[product.clone(), plain.clone()]).unwrap();
        assert!(!String::from_utf8_lossy(&csv).contains(",=1+1"), "a spreadsheet would run it");
        assert_eq!(of_csv(&csv).unwrap(), [product, plain]);
    }

    #[test]
    fn a_csv_without_names_is_refused() {
        assert!(of_csv(b"id,price\na,1\n").is_err());
        assert!(of_csv(b"name\n\xff\xfe\n").is_err(), "it is no UTF-8");
    }
}
