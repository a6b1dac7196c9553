//! Functions that a model defines for itself (as PyTorch's dynamo exporter does), written out where they are called.

use std::collections::HashMap;

use tract_onnx::pb::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto};

use super::invalid;
use crate::error::Result;

/// Functions that call each other may not go deeper than this.
const MAX_DEPTH: usize = 32;
/// A model may not grow to more nodes than this.
const MAX_NODES: usize = 200_000;

/// Replaces every call of a function of the model by the function's nodes.
///
/// # Errors
/// `INVALID_MODEL` when functions call each other without end, give a model of absurd size, or rely on another opset
/// than the model.
pub fn inline(model: &mut ModelProto) -> Result<()> {
    if model.functions.is_empty() {
        return Ok(());
    }
    let functions = std::mem::take(&mut model.functions);
    let version = |opsets: &[tract_onnx::pb::OperatorSetIdProto]| {
        opsets.iter().filter(|o| o.domain.is_empty()).map(|o| o.version).max()
    };
    let own = version(&model.opset_import);
    let mut inliner = Inliner { functions: HashMap::new(), calls: 0, nodes: 0 };
    for function in &functions {
        let (domain, name) = (function.domain.as_deref().unwrap_or(""), function.name.as_deref().unwrap_or(""));
        let theirs = version(&function.opset_import);
        if theirs.is_some() && theirs != own {
            let message = format!("its function `{name}` relies on another opset than the model itself");
            return Err(invalid(message));
        }
        inliner.functions.insert((domain, name), function);
    }
    match model.graph.as_mut() {
        Some(graph) => inliner.graph(graph, 0),
        None => Ok(()),
    }
}

struct Inliner<'a> {
    functions: HashMap<(&'a str, &'a str), &'a FunctionProto>,
    /// How many calls were written out; makes names unique.
    calls: usize,
    nodes: usize,
}

impl Inliner<'_> {
    fn graph(&mut self, graph: &mut GraphProto, depth: usize) -> Result<()> {
        let nodes = std::mem::take(&mut graph.node);
        for node in nodes {
            self.node(node, &mut graph.node, depth)?;
        }
        Ok(())
    }

    /// Appends the node to `out`, or the nodes of the function that it calls.
    fn node(&mut self, mut node: NodeProto, out: &mut Vec<NodeProto>, depth: usize) -> Result<()> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(invalid(format!("its function `{}` calls too many others", node.op_type)));
        }
        for inner in node.attribute.iter_mut().flat_map(|a| a.g.iter_mut().chain(&mut a.graphs)) {
            self.graph(inner, depth)?;
        }
        let Some(function) = self.functions.get(&(node.domain.as_str(), node.op_type.as_str())).copied() else {
            out.push(node);
            return Ok(());
        };
        self.calls += 1;
        let scope = Scope::new(function, &node, self.calls);
        for inner in &function.node {
            let mut inner = inner.clone();
            scope.node(&mut inner)?;
            self.node(inner, out, depth + 1)?;
        }
        Ok(())
    }
}

/// One call of a function: what its names and attributes stand for.
struct Scope<'a> {
    function: &'a FunctionProto,
    call: &'a NodeProto,
    names: HashMap<&'a str, &'a str>,
    prefix: String,
}

impl<'a> Scope<'a> {
    fn new(function: &'a FunctionProto, call: &'a NodeProto, number: usize) -> Self {
        let mut names = HashMap::new();
        for (i, formal) in function.input.iter().enumerate() {
            names.insert(formal.as_str(), call.input.get(i).map_or("", String::as_str));
        }
        for (formal, actual) in function.output.iter().zip(&call.output).filter(|(_, actual)| !actual.is_empty()) {
            names.insert(formal.as_str(), actual.as_str());
        }
        Scope { function, call, names, prefix: format!("{}.{number}/", call.op_type) }
    }

    fn rename(&self, name: &mut String) {
        if !name.is_empty() {
            *name = self.names.get(name.as_str()).map_or_else(|| format!("{}{name}", self.prefix), ToString::to_string);
        }
    }

    fn node(&self, node: &mut NodeProto) -> Result<()> {
        node.input.iter_mut().chain(&mut node.output).for_each(|name| self.rename(name));
        if !node.name.is_empty() {
            node.name = format!("{}{}", self.prefix, node.name);
        }
        let attributes = std::mem::take(&mut node.attribute);
        for mut attribute in attributes {
            if !attribute.ref_attr_name.is_empty() {
                let Some(given) = self.given(&attribute)? else { continue };
                attribute = given;
            }
            for graph in attribute.g.iter_mut().chain(&mut attribute.graphs) {
                self.graph(graph)?;
            }
            node.attribute.push(attribute);
        }
        Ok(())
    }

    fn graph(&self, graph: &mut GraphProto) -> Result<()> {
        graph.input.iter_mut().chain(&mut graph.output).for_each(|value| self.rename(&mut value.name));
        graph.initializer.iter_mut().for_each(|tensor| self.rename(&mut tensor.name));
        graph.node.iter_mut().try_for_each(|node| self.node(node))
    }

    /// What the call gives for an attribute that the function passes on; `None` leaves it out, as the call does.
    fn given(&self, attribute: &AttributeProto) -> Result<Option<AttributeProto>> {
        let wanted = &attribute.ref_attr_name;
        if let Some(given) = self.call.attribute.iter().find(|a| a.name == *wanted) {
            return Ok(Some(AttributeProto { name: attribute.name.clone(), ..given.clone() }));
        }
        if self.function.attribute.contains(wanted) {
            return Ok(None);
        }
        let name = self.function.name.as_deref().unwrap_or("");
        Err(invalid(format!("its function `{name}` has a default for `{wanted}`, which is not supported")))
    }
}
