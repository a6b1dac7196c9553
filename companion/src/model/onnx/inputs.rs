//! Adapts how a network takes its image: one at a time, and as floating-point numbers.

use std::collections::HashSet;

use jicho::manifest::Preprocessing;
use tract_onnx::pb::{GraphProto, ModelProto, ValueInfoProto, tensor_shape_proto::dimension, type_proto};

use super::build::Builder;
use super::tensors::{FLOAT, FLOAT16, UINT8};
use super::{image_input, integers, invalid};
use crate::error::{Error, Result};

/// `TensorProto.DataType` of double precision.
const DOUBLE: i64 = 11;
/// Operators that pass values on as they are.
const PASSING: [&str; 10] =
    ["Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Gather", "Concat", "Split"];

/// Lets a network that was saved for a batch of several images take any number of them: shapes that it reshapes or
/// expands to begin with that number.
pub fn take_one_image(model: &mut ModelProto) {
    let Ok(input) = image_input(model) else { return };
    let Some(graph) = model.graph.as_mut() else { return };
    let Some(batch) = graph.input.iter().find(|i| i.name == input.name).and_then(batch).filter(|batch| *batch > 1)
    else {
        return;
    };
    for value in graph.input.iter_mut().chain(&mut graph.output) {
        free_batch(value, batch);
    }
    // Shapes of what lies between are those of the whole batch.
    graph.value_info.clear();
    let shapes: Vec<(usize, Vec<i64>)> = graph
        .node
        .iter()
        .enumerate()
        .filter(|(_, node)| ["Reshape", "Expand"].contains(&node.op_type.as_str()))
        .filter_map(|(i, node)| Some((i, integers(graph, node.input.get(1)?)?)))
        .filter(|(_, shape)| shape.first() == Some(&batch))
        .collect();
    let mut build = Builder::new(graph, "jicho_batch");
    let renamed: Vec<(usize, String)> = shapes
        .into_iter()
        .map(|(node, mut shape)| {
            shape[0] = 1;
            (node, build.integers(&shape))
        })
        .collect();
    for (node, shape) in renamed {
        graph.node[node].input[1] = shape;
    }
}

fn batch(input: &ValueInfoProto) -> Option<i64> {
    let type_proto::Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    match tensor.shape.as_ref()?.dim.first()?.value.as_ref()? {
        dimension::Value::DimValue(batch) => Some(*batch),
        dimension::Value::DimParam(_) => None,
    }
}

fn free_batch(value: &mut ValueInfoProto, batch: i64) {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_mut().and_then(|t| t.value.as_mut()) else {
        return;
    };
    let first = tensor.shape.as_mut().and_then(|shape| shape.dim.first_mut());
    if let Some(first) = first.filter(|dim| dim.value == Some(dimension::Value::DimValue(batch))) {
        first.value = Some(dimension::Value::DimParam("N".into()));
    }
}

/// Lets a network that takes bytes (`uint8`) take the same numbers as floating point, where it turns them into such
/// before it computes with them.
///
/// # Errors
/// `PIXELS_UNKNOWN` when pixels would not go in as whole numbers from 0 to 255; `INVALID_MODEL` when the network
/// computes with bytes.
pub fn take_bytes_as_numbers(model: &mut ModelProto, preprocessing: &Preprocessing) -> Result<()> {
    let name = image_input(model)?.name;
    let graph = model.graph.get_or_insert_default();
    let tensor = graph.input.iter_mut().find(|i| i.name == name).and_then(|i| i.r#type.as_mut()?.value.as_mut());
    let Some(type_proto::Value::TensorType(tensor)) = tensor else { return Ok(()) };
    match tensor.elem_type {
        UINT8 => tensor.elem_type = FLOAT,
        FLOAT | FLOAT16 | 11 => return Ok(()),
        other => {
            return Err(invalid(format!("its input `{name}` is of the ONNX type {other}; save it with float input")));
        }
    }
    let Preprocessing { range, mean, std, .. } = preprocessing;
    if (range, mean, std) != (&[0.0, 255.0], &[0.0; 3], &[1.0; 3]) {
        let message = format!("the input `{name}` takes bytes: give --range 0,255 --mean 0 --std 1");
        return Err(Error::PixelsUnknown(message));
    }
    let mut bytes: HashSet<String> = HashSet::from([name.clone()]);
    for node in &graph.node {
        if !node.input.iter().any(|input| bytes.contains(input)) {
            continue;
        }
        let to = node.attribute.iter().find(|a| a.name == "to").map_or(0, |a| a.i);
        let widens = node.op_type == "Cast" && [i64::from(FLOAT), i64::from(FLOAT16), DOUBLE].contains(&to);
        if PASSING.contains(&node.op_type.as_str()) {
            bytes.extend(node.output.iter().cloned());
        } else if !widens {
            return Err(invalid(format!(
                "its input `{name}` is of bytes (uint8), and its node `{}` ({}) computes with them: save it with a float \
                 input",
                node.name, node.op_type
            )));
        }
    }
    clear_types(graph, &bytes);
    Ok(())
}

/// What is declared of these tensors' types does not hold any more.
fn clear_types(graph: &mut GraphProto, tensors: &HashSet<String>) {
    graph.value_info.retain(|value| !tensors.contains(&value.name));
}
