//! Mutations that leave a file ONNX, so that more of them get past the parser.

use prost::Message;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, TensorProto, tensor_shape_proto::dimension, type_proto};

const OPERATORS: [&str; 46] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvTranspose",
    "Div",
    "Einsum",
    "Expand",
    "Flatten",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "Identity",
    "If",
    "LSTM",
    "Loop",
    "MatMul",
    "MaxPool",
    "Mul",
    "OneHot",
    "Pad",
    "QuantizeLinear",
    "Range",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Resize",
    "Scan",
    "Shape",
    "Slice",
    "Softmax",
    "Split",
    "Squeeze",
    "Sub",
    "Tile",
    "TopK",
    "Transpose",
    "Unsqueeze",
    "Where",
];
const NUMBERS: [i64; 20] =
    [0, 1, 2, 3, 4, 7, 8, 13, 64, 255, 1 << 12, 1 << 16, 1 << 20, 1 << 31, 1 << 40, i64::MAX, i64::MIN, -1, -2, -100];

struct Random(u64);

impl Random {
    /// Below `count`.
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count.max(1)
    }

    fn of<'a, T>(&mut self, items: &'a mut [T]) -> Option<&'a mut T> {
        let at = self.below(items.len());
        items.get_mut(at)
    }

    fn change(&mut self, number: i64) -> i64 {
        match self.below(5) {
            0 => number.wrapping_add(1),
            1 => number.wrapping_sub(1),
            2 => number.wrapping_mul(2),
            _ => NUMBERS[self.below(NUMBERS.len())],
        }
    }
}

/// Another network; `None` where the input holds none, and sometimes, for the fuzzer's own mutations.
pub fn mutate(input: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut random = Random(u64::from(seed));
    if random.below(5) == 0 {
        return None;
    }
    let mut model = ModelProto::decode(input).ok()?;
    for _ in 0..=random.below(3) {
        change(&mut model, &mut random)?;
    }
    Some(model.encode_to_vec())
}

fn change(model: &mut ModelProto, random: &mut Random) -> Option<()> {
    let kind = random.below(14);
    let graph = model.graph.as_mut()?;
    match kind {
        0 => random.of(&mut graph.node)?.op_type = OPERATORS[random.below(OPERATORS.len())].into(),
        1 => {
            let name = tensor(graph, random)?;
            let node = random.of(&mut graph.node)?;
            let at = random.below(node.input.len() + 1);
            if at < node.input.len() { node.input[at] = name } else { node.input.push(name) }
        }
        2 => drop(random.of(&mut graph.node)?.input.pop()),
        3 => drop(random.of(&mut graph.node)?.output.pop()),
        4 if graph.node.len() > 1 => drop(graph.node.remove(random.below(graph.node.len()))),
        5 => {
            let mut node = random.of(&mut graph.node)?.clone();
            let at = random.below(graph.node.len());
            // Between a node and who reads it.
            let before = graph.node[at].output.first()?.clone();
            node.output = vec![format!("{before}'")];
            *node.input.first_mut()? = before.clone();
            for reader in &mut graph.node[at + 1..] {
                reader.input.iter_mut().filter(|i| **i == before).for_each(|i| *i = format!("{before}'"));
            }
            graph.node.insert(at + 1, node);
        }
        6 | 7 => {
            let node = random.of(&mut graph.node)?;
            attribute(random.of(&mut node.attribute)?, random)?;
        }
        8 => {
            let donor = random.of(&mut graph.node)?.attribute.first()?.clone();
            random.of(&mut graph.node)?.attribute.push(donor);
        }
        9 => drop(random.of(&mut graph.node)?.attribute.pop()),
        10 | 11 => weights(random.of(&mut graph.initializer)?, random),
        12 => {
            let input = random.of(&mut graph.input)?;
            let Some(type_proto::Value::TensorType(tensor)) = input.r#type.as_mut()?.value.as_mut() else {
                return None;
            };
            let dim = random.of(&mut tensor.shape.as_mut()?.dim)?;
            dim.value = match random.below(3) {
                0 => None,
                1 => Some(dimension::Value::DimParam("N".into())),
                _ => Some(dimension::Value::DimValue(random.change(3))),
            };
        }
        _ => graph.output.first_mut()?.name = tensor(graph, random)?,
    }
    Some(())
}

/// The name of any tensor.
fn tensor(graph: &GraphProto, random: &mut Random) -> Option<String> {
    let names = graph.node.iter().flat_map(|n| &n.output).chain(graph.initializer.iter().map(|t| &t.name));
    let names: Vec<&String> = names.chain(graph.input.iter().map(|i| &i.name)).collect();
    names.get(random.below(names.len())).map(|name| (*name).clone())
}

fn attribute(attribute: &mut AttributeProto, random: &mut Random) -> Option<()> {
    match random.below(8) {
        0 => attribute.r#type = random.below(12) as i32,
        1 => attribute.name = ["axis", "perm", "group", "pads", "to", "axes", "mode"][random.below(7)].into(),
        2 if !attribute.ints.is_empty() => drop(attribute.ints.pop()),
        3 if !attribute.ints.is_empty() => attribute.ints.push(NUMBERS[random.below(NUMBERS.len())]),
        4 => attribute.f = [0.0, -1.0, 1e30, f32::NAN, f32::INFINITY][random.below(5)],
        _ if attribute.t.is_some() => weights(attribute.t.as_mut()?, random),
        _ if !attribute.ints.is_empty() => {
            let number = random.of(&mut attribute.ints)?;
            *number = random.change(*number);
        }
        _ => attribute.i = random.change(attribute.i),
    }
    Some(())
}

fn weights(tensor: &mut TensorProto, random: &mut Random) {
    match random.below(6) {
        0 => tensor.data_type = random.below(18) as i32,
        1 => drop(tensor.dims.pop()),
        2 => tensor.dims.push(NUMBERS[random.below(NUMBERS.len())]),
        3 => {
            if let Some(dim) = random.of(&mut tensor.dims) {
                *dim = random.change(*dim);
            }
        }
        // Whole integers, which may be a shape.
        4 if tensor.data_type == 7 => {
            let at = 8 * random.below(tensor.raw_data.len() / 8);
            if let Some(number) = tensor.raw_data.get_mut(at..at + 8) {
                let before = i64::from_le_bytes(number.try_into().unwrap_or_default());
                number.copy_from_slice(&random.change(before).to_le_bytes());
            }
        }
        _ => {
            let value = random.below(256) as u8;
            if let Some(byte) = random.of(&mut tensor.raw_data) {
                *byte = value;
            }
        }
    }
}
