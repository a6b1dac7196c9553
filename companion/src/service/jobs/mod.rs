//! Jobs: work that outlasts a request. They are queued in the database, run in processes of their own, and tell how far
//! they are.
//!
//! A job is `queued`, then `running`, then `done`, `failed` or `cancelled`. Of one channel, one job runs at a time. A
//! request for what waits already is merged into it; while it runs, it is queued once. What failed for no reason of its
//! input is tried again. A job whose service died is picked up when the service starts again, and what it had published
//! by then is recorded instead of being done twice: see [`input::published`].

pub mod automatic;
mod end;
mod events;
mod input;
mod queue;
mod routes;
mod run;
mod work;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;
use utoipa::ToSchema;

use super::Millis;
use super::database::from_row;
use super::http::problem::Result;
use crate::worker::{Failure, Handle, Stage};
pub use input::{intent, terms};
pub use queue::{Queued, Request, enqueue};
pub use routes::routes;
pub use run::start;
pub use work::Work;

/// What jobs of this process share.
#[derive(Default)]
pub struct Jobs {
    /// Tells workers that a job may wait for them.
    wake: Notify,
    /// The processes of running jobs.
    running: Mutex<HashMap<String, Handle>>,
}

impl Jobs {
    /// Ends the process of a job at once, where it has one.
    fn cancel(&self, id: &str) {
        let handle = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(handle) = handle {
            handle.cancel();
        }
    }

    fn started(&self, id: &str, handle: Handle) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), handle);
    }

    fn ended(&self, id: &str) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// Whether a job waits, runs, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits for its turn, or for another attempt.
    Queued,
    /// A process works on it.
    Running,
    /// It went well.
    Done,
    /// It did not; `error` tells why.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

impl JobState {
    const ALL: [JobState; 5] =
        [JobState::Queued, JobState::Running, JobState::Done, JobState::Failed, JobState::Cancelled];

    /// The word by which it is stored.
    pub fn word(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    fn of_word(word: &str) -> Result<JobState> {
        let found = JobState::ALL.into_iter().find(|state| state.word() == word);
        found.ok_or_else(|| super::http::problem::Problem::internal(format!("a job's state is `{word}`")))
    }

    /// Whether nothing more happens to the job.
    fn is_over(self) -> bool {
        matches!(self, JobState::Done | JobState::Failed | JobState::Cancelled)
    }
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
}

impl From<Failure> for JobError {
    fn from(failure: Failure) -> JobError {
        JobError { code: failure.code, message: failure.message }
    }
}

/// A job.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: String,
    /// `train`, `fetch-backbone`, `trial` or `import`.
    pub kind: String,
    /// The channel that it is for; null for one that concerns all.
    pub channel: Option<String>,
    /// Whether it waits, runs, or how it ended.
    pub state: JobState,
    /// `initializing`, `validating`, `downloading`, `embedding`, `fitting`, `evaluating`, `publishing` or `completed`.
    pub stage: String,
    /// How much is done, 0–100.
    pub percent: i64,
    /// What there is to say, for people.
    pub message: Option<String>,
    /// How often it was begun.
    pub attempts: i64,
    /// What was asked for.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// What came of it, once it is done.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// The key or link that asked for it; `service` where nobody did.
    pub asked_by: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub created_at: Millis,
    /// When it first began.
    pub started_at: Option<Millis>,
    /// When it was over.
    pub ended_at: Option<Millis>,
}

struct Row {
    id: String,
    kind: String,
    channel_id: Option<String>,
    state: String,
    parameters: String,
    stage: String,
    percent: i64,
    message: Option<String>,
    attempts: i64,
    cancel_requested: i64,
    asked_by: String,
    data_hash: Option<String>,
    result: Option<String>,
    error: Option<String>,
    created_at: Millis,
    started_at: Option<Millis>,
    ended_at: Option<Millis>,
}
from_row!(Row {
    id,
    kind,
    channel_id,
    state,
    parameters,
    stage,
    percent,
    message,
    attempts,
    cancel_requested,
    asked_by,
    data_hash,
    result,
    error,
    created_at,
    started_at,
    ended_at
});

impl Row {
    fn into_job(self) -> Result<Job> {
        Ok(Job {
            state: JobState::of_word(&self.state)?,
            parameters: serde_json::from_str(&self.parameters)?,
            result: self.result.as_deref().map(serde_json::from_str).transpose()?,
            error: self.error.as_deref().map(serde_json::from_str).transpose()?,
            id: self.id,
            kind: self.kind,
            channel: self.channel_id,
            stage: self.stage,
            percent: self.percent,
            message: self.message,
            attempts: self.attempts,
            asked_by: self.asked_by,
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
        })
    }
}

/// The word by which a stage is stored.
fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Initializing => "initializing",
        Stage::Validating => "validating",
        Stage::Downloading => "downloading",
        Stage::Embedding => "embedding",
        Stage::Fitting => "fitting",
        Stage::Evaluating => "evaluating",
        Stage::Publishing => "publishing",
        Stage::Completed => "completed",
    }
}

#[cfg(test)]
mod tests;
