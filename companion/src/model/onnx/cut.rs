//! Cutting a network at its pooled features, or at one of its outputs.

use std::collections::HashSet;

use jicho::manifest::Layout;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto};

use super::build::{Builder, int, value};
use super::tidy::names_read;
use super::{graph, image_input, integers};
use crate::error::{Error, Result};

const WEIGHTED: [&str; 3] = ["Conv", "Gemm", "MatMul"];

/// Where a network's pooled features are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    /// The tensor to cut at.
    pub tensor: String,
    /// Whether it is a map that is still to be averaged over rows and columns.
    pub pool: bool,
}

/// Finds the pooled features: what the last global average pooling gives, when layers with weights follow it or
/// nothing does; the map before the last weighted layer, when the network pools class scores (SqueezeNet).
///
/// # Errors
/// `NOT_A_BACKBONE` when there is no global pooling.
pub fn find_features(model: &ModelProto) -> Result<Features> {
    let graph = graph(model)?;
    let pools: Vec<usize> = (0..graph.node.len()).filter(|&i| is_global_pool(graph, &graph.node[i])).collect();
    let outputs: HashSet<&str> = graph.output.iter().map(|o| o.name.as_str()).collect();
    // A second output that is pooled features and nothing else was put there for us.
    let exposed = |&i: &usize| {
        let after = descendants(graph, i);
        !after.iter().any(|&n| WEIGHTED.contains(&graph.node[n].op_type.as_str()) || graph.node[n].op_type == "Softmax")
    };
    if let Some(&pool) = pools.iter().rev().find(|i| outputs.len() > 1 && exposed(i)) {
        return Ok(Features { tensor: graph.node[pool].output[0].clone(), pool: false });
    }
    let Some(&last) = pools.last() else {
        return Err(Error::NotABackbone(
            "the network has no global average pooling to take features from: \
             name the tensor that holds its features with --features TENSOR"
                .into(),
        ));
    };
    let after = descendants(graph, last);
    let scores = !after.iter().any(|&n| WEIGHTED.contains(&graph.node[n].op_type.as_str()))
        && after.iter().any(|&n| graph.node[n].op_type == "Softmax");
    if !scores {
        return Ok(Features { tensor: graph.node[last].output[0].clone(), pool: false });
    }
    let mut before = ancestors(graph, &graph.node[last].input[0]);
    before.sort_unstable();
    let weighted = |n: &usize| !graph.node[*n].input.is_empty() && WEIGHTED.contains(&graph.node[*n].op_type.as_str());
    let scorer = before.into_iter().rev().find(weighted);
    let scorer = scorer.ok_or_else(|| Error::NotABackbone("the network has no layer with weights".into()))?;
    Ok(Features { tensor: graph.node[scorer].input[0].clone(), pool: true })
}

/// The network up to `features`, flattened to one output called `features`.
///
/// # Errors
/// `NOT_A_BACKBONE` when there is no such tensor.
pub fn at_features(model: &ModelProto, features: &Features) -> Result<ModelProto> {
    let mut model = keep(model, &features.tensor)?;
    let graph = model.graph.get_or_insert_default();
    let mut build = Builder::new(graph, "jicho_cut");
    let pooled = if features.pool {
        build.node("GlobalAveragePool", &[&features.tensor], vec![])
    } else {
        features.tensor.clone()
    };
    build.named("Flatten", &[&pooled], "features", vec![int("axis", 1)]);
    graph.output = vec![value("features", &[])];
    // A rank is not claimed, since the length is known only once the network ran.
    if let Some(output) = graph.output.first_mut() {
        output.r#type = None;
    }
    Ok(model)
}

/// The network up to `output`, which becomes its only one.
///
/// # Errors
/// `NOT_A_BACKBONE` when there is no such tensor.
pub fn at_output(model: &ModelProto, output: &str) -> Result<ModelProto> {
    let declared = graph(model)?.output.iter().find(|o| o.name == output).cloned();
    let mut kept = keep(model, output)?;
    kept.graph.get_or_insert_default().output = vec![declared.unwrap_or_else(|| value(output, &[]))];
    Ok(kept)
}

