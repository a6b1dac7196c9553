//! Steps, tensors and data of the plan.

use std::borrow::Cow;

use jicho::engine::plan::{
    self, Activation, Affine, Binary, Conv, Depthwise, Gather, LANES, Plan, Pool, Program, Step, Tensor, Unary,
};

use super::graph::{Filter, Graph, Node, Op, UNBOUNDED};
use super::memory::{self, Life};
use super::weights::{Data, Storage};
use super::{CompileError, fold};

/// Writes the plan of a graph that is fused.
///
/// # Errors
/// A node that has no step, or numbers that are not finite.
pub fn emit(graph: &Graph, onnx: String, storage: Storage) -> Result<Plan<'static>, CompileError> {
    let mut data = Data::new(storage);
    let (mut steps, mut shapes, mut lives) = (Vec::new(), Vec::new(), Vec::<Life>::new());
    let mut tensors = vec![usize::MAX; graph.nodes.len()];
    for (id, node) in graph.nodes.iter().enumerate().filter(|(_, n)| n.op != Op::Gone) {
        let index = shapes.len();
        let now = steps.len();
        if node.op != Op::Input {
            let inputs: Vec<usize> = node.inputs.iter().map(|i| tensors[*i]).collect();
            inputs.iter().for_each(|i| lives[*i].last = now);
            steps.push(step(node, &inputs, index, &mut data)?);
        }
        let stride = if index == 0 { node.shape.channels } else { node.shape.channels.next_multiple_of(LANES) };
        tensors[id] = index;
        shapes.push((node.shape, stride));
        lives.push(Life { length: node.shape.pixels() * stride, first: now, last: now });
    }
    let output = tensors[graph.output];
    lives[output].last = steps.len();
    let (offsets, arena) = memory::place(&lives);
    let tensors = shapes.iter().zip(offsets).map(|((shape, stride), offset)| Tensor {
        height: shape.height,
        width: shape.width,
        channels: shape.channels,
        stride: *stride,
        offset,
    });
    let program = Program { onnx, arena, tensors: tensors.collect(), steps, output };
    Ok(Plan { program, data: Cow::Owned(data.bytes) })
}

fn step(node: &Node, inputs: &[usize], output: usize, data: &mut Data) -> Result<Step, CompileError> {
    let unsupported = |op: &str, why: &str| {
        Err(CompileError::Unsupported { node: node.name.clone(), op: op.to_owned(), why: why.to_owned() })
    };
    let Some(&input) = inputs.first() else { return unsupported("source", "a plan takes one input") };
    let finite = match &node.op {
        Op::Conv(filter) | Op::Depthwise(filter) => {
            filter.weights.values.iter().chain(&filter.bias).all(|v| v.is_finite())
        }
        Op::Affine { scale, bias, .. } => scale.iter().chain(bias).all(|v| v.is_finite()),
        _ => true,
    };
    if !finite {
        return unsupported("weights", "some of them are not finite");
    }
    let activation = named(node.op.activation());
    let unary = Unary { input, output, activation };
    Ok(match &node.op {
        Op::Conv(Filter { window, weights, bias, .. }) => Step::Conv(Conv {
            input,
            output,
            window: *window,
            weights: data.dense(weights),
            bias: data.floats(bias),
            residual: inputs.get(1).copied(),
            activation,
            bytes: None,
        }),
        Op::Depthwise(filter) => depthwise(filter, input, output, activation, data),
        Op::Pad { margin, value: 0.0 } => {
            let before = super::graph::Shape {
                height: node.shape.height - margin[0] - margin[2],
                width: node.shape.width - margin[1] - margin[3],
                ..node.shape
            };
            depthwise(&fold::unchanged(before, *margin), input, output, activation, data)
        }
        Op::Pad { .. } => return unsupported("Pad", "it pads with another value than zero"),
        Op::Pool { window, kind } => Step::Pool(Pool { input, output, window: *window, kind: *kind }),
        Op::Mean(_) => Step::Mean(unary),
        Op::Binary(operation, _) => {
            let right = inputs.get(1).copied().unwrap_or(input);
            Step::Binary(Binary { left: input, right, output, operation: *operation, activation })
        }
        Op::Affine { scale, bias, .. } => {
            let (scale, bias) = (data.floats(scale), data.floats(bias));
            Step::Affine(Affine { input, output, scale, bias, activation })
        }
        Op::Activate(_) => Step::Activate(unary),
        Op::Gather(channels) => Step::Gather(Gather { inputs: inputs.to_vec(), output, channels: channels.clone() }),
        Op::Flatten(_) => Step::Flatten(unary),
        Op::Softmax => Step::Softmax(unary),
        Op::Input | Op::Gone => return unsupported("source", "a plan takes one input"),
    })
}

fn depthwise(filter: &Filter, input: usize, output: usize, activation: Activation, data: &mut Data) -> Step {
    let (weights, bias) = (data.precise(&filter.weights), data.floats(&filter.bias));
    Step::Depthwise(Depthwise { input, output, window: filter.window, weights, bias, activation })
}

/// The plan's name for an activation.
fn named(activation: Activation) -> plan::Activation {
    match activation {
        Activation::Clamp(low, high) if low == 0.0 && high >= UNBOUNDED => Activation::Relu,
        other => other,
    }
}
