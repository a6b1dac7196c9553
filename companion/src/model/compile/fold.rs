//! Scales and biases by channel go into the weights next to them.

use jicho::engine::plan::{Activation, Operation};

use super::gathers;
use super::graph::{Filter, Graph, Id, Matrix, Op, POINT, Shape};
use super::scale::{scale_outputs, takes_scale};

/// How far a scale may be from 1 and still be taken for it: a sum over pixels times one over their number.
const ROUNDING: f32 = 3e-7;

/// An affine node goes into what it reads, or away.
pub fn affine(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let Op::Affine { scale, bias, activation } = &graph.nodes[id].op else { return false };
    let from = graph.nodes[id].inputs[0];
    if scale.iter().all(|s| (s - 1.0).abs() <= ROUNDING) && bias.iter().all(|b| *b == 0.0) {
        graph.nodes[id].op = Op::Activate(*activation);
        return true;
    }
    if uses[from] != 1 {
        return false;
    }
    if let Op::Gather(_) = graph.nodes[from].op {
        return gathers::affine(graph, id, uses);
    }
    // What a convolution adds besides could not be scaled with it.
    let adds = matches!(graph.nodes[from].op, Op::Conv(_)) && graph.nodes[from].op.is_linear();
    let only_biased = adds && scale.iter().all(|s| *s == 1.0);
    if !only_biased && !takes_scale(graph, from) {
        return false;
    }
    let (scale, bias, activation) = (scale.clone(), bias.clone(), *activation);
    let (mut op, inputs) = graph.take(from);
    scale_outputs(&mut op, &scale, &bias);
    if let Some(place) = op.activation_mut() {
        *place = activation;
    }
    graph.put(id, op, inputs);
    true
}

/// An affine node goes into the convolution that reads it. Padding comes after it, so there a bias would be missed.
pub fn affine_before(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let Some(&from) = graph.nodes[id].inputs.first() else { return false };
    let node = &graph.nodes[from];
    let (Op::Affine { scale, bias, .. }, true, 1) = (&node.op, node.op.is_linear(), uses[from]) else { return false };
    let source = node.inputs[0];
    let (scale, bias) = (scale.clone(), bias.clone());
    let unbiased = bias.iter().all(|b| *b == 0.0);
    match &mut graph.nodes[id].op {
        Op::Conv(filter) if unbiased || filter.window.padding == [0; 4] => {
            for row in 0..filter.weights.rows {
                let channel = row % scale.len();
                for (weight, sum) in filter.weights.row_mut(row).iter_mut().zip(&mut filter.bias) {
                    *sum += *weight * bias[channel];
                    *weight *= scale[channel];
                }
            }
        }
        Op::Depthwise(filter) if unbiased || filter.window.padding == [0; 4] => {
            for row in 0..filter.weights.rows {
                for (channel, weight) in filter.weights.row_mut(row).iter_mut().enumerate() {
                    filter.bias[channel] += *weight * bias[channel];
                    *weight *= scale[channel];
                }
            }
        }
        _ => return false,
    }
    graph.nodes[id].inputs[0] = source;
    true
}

/// A mean of what is scaled is the mean, scaled.
pub fn after_mean(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    if graph.nodes[id].op != Op::Mean(Activation::None) {
        return false;
    }
    let from = graph.nodes[id].inputs[0];
    if uses[from] != 1 || !matches!(graph.nodes[from].op, Op::Affine { .. }) || !graph.nodes[from].op.is_linear() {
        return false;
    }
    let (affine, inputs) = graph.take(from);
    graph.put(from, Op::Mean(Activation::None), inputs);
    graph.nodes[from].shape = graph.nodes[id].shape;
    graph.put(id, affine, vec![from]);
    true
}

