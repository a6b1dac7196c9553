//! The audit log: every change of state, in an order that nobody can rewrite unnoticed.
//!
//! Each record's hash covers the hash of the record before it. Records stand in segments of `retention.audit_segment`
//! records. When a segment is full it is sealed: its first and last hash stay in `audit_segments` for good, and as a file
//! in the data folder's `audit/`, which can be copied elsewhere. Retention drops the records of whole sealed segments
//! only, so that the chain can still be verified from the oldest segment that is left.

mod routes;
pub mod verify;

use std::net::IpAddr;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::access::Caller;
use super::database::{Connection, Database, from_row};
use super::http::problem::Result;
use super::{App, Millis, ids};
pub use routes::routes;

/// The hash before the first record.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Hashes network addresses with a salt of the data folder: the same address can be recognised, and not be told.
pub struct Addresses {
    salt: String,
}

impl Addresses {
    /// Reads the salt; makes it at the first time.
    ///
    /// # Errors
    /// Where the database cannot be used.
    pub async fn open(database: &Database) -> Result<Addresses, sqlx::Error> {
        let mut write = database.write().await?;
        let sql = "INSERT INTO meta (name, value) VALUES ('address-salt', ?) ON CONFLICT (name) DO NOTHING";
        sqlx::query(sql).bind(ids::secret()).execute(&mut *write).await?;
        let sql = "SELECT value FROM meta WHERE name = 'address-salt'";
        let salt = sqlx::query_scalar(sql).fetch_one(&mut *write).await?;
        write.commit().await?;
        Ok(Addresses { salt })
    }

    /// 64 bits of the salted hash, in hex.
    pub fn hash(&self, address: IpAddr) -> String {
        let digest = Sha256::new().chain_update(&self.salt).chain_update(address.to_string()).finalize();
        data_encoding::HEXLOWER.encode(&digest[..8])
    }
}

/// A record as it is hashed and stored.
#[derive(Debug, Clone)]
pub struct Record {
    /// Counts from 1.
    pub seq: i64,
    /// The segment that it stands in; counts from 1.
    pub segment: i64,
    /// When.
    pub at: Millis,
    /// The id of a key, link or `service`.
    pub actor: String,
    /// The actor's role.
    pub role: String,
    /// What was done, such as `key.create`.
    pub action: String,
    /// To what.
    pub resource: String,
    /// The hashed network address.
    pub address: String,
    /// More, as a JSON object.
    pub details: String,
    /// The hash over all this and the hash before.
    pub hash: String,
}
from_row!(Record { seq, segment, at, actor, role, action, resource, address, details, hash });

impl Record {
    /// The hash of the record after one with the hash `before`. Every field is preceded by its length, so that no two
    /// records read the same.
    pub fn chained(&self, before: &str) -> String {
        let (seq, segment, at) = (self.seq.to_string(), self.segment.to_string(), self.at.to_string());
        let fields = [
            before,
            &seq,
            &segment,
            &at,
            &self.actor,
            &self.role,
            &self.action,
            &self.resource,
            &self.address,
            &self.details,
        ];
        let mut digest = Sha256::new();
        for field in fields {
            digest.update((field.len() as u64).to_le_bytes());
            digest.update(field);
        }
        data_encoding::HEXLOWER.encode(&digest.finalize())
    }
}

