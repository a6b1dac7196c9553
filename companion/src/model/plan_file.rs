//! `jicho compile`: an ONNX file to a plan file.

use std::fs;
use std::path::PathBuf;

use jicho::engine::plan::Plan;
use jicho::frame::InputPixels;
use jicho::manifest::{Layout, MAX_IMAGE_SIZE};
use serde::{Deserialize, Serialize};

use super::backbone::{self, PixelFlags};
use super::compile::summary::{Summary, summary};
use super::compile::{Storage, bytes, compile};
use super::isolated::{self, Answer, Task};
use super::onnx::{self, cut};
use crate::dataset::{Dataset, Reading};
use crate::error::{Error, Result, at};

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the plan goes.
    pub out: PathBuf,
    /// What to compile.
    pub question: Question,
}

/// What the child is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Question {
    /// The network.
    pub model: PathBuf,
    /// How its pixels go in, where neither its shape nor its file tells.
    pub pixels: PixelFlags,
    /// How weights are stored.
    pub storage: Storage,
    /// With [`Storage::Bytes`], photos that tell how values become bytes.
    pub photos: PathBuf,
}

/// Compiles a file.
///
/// # Errors
/// A file that is no image network, a layout or size that is not known, a network that has no plan.
pub fn run(options: &Options) -> Result<Summary> {
    let ((), files) = isolated::ask(Task::Plan(options.question.clone()))?;
    let bytes = files.into_iter().next().unwrap_or_default();
    let plan = Plan::parse(&bytes)?;
    fs::write(&options.out, &bytes).map_err(at(&options.out))?;
    Ok(summary(&plan, bytes.len()))
}

/// The child's part: the plan.
///
/// # Errors
/// See [`run`].
pub fn answer(question: &Question) -> Result<Answer<()>> {
    let file = onnx::read(&question.model)?;
    let mut model = file.model.clone();
    onnx::half_weights::compute_in_float(&mut model);
    onnx::take_one_image(&mut model);
    let input = onnx::image_input(&model)?;
    let agreed = |told: Option<usize>, asked: Option<usize>, what: &str| match (told, asked) {
        (Some(told), Some(asked)) if told != asked => {
            Err(Error::PixelsUnknown(format!("the shape of the input says otherwise than --{what}")))
        }
        (told, asked) => told
            .or(asked)
            .ok_or_else(|| Error::PixelsUnknown(format!("the shape of the input leaves it open: give --{what}"))),
    };
    let number = |layout: Layout| usize::from(layout == Layout::Nhwc);
    let layout = agreed(input.layout.map(number), question.pixels.layout.map(number), "layout")?;
    let layout = if layout == 0 { Layout::Nchw } else { Layout::Nhwc };
    let size = agreed(input.size, question.pixels.size, "size")?;
    if !(1..=MAX_IMAGE_SIZE).contains(&size) {
        let message = format!("an input of {size} pixels a side is not within 1 and {MAX_IMAGE_SIZE}");
        return Err(Error::PixelsUnknown(message));
    }
    let outputs: Vec<String> = onnx::graph(&model)?.output.iter().map(|output| output.name.clone()).collect();
    if let [only] = &outputs[..] {
        model = cut::at_output(&model, only)?;
    }
    let mut plan = compile(&onnx::ready(model)?, layout, size, question.storage)?;
    if question.storage == Storage::Bytes {
        calibrate(&mut plan, &file, size, question)?;
    }
    plan.program.onnx = file.sha256;
    Ok(((), vec![plan.to_bytes()?]))
}

/// Lets the plan compute with bytes, as its photos tell.
fn calibrate(plan: &mut Plan<'static>, file: &onnx::File, size: usize, question: &Question) -> Result<()> {
    let preprocessing = backbone::known_pixels(file, &question.pixels)?.preprocessing;
    let dataset = Dataset::read_unlabelled(&question.photos, &Reading::default())?;
    let step = dataset.examples.len().div_ceil(bytes::MAX_PHOTOS).max(1);
    let photos = dataset.examples.iter().step_by(step).filter_map(|example| example.read().ok());
    let pixels = photos.map(|photo| Ok(photo.frame()?.input_pixels(&preprocessing, size)));
    let pixels = pixels.collect::<jicho::Result<Vec<InputPixels>>>()?;
    if pixels.is_empty() {
        return Err(Error::NoPhotos("none of --photos could be read".into()));
    }
    Ok(bytes::calibrate(plan, &pixels, &preprocessing)?)
}
