//! Reads a network from an ONNX file that is a chain of the units that MobileNets consist of.

use std::collections::HashMap;

use half::f16;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

use crate::error::{Error, Result};
use crate::learning::network::norm::Activation;
use crate::learning::network::unit::{Kind, Unit};
use crate::learning::network::{Block, Network};
use crate::model::onnx::{decode, graph, image_input};

/// Reads a network of convolutions with shifts (their normalisation folded), ReLU, ReLU6, residual additions, and one mean
/// over all pixels at the end. Its input is `size`×`size` pixels.
///
/// # Errors
/// `INVALID_MODEL` for a file that is no network of one image; `NOT_A_BACKBONE` names the first node of another kind.
pub fn read(onnx: &[u8], size: usize) -> Result<Network> {
    let model = decode(onnx)?;
    let graph = graph(&model)?;
    let mut reader = Reader {
        graph,
        at: image_input(&model)?.name,
        channels: 3,
        side: size,
        units: Vec::new(),
        residuals: Vec::new(),
        starts: HashMap::new(),
        pooled: false,
    };
    for node in &graph.node {
        reader.node(node).map_err(|why| {
            let message = format!("node `{}` ({}) cannot be trained further: {why}", node.name, node.op_type);
            Error::NotABackbone(message)
        })?;
    }
    if !reader.pooled || reader.units.is_empty() {
        return Err(Error::NotABackbone("the network does not end with a mean over its map".into()));
    }
    Ok(reader.network())
}

struct Reader<'a> {
    graph: &'a GraphProto,
    /// The output of the node that was read last.
    at: String,
    channels: usize,
    side: usize,
    units: Vec<Unit>,
    /// First and end of the units that each residual connection goes around.
    residuals: Vec<(usize, usize)>,
    /// Tensors that a residual connection may start from, with the number of units before them.
    starts: HashMap<String, usize>,
    pooled: bool,
}

impl Reader<'_> {
    fn node(&mut self, node: &NodeProto) -> std::result::Result<(), String> {
        // These only yield stored numbers, which are read where they are used.
        let data = |name: &String| name.is_empty() || tensor(self.graph, name).is_some();
        if node.input.iter().all(data) {
            return Ok(());
        }
        let output = node.output.first().cloned().unwrap_or_default();
        if !node.input.contains(&self.at) {
            return Err("it does not go on from the node before".into());
        }
        match node.op_type.as_str() {
            "Conv" if !self.pooled => {
                let unit = self.convolution(node)?;
                self.starts.insert(self.at.clone(), self.units.len());
                self.channels = unit.output;
                self.side = unit.geometry(1, self.side).output_side();
                self.units.push(unit);
            }
            "Relu" => self.activate(Activation::Relu)?,
            "Clip" if self.bounds(node) == [Some(0.0), Some(6.0)] => self.activate(Activation::Relu6)?,
            "Add" => {
                let from = node.input.iter().find_map(|name| self.starts.get(name));
                let from = *from.ok_or("what it adds is no map of before")?;
                if self.residuals.last().is_some_and(|(_, end)| from < *end) || from == self.units.len() {
                    return Err("residuals within residuals are not read".into());
                }
                self.residuals.push((from, self.units.len()));
            }
            "GlobalAveragePool" | "ReduceMean" => self.pooled = true,
            "Flatten" | "Reshape" | "Squeeze" | "Identity" if self.pooled => {}
            _ => return Err("a MobileNet has none here".into()),
        }
        self.at = output;
        Ok(())
    }

    fn convolution(&self, node: &NodeProto) -> std::result::Result<Unit, String> {
        let list = |name: &str, default: i64, count: usize| {
            attribute(node, name).map_or(vec![default; count], |a| a.ints.clone())
        };
        let weights =
            node.input.get(1).and_then(|name| tensor(self.graph, name)).ok_or("its weights are no constant")?;
        let [output, inputs, rows, columns] = weights.dims[..] else { return Err("its weights have no 4 axes".into()) };
        let group = attribute(node, "group").map_or(1, |a| a.i as usize);
        let (strides, pads) = (list("strides", 1, 2), list("pads", 0, 4));
        let kind = match (rows, columns, group) {
            (3, 3, 1) => Kind::Full,
            (3, 3, _) if group == output && inputs == 1 => Kind::Depthwise,
            (1, 1, 1) => Kind::Pointwise,
            _ => return Err(format!("a kernel of {rows}×{columns} in {group} groups")),
        };
        let expected = if kind == Kind::Depthwise { output } else { inputs };
        let (stride, pad) = (strides[0], pads[0]);
        let plain = strides == [stride; 2] && pads == [pad, pad, pads[2], pads[2]] && list("dilations", 1, 2) == [1, 1];
        let automatic = attribute(node, "auto_pad").is_some_and(|a| a.s != b"NOTSET" && !a.s.is_empty());
        let out = (self.side as i64 + pad + pads[2] - rows as i64) / stride.max(1) + 1;
        let most_pad = i64::from(kind != Kind::Pointwise);
        let fits = (1..=2).contains(&stride)
            && (0..=most_pad).contains(&pad)
            && out == (self.side as i64 + stride - 1) / stride
            && (kind != Kind::Pointwise || stride == 1);
        if !plain || automatic || !fits || expected != self.channels {
            return Err(format!("strides {strides:?}, pads {pads:?} or channels that are not known"));
        }
        let shift = match node.input.get(2).filter(|name| !name.is_empty()) {
            Some(name) => tensor(self.graph, name).ok_or("its shift is not a constant")?.values,
            None => vec![0.0; output],
        };
        if shift.len() != output || weights.values.len() != output * inputs * rows * columns {
            return Err("its weights have a wrong length".into());
        }
        Ok(Unit {
            kind,
            input: self.channels,
            output,
            stride: stride as usize,
            pad: pad as usize,
            activation: Activation::None,
            weights: output_last(&weights.values, output, inputs, rows * columns),
            shift,
            norm: None,
        })
    }

    fn activate(&mut self, activation: Activation) -> std::result::Result<(), String> {
        let behind_sum = self.residuals.last().is_some_and(|(_, end)| *end == self.units.len());
        let unit = self.units.last_mut().filter(|unit| unit.activation == Activation::None && !behind_sum);
        unit.ok_or("it does not follow a convolution")?.activation = activation;
        Ok(())
    }

    /// The lower and upper bound of a clip.
    fn bounds(&self, node: &NodeProto) -> [Option<f32>; 2] {
        [("min", 1), ("max", 2)].map(|(name, input)| {
            let stored = || Some(*tensor(self.graph, node.input.get(input)?)?.values.first()?);
            attribute(node, name).map(|a| a.f).or_else(stored)
        })
    }

    fn network(self) -> Network {
        let mut blocks = Vec::new();
        let mut units = self.units.into_iter().enumerate().peekable();
        let mut residuals = self.residuals.into_iter().peekable();
        while let Some((at, unit)) = units.next() {
            let mut block = Block { units: vec![unit], residual: false };
            if let Some((_, end)) = residuals.next_if(|(start, _)| *start == at) {
                block.residual = true;
                while let Some((_, unit)) = units.next_if(|(i, _)| *i < end) {
                    block.units.push(unit);
                }
            }
            blocks.push(block);
        }
        Network { blocks }
    }
}

