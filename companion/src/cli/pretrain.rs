//! The command `jicho pretrain`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::reading::Reading;
use crate::error::{Error, Result};
use crate::learning::network::design::Design;
use crate::learning::pretrain;
use crate::model::backbone::{PixelFlags, PlanStorage, Request};
use crate::progress::{Progress, emit};

/// The default design: under 60 million multiplications at 112 pixels. Among designs of about that cost, those with wide
/// convolutions learnt most from few photos.
const DESIGN: &str = "c24/2,c48/2,c88/2,c88,c192/2,c192,s384";

/// `jicho pretrain`
#[derive(Args)]
pub struct Pretrain {
    /// Folders with a folder of photos per product, or files that `jicho train` reads
    #[arg(required = true)]
    photos: Vec<PathBuf>,
    /// The folder to write backbone.onnx, space.safetensors and a model card to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The larger backbone to learn from: a name of `jicho backbones`, or an ONNX file
    #[arg(long, value_name = "FILE|NAME")]
    teacher: Option<String>,
    /// Side in pixels at which the teacher sees the parts (default: where its features are best)
    #[arg(long, value_name = "PX", requires = "teacher")]
    teacher_size: Option<usize>,
    /// Photos that are not learnt from, to measure and calibrate on
    #[arg(long, value_name = "DIR")]
    held_out: Option<PathBuf>,
    /// Text file with products, one per line, whose photos are left out
    #[arg(long, value_name = "FILE")]
    leave_out: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Add this many drawn photos of each product of `jicho samples`; needs a teacher
    #[arg(long, default_value_t = 0, value_name = "N", requires = "teacher")]
    generated: usize,
    /// Number of parts of each photo that the teacher sees
    #[arg(long, default_value_t = 16, value_name = "N")]
    parts: usize,
    /// Sides in pixels, and how many epochs to train at each, in order
    #[arg(long, default_value = "64x150,96x170", value_parser = sizes, value_name = "PXxN,…")]
    sizes: Sizes,
    /// Side of the network's input in pixels. Somewhat larger than in training, where parts of photos show things larger
    #[arg(long, default_value_t = 112, value_name = "PX")]
    size: usize,
    /// The network's blocks: c24/2 is a 3×3 convolution to 24 channels that halves the sides, s96 a separable one to 96
    #[arg(long, default_value = DESIGN, value_name = "BLOCK,…")]
    blocks: Design,
    /// The highest learning rate
    #[arg(long, default_value_t = 0.002, value_name = "RATE")]
    rate: f32,
    /// Share of the photos that are mixed with another one
    #[arg(long, default_value_t = 0.5, value_name = "SHARE")]
    mix: f32,
    /// Weight of the labels beside the teacher; 0 ignores the labels
    #[arg(long, default_value_t = 0.2, value_name = "WEIGHT")]
    class_weight: f32,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The licence of photos and teacher, written into the model card
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
    /// Report progress and result as JSON lines on stdout
    #[arg(long)]
    pub json: bool,
}

// A type of its own, since clap reads a bare Vec as several values.
#[derive(Clone)]
struct Sizes(Vec<(usize, usize)>);

impl Pretrain {
    /// Makes the backbone and prints its path.
    pub fn run(self) -> Result<()> {
        let progress = Progress::lines(self.json);
        let out = self.out.clone();
        let card = pretrain::run(&self.options(), progress)?;
        let result = serde_json::to_value(&card).map_err(Error::Json)?;
        progress.event(&json!({ "event": "pretrained", "card": result }));
        if progress == Progress::Human {
            let share = card.accuracy_stored.map_or("not measured".to_owned(), |s| format!("{:.1} %", 100.0 * s));
            eprintln!("{} bytes, {} weights, nearest class mean on held-out photos {share}", card.bytes, card.weights);
            emit(out.join("backbone.onnx").display());
        }
        Ok(())
    }

    fn options(self) -> pretrain::Options {
        let command = self.command();
        let pixels = PixelFlags { size: self.teacher_size, ..PixelFlags::default() };
        let request = |backbone| Request { backbone, pixels, plan: PlanStorage::None, ..Request::default() };
        pretrain::Options {
            photos: self.photos,
            reading: self.reading.options(),
            leave_out: self.leave_out,
            generated: self.generated,
            teacher: self.teacher.map(request),
            held_out: self.held_out,
            out: self.out,
            parts: self.parts,
            design: self.blocks,
            sizes: self.sizes.0,
            size: self.size,
            rate: self.rate,
            mix: self.mix,
            class_weight: self.class_weight,
            seed: self.seed,
            licence: self.licence,
            command,
        }
    }

    /// The command line, with file names but without their folders.
    fn command(&self) -> String {
        let name = |path: &PathBuf| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let mut words = vec!["jicho pretrain".to_owned()];
        words.extend(self.photos.iter().map(name));
        words.extend(self.reading.words());
        let mut option = |key: &str, value: Option<String>| words.extend(value.map(|value| format!("--{key} {value}")));
        option("teacher", self.teacher.as_ref().map(|teacher| name(&PathBuf::from(teacher))));
        option("teacher-size", self.teacher_size.map(|size| size.to_string()));
        option("held-out", self.held_out.as_ref().map(name));
        option("leave-out", self.leave_out.as_ref().map(name));
        option("generated", (self.generated > 0).then(|| self.generated.to_string()));
        option("parts", Some(self.parts.to_string()));
        let sizes: Vec<String> = self.sizes.0.iter().map(|(side, epochs)| format!("{side}x{epochs}")).collect();
        option("sizes", Some(sizes.join(",")));
        option("size", Some(self.size.to_string()));
        option("blocks", Some(self.blocks.to_string()));
        option("rate", Some(self.rate.to_string()));
        option("mix", Some(self.mix.to_string()));
        option("class-weight", Some(self.class_weight.to_string()));
        option("seed", Some(self.seed.to_string()));
        option("out", Some("DIR".into()));
        words.join(" ")
    }
}

/// `64x60,128x15`.
fn sizes(text: &str) -> Result<Sizes, String> {
    let size = |part: &str| {
        let (side, epochs) = part.split_once('x')?;
        Some((side.trim().parse().ok()?, epochs.trim().parse().ok()?))
    };
    let sizes: Option<Vec<_>> = text.split(',').map(size).collect();
    sizes.map(Sizes).ok_or_else(|| "give sides and epochs, as 64x60,128x15".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_sides_and_epochs() {
        assert_eq!(sizes("64x60, 128x15").unwrap().0, [(64, 60), (128, 15)]);
        assert!(sizes("64").is_err() && sizes("64x").is_err() && sizes("").is_err());
    }
}
