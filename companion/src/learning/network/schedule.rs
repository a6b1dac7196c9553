//! The training schedule of a student: which photos it sees when, at which size, and how they are changed.

use jicho::manifest::Preprocessing;
use rayon::prelude::*;

use super::mixup::mix;
use super::optimizer::cosine_rate;
use super::random::{below, shuffle, stream};
use super::student::{Losses, SHARD, Shard, Student};
use super::view::{Augmentation, Crop, Square};

/// What a student learns from.
pub struct TrainingData<'a> {
    /// The photos.
    pub squares: &'a [Square],
    /// The class of each photo, if known.
    pub labels: &'a [Option<usize>],
    /// How the network takes its pixels.
    pub pixels: Preprocessing,
    /// The teacher's embeddings of fixed crops of each photo, to be predicted. Without them, crops are random.
    pub targets: Option<Targets>,
}

/// The teacher's embeddings: a unit vector for each of `crops` crops of each photo.
pub struct Targets {
    /// Number of crops per photo.
    pub crops: usize,
    /// Length of a vector.
    pub length: usize,
    /// The vectors, photo by photo and crop by crop.
    pub values: Vec<f32>,
}

/// How long, at which sizes, and how fast a student learns.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// (Side in pixels, epochs), in order: each photo is seen once per epoch.
    pub sizes: Vec<(usize, usize)>,
    /// Photos per step.
    pub batch: usize,
    /// The highest learning rate.
    pub rate: f32,
    /// The share of photos that are mixed with another one, 0 to 1.
    pub mix: f32,
    /// Seed of everything random.
    pub seed: u64,
}

/// The fixed crop `number` of photo `photo`; number 0 is the whole photo.
pub fn fixed_crop(seed: u64, photo: usize, number: usize) -> Crop {
    if number == 0 { Crop::WHOLE } else { Crop::random(&mut stream(seed, [1, photo as u64, number as u64])) }
}

impl Schedule {
    /// Number of steps for so many photos.
    pub fn steps(&self, photos: usize) -> usize {
        self.sizes.iter().map(|(_, epochs)| epochs).sum::<usize>() * self.steps_of_epoch(photos)
    }

    /// Trains the student. Calls `on_step` with (step, losses) after each step. The result is the same with any number of
    /// threads.
    pub fn train(&self, student: &mut Student, data: &TrainingData, mut on_step: impl FnMut(usize, Losses) + Send) {
        let photos = data.squares.len();
        let (steps, each) = (self.steps(photos), self.steps_of_epoch(photos));
        let sides: Vec<usize> = self.sizes.iter().flat_map(|&(side, epochs)| vec![side; epochs]).collect();
        let batch_at = |step: usize| self.batch(data, step / each, step % each, sides[step / each]);
        let mut next = if steps > 0 { batch_at(0) } else { Vec::new() };
        for step in 0..steps {
            let batch = std::mem::take(&mut next);
            let rate = cosine_rate(self.rate, step, steps);
            let learn = || student.step(sides[step / each], &batch, rate);
            // The next batch is prepared while this one is learnt from.
            let prepare = || if step + 1 < steps { batch_at(step + 1) } else { Vec::new() };
            let (losses, prepared) = rayon::join(learn, prepare);
            next = prepared;
            on_step(step, losses);
        }
    }

    /// Photos that do not fill a batch are skipped; the next epoch has another order.
    fn steps_of_epoch(&self, photos: usize) -> usize {
        (photos / self.batch).max(1)
    }

    fn batch(&self, data: &TrainingData, epoch: usize, number: usize, side: usize) -> Vec<Shard> {
        let mut order: Vec<usize> = (0..data.squares.len()).collect();
        shuffle(&mut stream(self.seed, [2, epoch as u64, 0]), &mut order);
        let photos = order.chunks(self.batch).nth(number).unwrap_or_default();
        photos.par_chunks(SHARD).map(|photos| self.shard(data, epoch, photos, side)).collect()
    }

    fn shard(&self, data: &TrainingData, epoch: usize, photos: &[usize], side: usize) -> Shard {
        let mut shard = Shard::default();
        for &photo in photos {
            let mut rng = stream(self.seed, [3, epoch as u64, photo as u64]);
            let crop = match &data.targets {
                Some(targets) => {
                    let number = below(&mut rng, targets.crops);
                    let from = (photo * targets.crops + number) * targets.length;
                    shard.targets.extend_from_slice(&targets.values[from..from + targets.length]);
                    fixed_crop(self.seed, photo, number)
                }
                None => Crop::random(&mut rng),
            };
            let augmentation = Augmentation::random(&mut rng);
            shard.pixels.extend(data.squares[photo].view(&crop, &augmentation, side, &data.pixels));
            shard.labels.push(data.labels[photo].into());
        }
        mix(&mut shard, side, self.mix, |i| stream(self.seed, [6, epoch as u64, photos[i] as u64]));
        shard
    }
}
