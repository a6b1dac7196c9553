//! Long work for the service runs in a process of its own: no photo and no network can bring the server down, the server's
//! requests go first, and a job that is cancelled is gone at once, at whatever stage it is.
//!
//! A worker is this program once more. It reads one request from its stdin, reports by JSON lines on its stdout as
//! `jicho train --json` does, and ends with a line `done` or `error`. It ends when its parent does.

mod child;
mod stage;
mod task;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::child_process;
pub use child::run_as_child;
pub use stage::{Stage, Tracker, Update};
pub use task::{Task, Trained};

/// The only argument of a worker.
const ARGUMENT: &str = "--worker";
/// How much of what a worker writes to stderr is looked at.
const MAX_STDERR: u64 = 64 << 10;
/// The longest line that is read. A training's result is far shorter.
const MAX_LINE: u64 = 16 << 20;

/// What a worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory in megabytes; none for any.
    pub megabytes: Option<u64>,
    /// Threads; none takes one per core.
    pub threads: Option<usize>,
}

#[derive(Serialize, Deserialize)]
struct Request {
    task: Task,
    limits: Limits,
}

/// What a worker tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// How far it is.
    Update(Update),
    /// It is over; nothing follows.
    Ended(Result<Value, Failure>),
}

/// Why a worker did not do its task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable code of an error, or one of [`Failure::CANCELLED`], [`Failure::MEMORY`] and [`Failure::DIED`].
    pub code: String,
    /// For people.
    pub message: String,
}

impl Failure {
    /// It was cancelled.
    pub const CANCELLED: &'static str = "CANCELLED";
    /// It needed more memory than it may use.
    pub const MEMORY: &'static str = "OUT_OF_MEMORY";
    /// Its process ended without a word.
    pub const DIED: &'static str = "WORKER_DIED";

    fn of_memory(limits: Limits) -> Failure {
        let message = match limits.megabytes {
            Some(megabytes) => format!(
                "the job needs more than {megabytes} MB of memory; allow more by the setting \
                 `training.memory_megabytes`, or use fewer photos or a smaller backbone"
            ),
            None => "the machine has not enough memory for the job; use fewer photos or a smaller backbone".into(),
        };
        Failure { code: Failure::MEMORY.into(), message }
    }

    /// Whether trying again may help: a host or a disk may be there again, and a process may have been ended by chance.
    /// What the user gave stays what it is.
    pub fn is_transient(&self) -> bool {
        matches!(self.code.as_str(), "IO" | "STORE" | "LOCKED" | "BACKBONE" | Failure::DIED)
    }
}

/// A worker that was started. Dropping this neither ends it nor waits for it.
#[derive(Clone)]
pub struct Handle {
    child: Arc<Mutex<Child>>,
    cancelled: Arc<AtomicBool>,
}

impl Handle {
    /// Ends the worker at once. What it was writing is either whole or not there: releases go into force in one step.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        // One that has ended by itself in this very moment is no error.
        let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }

    /// Ends the worker as the system may: without having been asked to.
    #[cfg(test)]
    pub fn kill(&self) {
        self.child.lock().unwrap().kill().unwrap();
    }
}

/// Starts a worker. `tell` hears each report on a thread of its own, [`Report::Ended`] as the last.
///
/// # Errors
/// When no process can be started.
pub fn start(task: Task, limits: Limits, mut tell: impl FnMut(Report) + Send + 'static) -> std::io::Result<Handle> {
    let line = child_process::request(&Request { task, limits })?;
    let (started, handle) = std::sync::mpsc::channel();
    // The thread that starts the process stays until it has ended: Linux ends it with that thread.
    thread::Builder::new().name("worker".into()).spawn(move || {
        let child = match command().and_then(|mut command| command.spawn()) {
            Ok(child) => child,
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        let mut child = child;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let handle = Handle { child: Arc::new(Mutex::new(child)), cancelled: Arc::default() };
        let _ = started.send(Ok(handle.clone()));
        // Kept until the end: the worker ends itself once this is closed.
        let mut stdin = stdin;
        if let Some(stdin) = &mut stdin {
            // A worker that has ended already is noticed below.
            let _ = stdin.write_all(&line).and_then(|()| stdin.flush());
        }
        let errors = thread::spawn(move || stderr.map(read_errors).unwrap_or_default());
        let last = stdout.and_then(|stdout| follow(stdout, &mut tell));
        let status = {
            let mut child = handle.child.lock().unwrap_or_else(PoisonError::into_inner);
            // It has closed its output, so it does no more work.
            let _ = child.kill();
            child.wait()
        };
        let errors = errors.join().unwrap_or_default();
        tell(Report::Ended(match last {
            Some(Err(failure)) if failure.code == Failure::MEMORY => Err(Failure::of_memory(limits)),
            Some(ended) => ended,
            None if handle.cancelled.load(Ordering::SeqCst) => {
                Err(Failure { code: Failure::CANCELLED.into(), message: "the job was cancelled".into() })
            }
            None => Err(death(status.ok(), &errors, limits)),
        }));
    })?;
    handle.recv().map_err(std::io::Error::other)?
}

/// Follows the lines of a worker to the end. The last line's result or error; none where there was none.
fn follow(stdout: impl Read, tell: &mut impl FnMut(Report)) -> Option<Result<Value, Failure>> {
    let mut stdout = BufReader::new(stdout);
    let mut tracker = Tracker::default();
    tell(Report::Update(tracker.now(None)));
    let mut ended = None;
    let mut line = Vec::new();
    while (&mut stdout).take(MAX_LINE).read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let value: Value = serde_json::from_slice(&line).unwrap_or_default();
        line.clear();
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match text("event").as_str() {
            "done" => ended = Some(Ok(value.get("result").cloned().unwrap_or_default())),
            "error" => ended = Some(Err(Failure { code: text("code"), message: text("message") })),
            _ => {
                if let Some(update) = tracker.line(&value) {
                    tell(Report::Update(update));
                }
            }
        }
    }
    ended
}

fn read_errors(mut stderr: impl Read) -> String {
    let mut text = Vec::new();
    let _ = (&mut stderr).take(MAX_STDERR).read_to_end(&mut text);
    // The rest is read as well, or the worker would wait for somebody to read it.
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    String::from_utf8_lossy(&text).into_owned()
}

/// Why a worker ended without a word.
fn death(status: Option<ExitStatus>, errors: &str, limits: Limits) -> Failure {
    if child_process::is_about_memory(errors) {
        return Failure::of_memory(limits);
    }
    let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    let status = status.map_or_else(|| "its status is not known".to_owned(), |status| status.to_string());
    Failure { code: Failure::DIED.into(), message: format!("the job's process ended early ({status}): {last}") }
}

#[cfg(not(test))]
fn command() -> std::io::Result<std::process::Command> {
    child_process::command(ARGUMENT)
}

/// The program that runs unit tests takes other arguments: one of its tests stands for the worker.
#[cfg(test)]
fn command() -> std::io::Result<std::process::Command> {
    let mut command = child_process::command("worker::tests::as_a_worker")?;
    command.args(["--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    Ok(command)
}

#[cfg(test)]
mod tests;
