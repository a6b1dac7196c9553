//! Writing networks down as exporters do.

use std::mem;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

use crate::model::onnx::build::{Builder, int, ints, model, value};
use crate::model::onnx::encode;

/// A tensor of a network that is being written.
#[derive(Debug, Clone)]
pub struct Wire {
    pub name: String,
    pub channels: usize,
}

/// How batch normalisation and activations are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Batch norms are folded into the convolutions.
    pub folded: bool,
    /// Hard swish and hard sigmoid are one node, not several.
    pub whole: bool,
}

pub const STYLES: [Style; 4] = [
    Style { folded: false, whole: false },
    Style { folded: true, whole: false },
    Style { folded: false, whole: true },
    Style { folded: true, whole: true },
];

/// A network that is being written.
pub struct Net {
    pub style: Style,
    graph: GraphProto,
    rng: ChaCha8Rng,
    count: usize,
}

/// A convolution's geometry: kernel and stride of both axes, padding on all sides.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

/// `kernel × kernel`, with as much padding as keeps the size at stride 1.
pub fn same(kernel: usize, stride: usize) -> Geometry {
    Geometry { kernel, stride, padding: kernel / 2 }
}

impl Net {
    /// Takes an image `1 × 3 × size × size`.
    pub fn new(style: Style, size: usize) -> (Net, Wire) {
        Net::with_input(style, &[1, 3, size, size], 3)
    }

    pub fn with_input(style: Style, dims: &[usize], channels: usize) -> (Net, Wire) {
        let graph = GraphProto { name: "zoo".into(), input: vec![value("image", dims)], ..Default::default() };
        let net = Net { style, graph, rng: ChaCha8Rng::seed_from_u64(1), count: 0 };
        (net, Wire { name: "image".into(), channels })
    }

    pub fn finish(mut self, output: &Wire) -> Vec<u8> {
        self.graph.output = vec![value(&output.name, &[])];
        self.graph.output[0].r#type = None;
        encode(&model(self.graph))
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("t{}", self.count)
    }

    /// A node with one output of as many channels as its first input.
    pub fn node(&mut self, op: &str, inputs: &[&Wire], attributes: Vec<AttributeProto>) -> Wire {
        let output = self.name();
        self.raw(op, inputs.iter().map(|w| w.name.clone()).collect(), vec![output.clone()], attributes);
        Wire { name: output, channels: inputs[0].channels }
    }

    pub fn raw(&mut self, op: &str, input: Vec<String>, output: Vec<String>, attribute: Vec<AttributeProto>) {
        let name = format!("{op}_{}", output[0]);
        self.graph.node.push(NodeProto { op_type: op.into(), name, input, output, attribute, ..Default::default() });
    }

    pub fn constant(&mut self, dims: &[usize], values: &[f32]) -> Wire {
        self.count += 1;
        let name = format!("w{}", self.count);
        let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let dims = dims.iter().map(|d| *d as i64).collect();
        let tensor = TensorProto { name: name.clone(), dims, data_type: 1, raw_data, ..Default::default() };
        self.graph.initializer.push(tensor);
        Wire { name, channels: 0 }
    }

    pub fn integers(&mut self, values: &[i64]) -> Wire {
        let mut graph = mem::take(&mut self.graph);
        let mut scratch = GraphProto::default();
        let _ = Builder::new(&mut scratch, "int").integers(values);
        let mut tensor = scratch.initializer.remove(0);
        tensor.name = self.name();
        let name = tensor.name.clone();
        graph.initializer.push(tensor);
        self.graph = graph;
        Wire { name, channels: 0 }
    }

    /// Values around 0 of about this size.
    pub fn random(&mut self, count: usize, size: f32) -> Vec<f32> {
        // The sum of three uniform values is near enough to a normal one, of variance 1.
        (0..count).map(|_| (0..3).map(|_| self.rng.random_range(-1.0..1.0f32)).sum::<f32>() * size).collect()
    }

    fn near(&mut self, count: usize, middle: f32, spread: f32) -> Vec<f32> {
        (0..count).map(|_| middle + self.rng.random_range(-spread..spread)).collect()
    }

    /// A convolution whose output is about as large as its input.
    pub fn conv(&mut self, from: &Wire, channels: usize, geometry: Geometry, groups: usize, bias: bool) -> Wire {
        let Geometry { kernel, stride, padding } = geometry;
        let pads = ints("pads", &[padding as i64; 4]);
        self.conv_with(from, channels, kernel, groups, bias, vec![pads, ints("strides", &[stride as i64; 2])])
    }

    pub fn conv_with(
        &mut self,
        from: &Wire,
        channels: usize,
        kernel: usize,
        groups: usize,
        bias: bool,
        mut attributes: Vec<AttributeProto>,
    ) -> Wire {
        let inputs = from.channels / groups;
        let fan = inputs * kernel * kernel;
        let values = self.random(channels * fan, (1.6 / fan as f32).sqrt());
        let weights = self.constant(&[channels, inputs, kernel, kernel], &values);
        let biases = self.random(channels, 0.1);
        let biases = bias.then(|| self.constant(&[channels], &biases));
        attributes.extend([ints("kernel_shape", &[kernel as i64; 2]), int("group", groups as i64)]);
        let inputs: Vec<&Wire> = [from, &weights].into_iter().chain(&biases).collect();
        Wire { channels, ..self.node("Conv", &inputs, attributes) }
    }

