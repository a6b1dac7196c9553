//! Networks published in half precision: weights stay halves in the file, but are cast to float for computing, since
//! CPUs (and tract) compute in half precision very slowly or not at all.

use half::f16;
use tract_onnx::pb::{AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto};

use super::build::int;

const FLOAT: i32 = 1;
const FLOAT16: i32 = 10;

/// Makes a half-precision network compute in float: casts after the stored weights, float input and output.
/// A network without half-precision input stays as it is.
pub fn compute_in_float(model: &mut ModelProto) {
    let Some(graph) = model.graph.as_mut() else { return };
    if !graph.input.iter().chain(&graph.output).any(|v| element_type(v) == Some(FLOAT16)) {
        return;
    }
    let weights: Vec<String> =
        graph.initializer.iter().filter(|t| t.data_type == FLOAT16).map(|t| t.name.clone()).collect();
    let casts: Vec<NodeProto> = weights.iter().map(|name| cast(&stored_name(name), name)).collect();
    for tensor in graph.initializer.iter_mut().filter(|t| t.data_type == FLOAT16) {
        tensor.name = stored_name(&tensor.name);
    }
    graph.node.iter_mut().flat_map(|n| &mut n.attribute).for_each(widen_attribute);
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
