//! Matrix products of rows of pixels with panels of weights: every convolution over all channels is one.
//!
//! A pixel's row is made of `segments`, stretches of `length` contiguous values: for a 1×1 kernel the pixel's channels,
//! for a larger kernel one stretch for each of its rows. Weights lie in panels of [`Tiles::panel`](super::Tiles::panel)
//! columns, row by row, so that a tile of some pixels and one panel stays in registers while both are read in order.
//!
//! The loops are the same for `f32` and for bytes; an [`Arithmetic`] says what a value is and how products are summed.

use super::simd::{Fused, Simd};
use crate::engine::plan;

/// How products are summed.
///
/// # Safety
/// As for [`Simd`].
pub(super) trait Arithmetic {
    /// A value of a pixel or of the weights.
    type Value: Copy;
    /// The vectors of the answer.
    type S: Simd;
    /// As many values, or as many sums, as a vector of the answer has lanes.
    type V: Copy;

    /// The sums before the first product; `bias` points to those of the columns.
    unsafe fn start(bias: *const f32) -> Self::V;
    unsafe fn load(weights: *const Self::Value) -> Self::V;
    unsafe fn load_splat(input: *const Self::Value) -> Self::V;
    unsafe fn add_products(input: Self::V, weights: Self::V, sums: Self::V) -> Self::V;
    /// The sums as `f32`; `scale` and `bias` point to those of the columns.
    unsafe fn finish(sums: Self::V, scale: *const f32, bias: *const f32) -> <Self::S as Simd>::V;
}

/// Arithmetic with `f32`. The bias is where the sums start; there is no scale.
pub(super) struct Floats<S>(std::marker::PhantomData<S>);

impl<S: Simd> Arithmetic for Floats<S> {
    type Value = f32;
    type S = S;
    type V = S::V;

    #[inline(always)]
    unsafe fn start(bias: *const f32) -> S::V {
        // SAFETY: the caller's.
        unsafe { S::load(bias) }
    }

    #[inline(always)]
    unsafe fn load(weights: *const f32) -> S::V {
        // SAFETY: the caller's.
        unsafe { S::load(weights) }
    }

    #[inline(always)]
    unsafe fn load_splat(input: *const f32) -> S::V {
        // SAFETY: the caller's.
        unsafe { S::load_splat(input) }
    }

    #[inline(always)]
    unsafe fn add_products(input: S::V, weights: S::V, sums: S::V) -> S::V {
        // SAFETY: the caller's.
        unsafe { S::mul_add(input, weights, sums) }
    }

    #[inline(always)]
    unsafe fn finish(sums: S::V, _: *const f32, _: *const f32) -> S::V {
        sums
    }
}

/// What stays the same for all pixels of a convolution.
pub(super) struct Matmul<'a, T> {
    /// Offsets of the stretches from the pixel's first value.
    pub segments: &'a [usize],
    /// Values of a stretch.
    pub length: usize,
    /// Values from one pixel's first to the next one's.
    pub pixel_step: usize,
    /// Panels, each `segments · length` rows; the last may be narrower: a whole number of vectors.
    pub weights: &'a [T],
    /// A value for each column of all panels; none where the arithmetic has no scale.
    pub scale: &'a [f32],
    /// A value for each column of all panels.
    pub bias: &'a [f32],
    /// Columns of the output: a multiple of 8, and its pixels' distance.
    pub columns: usize,
    /// Applied last.
    pub activation: Fused,
}

/// Pixels read, and written to.
pub(super) struct Pixels<T> {
    pub input: *const T,
    pub residual: *const f32,
    pub output: *mut f32,
    pub count: usize,
}

/// One panel's place.
struct Panel<T> {
    weights: *const T,
    scale: *const f32,
    bias: *const f32,
    column: usize,
}

/// How many values of input and output are processed together, so that they stay in the second-level cache.
const BLOCK: usize = 1 << 15;

