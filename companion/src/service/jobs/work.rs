//! What a job is asked to do, as it is stored with the job.

use serde::{Deserialize, Serialize};

use crate::model::backbone::PixelFlags;

/// The work of a job. Files that belong to it lie in the job's folder of the data folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Work {
    /// Trains a channel on its photos, and publishes the model if it is not worse.
    #[serde(rename_all = "camelCase")]
    Train {
        /// Also where nothing has changed since the last training.
        #[serde(default)]
        force: bool,
        /// Trains the backbone further.
        #[serde(default)]
        fine_tune: bool,
    },
    /// Downloads a backbone.
    FetchBackbone {
        /// Its name.
        backbone: String,
    },
    /// Measures backbones on a channel's photos.
    Trial {
        /// Their names.
        backbones: Vec<String>,
    },
    /// Publishes an ONNX classifier, which lies in the job's folder with its labels.
    Import {
        /// What is known of its pixels.
        #[serde(default)]
        pixels: Pixels,
        /// The output with a value a label, where several fit.
        #[serde(default)]
        output: Option<String>,
    },
}

/// How pixels go into a network; what is left out is found from the file, where it can be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Pixels {
    /// Order of the axes: `nchw` or `nhwc`.
    pub layout: Option<String>,
    /// Order of the colours: `rgb` or `bgr`.
    pub color: Option<String>,
    /// What bytes 0 and 255 become.
    pub range: Option<[f32; 2]>,
    /// Subtracted from each colour.
    pub mean: Option<[f32; 3]>,
    /// Each colour is divided by it.
    pub std: Option<[f32; 3]>,
    /// Share of the picture's shorter side that is looked at.
    pub crop: Option<f64>,
    /// Side of the input in pixels, where the network leaves it open.
    pub size: Option<usize>,
}

impl Pixels {
    /// As the companion takes it.
    ///
    /// # Errors
    /// Words that name no layout or colour order.
    pub fn flags(&self) -> serde_json::Result<PixelFlags> {
        serde_json::from_value(serde_json::to_value(self)?)
    }
}

impl Work {
    /// The word by which its kind is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Work::Train { .. } => "train",
            Work::FetchBackbone { .. } => "fetch-backbone",
            Work::Trial { .. } => "trial",
            Work::Import { .. } => "import",
        }
    }

    /// Requests with the same key are one job as long as it waits. `job` is the id of a new job: each import brings files
    /// of its own, and is merged with no other.
    pub(super) fn merge_key(&self, job: &str) -> String {
        match self {
            Work::Train { .. } => "train".into(),
            Work::FetchBackbone { backbone } => format!("fetch-backbone {backbone}"),
            Work::Trial { backbones } => format!("trial {}", backbones.join(" ")),
            Work::Import { .. } => format!("import {job}"),
        }
    }

    /// The work of a job that waits, once this is merged into it: whatever either asks for.
    pub(super) fn merged(&self, waiting: &Work) -> Work {
        match (self, waiting) {
            (Work::Train { force, fine_tune }, Work::Train { force: also, fine_tune: too }) => {
                Work::Train { force: *force || *also, fine_tune: *fine_tune || *too }
            }
            _ => self.clone(),
        }
    }
}
