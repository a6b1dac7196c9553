//! Runs one step of a plan.

use super::{CompiledEngine, Memory, Ready};
use crate::engine::kernels::Convolution;
use crate::engine::kernels::plain::{self, Image};
use crate::engine::plan::{Activation, Bytes, Conv, Gather, Step, Tensor, Window, padded};

/// How many values of scratch memory a step needs, and whether these are bytes.
pub(super) fn scratch(step: &Step, tensors: &[Tensor]) -> (bool, usize) {
    match step {
        Step::Conv(conv) if conv.bytes.is_some() || is_padded(conv, &tensors[conv.input]) => {
            let input = &tensors[conv.input];
            let [top, left, bottom, right] = conv.window.padding;
            let size = (input.height + top + bottom) * (input.width + left + right) * input.channels;
            (conv.bytes.is_some(), size)
        }
        _ => (false, 0),
    }
}

/// Whether the input is copied to scratch memory first: with zeros around it, and, for kernels larger than one pixel,
/// without padding between pixels.
fn is_padded(conv: &Conv, input: &Tensor) -> bool {
    conv.window.padding != [0; 4] || (conv.window.size != [1, 1] && input.channels != input.stride)
}

/// What a gather copies, in the longest possible runs: (input tensor, its first channel, the output's first channel, count).
pub(super) fn runs(gather: &Gather, tensors: &[Tensor]) -> Vec<(usize, usize, usize, usize)> {
    let mut runs: Vec<(usize, usize, usize, usize)> = Vec::new();
    let sum = |end: &mut usize, input: &usize| {
        *end += tensors[*input].channels;
        Some(*end)
    };
    let ends: Vec<usize> = gather.inputs.iter().scan(0, sum).collect();
    for (to, &channel) in gather.channels.iter().enumerate() {
        let input = ends.partition_point(|end| *end <= channel);
        let from = channel - input.checked_sub(1).map_or(0, |before| ends[before]);
        match runs.last_mut() {
            Some((last, start, _, count)) if *last == input && *start + *count == from => *count += 1,
            _ => runs.push((input, from, to, 1)),
        }
    }
    runs
}

impl CompiledEngine {
    pub(super) fn step(&self, ready: &Ready, memory: &mut Memory) {
        let to = &self.tensors[ready.step.output()];
        let (before, rest) = memory.arena.split_at_mut(to.offset);
        let (output, after) = rest.split_at_mut(to.extent());
        // No input shares memory with the output, as the plan's check has made sure.
        let image = |index: usize| {
            let from = &self.tensors[index];
            let values = match from.offset.checked_sub(to.offset + to.extent()) {
                Some(offset) => &after[offset..][..from.extent()],
                None => &before[from.offset..][..from.extent()],
            };
            Image { values, height: from.height, width: from.width, stride: from.stride }
        };
        match &ready.step {
            Step::Conv(conv) => {
                let input = image(conv.input);
                let residual = conv.residual.map(|index| image(index).values);
                match conv.bytes {
                    Some(bytes) => self.convolve_bytes(conv, bytes, ready, input, residual, &mut memory.words, output),
                    None => self.convolve(conv, ready, input, residual, &mut memory.scratch, output),
                }
            }
            Step::Depthwise(conv) => {
                let input = image(conv.input);
                let rows = conv.window.size[0] * conv.window.size[1];
                self.kernels.depthwise(
                    input.values,
                    [input.height, input.width],
                    to.stride,
                    conv.window,
                    self.floats.at(ready.weights, rows * to.stride),
                    self.floats.at(ready.bias, to.stride),
                    conv.activation,
                    to.width,
                    output,
                );
            }
            Step::Pool(pool) => plain::pool(image(pool.input), pool.window, pool.kind, to.width, output),
            Step::Mean(unary) => plain::mean(image(unary.input), output),
            Step::Binary(binary) => {
                plain::binary(image(binary.left).values, image(binary.right).values, binary.operation, output);
            }
            Step::Affine(affine) => {
                let input = image(affine.input);
                let scale = self.floats.at(ready.weights, to.stride);
                plain::affine(input.values, input.stride, scale, self.floats.at(ready.bias, to.stride), output);
            }
            Step::Activate(unary) => {
                let input = image(unary.input);
                for (to, from) in output.chunks_exact_mut(to.stride).zip(input.values.chunks_exact(input.stride)) {
                    to[..input.stride].copy_from_slice(from);
                }
            }
            Step::Gather(gather) => {
                let inputs: Vec<Image<'_>> = gather.inputs.iter().map(|index| image(*index)).collect();
                plain::gather(&inputs, &ready.runs, to.stride, output);
            }
            Step::Flatten(unary) => {
                let channels = self.tensors[unary.input].channels;
                plain::flatten(image(unary.input), channels, output);
            }
            Step::Softmax(unary) => {
                plain::softmax(&image(unary.input).values[..to.channels], &mut output[..to.channels]);
            }
        }
        if ready.pass != Activation::None {
            plain::activate(ready.pass, output);
        }
    }

