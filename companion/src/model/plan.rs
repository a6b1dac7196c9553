//! The plan of a network: compiled, and held against the network itself; or a reason why there is none.

use jicho::engine::{CompiledEngine, Engine, TractEngine};
use jicho::frame::InputPixels;
use jicho::golden;
use jicho::manifest::Preprocessing;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::learning::train::background;
use crate::model::compile::bytes::{self, distance};
use crate::model::compile::{self, Storage};
use crate::progress::Progress;

/// A plan, if there is one, and what is to be said of it.
#[derive(Debug)]
pub struct Compiled {
    /// The file.
    pub plan: Option<Vec<u8>>,
    /// For the report.
    pub note: Note,
}

/// What runs a published network on a device; part of a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Which engine devices run it by.
    pub engine: Runs,
    /// Why there is no plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_reason: Option<String>,
    /// How far the plan's answers are from the network's: the largest distance over a few frames, of answers divided by
    /// their lengths. Answers that have nothing to do with each other are 1.4 apart, opposite ones 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_difference: Option<f32>,
    /// How many of the plan's convolutions compute with bytes.
    #[serde(default, skip_serializing_if = "is_none")]
    pub byte_convolutions: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What devices run a network by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runs {
    /// Its compiled plan.
    Plan,
    /// tract, in the larger build of the library: the network has no plan.
    Tract,
}

/// Why there is no plan when the user wants none.
const NOT_ASKED_FOR: &str = "none was asked for";

impl Compiled {
    fn without(reason: String, plan_difference: Option<f32>) -> Self {
        let note = Note { engine: Runs::Tract, engine_reason: Some(reason), plan_difference, byte_convolutions: 0 };
        Compiled { plan: None, note }
    }

    /// Tells the user where there is no plan although one was wanted.
    pub fn warn(&self, progress: Progress) {
        if let Some(reason) = self.note.engine_reason.as_ref().filter(|reason| *reason != NOT_ASKED_FOR) {
            progress.warn(&format!(
                "no plan: {reason}; devices fetch the larger build of the library, which runs any ONNX"
            ));
        }
    }
}

/// How far a plan may answer from its network, as [`Note::plan_difference`] tells it.
fn tolerance(storage: Storage) -> f32 {
    match storage {
        // Bytes keep two to three digits of a weight.
        Storage::I8 => 0.1,
        // Here values are bytes too, and the frames are unlike the photos that they were calibrated with.
        Storage::Bytes => 0.3,
        Storage::F16 => 0.03,
        Storage::F32 => 1e-3,
    }
}

/// Compiles a network that runs through tract, unless `storage` is none. Where it cannot be compiled, or answers
/// otherwise than before, that is told, and there is no plan: devices then run the ONNX. With [`Storage::Bytes`], the
/// photos tell how values become bytes.
///
/// # Errors
/// A network that does not run.
pub fn make(
    onnx: &[u8],
    preprocessing: &Preprocessing,
    size: usize,
    storage: Option<Storage>,
    photos: &[InputPixels],
    progress: Progress,
) -> Result<Compiled> {
    let made = match storage {
        Some(storage) => compare(onnx, preprocessing, size, storage, photos)?,
        None => Compiled::without(NOT_ASKED_FOR.into(), None),
    };
    made.warn(progress);
    Ok(made)
}

/// Compiles a network and holds the plan's answers against tract's.
fn compare(
    onnx: &[u8],
    preprocessing: &Preprocessing,
    size: usize,
    storage: Storage,
    photos: &[InputPixels],
) -> Result<Compiled> {
    let frames = frames(size)?;
    let answers = |engine: &dyn Engine| -> jicho::Result<Vec<Vec<f32>>> {
        frames.iter().map(|pixels| engine.run_pixels(pixels, preprocessing)).collect()
    };
    let theirs = answers(&TractEngine::load(onnx, preprocessing.layout, size)?)?;
    let compiled =
        compile::compile(onnx, preprocessing.layout, size, storage).map_err(Error::from).and_then(|mut plan| {
            if storage == Storage::Bytes {
                bytes::calibrate(&mut plan, photos, preprocessing)?;
            }
            let spread = if storage == Storage::Bytes { bytes::spread(&plan, photos, preprocessing)? } else { 0.0 };
            let ours = answers(&CompiledEngine::new(&plan)?)?;
            Ok((plan, ours, spread))
        });
    // Whatever the reason, tract runs the network.
    let (plan, ours, spread) = match compiled {
        Ok(compiled) => compiled,
        Err(error) => return Ok(Compiled::without(error.to_string(), None)),
    };
    if spread > bytes::MAX_SPREAD {
        let reason = format!("with bytes, processors answer too differently: {spread}, allowed {}", bytes::MAX_SPREAD);
        return Ok(Compiled::without(reason, None));
    }
    let difference = ours.into_iter().zip(theirs).map(|(ours, theirs)| distance(ours, theirs)).fold(0.0, larger);
    let allowed = tolerance(storage);
    if difference <= allowed {
        let byte_convolutions = bytes::count(&plan);
        let note =
            Note { engine: Runs::Plan, engine_reason: None, plan_difference: Some(difference), byte_convolutions };
        return Ok(Compiled { plan: Some(plan.to_bytes()?), note });
    }
    let reason = format!("it answers otherwise than the network: its answers are {difference} off, allowed {allowed}");
    Ok(Compiled::without(reason, Some(difference)))
}

/// The golden frame, and one of each kind of background.
fn frames(size: usize) -> jicho::Result<Vec<InputPixels>> {
    let rgba = golden::rgba();
    let golden = golden::frame(&rgba).center_square(1.0, size);
    std::iter::once(Ok(golden)).chain((0..background::KINDS).map(|kind| background::pixels(kind, 0, size))).collect()
}

/// What is no number stays none.
fn larger(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() { f32::NAN } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_another_network_are_far() {
        let answer = |seed: u32| (0..1280u32).map(|i| (i.wrapping_mul(seed) >> 16 & 255) as f32).collect::<Vec<f32>>();
        let (one, other) = (answer(2_654_435_761), answer(2_246_822_519));
        assert!(distance(one.clone(), one.iter().map(|v| v * 3.0).collect()) < 1e-5);
        assert!(distance(one.clone(), other) > 2.0 * tolerance(Storage::I8));
        assert!(distance(one.clone(), vec![1.0; 1280]) > 2.0 * tolerance(Storage::I8));
        assert!(distance(one.clone(), one[1..].to_vec()).is_infinite());
        assert!(larger(f32::NAN, 0.0).is_nan() && larger(0.0, f32::NAN).is_nan());
    }
}
