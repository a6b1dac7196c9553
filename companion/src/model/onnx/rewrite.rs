//! Writes operators that tract computes otherwise than ONNX defines them in terms of others.

use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto};

use super::build::{Builder, float, int, ints};
use super::operators::skips_from_the_middle;
use super::{integers, opset};
use crate::error::Result;

/// Axes are an input of reductions from here on.
const REDUCTION_AXES_INPUT: i64 = 18;
/// The bounds of a slice are inputs from here on.
const SLICE_INPUTS: i64 = 10;
/// There is an operator that counts from here on.
const RANGE: i64 = 11;
/// What is padded is an input from here on.
const PAD_INPUT: i64 = 11;

/// Rewrites all nodes that need it; a model that has been rewritten stays as it is.
///
/// # Errors
/// None at present; a rewrite that cannot be made leaves the node for the check of operators to refuse.
pub fn rewrite(model: &mut ModelProto) -> Result<()> {
    let opset = opset(model);
    if let Some(graph) = model.graph.as_mut() {
        rewrite_graph(graph, opset);
    }
    Ok(())
}

fn rewrite_graph(graph: &mut GraphProto, opset: i64) {
    for inner in graph.node.iter_mut().flat_map(|n| &mut n.attribute).flat_map(|a| a.g.iter_mut().chain(&mut a.graphs))
    {
        rewrite_graph(inner, opset);
    }
    let rewrites: Vec<Option<Rewrite>> = graph.node.iter().map(|node| Rewrite::of(graph, node, opset)).collect();
    if rewrites.iter().all(Option::is_none) {
        return;
    }
    for (node, rewrite) in std::mem::take(&mut graph.node).into_iter().zip(rewrites) {
        match rewrite {
            None => graph.node.push(node),
            // Names of tensors are unique, so names that begin with one are as well.
            Some(rewrite) => rewrite.apply(&node, &mut Builder::new(graph, format!("{}/jicho", node.output[0])), opset),
        }
    }
}

/// What takes a node's place.
enum Rewrite {
    /// alpha × Elu(x ÷ alpha): tract forgets the factor.
    Celu { alpha: f32 },
    /// x × sigmoid(alpha × x): tract leaves alpha out.
    Swish { alpha: f32 },
    /// The reduction of the same norm over rows and columns: tract divides by the number of pixels.
    GlobalLpPool { reduction: &'static str },
    /// A slice, and a padding of the sides that grow: tract does not shrink.
    NegativePad { axes: Vec<i64>, pads: Vec<i64> },
    /// Picks the values by their places, axis by axis: behind a convolution, tract begins at the wrong place.
    SkippingSlice { starts: Vec<i64>, ends: Vec<i64>, axes: Vec<i64>, steps: Vec<i64> },
    /// The same with its axes in order: tract takes them one after another.
    SortedAxes { axes: Vec<i64> },
}

impl Rewrite {
    fn of(graph: &GraphProto, node: &NodeProto, opset: i64) -> Option<Rewrite> {
        if !node.domain.is_empty() || node.input.is_empty() || node.output.len() != 1 {
            return None;
        }
        let number = |name: &str, default: f32| attribute(node, name).map_or(default, |a| a.f);
        match node.op_type.as_str() {
            "Celu" => {
                let alpha = number("alpha", 1.0);
                (alpha != 1.0 && alpha > 0.0).then_some(Rewrite::Celu { alpha })
            }
            "Swish" => {
                let alpha = number("alpha", 1.0);
                (alpha != 1.0).then_some(Rewrite::Swish { alpha })
            }
            "GlobalLpPool" => match attribute(node, "p").map_or(2, |a| a.i) {
                1 => Some(Rewrite::GlobalLpPool { reduction: "ReduceL1" }),
                2 => Some(Rewrite::GlobalLpPool { reduction: "ReduceL2" }),
                _ => None,
            },
            "Pad" => negative_pad(graph, node, opset),
            "Slice" if opset >= RANGE && skips_from_the_middle(graph, node) => {
                let list = |at: usize| integers(graph, node.input.get(at)?);
                let (starts, ends, steps) = (list(1)?, list(2)?, list(4)?);
                let axes = match node.input.get(3).filter(|name| !name.is_empty()) {
                    Some(_) => list(3)?,
                    None => (0..starts.len() as i64).collect(),
                };
                let fits = [ends.len(), steps.len(), axes.len()].iter().all(|length| *length == starts.len());
                fits.then_some(Rewrite::SkippingSlice { starts, ends, axes, steps })
            }
            "Squeeze" | "Unsqueeze" => {
                let given = match attribute(node, "axes") {
                    Some(axes) => axes.ints.clone(),
                    None => integers(graph, node.input.get(1)?)?,
                };
                let mut axes = given.clone();
                axes.sort_unstable();
                let of_one_sign = axes.iter().all(|axis| *axis < 0) || axes.iter().all(|axis| *axis >= 0);
                (of_one_sign && axes != given).then_some(Rewrite::SortedAxes { axes })
            }
            _ => None,
        }
    }

