//! The steps that take little time, in plain Rust.

use crate::engine::plan::{Activation, LANES, Operation, PoolKind, Window};

/// An image: its values, rows, columns, and values from one pixel to the next.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Image<'a> {
    pub(in crate::engine) values: &'a [f32],
    pub(in crate::engine) height: usize,
    pub(in crate::engine) width: usize,
    pub(in crate::engine) stride: usize,
}

impl<'a> Image<'a> {
    fn pixel(&self, y: usize, x: usize) -> &'a [f32] {
        &self.values[(y * self.width + x) * self.stride..][..self.stride]
    }
}

/// Writes the image with zeros around it and without padding between its pixels: `channels` values each.
pub(in crate::engine) fn pad(image: Image<'_>, channels: usize, padding: [usize; 4], output: &mut [f32]) {
    let [top, left, _, right] = padding;
    let width = left + image.width + right;
    output.fill(0.0);
    for (y, row) in output.chunks_exact_mut(width * channels).skip(top).take(image.height).enumerate() {
        let row = &mut row[left * channels..][..image.width * channels];
        let from = &image.values[y * image.width * image.stride..][..image.width * image.stride];
        if channels == image.stride {
            row.copy_from_slice(from);
        } else {
            for (to, from) in row.chunks_exact_mut(channels).zip(from.chunks_exact(image.stride)) {
                to.copy_from_slice(&from[..channels]);
            }
        }
    }
}

/// The largest or mean value below a window.
pub(in crate::engine) fn pool(image: Image<'_>, window: Window, kind: PoolKind, width: usize, output: &mut [f32]) {
    let Window { size, stride, dilation, padding: [top, left, ..] } = window;
    let within = |start: usize, tap: usize, dilation: usize, padding: usize, side: usize| {
        (start + tap * dilation).checked_sub(padding).filter(|at| *at < side)
    };
    for (index, out) in output.chunks_exact_mut(image.stride).enumerate() {
        let (y, x) = (index / width * stride[0], index % width * stride[1]);
        out.fill(if kind == PoolKind::Max { f32::NEG_INFINITY } else { 0.0 });
        let mut count = 0;
        for y in (0..size[0]).filter_map(|tap| within(y, tap, dilation[0], top, image.height)) {
            for x in (0..size[1]).filter_map(|tap| within(x, tap, dilation[1], left, image.width)) {
                count += 1;
                let values = lanes_mut(out).zip(lanes(image.pixel(y, x)));
                if kind == PoolKind::Max {
                    values.for_each(|(o, v)| (0..LANES).for_each(|i| o[i] = if v[i] > o[i] { v[i] } else { o[i] }));
                } else {
                    values.for_each(|(o, v)| (0..LANES).for_each(|i| o[i] += v[i]));
                }
            }
        }
        let divisor = match kind {
            PoolKind::Max => 1.0,
            PoolKind::Mean => count as f32,
            PoolKind::PaddedMean => (size[0] * size[1]) as f32,
        };
        if count == 0 {
            out.fill(0.0);
        } else if kind != PoolKind::Max {
            out.iter_mut().for_each(|o| *o /= divisor);
        }
    }
}

/// The mean of all pixels.
pub(in crate::engine) fn mean(image: Image<'_>, output: &mut [f32]) {
    let share = 1.0 / (image.height * image.width) as f32;
    output.fill(0.0);
    for pixel in image.values.chunks_exact(image.stride) {
        // The input image has fewer values a pixel than the output.
        output.iter_mut().zip(pixel).for_each(|(o, v)| *o += v);
    }
    output.iter_mut().for_each(|o| *o *= share);
}

/// Two tensors value by value, or `right`, one pixel, with every pixel of `left`.
pub(in crate::engine) fn binary(left: &[f32], right: &[f32], operation: Operation, output: &mut [f32]) {
    // One loop per operation, so that the compiler vectorises each.
    match operation {
        Operation::Add => each(left, right, output, |a, b| a + b),
        Operation::Subtract => each(left, right, output, |a, b| a - b),
        Operation::Multiply => each(left, right, output, |a, b| a * b),
        Operation::Divide => each(left, right, output, |a, b| a / b),
        Operation::Min => each(left, right, output, |a, b| if b < a { b } else { a }),
        Operation::Max => each(left, right, output, |a, b| if b > a { b } else { a }),
    }
}

