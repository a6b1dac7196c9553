//! Small ONNX networks whose answers are known.

use prost::Message;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto, type_proto,
};

use crate::shop::Shop;

/// Side of the networks' images in pixels.
pub const SIDE: u32 = 8;

/// A classifier of three labels whose logits are the means of the three input channels, where positive, times
/// [`Colors::GAIN`].
#[derive(Clone, Default)]
pub struct Colors {
    /// Channels last.
    pub nhwc: bool,
    /// Leave height and width open.
    pub open: bool,
    /// Leave the channels open too.
    pub nameless: bool,
    /// End in probabilities instead of logits.
    pub softmax: bool,
    /// Pass through a function that plans do not know.
    pub odd: bool,
    /// `metadata_props`.
    pub properties: Vec<(&'static str, String)>,
}

impl Colors {
    pub const GAIN: f32 = 3.0;
    pub const LABELS: &str = "first\nsecond\nthird\n";
    /// Pixels as 0–1.
    pub const FLAGS: &str = "--color rgb --range 0,1 --mean 0 --std 1";

    /// Writes `colors.onnx` and `labels.txt`.
    pub fn write(&self, shop: &Shop) {
        shop.write("colors.onnx", self.onnx());
        shop.write("labels.txt", Self::LABELS);
    }

    pub fn onnx(&self) -> Vec<u8> {
        let side = if self.open { None } else { Some(SIDE) };
        let color = if self.nameless { None } else { Some(3) };
        let mut graph = Graph::default();
        let mut tensor = "image".to_owned();
        if self.nhwc {
            graph.input(&[None, side, side, color]);
            tensor = graph.node("Transpose", &[&tensor], vec![ints("perm", &[0, 3, 1, 2])]);
        } else {
            graph.input(&[None, color, side, side]);
        }
        let identity = |scale: f32| (0..9).map(|i| if i % 4 == 0 { scale } else { 0.0 }).collect::<Vec<_>>();
        let weights = graph.weights(&[3, 3, 1, 1], &identity(1.0));
        tensor = graph.node("Conv", &[&tensor, &weights], vec![ints("kernel_shape", &[1, 1])]);
        tensor = graph.node(if self.odd { "Erf" } else { "Relu" }, &[&tensor], vec![]);
        tensor = graph.node("GlobalAveragePool", &[&tensor], vec![]);
        tensor = graph.node("Flatten", &[&tensor], vec![]);
        let weights = graph.weights(&[3, 3], &identity(Self::GAIN));
        tensor = graph.node("Gemm", &[&tensor, &weights], vec![]);
        if self.softmax {
            tensor = graph.node("Softmax", &[&tensor], vec![]);
        }
        graph.finish(&tensor, &self.properties)
    }
}

/// A network with `channels` seeded filters of 3×3 pixels, pooled, and a layer of `classes` logits.
pub struct Filters {
    pub seed: u64,
    pub channels: usize,
    pub classes: usize,
    pub nhwc: bool,
    /// Pool globally; else flatten the map, which leaves no tensor that looks like features.
    pub pooled: bool,
}

impl Filters {
    pub fn onnx(&self) -> Vec<u8> {
        let (channels, classes) = (self.channels, self.classes);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut random = |n: usize| (0..n).map(|_| rng.random_range(-0.3..0.3f32)).collect::<Vec<_>>();
        let mut graph = Graph::default();
        let mut tensor = "image".to_owned();
        let side = Some(SIDE);
        if self.nhwc {
            graph.input(&[None, side, side, Some(3)]);
            tensor = graph.node("Transpose", &[&tensor], vec![ints("perm", &[0, 3, 1, 2])]);
        } else {
            graph.input(&[None, Some(3), side, side]);
        }
        let (weights, bias) = (graph.weights(&[channels, 3, 3, 3], &random(channels * 27)), random(channels));
        let bias = graph.weights(&[channels], &bias);
        let attributes = vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 1])];
        tensor = graph.node("Conv", &[&tensor, &weights, &bias], attributes);
        tensor = graph.node("Relu", &[&tensor], vec![]);
        let features = if self.pooled {
            tensor = graph.node("GlobalAveragePool", &[&tensor], vec![]);
            channels
        } else {
            channels * (SIDE * SIDE) as usize
        };
        tensor = graph.node("Flatten", &[&tensor], vec![]);
        let weights = graph.weights(&[features, classes], &random(features * classes));
        tensor = graph.node("Gemm", &[&tensor, &weights], vec![]);
        graph.finish(&tensor, &[])
    }
}

/// A network of one input of these dimensions that passes it through an operator.
pub fn passing(operator: &str, dims: &[Option<u32>]) -> Vec<u8> {
    let mut graph = Graph::default();
    graph.input(dims);
    let output = graph.node(operator, &["image"], vec![]);
    graph.finish(&output, &[])
}

/// The operators of a network's graph.
pub fn operators(onnx: &[u8]) -> Vec<String> {
    let graph = ModelProto::decode(onnx).unwrap().graph.unwrap();
    graph.node.into_iter().map(|n| n.op_type).collect()
}

/// A value of a network's `metadata_props`.
pub fn property(onnx: &[u8], key: &str) -> String {
    let properties = ModelProto::decode(onnx).unwrap().metadata_props;
    properties.into_iter().find(|p| p.key == key).unwrap_or_else(|| panic!("no {key}")).value
}

#[derive(Default)]
struct Graph(GraphProto);

impl Graph {
    fn input(&mut self, dims: &[Option<u32>]) {
        self.0.input.push(value("image", dims));
    }

    fn node(&mut self, operator: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let output = format!("t{}", self.0.node.len());
        self.0.node.push(NodeProto {
            op_type: operator.into(),
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.clone()],
            attribute,
            ..Default::default()
        });
        output
    }

    fn weights(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = format!("w{}", self.0.initializer.len());
        self.0.initializer.push(TensorProto {
            name: name.clone(),
            dims: dims.iter().map(|d| *d as i64).collect(),
            data_type: 1,
            raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ..Default::default()
        });
        name
    }

    fn finish(mut self, output: &str, properties: &[(&str, String)]) -> Vec<u8> {
        self.0.name = "made by a test".into();
        self.0.output.push(value(output, &[None, None]));
        let property =
            |(key, value): &(&str, String)| StringStringEntryProto { key: (*key).into(), value: value.clone() };
        let model = ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
            graph: Some(self.0),
            metadata_props: properties.iter().map(property).collect(),
            ..Default::default()
        };
        model.encode_to_vec()
    }
}

fn value(name: &str, dims: &[Option<u32>]) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension::Value};
    let dim = dims.iter().enumerate().map(|(i, dim)| {
        let value = dim.map_or(Value::DimParam(format!("d{i}")), |d| Value::DimValue(i64::from(d)));
        Dimension { value: Some(value), ..Default::default() }
    });
    let tensor = type_proto::Tensor { elem_type: 1, shape: Some(TensorShapeProto { dim: dim.collect() }) };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(r#type), ..Default::default() }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 7, ints: values.to_vec(), ..Default::default() }
}
