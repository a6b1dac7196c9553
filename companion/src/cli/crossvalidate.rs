//! The command `jicho crossvalidate`.

use std::path::PathBuf;

use clap::Args;

use super::caching::Caching;
use super::network::Network;
use super::reading::Reading;
use crate::error::Result;
use crate::json;
use crate::learning::crossvalidate;
use crate::progress::{Progress, emit};

/// `jicho crossvalidate`
#[derive(Args)]
pub struct Crossvalidate {
    /// A folder with a folder of photos per product, or a file: JSONL or CSV rows, COCO, Pascal VOC or YOLO annotations, a
    /// zip of a folder
    photos: PathBuf,
    /// Photos of other visits, in the same form: learn from PHOTOS and measure on these
    #[arg(long, value_name = "DIR")]
    test: Option<PathBuf>,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    reading: Reading,
    /// The attribute with the kind of product, to leave whole kinds out
    #[arg(long, value_name = "FIELD")]
    kind: Option<String>,
    /// Number of repetitions, each with different folds, shops and left-out products
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Also draw so many shops of 5–47 products with 5–40 photos each, to see whether matches keep their promise
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1000))]
    shops: u64,
    /// Measure only the accuracy, its calibration, and frames without a product
    #[arg(long)]
    brief: bool,
    /// The mirror image of a product is another product
    #[arg(long)]
    no_mirror: bool,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    cache: Caching,
}

impl Crossvalidate {
    /// Cross-validates and prints the table.
    pub fn run(self) -> Result<()> {
        let json = self.json;
        let validation = crossvalidate::run(&self.options(), Progress::silent_if(json))?;
        if json {
            emit(json::line(&validation)?);
        } else {
            crossvalidate::print(&validation);
        }
        Ok(())
    }

    fn options(self) -> crossvalidate::Options {
        crossvalidate::Options {
            photos: self.photos,
            test: self.test,
            backbone: self.network.request(),
            reading: self.reading.options(),
            kind: self.kind,
            seeds: self.seeds,
            shops: self.shops,
            mirror: !self.no_mirror,
            cache: self.cache.place(),
            brief: self.brief,
        }
    }
}
