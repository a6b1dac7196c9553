//! Networks that somebody else made are read and tried in a process of their own.
//!
//! A small ONNX file can ask for any amount of memory or time, and what reads it may panic or end the process. So
//! `import`, `compile` and a training with a network that is not among the known ones start this program once more: the
//! child reads the file, compiles it and runs it on a few pictures, within limits of memory and time. What comes back
//! has been run once, takes pictures of one size, and has no tensor whose size depends on the picture; therefore the
//! parent can run it without such limits. The child ends when its parent does, because its stdin then closes.

mod child;
mod limits;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{backbone, import, plan_file};
use crate::child_process;
use crate::error::{Error, Result};
pub use child::run_as_child;
use limits::Limits;

/// The only argument of a child.
const ARGUMENT: &str = "--isolated-network";
/// How much of what a child writes to stderr is looked at.
const MAX_STDERR: u64 = 64 << 10;

/// What a child can be asked for.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// A classifier of given labels.
    Classifier(import::Question),
    /// A network cut at its features.
    Backbone(backbone::Question),
    /// The plan of a network.
    Plan(plan_file::Question),
}

/// The first line that a child reads.
#[derive(Serialize, Deserialize)]
struct Request {
    task: Task,
    limits: Limits,
}

/// The first line that a child writes; the files follow, one after another.
#[derive(Serialize, Deserialize)]
enum Reply {
    /// It went well.
    Done {
        /// What the task answers, as JSON.
        answer: serde_json::Value,
        /// How many bytes each file has.
        files: Vec<usize>,
    },
    /// It did not; the fields are those of the error.
    Failed { code: String, message: String },
}

/// What a task answers: values and files.
pub type Answer<T> = (T, Vec<Vec<u8>>);

/// Lets a child do the task.
///
/// # Errors
/// Those of the task, and `NETWORK_LIMIT` when the network needs more memory or time than is allowed.
pub fn ask<T: DeserializeOwned>(task: Task) -> Result<Answer<T>> {
    // The program that runs unit tests cannot be its own child.
    if cfg!(test) {
        let (answer, files) = child::answer(&task)?;
        return Ok((serde_json::from_value(answer).map_err(Error::Json)?, files));
    }
    let limits = Limits::from_environment()?;
    let mut child = start()?;
    // Kept until the end: the child ends itself once this is closed.
    let mut requests = child.stdin.take().ok_or_else(|| broken("it has no input"))?;
    let line = child_process::request(&Request { task, limits }).map_err(Error::Json)?;
    let sent = requests.write_all(&line).and_then(|()| requests.flush());
    let finished = finish(&mut child, limits);
    drop(requests);
    let Finished { output, errors, status } = finished?;
    match output {
        Some((Reply::Done { answer, files }, mut rest)) => {
            let mut parts = Vec::with_capacity(files.len());
            for length in files {
                let left = rest.split_off(length.min(rest.len()));
                parts.push(std::mem::replace(&mut rest, left));
            }
            Ok((serde_json::from_value(answer).map_err(Error::Json)?, parts))
        }
        Some((Reply::Failed { code, message }, _)) => Err(Error::isolated(&code, message)),
        None => Err(sent.err().map_or_else(|| limits.death(status, &errors), |e| broken(&e.to_string()))),
    }
}

fn start() -> Result<Child> {
    child_process::command(ARGUMENT).and_then(|mut command| command.spawn()).map_err(|e| broken(&e.to_string()))
}

struct Finished {
    /// None where the child ended without an answer.
    output: Option<(Reply, Vec<u8>)>,
    errors: String,
    status: ExitStatus,
}

/// Waits until the child has answered and ended, or its time is over.
fn finish(child: &mut Child, limits: Limits) -> Result<Finished> {
    let stdout = child.stdout.take().ok_or_else(|| broken("it has no output"))?;
    let stderr = child.stderr.take().ok_or_else(|| broken("it has no error output"))?;
    let (sender, answered) = mpsc::channel();
    thread::spawn(move || sender.send(read_reply(stdout)));
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        let mut stderr = stderr;
        let _ = (&mut stderr).take(MAX_STDERR).read_to_end(&mut text);
        // The rest is read as well, or the child would wait for somebody to read it.
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
        String::from_utf8_lossy(&text).into_owned()
    });
    let output = answered.recv_timeout(limits.time());
    if output.is_err() {
        // It may have ended by itself in this very moment.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| broken(&e.to_string()))?;
    match output {
        Ok(output) => Ok(Finished { output, errors: errors.join().unwrap_or_default(), status }),
        Err(RecvTimeoutError::Timeout) => Err(limits.too_slow()),
        Err(RecvTimeoutError::Disconnected) => Err(broken("its answer could not be taken")),
    }
}

fn read_reply(stdout: impl Read) -> Option<(Reply, Vec<u8>)> {
    let mut stdout = BufReader::new(stdout);
    let (mut line, mut files) = (Vec::new(), Vec::new());
    stdout.read_until(b'\n', &mut line).ok()?;
    stdout.read_to_end(&mut files).ok()?;
    let reply = serde_json::from_slice(&line).ok()?;
    let whole = match &reply {
        Reply::Done { files: lengths, .. } => lengths.iter().sum::<usize>() == files.len(),
        Reply::Failed { .. } => true,
    };
    whole.then_some((reply, files))
}

fn broken(why: &str) -> Error {
    Error::Defect(format!("the process that reads the network cannot be used: {why}"))
}
