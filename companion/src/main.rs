//! `jicho`: trains, evaluates, imports, exports and serves what the Jicho library recognises.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod backbone;
mod cli;
mod compile;
mod dataset;
mod error;
mod evaluate;
mod export;
#[cfg_attr(not(test), expect(dead_code, reason = "called by `train` in the next commit"))]
mod fine_tune;
mod import;
mod measure;
mod network;
mod onnx;
mod photo;
mod plan;
mod pretrain;
mod progress;
mod publish;
mod release;
mod samples;
mod serve;
mod store;
mod train;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
