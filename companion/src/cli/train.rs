//! The command `jicho train`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::caching::Caching;
use super::network::Network;
use super::publishing::{Canary, Publish, Reports, tell_canary};
use super::reading::Reading;
use crate::error::Result;
use crate::learning::train::gate::Gate;
use crate::learning::train::promise::MATCH_PRECISION;
use crate::learning::train::{self, Trained};
use crate::progress::{Progress, emit};

/// `jicho train`
#[derive(Args)]
pub struct Train {
    /// A folder with a folder of photos per product, or a file: JSONL or CSV rows, COCO, Pascal VOC or YOLO annotations, a
    /// zip of a folder
    photos: PathBuf,
    /// Channel id: letters, digits, `_`, `-`
    #[arg(long)]
    channel: String,
    /// The models folder, created if missing; or s3://BUCKET/FOLDER, see the README
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    network: Network,
    /// Seed that places the held-out photos
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    reading: Reading,
    /// Also train on lessons that a device was taught: a JSONL file that `exportLessons()` of the library wrote
    #[arg(long, value_name = "FILE")]
    lessons: Vec<PathBuf>,
    /// JSON file: facts per label, `{"apple": {"name": "Apple", "price": 1.2}}`
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// JSON file: the score rule, `{"terms": [{"source": "attributes.risk", "weight": 1, "range": [0, 1]}]}`
    #[arg(long, value_name = "FILE")]
    score: Option<PathBuf>,
    /// Train the network further on these photos, and keep the result if it recognises more held-out photos; for networks of
    /// the MobileNet family. Such a network belongs to this channel alone, so each device downloads it again
    #[arg(long)]
    fine_tune: bool,
    /// The share of matches that should be right on photos of other days: a higher one gives fewer matches and more `unsure`
    #[arg(long, value_name = "SHARE", default_value_t = MATCH_PRECISION, value_parser = precision)]
    match_precision: f32,
    /// The mirror image of a product is another product (lettering, left and right shoes): do not learn from it
    #[arg(long)]
    no_mirror: bool,
    /// Put the model into force only if it names at most this share fewer of the photos that neither it nor the one in force
    /// learnt from (0.02 unless given); otherwise it becomes a candidate that no device takes until `jicho promote`
    #[arg(
        long,
        value_name = "SHARE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "0.02",
        value_parser = margin,
        conflicts_with = "canary",
        help_heading = "Publishing"
    )]
    if_not_worse: Option<f64>,
    #[command(flatten)]
    cache: Caching,
    /// Report progress and result as JSON lines on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    publish: Publish,
    #[command(flatten)]
    canary: Canary,
}

fn precision(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|share| (0.5..1.0).contains(share));
    number.ok_or_else(|| "it must be a share of at least 0.5 and below 1, as 0.97".into())
}

impl Train {
    /// Trains and publishes, then prints a summary.
    pub fn run(self) -> Result<()> {
        let progress = Progress::lines(self.json);
        tell(progress, &train::run(&self.options(), progress)?);
        Ok(())
    }

    fn options(self) -> train::Options {
        let backbone = self.network.request();
        train::Options {
            photos: self.photos,
            channel: self.channel,
            backbone,
            seed: self.seed,
            reading: self.reading.options(),
            lessons: self.lessons,
            facts: self.facts,
            score: self.score,
            fine_tune: self.fine_tune,
            match_precision: self.match_precision,
            mirror: !self.no_mirror,
            cache: self.cache.place(),
            report: self.reports.place(&self.out),
            terms: self.publish.terms(self.canary.canary),
            out: self.out,
            gate: self.if_not_worse.map(|margin| Gate { margin }),
            intent: None,
        }
    }
}

fn margin(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..1.0).contains(share))
        .ok_or_else(|| "give a share from 0 to 1, as 0.02".into())
}

fn tell(progress: Progress, trained: &Trained) {
    let Trained { published, report, report_folder, .. } = trained;
    let report_page = report_folder.as_ref().map(|folder| folder.join("report.html").display().to_string());
    let manifest = &published.manifest;
    progress.event(&json!({
        "event": "published",
        "channel": manifest.channel_id,
        "version": manifest.version,
        "releaseSeq": manifest.release_seq,
        "products": manifest.product_count,
        "images": manifest.image_count,
        "leftOut": report.problems.len(),
        "accuracy": manifest.accuracy,
        "seconds": manifest.training_duration,
        "metadata": published.path,
        "canary": published.canary,
        "report": report_page,
    }));
    if progress != Progress::Human {
        return;
    }
    let accuracy = manifest.accuracy.map_or(
        "not measured (it takes two products and a second, new photo of one)".to_owned(),
        |a| {
            let images = report.held_out.as_ref().map_or(0, |m| m.images);
            format!("{:.1} % on {images} held-out photos", 100.0 * a)
        },
    );
    let attributes = match manifest.attributes.len() {
        0 => String::new(),
        count => format!(" {count} attributes,"),
    };
    eprintln!(
        "{} {}: {} products,{attributes} {} photos, {:.1} s, accuracy {accuracy}",
        manifest.channel_id, manifest.version, manifest.product_count, manifest.image_count, manifest.training_duration
    );
    if let Some(page) = report_page {
        eprintln!("report: {page}");
    }
    tell_canary(progress, published);
    emit(&published.path);
}