    fn apply(self, node: &NodeProto, build: &mut Builder<'_>, opset: i64) {
        let (x, output) = (node.input[0].as_str(), node.output[0].as_str());
        match self {
            Rewrite::Celu { alpha } => {
                let (inverse, factor) = (build.weights(&[], &[1.0 / alpha]), build.weights(&[], &[alpha]));
                let scaled = build.node("Mul", &[x, &inverse], vec![]);
                let elu = build.node("Elu", &[&scaled], vec![float("alpha", 1.0)]);
                build.named("Mul", &[&elu, &factor], output, vec![]);
            }
            Rewrite::Swish { alpha } => {
                let factor = build.weights(&[], &[alpha]);
                let scaled = build.node("Mul", &[x, &factor], vec![]);
                let gate = build.node("Sigmoid", &[&scaled], vec![]);
                build.named("Mul", &[x, &gate], output, vec![]);
            }
            Rewrite::GlobalLpPool { reduction } => {
                if opset < REDUCTION_AXES_INPUT {
                    build.named(reduction, &[x], output, vec![ints("axes", &[2, 3]), int("keepdims", 1)]);
                } else {
                    let axes = build.integers(&[2, 3]);
                    build.named(reduction, &[x, &axes], output, vec![int("keepdims", 1)]);
                }
            }
            Rewrite::NegativePad { axes, pads } => shrink_and_pad(node, &axes, &pads, build, opset),
            Rewrite::SkippingSlice { starts, ends, axes, steps } => {
                let mut picked = x.to_owned();
                for (i, axis) in axes.iter().enumerate() {
                    let places = places(build, x, *axis, [starts[i], ends[i], steps[i]]);
                    let inputs = [picked.as_str(), &places];
                    if i + 1 == axes.len() {
                        build.named("Gather", &inputs, output, vec![int("axis", *axis)]);
                    } else {
                        picked = build.node("Gather", &inputs, vec![int("axis", *axis)]);
                    }
                }
            }
            Rewrite::SortedAxes { axes } => {
                if attribute(node, "axes").is_some() {
                    build.named(&node.op_type, &[x], output, vec![ints("axes", &axes)]);
                } else {
                    let axes = build.integers(&axes);
                    build.named(&node.op_type, &[x, &axes], output, vec![]);
                }
            }
        }
    }
}

/// The places along an axis of `x` that a slice takes: the same slice of 0, 1, 2… up to the axis' length.
fn places(build: &mut Builder<'_>, x: &str, axis: i64, [start, end, step]: [i64; 3]) -> String {
    let shape = build.node("Shape", &[x], vec![]);
    let (at, zero, one) = (build.integer(axis), build.integer(0), build.integer(1));
    let length = build.node("Gather", &[&shape, &at], vec![]);
    let all = build.node("Range", &[&zero, &length, &one], vec![]);
    let [start, end, axis, step] = [start, end, 0, step].map(|value| build.integers(&[value]));
    build.node("Slice", &[&all, &start, &end, &axis, &step], vec![])
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}

fn negative_pad(graph: &GraphProto, node: &NodeProto, opset: i64) -> Option<Rewrite> {
    if attribute(node, "mode").is_some_and(|mode| mode.s != b"constant") {
        return None;
    }
    let pads = match attribute(node, "pads") {
        Some(pads) => pads.ints.clone(),
        None if opset >= PAD_INPUT => integers(graph, node.input.get(1)?)?,
        None => return None,
    };
    let axes = match node.input.get(3) {
        Some(axes) => integers(graph, axes)?,
        None => (0..pads.len() as i64 / 2).collect(),
    };
    (pads.iter().any(|side| *side < 0) && pads.len() == 2 * axes.len()).then_some(Rewrite::NegativePad { axes, pads })
}

fn shrink_and_pad(node: &NodeProto, axes: &[i64], pads: &[i64], build: &mut Builder<'_>, opset: i64) {
    let x = node.input[0].as_str();
    let (before, after) = pads.split_at(axes.len());
    let starts: Vec<i64> = before.iter().map(|side| (-side).max(0)).collect();
    let ends: Vec<i64> = after.iter().map(|side| if *side < 0 { *side } else { i64::from(i32::MAX) }).collect();
    let grown: Vec<i64> = pads.iter().map(|side| (*side).max(0)).collect();
    let grows = grown.iter().any(|side| *side > 0);
    let output = node.output[0].as_str();
    let bounds = [("starts", &starts[..]), ("ends", &ends[..]), ("axes", axes)];
    let (inputs, attributes) = if opset < SLICE_INPUTS {
        (vec![x.to_owned()], bounds.map(|(name, values)| ints(name, values)).to_vec())
    } else {
        let names = bounds.map(|(_, values)| build.integers(values));
        (std::iter::once(x.to_owned()).chain(names).collect(), Vec::new())
    };
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    if !grows {
        build.named("Slice", &inputs, output, attributes);
        return;
    }
    let kept = build.node("Slice", &inputs, attributes);
    let more = node.attribute.iter().filter(|a| a.name != "pads").cloned();
    if opset < PAD_INPUT {
        build.named("Pad", &[&kept], output, more.chain([ints("pads", &grown)]).collect());
        return;
    }
    let grown = build.integers(&grown);
    let mut inputs = vec![kept.as_str(), grown.as_str()];
    inputs.extend(node.input.iter().skip(2).map(String::as_str));
    build.named("Pad", &inputs, output, more.collect());
}
