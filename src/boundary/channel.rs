//! What a channel takes from JavaScript and answers to it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::manifest::ModelType;
#[cfg(target_arch = "wasm32")]
use crate::sync::Loaded;
use crate::sync::{Diagnosis, Outcome, Problem};

/// The model that answers for a channel.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelInfo<'a> {
    /// Channel id.
    channel: &'a str,
    /// Name of the release, unique in its channel.
    version: &'a str,
    /// Rises with every publish, rollbacks included; decides what is newer.
    release_seq: u64,
    /// When training ended, ISO 8601, UTC.
    trained_at: &'a str,
    /// Number of products.
    product_count: usize,
    /// Photos trained on.
    image_count: usize,
    /// Product ids.
    #[cfg_attr(test, ts(type = "string[]"))]
    labels: &'a [String],
    /// Top-1 on photos held out of training, 0–1; null where none could be held out.
    accuracy: Option<f64>,
    /// Side of the network's square input, pixels.
    image_size: usize,
    /// How the answers come about: `embedding` (heads on a frozen network) or `classifier` (one whole network).
    model_type: ModelType,
    /// The network's family, as `mobilenetv2-12`; null where the release does not say.
    architecture: Option<&'a str>,
    /// Bytes of all files that this device fetches of it.
    bytes: u64,
    /// Whether it is the channel's candidate, which only a share of the devices takes.
    candidate: bool,
    /// Whether it survives the page; false while it is being stored, and where that is impossible.
    stored: bool,
    /// Why it does not survive the page (the device is full, the browser allows no storage, …); null while it may.
    stored_problem: Option<String>,
    /// What the release says of products (name, price, …), by product id. The npm package adds what was taught.
    #[cfg_attr(test, ts(type = "Record<string, Record<string, unknown>>"))]
    facts: &'a BTreeMap<String, BTreeMap<String, Value>>,
}

#[cfg(target_arch = "wasm32")]
impl<'a> ModelInfo<'a> {
    pub(crate) fn new(loaded: &'a Loaded) -> Self {
        let manifest = loaded.manifest();
        ModelInfo {
            channel: &manifest.channel_id,
            version: &manifest.version,
            release_seq: manifest.release_seq,
            trained_at: &manifest.trained_at,
            product_count: manifest.product_count,
            image_count: manifest.image_count,
            labels: &manifest.labels,
            accuracy: manifest.accuracy,
            image_size: manifest.image_size,
            model_type: manifest.model_type,
            architecture: manifest.architecture.as_deref(),
            bytes: manifest.total_bytes(),
            candidate: loaded.is_candidate(),
            stored: loaded.stored(),
            stored_problem: loaded.stored_problem(),
            facts: &manifest.facts,
        }
    }
}

/// What came of a sync.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Synced<'a> {
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Why the host could not be reached, where the outcome is `offline`; else null.
    pub(crate) cause: Option<Problem>,
    /// When the host's latest/metadata.json should have been replaced, Unix seconds; null where it was not read or does not
    /// say.
    pub(crate) expires: Option<u64>,
    /// Whether that time has passed, whatever the outcome.
    pub(crate) expired: bool,
    /// The model that answers now, or null.
    pub(crate) model: Option<ModelInfo<'a>>,
}

/// An open channel, described for a support person. Nothing in it is personal.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChannelDiagnosis {
    /// What the channel itself knows.
    #[serde(flatten)]
    pub(crate) diagnosis: Diagnosis,
    /// Which of the package's wasm modules runs: `scalar`, `simd`, `relaxed` or `tract`.
    #[cfg_attr(test, ts(type = "'scalar' | 'simd' | 'relaxed' | 'tract'"))]
    pub(crate) build: &'static str,
    /// Bytes of the wasm module's memory, which all channels in it share. It never shrinks.
    pub(crate) memory_bytes: usize,
    /// Version of the database's schema; null where releases are kept in memory only.
    pub(crate) schema: Option<u32>,
}

/// What a device answers to frames, with the quality of the last one.
#[cfg(test)]
#[derive(Serialize, ts_rs::TS)]
pub(crate) struct Answer {
    /// What the model says.
    #[serde(flatten)]
    recognition: crate::Recognition,
    /// How usable the last frame was; null where it was not asked for.
    quality: Option<crate::Quality>,
}

/// A decoded picture: straight (not premultiplied) 8-bit sRGB with alpha, rows from the top, without padding.
#[cfg(test)]
#[derive(ts_rs::TS)]
#[expect(dead_code, reason = "read by reflection, field by field; written here for its TypeScript")]
pub(crate) struct Frame {
    /// `4 * width * height` bytes.
    #[ts(type = "Uint8Array")]
    rgba: Vec<u8>,
    /// Pixels.
    width: u32,
    /// Pixels.
    height: u32,
}

/// Which video a frame is of, and when it was taken; its motion is told against the frame before.
#[cfg(test)]
#[derive(ts_rs::TS)]
#[expect(dead_code, reason = "read by reflection, field by field; written here for its TypeScript")]
pub(crate) struct Moment {
    /// A number for each video.
    video: u32,
    /// Milliseconds, from any beginning that stays the same.
    at: f64,
}

/// How to recognise.
#[cfg(test)]
#[derive(ts_rs::TS)]
#[expect(dead_code, reason = "read by reflection, field by field; written here for its TypeScript")]
pub(crate) struct RecognizeOptions {
    /// Whether the answer tells the last frame's quality.
    quality: bool,
    /// Of the last frame, where it is of a video.
    #[ts(optional, type = "Moment | undefined")]
    moment: Option<Moment>,
    /// The share of matches that should be right, between 0 and 1; the release's own choice unless given.
    #[ts(optional, type = "number | undefined")]
    precision: Option<f32>,
}

/// How to open a channel.
#[cfg(test)]
#[derive(ts_rs::TS)]
#[ts(rename_all = "camelCase")]
#[expect(dead_code, reason = "read by reflection, field by field; written here for its TypeScript")]
pub(crate) struct ChannelOptions {
    /// Public keys, 64 hex digits each. Where there are any, only releases that they signed are taken.
    #[ts(optional)]
    keys: Option<Vec<String>>,
    /// How many different ones of the keys must have signed a release; 1 unless given.
    #[ts(optional)]
    threshold: Option<usize>,
    /// The product ids that the app knows; null knows all.
    #[ts(optional = nullable)]
    products: Option<Vec<String>>,
    /// Gives the bearer token, or a fresh one after the host answered 401. It is sent to the models' own origin only,
    /// and not kept.
    #[ts(optional, type = "(refresh: boolean) => Promise<string | null | undefined>")]
    token: Option<()>,
    /// Seconds after which a connection that brings no byte counts as broken; 30 unless given.
    #[ts(optional)]
    stall_seconds: Option<f64>,
}