/// Weights in the order of [`Unit`]: row, column, input, output.
fn output_last(values: &[f32], outputs: usize, inputs: usize, taps: usize) -> Vec<f32> {
    let at = |tap: usize, input: usize, output: usize| values[(output * inputs + input) * taps + tap];
    (0..taps)
        .flat_map(|tap| (0..inputs).flat_map(move |input| (0..outputs).map(move |output| at(tap, input, output))))
        .collect()
}

struct Stored {
    dims: Vec<usize>,
    values: Vec<f32>,
}

/// Numbers stored in the file: a weight or a constant, possibly widened from half precision or bytes.
fn tensor(graph: &GraphProto, name: &str) -> Option<Stored> {
    if let Some(stored) = graph.initializer.iter().find(|t| t.name == name) {
        return numbers(stored);
    }
    let node = graph.node.iter().find(|n| n.output.iter().any(|o| o == name))?;
    match node.op_type.as_str() {
        "Constant" => numbers(attribute(node, "value")?.t.as_ref()?),
        "Cast" | "Identity" => tensor(graph, node.input.first()?),
        "DequantizeLinear" => {
            let (mut stored, scale) = (tensor(graph, node.input.first()?)?, tensor(graph, node.input.get(1)?)?);
            let zero = node.input.get(2).and_then(|name| tensor(graph, name));
            let outputs = *stored.dims.first()?;
            let axis = attribute(node, "axis").map_or(1, |a| a.i);
            if scale.values.len() != 1 && (axis != 0 || scale.values.len() != outputs) {
                return None;
            }
            let each = stored.values.len() / outputs.max(1);
            for (i, value) in stored.values.iter_mut().enumerate() {
                let at = if scale.values.len() == 1 { 0 } else { i / each };
                let zero = zero.as_ref().and_then(|z| z.values.get(at)).copied().unwrap_or(0.0);
                *value = (*value - zero) * scale.values[at];
            }
            Some(stored)
        }
        _ => None,
    }
}

fn numbers(tensor: &TensorProto) -> Option<Stored> {
    let dims: Vec<usize> = tensor.dims.iter().map(|d| usize::try_from(*d).ok()).collect::<Option<_>>()?;
    let raw = &tensor.raw_data;
    let values: Vec<f32> = match tensor.data_type {
        1 if raw.is_empty() => tensor.float_data.clone(),
        1 => raw.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        3 if raw.is_empty() => tensor.int32_data.iter().map(|v| *v as f32).collect(),
        3 => raw.iter().map(|b| f32::from(b.cast_signed())).collect(),
        7 if raw.is_empty() => tensor.int64_data.iter().map(|v| *v as f32).collect(),
        7 => raw.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f32).collect(),
        10 if raw.is_empty() => tensor.int32_data.iter().map(|v| f16::from_bits(*v as u16).to_f32()).collect(),
        10 => raw.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        _ => return None,
    };
    (values.len() == dims.iter().product::<usize>()).then_some(Stored { dims, values })
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|a| a.name == name)
}