    fn convolve(
        &self,
        conv: &Conv,
        ready: &Ready,
        input: Image<'_>,
        residual: Option<&[f32]>,
        scratch: &mut [f32],
        output: &mut [f32],
    ) {
        let (from, to) = (&self.tensors[conv.input], &self.tensors[conv.output]);
        let [top, left, bottom, right] = conv.window.padding;
        let (values, height, width, stride) = if is_padded(conv, from) {
            let (height, width) = (from.height + top + bottom, from.width + left + right);
            let padded = &mut scratch[..height * width * from.channels];
            plain::pad(input, from.channels, conv.window.padding, padded);
            (&*padded, height, width, from.channels)
        } else {
            (input.values, from.height, from.width, from.stride)
        };
        debug_assert_eq!(values.len(), height * width * stride);
        let columns = self.kernels.floats.panel_columns(padded(to.channels));
        let rows = conv.window.size[0] * conv.window.size[1] * from.channels;
        let convolution = Convolution {
            input: values,
            width,
            stride,
            channels: from.channels,
            window: Window { padding: [0; 4], ..conv.window },
            weights: self.floats.at(ready.weights, rows * columns),
            scale: &[],
            bias: self.floats.at(ready.bias, columns),
            residual,
            activation: conv.activation,
            output_size: [to.height, to.width],
            columns: to.stride,
        };
        self.kernels.floats.convolve(&convolution, output);
    }

    #[expect(clippy::too_many_arguments, reason = "what a convolution reads and writes")]
    fn convolve_bytes(
        &self,
        conv: &Conv,
        bytes: Bytes,
        ready: &Ready,
        input: Image<'_>,
        residual: Option<&[f32]>,
        words: &mut [i32],
        output: &mut [f32],
    ) {
        let (from, to) = (&self.tensors[conv.input], &self.tensors[conv.output]);
        let [top, left, bottom, right] = conv.window.padding;
        // Words of a pixel, of a row, and of the image with what surrounds it.
        let channels = from.channels / self.kernels.depth;
        let width = from.width + left + right;
        let words = &mut words[..(from.height + top + bottom) * width * channels];
        if conv.window.padding == [0; 4] {
            self.kernels.quantise(input.values, bytes, words);
        } else {
            words.fill(self.kernels.word_of(bytes.zero));
            let rows = words.chunks_exact_mut(width * channels).skip(top);
            for (row, values) in rows.zip(input.values.chunks_exact(from.width * from.channels)) {
                self.kernels.quantise(values, bytes, &mut row[left * channels..][..from.width * channels]);
            }
        }
        let columns = self.kernels.bytes.panel_columns(to.stride);
        let rows = conv.window.size[0] * conv.window.size[1] * channels;
        let convolution = Convolution {
            input: &*words,
            width,
            stride: channels,
            channels,
            window: Window { padding: [0; 4], ..conv.window },
            weights: self.words.at(ready.weights, rows * columns),
            scale: self.floats.at(ready.scale, columns),
            bias: self.floats.at(ready.bias, columns),
            residual,
            activation: conv.activation,
            output_size: [to.height, to.width],
            columns: to.stride,
        };
        self.kernels.bytes.convolve(&convolution, output);
    }
}
