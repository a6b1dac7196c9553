//! The model card of a backbone: what it was made from, how, and how well it does (Mitchell et al. 2019).

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::{Measured, Options, Photos};
use crate::digest::sha256;
use crate::error::{Result, at};
use crate::json;
use crate::learning::network::Network;
use crate::model::backbone::Backbone;

/// The model card.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// The command that makes the backbone again.
    pub command: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Length of the file in bytes.
    pub bytes: usize,
    /// How the file stores weights: `f16` or `int8`.
    pub weights: &'static str,
    /// Side of the input in pixels.
    pub size: usize,
    /// Length of the embedding.
    pub embedding: usize,
    /// Number of trained parameters.
    pub parameters: usize,
    /// Number of multiplications for one image.
    pub multiplications: usize,
    /// Number of photos that it learnt from, without drawn ones.
    pub photos: usize,
    /// Number of drawn photos that it learnt from.
    pub generated: usize,
    /// The products whose labels it learnt.
    pub classes: Vec<String>,
    /// The name of the teacher's file.
    pub teacher: Option<String>,
    /// Number of crops per photo that the teacher saw.
    pub parts: usize,
    /// The licence of photos and teacher, if stated.
    pub licence: Option<String>,
    /// (Side in pixels, epochs), in order.
    pub sizes: Vec<(usize, usize)>,
    /// Seed of everything random.
    pub seed: u64,
    /// Mean losses of the last epoch: cross-entropy with the labels, and one minus the cosine with the teacher.
    pub losses: [f64; 2],
    /// Number of held-out photos.
    pub held_out: usize,
    /// Share of them whose nearest class mean is their own, with the network as trained, ...
    pub accuracy: Option<f64>,
    /// ... and as stored.
    pub accuracy_stored: Option<f64>,
    /// Seconds that making it took.
    pub seconds: f64,
}

impl Card {
    pub(super) fn new(
        options: &Options,
        photos: &Photos,
        teacher: Option<&Backbone>,
        network: &Network,
        measured: &Measured,
        losses: [f64; 2],
        time: Duration,
    ) -> Card {
        let size = options.size;
        let file_name = |name: &str| Path::new(name).file_name().map(|name| name.to_string_lossy().into_owned());
        Card {
            command: options.command.clone(),
            sha256: sha256(&measured.file),
            bytes: measured.file.len(),
            weights: measured.storage.name(),
            size,
            embedding: network.outputs(),
            parameters: network.parameters(),
            multiplications: network.multiplications(size),
            photos: photos.squares.len() - photos.generated,
            generated: photos.generated,
            classes: if options.class_weight > 0.0 { photos.classes.clone() } else { Vec::new() },
            teacher: teacher.and_then(|teacher| file_name(&teacher.name)),
            parts: options.parts,
            licence: options.licence.clone(),
            sizes: options.sizes.clone(),
            seed: options.seed,
            losses,
            held_out: measured.images,
            accuracy: measured.float,
            accuracy_stored: measured.stored,
            seconds: time.as_secs_f64().round(),
        }
    }

    /// Writes `model-card.json` and `model-card.md`.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        for (name, bytes) in [("model-card.json", json::pretty(self)?), ("model-card.md", self.markdown().into_bytes())]
        {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(at(&path))?;
        }
        Ok(())
    }

    fn markdown(&self) -> String {
        let Card { command, sha256, bytes, weights, size, embedding, parameters, photos, parts, seed, seconds, .. } =
            self;
        let percent = |share: Option<f64>| share.map_or("not measured".into(), |s| format!("{:.1} %", 100.0 * s));
        let million = |count: usize| count as f64 / 1e6;
        let sizes: Vec<String> = self.sizes.iter().map(|(side, epochs)| format!("{epochs} at {side} px")).collect();
        let lines = [
            "# LabelModel card\n".to_owned(),
            "A small convolutional network that turns a photo into an embedding.\n".to_owned(),
            "| | |\n|---|---|".to_owned(),
            format!("| input | {size}×{size} RGB, −1 to 1 |"),
            format!("| embedding | {embedding} values |"),
            format!("| parameters | {:.2} million |", million(*parameters)),
            format!("| multiplications | {:.1} million an image |", million(self.multiplications)),
            format!("| file | {bytes} bytes, {weights} weights, sha256 `{sha256}` |"),
            format!("| made from | {photos} photos, {} drawn ones |", self.generated),
            format!("| labels | {} products |", self.classes.len()),
            format!("| teacher | {}, {parts} parts of each photo |", self.teacher.as_deref().unwrap_or("none")),
            format!("| licence | {} |", self.licence.as_deref().unwrap_or("not stated")),
            format!("| epochs | {} |", sizes.join(", ")),
            format!("| loss | labels {:.3}, teacher {:.3} |", self.losses[0], self.losses[1]),
            format!(
                "| held out | {} photos of the same products, nearest class mean: {} as trained, {} as stored |",
                self.held_out,
                percent(self.accuracy),
                percent(self.accuracy_stored)
            ),
            format!("| seed, time | {seed}, {seconds} s |"),
            format!("\nMade by `{command}`.\n"),
            "It knows what its photos showed. It tells other kinds of things apart less well than a network trained on more photos."
                .to_owned(),
        ];
        lines.join("\n") + "\n"
    }
}
