//! Networks published in half precision: weights stay halves in the file, but are cast to float for computing, since
//! CPUs (and tract) compute in half precision very slowly or not at all.

use std::collections::HashSet;

use half::f16;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto};

use super::build::int;
use super::tensors::{FLOAT, FLOAT16, for_each_node};

/// Makes a half-precision network compute in float: casts after the stored weights, float input and output. A network
/// that stores halves only to cast them to float stays as it is.
pub fn compute_in_float(model: &mut ModelProto) {
    let Some(graph) = model.graph.as_mut() else { return };
    let ends = graph.input.iter().chain(&graph.output).any(|v| element_type(v) == Some(FLOAT16));
    if ends || computes_with_halves(graph) {
        widen_graph(graph);
    }
}

/// Whether a node other than a cast reads a half-precision value that the file holds.
fn computes_with_halves(graph: &GraphProto) -> bool {
    let is_half = |tensor: &TensorProto| tensor.data_type == FLOAT16;
    let stored = graph.initializer.iter().filter(|t| is_half(t)).map(|t| t.name.as_str());
    let constants = graph.node.iter().filter(|n| n.attribute.iter().any(|a| a.t.as_ref().is_some_and(is_half)));
    let halves: HashSet<&str> = stored.chain(constants.flat_map(|n| &n.output).map(String::as_str)).collect();
    let mut reads = false;
    let found = for_each_node(graph, &mut |node| {
        reads |= node.op_type != "Cast" && node.input.iter().any(|input| halves.contains(input.as_str()));
        reads |= node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs)).any(computes_with_halves);
        Ok(())
    });
    found.is_ok() && reads
}

fn widen_graph(graph: &mut GraphProto) {
    let weights: Vec<String> =
        graph.initializer.iter().filter(|t| t.data_type == FLOAT16).map(|t| t.name.clone()).collect();
    let casts: Vec<NodeProto> = weights.iter().map(|name| cast(&stored_name(name), name)).collect();
    for tensor in graph.initializer.iter_mut().filter(|t| t.data_type == FLOAT16) {
        tensor.name = stored_name(&tensor.name);
    }
    for attribute in graph.node.iter_mut().flat_map(|n| &mut n.attribute) {
        widen_attribute(attribute);
        attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(widen_graph);
    }
    graph.input.iter_mut().chain(&mut graph.output).for_each(set_float);
    graph.value_info.clear();
    graph.node.splice(0..0, casts);
}

fn stored_name(name: &str) -> String {
    format!("{name}__half")
}

fn cast(from: &str, to: &str) -> NodeProto {
    NodeProto {
        op_type: "Cast".into(),
        name: format!("cast_{to}"),
        input: vec![from.into()],
        output: vec![to.into()],
        attribute: vec![int("to", i64::from(FLOAT))],
        ..Default::default()
    }
}

/// Constants inside nodes become floats, and casts to half become casts to float.
fn widen_attribute(attribute: &mut AttributeProto) {
    if let Some(tensor) = attribute.t.as_mut().filter(|t| t.data_type == FLOAT16) {
        widen(tensor);
    }
    if attribute.name == "to" && attribute.i == i64::from(FLOAT16) {
        attribute.i = i64::from(FLOAT);
    }
}

fn widen(tensor: &mut TensorProto) {
    let halves: Vec<f16> = if tensor.raw_data.is_empty() {
        // ONNX keeps halves as the low 16 bits of int32_data.
        tensor.int32_data.iter().map(|bits| f16::from_bits(*bits as u16)).collect()
    } else {
        tensor.raw_data.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b)).collect()
    };
    tensor.int32_data.clear();
    tensor.raw_data = halves.iter().flat_map(|h| h.to_f32().to_le_bytes()).collect();
    tensor.data_type = FLOAT;
}

fn element_type(value: &ValueInfoProto) -> Option<i32> {
    let type_proto::Value::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    Some(tensor.elem_type)
}

fn set_float(value: &mut ValueInfoProto) {
    if let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_mut().and_then(|t| t.value.as_mut())
        && tensor.elem_type == FLOAT16
    {
        tensor.elem_type = FLOAT;
    }
}
