//! What may be typed.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::pixels::{Axes, Pixels};
use super::pretrain::Pretrain;
use super::train::{Crossvalidate, Train};
use crate::backbone::PlanStorage;
use crate::compile::Storage;
use crate::publish::versions::Change;
use crate::publish::{KEEP, Terms, clean};
use crate::{compile, evaluate, import, samples, serve};

/// Train, publish and serve what a shop's camera recognises.
#[derive(Parser)]
#[command(name = "jicho", version, about, long_about = None)]
pub struct Arguments {
    /// Threads to work on (default: all cores); the result is the same with any number
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Train a channel's model from photos and publish it
    Train(Train),
    /// Measure a published channel on photos
    Evaluate(Evaluate),
    /// Measure what training would do on these photos, by training on parts of them
    Crossvalidate(Crossvalidate),
    /// Make a channel of an existing ONNX classifier
    Import(Import),
    /// Write a channel's model in another form
    Export(Export),
    /// List the releases of a channel that are kept
    Versions(Versions),
    /// Put an older release of a channel into force
    Rollback(Rollback),
    /// Put a channel's candidate into force for all devices
    Promote(OfChannel),
    /// Take a channel's candidate back
    Withdraw(OfChannel),
    /// Remove channels that are gone and files that nobody needs; tells only, unless --apply
    Clean(Clean),
    /// Make a key that signs releases, and print its public half
    Keygen(Keygen),
    /// Compile an ONNX network to the plan that devices run
    Compile(Compile),
    /// Make a small backbone from photos and a larger one
    Pretrain(Pretrain),
    /// Draw the photos of a small made-up shop
    Samples(Samples),
    /// Serve models and an app over HTTP
    Serve(Serve),
    /// List the backbones that are known by name
    Backbones,
}

impl Command {
    /// Whether `--json` was given.
    pub fn json(&self) -> bool {
        match self {
            Command::Train(a) => a.json,
            Command::Evaluate(a) => a.json,
            Command::Crossvalidate(a) => a.json,
            Command::Compile(a) => a.json,
            Command::Versions(a) => a.json,
            Command::Clean(a) => a.json,
            Command::Pretrain(a) => a.json,
            _ => false,
        }
    }

    /// Which release a command puts into force.
    pub fn change(self) -> Option<(PathBuf, Change, Terms)> {
        let (of, change) = match self {
            Command::Rollback(a) => (a.of, Change::Rollback(a.to)),
            Command::Promote(of) => (of, Change::Promote),
            Command::Withdraw(of) => (of, Change::Withdraw),
            _ => return None,
        };
        Some((of.channel, change, of.publish.terms(None)))
    }
}

