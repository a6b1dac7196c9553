//! The child's side.

use std::io::{Write, stdout};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use serde::Serialize;

use super::{ARGUMENT, Answer, Reply, Request, Task};
use crate::child_process;
use crate::error::{Error, Result};
use crate::model::{backbone, import, onnx, plan_file};

/// Does one task and ends, if this process was started as a child.
pub fn run_as_child() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let Some(Request { task, limits }) = child_process::take_request() else { return Some(ExitCode::FAILURE) };
    limits.impose();
    // What panics is told as an error; nobody reads the rest.
    panic::set_hook(Box::new(|_| {}));
    let reply = panic::catch_unwind(AssertUnwindSafe(|| answer(&task))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("no reason is known");
        Err(onnx::invalid(format!("what reads the network does not know what to do with it: {text}")))
    });
    let (reply, files) = match reply {
        Ok((answer, files)) => (Reply::Done { answer, files: files.iter().map(Vec::len).collect() }, files),
        Err(error) => {
            let error = if child_process::is_about_memory(&error.to_string()) { limits.too_large() } else { error };
            (Reply::Failed { code: error.code().into(), message: error.to_string() }, Vec::new())
        }
    };
    let written = serde_json::to_vec(&reply).map_err(std::io::Error::from).and_then(|mut line| {
        line.push(b'\n');
        let mut stdout = stdout().lock();
        stdout.write_all(&line)?;
        files.iter().try_for_each(|file| stdout.write_all(file))?;
        stdout.flush()
    });
    Some(if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Does the task.
pub fn answer(task: &Task) -> Result<Answer<serde_json::Value>> {
    fn told<T: Serialize>((answer, files): Answer<T>) -> Result<Answer<serde_json::Value>> {
        Ok((serde_json::to_value(answer).map_err(Error::Json)?, files))
    }
    match task {
        Task::Classifier(question) => told(import::answer(question)?),
        Task::Backbone(question) => told(backbone::answer(question)?),
        Task::Plan(question) => told(plan_file::answer(question)?),
    }
}
