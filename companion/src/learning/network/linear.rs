//! A fully connected layer. It is trained on top of the features, and is not part of the trained network.

use rand_chacha::ChaCha8Rng;

use super::matmul::{matrix, multiply};
use super::random;

/// `rows · weights + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// Length of an input row.
    pub input: usize,
    /// Length of an output row.
    pub output: usize,
    /// Input × output.
    pub weights: Vec<f32>,
    /// One entry per output.
    pub bias: Vec<f32>,
}

/// Gradients of a layer's parameters and of its input rows.
pub struct LinearGradient {
    /// Gradient of the weights.
    pub weights: Vec<f32>,
    /// Gradient of the bias.
    pub bias: Vec<f32>,
    /// Gradient of the input rows.
    pub rows: Vec<f32>,
}

impl Linear {
    /// A layer with small random weights.
    pub fn new(input: usize, output: usize, rng: &mut ChaCha8Rng) -> Linear {
        let deviation = (1.0 / input as f32).sqrt();
        let weights = (0..input * output).map(|_| deviation * random::normal(rng)).collect();
        Linear { input, output, weights, bias: vec![0.0; output] }
    }

    /// The forward pass: the output rows.
    pub fn forward(&self, rows: &[f32]) -> Vec<f32> {
        let count = rows.len() / self.input;
        let mut output = vec![0.0; count * self.output];
        multiply(&mut output, matrix(rows, count, self.input), matrix(&self.weights, self.input, self.output));
        output.chunks_exact_mut(self.output).flat_map(|row| row.iter_mut().zip(&self.bias)).for_each(|(v, b)| *v += b);
        output
    }

    /// The backward pass: the gradients, given that of the output rows.
    pub fn backward(&self, rows: &[f32], d: &[f32]) -> LinearGradient {
        let count = rows.len() / self.input;
        let d_rows = matrix(d, count, self.output);
        let mut gradient = LinearGradient {
            weights: vec![0.0; self.weights.len()],
            bias: vec![0.0; self.output],
            rows: vec![0.0; rows.len()],
        };
        multiply(&mut gradient.weights, matrix(rows, count, self.input).transpose(), d_rows);
        multiply(&mut gradient.rows, d_rows, matrix(&self.weights, self.input, self.output).transpose());
        for row in d.chunks_exact(self.output) {
            gradient.bias.iter_mut().zip(row).for_each(|(to, v)| *to += v);
        }
        gradient
    }
}
