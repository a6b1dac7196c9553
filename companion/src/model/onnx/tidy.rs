//! Brings a graph into the one form that the rest of the companion reads: the ONNX standard allows several ways to
//! write the same network.

use std::collections::{BTreeSet, HashMap, HashSet};

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, type_proto};

use super::tensors::{BOOL, check_values, for_each_tensor};
use super::{functions, invalid};
use crate::error::Result;

/// The default domain may be spelt out.
const DEFAULT_DOMAIN: &str = "ai.onnx";

/// Gives the default domain its short name, writes functions out, gives nodes of one name different ones, drops trailing
/// inputs that are left empty, sorts nodes so that each comes after what it reads, and checks that every tensor holds the
/// values that its shape needs.
///
/// # Errors
/// `INVALID_MODEL` when nodes depend on each other in a circle, give the same tensor twice, or when a tensor's values
/// do not fit its shape.
pub fn tidy(model: &mut ModelProto) -> Result<()> {
    let short = |domain: &mut String| {
        if domain == DEFAULT_DOMAIN {
            domain.clear();
        }
    };
    model.opset_import.iter_mut().for_each(|opset| short(&mut opset.domain));
    for function in &mut model.functions {
        function.domain.iter_mut().for_each(short);
        function.opset_import.iter_mut().for_each(|opset| short(&mut opset.domain));
        function.node.iter_mut().for_each(|node| each_node(node, &mut |node| short(&mut node.domain)));
    }
    if let Some(graph) = model.graph.as_mut() {
        graph.node.iter_mut().for_each(|node| each_node(node, &mut |node| short(&mut node.domain)));
    }
    functions::inline(model)?;
    let Some(graph) = model.graph.as_mut() else { return Ok(()) };
    let mut problem = None;
    for_each_tensor(graph, &mut |tensor| problem = problem.take().or_else(|| check_values(tensor).err()));
    if let Some(problem) = problem {
        return Err(problem);
    }
    settle_training_switch(graph);
    tell_names_apart(graph);
    graph.node.iter_mut().for_each(|node| each_node(node, &mut drop_trailing_blanks));
    sort(graph)
}

/// ONNX lets nodes share a name, or have none; tract wants those that have one to be alone with it.
fn tell_names_apart(graph: &mut GraphProto) {
    let mut taken = HashSet::new();
    for (place, node) in graph.node.iter_mut().enumerate().filter(|(_, node)| !node.name.is_empty()) {
        while !taken.insert(node.name.clone()) {
            node.name = format!("{}#{place}", node.name);
        }
    }
}

fn each_node(node: &mut NodeProto, act: &mut impl FnMut(&mut NodeProto)) {
    act(node);
    for graph in node.attribute.iter_mut().flat_map(|a| a.g.iter_mut().chain(&mut a.graphs)) {
        graph.node.iter_mut().for_each(|inner| each_node(inner, act));
    }
}

/// An empty name at the end of the inputs or outputs means the same as leaving it out.
fn drop_trailing_blanks(node: &mut NodeProto) {
    for names in [&mut node.input, &mut node.output] {
        names.truncate(names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1));
    }
}

/// Keras exports may ask as an input whether the network is being trained. It is not.
fn settle_training_switch(graph: &mut GraphProto) {
    let is_switch = |input: &tract_onnx::pb::ValueInfoProto| {
        let Some(type_proto::Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
            return false;
        };
        tensor.elem_type == BOOL && input.name.contains("learning_phase")
    };
    let switches: Vec<String> = graph.input.iter().filter(|i| is_switch(i)).map(|i| i.name.clone()).collect();
    graph.input.retain(|input| !switches.contains(&input.name));
    for name in switches {
        let off = TensorProto { name, data_type: BOOL, raw_data: vec![0], ..Default::default() };
        graph.initializer.retain(|tensor| tensor.name != off.name);
        graph.initializer.push(off);
    }
}

/// Puts each node after those that it reads, in the given order where that is possible.
fn sort(graph: &mut GraphProto) -> Result<()> {
    for inner in graph.node.iter_mut().flat_map(|n| &mut n.attribute).flat_map(|a| a.g.iter_mut().chain(&mut a.graphs))
    {
        sort(inner)?;
    }
    let mut made_by: HashMap<&str, usize> = HashMap::new();
    for (i, node) in graph.node.iter().enumerate() {
        for output in node.output.iter().filter(|name| !name.is_empty()) {
            if made_by.insert(output, i).is_some() {
                return Err(invalid(format!("its tensor `{output}` is made by two nodes")));
            }
        }
    }
    let mut waits: Vec<usize> = vec![0; graph.node.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    for (i, node) in graph.node.iter().enumerate() {
        let mut read = HashSet::new();
        names_read(node, &mut read);
        for maker in read.iter().filter_map(|name| made_by.get(name)).collect::<BTreeSet<_>>() {
            waits[i] += 1;
            readers[*maker].push(i);
        }
    }
    let mut ready: BTreeSet<usize> = (0..waits.len()).filter(|i| waits[*i] == 0).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for reader in &readers[next] {
            waits[*reader] -= 1;
            if waits[*reader] == 0 {
                ready.insert(*reader);
            }
        }
    }
    if let Some(stuck) = waits.iter().position(|left| *left > 0) {
        return Err(invalid(format!("its node `{}` depends on its own result", graph.node[stuck].name)));
    }
    let mut nodes: Vec<Option<NodeProto>> = std::mem::take(&mut graph.node).into_iter().map(Some).collect();
    graph.node = order.into_iter().filter_map(|i| nodes[i].take()).collect();
    Ok(())
}

/// What a node reads, the graphs inside it included.
pub fn names_read<'a>(node: &'a NodeProto, names: &mut HashSet<&'a str>) {
    names.extend(node.input.iter().map(String::as_str).filter(|name| !name.is_empty()));
    for graph in node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs)) {
        graph.node.iter().for_each(|inner| names_read(inner, names));
        names.extend(graph.output.iter().map(|output| output.name.as_str()));
    }
}
