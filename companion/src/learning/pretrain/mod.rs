//! Makes a small backbone from photos. It learns to predict the embeddings of a larger network, its teacher, and the
//! photos' labels.

mod calibration;
mod card;
mod photos;
mod teacher;

use std::path::PathBuf;
use std::time::Instant;

use jicho::manifest::Preprocessing;
use serde_json::json;

use crate::dataset::Reading;
use crate::error::{Error, Result, at};
use crate::learning::network::design::Design;
use crate::learning::network::onnx::{self, Storage};
use crate::learning::network::random::stream;
use crate::learning::network::schedule::{Schedule, TrainingData};
use crate::learning::network::student::Student;
use crate::learning::network::{Network, nearest_mean};
use crate::model::backbone;
use crate::model::backbone::pretraining::Pretraining;
use crate::model::onnx::{decode, encode};
use crate::progress::Progress;
pub use card::Card;
use photos::Photos;

/// Photos per step. Few, since the number of steps matters more than the size of a batch.
const BATCH: usize = 32;
/// Weight decay of the optimizer.
const DECAY: f32 = 0.02;
/// Weights are stored as bytes if that costs at most this share of the held-out photos.
const NO_LOSS: f64 = 0.002;
/// How the new backbone takes its pixels.
const PIXELS: Preprocessing = crate::model::backbone::registry::SYMMETRIC;

/// What to make, and from what.
pub struct Options {
    /// Folders with a folder per product, or JSONL files.
    pub photos: Vec<PathBuf>,
    /// How they are read.
    pub reading: Reading,
    /// A text file with products, one per line, whose photos are left out.
    pub leave_out: Option<PathBuf>,
    /// Number of drawn photos of each product of `jicho samples` that are added, without labels.
    pub generated: usize,
    /// The teacher.
    pub teacher: Option<backbone::Request>,
    /// Photos that are not learnt from, to measure and calibrate on.
    pub held_out: Option<PathBuf>,
    /// The folder to write to.
    pub out: PathBuf,
    /// Number of crops per photo that the teacher sees.
    pub parts: usize,
    /// The network's blocks.
    pub design: Design,
    /// (Side in pixels, epochs), in order.
    pub sizes: Vec<(usize, usize)>,
    /// Side of the network's input in pixels.
    pub size: usize,
    /// The highest rate of learning.
    pub rate: f32,
    /// The share of photos that are mixed with another one, 0 to 1.
    pub mix: f32,
    /// Weight of the labels' loss; 0 ignores labels.
    pub class_weight: f32,
    /// Seed of everything random.
    pub seed: u64,
    /// The licence of photos and teacher, for the model card.
    pub licence: Option<String>,
    /// The command line, for the model card.
    pub command: String,
}

/// Makes the backbone. Writes `backbone.onnx`, `model-card.md` and `model-card.json` into the folder, and
/// `space.safetensors` if there are labels.
///
/// # Errors
/// Photos, teacher or options that cannot be used; a folder that cannot be written.
pub fn run(options: &Options, progress: Progress) -> Result<Card> {
    let started = Instant::now();
    check(options)?;
    let size = options.size;
    let photos = Photos::read(options, size, progress)?;
    let classes = if options.class_weight > 0.0 { photos.classes.len() } else { 0 };
    if classes < 2 && options.teacher.is_none() {
        let message =
            "there is nothing to learn: give a --teacher, or photos of at least two products and a --class-weight";
        return Err(Error::BadInput(message.into()));
    }
    let teacher = options.teacher.as_ref().map(|request| backbone::resolve(request, progress)).transpose()?;
    let targets = teacher
        .as_ref()
        .map(|teacher| teacher::targets(teacher, &photos.squares, options.parts, options.seed, progress))
        .transpose()?;
    let length = targets.as_ref().map_or(0, |targets| targets.length);

    let network = options.design.build(&mut stream(options.seed, [4, 0, 0]));
    let outputs = if classes > 1 { [classes, length] } else { [0, length] };
    let mut student = Student::new(network, outputs, DECAY, &mut stream(options.seed, [5, 0, 0]));
    student.class_weight = options.class_weight;
    let Options { sizes, rate, mix, seed, .. } = options;
    let schedule = Schedule { sizes: sizes.clone(), batch: BATCH, rate: *rate, mix: *mix, seed: *seed };
    let data = TrainingData { squares: &photos.squares, labels: &photos.labels, pixels: PIXELS, targets };
    let losses = train(&schedule, &mut student, &data, progress);

    let network = student.network.folded();
    let mut measured = Measured::of(&network, &photos, size)?;
    std::fs::create_dir_all(&options.out).map_err(at(&options.out))?;
    let (space, calibration) = calibration::run(&measured.file, &photos, progress)?;
    let mut model = decode(&measured.file)?;
    Pretraining::of(&photos.examples, calibration).write(&mut model);
    measured.file = encode(&model);
    let files = [("space.safetensors", space), ("backbone.onnx", Some(measured.file.clone()))];
    for (name, bytes) in files {
        let path = options.out.join(name);
        match bytes {
            Some(bytes) => std::fs::write(&path, bytes).map_err(at(&path))?,
            // A file of an earlier backbone would not fit this one.
            None => std::fs::remove_file(&path).or_else(absent_is_fine).map_err(at(&path))?,
        }
    }
    let card = Card::new(options, &photos, teacher.as_ref(), &network, &measured, losses, started.elapsed());
    card.write(&options.out)?;
    Ok(card)
}

