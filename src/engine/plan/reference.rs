//! Runs a plan by plain loops, one tensor at a time: what kernels and the compiler are tested against.

use super::{Activation, Bytes, Conv, Operation, Plan, PoolKind, Step, Storage, Tensor, Unary, Weights, Window};

/// The plan's answer to an image, `size × size × 3` values in rows of pixels of channels. The plan must be one that
/// [`Plan::parse`] accepts.
#[must_use]
pub fn run(plan: &Plan, image: &[f32]) -> Vec<f32> {
    tensors(plan, image).swap_remove(plan.program.output)
}

/// What each tensor holds after the last step that writes it; empty where no step does.
#[must_use]
pub fn tensors(plan: &Plan, image: &[f32]) -> Vec<Vec<f32>> {
    let program = &plan.program;
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); program.tensors.len()];
    values[0] = image.to_vec();
    for step in &program.steps {
        let output = step.output();
        values[output] = Run { plan, values: &values, to: &program.tensors[output] }.step(step);
    }
    values
}

/// One step. Tensors lie here without padding: pixel by pixel, as many values as there are channels.
struct Run<'a> {
    plan: &'a Plan<'a>,
    values: &'a [Vec<f32>],
    to: &'a Tensor,
}

impl Run<'_> {
    fn step(&self, step: &Step) -> Vec<f32> {
        match step {
            Step::Conv(conv) if conv.bytes.is_some() => self.convolve_bytes(conv),
            Step::Conv(conv) => self.each(|y, x, c| {
                let from = self.tensor(conv.input);
                let mut sum = f64::from(self.float(conv.bias, c));
                for (row, place) in self.window(&conv.window, from, y, x) {
                    let Some(pixel) = place else { continue };
                    for k in 0..from.channels {
                        let weight =
                            self.weight(&conv.weights, conv_rows(&conv.window, from), row * from.channels + k, c);
                        sum += f64::from(self.values[conv.input][pixel * from.channels + k]) * f64::from(weight);
                    }
                }
                let residual = conv.residual.map_or(0.0, |r| self.values[r][self.index(y, x, c)]);
                activate(conv.activation, sum as f32 + residual)
            }),
            Step::Depthwise(conv) => self.each(|y, x, c| {
                let from = self.tensor(conv.input);
                let rows = conv.window.size[0] * conv.window.size[1];
                let mut sum = f64::from(self.float(conv.bias, c));
                for (row, place) in self.window(&conv.window, from, y, x) {
                    let Some(pixel) = place else { continue };
                    let weight = self.weight(&conv.weights, rows, row, c);
                    sum += f64::from(self.values[conv.input][pixel * from.channels + c]) * f64::from(weight);
                }
                activate(conv.activation, sum as f32)
            }),
            Step::Pool(pool) => self.each(|y, x, c| {
                let from = self.tensor(pool.input);
                let below: Vec<f32> = self
                    .window(&pool.window, from, y, x)
                    .filter_map(|(_, place)| Some(self.values[pool.input][place? * from.channels + c]))
                    .collect();
                let sum: f64 = below.iter().map(|v| f64::from(*v)).sum();
                match pool.kind {
                    PoolKind::Max => below.into_iter().fold(f32::NEG_INFINITY, f32::max),
                    PoolKind::Mean => (sum / below.len() as f64) as f32,
                    PoolKind::PaddedMean => (sum / (pool.window.size[0] * pool.window.size[1]) as f64) as f32,
                }
            }),
            Step::Mean(Unary { input, activation, .. }) => self.each(|_, _, c| {
                let from = self.tensor(*input);
                let sum: f64 = (0..from.pixels()).map(|p| f64::from(self.values[*input][p * from.channels + c])).sum();
                activate(*activation, (sum / from.pixels() as f64) as f32)
            }),
            Step::Binary(binary) => self.each(|y, x, c| {
                let left = self.values[binary.left][self.index(y, x, c)];
                let one = self.tensor(binary.right).pixels() == 1;
                let right = self.values[binary.right][if one { c } else { self.index(y, x, c) }];
                let value = match binary.operation {
                    Operation::Add => left + right,
                    Operation::Subtract => left - right,
                    Operation::Multiply => left * right,
                    Operation::Divide => left / right,
                    Operation::Min => left.min(right),
                    Operation::Max => left.max(right),
                };
                activate(binary.activation, value)
            }),
            Step::Affine(affine) => self.each(|y, x, c| {
                let value = self.values[affine.input][self.index(y, x, c)];
                activate(affine.activation, value * self.float(affine.scale, c) + self.float(affine.bias, c))
            }),
            Step::Activate(Unary { input, activation, .. }) => {
                self.values[*input].iter().map(|v| activate(*activation, *v)).collect()
            }
            Step::Gather(gather) => self.each(|y, x, c| {
                let mut channel = gather.channels[c];
                for &input in &gather.inputs {
                    let from = self.tensor(input);
                    if channel < from.channels {
                        return self.values[input][(y * from.width + x) * from.channels + channel];
                    }
                    channel -= from.channels;
                }
                f32::NAN
            }),
            Step::Flatten(Unary { input, activation, .. }) => self.each(|_, _, c| {
                let from = self.tensor(*input);
                let (channel, pixel) = (c / from.pixels(), c % from.pixels());
                activate(*activation, self.values[*input][pixel * from.channels + channel])
            }),
            Step::Softmax(Unary { input, activation, .. }) => {
                let values = &self.values[*input];
                let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f64> = values.iter().map(|v| f64::from(v - largest).exp()).collect();
                let sum: f64 = powers.iter().sum();
                powers.iter().map(|p| activate(*activation, (p / sum) as f32)).collect()
            }
        }
    }

    /// A convolution with bytes: as in docs/formats/plan.md, with every operation rounded as it says.
    fn convolve_bytes(&self, conv: &Conv) -> Vec<f32> {
        let (Some(bytes), Storage::I8 { scales }) = (conv.bytes, conv.weights.storage) else { return Vec::new() };
        let from = self.tensor(conv.input);
        let rows = conv_rows(&conv.window, from);
        let input: Vec<i32> = self.values[conv.input].iter().map(|value| byte(bytes, *value)).collect();
        let zero = i32::from(bytes.zero);
        self.each(|y, x, c| {
            let weight = |row| i32::from(self.plan.data[conv.weights.offset + place(rows, row, c)].cast_signed());
            let mut sum = 0i32;
            for (tap, pixel) in self.window(&conv.window, from, y, x) {
                for k in 0..from.channels {
                    let byte = pixel.map_or(zero, |pixel| input[pixel * from.channels + k]);
                    sum += byte * weight(tap * from.channels + k);
                }
            }
            let all: i64 = (0..rows).map(|row| i64::from(weight(row))).sum();
            let scale = bytes.scale * self.float(scales, c);
            let bias = f64::from(self.float(conv.bias, c)) - (i64::from(zero) * all) as f64 * f64::from(scale);
            let residual = conv.residual.map_or(0.0, |r| self.values[r][self.index(y, x, c)]);
            activate(conv.activation, sum as f32 * scale + bias as f32 + residual)
        })
    }

    /// The output, from the value at each row, column and channel.
    fn each(&self, value: impl Fn(usize, usize, usize) -> f32) -> Vec<f32> {
        let Tensor { height, width, channels, .. } = *self.to;
        let value = &value;
        (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| value(y, x, c)))).collect()
    }

    fn index(&self, y: usize, x: usize, c: usize) -> usize {
        (y * self.to.width + x) * self.to.channels + c
    }

    fn tensor(&self, index: usize) -> &Tensor {
        &self.plan.program.tensors[index]
    }

    /// The rows of the window at an output, each with the pixel below it, if that is within the image.
    fn window(
        &self,
        window: &Window,
        from: &Tensor,
        y: usize,
        x: usize,
    ) -> impl Iterator<Item = (usize, Option<usize>)> {
        let Window { size, stride, dilation, padding } = *window;
        let (height, width) = (from.height, from.width);
        (0..size[0] * size[1]).map(move |row| {
            let at = (y * stride[0] + row / size[1] * dilation[0]).checked_sub(padding[0]);
            let across = (x * stride[1] + row % size[1] * dilation[1]).checked_sub(padding[1]);
            let pixel = at.zip(across).filter(|(y, x)| *y < height && *x < width);
            (row, pixel.map(|(y, x)| y * width + x))
        })
    }

    fn weight(&self, weights: &Weights, rows: usize, row: usize, column: usize) -> f32 {
        let at = place(rows, row, column);
        let data = &self.plan.data[weights.offset..];
        match weights.storage {
            Storage::F32 => f32::from_le_bytes(std::array::from_fn(|i| data[4 * at + i])),
            Storage::F16 => half::f16::from_le_bytes(std::array::from_fn(|i| data[2 * at + i])).to_f32(),
            Storage::I8 { scales } => f32::from(data[at].cast_signed()) * self.float(scales, column),
        }
    }

    fn float(&self, offset: usize, index: usize) -> f32 {
        f32::from_le_bytes(std::array::from_fn(|i| self.plan.data[offset + 4 * index + i]))
    }
}

/// Where a weight lies among those of its matrix.
fn place(rows: usize, row: usize, column: usize) -> usize {
    (column / super::LANES * rows + row) * super::LANES + column % super::LANES
}

/// The byte that a value becomes; NaN becomes 0.
fn byte(bytes: Bytes, value: f32) -> i32 {
    let value = value * (1.0 / bytes.scale) + f32::from(bytes.zero);
    value.max(0.0).min(f32::from(super::LARGEST_BYTE)).round_ties_even() as i32
}

fn conv_rows(window: &Window, from: &Tensor) -> usize {
    window.size[0] * window.size[1] * from.channels
}

fn activate(activation: Activation, x: f32) -> f32 {
    match activation {
        Activation::None => x,
        Activation::Relu => x.max(0.0),
        Activation::Clamp(low, high) => x.max(low).min(high),
        Activation::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Activation::HardSigmoid(alpha, beta) => (alpha * x + beta).clamp(0.0, 1.0),
        Activation::LeakyRelu(alpha) => {
            if x > 0.0 {
                x
            } else {
                alpha * x
            }
        }
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
        Activation::Sqrt => x.sqrt(),
        Activation::Abs => x.abs(),
    }
}
