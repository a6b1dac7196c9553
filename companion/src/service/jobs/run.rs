//! Workers: tasks of the service that take jobs from the queue, one after another, and follow their processes.

use std::time::Duration;

use rand::Rng as _;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::end::{End, end};
use super::queue::{self, LEASE};
use super::work::Work;
use super::{JobState, Row, input};
use crate::model::import;
use crate::output::report::place::Place;
use crate::service::http::problem::{Problem, Result};
use crate::service::{App, Millis, ids};
use crate::worker::{self, Failure, Limits, Report, Task};

/// How often a worker looks whether its job is to be cancelled, besides being told.
const LOOK: Duration = Duration::from_secs(1);
/// How often a lease is renewed, and lost jobs are looked for.
const RENEW: Duration = Duration::from_millis(LEASE as u64 / 4);
/// How long a worker sleeps at most while it waits for a job.
const NAP: Duration = Duration::from_secs(30);
/// After a failure of the database or the disk.
const PAUSE: Duration = Duration::from_secs(5);

/// Picks up what a service that ended left behind, and starts the workers. They end with the runtime.
///
/// # Errors
/// Where the database cannot be used.
pub async fn start(app: &App) -> Result<()> {
    crate::service::models::reconcile_all(app).await?;
    queue::reclaim(app, true).await?;
    for _ in 0..app.settings.training.workers {
        tokio::spawn(work(app.clone()));
    }
    let app = app.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(RENEW).await;
            if let Err(problem) = queue::reclaim(&app, false).await {
                tracing::error!(cause = problem.detail, "lost jobs could not be looked for");
            }
        }
    });
    Ok(())
}

