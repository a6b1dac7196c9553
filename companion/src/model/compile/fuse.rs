//! Joins operations into as few as it can. Every rule looks at a node and what it reads, and puts what comes of both
//! where the node was, so that nodes stay after what they read.

use jicho::engine::plan::{Activation, Operation, PoolKind, Window};

use super::graph::{Filter, Graph, Id, Op, POINT, Shape, UNBOUNDED, reach};
use super::{fold, gathers, scalar};

/// A rule returns whether it changed anything.
type Rule = fn(&mut Graph, Id, &[usize]) -> bool;

const RULES: [Rule; 16] = [
    fold::affine,
    fold::affine_before,
    fold::after_mean,
    scalar::rescale_clamp,
    scalar::hard_swish,
    scalar::silu,
    activation,
    division,
    fold::parallel,
    residual,
    padding,
    subsample,
    whole_pool,
    gathers::compose,
    gathers::before_conv,
    gathers::after_conv,
];

/// Applies all rules until none changes anything.
pub fn fuse(graph: &mut Graph) {
    graph.sweep();
    let mut changed = true;
    while changed {
        changed = false;
        for id in 0..graph.nodes.len() {
            // A rule may make another one fit; each takes something away, so this ends.
            while {
                let uses = graph.uses();
                graph.nodes[id].op != Op::Gone && RULES.iter().any(|rule| rule(graph, id, &uses))
            } {
                changed = true;
                graph.sweep();
            }
        }
    }
    graph.pad_input();
}

/// An activation goes into what it is applied to.
fn activation(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let Op::Activate(activation) = graph.nodes[id].op else { return false };
    let from = graph.nodes[id].inputs[0];
    let nothing = match activation {
        Activation::None => true,
        Activation::Clamp(low, high) => low <= -UNBOUNDED && high >= UNBOUNDED,
        _ => false,
    };
    if nothing {
        graph.redirect(id, from);
        return true;
    }
    if uses[from] != 1 {
        return false;
    }
    let joined = match (graph.nodes[from].op.activation(), activation) {
        (Activation::Clamp(low, high), Activation::Clamp(least, most)) => {
            let within = |v: f32| v.max(least).min(most);
            Activation::Clamp(within(low), within(high))
        }
        _ if graph.nodes[from].op.is_linear() => activation,
        _ => return gathers::activation(graph, id, uses),
    };
    let (mut op, inputs) = graph.take(from);
    if let Some(place) = op.activation_mut() {
        *place = joined;
    }
    graph.put(id, op, inputs);
    true
}

/// `a · (1 ÷ b)` is `a ÷ b`, also of channels gathered from `1 ÷ b`.
fn division(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let Op::Binary(Operation::Multiply, activation) = graph.nodes[id].op else { return false };
    let [left, right] = graph.nodes[id].inputs[..] else { return false };
    for (left, right) in [(left, right), (right, left)] {
        // Only the right operand may be one pixel.
        if graph.shape(left) != graph.shape(id) {
            continue;
        }
        let divisor = if let Some(divisor) = inverse(graph, right) {
            divisor
        } else if let (Op::Gather(_), [only], 1) = (&graph.nodes[right].op, &graph.nodes[right].inputs[..], uses[right])
            && let Some(divisor) = inverse(graph, *only)
        {
            graph.nodes[right].inputs = vec![divisor];
            right
        } else {
            continue;
        };
        graph.put(id, Op::Binary(Operation::Divide, activation), vec![left, divisor]);
        return true;
    }
    false
}

/// What a node is one divided by.
fn inverse(graph: &Graph, id: Id) -> Option<Id> {
    let node = &graph.nodes[id];
    let (Op::Binary(Operation::Divide, Activation::None), [ones, divisor]) = (&node.op, &node.inputs[..]) else {
        return None;
    };
    let Op::Affine { scale, bias, activation: Activation::None } = &graph.nodes[*ones].op else { return None };
    (scale.iter().all(|s| *s == 0.0) && bias.iter().all(|b| *b == 1.0)).then_some(*divisor)
}