    pub fn batch_norm(&mut self, from: &Wire) -> Wire {
        let count = from.channels;
        let parts = [(1.0, 0.3), (0.0, 0.2), (0.0, 0.2), (1.0, 0.5)].map(|(middle, spread)| {
            let values = self.near(count, middle, spread);
            self.constant(&[count], &values)
        });
        let [scale, bias, mean, variance] = &parts;
        self.node("BatchNormalization", &[from, scale, bias, mean, variance], vec![])
    }

    /// A convolution and its batch norm.
    pub fn conv_norm(&mut self, from: &Wire, channels: usize, geometry: Geometry, groups: usize) -> Wire {
        let convolved = self.conv(from, channels, geometry, groups, self.style.folded);
        if self.style.folded { convolved } else { self.batch_norm(&convolved) }
    }

    pub fn relu(&mut self, from: &Wire) -> Wire {
        self.node("Relu", &[from], vec![])
    }

    pub fn clip(&mut self, from: &Wire, low: f32, high: f32) -> Wire {
        let (low, high) = (self.constant(&[], &[low]), self.constant(&[], &[high]));
        self.node("Clip", &[from, &low, &high], vec![])
    }

    pub fn relu6(&mut self, from: &Wire) -> Wire {
        self.clip(from, 0.0, 6.0)
    }

    pub fn scalar(&mut self, op: &str, from: &Wire, value: f32) -> Wire {
        let value = self.constant(&[], &[value]);
        self.node(op, &[from, &value], vec![])
    }

    pub fn hard_sigmoid(&mut self, from: &Wire) -> Wire {
        if self.style.whole {
            let alpha = AttributeProto { name: "alpha".into(), r#type: 1, f: 1.0 / 6.0, ..Default::default() };
            return self.node("HardSigmoid", &[from], vec![alpha]);
        }
        let shifted = self.scalar("Add", from, 3.0);
        let clipped = self.relu6(&shifted);
        self.scalar("Div", &clipped, 6.0)
    }

    pub fn hard_swish(&mut self, from: &Wire) -> Wire {
        if self.style.whole {
            let gate = self.hard_sigmoid(from);
            return self.node("Mul", &[from, &gate], vec![]);
        }
        let shifted = self.scalar("Add", from, 3.0);
        let clipped = self.relu6(&shifted);
        let product = self.node("Mul", &[from, &clipped], vec![]);
        self.scalar("Div", &product, 6.0)
    }

    pub fn silu(&mut self, from: &Wire) -> Wire {
        let gate = self.node("Sigmoid", &[from], vec![]);
        self.node("Mul", &[from, &gate], vec![])
    }

    pub fn add(&mut self, left: &Wire, right: &Wire) -> Wire {
        self.node("Add", &[left, right], vec![])
    }

    pub fn mean(&mut self, from: &Wire) -> Wire {
        self.node("GlobalAveragePool", &[from], vec![])
    }

    pub fn reduce(&mut self, op: &str, from: &Wire, axes: &[i64], keep: bool) -> Wire {
        self.node(op, &[from], vec![ints("axes", axes), int("keepdims", i64::from(keep))])
    }

    pub fn concat(&mut self, parts: &[&Wire], axis: i64) -> Wire {
        let channels = parts.iter().map(|p| p.channels).sum();
        Wire { channels, ..self.node("Concat", parts, vec![int("axis", axis)]) }
    }

    pub fn max_pool(&mut self, from: &Wire, geometry: Geometry, ceil: bool) -> Wire {
        let Geometry { kernel, stride, padding } = geometry;
        let (kernel, stride) = (ints("kernel_shape", &[kernel as i64; 2]), ints("strides", &[stride as i64; 2]));
        let pads = ints("pads", &[padding as i64; 4]);
        self.node("MaxPool", &[from], vec![kernel, stride, pads, int("ceil_mode", i64::from(ceil))])
    }

    pub fn reshape(&mut self, from: &Wire, dims: &[i64]) -> Wire {
        let dims = self.integers(dims);
        self.node("Reshape", &[from, &dims], vec![])
    }

    pub fn transpose(&mut self, from: &Wire, order: &[i64]) -> Wire {
        self.node("Transpose", &[from], vec![ints("perm", order)])
    }

    pub fn slice(&mut self, from: &Wire, axis: i64, start: i64, end: i64) -> Wire {
        let parts = [[start], [end], [axis]].map(|v| self.integers(&v));
        let channels = (end - start) as usize;
        Wire { channels, ..self.node("Slice", &[from, &parts[0], &parts[1], &parts[2]], vec![]) }
    }

    pub fn flatten(&mut self, from: &Wire) -> Wire {
        self.node("Flatten", &[from], vec![int("axis", 1)])
    }

    /// A dense layer as PyTorch writes it.
    pub fn dense(&mut self, from: &Wire, outputs: usize) -> Wire {
        let inputs = from.channels;
        let values = self.random(inputs * outputs, (1.0 / inputs as f32).sqrt());
        let weights = self.constant(&[outputs, inputs], &values);
        let bias = self.random(outputs, 0.1);
        let bias = self.constant(&[outputs], &bias);
        Wire { channels: outputs, ..self.node("Gemm", &[from, &weights, &bias], vec![int("transB", 1)]) }
    }

    pub fn softmax(&mut self, from: &Wire) -> Wire {
        self.node("Softmax", &[from], vec![int("axis", 1)])
    }
}
