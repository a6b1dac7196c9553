//! A convolution with its batch normalisation and activation: the unit that MobileNets are built from.

use rand_chacha::ChaCha8Rng;

use super::matmul::{matrix, multiply};
use super::norm::{self, Activation, EPSILON};
use super::{Geometry, depthwise, random};

/// The weight of a batch's statistics in the running ones.
const MOMENTUM: f32 = 0.1;

/// The kind of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 3×3 over all channels. Weights: 9·input × output.
    Full,
    /// 3×3 over each channel by itself. Weights: 9 × channels.
    Depthwise,
    /// 1×1 over all channels. Weights: input × output.
    Pointwise,
}

/// Batch normalisation, without its shift, which [`Unit::shift`] holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Norm {
    /// The factor of each normalised channel.
    pub gamma: Vec<f32>,
    /// Running mean of each channel.
    pub mean: Vec<f32>,
    /// Running variance of each channel.
    pub variance: Vec<f32>,
}

/// A convolution with its normalisation and activation.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// The convolution.
    pub kind: Kind,
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Pixels between two neighbouring positions of the kernel.
    pub stride: usize,
    /// Rows and columns of zeros before the image, 0 or 1. After it there are as many as the kernel needs.
    pub pad: usize,
    /// The activation.
    pub activation: Activation,
    /// The convolution's weights.
    pub weights: Vec<f32>,
    /// Added to each channel before the activation.
    pub shift: Vec<f32>,
    /// The normalisation; none once it is folded into the weights.
    pub norm: Option<Norm>,
}

/// What the backward pass needs from the forward pass of a batch, besides the unit's input.
#[derive(Debug, Default, Clone)]
pub struct Trace {
    /// The convolution's output.
    raw: Vec<f32>,
    /// Mean and variance of each channel of `raw`.
    mean: Vec<f32>,
    variance: Vec<f32>,
}

/// Gradients of a unit's parameters, with the parameters' lengths.
#[derive(Debug, Default, Clone)]
pub struct Gradient {
    /// Gradient of the weights.
    pub weights: Vec<f32>,
    /// Gradient of the normalisation's factor; empty without a normalisation.
    pub gamma: Vec<f32>,
    /// Gradient of the shift.
    pub shift: Vec<f32>,
}

impl Unit {
    /// A unit with random weights (He 2015).
    pub fn new(
        kind: Kind,
        [input, output]: [usize; 2],
        stride: usize,
        activation: Activation,
        rng: &mut ChaCha8Rng,
    ) -> Unit {
        let (count, fan_in) = match kind {
            Kind::Full => (9 * input * output, 9 * input),
            Kind::Depthwise => (9 * output, 9),
            Kind::Pointwise => (input * output, input),
        };
        let deviation = (2.0 / fan_in as f32).sqrt();
        Unit {
            kind,
            input,
            output,
            stride,
            pad: usize::from(kind != Kind::Pointwise),
            activation,
            weights: (0..count).map(|_| deviation * random::normal(rng)).collect(),
            shift: vec![0.0; output],
            norm: Some(Norm { gamma: vec![1.0; output], mean: vec![0.0; output], variance: vec![1.0; output] }),
        }
    }

    /// How the kernel moves over `images` images of `side`×`side` pixels.
    pub fn geometry(&self, images: usize, side: usize) -> Geometry {
        Geometry { images, side, stride: self.stride, pad: self.pad }
    }

    /// Number of multiplications for one image of `side`×`side` pixels.
    pub fn multiplications(&self, side: usize) -> usize {
        self.geometry(1, side).output_side().pow(2) * self.weights.len()
    }

    /// The forward pass. When `training`, it normalises by the batch's statistics instead of the running ones; `trace` keeps
    /// what the backward pass needs.
    pub fn forward(&self, g: Geometry, input: &[f32], training: bool, trace: &mut Trace, output: &mut Vec<f32>) {
        let rows = g.images * g.output_side().pow(2);
        trace.raw.resize(rows * self.output, 0.0);
        self.convolve(g, input, &mut trace.raw);
        if let Some(norm) = &self.norm {
            (trace.mean, trace.variance) = if training {
                norm::moments(&trace.raw, self.output)
            } else {
                (norm.mean.clone(), norm.variance.clone())
            };
        }
        let (scale, shift) = self.scale_and_shift(trace);
        output.resize(trace.raw.len(), 0.0);
        norm::apply(&trace.raw, &scale, &shift, self.activation.range(), output);
    }

