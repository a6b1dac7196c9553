//! The command `jicho samples`.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Result};
use crate::progress::{Progress, emit};
use crate::samples;

/// `jicho samples`
#[derive(Args)]
pub struct Samples {
    /// The folder to write to; it gets a folder per product
    dir: PathBuf,
    /// Number of photos per product
    #[arg(long, default_value_t = 24, value_name = "N")]
    photos: usize,
    /// Side of the square photos in pixels
    #[arg(long, default_value_t = 480, value_name = "PX")]
    size: u32,
    /// Seed of the photos; the products are always the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw only the first N products
    #[arg(long, value_name = "N")]
    products: Option<usize>,
    /// Draw photos with attributes, and rows in `scans.jsonl`, instead of a folder per product
    #[arg(long)]
    attributes: bool,
}

impl Samples {
    /// Draws the photos and prints their folder.
    pub fn run(self) -> Result<()> {
        let progress = Progress::Human;
        let stage = progress.stage("draw", 0);
        let (dir, options) = self.options();
        let summary = samples::generate(&dir, &options, &|done, total| stage.set(done as u64, Some(total as u64)));
        stage.finish();
        let summary = summary.map_err(|source| Error::Io { path: dir.clone(), source })?;
        let what =
            if options.attributes { "rows in scans.jsonl".into() } else { format!("{} products", summary.products) };
        progress.note(&format!("{} photos, {what}", summary.photos));
        emit(dir.display());
        Ok(())
    }

    fn options(self) -> (PathBuf, samples::Options) {
        let Samples { dir, photos, size, seed, products, attributes } = self;
        (dir, samples::Options { photos_per_product: photos, size, seed, products, attributes })
    }
}