/// A sum with a convolution's output is added by the convolution.
fn residual(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let Op::Binary(Operation::Add, activation) = graph.nodes[id].op else { return false };
    let [left, right] = graph.nodes[id].inputs[..] else { return false };
    let shape = graph.shape(id);
    let fits = |conv: Id, other: Id| {
        let node = &graph.nodes[conv];
        let free = matches!(node.op, Op::Conv(_)) && node.op.is_linear() && node.inputs.len() == 1;
        free && uses[conv] == 1 && node.shape == shape && graph.shape(other) == shape
    };
    // The later of two, since the earlier one's input is then free sooner.
    let (early, late) = (left.min(right), left.max(right));
    let (conv, other) = match (fits(late, early), fits(early, late)) {
        (true, _) => (late, early),
        (_, true) => (early, late),
        _ => return false,
    };
    let (op, mut inputs) = graph.take(conv);
    if let Op::Conv(filter) = op {
        inputs.push(other);
        graph.put(id, Op::Conv(Filter { activation, ..filter }), inputs);
    }
    true
}

/// A margin becomes the padding of the window over it.
fn padding(graph: &mut Graph, id: Id, _: &[usize]) -> bool {
    let Some(&from) = graph.nodes[id].inputs.first() else { return false };
    let Op::Pad { margin, value } = graph.nodes[from].op else { return false };
    let source = graph.nodes[from].inputs[0];
    let positive = never_negative(graph, source);
    match &mut graph.nodes[id].op {
        Op::Conv(filter) | Op::Depthwise(filter) if value == 0.0 => widen(&mut filter.window, margin),
        Op::Pool { window, kind: kind @ (PoolKind::Mean | PoolKind::PaddedMean) }
            if value == 0.0
                && within_reach(window, margin)
                && (*kind == PoolKind::PaddedMean || window.padding == [0; 4]) =>
        {
            *kind = PoolKind::PaddedMean;
            widen(window, margin);
        }
        // Of values that are not negative a zero is never larger than the largest.
        Op::Pool { window, kind: PoolKind::Max }
            if within_reach(window, margin) && (value <= -UNBOUNDED || (value == 0.0 && positive)) =>
        {
            widen(window, margin);
        }
        _ => return false,
    }
    graph.nodes[id].inputs[0] = source;
    true
}

fn widen(window: &mut Window, margin: [usize; 4]) {
    window.padding.iter_mut().zip(margin).for_each(|(p, m)| *p += m);
}

/// Whether every window still reaches the image.
fn within_reach(window: &Window, margin: [usize; 4]) -> bool {
    (0..4).all(|i| window.padding[i] + margin[i] <= reach(window, i % 2))
}

fn never_negative(graph: &Graph, id: Id) -> bool {
    let node = &graph.nodes[id];
    match (node.op.activation(), &node.op) {
        (Activation::Clamp(low, _), _) => low >= 0.0,
        (Activation::HardSigmoid(..) | Activation::Sigmoid | Activation::Sqrt | Activation::Abs, _) => true,
        (Activation::None, Op::Pool { .. } | Op::Gather(_) | Op::Mean(_) | Op::Flatten(_)) => {
            node.inputs.iter().all(|i| never_negative(graph, *i))
        }
        _ => false,
    }
}

/// A pool of one pixel that skips others goes into the convolution of one pixel, or such a pool, that reads it.
fn subsample(graph: &mut Graph, id: Id, _: &[usize]) -> bool {
    let Some(&from) = graph.nodes[id].inputs.first() else { return false };
    let Op::Pool { window: skip, .. } = graph.nodes[from].op else { return false };
    let source = graph.nodes[from].inputs[0];
    if skip != (Window { stride: skip.stride, ..POINT }) {
        return false;
    }
    let (Op::Conv(Filter { window, .. }) | Op::Depthwise(Filter { window, .. }) | Op::Pool { window, .. }) =
        &mut graph.nodes[id].op
    else {
        return false;
    };
    if window.size != [1, 1] || window.padding != [0; 4] {
        return false;
    }
    window.stride = [window.stride[0] * skip.stride[0], window.stride[1] * skip.stride[1]];
    window.dilation = [1, 1];
    graph.nodes[id].inputs[0] = source;
    true
}

/// A mean over the whole image is [`Op::Mean`]; what pools each pixel alone does nothing.
fn whole_pool(graph: &mut Graph, id: Id, _: &[usize]) -> bool {
    let from = graph.nodes[id].inputs.first().copied().unwrap_or(id);
    let Shape { height, width, .. } = graph.shape(from);
    match graph.nodes[id].op {
        Op::Pool { window, .. } if window == POINT => graph.redirect(id, from),
        Op::Mean(activation) if height * width == 1 => graph.nodes[id].op = Op::Activate(activation),
        Op::Pool { window, kind: PoolKind::Mean | PoolKind::PaddedMean }
            if window.size == [height, width] && window.padding == [0; 4] && window.dilation == [1, 1] =>
        {
            graph.nodes[id].op = Op::Mean(Activation::None);
        }
        _ => return false,
    }
    true
}
