//! Two models side by side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Model, find};
use crate::service::App;
use crate::service::database::Connection;
use crate::service::http::problem::Result;
use crate::service::storage::Storage;

/// Two models of a channel.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// The first.
    pub a: Model,
    /// The second.
    pub b: Model,
    /// How well each recognises each product that either knows, by the product's id.
    pub products: Vec<ProductPair>,
    /// The comparison of both on the same photos, which neither learnt from, where one of them was trained while the other
    /// was in force.
    #[schema(value_type = Option<Object>)]
    pub paired: Option<Value>,
    /// What devices tell of each: null where nothing was sent.
    pub field: FieldPair,
}

/// A product by two models.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductPair {
    /// The product's id.
    pub product: String,
    /// By the first model; null where it does not know the product or had no photo to measure with.
    pub a: Option<Recall>,
    /// By the second.
    pub b: Option<Recall>,
}

/// How many of a product's photos, that the model did not learn from, it names rightly.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Recall {
    /// Rightly named photos.
    pub hits: u64,
    /// Of so many.
    pub of: u64,
    /// Their share, 0–1.
    pub share: f64,
}

/// What devices tell of two models.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldPair {
    /// Of the first.
    pub a: Option<Field>,
    /// Of the second.
    pub b: Option<Field>,
}

/// What devices tell of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct Field {
    /// Answers that somebody confirmed.
    pub confirmed: i64,
    /// Answers that somebody corrected.
    pub corrected: i64,
    /// Confirmed ÷ both, 0–1.
    pub accuracy: f64,
}

/// The report of a model; none where it has none.
pub(super) fn report(app: &App, channel: &str, version: &str) -> Option<Value> {
    read(&app.storage, channel, version)
}

fn read(storage: &Storage, channel: &str, version: &str) -> Option<Value> {
    let path = storage.reports().join(channel).join(version).join("report.json");
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Compares two models.
///
/// # Errors
/// 404 where there is no such model.
pub async fn compare(on: &mut Connection, storage: &Storage, channel: &str, a: &str, b: &str) -> Result<Compared> {
    let (first, second) = (find(on, channel, a).await?, find(on, channel, b).await?);
    let recalls = |version: &str| read(storage, channel, version).map(|report| recalls(&report)).unwrap_or_default();
    let (of_a, of_b) = (recalls(a), recalls(b));
    let names: std::collections::BTreeSet<&String> = of_a.keys().chain(of_b.keys()).collect();
    let products = names.into_iter().map(|product| ProductPair {
        product: product.clone(),
        a: of_a.get(product).cloned().flatten(),
        b: of_b.get(product).cloned().flatten(),
    });
    let products = products.collect();
    let paired = |one: &Model, other: &Model| {
        let comparison = one.metrics.get("comparison")?;
        (comparison.get("version")?.as_str()? == other.version).then(|| comparison.clone())
    };
    let paired = paired(&second, &first).or_else(|| paired(&first, &second));
    let field = FieldPair { a: field(on, channel, a).await?, b: field(on, channel, b).await? };
    Ok(Compared { a: first, b: second, products, paired, field })
}

/// The products of a report.
fn recalls(report: &Value) -> BTreeMap<String, Option<Recall>> {
    let products = report.get("perProduct").and_then(Value::as_array);
    let of = |product: &Value| {
        let recall = product.get("recall").cloned().and_then(|recall| serde_json::from_value(recall).ok());
        Some((product.get("label")?.as_str()?.to_owned(), recall))
    };
    products.into_iter().flatten().filter_map(of).collect()
}

async fn field(on: &mut Connection, channel: &str, version: &str) -> Result<Option<Field>> {
    let sql = "SELECT coalesce(sum(confirmed), 0), coalesce(sum(corrected), 0) FROM feedback_by_day \
               WHERE channel_id = ? AND version = ?";
    let (confirmed, corrected): (i64, i64) = sqlx::query_as(sql).bind(channel).bind(version).fetch_one(on).await?;
    let all = confirmed + corrected;
    Ok((all > 0).then(|| Field { confirmed, corrected, accuracy: confirmed as f64 / all as f64 }))
}
