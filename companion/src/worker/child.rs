//! The child's side.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use serde_json::json;

use super::{ARGUMENT, Failure, Request};
use crate::child_process;
use crate::error::Error;
use crate::progress::emit;

/// Does one task and ends, if this process was started as a worker.
pub fn run_as_child() -> Option<ExitCode> {
    (std::env::args_os().nth(1)? == ARGUMENT).then(run)
}

/// Reads the request, does the task, and prints what came of it as the last line.
pub fn run() -> ExitCode {
    let Some(Request { task, limits }) = child_process::take_request() else { return ExitCode::FAILURE };
    child_process::lower_priority();
    limits.megabytes.into_iter().for_each(child_process::limit_memory);
    if let Some(threads) = limits.threads {
        // This fails only if the pool exists already, and nothing has used it yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    let done = panic::catch_unwind(AssertUnwindSafe(|| task.run()))
        .unwrap_or_else(|payload| Err(Error::Defect(message(&*payload).to_owned())));
    match done {
        Ok(result) => {
            emit(json!({ "event": "done", "result": result }));
            ExitCode::SUCCESS
        }
        Err(error) => {
            let message = error.to_string();
            // A request for memory that is refused ends the process, or reaches this place as a panic or an error of the
            // network's engine.
            let code = if child_process::is_about_memory(&message) { Failure::MEMORY } else { error.code() };
            emit(json!({ "event": "error", "code": code, "message": message }));
            ExitCode::FAILURE
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}
