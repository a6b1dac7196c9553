//! The queue: the table of jobs, and how jobs come in and change.

use serde_json::json;

use super::{Job, JobState, Row, Work, stage_word};
use crate::service::access::Caller;
use crate::service::database::Connection;
use crate::service::http::problem::{Problem, Result};
use crate::service::{App, Millis, audit, ids};
use crate::worker::Update;

/// The most jobs of a channel that may wait.
const MAX_WAITING: i64 = 50;
/// How long a running job is its worker's without a sign of life.
pub(super) const LEASE: Millis = 60_000;

/// A request for a job.
pub struct Request<'a> {
    /// The id of the job, unless the request is merged into another.
    pub id: String,
    /// The channel that it is for.
    pub channel: Option<&'a str>,
    /// What to do.
    pub work: Work,
}

/// Whether a request made a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// It did.
    New,
    /// A job that waits does it.
    Merged,
}

impl<'a> Request<'a> {
    /// A request with a new id.
    pub fn new(channel: Option<&'a str>, work: Work) -> Self {
        Request { id: ids::new("job"), channel, work }
    }
}

/// Queues a job, or merges the request into one that waits. The caller of this commits, and then calls [`tell`].
///
/// # Errors
/// 429 where too many jobs of the channel wait.
pub async fn enqueue(
    write: &mut Connection,
    app: &App,
    caller: &Caller,
    request: Request<'_>,
) -> Result<(Job, Queued)> {
    let Request { id, channel, work } = request;
    let key = work.merge_key(&id);
    let sql = "SELECT * FROM jobs WHERE coalesce(channel_id, '') = ? AND merge_key = ? AND state = 'queued' \
               AND cancel_requested = 0 ORDER BY attempts LIMIT 1";
    let waiting: Option<Row> =
        sqlx::query_as(sql).bind(channel.unwrap_or_default()).bind(&key).fetch_optional(&mut *write).await?;
    let now = app.now();
    let (id, queued) = match waiting {
        Some(row) => {
            let merged = work.merged(&serde_json::from_str(&row.parameters)?);
            // Whoever asks now does not want to wait for the time of another attempt.
            let sql = "UPDATE jobs SET parameters = ?, not_before = min(not_before, ?) WHERE id = ?";
            let parameters = serde_json::to_string(&merged)?;
            sqlx::query(sql).bind(parameters).bind(now).bind(&row.id).execute(&mut *write).await?;
            (row.id, Queued::Merged)
        }
        None => {
            let sql = "SELECT count(*) FROM jobs WHERE coalesce(channel_id, '') = ? AND state = 'queued'";
            let count: i64 = sqlx::query_scalar(sql).bind(channel.unwrap_or_default()).fetch_one(&mut *write).await?;
            if count >= MAX_WAITING {
                return Err(Problem::too_many(60));
            }
            let sql = "INSERT INTO jobs (id, kind, channel_id, state, parameters, merge_key, not_before, asked_by, created_at) \
                       VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?)";
            sqlx::query(sql)
                .bind(&id)
                .bind(work.kind())
                .bind(channel)
                .bind(serde_json::to_string(&work)?)
                .bind(key)
                .bind(now)
                .bind(&caller.id)
                .bind(now)
                .execute(&mut *write)
                .await?;
            note(write, now, &id, JobState::Queued, &Update::queued()).await?;
            (id, Queued::New)
        }
    };
    let resource = channel.map_or_else(|| id.clone(), |channel| format!("{channel}/{id}"));
    let details = json!({ "work": work, "merged": queued == Queued::Merged });
    audit::record(write, app, caller, "job.queue", &resource, details).await?;
    Ok((find(write, &id).await?.into_job()?, queued))
}

/// Tells workers and listeners of a job that was queued or changed.
pub fn tell(app: &App, id: &str) {
    app.events.send(crate::service::events::Event::Job { id: id.to_owned() });
    app.jobs.wake.notify_one();
}

/// A job.
///
/// # Errors
/// 404.
pub(super) async fn find(on: &mut Connection, id: &str) -> Result<Row> {
    let row: Option<Row> = sqlx::query_as("SELECT * FROM jobs WHERE id = ?").bind(id).fetch_optional(on).await?;
    row.ok_or_else(|| missing(id))
}

/// The refusal for a job that is not there, or not there for this caller.
pub(super) fn missing(id: &str) -> Problem {
    Problem::not_found(format_args!("job `{}`", jicho::names::shown(id)))
}

