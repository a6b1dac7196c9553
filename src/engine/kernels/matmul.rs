//! Matrix products of rows of pixels with panels of weights: every convolution over all channels is one.
//!
//! A pixel's row is made of `segments`, stretches of `length` contiguous values: for a 1×1 kernel the pixel's channels,
//! for a larger kernel one stretch for each of its rows. Weights lie in panels of [`Kernels::panel`](super::Kernels::panel)
//! columns, row by row, so that a tile of some pixels and one panel stays in registers while both are read in order.

use super::simd::{Fused, Simd};

/// What stays the same for all pixels of a convolution.
pub(super) struct Matmul<'a> {
    /// Offsets of the stretches from the pixel's first value.
    pub segments: &'a [usize],
    /// Values of a stretch.
    pub length: usize,
    /// Values from one pixel's first to the next one's.
    pub pixel_step: usize,
    /// Panels, each `segments · length` rows; the last may be narrower: a whole number of vectors.
    pub weights: &'a [f32],
    /// A value for each column of all panels.
    pub bias: &'a [f32],
    /// Columns of the output: a multiple of 8, and its pixels' distance.
    pub columns: usize,
    /// Applied last.
    pub activation: Fused,
}

/// Pixels read, and written to.
#[derive(Clone, Copy)]
pub(super) struct Pixels {
    pub input: *const f32,
    pub residual: *const f32,
    pub output: *mut f32,
    pub count: usize,
}

/// One panel's place.
#[derive(Clone, Copy)]
struct Panel {
    weights: *const f32,
    bias: *const f32,
    column: usize,
}

/// How many values of input and output are processed together, so that they stay in the second-level cache.
const BLOCK: usize = 1 << 15;

/// Tiles of up to `ROWS` pixels by up to `VECTORS` vectors.
///
/// # Safety
/// The features of `S`; `pixels` must be good for `count` pixels as `matmul` describes them; `residual` null, or like
/// the output.
#[inline(always)]
pub(super) unsafe fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(matmul: &Matmul<'_>, pixels: Pixels) {
    let rows = matmul.segments.len() * matmul.length;
    let width = S::LANES * VECTORS;
    let block = (BLOCK / (rows + matmul.columns)).max(4 * ROWS);
    let mut done = 0;
    while done < pixels.count {
        let count = block.min(pixels.count - done);
        // SAFETY: `done` is less than `count`, so all pointers stay within the caller's pixels.
        let part = unsafe { advance(matmul, pixels, done, count) };
        let mut column = 0;
        while column < matmul.columns {
            let left = matmul.columns - column;
            let weights = matmul.weights[column * rows..].as_ptr();
            let panel = Panel { weights, bias: matmul.bias[column..].as_ptr(), column };
            // SAFETY: panels hold `rows` rows of their own width, and bias a value for each column.
            unsafe {
                if left > S::LANES {
                    column_block::<S, ROWS, VECTORS>(matmul, panel, part);
                } else {
                    column_block::<S, ROWS, 1>(matmul, panel, part);
                }
            }
            column += width;
        }
        done += count;
    }
}

/// The pixels from `by` on.
#[inline(always)]
unsafe fn advance(matmul: &Matmul<'_>, pixels: Pixels, by: usize, count: usize) -> Pixels {
    // SAFETY: the caller's `by` is within the pixels.
    unsafe {
        Pixels {
            input: pixels.input.add(by * matmul.pixel_step),
            residual: if pixels.residual.is_null() {
                pixels.residual
            } else {
                pixels.residual.add(by * matmul.columns)
            },
            output: pixels.output.add(by * matmul.columns),
            count,
        }
    }
}

/// All pixels by one panel, in tiles as equal as they can be.
///
/// On WebAssembly it is a function of its own: V8 replaces its baseline code by optimised code only between calls, and the
/// first run should profit from that.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn column_block<S: Simd, const ROWS: usize, const VECTORS: usize>(
    matmul: &Matmul<'_>,
    panel: Panel,
    pixels: Pixels,
) {
    let tiles = pixels.count.div_ceil(ROWS);
    let (least, larger) = (pixels.count / tiles, pixels.count % tiles);
    let mut done = 0;
    for tile_index in 0..tiles {
        let count = least + usize::from(tile_index < larger);
        // SAFETY: the tiles together are the caller's pixels.
        unsafe {
            let part = advance(matmul, pixels, done, count);
            macro_rules! of {
                ($($n:literal)*) => {
                    match count {
                        // The guard lets the compiler drop instances that are never called.
                        $($n if $n <= ROWS => tile::<S, $n, VECTORS>(matmul, panel, part),)*
                        _ => unreachable!("a tile has at most {ROWS} rows"),
                    }
                };
            }
            of!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        }
        done += count;
    }
}

#[inline(always)]
unsafe fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(matmul: &Matmul<'_>, panel: Panel, pixels: Pixels) {
    // SAFETY: the caller's pixels and panel are good for all that is read and written here: `segments · length` values
    // of each pixel, as many rows of the panel, and the panel's columns of the output as far as it has them.
    unsafe {
        let mut sums = [std::array::from_fn::<_, VECTORS, _>(|j| S::load(panel.bias.add(j * S::LANES))); ROWS];
        let mut weights = panel.weights;
        for segment in matmul.segments {
            let mut inputs: [*const f32; ROWS] =
                std::array::from_fn(|i| pixels.input.add(i * matmul.pixel_step + segment));
            for _ in 0..matmul.length {
                step::<S, ROWS, VECTORS>(&mut sums, &inputs, 0, weights);
                weights = weights.add(VECTORS * S::LANES);
                inputs = inputs.map(|input| input.add(1));
            }
        }
        for (i, sums) in sums.into_iter().enumerate() {
            let place = i * matmul.columns + panel.column;
            for (j, sum) in sums.into_iter().enumerate() {
                let column = j * S::LANES;
                let columns = matmul.columns - panel.column;
                if column >= columns {
                    break;
                }
                let count = columns - column;
                let mut value = sum;
                if !pixels.residual.is_null() {
                    value = S::add(value, S::load_first(pixels.residual.add(place + column), count));
                }
                S::store_first(pixels.output.add(place + column), matmul.activation.apply::<S>(value), count);
            }
        }
    }
}

#[inline(always)]
unsafe fn step<S: Simd, const ROWS: usize, const VECTORS: usize>(
    sums: &mut [[S::V; VECTORS]; ROWS],
    inputs: &[*const f32; ROWS],
    k: usize,
    weights: *const f32,
) {
    // SAFETY: the caller's pointers.
    unsafe {
        let weights: [S::V; VECTORS] = std::array::from_fn(|j| S::load(weights.add(j * S::LANES)));
        for (sums, input) in sums.iter_mut().zip(inputs) {
            let value = S::load_splat(input.add(k));
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = S::mul_add(value, weight, *sum);
            }
        }
    }
}
