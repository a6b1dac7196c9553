//! Reading the audit log over HTTP.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Record, verify};
use crate::service::access::{Caller, Permission};
use crate::service::http::extract::{Json, Query};
use crate::service::http::page::{Page, Rows, limit};
use crate::service::http::problem::{ProblemDocument, Result};
use crate::service::{App, Millis};

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verified))
}

/// A record of the audit log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    seq: i64,
    /// Milliseconds since 1970-01-01 UTC.
    at: Millis,
    /// The id of a key or link, or `service`.
    actor: String,
    role: String,
    /// What was done, such as `product.create`.
    action: String,
    /// To what.
    resource: String,
    /// The hashed network address; empty where the service itself acted.
    address: String,
    #[schema(value_type = Object)]
    details: serde_json::Value,
    /// The hash over the record and the hash before, in hex.
    hash: String,
}

impl From<Record> for AuditRecord {
    fn from(record: Record) -> Self {
        let Record { seq, at, actor, role, action, resource, address, details, hash, .. } = record;
        let details = serde_json::from_str(&details).unwrap_or_default();
        AuditRecord { seq, at, actor, role, action, resource, address, details, hash }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// At most so many records, 1 to 500; 50 where it is left out.
    limit: Option<u32>,
    /// Only records before this sequence number: `next` of the page before.
    after: Option<i64>,
    /// Only this action.
    action: Option<String>,
    /// Only what this key or link did.
    actor: Option<String>,
}

/// The audit log, newest first.
#[utoipa::path(
    get, path = "/audit", tag = "audit", params(Which),
    responses((status = 200, body = Page<AuditRecord>), (status = "4XX", body = ProblemDocument))
)]
async fn list(State(app): State<App>, caller: Caller, Query(which): Query<Which>) -> Result<Json<Page<AuditRecord>>> {
    caller.require_everywhere(Permission::Audit)?;
    let limit = limit(which.limit)?;
    let sql = "SELECT * FROM audit WHERE (?1 IS NULL OR seq < ?1) AND (?2 IS NULL OR action = ?2) \
               AND (?3 IS NULL OR actor = ?3) ORDER BY seq DESC LIMIT ?4";
    let records: Vec<Record> = sqlx::query_as(sql)
        .bind(which.after)
        .bind(which.action)
        .bind(which.actor)
        .bind(limit + 1)
        .fetch_all(app.database.read())
        .await?;
    Ok(Json(Rows::of(records, limit, |record| record.seq.to_string()).map(AuditRecord::from)))
}

/// Whether the chain of the log is whole.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Verified {
    whole: bool,
    /// Records that were read; where the chain is broken, null.
    records: Option<u64>,
    /// The first record whose link does not hold.
    broken: Option<i64>,
    /// What is wrong with it.
    why: Option<String>,
}

/// Verifies the chain of the audit log from the oldest record that is left.
#[utoipa::path(
    get, path = "/audit/verification", tag = "audit",
    responses((status = 200, body = Verified), (status = "4XX", body = ProblemDocument))
)]
async fn verified(State(app): State<App>, caller: Caller) -> Result<Json<Verified>> {
    caller.require_everywhere(Permission::Audit)?;
    let mut reader = app.database.read().acquire().await?;
    Ok(Json(match verify::verify(&mut reader, &app.storage).await? {
        verify::Verdict::Whole { records, .. } => {
            Verified { whole: true, records: Some(records), broken: None, why: None }
        }
        verify::Verdict::Broken { seq, why } => {
            Verified { whole: false, records: None, broken: Some(seq), why: Some(why) }
        }
    }))
}
