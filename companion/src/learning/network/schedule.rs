//! A student's course: which photos it sees when, and how.

use jicho::manifest::Preprocessing;
use rayon::prelude::*;

use super::mixup::mix;
use super::optimizer::cosine_rate;
use super::random::{below, shuffle, stream};
use super::student::{Losses, SHARD, Shard, Student};
use super::view::{Augmentation, Crop, Square};

/// What is learnt from.
pub struct TrainingData<'a> {
    /// The photos.
    pub squares: &'a [Square],
    /// The class of each, where known.
    pub labels: &'a [Option<usize>],
    /// How the network wants its pixels.
    pub pixels: Preprocessing,
    /// What the student is to predict of the fixed parts of each photo; without it, any part is shown.
    pub targets: Option<Targets>,
}

/// A unit vector for each of `parts` parts of each photo.
pub struct Targets {
    /// Parts of a photo.
    pub parts: usize,
    /// Length of a vector.
    pub length: usize,
    /// Photo by photo, part by part.
    pub values: Vec<f32>,
}

/// How long, how large, how fast.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Times that each photo is seen at each size, in order: (pixels a side, epochs).
    pub sizes: Vec<(usize, usize)>,
    /// Photos a step.
    pub batch: usize,
    /// The highest rate.
    pub rate: f32,
    /// How many of the photos are mixed with others, 0 to 1.
    pub mix: f32,
    /// Chooses everything.
    pub seed: u64,
}

/// Crop `number` of photo `photo`; the first is all of it.
pub fn fixed_crop(seed: u64, photo: usize, number: usize) -> Crop {
    if number == 0 { Crop::WHOLE } else { Crop::random(&mut stream(seed, [1, photo as u64, number as u64])) }
}

impl Schedule {
    /// Steps in all.
    pub fn steps(&self, photos: usize) -> usize {
        self.sizes.iter().map(|(_, epochs)| epochs).sum::<usize>() * self.steps_of_epoch(photos)
    }

    /// Teaches; calls `seen` with (step, losses) after each step. The result is the same with any number of threads.
    pub fn teach(&self, student: &mut Student, material: &TrainingData, mut seen: impl FnMut(usize, Losses) + Send) {
        let photos = material.squares.len();
        let (steps, each) = (self.steps(photos), self.steps_of_epoch(photos));
        let sides: Vec<usize> = self.sizes.iter().flat_map(|&(side, epochs)| vec![side; epochs]).collect();
        let batch_at = |step: usize| self.batch(material, step / each, step % each, sides[step / each]);
        let mut next = if steps > 0 { batch_at(0) } else { Vec::new() };
        for step in 0..steps {
            let batch = std::mem::take(&mut next);
            let rate = cosine_rate(self.rate, step, steps);
            let learn = || student.step(sides[step / each], &batch, rate);
            // The next batch is made while this one is learnt.
            let prepare = || if step + 1 < steps { batch_at(step + 1) } else { Vec::new() };
            let (losses, prepared) = rayon::join(learn, prepare);
            next = prepared;
            seen(step, losses);
        }
    }

    /// Photos that do not fill a batch wait for the next epoch.
    fn steps_of_epoch(&self, photos: usize) -> usize {
        (photos / self.batch).max(1)
    }

    fn batch(&self, material: &TrainingData, epoch: usize, number: usize, side: usize) -> Vec<Shard> {
        let mut order: Vec<usize> = (0..material.squares.len()).collect();
        shuffle(&mut stream(self.seed, [2, epoch as u64, 0]), &mut order);
        let photos = order.chunks(self.batch).nth(number).unwrap_or_default();
        photos.par_chunks(SHARD).map(|photos| self.shard(material, epoch, photos, side)).collect()
    }

    fn shard(&self, material: &TrainingData, epoch: usize, photos: &[usize], side: usize) -> Shard {
        let mut shard = Shard::default();
        for &photo in photos {
            let mut rng = stream(self.seed, [3, epoch as u64, photo as u64]);
            let part = match &material.targets {
                Some(targets) => {
                    let number = below(&mut rng, targets.parts);
                    let from = (photo * targets.parts + number) * targets.length;
                    shard.targets.extend_from_slice(&targets.values[from..from + targets.length]);
                    fixed_crop(self.seed, photo, number)
                }
                None => Crop::random(&mut rng),
            };
            let look = Augmentation::random(&mut rng);
            shard.pixels.extend(material.squares[photo].view(&part, &look, side, &material.pixels));
            shard.labels.push(material.labels[photo].into());
        }
        mix(&mut shard, side, self.mix, |i| stream(self.seed, [6, epoch as u64, photos[i] as u64]));
        shard
    }
}