/// Notes what happened to a job: the last thing in the job itself, all of it in its events.
pub(super) async fn note(
    write: &mut Connection,
    now: Millis,
    id: &str,
    state: JobState,
    update: &Update,
) -> Result<()> {
    let sql = "INSERT INTO job_events (job_id, seq, at, state, stage, percent, message, bytes, total) SELECT ?1, \
               (SELECT coalesce(max(seq), 0) + 1 FROM job_events WHERE job_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8";
    let number = |value: Option<u64>| value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    sqlx::query(sql)
        .bind(id)
        .bind(now)
        .bind(state.word())
        .bind(stage_word(update.stage))
        .bind(i64::from(update.percent))
        .bind(&update.message)
        .bind(number(update.bytes))
        .bind(number(update.total_bytes))
        .execute(&mut *write)
        .await?;
    let sql = "UPDATE jobs SET state = ?, stage = ?, percent = ?, message = coalesce(?, message) WHERE id = ?";
    sqlx::query(sql)
        .bind(state.word())
        .bind(stage_word(update.stage))
        .bind(i64::from(update.percent))
        .bind(&update.message)
        .bind(id)
        .execute(write)
        .await?;
    Ok(())
}

/// Takes the job that has waited longest of those that may run now.
pub(super) async fn claim(app: &App, worker: &str) -> Result<Option<Row>> {
    let mut write = app.database.write().await?;
    let now = app.now();
    let sql = "SELECT id FROM jobs AS one WHERE state = 'queued' AND not_before <= ? AND NOT EXISTS \
               (SELECT 1 FROM jobs AS other WHERE other.channel_id = one.channel_id AND other.state = 'running') \
               ORDER BY created_at, rowid LIMIT 1";
    let id: Option<String> = sqlx::query_scalar(sql).bind(now).fetch_optional(&mut *write).await?;
    let Some(id) = id else { return Ok(None) };
    let sql = "UPDATE jobs SET attempts = attempts + 1, started_at = coalesce(started_at, ?1), lease_until = ?2, \
               worker = ?3, message = NULL WHERE id = ?4";
    sqlx::query(sql).bind(now).bind(now + LEASE).bind(worker).bind(&id).execute(&mut *write).await?;
    note(&mut write, now, &id, JobState::Running, &Update::queued()).await?;
    let row = find(&mut write, &id).await?;
    write.commit().await?;
    tell(app, &id);
    Ok(Some(row))
}

/// When the next job that waits for its time may run.
pub(super) async fn next_time(app: &App) -> Result<Option<Millis>> {
    let sql = "SELECT min(not_before) FROM jobs WHERE state = 'queued' AND not_before > ?";
    Ok(sqlx::query_scalar(sql).bind(app.now()).fetch_one(app.database.read()).await?)
}

/// Gives jobs back to the queue whose worker shows no sign of life; with `all`, every running one: for a service that
/// starts, whose data folder no other process uses.
pub(super) async fn reclaim(app: &App, all: bool) -> Result<()> {
    let mut write = app.database.write().await?;
    let now = app.now();
    let sql = "SELECT id FROM jobs WHERE state = 'running' AND (?1 OR lease_until < ?2)";
    let lost: Vec<String> = sqlx::query_scalar(sql).bind(all).bind(now).fetch_all(&mut *write).await?;
    for id in &lost {
        // An attempt that was interrupted is none that failed; it stays above zero, so that no other job waits in its place.
        let sql = "UPDATE jobs SET not_before = ?, lease_until = NULL, worker = NULL, attempts = max(attempts - 1, 1) WHERE id = ?";
        sqlx::query(sql).bind(now).bind(id).execute(&mut *write).await?;
        let update =
            Update { message: Some("the service ended; the job is picked up again".into()), ..Update::queued() };
        note(&mut write, now, id, JobState::Queued, &update).await?;
    }
    write.commit().await?;
    lost.iter().for_each(|id| tell(app, id));
    Ok(())
}

/// Gives a running job another time. `wait` is in milliseconds.
pub(super) async fn retry(app: &App, id: &str, wait: Millis, message: String) -> Result<()> {
    let mut write = app.database.write().await?;
    let now = app.now();
    let sql = "UPDATE jobs SET not_before = ?, lease_until = NULL, worker = NULL WHERE id = ?";
    sqlx::query(sql).bind(now + wait).bind(id).execute(&mut *write).await?;
    note(&mut write, now, id, JobState::Queued, &Update { message: Some(message), ..Update::queued() }).await?;
    write.commit().await?;
    tell(app, id);
    Ok(())
}

/// Notes a sign of life of a running job, and tells whether somebody wants it cancelled.
pub(super) async fn renew(app: &App, id: &str) -> Result<bool> {
    let sql = "SELECT cancel_requested FROM jobs WHERE id = ?";
    let asked: Option<i64> = sqlx::query_scalar(sql).bind(id).fetch_optional(app.database.read()).await?;
    let mut write = app.database.write().await?;
    let sql = "UPDATE jobs SET lease_until = ? WHERE id = ?";
    sqlx::query(sql).bind(app.now() + LEASE).bind(id).execute(&mut *write).await?;
    write.commit().await?;
    Ok(asked.is_none_or(|asked| asked != 0))
}

/// Whether somebody wants a job cancelled.
pub(super) async fn is_cancelled(app: &App, id: &str) -> Result<bool> {
    let sql = "SELECT cancel_requested FROM jobs WHERE id = ?";
    let asked: Option<i64> = sqlx::query_scalar(sql).bind(id).fetch_optional(app.database.read()).await?;
    Ok(asked.is_none_or(|asked| asked != 0))
}