/// The sum of two filters of one image is one filter, where one of them lies within the other: the branches that
/// networks like RepVGG are trained with.
pub fn parallel(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let Op::Binary(Operation::Add, activation) = graph.nodes[id].op else { return false };
    let [left, right] = graph.nodes[id].inputs[..] else { return false };
    let free = |id: Id| takes_scale(graph, id) && uses[id] == 1;
    if !free(left) || !free(right) || graph.nodes[left].inputs != graph.nodes[right].inputs {
        return false;
    }
    let shape = graph.shape(left);
    let merged = match (&graph.nodes[left].op, &graph.nodes[right].op) {
        (Op::Conv(a), Op::Conv(b)) => sum(a, b, false).map(Op::Conv),
        (Op::Depthwise(a), Op::Depthwise(b)) => sum(a, b, true).map(Op::Depthwise),
        (Op::Conv(a), Op::Affine { scale, bias, .. }) | (Op::Affine { scale, bias, .. }, Op::Conv(a)) => {
            sum(a, &as_filter(scale, bias, false), false).map(Op::Conv)
        }
        (Op::Depthwise(a), Op::Affine { scale, bias, .. }) | (Op::Affine { scale, bias, .. }, Op::Depthwise(a)) => {
            sum(a, &as_filter(scale, bias, true), true).map(Op::Depthwise)
        }
        _ => None,
    };
    let Some(mut op) = merged.filter(|_| shape == graph.shape(right)) else { return false };
    if let Some(place) = op.activation_mut() {
        *place = activation;
    }
    let (_, inputs) = graph.take(left);
    graph.take(right);
    graph.put(id, op, inputs);
    true
}

fn as_filter(scale: &[f32], bias: &[f32], depthwise: bool) -> Filter {
    let mut weights = Matrix::zeros(if depthwise { 1 } else { scale.len() }, scale.len());
    for (channel, value) in scale.iter().enumerate() {
        weights.row_mut(if depthwise { 0 } else { channel })[channel] = *value;
    }
    Filter { window: POINT, weights, bias: bias.to_vec(), activation: Activation::None }
}

fn sum(a: &Filter, b: &Filter, depthwise: bool) -> Option<Filter> {
    let larger = a.window.size[0] * a.window.size[1] >= b.window.size[0] * b.window.size[1];
    let (outer, inner) = if larger { (a, b) } else { (b, a) };
    let (out, within) = (&outer.window, &inner.window);
    if out.stride != within.stride {
        return None;
    }
    // Where the inner kernel begins within the outer one.
    let mut begin = [0; 2];
    for (axis, begin) in begin.iter_mut().enumerate() {
        let ahead = out.padding[axis].checked_sub(within.padding[axis])?;
        let same_steps = within.size[axis] == 1 || within.dilation[axis] == out.dilation[axis];
        *begin = ahead / out.dilation[axis];
        let inside = *begin + within.size[axis] <= out.size[axis];
        if !same_steps || !inside || !ahead.is_multiple_of(out.dilation[axis]) {
            return None;
        }
    }
    let mut filter = outer.clone();
    let channels = if depthwise { 1 } else { inner.weights.rows / (within.size[0] * within.size[1]) };
    for y in 0..within.size[0] {
        for x in 0..within.size[1] {
            for channel in 0..channels {
                let from = (y * within.size[1] + x) * channels + channel;
                let to = ((y + begin[0]) * out.size[1] + x + begin[1]) * channels + channel;
                let row = filter.weights.row_mut(to);
                row.iter_mut().zip(inner.weights.row(from)).for_each(|(sum, w)| *sum += w);
            }
        }
    }
    filter.bias.iter_mut().zip(&inner.bias).for_each(|(sum, b)| *sum += b);
    Some(filter)
}

/// A filter that changes nothing: what is left of a margin of zeros is its padding.
pub fn unchanged(shape: Shape, padding: [usize; 4]) -> Filter {
    let mut filter = as_filter(&vec![1.0; shape.channels], &vec![0.0; shape.channels], true);
    filter.window.padding = padding;
    filter
}
