//! What may be typed to train, and to try what training would do.

use std::path::PathBuf;

use clap::Args;

use super::arguments::{Canary, Plan, Publish};
use super::pixels::Pixels;
use crate::backbone::{Request, embedded};
use crate::cache::{self, Place};
use crate::{crossvalidate, train};

/// Which network makes the features, and how devices run it.
#[derive(Args)]
struct Network {
    /// `embedded`, a name of `jicho backbones`, or an ONNX file
    #[arg(long, default_value = embedded::NAME, value_name = "FILE|NAME")]
    backbone: String,
    /// The tensor that holds the network's features, where it is not found by itself
    #[arg(long, value_name = "TENSOR")]
    features: Option<String>,
    /// A space that was fitted to other photos with this backbone
    #[arg(long, value_name = "FILE")]
    space: Option<PathBuf>,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    pixels: Pixels,
}

impl Network {
    fn request(self) -> Request {
        let (pixels, plan) = (self.pixels.flags(), self.plan.weights());
        Request { backbone: self.backbone, features: self.features, pixels, plan, space: self.space }
    }
}

/// `jicho train`
#[derive(Args)]
pub struct Train {
    /// A folder with a folder of photos per product, a JSONL file with a row per photo, or COCO annotations
    photos: PathBuf,
    /// Channel id: letters, digits, `_`, `-`
    #[arg(long)]
    channel: String,
    /// The models folder, created where missing; or s3://BUCKET/FOLDER, see the README
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    network: Network,
    /// Places the photos that are held out to measure
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Files only: the field with the product id (default: COCO's category, `product`, `label`, or the first string field)
    #[arg(long, value_name = "FIELD")]
    label: Option<String>,
    /// Also train on what was taught on a device: a JSONL file that `exportLessons()` of the library made
    #[arg(long, value_name = "FILE")]
    lessons: Vec<PathBuf>,
    /// JSON file: facts per label, `{"apple": {"name": "Apple", "price": 1.2}}`
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// JSON file: the score rule, `{"terms": [{"source": "attributes.risk", "weight": 1, "range": [0, 1]}]}`
    #[arg(long, value_name = "FILE")]
    score: Option<PathBuf>,
    /// Train the network further on these photos, and keep it where it names more held-out photos; for networks of the
    /// MobileNet family. Such a network is the channel's own: each device fetches it anew
    #[arg(long)]
    fine_tune: bool,
    /// Mirror images are other products (of lettering, left and right shoes): do not learn from them
    #[arg(long)]
    no_mirror: bool,
    #[command(flatten)]
    cache: Caching,
    /// Report progress and result as JSON lines on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    publish: Publish,
    #[command(flatten)]
    canary: Canary,
}

impl Train {
    /// As the module wants it.
    pub fn options(self) -> train::Options {
        let backbone = self.network.request();
        train::Options {
            photos: self.photos,
            channel: self.channel,
            out: self.out,
            backbone,
            seed: self.seed,
            label: self.label,
            lessons: self.lessons,
            facts: self.facts,
            score: self.score,
            fine_tune: self.fine_tune,
            mirror: !self.no_mirror,
            cache: self.cache.place(),
            terms: self.publish.terms(self.canary.canary),
        }
    }
}

/// Where features of photos are kept, so that they are computed once.
#[derive(Args)]
struct Caching {
    /// Keep features of photos in this folder (default: in the user's cache folder)
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Compute all features anew, and keep none
    #[arg(long, conflicts_with = "cache")]
    no_cache: bool,
}

impl Caching {
    fn place(self) -> Place {
        Place((!self.no_cache).then(|| self.cache.unwrap_or_else(cache::default_folder)))
    }
}

/// `jicho crossvalidate`
#[derive(Args)]
pub struct Crossvalidate {
    /// A folder with a folder of photos per product, a JSONL file with a row per photo, or COCO annotations
    photos: PathBuf,
    /// Photos of other visits in the same form: learn from the first, judge by these
    #[arg(long, value_name = "DIR")]
    test: Option<PathBuf>,
    #[command(flatten)]
    network: Network,
    /// The field of a file that holds the product id (default: `product`, `label`, or the first string field)
    #[arg(long, value_name = "FIELD")]
    label: Option<String>,
    /// The attribute with the kind of product, to leave whole kinds out
    #[arg(long, value_name = "FIELD")]
    kind: Option<String>,
    /// Repetitions, each with other folds, shops and products left out
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
    /// Only the accuracy, its calibration, and frames without a product
    #[arg(long)]
    brief: bool,
    /// Mirror images are other products
    #[arg(long)]
    no_mirror: bool,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    cache: Caching,
}

impl Crossvalidate {
    /// As the module wants it.
    pub fn options(self) -> crossvalidate::Options {
        crossvalidate::Options {
            photos: self.photos,
            test: self.test,
            backbone: self.network.request(),
            label: self.label,
            kind: self.kind,
            seeds: self.seeds,
            mirror: !self.no_mirror,
            cache: self.cache.place(),
            brief: self.brief,
        }
    }
}
