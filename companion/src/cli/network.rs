//! The options that choose a backbone and how devices run it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::pixels::Pixels;
use crate::model::backbone::{PlanStorage, Request, embedded};
use crate::model::compile::Storage;

/// Which network computes the features, and how devices run it.
#[derive(Args)]
pub(super) struct Network {
    /// `embedded`, a name of `jicho backbones`, or an ONNX file
    #[arg(long, default_value = embedded::NAME, value_name = "FILE|NAME")]
    backbone: String,
    /// The tensor that holds the network's features, if it is not found automatically
    #[arg(long, value_name = "TENSOR")]
    features: Option<String>,
    /// A space file that was fitted to other photos with this backbone
    #[arg(long, value_name = "FILE")]
    space: Option<PathBuf>,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    pixels: Pixels,
}

impl Network {
    pub(super) fn request(self) -> Request {
        let (pixels, plan) = (self.pixels.flags(), self.plan.weights());
        Request { backbone: self.backbone, features: self.features, pixels, plan, space: self.space }
    }
}

/// The compiled network that devices run.
#[derive(Args)]
pub(super) struct Plan {
    /// What the compiled network that devices run computes with: half-precision weights, or bytes (half the download, and
    /// faster; calibrated on the photos; import: the weights alone are bytes); `auto` takes bytes if held-out photos are
    /// recognised as well (import: half precision); `none` publishes the ONNX alone, for which devices download a larger
    /// build of the library
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
