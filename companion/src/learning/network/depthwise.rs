//! Depthwise 3×3 convolutions: each channel is convolved by itself. Maps are NHWC.

use super::Geometry;
use super::simd::vectorized;

/// Number of channels that are summed in registers at a time.
const LANES: usize = 16;

/// The up to nine taps of a pixel, and their number. A tap is the index at which the channels of the other pixel begin, and
/// that at which its weights begin.
type Taps = ([(usize, usize); 9], usize);

/// The input pixels, with their weights, that make up the output pixel (`row`, `column`) of image `image`.
#[inline(always)]
fn taps_of_output(g: &Geometry, channels: usize, image: usize, row: usize, column: usize) -> Taps {
    let mut taps = ([(0, 0); 9], 0);
    for k in 0..9 {
        let (y, x) = (row * g.stride + k / 3, column * g.stride + k % 3);
        if y < g.pad || x < g.pad || y - g.pad >= g.side || x - g.pad >= g.side {
            continue;
        }
        let pixel = (image * g.side + y - g.pad) * g.side + x - g.pad;
        taps.0[taps.1] = (pixel * channels, k * channels);
        taps.1 += 1;
    }
    taps
}

/// The output pixels, with their weights, that the input pixel (`row`, `column`) is a part of.
#[inline(always)]
fn taps_of_input(g: &Geometry, channels: usize, image: usize, row: usize, column: usize) -> Taps {
    let (out, mut taps) = (g.output_side(), ([(0, 0); 9], 0));
    for k in 0..9 {
        let (y, x) = (row + g.pad, column + g.pad);
        if y < k / 3 || x < k % 3 {
            continue;
        }
        let (y, x) = (y - k / 3, x - k % 3);
        if !y.is_multiple_of(g.stride) || !x.is_multiple_of(g.stride) || y / g.stride >= out || x / g.stride >= out {
            continue;
        }
        let pixel = (image * out + y / g.stride) * out + x / g.stride;
        taps.0[taps.1] = (pixel * channels, k * channels);
        taps.1 += 1;
    }
    taps
}

/// `to = Σ values · weights` over the taps, channel by channel.
#[inline(always)]
fn gather(to: &mut [f32], values: &[f32], weights: &[f32], (taps, count): &Taps) {
    let channels = to.len();
    let whole = channels - channels % LANES;
    let (blocks, rest) = to.as_chunks_mut::<LANES>();
    for (i, block) in blocks.iter_mut().enumerate() {
        let mut sum = [0.0; LANES];
        for &(v, w) in &taps[..*count] {
            let (v, w) = (&values[v + i * LANES..][..LANES], &weights[w + i * LANES..][..LANES]);
            for lane in 0..LANES {
                sum[lane] += v[lane] * w[lane];
            }
        }
        *block = sum;
    }
    for (i, value) in rest.iter_mut().enumerate() {
        let at = whole + i;
        *value = taps[..*count].iter().map(|&(v, w)| values[v + at] * weights[w + at]).sum();
    }
}

vectorized! {
    /// `output = input ∗ weights`; weights are 9 × `channels`.
    fn forward(g: &Geometry, channels: usize, input: &[f32], weights: &[f32], output: &mut [f32]) {
        let out = g.output_side();
        for (i, to) in output.chunks_exact_mut(channels).enumerate() {
            let taps = taps_of_output(g, channels, i / (out * out), i / out % out, i % out);
            gather(to, input, weights, &taps);
        }
    }
}

vectorized! {
    /// The gradient of the input, given that of the output.
    fn backward_input(g: &Geometry, channels: usize, d_output: &[f32], weights: &[f32], d_input: &mut [f32]) {
        let side = g.side;
        for (i, to) in d_input.chunks_exact_mut(channels).enumerate() {
            let taps = taps_of_input(g, channels, i / (side * side), i / side % side, i % side);
            gather(to, d_output, weights, &taps);
        }
    }
}

vectorized! {
    /// The gradient of the weights, given that of the output.
    fn backward_weights(g: &Geometry, channels: usize, input: &[f32], d_output: &[f32], d_weights: &mut [f32]) {
        let out = g.output_side();
        d_weights.fill(0.0);
        for (i, d) in d_output.chunks_exact(channels).enumerate() {
            let (taps, count) = taps_of_output(g, channels, i / (out * out), i / out % out, i % out);
            for &(x, w) in &taps[..count] {
                let pairs = input[x..x + channels].iter().zip(d);
                d_weights[w..w + channels].iter_mut().zip(pairs).for_each(|(to, (x, d))| *to += x * d);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_form_gives_the_same_bits() {
        for (stride, pad, channels) in [(1, 1, 24), (2, 1, 16), (2, 0, 7)] {
            let g = Geometry { images: 2, side: 6, stride, pad };
            let pixels = 2 * 6 * 6 * channels;
            let wave = |n: usize, f: f32| (0..n).map(|i| (i as f32 * f).sin()).collect::<Vec<_>>();
            let (input, weights) = (wave(pixels, 0.7), wave(9 * channels, 0.3));
            let d_output = wave(2 * g.output_side().pow(2) * channels, 0.5);
            let (mut a, mut b) = (vec![0.0; d_output.len()], vec![1.0; d_output.len()]);
            forward(&g, channels, &input, &weights, &mut a);
            forward::plain(&g, channels, &input, &weights, &mut b);
            assert_eq!(a, b);
            let (mut a, mut b) = (vec![0.0; pixels], vec![1.0; pixels]);
            backward_input(&g, channels, &d_output, &weights, &mut a);
            backward_input::plain(&g, channels, &d_output, &weights, &mut b);
            assert_eq!(a, b);
            let (mut a, mut b) = (vec![0.0; 9 * channels], vec![1.0; 9 * channels]);
            backward_weights(&g, channels, &input, &d_output, &mut a);
            backward_weights::plain(&g, channels, &input, &d_output, &mut b);
            assert_eq!(a, b);
        }
    }
}