/// Appends a record, in the transaction of the change that it tells of. SQLite has one writer at a time, so that the
/// chain never forks.
///
/// # Errors
/// Where the database cannot be written.
pub async fn record(
    write: &mut Connection,
    app: &App,
    caller: &Caller,
    action: &str,
    resource: &str,
    details: Value,
) -> Result<()> {
    let last: Option<Record> =
        sqlx::query_as("SELECT * FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(&mut *write).await?;
    let (seq, segment, before) = match &last {
        Some(last) => {
            let full = seal_if_full(write, app, last).await?;
            (last.seq + 1, last.segment + i64::from(full), last.hash.clone())
        }
        None => after_dropped(write).await?,
    };
    let mut record = Record {
        seq,
        segment,
        at: app.now(),
        actor: caller.id.clone(),
        role: caller.role.word().into(),
        action: action.into(),
        resource: resource.into(),
        address: caller.address.clone(),
        details: details.to_string(),
        hash: String::new(),
    };
    record.hash = record.chained(&before);
    let sql = "INSERT INTO audit (seq, segment, at, actor, role, action, resource, address, details, hash) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(record.seq)
        .bind(record.segment)
        .bind(record.at)
        .bind(record.actor)
        .bind(record.role)
        .bind(record.action)
        .bind(record.resource)
        .bind(record.address)
        .bind(record.details)
        .bind(record.hash)
        .execute(write)
        .await?;
    Ok(())
}

/// Where the chain goes on when retention has dropped every record that there was.
async fn after_dropped(write: &mut Connection) -> Result<(i64, i64, String)> {
    let sql = "SELECT last_seq, segment, head FROM audit_segments ORDER BY segment DESC LIMIT 1";
    let sealed: Option<(i64, i64, String)> = sqlx::query_as(sql).fetch_optional(write).await?;
    Ok(sealed.map_or((1, 1, START.into()), |(seq, segment, head)| (seq + 1, segment + 1, head)))
}

/// Seals the segment of the last record once it is full.
async fn seal_if_full(write: &mut Connection, app: &App, last: &Record) -> Result<bool> {
    let sql = "SELECT min(seq) FROM audit WHERE segment = ?";
    let first: i64 = sqlx::query_scalar(sql).bind(last.segment).fetch_one(&mut *write).await?;
    if (last.seq - first + 1) < i64::try_from(app.settings.retention.audit_segment).unwrap_or(i64::MAX) {
        return Ok(false);
    }
    let sql = "SELECT head FROM audit_segments WHERE segment = ?";
    let start: Option<String> = sqlx::query_scalar(sql).bind(last.segment - 1).fetch_optional(&mut *write).await?;
    let sql = "INSERT INTO audit_segments (segment, first_seq, last_seq, start, head, sealed_at) \
               VALUES (?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(last.segment)
        .bind(first)
        .bind(last.seq)
        .bind(start.unwrap_or_else(|| START.into()))
        .bind(&last.hash)
        .bind(app.now())
        .execute(write)
        .await?;
    Ok(true)
}

/// Writes the heads of sealed segments that are not yet in the data folder, one small file each.
///
/// # Errors
/// Where database or folder cannot be used.
pub async fn export_heads(app: &App) -> Result<()> {
    let sql = "SELECT segment, first_seq, last_seq, start, head, sealed_at FROM audit_segments ORDER BY segment";
    let rows: Vec<(i64, i64, i64, String, String, Millis)> = sqlx::query_as(sql).fetch_all(app.database.read()).await?;
    for (segment, first, last, start, head, sealed_at) in rows {
        let file = app.storage.audit().join(format!("{segment:08}.json"));
        if tokio::fs::try_exists(&file).await? {
            continue;
        }
        let text = serde_json::json!({
            "segment": segment, "firstSeq": first, "lastSeq": last, "start": start, "head": head, "sealedAt": sealed_at,
        });
        let app = app.clone();
        tokio::task::spawn_blocking(move || app.storage.put(&file, text.to_string().as_bytes())).await??;
    }
    Ok(())
}

/// Drops the records of sealed segments whose newest record is older than `oldest`. Their first and last hash stay.
///
/// # Errors
/// Where the database cannot be written.
pub async fn drop_older(app: &App, oldest: Millis) -> Result<u64> {
    let mut write = app.database.write().await?;
    // The last record always stays, so that the chain goes on from it.
    let sql = "SELECT s.segment FROM audit_segments s WHERE s.dropped = 0 \
               AND (SELECT max(at) FROM audit a WHERE a.segment = s.segment) < ? ORDER BY s.segment";
    let segments: Vec<i64> = sqlx::query_scalar(sql).bind(oldest).fetch_all(&mut *write).await?;
    for segment in &segments {
        sqlx::query("DELETE FROM audit WHERE segment = ?").bind(segment).execute(&mut *write).await?;
        sqlx::query("UPDATE audit_segments SET dropped = 1 WHERE segment = ?")
            .bind(segment)
            .execute(&mut *write)
            .await?;
    }
    if !segments.is_empty() {
        let details = serde_json::json!({ "segments": segments });
        record(&mut write, app, &Caller::service(), "audit.drop", "audit", details).await?;
    }
    write.commit().await?;
    Ok(segments.len() as u64)
}
