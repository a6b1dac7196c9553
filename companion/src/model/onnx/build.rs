//! Making nodes, tensors and models. Only operators whose meaning is the same in every opset from 7 on are built
//! here, so that they can be joined to any network.

use half::f16;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto, type_proto,
};

/// Appends nodes and weights to a graph; names begin with `prefix`, so they cannot clash with the network's own.
pub struct Builder<'a> {
    graph: &'a mut GraphProto,
    prefix: String,
    count: usize,
}

impl<'a> Builder<'a> {
    /// Builds into `graph`.
    pub fn new(graph: &'a mut GraphProto, prefix: impl Into<String>) -> Self {
        Builder { graph, prefix: prefix.into(), count: 0 }
    }

    /// Adds a node with one output; returns the output's name.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        self.count += 1;
        let output = format!("{}_{}", self.prefix, self.count);
        self.named(op, inputs, &output, attributes);
        output
    }

    /// Adds a node whose output is called `output`.
    pub fn named(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) {
        self.graph.node.push(NodeProto {
            op_type: op.into(),
            name: format!("{}_{}", op.to_lowercase(), output),
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.into()],
            attribute: attributes,
            ..Default::default()
        });
    }

    /// Adds float weights; returns their name.
    pub fn weights(&mut self, dims: &[usize], values: &[f32]) -> String {
        self.initializer(dims, 1, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// Adds weights stored in half precision and cast to float by the graph; returns the cast's name.
    pub fn half_weights(&mut self, dims: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
        let stored = self.initializer(dims, 10, raw);
        self.node("Cast", &[&stored], vec![int("to", 1)])
    }

    /// Adds weights stored in bytes with a factor for each entry of the first axis, which the graph multiplies by;
    /// returns the product's name. The graph's opset must be at least 13.
    pub fn byte_weights(&mut self, dims: &[usize], values: &[f32]) -> String {
        let row = (values.len() / dims.first().copied().unwrap_or(1).max(1)).max(1);
        let most = |row: &[f32]| row.iter().fold(0f32, |most, v| most.max(v.abs()));
        let scales: Vec<f32> = values.chunks(row).map(|row| most(row).max(f32::MIN_POSITIVE) / 127.0).collect();
        let byte = |(i, v): (usize, &f32)| ((v / scales[i / row]).round() as i8).cast_unsigned();
        let stored = self.initializer(dims, 3, values.iter().enumerate().map(byte).collect());
        let scales = self.weights(&[scales.len()], &scales);
        self.node("DequantizeLinear", &[&stored, &scales], vec![int("axis", 0)])
    }

    /// Adds an integer tensor; returns its name.
    pub fn integers(&mut self, values: &[i64]) -> String {
        self.initializer(&[values.len()], 7, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// Adds a single integer, without axes; returns its name.
    pub fn integer(&mut self, value: i64) -> String {
        self.initializer(&[], 7, value.to_le_bytes().to_vec())
    }

    fn initializer(&mut self, dims: &[usize], data_type: i32, raw_data: Vec<u8>) -> String {
        self.count += 1;
        let name = format!("{}_w{}", self.prefix, self.count);
        let dims = dims.iter().map(|d| *d as i64).collect();
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            dims,
            data_type,
            raw_data,
            ..Default::default()
        });
        name
    }
}

/// An integer attribute.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 2, i: value, ..Default::default() }
}

/// A float attribute.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 1, f: value, ..Default::default() }
}

/// An integer list attribute.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 7, ints: values.to_vec(), ..Default::default() }
}

/// A float tensor's name and shape; a 0 in `dims` is the batch.
pub fn value(name: &str, dims: &[usize]) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension::Value};
    let dim = dims
        .iter()
        .map(|&d| {
            let value = if d == 0 { Value::DimParam("N".into()) } else { Value::DimValue(d as i64) };
            Dimension { value: Some(value), ..Default::default() }
        })
        .collect();
    let tensor = type_proto::Tensor { elem_type: 1, shape: Some(TensorShapeProto { dim }) };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), r#type: Some(r#type), ..Default::default() }
}

/// A `metadata_props` entry.
pub fn property(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: key.into(), value: value.into() }
}

/// A model of opset 13 around a graph.
pub fn model(graph: GraphProto) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        producer_name: "jicho".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        ..Default::default()
    }
}
