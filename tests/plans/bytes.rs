//! Random plans with one convolution of bytes, whose input is the same on every processor: what is computed with whole
//! numbers must then be the same to the last bit.

use jicho::engine::plan::{
    Activation, Affine, Bytes, Conv, Gather, LANES, Plan, Program, Step, Storage, Tensor, Unary,
};
use jicho::engine::plan::{Weights, Window};

use super::{Case, Choices};

/// A plan and an image with ordinary, extreme and impossible values.
pub fn case(choices: &mut Choices<'_>) -> Case {
    let side = 1 + choices.below(7);
    let channels = LANES * (1 + choices.below(9));
    let columns = 1 + choices.below(70);
    let size = [1 + choices.below(3).min(side - 1), 1 + choices.below(3).min(side - 1)];
    let stride = [1 + choices.below(2), 1 + choices.below(2)];
    let padding: [usize; 4] = std::array::from_fn(|_| choices.below(3));
    let dilation = [if size[0] < 3 && side > 2 { 1 + choices.below(2) } else { 1 }, 1];
    let window = Window { size, stride, dilation, padding };
    let out: [usize; 2] = std::array::from_fn(|axis| {
        (side + padding[axis] + padding[axis + 2] - dilation[axis] * (size[axis] - 1) - 1) / stride[axis] + 1
    });
    let mut plan = Writer { data: Vec::new(), tensors: Vec::new() };
    plan.tensor(side, side, 3, 3);
    let wide = plan.tensor(side, side, channels, channels);
    let input = plan.tensor(side, side, channels, channels);
    let residual = plan.tensor(out[0], out[1], columns, columns.next_multiple_of(LANES));
    let output = plan.tensor(out[0], out[1], columns, columns.next_multiple_of(LANES));
    let count = out[0] * out[1] * columns;
    let answer = plan.tensor(1, 1, count, count.next_multiple_of(LANES));

    let spread = (0..channels).map(|_| choices.below(3)).collect();
    let mut steps = vec![Step::Gather(Gather { inputs: vec![0], output: wide, channels: spread })];
    let scale = plan.floats((0..channels).map(|_| choices.signed() * 4.0));
    let bias = plan.floats((0..channels).map(|_| choices.signed()));
    steps.push(Step::Affine(Affine { input: wide, output: input, scale, bias, activation: Activation::None }));
    let has_residual = out == [side; 2] && choices.below(2) == 0;
    if has_residual {
        let spread = (0..columns).map(|_| choices.below(channels)).collect();
        steps.push(Step::Gather(Gather { inputs: vec![input], output: residual, channels: spread }));
    }
    let rows = size[0] * size[1] * channels;
    let extreme = choices.below(4);
    let offset = plan.data.len();
    for index in 0..rows * columns.next_multiple_of(LANES) {
        let is_padding = index / (rows * LANES) * LANES + index % LANES >= columns;
        let byte = match extreme {
            _ if is_padding => 0,
            0 => i8::MIN,
            1 => i8::MAX,
            2 => choices.of(&[i8::MIN, i8::MAX]),
            _ => choices.below(256) as u8 as i8,
        };
        plan.data.push(byte.cast_unsigned());
    }
    let scales = plan.floats((0..columns).map(|_| choices.of(&[0.0, 1e-3, 0.017, 2.5])));
    let bias = plan.floats((0..columns).map(|_| choices.signed() * 3.0));
    let bytes = Bytes { scale: choices.of(&[0.03, 1e-12, 1e12, 0.5, 0.011]), zero: choices.of(&[0, 64, 127, 31]) };
    let activations = [Activation::None, Activation::Relu, Activation::Clamp(-1.0, 6.0), Activation::LeakyRelu(0.1)];
    let weights = Weights { offset, storage: Storage::I8 { scales } };
    let residual = has_residual.then_some(residual);
    let activation = choices.of(&activations);
    steps.push(Step::Conv(Conv { input, output, window, weights, bias, residual, activation, bytes: Some(bytes) }));
    steps.push(Step::Flatten(Unary { input: output, output: answer, activation: Activation::None }));

    // The first kinds of images have nothing that is not finite.
    let odd = choices.below(3) == 2;
    let value = |choices: &mut Choices<'_>| {
        let odd = odd && choices.below(4) == 0;
        if odd { choices.of(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30]) } else { choices.signed() }
    };
    let image = (0..3 * side * side).map(|_| value(choices)).collect();
    let Writer { data, tensors } = plan;
    let arena = tensors.iter().map(|t| t.offset + t.extent()).max().unwrap();
    let program = Program { onnx: "0".repeat(64), arena, tensors, steps, output: answer };
    Case { plan: Plan { program, data: data.into() }, image: if has_residual { finite(image) } else { image } }
}

/// A residual is added as it is: what is not finite would be the answer.
fn finite(image: Vec<f32>) -> Vec<f32> {
    image.into_iter().map(|value| if value.abs() < 1e10 { value } else { 0.5 }).collect()
}

struct Writer {
    data: Vec<u8>,
    tensors: Vec<Tensor>,
}

impl Writer {
    /// A tensor behind those that are there.
    fn tensor(&mut self, height: usize, width: usize, channels: usize, stride: usize) -> usize {
        let offset = self.tensors.last().map_or(0, |t| t.offset + t.extent());
        self.tensors.push(Tensor { height, width, channels, stride, offset });
        self.tensors.len() - 1
    }

    fn floats(&mut self, values: impl Iterator<Item = f32>) -> usize {
        self.data.resize(self.data.len().next_multiple_of(4), 0);
        let offset = self.data.len();
        self.data.extend(values.flat_map(f32::to_le_bytes));
        offset
    }
}
