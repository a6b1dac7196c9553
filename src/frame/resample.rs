//! Pillow's 8-bit `BILINEAR`: a triangle filter, widened by the scale when shrinking, in fixed point.
//!
//! A sample is `(½ + Σ value · weight)` shifted right by [`PRECISION`]. Sums stay below 2³¹: the weights of a sample sum
//! to 2²², within rounding.

const PRECISION: u32 = 22;
const ROUND: i32 = 1 << (PRECISION - 1);

/// Which input samples each output sample mixes; their number is the same for all output samples.
pub(super) struct Taps {
    /// The first input sample of each output sample.
    starts: Vec<usize>,
    /// Input samples of an output sample: an even number, unless there are fewer.
    count: usize,
    /// `count` for each output sample, in units of 2⁻²².
    weights: Vec<i32>,
    /// The upper bits and the [`LOWER`] bits of two neighbouring weights each, as pairs of 16 bits.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    pairs: Vec<[i32; 2]>,
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
const LOWER: u32 = 11;

impl Taps {
    /// The taps of `size` output samples over the box `[offset, offset + side)` of `input` samples. Only additions,
    /// products and quotients of f64, which are the same everywhere.
    pub(super) fn new(input: usize, offset: usize, side: usize, size: usize) -> Self {
        let scale = side as f64 / size as f64;
        let support = scale.max(1.0);
        let spans: Vec<(usize, Vec<i32>)> = (0..size)
            .map(|i| {
                let center = offset as f64 + (i as f64 + 0.5) * scale;
                // `as` truncates towards zero and saturates at 0, as the C cast and clamp of the definition do.
                let start = (center - support + 0.5) as usize;
                let end = ((center + support + 0.5) as usize).min(input);
                let weight = |x: usize| {
                    let hat = 1.0 - ((x as f64 - center + 0.5) / support).abs();
                    if hat > 0.0 { hat } else { 0.0 }
                };
                let total: f64 = (start..end).map(weight).sum();
                let fixed = |x| (0.5 + weight(x) / total * f64::from(1 << PRECISION)) as i32;
                (start, (start..end).map(fixed).collect())
            })
            .collect();
        let longest = spans.iter().map(|(_, weights)| weights.len()).max().unwrap_or(0);
        let count = longest.next_multiple_of(2).min(input);
        let mut starts = Vec::with_capacity(size);
        let mut padded = Vec::with_capacity(size * count);
        for (start, weights) in spans {
            // Padding samples have weight 0; at the end of the input they come before the others.
            let before = (start + count).saturating_sub(input);
            starts.push(start - before);
            padded.resize(padded.len() + before, 0);
            padded.extend(&weights);
            padded.resize(starts.len() * count, 0);
        }
        Taps {
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            pairs: vectors::pairs(&padded),
            starts,
            count,
            weights: padded,
        }
    }

    /// The input samples that are mixed into any output sample.
    pub(super) fn range(&self) -> std::ops::Range<usize> {
        let first = self.starts.first().copied().unwrap_or(0);
        first..self.starts.last().map_or(first, |last| last + self.count)
    }

    /// Resamples a line of pixels.
    pub(super) fn line(&self, pixels: &[[u8; 4]], output: &mut [[u8; 4]]) {
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        if self.count.is_multiple_of(2) {
            return vectors::line(self, pixels, output);
        }
        let spans = self.starts.iter().zip(self.weights.chunks_exact(self.count));
        for (output, (&start, weights)) in output.iter_mut().zip(spans) {
            let mut sum = [ROUND; 4];
            for (pixel, &weight) in pixels[start..].iter().zip(weights) {
                for (sum, &value) in sum.iter_mut().zip(pixel) {
                    *sum += i32::from(value) * weight;
                }
            }
            *output = sum.map(to_byte);
        }
    }

    /// Resamples lines from top to bottom, of which the first given is the first of [`Taps::range`], and leaves alpha
    /// out.
    pub(super) fn columns(&self, lines: &[[u8; 4]], width: usize, output: &mut [u8]) {
        let first = self.range().start;
        let mut sums = vec![0i32; 4 * width];
        let spans = self.starts.iter().zip(self.weights.chunks_exact(self.count));
        for (output, (&start, weights)) in output.chunks_exact_mut(3 * width).zip(spans) {
            sums.fill(ROUND);
            for (line, &weight) in lines[(start - first) * width..].chunks_exact(width).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(line.as_flattened()) {
                    *sum += i32::from(value) * weight;
                }
            }
            for (output, sum) in output.as_chunks_mut::<3>().0.iter_mut().zip(sums.as_chunks::<4>().0) {
                *output = [to_byte(sum[0]), to_byte(sum[1]), to_byte(sum[2])];
            }
        }
    }
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// Two pixels at a time by products of 16 bits, for which weights are split in two: the sums are the same.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod vectors {
    use std::arch::wasm32::*;

    use super::{LOWER, PRECISION, ROUND, Taps};

    pub(super) fn pairs(weights: &[i32]) -> Vec<[i32; 2]> {
        let lower = |w: i32| w & ((1 << LOWER) - 1);
        let pair = |&[a, b]: &[i32; 2]| [a >> LOWER | (b >> LOWER) << 16, lower(a) | lower(b) << 16];
        weights.as_chunks().0.iter().map(pair).collect()
    }

    pub(super) fn line(taps: &Taps, pixels: &[[u8; 4]], output: &mut [[u8; 4]]) {
        let zero = i16x8_splat(0);
        let spans = taps.starts.iter().zip(taps.pairs.chunks_exact(taps.count / 2));
        for (output, (&start, pairs)) in output.iter_mut().zip(spans) {
            let (mut upper, mut lower) = (i32x4_splat(0), i32x4_splat(ROUND));
            let twos = pixels[start..start + taps.count].as_flattened().as_chunks::<8>().0;
            for (two, [high, low]) in twos.iter().zip(pairs) {
                let two = i64x2_splat(i64::from_le_bytes(*two));
                // The reds as 16 bits each, the greens, the blues, the alphas.
                let two = i8x16_shuffle::<0, 16, 4, 16, 1, 16, 5, 16, 2, 16, 6, 16, 3, 16, 7, 16>(two, zero);
                upper = i32x4_add(upper, i32x4_dot_i16x8(two, i32x4_splat(*high)));
                lower = i32x4_add(lower, i32x4_dot_i16x8(two, i32x4_splat(*low)));
            }
            let sum = i32x4_shr(i32x4_add(i32x4_shl(upper, LOWER), lower), PRECISION);
            let words = i16x8_narrow_i32x4(sum, sum);
            *output = i32x4_extract_lane::<0>(u8x16_narrow_i16x8(words, words)).to_le_bytes();
        }
    }
}
