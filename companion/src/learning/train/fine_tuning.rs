//! Fine-tuning: the backbone trained further on the channel's own photos, and kept only if it names more of them.

use rayon::prelude::*;
use serde::Serialize;

use super::content::ContentId;
use super::hold_out::HeldOut;
use crate::dataset::{Dataset, Example, Split};
use crate::error::{Error, Result};
use crate::learning::fine_tune::{self, fine_tune};
use crate::learning::network::view::Square;
use crate::model::backbone::Backbone;
use crate::model::plan;
use crate::progress::Progress;

/// What came of fine-tuning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FineTuning {
    /// Number of photos held out of it. The heads are measured on the same photos.
    pub held_out: usize,
    /// Share of them whose nearest class mean is their own, with the backbone as it was, ...
    pub before: Option<f64>,
    /// ... and with the fine-tuned one.
    pub after: Option<f64>,
    /// Whether the release has the fine-tuned network.
    pub kept: bool,
    /// Bytes that each device downloads for this channel alone: the network as devices run it, and its space.
    pub bytes: Option<u64>,
}

/// A labelled photo to fine-tune on.
struct Photo {
    square: Square,
    content: ContentId,
    label: usize,
    split: Option<Split>,
    /// Whether the backbone was pretrained on it.
    pretrained: bool,
}

/// Fine-tunes the backbone on the labelled photos, and replaces its network by the fine-tuned one if that is better.
///
/// # Errors
/// `NOT_A_BACKBONE` for a network that is not of the MobileNet family; `BAD_INPUT` for a dataset without labels.
pub fn run(backbone: &mut Backbone, dataset: &Dataset, seed: u64, progress: Progress) -> Result<FineTuning> {
    if dataset.labels.is_empty() {
        return Err(Error::BadInput("--fine-tune needs photos of products; these have attributes only".into()));
    }
    let (size, pixels) = (backbone.size, backbone.preprocessing);
    let photos = read(backbone, &dataset.examples);
    let held = held_out(&photos, seed);
    let (squares, labels): (Vec<Square>, Vec<usize>) =
        photos.into_iter().map(|photo| (photo.square, photo.label)).unzip();
    let options = fine_tune::Options { seed, ..fine_tune::Options::default() };
    let tuned = fine_tune(&backbone.onnx, (size, &pixels), &squares, &labels, &held, &options, progress)?;
    let held_out = held.iter().filter(|held| **held).count();
    let Some(tuned) = tuned else {
        progress.warn("fine-tuning names no more held-out photos than before: the network stays as it was");
        return Ok(FineTuning { held_out, before: None, after: None, kept: false, bytes: None });
    };
    backbone.compiled = plan::make(&tuned.onnx, &pixels, size, backbone.storage.storage(), &[], progress)?;
    backbone.onnx = tuned.onnx;
    // Space and calibration belong to the network as it was. What that was pretrained on, the new one knows too.
    backbone.space = None;
    backbone.pretraining.iter_mut().for_each(|made| made.calibration = None);
    let (before, after) = (Some(tuned.before), Some(tuned.after));
    Ok(FineTuning { held_out: tuned.held_out, before, after, kept: true, bytes: None })
}

/// The photos that have a label and can be read. Those that cannot be read are reported when they are embedded. Labels are
/// numbered without gaps, as the heads' classes will be, so that the same photos are held out.
fn read(backbone: &Backbone, examples: &[Example]) -> Vec<Photo> {
    // Squares are somewhat larger than the network's input, so that crops of them are sharp.
    let side = backbone.size * 5 / 4;
    let pretrained =
        backbone.pretraining.as_ref().map_or_else(|| vec![false; examples.len()], |made| made.saw(examples));
    let read = |(example, pretrained): (&Example, &bool)| {
        let (label, bytes) = (example.label?, example.bytes().ok()?);
        let square = Square::decode(example, &bytes, &backbone.preprocessing, side).ok()?;
        let content = ContentId::of(&bytes, example.region);
        Some(Photo { square, content, label, split: example.split, pretrained: *pretrained })
    };
    let mut photos: Vec<Photo> = examples.par_iter().zip(&pretrained).filter_map(read).collect();
    let mut used: Vec<usize> = photos.iter().map(|photo| photo.label).collect();
    used.sort_unstable();
    used.dedup();
    photos.iter_mut().for_each(|photo| photo.label = used.binary_search(&photo.label).unwrap_or_default());
    photos
}

/// Which photos are held out: as for the heads.
fn held_out(photos: &[Photo], seed: u64) -> Vec<bool> {
    let class: Vec<Option<usize>> = photos.iter().map(|photo| Some(photo.label)).collect();
    let contents: Vec<ContentId> = photos.iter().map(|photo| photo.content).collect();
    let classes = photos.iter().map(|photo| photo.label + 1).max().unwrap_or(0);
    let splits: Vec<Option<Split>> = photos.iter().map(|photo| photo.split).collect();
    let HeldOut { held, .. } = HeldOut::of(&splits, &class, classes, &contents, seed);
    held.into_iter().zip(photos).map(|(held, photo)| held && !photo.pretrained).collect()
}
