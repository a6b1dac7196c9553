//! A second person's look at labels: some of the new ones are drawn, and how far two people agree is told.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Photo, Row, row};
use crate::service::access::{Caller, Permission};
use crate::service::events::Event;
use crate::service::http::extract::{Json, Path};
use crate::service::http::problem::{Problem, ProblemDocument, Result};
use crate::service::{App, audit, products};

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(waiting)).routes(routes!(confirm)).routes(routes!(agreement))
}

/// Photos whose label waits for a second person: at most 50 that the caller did not add, oldest first.
#[utoipa::path(
    get, path = "/channels/{channel}/confirmations", tag = "photos",
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = Vec<Photo>), (status = "4XX", body = ProblemDocument))
)]
async fn waiting(State(app): State<App>, caller: Caller, Path(channel): Path<String>) -> Result<Json<Vec<Photo>>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let sql = "SELECT * FROM photos WHERE channel_id = ? AND confirm_asked = 1 AND confirmed_at IS NULL \
               AND added_by != ? ORDER BY rowid LIMIT 50";
    let rows: Vec<Row> = sqlx::query_as(sql).bind(&channel).bind(&caller.id).fetch_all(&mut *reader).await?;
    Ok(Json(rows.into_iter().map(Row::into_photo).collect::<Result<_>>()?))
}

/// What the second person says.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Confirmation {
    /// The product that the photo shows.
    product: String,
}

/// Says what a photo shows, as a second person. Where that is another product than the label, the label is disputed.
#[utoipa::path(
    post, path = "/channels/{channel}/photos/{photo}/confirmation", tag = "photos", request_body = Confirmation,
    params(("channel" = String, Path, description = "The channel's id"), ("photo" = String, Path, description = "The photo's id")),
    responses((status = 200, body = Photo), (status = "4XX", body = ProblemDocument))
)]
async fn confirm(
    State(app): State<App>,
    caller: Caller,
    Path((channel, id)): Path<(String, String)>,
    Json(request): Json<Confirmation>,
) -> Result<Json<Photo>> {
    let mut write = app.database.write().await?;
    caller.channel(&mut write, Permission::Edit, &channel).await?.require_active()?;
    let photo = row(&mut write, &channel, &id).await?;
    if photo.added_by == caller.id {
        return Err(Problem::forbidden("A second person must confirm the label: you added the photo yourself."));
    }
    products::find(&mut write, &channel, &request.product).await?;
    let differs = request.product != photo.product_id;
    let sql = "UPDATE photos SET confirmed_as = ?, confirmed_of = product_id, confirmed_by = ?, confirmed_at = ? \
               WHERE channel_id = ? AND id = ?";
    sqlx::query(sql)
        .bind(&request.product)
        .bind(&caller.id)
        .bind(app.now())
        .bind(&channel)
        .bind(&id)
        .execute(&mut *write)
        .await?;
    if differs {
        let sql = "UPDATE photos SET disputed_at = ?, dispute = ? WHERE channel_id = ? AND id = ?";
        let why = format!("A second person says that it is {}", request.product);
        sqlx::query(sql).bind(app.now()).bind(why).bind(&channel).bind(&id).execute(&mut *write).await?;
    }
    let details = serde_json::json!({ "as": request.product, "of": photo.product_id });
    audit::record(&mut write, &app, &caller, "photo.confirm", &format!("{channel}/{id}"), details).await?;
    let photo = row(&mut write, &channel, &id).await?.into_photo()?;
    write.commit().await?;
    if differs {
        app.events.send(Event::Photos { channel });
    }
    Ok(Json(photo))
}

/// How far the two people who label agree.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Agreement {
    /// Photos whose label waits for a second person.
    waiting: i64,
    /// Photos that a second person has looked at.
    confirmed: u64,
    /// Those of which both said the same.
    agreeing: u64,
    /// Cohen's κ: 1 for full agreement, 0 for what chance alone would give; null where it is not defined.
    kappa: Option<f64>,
}

/// How far two people agree on labels, as Cohen's κ.
#[utoipa::path(
    get, path = "/channels/{channel}/agreement", tag = "photos",
    params(("channel" = String, Path, description = "The channel's id")),
    responses((status = 200, body = Agreement), (status = "4XX", body = ProblemDocument))
)]
async fn agreement(State(app): State<App>, caller: Caller, Path(channel): Path<String>) -> Result<Json<Agreement>> {
    let mut reader = app.database.read().acquire().await?;
    caller.channel(&mut reader, Permission::Read, &channel).await?;
    let sql = "SELECT count(*) FROM photos WHERE channel_id = ? AND confirm_asked = 1 AND confirmed_at IS NULL";
    let waiting = sqlx::query_scalar(sql).bind(&channel).fetch_one(&mut *reader).await?;
    let sql = "SELECT confirmed_of, confirmed_as FROM photos WHERE channel_id = ? AND confirmed_at IS NOT NULL";
    let pairs: Vec<(String, String)> = sqlx::query_as(sql).bind(&channel).fetch_all(&mut *reader).await?;
    let agreeing = pairs.iter().filter(|(first, second)| first == second).count() as u64;
    Ok(Json(Agreement { waiting, confirmed: pairs.len() as u64, agreeing, kappa: kappa(&pairs) }))
}

/// Cohen's κ of pairs of labels (J. Cohen, "A coefficient of agreement for nominal scales", 1960). None without pairs,
/// and where both gave one label to all.
fn kappa(pairs: &[(String, String)]) -> Option<f64> {
    let all = pairs.len() as f64;
    let observed = pairs.iter().filter(|(first, second)| first == second).count() as f64 / all;
    let mut counts: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    for (first, second) in pairs {
        counts.entry(first).or_default()[0] += 1.0;
        counts.entry(second).or_default()[1] += 1.0;
    }
    let by_chance: f64 = counts.values().map(|[first, second]| first * second / (all * all)).sum();
    let kappa = (observed - by_chance) / (1.0 - by_chance);
    kappa.is_finite().then_some(kappa)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kappa_of_the_textbook() {
        // Two readers of 50 proposals: both yes 20, only the first 5, only the second 10, both no 15.
        let pair = |first: &str, second: &str| (first.to_owned(), second.to_owned());
        let mut pairs = vec![pair("yes", "yes"); 20];
        pairs.extend(vec![pair("yes", "no"); 5]);
        pairs.extend(vec![pair("no", "yes"); 10]);
        pairs.extend(vec![pair("no", "no"); 15]);
        assert!((kappa(&pairs).unwrap() - 0.4).abs() < 1e-9);
        assert_eq!(kappa(&[]), None);
        assert_eq!(kappa(&vec![pair("yes", "yes"); 3]), None);
    }
}