/// `jicho evaluate`
#[derive(Args)]
pub struct Evaluate {
    /// The channel's folder, as `ml-models/T_1` or `s3://BUCKET/FOLDER/T_1`
    channel: PathBuf,
    /// A folder with a folder of photos per product, a JSONL file, or COCO annotations
    #[arg(long, value_name = "DIR")]
    photos: PathBuf,
    /// Files only: the field with the product id
    #[arg(long, value_name = "FIELD")]
    label: Option<String>,
    /// Photos of what is none of the channel's products, in any folders, or a JSONL or COCO file
    #[arg(long, value_name = "DIR")]
    unknown: Option<PathBuf>,
    /// Write one JSON line per image
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

impl Evaluate {
    /// As the module wants it.
    pub fn options(self) -> evaluate::Options {
        let Evaluate { channel, photos, label, unknown, predictions, json: _ } = self;
        evaluate::Options { channel, photos, label, unknown, predictions }
    }
}

/// `jicho import`
#[derive(Args)]
pub struct Import {
    /// The ONNX classifier
    model: PathBuf,
    /// Text file with one label a line, in the order of the network's output
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Channel id
    #[arg(long)]
    channel: String,
    /// The models folder, created where missing; or s3://BUCKET/FOLDER, see the README
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The network's output with a value per label, where several fit
    #[arg(long, value_name = "TENSOR")]
    output: Option<String>,
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
    /// As the module wants it.
    pub fn options(self) -> import::Options {
        import::Options {
            model: self.model,
            labels: self.labels,
            channel: self.channel,
            out: self.out,
            output: self.output,
            pixels: self.pixels.flags(),
            plan: self.plan.weights().storage(),
            terms: self.publish.terms(self.canary.canary),
        }
    }
}

/// `jicho export`
#[derive(Args)]
pub struct Export {
    /// The channel's folder, as `ml-models/T_1` or `s3://BUCKET/FOLDER/T_1`
    pub channel: PathBuf,
    /// Write network, features and head as one plain ONNX classifier
    #[arg(long, value_name = "FILE.onnx")]
    pub whole: PathBuf,
}

/// `jicho versions`
#[derive(Args)]
pub struct Versions {
    /// The channel's folder, as `ml-models/T_1` or `s3://BUCKET/FOLDER/T_1`
    pub channel: PathBuf,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

/// `jicho rollback`
#[derive(Args)]
pub struct Rollback {
    #[command(flatten)]
    of: OfChannel,
    /// The version (default: the one before that in force)
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
}

/// `jicho promote`, `jicho withdraw`
#[derive(Args)]
pub struct OfChannel {
    /// The channel's folder, as `ml-models/T_1` or `s3://BUCKET/FOLDER/T_1`
    channel: PathBuf,
    #[command(flatten)]
    publish: Publish,
}

/// `jicho clean`
#[derive(Args)]
pub struct Clean {
    /// The models folder, or s3://BUCKET/FOLDER
    models: PathBuf,
    /// Text file with the channels that stay, one a line
    #[arg(long, value_name = "FILE")]
    active_channels: PathBuf,
    /// Remove, rather than tell what would be
    #[arg(long)]
    apply: bool,
    /// Go on though the file names no channel
    #[arg(long)]
    force: bool,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

impl Clean {
    /// As the module wants it.
    pub fn options(self) -> clean::Options {
        clean::Options { models: self.models, active: self.active_channels, apply: self.apply, force: self.force }
    }
}

/// `jicho keygen`
#[derive(Args)]
pub struct Keygen {
    /// The file of the private key; a new one
    pub file: PathBuf,
    /// Only print the public half of an existing one
    #[arg(long)]
    pub public: bool,
}

/// How to publish.
#[derive(Args)]
pub(super) struct Publish {
    /// Versions to keep; older ones are removed, their files a day later
    #[arg(long, default_value_t = KEEP, value_parser = at_least_one, value_name = "N", help_heading = "Publishing")]
    keep: usize,
    /// Sign with the key of `jicho keygen`
    #[arg(long, value_name = "KEYFILE", conflicts_with = "unsigned", help_heading = "Publishing")]
    sign: Option<PathBuf>,
    /// Publish unsigned though the channel is signed
    #[arg(long, help_heading = "Publishing")]
    unsigned: bool,
}

impl Publish {
    pub(super) fn terms(self, canary: Option<f64>) -> Terms {
        Terms { keep: self.keep, sign: self.sign, unsigned: self.unsigned, canary }
    }
}

#[derive(Args)]
pub(super) struct Canary {
    /// Publish as a candidate that a share of the devices takes, as 10%; `promote` or `withdraw` it then
    #[arg(long, value_parser = share, value_name = "SHARE", help_heading = "Publishing")]
    pub(super) canary: Option<f64>,
}

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
    /// Axes of the network's input, where its shape does not tell
    #[arg(long, value_enum)]
    layout: Option<Axes>,
    /// Side of the network's input in pixels, where its shape leaves it open
    #[arg(long, value_name = "PX")]
    size: Option<usize>,
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
    /// As the module wants it.
    pub fn options(self) -> compile::command::Options {
        compile::command::Options {
            model: self.model,
            out: self.out,
            layout: self.layout.map(Axes::layout),
            size: self.size,
            storage: match self.weights {
                Weights::F16 => compile::Storage::F16,
                Weights::Int8 => compile::Storage::I8,
                Weights::F32 => compile::Storage::F32,
            },
        }
    }
}

/// `jicho samples`
#[derive(Args)]
pub struct Samples {
    /// Where to write; a folder per product
    dir: PathBuf,
    /// Photos per product
    #[arg(long, default_value_t = 24, value_name = "N")]
    photos: usize,
    /// Side of the square photos, pixels
    #[arg(long, default_value_t = 480, value_name = "PX")]
    size: u32,
    /// Changes the photos, never the products
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the first N products
    #[arg(long, value_name = "N")]
    products: Option<usize>,
    /// Draw photos with attributes, and rows in `scans.jsonl`, instead of a folder per product
    #[arg(long)]
    attributes: bool,
}

impl Samples {
    /// As the module wants it.
    pub fn options(self) -> (PathBuf, samples::Options) {
        let Samples { dir, photos, size, seed, products, attributes } = self;
        (dir, samples::Options { photos_per_product: photos, size, seed, products, attributes })
    }
}

/// `jicho serve`
#[derive(Args)]
pub struct Serve {
    /// The models folder, served at /assets/ml-models/
    #[arg(long, default_value = "ml-models", value_name = "DIR")]
    models: PathBuf,
    /// The built app, served at /
    #[arg(long, value_name = "DIR")]
    app: Option<PathBuf>,
    /// Address to listen on; 0.0.0.0 for every network
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

impl Serve {
    /// As the module wants it.
    pub fn options(self) -> serve::Options {
        serve::Options { models: self.models, app: self.app, host: self.host, port: self.port }
    }
}

/// The compiled network that devices run.
#[derive(Args)]
pub(super) struct Plan {
    /// How the compiled network that devices run stores its weights: half precision, or bytes (half the download, less
    /// exact); `auto` takes bytes where held-out photos are named as well (import: half precision); `none` publishes the
    /// ONNX alone, for which devices fetch a larger build
    #[arg(long, value_enum, default_value_t = PlanWeights::Auto)]
    plan: PlanWeights,
}

#[derive(Clone, Copy, ValueEnum)]
enum PlanWeights {
    Auto,
    F16,
    Int8,
    None,
}

impl Plan {
    pub(super) fn weights(&self) -> PlanStorage {
        match self.plan {
            PlanWeights::Auto => PlanStorage::Auto,
            PlanWeights::F16 => PlanStorage::As(Storage::F16),
            PlanWeights::Int8 => PlanStorage::As(Storage::I8),
            PlanWeights::None => PlanStorage::None,
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "give a number of at least 1".into())
}

/// `10%` or `0.1`.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f64>().ok().map(|n| n / whole);
    share.filter(|s| *s > 0.0 && *s <= 1.0).ok_or_else(|| "give a share of the devices, as 10% or 0.1".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn shares_are_above_nothing_and_at_most_the_whole() {
        assert_eq!(share("10%"), Ok(0.1));
        assert_eq!(share("0.25"), Ok(0.25));
        assert!(share("0").is_err() && share("101%").is_err() && share("NaN").is_err() && share("10").is_err());
    }
}
