//! `jicho`: trains, evaluates, imports, exports and serves what the Jicho library recognises.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod cache;
mod child_process;
mod cli;
mod dataset;
mod digest;
mod error;
mod file;
mod json;
mod learning;
mod model;
mod output;
mod photo;
mod progress;
mod samples;
mod serve;
mod service;
#[cfg(test)]
mod test_data;
mod text;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
    model::isolated::run_as_child().or_else(worker::run_as_child).unwrap_or_else(cli::run)
}
