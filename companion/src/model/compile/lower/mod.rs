//! From tract's network to the [`Graph`]: one node after another, each tensor as a [`View`] of an image.

mod arithmetic;
mod arrange;
mod constant;
mod convolve;
mod product;
mod reduce;

use std::collections::HashMap;

use jicho::engine::plan::MAX_ARENA;
use jicho::manifest::Layout;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::{Gather, MultiBroadcastTo, Pad, Slice, TypedConcat};
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::change_axes::AxisOp;
use tract_onnx::tract_core::ops::cnn::{Conv, MaxPool, SumPool};
use tract_onnx::tract_core::ops::downsample::Downsample;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::identity::Identity;
use tract_onnx::tract_core::ops::nn::{Reduce, Softmax, SoftmaxKind};
use tract_onnx::tract_core::ops::source::TypedSource;

use super::CompileError;
use super::graph::{Graph, Id, Op, Shape};
use super::view::{Role, View};
use constant::Constant;

/// No plan has more channels.
const MAX_VECTOR: usize = 1 << 17;

/// Why a node cannot be lowered.
type Lowered<T> = Result<T, String>;

/// Lowers a whole network.
///
/// # Errors
/// The first node that has no counterpart.
pub fn lower(model: &TypedModel, layout: Layout, size: usize) -> Result<Graph, CompileError> {
    let mut lowering = Lowering { model, graph: Graph::default(), views: HashMap::new(), layout, size };
    for id in model.eval_order().map_err(|e| CompileError::invalid(&e))? {
        let node = model.node(id);
        if node.outputs.iter().all(|o| o.fact.konst.is_some()) {
            continue;
        }
        lowering.node(node).map_err(|why| unsupported(node, why))?;
    }
    let [output] = model.outputs[..] else {
        let why = format!("it is one of {} outputs, a plan gives one", model.outputs.len());
        return Err(unsupported(model.node(model.outputs[0].node), why));
    };
    let node = model.node(output.node);
    let view = lowering.view(output).map_err(|why| unsupported(node, why))?;
    lowering.graph.output = lowering.vector(&node.name, &view).map_err(|why| unsupported(node, why))?;
    Ok(lowering.graph)
}

fn unsupported(node: &TypedNode, why: String) -> CompileError {
    CompileError::Unsupported { node: node.name.clone(), op: node.op.name().to_string(), why }
}

struct Lowering<'a> {
    model: &'a TypedModel,
    graph: Graph,
    views: HashMap<OutletId, View>,
    layout: Layout,
    size: usize,
}