    /// The backward pass. `d` is the gradient of the output, and is overwritten. `d_input`, if given, becomes the gradient of
    /// the input.
    pub fn backward(
        &self,
        g: Geometry,
        input: &[f32],
        trace: &Trace,
        d: &mut [f32],
        d_input: Option<&mut Vec<f32>>,
    ) -> Gradient {
        let (scale, shift) = self.scale_and_shift(trace);
        let zero = vec![0.0; self.output];
        let mean = if self.norm.is_some() { &trace.mean } else { &zero };
        let mut gradient =
            Gradient { weights: vec![0.0; self.weights.len()], gamma: Vec::new(), shift: vec![0.0; self.output] };
        let mut d_raw_sum = vec![0.0; self.output];
        norm::activation_backward(
            d,
            &trace.raw,
            &scale,
            &shift,
            mean,
            self.activation.range(),
            &mut gradient.shift,
            &mut d_raw_sum,
        );
        if self.norm.is_some() {
            let rows = (d.len() / self.output) as f32;
            let inverse: Vec<f32> = trace.variance.iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
            gradient.gamma = d_raw_sum.iter().zip(&inverse).map(|(s, i)| s * i).collect();
            let by_raw: Vec<f32> =
                (0..self.output).map(|c| -scale[c] * gradient.gamma[c] * inverse[c] / rows).collect();
            let constant: Vec<f32> = scale.iter().zip(&gradient.shift).map(|(s, d)| -s * d / rows).collect();
            norm::normalization_backward(d, &trace.raw, mean, &scale, &by_raw, &constant);
        }
        self.convolve_back(g, input, d, &mut gradient.weights, d_input);
        gradient
    }

    /// Updates the running statistics by those of a batch.
    pub fn update_statistics(&mut self, trace: &Trace) {
        let Some(norm) = &mut self.norm else { return };
        let rows = (trace.raw.len() / self.output) as f32;
        let unbiased = rows / (rows - 1.0).max(1.0);
        let mix = |to: &mut f32, new: f32| *to += MOMENTUM * (new - *to);
        norm.mean.iter_mut().zip(&trace.mean).for_each(|(to, v)| mix(to, *v));
        norm.variance.iter_mut().zip(&trace.variance).for_each(|(to, v)| mix(to, v * unbiased));
    }

    /// The same unit with its normalisation folded into weights and shift.
    pub fn folded(&self) -> Unit {
        let Some(norm) = &self.norm else { return self.clone() };
        let trace = Trace { mean: norm.mean.clone(), variance: norm.variance.clone(), ..Trace::default() };
        let (scale, shift) = self.scale_and_shift(&trace);
        let weights = self.weights.iter().enumerate().map(|(i, w)| w * scale[i % self.output]).collect();
        Unit { weights, shift, norm: None, ..self.clone() }
    }

    /// The factor and the shift of each channel between convolution and activation.
    fn scale_and_shift(&self, trace: &Trace) -> (Vec<f32>, Vec<f32>) {
        let Some(norm) = &self.norm else { return (vec![1.0; self.output], self.shift.clone()) };
        let scale: Vec<f32> = norm.gamma.iter().zip(&trace.variance).map(|(g, v)| g / (v + EPSILON).sqrt()).collect();
        let shift = self.shift.iter().zip(&scale).zip(&trace.mean).map(|((b, s), m)| b - s * m).collect();
        (scale, shift)
    }

    fn convolve(&self, g: Geometry, input: &[f32], output: &mut [f32]) {
        let rows = output.len() / self.output;
        match self.kind {
            Kind::Depthwise => depthwise::forward(&g, self.output, input, &self.weights, output),
            Kind::Pointwise => {
                multiply(output, matrix(input, rows, self.input), matrix(&self.weights, self.input, self.output));
            }
            Kind::Full => {
                let patches = g.patches(input, self.input);
                let inner = 9 * self.input;
                multiply(output, matrix(&patches, rows, inner), matrix(&self.weights, inner, self.output));
            }
        }
    }

    fn convolve_back(
        &self,
        g: Geometry,
        input: &[f32],
        d: &[f32],
        d_weights: &mut [f32],
        d_input: Option<&mut Vec<f32>>,
    ) {
        let rows = d.len() / self.output;
        let d_rows = matrix(d, rows, self.output);
        match self.kind {
            Kind::Depthwise => {
                depthwise::backward_weights(&g, self.output, input, d, d_weights);
                if let Some(d_input) = d_input {
                    d_input.resize(input.len(), 0.0);
                    depthwise::backward_input(&g, self.output, d, &self.weights, d_input);
                }
            }
            Kind::Pointwise => {
                multiply(d_weights, matrix(input, rows, self.input).transpose(), d_rows);
                if let Some(d_input) = d_input {
                    d_input.resize(input.len(), 0.0);
                    multiply(d_input, d_rows, matrix(&self.weights, self.input, self.output).transpose());
                }
            }
            Kind::Full => {
                let inner = 9 * self.input;
                multiply(d_weights, matrix(&g.patches(input, self.input), rows, inner).transpose(), d_rows);
                if let Some(d_input) = d_input {
                    let mut d_patches = vec![0.0; rows * inner];
                    multiply(&mut d_patches, d_rows, matrix(&self.weights, inner, self.output).transpose());
                    d_input.resize(input.len(), 0.0);
                    g.gather_patches(&d_patches, self.input, d_input);
                }
            }
        }
    }
}
