//! The command `jicho compile`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::pixels::Pixels;
use crate::error::{Error, Result};
use crate::json;
use crate::model::compile::Storage;
use crate::model::compile::summary::Summary;
use crate::model::plan_file::{self, Options, Question};
use crate::progress::emit;

/// `jicho compile`
#[derive(Args)]
pub struct Compile {
    /// The ONNX network: one image in, one vector out
    model: PathBuf,
    /// Where to write the plan
    #[arg(long, value_name = "FILE.plan")]
    out: PathBuf,
    /// How to store weights
    #[arg(long, value_enum, default_value_t = Weights::F16)]
    weights: Weights,
    /// Photos as the network will see: with `--weights int8` it then computes with bytes, calibrated on them
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    #[command(flatten)]
    pixels: Pixels,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Weights {
    F16,
    Int8,
    F32,
}

impl Compile {
    /// Writes the plan and prints what it holds.
    pub fn run(self) -> Result<()> {
        let json = self.json;
        let summary = plan_file::run(&self.options()?)?;
        if json {
            emit(json::line(&summary)?);
        } else {
            print(&summary);
        }
        Ok(())
    }

    fn options(self) -> Result<Options> {
        let storage = match (self.weights, &self.photos) {
            (Weights::Int8, Some(_)) => Storage::Bytes,
            (Weights::Int8, None) => Storage::I8,
            (_, Some(_)) => return Err(Error::BadInput("--photos calibrates --weights int8 alone".into())),
            (Weights::F16, None) => Storage::F16,
            (Weights::F32, None) => Storage::F32,
        };
        let question = Question {
            model: self.model,
            pixels: self.pixels.flags(),
            storage,
            photos: self.photos.unwrap_or_default(),
        };
        Ok(Options { out: self.out, question })
    }
}

fn print(summary: &Summary) {
    summary.steps.iter().for_each(emit);
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    let (steps, macs) = (summary.steps.len(), summary.multiplications as f64 / 1e6);
    let (size, memory) = (megabytes(summary.bytes), megabytes(summary.arena));
    emit(format_args!("{steps} steps, {macs:.1} million multiplications, plan {size:.2} MB, memory {memory:.2} MB"));
}