#[inline(always)]
fn each(left: &[f32], right: &[f32], output: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    for (output, left) in output.chunks_exact_mut(right.len()).zip(left.chunks_exact(right.len())) {
        for ((o, l), r) in lanes_mut(output).zip(lanes(left)).zip(lanes(right)) {
            (0..LANES).for_each(|i| o[i] = f(l[i], r[i]));
        }
    }
}

/// Each channel times its scale plus its bias; `stride` values a pixel of the input.
pub(in crate::engine) fn affine(input: &[f32], stride: usize, scale: &[f32], bias: &[f32], output: &mut [f32]) {
    for (output, input) in output.chunks_exact_mut(scale.len()).zip(input.chunks_exact(stride)) {
        for (((o, v), s), b) in output.iter_mut().zip(input).zip(scale).zip(bias) {
            *o = v * s + b;
        }
    }
}

/// Applies a function to every value.
pub(in crate::engine) fn activate(activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::None => {}
        Activation::Relu => map(values, |x| if x > 0.0 { x } else { 0.0 }),
        Activation::Clamp(low, high) => map(values, |x| clamp(x, low, high)),
        Activation::HardSwish => map(values, |x| x * clamp(x * (1.0 / 6.0) + 0.5, 0.0, 1.0)),
        Activation::HardSigmoid(alpha, beta) => map(values, |x| clamp(alpha * x + beta, 0.0, 1.0)),
        Activation::LeakyRelu(alpha) => map(values, |x| if x > 0.0 { x } else { alpha * x }),
        Activation::Sigmoid => map(values, sigmoid),
        Activation::Silu => map(values, |x| x * sigmoid(x)),
        Activation::Tanh => map(values, f32::tanh),
        Activation::Sqrt => map(values, f32::sqrt),
        Activation::Abs => map(values, f32::abs),
    }
}

#[inline(always)]
fn map(values: &mut [f32], f: impl Fn(f32) -> f32) {
    let (groups, rest) = values.as_chunks_mut::<LANES>();
    groups.iter_mut().for_each(|group| (0..LANES).for_each(|i| group[i] = f(group[i])));
    rest.iter_mut().for_each(|value| *value = f(*value));
}

fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Copies runs of channels: (tensor, first channel there, first channel here, how many).
pub(in crate::engine) fn gather(
    inputs: &[Image<'_>],
    runs: &[(usize, usize, usize, usize)],
    stride: usize,
    output: &mut [f32],
) {
    for &(input, from, to, count) in runs {
        let Image { values, stride: input_stride, .. } = inputs[input];
        let pixels = output.chunks_exact_mut(stride).zip(values.chunks_exact(input_stride));
        if count == 1 {
            pixels.for_each(|(o, v)| o[to] = v[from]);
        } else {
            pixels.for_each(|(o, v)| o[to..to + count].copy_from_slice(&v[from..from + count]));
        }
    }
}

/// All values of an image, channel by channel.
pub(in crate::engine) fn flatten(image: Image<'_>, channels: usize, output: &mut [f32]) {
    let pixels = image.values.len() / image.stride;
    for (p, pixel) in image.values.chunks_exact(image.stride).enumerate() {
        for (c, value) in pixel[..channels].iter().enumerate() {
            output[c * pixels + p] = *value;
        }
    }
}

/// Softmax of all values.
pub(in crate::engine) fn softmax(input: &[f32], output: &mut [f32]) {
    let largest = input.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    output.iter_mut().zip(input).for_each(|(o, v)| *o = (v - largest).exp());
    let sum: f32 = output.iter().sum();
    output.iter_mut().for_each(|o| *o /= sum);
}

// Every tensor's pixels but the input's are whole groups of lanes.
fn lanes(values: &[f32]) -> impl Iterator<Item = &[f32; LANES]> {
    values.as_chunks().0.iter()
}

fn lanes_mut(values: &mut [f32]) -> impl Iterator<Item = &mut [f32; LANES]> {
    values.as_chunks_mut().0.iter_mut()
}
