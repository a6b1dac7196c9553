//! `jicho`: trains, evaluates, imports, exports and serves what the Jicho library recognises.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod backbone;
mod cache;
mod cli;
mod compile;
mod crossvalidate;
mod dataset;
mod error;
mod evaluate;
mod export;
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
mod report;
mod samples;
mod serve;
mod store;
mod train;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
