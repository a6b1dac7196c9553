//! Reading, cutting and building ONNX graphs.

pub mod build;
pub mod cut;
mod external;
pub mod from_plan;
mod functions;
pub mod half_weights;
mod inputs;
pub mod operators;
pub mod pixels;
mod rewrite;
mod steady;
mod tensors;
mod tidy;

use std::collections::HashSet;
use std::path::Path;

use jicho::ErrorKind;
use jicho::manifest::Layout;
use prost::Message;
pub use tract_onnx::pb::ModelProto as Model;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, tensor_shape_proto, type_proto};

use crate::digest::sha256;
use crate::error::{Result, at};
pub use inputs::{take_bytes_as_numbers, take_one_image};
pub use steady::check_steady;

/// Elementwise operators broadcast from this opset on.
const OLDEST_OPSET: i64 = 7;
/// What an ONNX file may have: protobuf itself ends at 2 GiB.
const MAX_FILE: u64 = 2 << 30;

/// A decoded file.
pub struct File {
    /// What it holds.
    pub model: ModelProto,
    /// SHA-256 of the file, by which known networks are found.
    pub sha256: String,
}

impl File {
    /// Decodes a file that holds its own weights.
    ///
    /// # Errors
    /// See [`decode`].
    pub fn from_bytes(bytes: &[u8]) -> Result<File> {
        Ok(File { model: decode(bytes)?, sha256: sha256(bytes) })
    }
}

/// Reads an ONNX file, and the files beside it that hold its weights.
///
/// # Errors
/// `IO` when it cannot be read; `INVALID_MODEL` when it is not ONNX, or its weights lie outside its own folder.
pub fn read(path: &Path) -> Result<File> {
    let metadata = std::fs::metadata(path).map_err(at(path))?;
    if !metadata.is_file() {
        return Err(invalid(format!("{} is no regular file", path.display())));
    }
    if metadata.len() > MAX_FILE {
        return Err(invalid("the file is larger than 2 GiB, which no ONNX file is: save its weights beside it".into()));
    }
    let bytes = std::fs::read(path).map_err(at(path))?;
    let mut model = parse(&bytes)?;
    external::load(&mut model, path.parent().unwrap_or(Path::new(".")))?;
    Ok(File { model: prepare(model)?, sha256: sha256(&bytes) })
}

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

/// Parses an ONNX file that holds its own weights.
///
/// # Errors
/// `INVALID_MODEL`: not ONNX, no graph, or weights kept in other files.
pub fn decode(bytes: &[u8]) -> Result<ModelProto> {
    let mut model = parse(bytes)?;
    let mut outside = false;
    if let Some(graph) = model.graph.as_mut() {
        tensors::for_each_tensor(graph, &mut |tensor| outside |= external::is_external(tensor));
    }
    if outside {
        let message = "its weights lie in other files, which are not at hand here: save the ONNX with its weights \
                       inside (torch.onnx.export(…, external_data=False))";
        return Err(invalid(message.into()));
    }
    prepare(model)
}

fn parse(bytes: &[u8]) -> Result<ModelProto> {
    let model = ModelProto::decode(bytes).map_err(|e| invalid(format!("the file is not ONNX: {e}")))?;
    if model.graph.as_ref().is_none_or(|graph| graph.node.is_empty()) {
        return Err(invalid("the file is not ONNX: it has no graph".into()));
    }
    Ok(model)
}

/// Brings a parsed model into the form that everything here reads.
fn prepare(mut model: ModelProto) -> Result<ModelProto> {
    // Before version 4 weights had to be listed among the inputs, which would forbid adding any.
    model.ir_version = model.ir_version.max(4);
    tidy::tidy(&mut model)?;
    let opset = opset(&model);
    if opset < OLDEST_OPSET {
        let message = format!("its opset is {opset}, at least {OLDEST_OPSET} is needed: export it anew, or convert it");
        return Err(invalid(format!("{message} with onnx.version_converter")));
    }
    let graph = model.graph.get_or_insert_default();
    if let Some(node) = graph.node.iter().find(|n| !permutes(n)) {
        return Err(invalid(format!("its node `{}` transposes axes to an order that is none", node.name)));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(invalid("it has sparse weights, which are not supported: save them as plain ones".into()));
    }
    let weights: HashSet<&String> = graph.initializer.iter().map(|t| &t.name).collect();
    graph.input.retain(|i| !weights.contains(&i.name));
    Ok(model)
}

/// The version of the default operators; 1 where a model does not say.
pub fn opset(model: &ModelProto) -> i64 {
    model.opset_import.iter().filter(|o| o.domain.is_empty()).map(|o| o.version).max().unwrap_or(1)
}

/// The file of a network that tract runs as ONNX defines it: operators that tract computes otherwise are written in
/// terms of others, and a network with operators whose results are not known to be right is refused.
///
/// # Errors
/// `INVALID_MODEL` names the first node that is not supported.
pub fn ready(mut model: ModelProto) -> Result<Vec<u8>> {
    rewrite::rewrite(&mut model)?;
    operators::check(&model)?;
    Ok(encode(&model))
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
    let Some(tensor) = weight.or_else(|| constant()?.attribute.iter().find_map(|a| a.t.as_ref())) else {
        let attributes = &constant()?.attribute;
        return attributes.iter().find(|a| a.name == "value_ints").map(|a| a.ints.clone());
    };
    if tensor.data_type == tensors::INT32 {
        let raw = tensor.raw_data.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b));
        return Some(tensor.int32_data.iter().copied().chain(raw).map(i64::from).collect());
    }
    if tensor.data_type != tensors::INT64 {
        return None;
    }
    if !tensor.int64_data.is_empty() {
        return Some(tensor.int64_data.clone());
    }
    Some(tensor.raw_data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect())
}

/// An `INVALID_MODEL` error.
pub fn invalid(message: String) -> crate::error::Error {
    jicho::Error::new(ErrorKind::InvalidModel, message).into()
}

#[cfg(test)]
mod tests;
