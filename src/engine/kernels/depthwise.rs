//! Depthwise convolution: each channel has a kernel of its own. Vectors run over channels, which are contiguous.

use super::simd::{Fused, Simd};
use crate::engine::plan::Window;

/// What a depthwise convolution reads and writes.
pub(super) struct Depthwise<'a> {
    /// `height × width` pixels of `channels` values.
    pub input: &'a [f32],
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// A multiple of 8.
    pub channels: usize,
    /// Where the kernel lies; what it reads past the image is 0.
    pub window: Window,
    /// `size[0] · size[1]` rows of `channels` values.
    pub weights: &'a [f32],
    /// A value for each channel.
    pub bias: &'a [f32],
    /// Columns of the output.
    pub output_width: usize,
    /// The activation, applied last.
    pub activation: Fused,
}

/// A row of the kernel's rows that lie within the image, and where the first of them reads.
#[derive(Clone, Copy)]
struct Rows {
    /// First and last but one row of the kernel.
    kernel: (usize, usize),
    /// Offset of the input row that the first one reads.
    input: usize,
}

/// Computes one row of the output, with `Wide` vectors where they fit the channels.
///
/// # Safety
/// The features of both; `Narrow` vectors of at most eight lanes; slices as [`Depthwise`] describes them.
#[inline(always)]
pub(super) unsafe fn row<Wide: Simd, Narrow: Simd>(conv: &Depthwise<'_>, y: usize, output: &mut [f32]) {
    // SAFETY: the caller's; channels are a multiple of eight.
    unsafe {
        if conv.channels.is_multiple_of(Wide::LANES) {
            whole_row::<Wide>(conv, y, output);
        } else {
            whole_row::<Narrow>(conv, y, output);
        }
    }
}

/// # Safety
/// As [`row`]; the channels are a multiple of the lanes.
#[inline(always)]
unsafe fn whole_row<S: Simd>(conv: &Depthwise<'_>, y: usize, output: &mut [f32]) {
    let Window { size, stride, dilation, padding: [top, left, ..] } = conv.window;
    debug_assert!(output.len() == conv.output_width * conv.channels && conv.channels.is_multiple_of(S::LANES));
    let (from, to) = taps(y * stride[0], top, dilation[0], size[0], conv.height);
    let first = if from < to { y * stride[0] + from * dilation[0] - top } else { 0 };
    let rows = Rows { kernel: (from, to), input: first * conv.width * conv.channels };
    // Columns whose whole kernel lies within the image.
    let inner_from = left.div_ceil(stride[1]).min(conv.output_width);
    let reach = (size[1] - 1) * dilation[1] + 1;
    let inner_to = (conv.width + left).checked_sub(reach).map_or(0, |last| last / stride[1] + 1);
    let inner_to = inner_to.clamp(inner_from, conv.output_width);
    // SAFETY: `inner_from..inner_to` read within the image by the above, the rest only where `taps` says.
    unsafe {
        for x in (0..inner_from).chain(inner_to..conv.output_width) {
            let taps = taps(x * stride[1], left, dilation[1], size[1], conv.width);
            pixel::<S>(conv, rows, x, taps, output);
        }
        let mut x = inner_from;
        if dilation[1] == 1 {
            macro_rules! blocks {
                ($($size:literal $stride:literal)*) => {
                    match (size[1], stride[1]) {
                        $(($size, $stride) => {
                            while x + 4 <= inner_to {
                                pixels::<S, $size, $stride, 4>(conv, rows, x, output);
                                x += 4;
                            }
                            while x + 2 <= inner_to {
                                pixels::<S, $size, $stride, 2>(conv, rows, x, output);
                                x += 2;
                            }
                        })*
                        _ => {}
                    }
                };
            }
            blocks!(3 1 3 2 5 1 5 2);
        }
        for x in x..inner_to {
            pixel::<S>(conv, rows, x, (0, size[1]), output);
        }
    }
}

/// Which of a kernel's `size` taps lie within an image of `side`, where the kernel begins at `start - padding`.
fn taps(start: usize, padding: usize, dilation: usize, size: usize, side: usize) -> (usize, usize) {
    let from = padding.saturating_sub(start).div_ceil(dilation).min(size);
    let to = (side + padding).saturating_sub(start).div_ceil(dilation).min(size);
    (from, to.max(from))
}

/// `COUNT` neighbouring outputs whose kernels lie within the image's columns.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn pixels<S: Simd, const SIZE: usize, const STRIDE: usize, const COUNT: usize>(
    conv: &Depthwise<'_>,
    rows: Rows,
    x: usize,
    output: &mut [f32],
) {
    let channels = conv.channels;
    let line = conv.width * channels;
    let step = conv.window.dilation[0] * line;
    // SAFETY: input columns `x·STRIDE - left ..` up to the last kernel's end are within the image, as are the rows.
    unsafe {
        let input = conv.input.as_ptr().add(rows.input + (x * STRIDE - conv.window.padding[1]) * channels);
        let weights = conv.weights.as_ptr().add(rows.kernel.0 * SIZE * channels);
        let output = output.as_mut_ptr().add(x * channels);
        for channel in (0..channels).step_by(S::LANES) {
            let mut sums = [S::load(conv.bias.as_ptr().add(channel)); COUNT];
            let mut input = input.add(channel);
            let mut weights = weights.add(channel);
            for _ in rows.kernel.0..rows.kernel.1 {
                let taps: [S::V; SIZE] = std::array::from_fn(|k| S::load(weights.add(k * channels)));
                for column in 0..(COUNT - 1) * STRIDE + SIZE {
                    let value = S::load(input.add(column * channels));
                    for (i, sum) in sums.iter_mut().enumerate() {
                        if let Some(tap) = column.checked_sub(i * STRIDE).and_then(|k| taps.get(k)) {
                            *sum = S::mul_add(value, *tap, *sum);
                        }
                    }
                }
                // Past the last row the image's memory may end.
                input = input.wrapping_add(step);
                weights = weights.add(SIZE * channels);
            }
            for (i, sum) in sums.into_iter().enumerate() {
                S::store(output.add(i * channels + channel), conv.activation.apply::<S>(sum));
            }
        }
    }
}

/// One output of any kernel, from the given columns of it.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn pixel<S: Simd>(conv: &Depthwise<'_>, rows: Rows, x: usize, (from, to): (usize, usize), output: &mut [f32]) {
    let channels = conv.channels;
    let Window { size, stride, dilation, padding: [_, left, ..] } = conv.window;
    let line = dilation[0] * conv.width * channels;
    // Where no column lies within the image, the start is not used.
    let start = (x * stride[1] + from * dilation[1]).saturating_sub(left) * channels;
    // SAFETY: `rows` and the columns are those within the image.
    unsafe {
        for channel in (0..channels).step_by(S::LANES) {
            let mut sum = S::load(conv.bias.as_ptr().add(channel));
            for (i, ky) in (rows.kernel.0..rows.kernel.1).enumerate() {
                for (j, kx) in (from..to).enumerate() {
                    let input = rows.input + i * line + start + j * dilation[1] * channels + channel;
                    let weight = S::load(conv.weights.as_ptr().add((ky * size[1] + kx) * channels + channel));
                    sum = S::mul_add(S::load(conv.input.as_ptr().add(input)), weight, sum);
                }
            }
            S::store(output.as_mut_ptr().add(x * channels + channel), conv.activation.apply::<S>(sum));
        }
    }
}
