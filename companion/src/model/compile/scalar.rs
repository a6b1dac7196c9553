//! Functions of single values that networks write as several operations.

use jicho::engine::plan::{Activation, Operation};

use super::graph::{Graph, Id, Op, UNBOUNDED};
use super::scale;

/// `clamp(scale · x + bias, low, high)`.
#[derive(Debug, Clone, Copy)]
struct Line {
    scale: f32,
    bias: f32,
    low: f32,
    high: f32,
}

/// A clamp and then one positive scale and bias for all channels: the scale and bias go first.
pub fn rescale_clamp(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let Some((scale, bias, after)) = uniform(graph, id).filter(|(scale, ..)| *scale > 0.0) else { return false };
    let from = graph.nodes[id].inputs[0];
    let Activation::Clamp(low, high) = graph.nodes[from].op.activation() else { return false };
    let channels = graph.shape(id).channels;
    let clamp = Activation::Clamp(rescaled(low, scale, bias), rescaled(high, scale, bias));
    // What comes after must be able to be a part of the same clamp.
    if uses[from] != 1 || after != Activation::None {
        return false;
    }
    let (mut op, inputs) = match &graph.nodes[from].op {
        Op::Activate(_) => {
            let inputs = graph.take(from).1;
            let ones = Op::Affine { scale: vec![1.0; channels], bias: vec![0.0; channels], activation: clamp };
            (ones, inputs)
        }
        Op::Depthwise(_) | Op::Affine { .. } => graph.take(from),
        Op::Conv(_) if graph.nodes[from].inputs.len() == 1 => graph.take(from),
        _ => return false,
    };
    scale::scale_outputs(&mut op, &vec![scale; channels], &vec![bias; channels]);
    if let Some(place) = op.activation_mut() {
        *place = clamp;
    }
    graph.put(id, op, inputs);
    true
}

fn rescaled(bound: f32, scale: f32, bias: f32) -> f32 {
    if bound.abs() >= UNBOUNDED { bound } else { bound * scale + bias }
}

/// An affine node's scale and bias, if they are the same for all channels, and its activation.
fn uniform(graph: &Graph, id: Id) -> Option<(f32, f32, Activation)> {
    let Op::Affine { scale, bias, activation } = &graph.nodes[id].op else { return None };
    let same = |values: &[f32]| values.first().copied().filter(|first| values.iter().all(|v| v == first));
    Some((same(scale)?, same(bias)?, *activation))
}

/// What a node is of `root`, if it is a line of it.
fn line(graph: &Graph, id: Id, root: Id) -> Option<Line> {
    let whole = Line { scale: 1.0, bias: 0.0, low: -UNBOUNDED, high: UNBOUNDED };
    if id == root {
        return Some(whole);
    }
    if graph.nodes[id].inputs != [root] {
        return None;
    }
    match graph.nodes[id].op {
        Op::Activate(Activation::Clamp(low, high)) => Some(Line { low, high, ..whole }),
        Op::Activate(Activation::HardSigmoid(scale, bias)) => Some(Line { scale, bias, low: 0.0, high: 1.0 }),
        Op::Affine { .. } => match uniform(graph, id)? {
            (scale, bias, Activation::None) => Some(Line { scale, bias, ..whole }),
            (scale, bias, Activation::Clamp(low, high)) => Some(Line { scale, bias, low, high }),
            _ => None,
        },
        _ => None,
    }
}

/// `x · clamp(x + 3, 0, 6) ÷ 6`, with the division at any place: what is left of it stays behind.
pub fn hard_swish(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    if graph.nodes[id].op != Op::Binary(Operation::Multiply, Activation::None) {
        return false;
    }
    let [left, right] = graph.nodes[id].inputs[..] else { return false };
    if graph.shape(left) != graph.shape(right) {
        return false;
    }
    let roots = [left, right].into_iter().chain(graph.nodes[left].inputs.first().copied());
    for root in roots {
        for (plain, clamped) in [(left, right), (right, left)] {
            let (Some(factor), Some(gate)) = (line(graph, plain, root), line(graph, clamped, root)) else { continue };
            let free = factor.bias == 0.0 && factor.low <= -UNBOUNDED && factor.high >= UNBOUNDED;
            let is = |value: f32, wanted: f32| (value / gate.high - wanted).abs() <= 1e-6;
            let gates = gate.low == 0.0 && gate.high < UNBOUNDED && is(gate.scale, 1.0 / 6.0) && is(gate.bias, 0.5);
            if free && gates && clamped != root && uses[clamped] == 1 {
                let channels = graph.shape(id).channels;
                let scale = vec![factor.scale * gate.high; channels];
                graph.put(clamped, Op::Activate(Activation::HardSwish), vec![root]);
                let rest = Op::Affine { scale, bias: vec![0.0; channels], activation: Activation::None };
                graph.put(id, rest, vec![clamped]);
                return true;
            }
        }
    }
    false
}

/// `x · sigmoid(x)`.
pub fn silu(graph: &mut Graph, id: Id, _: &[usize]) -> bool {
    if graph.nodes[id].op != Op::Binary(Operation::Multiply, Activation::None) {
        return false;
    }
    let [left, right] = graph.nodes[id].inputs[..] else { return false };
    for (root, other) in [(left, right), (right, left)] {
        if graph.nodes[other].op == Op::Activate(Activation::Sigmoid) && graph.nodes[other].inputs == [root] {
            graph.put(id, Op::Activate(Activation::Silu), vec![root]);
            return true;
        }
    }
    false
}
