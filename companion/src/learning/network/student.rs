//! A network in training, with the layers on top that its losses need.
//!
//! A batch comes in shards. Each is normalised by itself ("ghost" batch normalisation), so shards can run on any number of
//! threads; their gradients are added in order, and the result is the same with any.

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::linear::{Linear, LinearGradient};
use super::loss::{Truth, cosine_distance, cross_entropy};
use super::model::{Network, Tape};
use super::optimizer::{AdamW, Parameter};
use super::unit::Gradient;

/// Images whose statistics normalise together: their maps fit a large cache.
pub const SHARD: usize = 16;
const SMOOTHING: f32 = 0.1;

/// Some images with what is known of them.
#[derive(Debug, Default, Clone)]
pub struct Shard {
    /// Network input, images × side × side × 3.
    pub pixels: Vec<f32>,
    /// What each shows.
    pub labels: Vec<Truth>,
    /// Unit vectors, one an image, that the network should be able to predict; or none at all.
    pub targets: Vec<f32>,
}

/// Mean losses of a step.
#[derive(Debug, Default, Clone, Copy)]
pub struct Losses {
    /// Cross-entropy with the labels.
    pub classes: f64,
    /// One minus the cosine with the targets.
    pub targets: f64,
}

/// What is trained.
pub struct Student {
    /// The network.
    pub network: Network,
    /// From features to classes.
    pub classify: Option<Linear>,
    /// From features to targets.
    pub imitate: Option<Linear>,
    /// Weight of the classes' loss beside that of the targets.
    pub class_weight: f32,
    /// The first block that is trained.
    pub first: usize,
    optimizer: AdamW,
    tapes: Vec<Tape>,
}

struct Pass {
    losses: Losses,
    units: Vec<Gradient>,
    heads: Vec<LinearGradient>,
}

impl Student {
    /// A student of `classes` classes and targets of `length`; 0 leaves a loss out.
    pub fn new(network: Network, [classes, length]: [usize; 2], decay: f32, rng: &mut ChaCha8Rng) -> Student {
        let features = network.outputs();
        let mut layer = |outputs: usize| (outputs > 0).then(|| Linear::new(features, outputs, rng));
        let (classify, imitate) = (layer(classes), layer(length));
        let optimizer = AdamW::new(decay);
        Student { network, classify, imitate, class_weight: 1.0, first: 0, optimizer, tapes: Vec::new() }
    }

    /// One step on images of `side`.
    pub fn step(&mut self, side: usize, batch: &[Shard], rate: f32) -> Losses {
        self.tapes.resize(self.tapes.len().max(batch.len()), Tape::default());
        let images: usize = batch.iter().map(|shard| shard.labels.len()).sum();
        let mut tapes = std::mem::take(&mut self.tapes);
        let this = &*self;
        let passes: Vec<Pass> =
            batch.par_iter().zip(&mut tapes).map(|(shard, tape)| this.pass(side, shard, images, tape)).collect();
        tapes[..batch.len()].iter().for_each(|tape| self.network.remember(tape));
        self.tapes = tapes;
        let Some(sum) = passes.into_iter().reduce(Pass::plus) else { return Losses::default() };
        self.update(&sum, rate);
        sum.losses
    }

    /// Losses and gradients of one shard.
    fn pass(&self, side: usize, shard: &Shard, images: usize, tape: &mut Tape) -> Pass {
        let features = self.network.forward(shard.labels.len(), side, &shard.pixels, true, tape);
        let share = 1.0 / images as f32;
        let (mut losses, mut heads, mut d) = (Losses::default(), Vec::new(), vec![0.0; features.len()]);
        if let Some(layer) = &self.classify {
            let loss = cross_entropy(&layer.forward(&features), &shard.labels, SMOOTHING, share * self.class_weight);
            losses.classes = loss.value / f64::from(self.class_weight);
            heads.push(layer.backward(&features, &loss.gradient));
        }
        if let Some(layer) = &self.imitate {
            let loss = cosine_distance(&layer.forward(&features), &shard.targets, layer.output, share);
            losses.targets = loss.value;
            heads.push(layer.backward(&features, &loss.gradient));
        }
        for head in &heads {
            d.iter_mut().zip(&head.rows).for_each(|(to, v)| *to += v);
        }
        Pass { losses, units: self.network.backward(tape, &d, self.first), heads }
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
        let layers = [&mut self.classify, &mut self.imitate].into_iter().flatten();
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