/// Lets the network take images of another size. What it computes then is for the caller to check.
///
/// # Errors
/// `INVALID_MODEL` when it does not take one image.
pub fn resize(model: &mut ModelProto, layout: Layout, size: usize) -> Result<()> {
    let name = image_input(model)?.name;
    let shape = match layout {
        Layout::Nchw => [0, 3, size, size],
        Layout::Nhwc => [0, size, size, 3],
    };
    let graph = model.graph.get_or_insert_default();
    graph.input.iter_mut().filter(|input| input.name == name).for_each(|input| *input = value(&name, &shape));
    // Shapes of what lies between were those of the old size.
    graph.value_info.clear();
    Ok(())
}

fn keep(model: &ModelProto, tensor: &str) -> Result<ModelProto> {
    let graph = graph(model)?;
    let known = graph.node.iter().flat_map(|n| &n.output).any(|o| o == tensor);
    if !known {
        return Err(Error::NotABackbone(format!("the network has no tensor `{tensor}` that one of its nodes gives")));
    }
    let mut nodes = ancestors(graph, tensor);
    nodes.sort_unstable();
    let mut needed: HashSet<&str> = HashSet::from([tensor]);
    nodes.iter().for_each(|&n| names_read(&graph.node[n], &mut needed));
    let kept = GraphProto {
        name: graph.name.clone(),
        node: nodes.iter().map(|&n| graph.node[n].clone()).collect(),
        initializer: graph.initializer.iter().filter(|t| needed.contains(t.name.as_str())).cloned().collect(),
        input: graph.input.iter().filter(|i| needed.contains(i.name.as_str())).cloned().collect(),
        ..Default::default()
    };
    Ok(ModelProto { graph: Some(kept), ..model.clone() })
}

/// Nodes that `tensor` depends on.
fn ancestors(graph: &GraphProto, tensor: &str) -> Vec<usize> {
    let mut wanted: HashSet<&str> = HashSet::from([tensor]);
    let mut found = Vec::new();
    // Nodes come after those that they read, so one pass backwards sees every consumer before its producer.
    for (i, node) in graph.node.iter().enumerate().rev() {
        if node.output.iter().any(|o| wanted.contains(o.as_str())) {
            names_read(node, &mut wanted);
            found.push(i);
        }
    }
    found
}

/// Nodes that depend on node `start`.
fn descendants(graph: &GraphProto, start: usize) -> Vec<usize> {
    let mut known: HashSet<&str> = graph.node[start].output.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for (i, node) in graph.node.iter().enumerate().skip(start + 1) {
        if node.input.iter().any(|n| known.contains(n.as_str())) {
            known.extend(node.output.iter().map(String::as_str));
            found.push(i);
        }
    }
    found
}

fn is_global_pool(graph: &GraphProto, node: &NodeProto) -> bool {
    if node.input.is_empty() || node.output.is_empty() {
        return false;
    }
    match node.op_type.as_str() {
        "GlobalAveragePool" => true,
        "ReduceMean" => {
            let axes = attribute(node, "axes")
                .map(|a| a.ints.clone())
                .or_else(|| node.input.get(1).and_then(|name| integers(graph, name)))
                .unwrap_or_default();
            let mut axes: Vec<i64> = axes.into_iter().map(|a| if a < 0 { a + 4 } else { a }).collect();
            axes.sort_unstable();
            axes == [2, 3] || axes == [1, 2]
        }
        // The 7×7 average that older exporters write for a map of 7×7.
        "AveragePool" => attribute(node, "kernel_shape").is_some_and(|a| a.ints.iter().all(|k| *k >= 7)),
        _ => false,
    }
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}
