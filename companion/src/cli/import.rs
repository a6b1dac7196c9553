//! The command `jicho import`.

use std::path::PathBuf;

use clap::Args;

use super::network::Plan;
use super::pixels::Pixels;
use super::publishing::{self, Canary, Publish, Reports};
use crate::error::Result;
use crate::model::import;
use crate::progress::Progress;

/// `jicho import`
#[derive(Args)]
pub struct Import {
    /// The ONNX classifier
    model: PathBuf,
    /// File with the labels in the order of the network's output: one per line, or JSON as Hugging Face or Keras write it
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Channel id
    #[arg(long)]
    channel: String,
    /// The models folder, created if missing; or s3://BUCKET/FOLDER, see the README
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The network's output with a value per label, if several fit
    #[arg(long, value_name = "TENSOR")]
    output: Option<String>,
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    publish: Publish,
    #[command(flatten)]
    canary: Canary,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    pixels: Pixels,
}

impl Import {
    /// Publishes the classifier as a channel.
    pub fn run(self) -> Result<()> {
        let progress = Progress::Human;
        publishing::tell(progress, &import::run(&self.options(), progress)?);
        Ok(())
    }

    fn options(self) -> import::Options {
        import::Options {
            model: self.model,
            labels: self.labels,
            channel: self.channel,
            report: self.reports.place(&self.out),
            out: self.out,
            output: self.output,
            pixels: self.pixels.flags(),
            plan: self.plan.weights().storage(),
            terms: self.publish.terms(self.canary.canary),
            intent: None,
        }
    }
}
