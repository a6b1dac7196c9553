//! A plan as an ONNX network, with the very weights that devices run.

use half::f16;
use jicho::engine::plan::{
    Activation, Binary, Bytes, Conv, Depthwise, LANES, LARGEST_BYTE, Operation, Plan, Pool, PoolKind, Step, Storage,
    Weights, Window,
};
use jicho::manifest::Layout;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto};

use super::build::{Builder, float, int, ints, model, value};
use crate::error::Result;

/// The network of a plan that [`Plan::parse`] accepts, with its image called `input` and its answer `output`.
///
/// # Errors
/// `INVALID_MODEL` for a step that ONNX has no word for: a mean below a dilated window.
pub fn network(plan: &Plan<'_>, layout: Layout, input: &str, output: &str) -> Result<ModelProto> {
    let program = &plan.program;
    let size = program.tensors[0].height;
    let shape = match layout {
        Layout::Nchw => [0, 3, size, size],
        Layout::Nhwc => [0, size, size, 3],
    };
    let mut graph = GraphProto { name: "plan".into(), input: vec![value(input, &shape)], ..Default::default() };
    let mut writer =
        Writer { plan, build: Builder::new(&mut graph, "plan"), names: vec![String::new(); program.tensors.len()] };
    writer.names[0] = match layout {
        Layout::Nchw => input.to_owned(),
        Layout::Nhwc => writer.build.node("Transpose", &[input], vec![ints("perm", &[0, 3, 1, 2])]),
    };
    for step in &program.steps {
        writer.names[step.output()] = writer.step(step)?;
    }
    let answer = writer.names[program.output].clone();
    writer.build.named("Flatten", &[&answer], output, vec![int("axis", 1)]);
    graph.output = vec![value(output, &[0, program.tensors[program.output].channels])];
    Ok(model(graph))
}

struct Writer<'a> {
    plan: &'a Plan<'a>,
    build: Builder<'a>,
    /// Of the tensors, as they were written last: channels before rows and columns.
    names: Vec<String>,
}

