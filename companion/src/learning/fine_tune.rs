//! Trains a backbone further on a channel's own photos, and keeps the result only if it is better.

use jicho::manifest::Preprocessing;

use crate::error::Result;
use crate::learning::network::onnx::{self, Storage};
use crate::learning::network::random::stream;
use crate::learning::network::schedule::{Schedule, TrainingData};
use crate::learning::network::student::Student;
use crate::learning::network::view::Square;
use crate::learning::network::{Network, nearest_mean};
use crate::progress::Progress;

/// Weight decay of the optimizer.
const DECAY: f32 = 0.01;

/// How to fine-tune.
#[derive(Debug, Clone)]
pub struct Options {
    /// Number of epochs: each photo is seen once per epoch.
    pub epochs: usize,
    /// The highest learning rate.
    pub rate: f32,
    /// The first block that is trained; 0 trains the whole network.
    pub first_block: usize,
    /// Photos per step.
    pub batch: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { epochs: 12, rate: 3e-4, first_block: 0, batch: 32, seed: 1 }
    }
}

/// A fine-tuned network that is better than the one before.
#[derive(Debug)]
pub struct Tuned {
    /// The network as an ONNX file in half precision. Each device has to download it, since no other channel uses it.
    pub onnx: Vec<u8>,
    /// Number of held-out photos.
    pub held_out: usize,
    /// Share of them whose nearest class mean is their own, with the network as it was, ...
    pub before: f64,
    /// ... and with the fine-tuned one.
    pub after: f64,
}

/// Trains the network further, at its own `size`, on the photos that are not `held` out. None when it does no better than
/// before on the held-out photos, or there are none.
///
/// # Errors
/// `NOT_A_BACKBONE` for a network that is not of the MobileNet family, `INVALID_MODEL` for a file that is no network.
pub fn fine_tune(
    network: &[u8],
    (size, pixels): (usize, &Preprocessing),
    squares: &[Square],
    labels: &[usize],
    held: &[bool],
    options: &Options,
    progress: Progress,
) -> Result<Option<Tuned>> {
    let network = onnx::read(network, size)?;
    let (held, learnt): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|i| held[*i]);
    let classes = labels.iter().max().map_or(0, |most| most + 1);
    if held.is_empty() || classes < 2 {
        return Ok(None);
    }
    let take = |places: &[usize]| -> (Vec<Square>, Vec<usize>) {
        places.iter().map(|i| (squares[*i].clone(), labels[*i])).unzip()
    };
    let ((squares, labels), (held_squares, truth)) = (take(&learnt), take(&held));
    let share = |network: &Network| {
        let [known, asked] = [&squares, &held_squares].map(|s| nearest_mean::features(network, s, size, pixels));
        nearest_mean::accuracy(&known, &labels, &asked, &truth).unwrap_or(0.0)
    };
    let before = share(&network);
    let mut student = Student::new(network, [classes, 0], DECAY, &mut stream(options.seed, [6, 0, 0]));
    student.first_block = options.first_block;
    let schedule = Schedule {
        sizes: vec![(size, options.epochs)],
        batch: options.batch,
        rate: options.rate,
        mix: 0.0,
        seed: options.seed,
    };
    let known: Vec<Option<usize>> = labels.iter().copied().map(Some).collect();
    let data = TrainingData { squares: &squares, labels: &known, pixels: *pixels, targets: None };
    let stage = progress.stage("fine-tune", schedule.steps(squares.len()));
    schedule.train(&mut student, &data, |_, _| stage.advance());
    stage.finish();
    let onnx = onnx::write(&student.network, size, pixels, Storage::F16);
    let after = share(&onnx::read(&onnx, size)?);
    Ok((after > before).then_some(Tuned { onnx, held_out: held.len(), before, after }))
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::learning::network::random::{normal, uniform};

    const PIXELS: Preprocessing = crate::model::backbone::registry::SYMMETRIC;

    fn network() -> Vec<u8> {
        let network = "c8/2,c16/2,s16".parse::<crate::learning::network::design::Design>().unwrap();
        onnx::write(&network.build(&mut stream(2, [0; 3])), 32, &PIXELS, Storage::F16)
    }

    /// Photos of two classes: faint stripes, upright or level, on a ground of any colour; or plain colours.
    fn photos(stripes: bool, each: usize) -> (Vec<Square>, Vec<usize>) {
        let mut rng = stream(9, [0; 3]);
        let photo = |class: usize, rng: &mut _| {
            let (phase, ground) = (uniform(rng, 0.0, 6.3), [0; 3].map(|_| uniform(rng, 60.0, 200.0)));
            let mut rgb = Vec::new();
            for at in 0..48 * 48 {
                let along = if class == 0 { at / 48 } else { at % 48 };
                let wave = 25.0 * (along as f32 * 0.8 + phase).sin() + 10.0 * normal(rng);
                let plain = [200.0, 30.0, 100.0 * class as f32];
                rgb.extend((if stripes { ground.map(|v| v + wave) } else { plain }).map(|v| v as u8));
            }
            Square { side: 48, rgb }
        };
        (0..2 * each).map(|i| (photo(i % 2, &mut rng), i % 2)).unzip()
    }

    fn tune_with(photos: &(Vec<Square>, Vec<usize>), held_out: usize, options: &Options) -> Option<Tuned> {
        let count = photos.1.len();
        let held: Vec<bool> = (0..count).map(|i| i >= count - held_out).collect();
        fine_tune(&network(), (32, &PIXELS), &photos.0, &photos.1, &held, options, Progress::Silent).unwrap()
    }

    fn tune(photos: &(Vec<Square>, Vec<usize>), held_out: usize) -> Option<Tuned> {
        tune_with(photos, held_out, &Options { epochs: 40, rate: 5e-3, batch: 16, ..Options::default() })
    }

    #[test]
    fn a_network_that_improves_is_kept() {
        let photos = photos(true, 24);
        let tuned = tune(&photos, 12).unwrap();
        assert_eq!(tuned.held_out, 12);
        assert!(tuned.after > tuned.before, "{} to {}", tuned.before, tuned.after);
        // It is a network of the same kind, and the same bytes each time.
        assert_eq!(onnx::read(&tuned.onnx, 32).unwrap().outputs(), 16);
        assert!(tuned.onnx != network() && tuned.onnx == tune(&photos, 12).unwrap().onnx);
    }

    #[test]
    fn a_network_that_cannot_improve_is_not_kept() {
        // Any network tells colours apart.
        assert!(tune(&photos(false, 8), 4).is_none());
        // Nothing is held out.
        assert!(tune(&photos(true, 3), 0).is_none());
    }

    #[test]
    fn early_blocks_can_stay_as_they_are() {
        let options = Options { epochs: 40, rate: 5e-3, batch: 16, first_block: 1, ..Options::default() };
        let tuned = tune_with(&photos(true, 24), 12, &options);
        let (before, after) = (onnx::read(&network(), 32).unwrap(), onnx::read(&tuned.unwrap().onnx, 32).unwrap());
        assert_eq!(before.blocks[0], after.blocks[0]);
        assert_ne!(before.blocks[1], after.blocks[1]);
    }

    #[test]
    fn other_networks_are_refused() {
        let refused = fine_tune(b"no", (32, &PIXELS), &[], &[], &[], &Options::default(), Progress::Silent);
        assert_eq!(refused.unwrap_err().code(), "INVALID_MODEL");
    }
}
