//! Writes a network as an ONNX file.

use jicho::manifest::Preprocessing;
use tract_onnx::pb::GraphProto;

use crate::learning::network::unit::{Kind, Unit};
use crate::learning::network::{Network, norm::Activation};
use crate::model::onnx::build::{Builder, int, ints, model, value};
use crate::model::onnx::{encode, pixels};

/// How a file stores the weights of convolutions. Shifts are always in single precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Half precision.
    F16,
    /// Bytes, with a factor for each channel.
    I8,
}

impl Storage {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Storage::F16 => "f16",
            Storage::I8 => "int8",
        }
    }
}

/// The network as an ONNX file. Input: N×3×`size`×`size` pixels; output: one row of features per image.
pub fn write(network: &Network, size: usize, preprocessing: &Preprocessing, storage: Storage) -> Vec<u8> {
    let mut graph =
        GraphProto { name: "mobilenet".into(), input: vec![value("image", &[0, 3, size, size])], ..Default::default() };
    let mut build = Builder::new(&mut graph, "net");
    let mut at = "image".to_owned();
    for block in &network.folded().blocks {
        let start = at.clone();
        for unit in &block.units {
            at = write_unit(&mut build, unit, &at, storage);
        }
        if block.residual {
            at = build.node("Add", &[&at, &start], vec![]);
        }
    }
    let pooled = build.node("GlobalAveragePool", &[&at], vec![]);
    build.named("Flatten", &[&pooled], "features", vec![int("axis", 1)]);
    graph.output = vec![value("features", &[0, network.outputs()])];
    let mut model = model(graph);
    pixels::write(&mut model, preprocessing);
    encode(&model)
}

fn write_unit(build: &mut Builder, unit: &Unit, input: &str, storage: Storage) -> String {
    let (dims, side, group) = match unit.kind {
        Kind::Full => ([unit.output, unit.input, 3, 3], 3, 1),
        Kind::Depthwise => ([unit.output, 1, 3, 3], 3, unit.output),
        Kind::Pointwise => ([unit.output, unit.input, 1, 1], 1, 1),
    };
    let weights = output_first(unit);
    let weights = match storage {
        Storage::F16 => build.half_weights(&dims, &weights),
        Storage::I8 => build.byte_weights(&dims, &weights),
    };
    let shift = build.weights(&[unit.output], &unit.shift);
    let before = unit.pad as i64;
    let after = i64::from(unit.kind != Kind::Pointwise);
    let attributes = vec![
        ints("kernel_shape", &[side; 2]),
        ints("strides", &[unit.stride as i64; 2]),
        ints("pads", &[before, before, after, after]),
        int("group", group as i64),
    ];
    let sum = build.node("Conv", &[input, &weights, &shift], attributes);
    match unit.activation {
        Activation::None => sum,
        Activation::Relu => build.node("Relu", &[&sum], vec![]),
        Activation::Relu6 => {
            let (low, high) = (build.weights(&[], &[0.0]), build.weights(&[], &[6.0]));
            build.node("Clip", &[&sum, &low, &high], vec![])
        }
    }
}

/// The weights in the order of ONNX: output, input, row, column. [`Unit`] has them as row, column, input, output.
fn output_first(unit: &Unit) -> Vec<f32> {
    let outputs = unit.output;
    let (taps, inputs) = match unit.kind {
        Kind::Full => (9, unit.input),
        Kind::Depthwise => (9, 1),
        Kind::Pointwise => (1, unit.input),
    };
    let at = |output: usize, input: usize, tap: usize| unit.weights[(tap * inputs + input) * outputs + output];
    (0..outputs)
        .flat_map(|output| (0..inputs).flat_map(move |input| (0..taps).map(move |tap| at(output, input, tap))))
        .collect()
}