impl Writer<'_> {
    /// The name of what the step writes.
    fn step(&mut self, step: &Step) -> Result<String> {
        let channels = self.plan.program.tensors[step.output()].channels;
        let inputs: Vec<String> = step.inputs().iter().map(|i| self.names[*i].clone()).collect();
        let first = inputs[0].as_str();
        Ok(match step {
            Step::Conv(Conv { input, window, weights, bias, residual, activation, bytes, .. }) => {
                let depth = self.plan.program.tensors[*input].channels;
                let rounded = bytes.map(|bytes| self.as_bytes(first, bytes));
                let first = rounded.as_deref().unwrap_or(first);
                let mut sum = self.convolve(first, window, weights, *bias, [channels, depth], 1);
                if residual.is_some() {
                    sum = self.build.node("Add", &[&sum, &inputs[1]], vec![]);
                }
                self.activate(sum, *activation)
            }
            Step::Depthwise(Depthwise { window, weights, bias, activation, .. }) => {
                let sum = self.convolve(first, window, weights, *bias, [channels, 1], channels);
                self.activate(sum, *activation)
            }
            Step::Pool(pool) => self.pool(first, pool)?,
            Step::Mean(unary) => {
                let mean = self.build.node("GlobalAveragePool", &[first], vec![]);
                self.activate(mean, unary.activation)
            }
            Step::Binary(Binary { operation, activation, .. }) => {
                let op = match operation {
                    Operation::Add => "Add",
                    Operation::Subtract => "Sub",
                    Operation::Multiply => "Mul",
                    Operation::Divide => "Div",
                    Operation::Min => "Min",
                    Operation::Max => "Max",
                };
                let result = self.build.node(op, &[first, &inputs[1]], vec![]);
                self.activate(result, *activation)
            }
            Step::Affine(affine) => {
                let [scale, bias] = [affine.scale, affine.bias].map(|offset| {
                    let values = self.floats(offset, channels);
                    self.build.weights(&[1, channels, 1, 1], &values)
                });
                let scaled = self.build.node("Mul", &[first, &scale], vec![]);
                let moved = self.build.node("Add", &[&scaled, &bias], vec![]);
                self.activate(moved, affine.activation)
            }
            Step::Activate(unary) => self.activate(first.to_owned(), unary.activation),
            Step::Gather(gather) => {
                let names: Vec<&str> = inputs.iter().map(String::as_str).collect();
                let all = self.build.node("Concat", &names, vec![int("axis", 1)]);
                let indices: Vec<i64> = gather.channels.iter().map(|c| *c as i64).collect();
                let indices = self.build.integers(&indices);
                self.build.node("Gather", &[&all, &indices], vec![int("axis", 1)])
            }
            Step::Flatten(unary) => {
                let shape = self.build.integers(&[0, channels as i64, 1, 1]);
                let flat = self.build.node("Reshape", &[first, &shape], vec![]);
                self.activate(flat, unary.activation)
            }
            Step::Softmax(unary) => {
                let shares = self.build.node("Softmax", &[first], vec![int("axis", 1)]);
                self.activate(shares, unary.activation)
            }
        })
    }

    /// `shape`: channels of the output, and of the input that each of them reads.
    fn convolve(
        &mut self,
        image: &str,
        window: &Window,
        weights: &Weights,
        bias: usize,
        shape: [usize; 2],
        groups: usize,
    ) -> String {
        let [columns, depth] = shape;
        let [height, width] = window.size;
        let rows = height * width * depth;
        let mut values = Vec::with_capacity(rows * columns);
        for column in 0..columns {
            for channel in 0..depth {
                values.extend(
                    (0..height * width).map(|place| self.weight(weights, rows, place * depth + channel, column)),
                );
            }
        }
        let dims = [columns, depth, height, width];
        let weights = match weights.storage {
            Storage::F16 => self.build.half_weights(&dims, &values),
            Storage::F32 | Storage::I8 { .. } => self.build.weights(&dims, &values),
        };
        let bias = self.floats(bias, columns);
        let bias = self.build.weights(&[columns], &bias);
        let mut attributes = window_attributes(window);
        attributes.push(int("group", groups as i64));
        self.build.node("Conv", &[image, &weights, &bias], attributes)
    }

    /// What values stand for once they are bytes.
    fn as_bytes(&mut self, values: &str, bytes: Bytes) -> String {
        let zero = f32::from(bytes.zero);
        let numbers = [1.0 / bytes.scale, zero, 0.0, f32::from(LARGEST_BYTE), bytes.scale];
        let [inverse, zero, least, most, scale] = numbers.map(|number| self.build.weights(&[], &[number]));
        let steps = self.build.node("Mul", &[values, &inverse], vec![]);
        let steps = self.build.node("Add", &[&steps, &zero], vec![]);
        let steps = self.build.node("Clip", &[&steps, &least, &most], vec![]);
        let steps = self.build.node("Round", &[&steps], vec![]);
        let steps = self.build.node("Sub", &[&steps, &zero], vec![]);
        self.build.node("Mul", &[&steps, &scale], vec![])
    }

    fn pool(&mut self, image: &str, pool: &Pool) -> Result<String> {
        let mut attributes = window_attributes(&pool.window);
        let op = match pool.kind {
            PoolKind::Max => "MaxPool",
            PoolKind::Mean | PoolKind::PaddedMean => {
                if pool.window.dilation != [1, 1] {
                    return Err(super::invalid("a mean below a dilated window cannot be written as ONNX".into()));
                }
                attributes.retain(|a| a.name != "dilations");
                attributes.push(int("count_include_pad", i64::from(pool.kind == PoolKind::PaddedMean)));
                "AveragePool"
            }
        };
        Ok(self.build.node(op, &[image], attributes))
    }

    fn activate(&mut self, x: String, activation: Activation) -> String {
        let node = |build: &mut Builder<'_>, op: &str, attributes| build.node(op, &[&x], attributes);
        let build = &mut self.build;
        match activation {
            Activation::None => x,
            Activation::Relu => node(build, "Relu", vec![]),
            Activation::Clamp(low, high) => {
                let (low, high) = (build.weights(&[], &[low]), build.weights(&[], &[high]));
                build.node("Clip", &[&x, &low, &high], vec![])
            }
            Activation::HardSwish => {
                let gate = node(build, "HardSigmoid", vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)]);
                build.node("Mul", &[&x, &gate], vec![])
            }
            Activation::HardSigmoid(alpha, beta) => {
                node(build, "HardSigmoid", vec![float("alpha", alpha), float("beta", beta)])
            }
            Activation::LeakyRelu(alpha) => node(build, "LeakyRelu", vec![float("alpha", alpha)]),
            Activation::Sigmoid => node(build, "Sigmoid", vec![]),
            Activation::Silu => {
                let gate = node(build, "Sigmoid", vec![]);
                build.node("Mul", &[&x, &gate], vec![])
            }
            Activation::Tanh => node(build, "Tanh", vec![]),
            Activation::Sqrt => node(build, "Sqrt", vec![]),
            Activation::Abs => node(build, "Abs", vec![]),
        }
    }

    fn weight(&self, weights: &Weights, rows: usize, row: usize, column: usize) -> f32 {
        let index = (column / LANES * rows + row) * LANES + column % LANES;
        match weights.storage {
            Storage::F32 => f32::from_le_bytes(self.bytes(weights.offset + 4 * index)),
            Storage::F16 => f16::from_le_bytes(self.bytes(weights.offset + 2 * index)).to_f32(),
            Storage::I8 { scales } => {
                let scale = f32::from_le_bytes(self.bytes(scales + 4 * column));
                f32::from(i8::from_le_bytes(self.bytes(weights.offset + index))) * scale
            }
        }
    }

    fn floats(&self, offset: usize, count: usize) -> Vec<f32> {
        (0..count).map(|i| f32::from_le_bytes(self.bytes(offset + 4 * i))).collect()
    }

    fn bytes<const N: usize>(&self, offset: usize) -> [u8; N] {
        std::array::from_fn(|i| self.plan.data[offset + i])
    }
}

fn window_attributes(window: &Window) -> Vec<AttributeProto> {
    let list = |name, values: &[usize]| ints(name, &values.iter().map(|v| *v as i64).collect::<Vec<_>>());
    vec![
        list("kernel_shape", &window.size),
        list("strides", &window.stride),
        list("dilations", &window.dilation),
        list("pads", &window.padding),
    ]
}