/// Takes jobs for ever.
async fn work(app: App) {
    let worker = ids::new("worker");
    loop {
        let result = match queue::claim(&app, &worker).await {
            Ok(Some(row)) => {
                // Another worker may take another one meanwhile.
                app.jobs.wake.notify_one();
                one(&app, row).await
            }
            Ok(None) => wait(&app).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = result {
            // The job stays taken until its lease ends; then it is picked up again.
            tracing::error!(cause = problem.detail, "a job could not be followed");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Waits until there may be a job.
async fn wait(app: &App) -> Result<()> {
    let next = queue::next_time(app).await?;
    let until = next.map_or(NAP, |next| Duration::from_millis(u64::try_from(next - app.now()).unwrap_or(0)));
    tokio::select! {
        () = app.jobs.wake.notified() => {}
        // A millisecond more, because times are rounded down.
        () = tokio::time::sleep(until.min(NAP) + Duration::from_millis(1)) => {}
    }
    Ok(())
}

/// Does a job that was claimed.
async fn one(app: &App, row: Row) -> Result<()> {
    let id = row.id.clone();
    let result = attempt(app, &row).await;
    app.jobs.ended(&id);
    let result = result?.map_err(|failure| Failure { message: without_paths(app, &row, &failure.message), ..failure });
    let ended = match result {
        Err(failure) if failure.code == Failure::CANCELLED => End::Cancelled,
        Err(failure) if failure.is_transient() && row.attempts <= retries(app) => {
            let wait = backoff(app.settings.training.retry_seconds, row.attempts);
            let seconds = (wait + 999) / 1000;
            let message = format!("{}; it is tried again in {seconds} s", failure.message);
            return queue::retry(app, &id, wait, message).await;
        }
        Err(failure) => End::Failed(failure),
        Ok(done) => done,
    };
    // What was noted of it meanwhile, such as the digest of its data, is recorded with its end.
    let mut reader = app.database.read().acquire().await?;
    let row = queue::find(&mut reader, &id).await?;
    drop(reader);
    end(app, &row, ended).await?;
    // Jobs of the same channel waited for this one.
    app.jobs.wake.notify_one();
    Ok(())
}

fn retries(app: &App) -> i64 {
    i64::try_from(app.settings.training.retries).unwrap_or(i64::MAX)
}

/// Milliseconds to wait after so many attempts: four times as long each time, and by chance up to half as long more or
/// less, so that jobs which failed together are not tried again together.
fn backoff(seconds: u64, attempts: i64) -> Millis {
    let exponent = u32::try_from(attempts - 1).unwrap_or(0).min(8);
    let wait = 1000.0 * seconds as f64 * f64::from(4u32.pow(exponent));
    (wait * rand_chacha::ChaCha8Rng::from_os().random_range(0.5..1.5)) as Millis
}

/// A generator that is seeded by the system.
trait FromOs {
    fn from_os() -> Self;
}

impl FromOs for rand_chacha::ChaCha8Rng {
    fn from_os() -> Self {
        rand::SeedableRng::from_seed(ids::random())
    }
}

/// One attempt. The outer error is the service's own, the inner one is told to whoever asked.
async fn attempt(app: &App, row: &Row) -> Result<Result<End, Failure>> {
    let cancelled = || Failure { code: Failure::CANCELLED.into(), message: "the job was cancelled".into() };
    if row.cancel_requested != 0 {
        return Ok(Err(cancelled()));
    }
    let before = published(app, row).await?;
    if let Some(version) = before {
        return Ok(Ok(End::Published(version)));
    }
    let task = match prepare(app, row).await {
        Ok(Prepared::Task(task)) => task,
        Ok(Prepared::Unchanged(version)) => return Ok(Ok(End::Unchanged(version))),
        Err(problem) if problem.status.is_server_error() => {
            return Ok(Err(Failure { code: "IO".into(), message: problem.detail }));
        }
        Err(problem) => return Ok(Err(Failure { code: problem.code.to_owned(), message: problem.detail })),
    };
    let outcome = follow(app, row, task).await?;
    match (outcome, published(app, row).await?) {
        (Ok(value), _) => Ok(Ok(End::Done(value))),
        // It died, or was cancelled, after its release was in force: that cannot be undone by trying again.
        (Err(_), Some(version)) => Ok(Ok(End::Published(version))),
        (Err(failure), None) => Ok(Err(failure)),
    }
}

async fn published(app: &App, row: &Row) -> Result<Option<String>> {
    match &row.channel_id {
        Some(channel) => input::published(app, channel, &row.id).await,
        None => Ok(None),
    }
}

enum Prepared {
    Task(Task),
    /// There is nothing new to learn since this version.
    Unchanged(String),
}

async fn prepare(app: &App, row: &Row) -> Result<Prepared> {
    let channel = || row.channel_id.as_deref().ok_or_else(|| Problem::internal("a job without its channel"));
    let id = row.id.as_str();
    Ok(Prepared::Task(match serde_json::from_str(&row.parameters)? {
        Work::Train { force, fine_tune } => {
            let input = input::read(app, channel()?, fine_tune).await?;
            let known = crate::service::models::trained_on(app, channel()?, &input.hash).await?;
            if let Some(version) = known.filter(|_| !force) {
                return Ok(Prepared::Unchanged(version));
            }
            note_hash(app, id, &input.hash).await?;
            Task::Train(Box::new(input.write(app, id)?))
        }
        Work::Trial { backbones } => {
            let input = input::read(app, channel()?, false).await?;
            Task::TryBackbones { options: Box::new(input.write(app, id)?), backbones }
        }
        Work::FetchBackbone { backbone } => Task::FetchBackbone(backbone),
        Work::Import { pixels, output } => {
            let folder = app.storage.run(channel()?, id);
            Task::Import(Box::new(import::Options {
                model: folder.join("model.onnx"),
                labels: folder.join("labels"),
                channel: channel()?.to_owned(),
                out: app.settings.server.models.clone(),
                output,
                pixels: pixels.flags()?,
                plan: Some(crate::model::compile::Storage::F16),
                report: Place::Private(app.storage.reports()),
                terms: input::terms(app),
                intent: Some(input::intent(app, channel()?, id)),
            }))
        }
    }))
}

async fn note_hash(app: &App, id: &str, hash: &str) -> Result<()> {
    let mut write = app.database.write().await?;
    sqlx::query("UPDATE jobs SET data_hash = ? WHERE id = ?").bind(hash).bind(id).execute(&mut *write).await?;
    write.commit().await?;
    Ok(())
}

/// Starts the process of a job and follows it to its end.
async fn follow(app: &App, row: &Row, task: Task) -> Result<Result<serde_json::Value, Failure>> {
    let id = row.id.as_str();
    let megabytes = Some(app.settings.training.memory_megabytes).filter(|megabytes| *megabytes > 0);
    let limits = Limits { megabytes, threads: None };
    let (sender, mut reports) = mpsc::unbounded_channel();
    let handle = match worker::start(task, limits, move |report| drop(sender.send(report))) {
        Ok(handle) => handle,
        Err(error) => {
            return Ok(Err(Failure { code: "IO".into(), message: format!("no process can be started: {error}") }));
        }
    };
    // However this ends, the process does not outlive it.
    let _guard = Guard(handle.clone());
    app.jobs.started(id, handle.clone());
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = tokio::time::Instant::now();
    loop {
        tokio::select! {
            report = reports.recv() => match report {
                Some(Report::Update(mut update)) => {
                    update.message = update.message.map(|message| without_paths(app, row, &message));
                    let mut write = app.database.write().await?;
                    queue::note(&mut write, app.now(), id, JobState::Running, &update).await?;
                    write.commit().await?;
                    app.events.send(crate::service::events::Event::Job { id: id.to_owned() });
                }
                Some(Report::Ended(ended)) => return Ok(ended),
                None => return Ok(Err(Failure { code: Failure::DIED.into(), message: "nobody followed the job".into() })),
            },
            _ = looks.tick() => {
                let cancelled = if renewed.elapsed() >= RENEW {
                    renewed = tokio::time::Instant::now();
                    queue::renew(app, id).await?
                } else {
                    queue::is_cancelled(app, id).await?
                };
                if cancelled {
                    handle.cancel();
                }
            }
        }
    }
}

/// A message of a job's process without the folders of this machine.
fn without_paths(app: &App, row: &Row, message: &str) -> String {
    let channel = row.channel_id.as_deref().unwrap_or_default();
    let folders = [
        app.storage.run(channel, &row.id),
        app.storage.channel(channel),
        app.storage.root().to_owned(),
        app.settings.server.models.clone(),
    ];
    let strip = |text: String, folder: &std::path::PathBuf| text.replace(&format!("{}/", folder.display()), "");
    folders.iter().fold(message.to_owned(), strip)
}

/// Ends the process of a job that nobody follows any more.
struct Guard(worker::Handle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_waits_longer_and_none_as_long_as_another() {
        let waits: Vec<Millis> = (0..50).map(|_| backoff(10, 1)).collect();
        assert!(waits.iter().all(|wait| (5_000..15_000).contains(wait)));
        assert!(waits.iter().any(|wait| *wait != waits[0]), "no jitter");
        assert!((20_000..60_000).contains(&backoff(10, 2)) && (80_000..240_000).contains(&backoff(10, 3)));
        assert_eq!(backoff(0, 3), 0);
    }
}
