//! Tensors inside a graph: their size in bytes, and walking over all of them.

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::{external, invalid};
use crate::error::Result;

/// `TensorProto.DataType` of single precision.
pub const FLOAT: i32 = 1;
/// Unsigned bytes.
pub const UINT8: i32 = 2;
/// 32-bit integers.
pub const INT32: i32 = 6;
/// 64-bit integers.
pub const INT64: i32 = 7;
/// Truth values.
pub const BOOL: i32 = 9;
/// Half precision.
pub const FLOAT16: i32 = 10;

/// Calls `act` on every tensor of the graph and of the graphs inside its nodes.
pub fn for_each_tensor(graph: &mut GraphProto, act: &mut impl FnMut(&mut TensorProto)) {
    graph.initializer.iter_mut().for_each(&mut *act);
    for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
        attribute.t.iter_mut().chain(&mut attribute.tensors).for_each(&mut *act);
        attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(|inner| for_each_tensor(inner, act));
    }
}

/// Calls `act` on every node of the graph and of the graphs inside its nodes, until it fails.
pub fn for_each_node(graph: &GraphProto, act: &mut impl FnMut(&NodeProto) -> Result<()>) -> Result<()> {
    for node in &graph.node {
        act(node)?;
        for attribute in &node.attribute {
            attribute.g.iter().chain(&attribute.graphs).try_for_each(|inner| for_each_node(inner, act))?;
        }
    }
    Ok(())
}

/// How many bytes the values of a tensor take; `None` for strings, types that are not known and absurd shapes.
pub fn byte_length(tensor: &TensorProto) -> Option<u64> {
    let each: u64 = match tensor.data_type {
        UINT8 | 3 | BOOL => 1,
        4 | 5 | FLOAT16 | 16 => 2,
        FLOAT | INT32 | 12 => 4,
        INT64 | 11 | 13 => 8,
        _ => return None,
    };
    elements(tensor)?.checked_mul(each)
}

/// How many values a tensor's shape says it has.
pub fn elements(tensor: &TensorProto) -> Option<u64> {
    tensor.dims.iter().try_fold(1u64, |count, side| count.checked_mul(u64::try_from(*side).ok()?))
}

/// A shape as `3×8×8`.
pub fn shape_in_words(tensor: &TensorProto) -> String {
    let sides: Vec<String> = tensor.dims.iter().map(ToString::to_string).collect();
    if sides.is_empty() { "of a single number".into() } else { sides.join("×") }
}

/// Checks that a tensor holds exactly the values that its shape needs: a shape alone must not make anyone reserve
/// memory.
///
/// # Errors
/// `INVALID_MODEL` names the tensor.
pub fn check_values(tensor: &TensorProto) -> Result<()> {
    if external::is_external(tensor) {
        return Ok(());
    }
    let Some(needed) = elements(tensor) else {
        return Err(invalid(format!("its tensor `{}` has the impossible shape {:?}", tensor.name, tensor.dims)));
    };
    let held = if tensor.raw_data.is_empty() {
        let lists = [tensor.float_data.len(), tensor.int32_data.len(), tensor.int64_data.len()];
        let more = [tensor.double_data.len(), tensor.uint64_data.len(), tensor.string_data.len()];
        lists.iter().chain(&more).sum::<usize>() as u64
    } else {
        match byte_length(tensor) {
            Some(bytes) if bytes == tensor.raw_data.len() as u64 => needed,
            Some(_) => needed.wrapping_add(1),
            // tract tells which types it does not know.
            None => needed,
        }
    };
    if held == needed {
        return Ok(());
    }
    let shape = shape_in_words(tensor);
    Err(invalid(format!("its tensor `{}` does not hold as many values as its shape {shape} needs", tensor.name)))
}
