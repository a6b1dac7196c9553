//! A network of the MobileNet family: blocks of units, some with a residual connection, then the mean over all pixels.

use super::unit::{Gradient, Trace, Unit};

/// Units that run one after another.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The units.
    pub units: Vec<Unit>,
    /// Whether the block's input is added to its output.
    pub residual: bool,
}

/// The network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// What the backward pass needs from the forward pass of a batch. Reused from batch to batch, it saves allocations.
#[derive(Debug, Default, Clone)]
pub struct Tape {
    images: usize,
    /// For each unit: the side of its input in pixels, its input, its trace.
    sides: Vec<usize>,
    inputs: Vec<Vec<f32>>,
    traces: Vec<Trace>,
    /// The last unit's output.
    map: Vec<f32>,
}

impl Network {
    /// Length of the feature vector.
    pub fn outputs(&self) -> usize {
        self.units().last().map_or(0, |unit| unit.output)
    }

    /// All units in order.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.blocks.iter().flat_map(|block| &block.units)
    }

    /// All units in order, to change them.
    pub fn units_mut(&mut self) -> impl Iterator<Item = &mut Unit> {
        self.blocks.iter_mut().flat_map(|block| &mut block.units)
    }

    /// Number of trained parameters: weights, shifts and normalisation factors.
    pub fn parameters(&self) -> usize {
        self.units().map(|u| u.weights.len() + u.shift.len() + u.norm.as_ref().map_or(0, |n| n.gamma.len())).sum()
    }

    /// Number of multiplications for one image of `side`×`side` pixels.
    pub fn multiplications(&self, mut side: usize) -> usize {
        let mut sum = 0;
        for unit in self.units() {
            sum += unit.multiplications(side);
            side = unit.geometry(1, side).output_side();
        }
        sum
    }

    /// The forward pass: the features, images × outputs, of images of `side`×`side` pixels in NHWC order. When `training`,
    /// it normalises by the batch's statistics instead of the running ones.
    pub fn forward(&self, images: usize, side: usize, pixels: &[f32], training: bool, tape: &mut Tape) -> Vec<f32> {
        let count = self.units().count();
        tape.images = images;
        tape.sides.resize(count, 0);
        tape.inputs.resize(count, Vec::new());
        tape.traces.resize(count, Trace::default());
        let (mut side, mut at) = (side, 0);
        if let Some(first) = tape.inputs.first_mut() {
            first.clear();
            first.extend_from_slice(pixels);
        }
        for block in &self.blocks {
            let start = at;
            for unit in &block.units {
                let g = unit.geometry(images, side);
                let (before, after) = tape.inputs.split_at_mut(at + 1);
                let output = after.first_mut().unwrap_or(&mut tape.map);
                unit.forward(g, &before[at], training, &mut tape.traces[at], output);
                tape.sides[at] = side;
                side = g.output_side();
                at += 1;
            }
            if block.residual {
                let (before, after) = tape.inputs.split_at_mut(at);
                let output = after.first_mut().unwrap_or(&mut tape.map);
                output.iter_mut().zip(&before[start]).for_each(|(to, v)| *to += v);
            }
        }
        self.pool(tape)
    }

    /// The backward pass: the gradients of all units from block `first` on, given the gradient of the features. The gradients
    /// of earlier units are empty.
    pub fn backward(&self, tape: &Tape, d_features: &[f32], first: usize) -> Vec<Gradient> {
        let outputs = self.outputs();
        let pixels = tape.map.len() / (tape.images * outputs);
        let mut d = Vec::with_capacity(tape.map.len());
        for row in d_features.chunks_exact(outputs) {
            for _ in 0..pixels {
                d.extend(row.iter().map(|v| v / pixels as f32));
            }
        }
        let mut gradients = vec![Gradient::default(); tape.inputs.len()];
        let (mut at, mut spare) = (tape.inputs.len(), Vec::new());
        for (number, block) in self.blocks.iter().enumerate().skip(first).rev() {
            let bypass = block.residual.then(|| d.clone());
            for (i, unit) in block.units.iter().enumerate().rev() {
                at -= 1;
                let g = unit.geometry(tape.images, tape.sides[at]);
                let wanted = number > first || i > 0 || bypass.is_some();
                let to = wanted.then_some(&mut spare);
                gradients[at] = unit.backward(g, &tape.inputs[at], &tape.traces[at], &mut d, to);
                std::mem::swap(&mut d, &mut spare);
            }
            if let Some(bypass) = bypass {
                d.iter_mut().zip(&bypass).for_each(|(to, v)| *to += v);
            }
        }
        gradients
    }

    /// Updates the running statistics by those of a batch.
    pub fn update_statistics(&mut self, tape: &Tape) {
        self.units_mut().zip(&tape.traces).for_each(|(unit, trace)| unit.update_statistics(trace));
    }

    /// The same network with every normalisation folded into its convolution.
    pub fn folded(&self) -> Network {
        let fold = |b: &Block| Block { units: b.units.iter().map(Unit::folded).collect(), residual: b.residual };
        Network { blocks: self.blocks.iter().map(fold).collect() }
    }

    /// The mean of each channel over all pixels of an image.
    fn pool(&self, tape: &Tape) -> Vec<f32> {
        let outputs = self.outputs();
        let mut features = vec![0.0; tape.images * outputs];
        let per_image = tape.map.len() / tape.images;
        for (to, map) in features.chunks_exact_mut(outputs).zip(tape.map.chunks_exact(per_image)) {
            for pixel in map.chunks_exact(outputs) {
                to.iter_mut().zip(pixel).for_each(|(to, v)| *to += v);
            }
            to.iter_mut().for_each(|v| *v *= outputs as f32 / per_image as f32);
        }
        features
    }
}
