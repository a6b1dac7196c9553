//! A network in training, with the layers on top that its losses need. It learns labels, or the embeddings of a larger
//! network, its teacher, or both.
//!
//! A batch is split into shards. Each shard is normalised by itself ("ghost" batch normalisation), so shards can run on any
//! number of threads. Their gradients are added in order, so the result is the same with any number.

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::linear::{Linear, LinearGradient};
use super::loss::{MixedLabel, cosine_distance, cross_entropy};
use super::model::{Network, Tape};
use super::optimizer::{AdamW, Parameter};
use super::unit::Gradient;

/// Number of images that are normalised together. The maps of that many fit into a large CPU cache.
pub const SHARD: usize = 16;
/// Share of a label's weight that is spread over all classes.
const SMOOTHING: f32 = 0.1;

/// A part of a batch.
#[derive(Debug, Default, Clone)]
pub struct Shard {
    /// The network's input, images × side × side × 3.
    pub pixels: Vec<f32>,
    /// The label of each image.
    pub labels: Vec<MixedLabel>,
    /// One unit vector per image, which the network should predict; empty without a teacher.
    pub targets: Vec<f32>,
}

/// The mean losses of a step.
#[derive(Debug, Default, Clone, Copy)]
pub struct Losses {
    /// The cross-entropy with the labels.
    pub classes: f64,
    /// One minus the cosine with the targets.
    pub targets: f64,
}

/// A network in training.
pub struct Student {
    /// The network.
    pub network: Network,
    /// The layer from features to classes.
    pub class_layer: Option<Linear>,
    /// The layer from features to targets.
    pub target_layer: Option<Linear>,
    /// Weight of the labels' loss beside that of the targets.
    pub class_weight: f32,
    /// The first block that is trained; those before it stay as they are.
    pub first_block: usize,
    optimizer: AdamW,
    tapes: Vec<Tape>,
}

struct Pass {
    losses: Losses,
    units: Vec<Gradient>,
    heads: Vec<LinearGradient>,
}

impl Student {
    /// A student of `classes` classes and targets of `length` entries; 0 leaves that loss out.
    pub fn new(network: Network, [classes, length]: [usize; 2], decay: f32, rng: &mut ChaCha8Rng) -> Student {
        let features = network.outputs();
        let mut layer = |outputs: usize| (outputs > 0).then(|| Linear::new(features, outputs, rng));
        let (class_layer, target_layer) = (layer(classes), layer(length));
        let optimizer = AdamW::new(decay);
        Student { network, class_layer, target_layer, class_weight: 1.0, first_block: 0, optimizer, tapes: Vec::new() }
    }

    /// One step on a batch of images of `side`×`side` pixels.
    pub fn step(&mut self, side: usize, batch: &[Shard], rate: f32) -> Losses {
        self.tapes.resize(self.tapes.len().max(batch.len()), Tape::default());
        let images: usize = batch.iter().map(|shard| shard.labels.len()).sum();
        let mut tapes = std::mem::take(&mut self.tapes);
        let this = &*self;
        let passes: Vec<Pass> =
            batch.par_iter().zip(&mut tapes).map(|(shard, tape)| this.pass(side, shard, images, tape)).collect();
        tapes[..batch.len()].iter().for_each(|tape| self.network.update_statistics(tape));
        self.tapes = tapes;
        let Some(sum) = passes.into_iter().reduce(Pass::plus) else { return Losses::default() };
        self.update(&sum, rate);
        sum.losses
    }

    /// Losses and gradients of one shard of a batch of `images` images.
    fn pass(&self, side: usize, shard: &Shard, images: usize, tape: &mut Tape) -> Pass {
        let features = self.network.forward(shard.labels.len(), side, &shard.pixels, true, tape);
        let share = 1.0 / images as f32;
        let (mut losses, mut heads, mut d) = (Losses::default(), Vec::new(), vec![0.0; features.len()]);
        if let Some(layer) = &self.class_layer {
            let loss = cross_entropy(&layer.forward(&features), &shard.labels, SMOOTHING, share * self.class_weight);
            losses.classes = loss.value / f64::from(self.class_weight);
            heads.push(layer.backward(&features, &loss.gradient));
        }
        if let Some(layer) = &self.target_layer {
            let loss = cosine_distance(&layer.forward(&features), &shard.targets, layer.output, share);
            losses.targets = loss.value;
            heads.push(layer.backward(&features, &loss.gradient));
        }
        for head in &heads {
            d.iter_mut().zip(&head.rows).for_each(|(to, v)| *to += v);
        }
        Pass { losses, units: self.network.backward(tape, &d, self.first_block), heads }
    }

    fn update(&mut self, pass: &Pass, rate: f32) {
        let units = self.network.units_mut().zip(&pass.units).flat_map(|(unit, gradient)| {
            let gamma = unit.norm.as_mut().map_or(&mut [][..], |norm| &mut norm.gamma);
            [
                Parameter { values: &mut unit.weights, gradient: &gradient.weights, decays: true },
                Parameter { values: gamma, gradient: &gradient.gamma, decays: false },
                Parameter { values: &mut unit.shift, gradient: &gradient.shift, decays: false },
            ]
        });
        let layers = [&mut self.class_layer, &mut self.target_layer].into_iter().flatten();
        let heads = layers.zip(&pass.heads).flat_map(|(layer, gradient)| {
            [
                Parameter { values: &mut layer.weights, gradient: &gradient.weights, decays: true },
                Parameter { values: &mut layer.bias, gradient: &gradient.bias, decays: false },
            ]
        });
        self.optimizer.step(rate, units.chain(heads));
    }
}

impl Pass {
    fn plus(mut self, other: Pass) -> Pass {
        let add = |to: &mut [f32], from: &[f32]| to.iter_mut().zip(from).for_each(|(to, v)| *to += v);
        for (to, from) in self.units.iter_mut().zip(&other.units) {
            add(&mut to.weights, &from.weights);
            add(&mut to.gamma, &from.gamma);
            add(&mut to.shift, &from.shift);
        }
        for (to, from) in self.heads.iter_mut().zip(&other.heads) {
            add(&mut to.weights, &from.weights);
            add(&mut to.bias, &from.bias);
        }
        self.losses.classes += other.losses.classes;
        self.losses.targets += other.losses.targets;
        self
    }
}
