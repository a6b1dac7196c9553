//! Batch normalisation and activation, channel by channel: `output = activation(scale · raw + shift)`.

use super::simd::vectorized;

/// Added to a variance before its square root is taken.
pub const EPSILON: f32 = 1e-5;
/// Number of rows that are summed in single precision before the sum is added in double precision.
const BLOCK: usize = 256;

/// The activation after a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    None,
    /// max(0, x).
    Relu,
    /// min(max(0, x), 6).
    Relu6,
}

impl Activation {
    /// The range of values that pass unchanged.
    pub fn range(self) -> [f32; 2] {
        match self {
            Activation::None => [f32::NEG_INFINITY, f32::INFINITY],
            Activation::Relu => [0.0, f32::INFINITY],
            Activation::Relu6 => [0.0, 6.0],
        }
    }
}

/// Mean and variance of each channel over a batch of rows.
pub fn moments(rows: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let count = (rows.len() / channels) as f64;
    let (mut sums, mut squares) = (vec![0f64; channels], vec![0f64; channels]);
    let (mut sum, mut square) = (vec![0f32; channels], vec![0f32; channels]);
    for block in rows.chunks(BLOCK * channels) {
        block_sums(block, &mut sum, &mut square);
        sums.iter_mut().zip(&sum).for_each(|(to, v)| *to += f64::from(*v));
        squares.iter_mut().zip(&square).for_each(|(to, v)| *to += f64::from(*v));
    }
    let mean: Vec<f64> = sums.iter().map(|s| s / count).collect();
    let variance = squares.iter().zip(&mean).map(|(s, m)| (s / count - m * m).max(0.0) as f32).collect();
    (mean.iter().map(|m| *m as f32).collect(), variance)
}

vectorized! {
    /// Sum and sum of squares of each channel.
    fn block_sums(rows: &[f32], sum: &mut [f32], square: &mut [f32]) {
        sum.fill(0.0);
        square.fill(0.0);
        for row in rows.chunks_exact(sum.len()) {
            for ((sum, square), v) in sum.iter_mut().zip(square.iter_mut()).zip(row) {
                *sum += v;
                *square += v * v;
            }
        }
    }
}

vectorized! {
    /// `output = clamp(scale · raw + shift)`.
    fn apply(raw: &[f32], scale: &[f32], shift: &[f32], range: [f32; 2], output: &mut [f32]) {
        let channels = scale.len();
        for (row, to) in raw.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
            for (((to, v), a), b) in to.iter_mut().zip(row).zip(scale).zip(shift) {
                *to = (v * a + b).max(range[0]).min(range[1]);
            }
        }
    }
}

vectorized! {
    /// Sets the gradient to 0 where the activation is flat. By channel, `d_sum` becomes the sum of the gradient, and
    /// `d_raw_sum` the sum of the gradient times `raw − mean`.
    fn activation_backward(
        d: &mut [f32], raw: &[f32], scale: &[f32], shift: &[f32], mean: &[f32], range: [f32; 2],
        d_sum: &mut [f32], d_raw_sum: &mut [f32],
    ) {
        let channels = scale.len();
        d_sum.fill(0.0);
        d_raw_sum.fill(0.0);
        for (row, raw) in d.chunks_exact_mut(channels).zip(raw.chunks_exact(channels)) {
            let sums = d_sum.iter_mut().zip(d_raw_sum.iter_mut());
            let lines = scale.iter().zip(shift).zip(mean);
            for (((d, v), ((a, b), m)), (d_sum, d_raw_sum)) in row.iter_mut().zip(raw).zip(lines).zip(sums) {
                let z = v * a + b;
                let open = if z > range[0] && z < range[1] { *d } else { 0.0 };
                *d = open;
                *d_sum += open;
                *d_raw_sum += open * (v - m);
            }
        }
    }
}

vectorized! {
    /// Turns the gradient after the normalisation into that before it: `d = by_d · d + by_raw · (raw − mean) + constant`.
    fn normalization_backward(d: &mut [f32], raw: &[f32], mean: &[f32], by_d: &[f32], by_raw: &[f32], constant: &[f32]) {
        let channels = mean.len();
        for (row, raw) in d.chunks_exact_mut(channels).zip(raw.chunks_exact(channels)) {
            let lines = mean.iter().zip(by_d).zip(by_raw).zip(constant);
            for ((d, v), (((m, p), q), c)) in row.iter_mut().zip(raw).zip(lines) {
                *d = *d * p + (v - m) * q + c;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_known_rows() {
        let rows: Vec<f32> = (0..1000).flat_map(|i| [i as f32 / 100.0, 3.0, (i % 2) as f32]).collect();
        let (mean, variance) = moments(&rows, 3);
        let want = [(4.995, 8.333_325), (3.0, 0.0), (0.5, 0.25)];
        for ((m, v), (mean, variance)) in mean.iter().zip(&variance).zip(want) {
            assert!((m - mean).abs() < 1e-4 && (v - variance).abs() < 1e-3, "{m} {v}");
        }
    }
}
