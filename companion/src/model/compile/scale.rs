//! Putting a scale and a bias by channel into a node's own weights.

use super::graph::{Graph, Id, Op};

/// Whether a scale and bias can go into a node.
pub fn takes_scale(graph: &Graph, id: Id) -> bool {
    let node = &graph.nodes[id];
    let weighted = match node.op {
        Op::Conv(_) => node.inputs.len() == 1,
        Op::Depthwise(_) | Op::Affine { .. } => true,
        _ => false,
    };
    weighted && node.op.is_linear()
}

/// Scales what comes out of a node before its activation, then adds the bias.
pub fn scale_outputs(op: &mut Op, scale: &[f32], bias: &[f32]) {
    let line = |value: &mut f32, (scale, bias): (&f32, &f32)| *value = *value * scale + bias;
    match op {
        Op::Conv(filter) | Op::Depthwise(filter) => {
            for row in filter.weights.values.chunks_exact_mut(scale.len()) {
                row.iter_mut().zip(scale).for_each(|(w, s)| *w *= s);
            }
            filter.bias.iter_mut().zip(scale.iter().zip(bias)).for_each(|(b, by)| line(b, by));
        }
        Op::Affine { scale: first, bias: second, .. } => {
            first.iter_mut().zip(scale).for_each(|(f, s)| *f *= s);
            second.iter_mut().zip(scale.iter().zip(bias)).for_each(|(b, by)| line(b, by));
        }
        _ => {}
    }
}
