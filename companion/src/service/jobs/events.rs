//! What a job tells while it goes on: first its history, then each event as it happens, until the job is over.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::JobState;
use super::routes::visible;
use crate::service::access::Caller;
use crate::service::database::from_row;
use crate::service::events::Event;
use crate::service::http::extract::Path;
use crate::service::http::problem::{Problem, ProblemDocument, Result};
use crate::service::{App, Millis};

/// A sign of life, so that proxies do not take an idle stream for a dead one.
const ALIVE: Duration = Duration::from_secs(15);
/// Where nothing was heard for so long, the database is asked: another process may have changed the job.
const LOOK: Duration = Duration::from_secs(10);

/// The endpoints.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(socket))
}

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobEvent {
    /// Counts the events of the job from 1.
    pub seq: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub at: Millis,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    #[schema(value_type = JobState)]
    pub state: String,
    /// `initializing`, `validating`, `downloading`, `embedding`, `fitting`, `evaluating`, `publishing` or `completed`.
    pub stage: String,
    /// How much is done, 0–100.
    pub percent: i64,
    /// What there is to say, for people.
    pub message: Option<String>,
    /// Bytes of a download that are there.
    pub bytes: Option<i64>,
    /// Bytes that it has in all, where that is known.
    pub total: Option<i64>,
}
from_row!(JobEvent { seq, at, state, stage, percent, message, bytes, total });

impl JobEvent {
    fn is_last(&self) -> bool {
        JobState::of_word(&self.state).is_ok_and(JobState::is_over)
    }
}

/// Where a listener is.
struct Follower {
    app: App,
    job: String,
    /// The last event that it heard.
    seq: i64,
    changes: Receiver<Event>,
    ready: VecDeque<JobEvent>,
    over: bool,
}

impl Follower {
    /// The next event; none after the last one.
    async fn next(&mut self) -> Result<Option<JobEvent>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.seq = event.seq;
                self.over = event.is_last();
                return Ok(Some(event));
            }
            if self.over {
                return Ok(None);
            }
            let sql = "SELECT * FROM job_events WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT 200";
            let rows: Vec<JobEvent> =
                sqlx::query_as(sql).bind(&self.job).bind(self.seq).fetch_all(self.app.database.read()).await?;
            if rows.is_empty() {
                if self.is_over().await? {
                    return Ok(None);
                }
                self.changed().await;
            }
            self.ready.extend(rows);
        }
    }

    /// Whether the job is over, for who has heard its last event before, or comes after its events were removed.
    async fn is_over(&self) -> Result<bool> {
        let sql = "SELECT state FROM jobs WHERE id = ? AND NOT EXISTS \
                   (SELECT 1 FROM job_events WHERE job_id = jobs.id AND seq > ?)";
        let state: Option<String> =
            sqlx::query_scalar(sql).bind(&self.job).bind(self.seq).fetch_optional(self.app.database.read()).await?;
        state.map_or(Ok(false), |state| JobState::of_word(&state).map(JobState::is_over))
    }

    /// Waits until the job may have changed.
    async fn changed(&mut self) {
        let heard = async {
            loop {
                match self.changes.recv().await {
                    Ok(Event::Job { id }) if id == self.job => return,
                    Ok(_) => {}
                    // What was missed is in the database.
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let _ = tokio::time::timeout(LOOK, heard).await;
    }
}

async fn follow(app: App, caller: &Caller, job: String, after: i64) -> Result<Follower> {
    // Subscribed before anything is read, so that nothing falls between.
    let changes = app.events.subscribe();
    visible(&app, caller, &job).await?;
    Ok(Follower { app, job, seq: after, changes, ready: VecDeque::new(), over: false })
}

fn stream(follower: Follower) -> impl Stream<Item = JobEvent> + Send {
    stream::unfold(follower, |mut follower| async move {
        match follower.next().await {
            Ok(event) => event.map(|event| (event, follower)),
            Err(problem) => {
                // The client asks again, and says what it has heard.
                tracing::error!(job = follower.job, cause = problem.detail, "events could not be read");
                None
            }
        }
    })
}

/// What happens to a job, as server-sent events: its history, then each event as it happens; the stream ends with the job.
/// `Last-Event-ID` goes on after that event.
#[utoipa::path(
    get, path = "/jobs/{job}/events", tag = "jobs", operation_id = "job_events",
    params(
        ("job" = String, Path, description = "The job's id"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The last event that was heard")
    ),
    responses((status = 200, body = JobEvent, content_type = "text/event-stream"), (status = "4XX", body = ProblemDocument))
)]
async fn events(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let after = match headers.get("last-event-id") {
        None => 0,
        Some(id) => id
            .to_str()
            .ok()
            .and_then(|id| id.trim().parse().ok())
            .ok_or_else(|| Problem::field("Last-Event-ID", "give the id of an event, which is a number"))?,
    };
    let events = stream(follow(app, &caller, job, after).await?);
    let events = events.map(|event| {
        let id = event.seq.to_string();
        Ok::<_, Infallible>(sse::Event::default().id(id).json_data(event).unwrap_or_default())
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

/// The same events as text messages of a WebSocket, which the service closes when the job is over.
#[utoipa::path(
    get, path = "/jobs/{job}/ws", tag = "jobs", operation_id = "job_socket",
    params(("job" = String, Path, description = "The job's id")),
    responses((status = 101, description = "A WebSocket whose messages are JobEvents"), (status = "4XX", body = ProblemDocument))
)]
async fn socket(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response> {
    let follower = follow(app, &caller, job, 0).await?;
    let upgrade = upgrade.map_err(|rejection| {
        Problem::new(
            rejection.status(),
            "no-websocket",
            "Open a WebSocket here, or use /events for server-sent events.",
        )
    })?;
    Ok(upgrade.on_upgrade(|socket| send(socket, follower)))
}

async fn send(mut socket: WebSocket, follower: Follower) {
    let mut events = std::pin::pin!(stream(follower));
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event else { break };
                let Ok(text) = serde_json::to_string(&event) else { break };
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            }
            // The client has nothing to say; this notices that it is gone, and answers its pings.
            message = socket.recv() => if !matches!(message, Some(Ok(_))) { return },
            () = tokio::time::sleep(ALIVE) => if socket.send(Message::Ping(Default::default())).await.is_err() { return },
        }
    }
    let _ = socket.send(Message::Close(None)).await;
}