impl Lowering<'_> {
    fn node(&mut self, node: &TypedNode) -> Lowered<()> {
        let view = if node.op_is::<TypedSource>() {
            self.source(node)?
        } else if let Some(conv) = node.op_as::<Conv>() {
            self.conv(node, conv)?
        } else if let Some(product) = node.op_as::<EinSum>() {
            self.einsum(node, product)?
        } else if let Some(pool) = node.op_as::<MaxPool>() {
            self.max_pool(node, pool)?
        } else if let Some(pool) = node.op_as::<SumPool>() {
            self.sum_pool(node, pool)?
        } else if let Some(binary) = node.op_as::<TypedBinOp>() {
            self.binary(node, binary)?
        } else if let Some(unary) = node.op_as::<ElementWiseOp>() {
            self.unary(node, unary)?
        } else if let Some(change) = node.op_as::<AxisOp>() {
            self.change_axes(node, change)?
        } else if let Some(reduce) = node.op_as::<Reduce>() {
            self.reduce(node, reduce)?
        } else if let Some(softmax) = node.op_as::<Softmax>() {
            self.softmax(node, softmax)?
        } else if let Some(concat) = node.op_as::<TypedConcat>() {
            self.concat(node, concat.axis)?
        } else if let Some(slice) = node.op_as::<Slice>() {
            self.slice(node, slice)?
        } else if let Some(gather) = node.op_as::<Gather>() {
            self.gather(node, gather)?
        } else if let Some(downsample) = node.op_as::<Downsample>() {
            self.downsample(node, downsample)?
        } else if let Some(pad) = node.op_as::<Pad>() {
            self.pad(node, pad)?
        } else if self.is_alias(node)? {
            self.view(node.inputs[0])?
        } else {
            return Err("compiled plans have no such step".into());
        };
        let (dims, expected) = (view.dims(), self.dims(node.id.into())?);
        if dims != expected {
            return Err(format!("its output was taken to be {dims:?}, and is {expected:?}"));
        }
        let Shape { height, width, channels } = self.shape(&view);
        if height.saturating_mul(width).saturating_mul(channels) > MAX_ARENA {
            return Err("its output is larger than the memory that a plan may take".into());
        }
        self.views.insert(node.id.into(), view);
        Ok(())
    }

    /// Whether a node gives what it reads.
    fn is_alias(&self, node: &TypedNode) -> Lowered<bool> {
        let cast = node.op_as::<Cast>().is_some_and(|cast| cast.to.is_float());
        let spread = node.op_is::<MultiBroadcastTo>() && self.dims(node.inputs[0])? == self.dims(node.id.into())?;
        Ok(node.op_is::<Identity>() || cast || spread)
    }

    fn source(&mut self, node: &TypedNode) -> Lowered<View> {
        if !self.graph.nodes.is_empty() {
            return Err("a plan takes one input".into());
        }
        let shape = Shape { height: self.size, width: self.size, channels: 3 };
        let id = self.graph.push(&node.name, Op::Input, vec![], shape);
        let (channels, rows, columns) = (Some(Role::Channel), Some(Role::Row), Some(Role::Column));
        Ok(match self.layout {
            Layout::Nchw => View::plain(id, shape, &[None, channels, rows, columns]),
            Layout::Nhwc => View::plain(id, shape, &[None, rows, columns, channels]),
        })
    }

    fn softmax(&mut self, node: &TypedNode, softmax: &Softmax) -> Lowered<View> {
        let view = self.view(node.inputs[0])?;
        let shape = self.shape(&view);
        let all: usize =
            softmax.axes.iter().map(|a| view.axes.get(*a).map_or(1, |axis| super::view::size(axis))).product();
        if softmax.kind != SoftmaxKind::Softmax || shape.pixels() != 1 || shape.channels != all {
            return Err("a plan has softmax over a whole vector only".into());
        }
        Ok(self.over(node, Op::Softmax, view))
    }

    /// A node with the input's shape, seen through the same axes.
    fn over(&mut self, node: &TypedNode, op: Op, view: View) -> View {
        self.after(&node.name, op, view)
    }

    fn after(&mut self, name: &str, op: Op, view: View) -> View {
        let shape = self.shape(&view);
        View { id: self.graph.push(name, op, vec![view.id], shape), axes: view.axes }
    }

    fn shape(&self, view: &View) -> Shape {
        self.graph.shape(view.id)
    }

    /// What was computed before.
    fn view(&self, outlet: OutletId) -> Lowered<View> {
        match self.views.get(&outlet) {
            Some(view) => Ok(view.clone()),
            None if self.constant(outlet)?.is_some() => Err("a plan cannot compute with a constant here".into()),
            None => Err("it reads an output that a plan does not have".into()),
        }
    }

    /// The constant's values, if the outlet is one.
    fn constant(&self, outlet: OutletId) -> Lowered<Option<Constant>> {
        let fact = self.model.outlet_fact(outlet).map_err(text)?;
        fact.konst.as_ref().map(|tensor| Constant::read(tensor)).transpose()
    }

    fn dims(&self, outlet: OutletId) -> Lowered<Vec<usize>> {
        let shape = self.model.outlet_fact(outlet).map_err(text)?.shape.as_concrete();
        shape.map(<[usize]>::to_vec).ok_or_else(|| "its shape is not known beforehand".into())
    }

    /// All values in the order of the axes, as channels of one pixel.
    fn vector(&mut self, name: &str, view: &View) -> Lowered<Id> {
        let shape = self.shape(view);
        if shape.pixels() * shape.channels > MAX_VECTOR {
            return Err(format!("a vector of it would have more than {MAX_VECTOR} values"));
        }
        let places = super::view::places(&view.axes.concat());
        let index = |p: &[usize; 3]| (p[2] * shape.height + p[0]) * shape.width + p[1];
        let channels: Vec<usize> = places.iter().map(index).collect();
        let flat = Shape::vector(channels.len());
        let mut id = view.id;
        if shape.pixels() > 1 {
            id = self.graph.push(name, Op::Flatten(Default::default()), vec![id], flat);
        }
        if channels.iter().enumerate().any(|(i, c)| i != *c) {
            id = self.graph.push(name, Op::Gather(channels), vec![id], flat);
        }
        Ok(id)
    }
}

fn text(error: impl std::fmt::Display) -> String {
    format!("{error:#}")
}
