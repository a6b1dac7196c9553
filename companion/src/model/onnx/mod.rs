//! Reading, cutting and building ONNX graphs.

pub mod build;
pub mod cut;
pub mod from_plan;
pub mod half_weights;
pub mod pixels;

use std::collections::HashSet;

use jicho::ErrorKind;
use jicho::manifest::Layout;
use prost::Message;
pub use tract_onnx::pb::ModelProto as Model;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, tensor_shape_proto, type_proto};

use crate::error::Result;

/// Elementwise operators broadcast from here on.
const OLDEST_OPSET: i64 = 7;

/// The image input of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageInput {
    /// Its tensor's name.
    pub name: String,
    /// The layout its shape tells, where the shape is unambiguous.
    pub layout: Option<Layout>,
    /// Side in pixels, where the shape fixes it.
    pub size: Option<usize>,
}

/// Parses an ONNX file.
///
/// # Errors
/// `INVALID_MODEL`: not ONNX, no graph, or weights kept in other files.
pub fn decode(bytes: &[u8]) -> Result<ModelProto> {
    let mut model = ModelProto::decode(bytes).map_err(|e| invalid(format!("the file is not ONNX: {e}")))?;
    // Before version 4 weights had to be listed among the inputs, which would forbid adding any.
    model.ir_version = model.ir_version.max(4);
    let graph = model.graph.as_mut().filter(|g| !g.node.is_empty());
    let graph = graph.ok_or_else(|| invalid("the file is not ONNX: it has no graph".into()))?;
    let opset = model.opset_import.iter().filter(|o| o.domain.is_empty()).map(|o| o.version).max().unwrap_or(1);
    if opset < OLDEST_OPSET {
        let message = format!("its opset is {opset}, at least {OLDEST_OPSET} is needed: export it anew, or convert it");
        return Err(invalid(format!("{message} with onnx.version_converter")));
    }
    // data_location 1 is EXTERNAL.
    if graph.initializer.iter().any(|t| t.data_location == Some(1)) {
        return Err(invalid("its weights lie in other files; save the ONNX with its weights inside".into()));
    }
    if let Some(node) = graph.node.iter().find(|n| !permutes(n)) {
        return Err(invalid(format!("its node `{}` transposes axes to an order that is none", node.name)));
    }
    let weights: HashSet<&String> = graph.initializer.iter().map(|t| &t.name).collect();
    graph.input.retain(|i| !weights.contains(&i.name));
    Ok(model)
}

/// Whether a node, if it is a transpose, names every axis once. For another one tract would never stop to look.
fn permutes(node: &NodeProto) -> bool {
    let order = node.attribute.iter().find(|a| node.op_type == "Transpose" && a.name == "perm");
    order.is_none_or(|order| (0..order.ints.len()).all(|axis| order.ints.contains(&(axis as i64))))
}

/// Serialises a model; the same model always gives the same bytes.
pub fn encode(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The graph of a decoded model.
///
/// # Errors
/// `INVALID_MODEL` when there is none, which [`decode`] excludes.
pub fn graph(model: &ModelProto) -> Result<&GraphProto> {
    model.graph.as_ref().ok_or_else(|| invalid("it has no graph".into()))
}

/// The only input that is not a weight, which must be an image of three channels.
///
/// # Errors
/// `INVALID_MODEL` when the network does not take one image.
pub fn image_input(model: &ModelProto) -> Result<ImageInput> {
    let graph = graph(model)?;
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|i| !weights.contains(i.name.as_str())).collect();
    let not_image = |why: String| Err(invalid(format!("not an image network: {why}")));
    let [input] = inputs[..] else { return not_image(format!("it takes {} inputs, expected one", inputs.len())) };
    let dims = dimensions(input);
    let [_, a, b, c] = dims[..] else {
        return not_image(format!("its input `{}` has {} dimensions, an image batch has 4", input.name, dims.len()));
    };
    let layout = match (a, c) {
        (Some(3), Some(3)) => None,
        (Some(3), _) => Some(Layout::Nchw),
        (_, Some(3)) => Some(Layout::Nhwc),
        (None, None) => None,
        _ => return not_image(format!("its input `{}` has no dimension of 3 for the colours", input.name)),
    };
    let (height, width) = if layout == Some(Layout::Nhwc) { (a, b) } else { (b, c) };
    if height != width {
        let side = |s: Option<usize>| s.map_or("any".to_owned(), |s| s.to_string());
        return not_image(format!("its input is {}×{}; only square inputs are supported", side(height), side(width)));
    }
    Ok(ImageInput { name: input.name.clone(), layout, size: height })
}

fn dimensions(value: &ValueInfoProto) -> Vec<Option<usize>> {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return Vec::new();
    };
    let dims = tensor.shape.iter().flat_map(|s| &s.dim);
    dims.map(|d| match d.value {
        Some(tensor_shape_proto::dimension::Value::DimValue(v)) => usize::try_from(v).ok().filter(|v| *v > 0),
        _ => None,
    })
    .collect()
}

/// Values of an integer weight or constant, if `name` is one.
pub fn integers(graph: &GraphProto, name: &str) -> Option<Vec<i64>> {
    let constant = || graph.node.iter().find(|n| n.op_type == "Constant" && n.output.iter().any(|o| o == name));
    let weight: Option<&TensorProto> = graph.initializer.iter().find(|t| t.name == name);
    let tensor = weight.or_else(|| constant()?.attribute.iter().find_map(|a| a.t.as_ref()))?;
    if !tensor.int64_data.is_empty() {
        return Some(tensor.int64_data.clone());
    }
    Some(tensor.raw_data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect())
}

/// An `INVALID_MODEL` error.
pub fn invalid(message: String) -> crate::error::Error {
    jicho::Error::new(ErrorKind::InvalidModel, message).into()
}