/// Tiles of up to `ROWS` pixels by up to `VECTORS` vectors.
///
/// # Safety
/// The features of `A`; `pixels` must be good for `count` pixels as `matmul` describes them; `residual` null, or like
/// the output.
#[inline(always)]
pub(super) unsafe fn run<A: Arithmetic, const ROWS: usize, const VECTORS: usize>(
    matmul: &Matmul<'_, A::Value>,
    pixels: Pixels<A::Value>,
) {
    let rows = matmul.segments.len() * matmul.length;
    let lanes = <A::S as Simd>::LANES;
    let width = lanes * VECTORS;
    let block = (BLOCK / (rows + matmul.columns)).max(4 * ROWS);
    let mut done = 0;
    while done < pixels.count {
        let count = block.min(pixels.count - done);
        // SAFETY: `done` is less than `count`, so all pointers stay within the caller's pixels.
        let part = unsafe { advance(matmul, &pixels, done, count) };
        let mut column = 0;
        while column < matmul.columns {
            let left = matmul.columns - column;
            let weights = matmul.weights[column * rows..].as_ptr();
            let scale = matmul.scale.get(column..).map_or(std::ptr::null(), <[f32]>::as_ptr);
            let panel = Panel { weights, scale, bias: matmul.bias[column..].as_ptr(), column };
            // SAFETY: panels hold `rows` rows of their own width, and bias and scale a value for each column.
            unsafe {
                // Columns are a multiple of 8, so a panel of as many is always whole.
                if left > lanes || width <= plan::LANES {
                    column_block::<A, ROWS, VECTORS>(matmul, &panel, &part);
                } else {
                    column_block::<A, ROWS, 1>(matmul, &panel, &part);
                }
            }
            column += width;
        }
        done += count;
    }
}

/// The pixels from `by` on.
#[inline(always)]
unsafe fn advance<T>(matmul: &Matmul<'_, T>, pixels: &Pixels<T>, by: usize, count: usize) -> Pixels<T> {
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
unsafe fn column_block<A: Arithmetic, const ROWS: usize, const VECTORS: usize>(
    matmul: &Matmul<'_, A::Value>,
    panel: &Panel<A::Value>,
    pixels: &Pixels<A::Value>,
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
                        $($n if $n <= ROWS => tile::<A, $n, VECTORS>(matmul, panel, &part),)*
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
unsafe fn tile<A: Arithmetic, const ROWS: usize, const VECTORS: usize>(
    matmul: &Matmul<'_, A::Value>,
    panel: &Panel<A::Value>,
    pixels: &Pixels<A::Value>,
) {
    let lanes = <A::S as Simd>::LANES;
    // SAFETY: the caller's pixels and panel are good for all that is read and written here: `segments · length` values
    // of each pixel, as many rows of the panel, and the panel's columns of the output as far as it has them.
    unsafe {
        let mut sums = [std::array::from_fn::<_, VECTORS, _>(|j| A::start(panel.bias.add(j * lanes))); ROWS];
        let mut weights = panel.weights;
        for segment in matmul.segments {
            let mut inputs: [*const A::Value; ROWS] =
                std::array::from_fn(|i| pixels.input.add(i * matmul.pixel_step + segment));
            for _ in 0..matmul.length {
                step::<A, ROWS, VECTORS>(&mut sums, &inputs, weights);
                weights = weights.add(VECTORS * lanes);
                inputs = inputs.map(|input| input.add(1));
            }
        }
        for (i, sums) in sums.into_iter().enumerate() {
            let place = i * matmul.columns + panel.column;
            for (j, sum) in sums.into_iter().enumerate() {
                let column = j * lanes;
                let columns = matmul.columns - panel.column;
                if column >= columns {
                    break;
                }
                let count = columns - column;
                // Without a scale the pointer is null, and not read.
                let mut value = A::finish(sum, panel.scale.wrapping_add(column), panel.bias.add(column));
                if !pixels.residual.is_null() {
                    value = A::S::add(value, A::S::load_first(pixels.residual.add(place + column), count));
                }
                A::S::store_first(pixels.output.add(place + column), matmul.activation.apply::<A::S>(value), count);
            }
        }
    }
}

#[inline(always)]
unsafe fn step<A: Arithmetic, const ROWS: usize, const VECTORS: usize>(
    sums: &mut [[A::V; VECTORS]; ROWS],
    inputs: &[*const A::Value; ROWS],
    weights: *const A::Value,
) {
    // SAFETY: the caller's pointers.
    unsafe {
        let weights: [A::V; VECTORS] = std::array::from_fn(|j| A::load(weights.add(j * <A::S as Simd>::LANES)));
        for (sums, input) in sums.iter_mut().zip(inputs) {
            let value = A::load_splat(*input);
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = A::add_products(value, weight, *sum);
            }
        }
    }
}
