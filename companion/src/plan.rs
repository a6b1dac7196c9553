//! The plan of a network: compiled, and held against the network itself; or a reason why there is none.

use jicho::engine::{CompiledEngine, Engine, TractEngine};
use jicho::golden;
use jicho::manifest::Preprocessing;
use jicho::recognize::normalize;
use serde::Serialize;

use crate::compile::{self, Storage};
use crate::error::{Error, Result};
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
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// `plan`, or `tract` where there is none.
    pub engine: &'static str,
    /// Why there is no plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_reason: Option<String>,
    /// The largest difference between the plan's and the network's answer to the golden frame, both divided by their
    /// lengths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_difference: Option<f32>,
}

impl Compiled {
    fn without(reason: String, plan_difference: Option<f32>, progress: Progress) -> Self {
        progress
            .warn(&format!("no plan: {reason}; devices fetch the larger build of the library, which runs any ONNX"));
        Compiled { plan: None, note: Note { engine: "tract", engine_reason: Some(reason), plan_difference } }
    }
}

/// How far a plan may answer from its network.
fn tolerance(storage: Storage) -> f32 {
    match storage {
        // Bytes keep two to three digits of a weight.
        Storage::I8 => 1e-1,
        Storage::F16 | Storage::F32 => 1e-2,
    }
}

/// Compiles a network that runs through tract, unless `storage` is none. Where it cannot be compiled, or answers
/// otherwise than before, that is told, and there is no plan: devices then run the ONNX.
///
/// # Errors
/// A network that does not run.
pub fn make(
    onnx: &[u8],
    preprocessing: &Preprocessing,
    size: usize,
    storage: Option<Storage>,
    progress: Progress,
) -> Result<Compiled> {
    let Some(storage) = storage else {
        return Ok(Compiled::without("none was asked for".into(), None, Progress::Silent));
    };
    let rgba = golden::rgba();
    let pixels = golden::frame(&rgba).pixels(preprocessing, size);
    let theirs = TractEngine::load(onnx, preprocessing.layout, size)?.run_pixels(&pixels, preprocessing)?;
    let compiled = compile::compile(onnx, preprocessing.layout, size, storage).map_err(Error::from).and_then(|plan| {
        let plan = plan.to_bytes()?;
        let ours = CompiledEngine::load(&plan)?.run_pixels(&pixels, preprocessing)?;
        Ok((plan, ours))
    });
    // Whatever the reason, tract runs the network.
    let (plan, ours) = match compiled {
        Ok(compiled) => compiled,
        Err(error) => return Ok(Compiled::without(error.to_string(), None, progress)),
    };
    let (difference, allowed) = (difference(ours, theirs), tolerance(storage));
    if difference > allowed {
        let reason =
            format!("it answers the golden frame otherwise than the network: by {difference}, allowed {allowed}");
        return Ok(Compiled::without(reason, Some(difference), progress));
    }
    let note = Note { engine: "plan", engine_reason: None, plan_difference: Some(difference) };
    Ok(Compiled { plan: Some(plan), note })
}

/// The largest difference of two answers, both divided by their lengths: heads see no more of them.
fn difference(mut ours: Vec<f32>, mut theirs: Vec<f32>) -> f32 {
    if ours.len() != theirs.len() {
        return f32::INFINITY;
    }
    normalize(&mut ours);
    normalize(&mut theirs);
    ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
