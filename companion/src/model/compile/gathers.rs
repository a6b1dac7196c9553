//! Gathers of gathers become one; those next to a convolution go into its weights.

use jicho::engine::plan::Activation;

use super::graph::{Graph, Id, Matrix, Op};
use super::scale;

/// A gather reads what the gathers before it read, where these have no other use; it reads no input twice or in vain.
pub fn compose(graph: &mut Graph, id: Id, _: &[usize]) -> bool {
    let Op::Gather(channels) = &graph.nodes[id].op else { return false };
    // For each channel of all inputs: the node and its channel.
    let mut sources: Vec<(Id, usize)> = Vec::new();
    for &input in &graph.nodes[id].inputs {
        match &graph.nodes[input].op {
            Op::Gather(before) if only_gathered(graph, input) => {
                let below = &graph.nodes[input].inputs;
                let all: Vec<(Id, usize)> =
                    below.iter().flat_map(|i| (0..graph.shape(*i).channels).map(|c| (*i, c))).collect();
                sources.extend(before.iter().map(|c| all[*c]));
            }
            _ => sources.extend((0..graph.shape(input).channels).map(|c| (input, c))),
        }
    }
    let chosen: Vec<(Id, usize)> = channels.iter().map(|c| sources[*c]).collect();
    let mut inputs: Vec<Id> = Vec::new();
    for (input, _) in &chosen {
        if !inputs.contains(input) {
            inputs.push(*input);
        }
    }
    if let [only] = inputs[..]
        && chosen.iter().map(|(_, c)| *c).eq(0..graph.shape(only).channels)
    {
        graph.redirect(id, only);
        return true;
    }
    let base =
        |input: Id| -> usize { inputs.iter().take_while(|i| **i != input).map(|i| graph.shape(*i).channels).sum() };
    let channels: Vec<usize> = chosen.iter().map(|(input, c)| base(*input) + c).collect();
    let op = Op::Gather(channels);
    if graph.nodes[id].op == op && graph.nodes[id].inputs == inputs {
        return false;
    }
    graph.put(id, op, inputs);
    true
}

fn only_gathered(graph: &Graph, id: Id) -> bool {
    let gathers = |node: &super::graph::Node| !node.inputs.contains(&id) || matches!(node.op, Op::Gather(_));
    graph.output != id && graph.nodes.iter().all(gathers)
}

/// A convolution reads the channels in the order they had before they were put into another.
pub fn before_conv(graph: &mut Graph, id: Id, _: &[usize]) -> bool {
    let Op::Conv(filter) = &graph.nodes[id].op else { return false };
    let from = graph.nodes[id].inputs[0];
    let (Op::Gather(channels), [source]) = (&graph.nodes[from].op, &graph.nodes[from].inputs[..]) else { return false };
    let count = channels.len();
    let mut seen = vec![false; count];
    if graph.shape(*source).channels != count || channels.iter().any(|c| std::mem::replace(&mut seen[*c], true)) {
        return false;
    }
    let mut weights = Matrix::zeros(filter.weights.rows, filter.weights.columns);
    for row in 0..weights.rows {
        let (place, channel) = (row / count, row % count);
        weights.row_mut(place * count + channels[channel]).copy_from_slice(filter.weights.row(row));
    }
    let source = *source;
    if let Op::Conv(filter) = &mut graph.nodes[id].op {
        filter.weights = weights;
    }
    graph.nodes[id].inputs[0] = source;
    true
}

/// A convolution gives only the channels that are gathered of it, in that order.
pub fn after_conv(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let (Op::Gather(channels), [from]) = (&graph.nodes[id].op, &graph.nodes[id].inputs[..]) else { return false };
    let (from, channels) = (*from, channels.clone());
    let free = uses[from] == 1 && graph.nodes[from].inputs.len() == 1;
    // To compute a channel twice is dearer than to copy it.
    if !free || !matches!(graph.nodes[from].op, Op::Conv(_)) || channels.len() > graph.shape(from).channels {
        return false;
    }
    let (op, inputs) = graph.take(from);
    if let Op::Conv(mut filter) = op {
        let rows = filter.weights.rows;
        let values = (0..rows).flat_map(|row| channels.iter().map(move |c| (row, *c)));
        let values = values.map(|(row, c)| filter.weights.row(row)[c]).collect();
        filter.weights = Matrix { rows, columns: channels.len(), values };
        filter.bias = channels.iter().map(|c| filter.bias[*c]).collect();
        graph.put(id, Op::Conv(filter), inputs);
    }
    true
}

/// An activation of gathered channels goes into what they are gathered from.
pub fn activation(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let Op::Activate(activation) = graph.nodes[id].op else { return false };
    let Some(inputs) = gathered(graph, id, uses, |graph, input| graph.nodes[input].op.is_linear()) else {
        return false;
    };
    for input in inputs {
        if let Some(place) = graph.nodes[input].op.activation_mut() {
            *place = activation;
        }
    }
    graph.nodes[id].op = Op::Activate(Activation::None);
    true
}

/// A scale and bias of gathered channels go into what they are gathered from.
pub fn affine(graph: &mut Graph, id: Id, uses: &[usize]) -> bool {
    let Op::Affine { scale, bias, activation } = &graph.nodes[id].op else { return false };
    let gather = graph.nodes[id].inputs[0];
    let Op::Gather(channels) = &graph.nodes[gather].op else { return false };
    let Some(inputs) = gathered(graph, id, uses, scale::takes_scale) else { return false };
    let count: usize = inputs.iter().map(|i| graph.shape(*i).channels).sum();
    let mut lines: Vec<Option<(f32, f32)>> = vec![None; count];
    for (place, line) in channels.iter().zip(scale.iter().copied().zip(bias.iter().copied())) {
        if lines[*place].replace(line).is_some_and(|other| other != line) {
            return false;
        }
    }
    let activation = *activation;
    // What is not gathered is never seen.
    let mut lines = lines.into_iter().map(|line| line.unwrap_or((1.0, 0.0)));
    for input in inputs {
        let (scale, bias): (Vec<f32>, Vec<f32>) = lines.by_ref().take(graph.shape(input).channels).unzip();
        scale::scale_outputs(&mut graph.nodes[input].op, &scale, &bias);
    }
    graph.nodes[id].op = Op::Activate(activation);
    true
}

/// The inputs of the gather that a node reads, where nothing else reads it or them and all of them fit.
fn gathered(graph: &Graph, id: Id, uses: &[usize], fits: impl Fn(&Graph, Id) -> bool) -> Option<Vec<Id>> {
    let gather = graph.nodes[id].inputs[0];
    let node = &graph.nodes[gather];
    let alone = matches!(node.op, Op::Gather(_)) && uses[gather] == 1;
    (alone && node.inputs.iter().all(|i| uses[*i] == 1 && fits(graph, *i))).then(|| node.inputs.clone())
}