fn absent_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn check(options: &Options) -> Result<()> {
    let bad = |message: String| Err(Error::BadInput(message));
    let sides = options.sizes.iter().map(|(side, _)| *side).chain([options.size]);
    if let Some(side) = sides.into_iter().find(|side| !(32..=512).contains(side) || side % 8 != 0) {
        return bad(format!("a network cannot have a side of {side} pixels: give a multiple of 8 from 32 to 512"));
    }
    if options.parts == 0 || options.sizes.iter().any(|(_, epochs)| *epochs == 0) {
        return bad("--parts and the epochs of --sizes must be at least 1".into());
    }
    if !(0.0..=1.0).contains(&options.mix) {
        return bad("--mix, the share of photos that are mixed, must be between 0 and 1".into());
    }
    if !(options.rate > 0.0 && options.rate < 1.0) || options.class_weight < 0.0 || !options.class_weight.is_finite() {
        return bad("--rate must be above 0 and below 1, and --class-weight must not be negative".into());
    }
    Ok(())
}

/// Trains the student. Returns the mean losses of the last epoch: of the labels, and of the teacher.
fn train(schedule: &Schedule, student: &mut Student, data: &TrainingData, progress: Progress) -> [f64; 2] {
    let steps = schedule.steps(data.squares.len());
    let epoch = steps / schedule.sizes.iter().map(|(_, epochs)| epochs).sum::<usize>();
    let stage = progress.stage("train", steps);
    let (mut sums, mut last) = ([0.0; 2], [0.0; 2]);
    schedule.train(student, data, |step, losses| {
        stage.advance();
        sums[0] += losses.classes / epoch as f64;
        sums[1] += losses.targets / epoch as f64;
        if (step + 1) % epoch == 0 {
            last = std::mem::take(&mut sums);
            let number = (step + 1) / epoch;
            progress.note(&format!("epoch {number}: labels {:.3}, teacher {:.3}", last[0], last[1]));
            progress.event(&json!({ "event": "epoch", "epoch": number, "labels": last[0], "teacher": last[1] }));
        }
    });
    stage.finish();
    last
}

/// The backbone's file, and how it does on the held-out photos.
struct Measured {
    file: Vec<u8>,
    storage: Storage,
    images: usize,
    /// Accuracy of the nearest class mean, with the network as trained and as stored.
    float: Option<f64>,
    stored: Option<f64>,
}

impl Measured {
    /// Stores the network's weights as bytes if that loses nothing on the held-out photos, otherwise in half precision.
    fn of(network: &Network, photos: &Photos, size: usize) -> Result<Measured> {
        let labelled = || (0..photos.squares.len()).filter(|i| photos.labels[*i].is_some());
        let known: Vec<_> = labelled().map(|i| photos.squares[i].clone()).collect();
        let labels: Vec<usize> = labelled().filter_map(|i| photos.labels[i]).collect();
        let share = |network: &Network| {
            let [known, asked] =
                [&known, &photos.held_squares].map(|s| nearest_mean::features(network, s, size, &PIXELS));
            let truth: Vec<usize> = photos.held_examples.iter().filter_map(|example| example.label).collect();
            nearest_mean::accuracy(&known, &labels, &asked, &truth)
        };
        let images = photos.held_squares.len();
        let float = if images > 0 { share(network) } else { None };
        if let Some(float) = float {
            let file = onnx::write(network, size, &PIXELS, Storage::I8);
            let stored = share(&onnx::read(&file, size)?);
            if stored.is_some_and(|stored| stored >= float - NO_LOSS) {
                return Ok(Measured { file, storage: Storage::I8, images, float: Some(float), stored });
            }
        }
        let file = onnx::write(network, size, &PIXELS, Storage::F16);
        let stored = if images > 0 { share(&onnx::read(&file, size)?) } else { None };
        Ok(Measured { file, storage: Storage::F16, images, float, stored })
    }
}
