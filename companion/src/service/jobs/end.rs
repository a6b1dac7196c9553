//! The end of a job: what came of it is recorded in one transaction, whatever ended it.

use serde_json::{Value, json};

use super::queue::{self, tell};
use super::work::Work;
use super::{JobError, JobState, Row};
use crate::service::access::Caller;
use crate::service::database::Connection;
use crate::service::events::Event;
use crate::service::http::problem::Result;
use crate::service::{App, audit, models};
use crate::worker::{Failure, Trained, Update};

/// How a job ended.
pub enum End {
    /// Its process did it, with this result.
    Done(Value),
    /// Its process, or the service, died after this version was published.
    Published(String),
    /// There was nothing to do: nothing has changed since this version was trained.
    Unchanged(String),
    /// It failed, and is not tried again.
    Failed(Failure),
    /// It was cancelled.
    Cancelled,
}

/// Records the end of a job, and removes what it worked on.
///
/// # Errors
/// Where database or models folder cannot be used. The job then stays as it is, and is picked up again.
pub async fn end(app: &App, row: &Row, ended: End) -> Result<()> {
    let made = match &ended {
        End::Done(value) => made_by(row, value)?,
        End::Published(version) => Some(models::made(app, channel(row), version).await?),
        End::Unchanged(_) | End::Failed(_) | End::Cancelled => None,
    };
    let listing = match &made {
        Some(made) => {
            keep_examples(app, row, &made.version)?;
            models::listing(app, channel(row)).await?
        }
        None => None,
    };

    let mut write = app.database.write().await?;
    if let (Some(made), Some(listing)) = (&made, &listing) {
        models::record(&mut write, app, row_of_model(row, made)).await?;
        models::reconcile(&mut write, channel(row), listing).await?;
        let action = if made.share.is_some() { "model.candidate" } else { "model.publish" };
        let details =
            json!({ "version": made.version, "job": row.id, "askedBy": row.asked_by, "verdict": made.verdict });
        audit::record(&mut write, app, &Caller::service(), action, channel(row), details).await?;
    }
    store(&mut write, app, row, &ended, made.as_ref()).await?;
    write.commit().await?;

    if let Some(channel) = &row.channel_id {
        // What is left over is removed with the channel at the latest.
        let _ = std::fs::remove_file(app.storage.examples(channel, &row.id));
        let _ = std::fs::remove_dir_all(app.storage.run(channel, &row.id));
    }
    if let (Some(made), Some(channel)) = (made, &row.channel_id) {
        app.metrics.training_seconds.observe(made.seconds);
        app.events.send(Event::Model { channel: channel.clone() });
    }
    tell(app, &row.id);
    Ok(())
}

fn channel(row: &Row) -> &str {
    row.channel_id.as_deref().unwrap_or_default()
}

/// The release that a process says it made.
fn made_by(row: &Row, value: &Value) -> Result<Option<Trained>> {
    let publishes = matches!(serde_json::from_str(&row.parameters)?, Work::Train { .. } | Work::Import { .. });
    Ok(if publishes { Some(serde_json::from_value(value.clone())?) } else { None })
}

fn row_of_model<'a>(row: &'a Row, made: &'a Trained) -> models::New<'a> {
    models::New {
        channel: channel(row),
        made,
        job: Some(&row.id),
        data_hash: row.data_hash.as_deref(),
        parameters: &row.parameters,
        asked_by: &row.asked_by,
    }
}

/// Keeps the list of photos that a version learnt from beside its report, so that an answer can be traced to them.
fn keep_examples(app: &App, row: &Row, version: &str) -> Result<()> {
    let from = app.storage.examples(channel(row), &row.id);
    if from.is_file() {
        let folder = app.storage.reports().join(channel(row)).join(version);
        std::fs::create_dir_all(&folder)?;
        std::fs::copy(&from, folder.join("photos.jsonl"))?;
    }
    Ok(())
}

async fn store(write: &mut Connection, app: &App, row: &Row, ended: &End, made: Option<&Trained>) -> Result<()> {
    let now = app.now();
    let (state, result, error) = match ended {
        End::Done(value) => (JobState::Done, Some(value.clone()), None),
        End::Published(_) => (JobState::Done, made.map(serde_json::to_value).transpose()?, None),
        End::Unchanged(version) => (JobState::Done, Some(json!({ "unchanged": true, "version": version })), None),
        End::Failed(failure) => (JobState::Failed, None, Some(JobError::from(failure.clone()))),
        End::Cancelled => (JobState::Cancelled, None, None),
    };
    let update = match ended {
        End::Failed(failure) => last(row, failure.message.clone()),
        End::Cancelled => last(row, "the job was cancelled".into()),
        End::Unchanged(version) => Update::completed(Some(format!(
            "nothing has changed since {version} was trained, so it was not trained again"
        ))),
        End::Done(_) | End::Published(_) => Update::completed(made.map(told)),
    };
    let sql = "UPDATE jobs SET result = ?, error = ?, ended_at = ?, lease_until = NULL, worker = NULL, \
               percent = ?, stage = ? WHERE id = ?";
    sqlx::query(sql)
        .bind(result.map(|value| value.to_string()))
        .bind(error.as_ref().map(serde_json::to_string).transpose()?)
        .bind(now)
        .bind(i64::from(update.percent))
        .bind(super::stage_word(update.stage))
        .bind(&row.id)
        .execute(&mut *write)
        .await?;
    queue::note(write, now, &row.id, state, &update).await
}

/// A job that does not go on stays at the stage and the percentage that it came to.
fn last(row: &Row, message: String) -> Update {
    let stage = serde_json::from_value(Value::from(row.stage.as_str())).unwrap_or(crate::worker::Stage::Initializing);
    Update { stage, percent: u8::try_from(row.percent).unwrap_or(0), message: Some(message), ..Update::queued() }
}

/// What came of a training, for people.
fn told(made: &Trained) -> String {
    let verdict = made.verdict.as_ref().map(|verdict| format!(": {verdict}")).unwrap_or_default();
    match made.share {
        Some(_) => {
            format!("{} is kept as a candidate, which no device takes until it is promoted{verdict}", made.version)
        }
        None => format!("{} is in force{verdict}", made.version),
    }
}
