//! A fully connected layer: what is trained on top of the features and thrown away after.

use rand_chacha::ChaCha8Rng;

use super::matmul::{matrix, multiply};
use super::random;

/// `rows · weights + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// Entries of a row.
    pub input: usize,
    /// Entries of a row it gives.
    pub output: usize,
    /// Input × output.
    pub weights: Vec<f32>,
    /// One for each output.
    pub bias: Vec<f32>,
}

/// Gradients of a layer, and of its rows.
pub struct LinearGradient {
    /// Of the weights.
    pub weights: Vec<f32>,
    /// Of the bias.
    pub bias: Vec<f32>,
    /// Of the rows.
    pub rows: Vec<f32>,
}

impl Linear {
    /// A layer with small random weights.
    pub fn new(input: usize, output: usize, rng: &mut ChaCha8Rng) -> Linear {
        let deviation = (1.0 / input as f32).sqrt();
        let weights = (0..input * output).map(|_| deviation * random::normal(rng)).collect();
        Linear { input, output, weights, bias: vec![0.0; output] }
    }

    /// What it gives for rows.
    pub fn forward(&self, rows: &[f32]) -> Vec<f32> {
        let count = rows.len() / self.input;
        let mut output = vec![0.0; count * self.output];
        multiply(&mut output, matrix(rows, count, self.input), matrix(&self.weights, self.input, self.output));
        output.chunks_exact_mut(self.output).flat_map(|row| row.iter_mut().zip(&self.bias)).for_each(|(v, b)| *v += b);
        output
    }

    /// Gradients, from those of the output.
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
