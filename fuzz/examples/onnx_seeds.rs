//! Writes small ONNX files with the operators that networks are made of into the folder it is given: what the fuzzer
//! starts from.

#[path = "../../companion/src/model/onnx/build.rs"]
#[allow(dead_code)]
mod build;

use std::path::Path;

use build::{Builder, float, int, ints, model, value};
use prost::Message;
use tract_onnx::pb::{AttributeProto, GraphProto};

const SIZE: usize = 6;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("usage: onnx_seeds FOLDER");
    std::fs::create_dir_all(&folder)?;
    let mean = |net: &mut Builder<'_>, x: &str| net.node("GlobalAveragePool", &[x], vec![]);
    for (name, network) in networks() {
        for transposed in [false, true] {
            let mut graph = GraphProto { name: name.into(), ..Default::default() };
            let shape = if transposed { [0, SIZE, SIZE, 3] } else { [0, 3, SIZE, SIZE] };
            graph.input.push(value("image", &shape));
            let mut net = Builder::new(&mut graph, "t");
            let mut x = "image".to_owned();
            if transposed {
                x = net.node("Transpose", &[&x], vec![ints("perm", &[0, 3, 1, 2])]);
            }
            x = conv(&mut net, &x, 3, 4, 3, 1, &[ints("pads", &[1, 1, 1, 1])]);
            x = network(&mut net, &x);
            x = mean(&mut net, &x);
            x = net.node("Flatten", &[&x], vec![int("axis", 1)]);
            let weights = net.weights(&[4, 3], &numbers(12));
            x = net.node("Gemm", &[&x, &weights], vec![]);
            net.named("Softmax", &[&x], "answer", vec![int("axis", 1)]);
            graph.output.push(value("answer", &[0, 3]));
            let ending = if transposed { "nhwc" } else { "nchw" };
            std::fs::write(Path::new(&folder).join(format!("{name}-{ending}")), model(graph).encode_to_vec())?;
        }
    }
    Ok(())
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * 0.7).sin()).collect()
}

fn conv(
    net: &mut Builder<'_>,
    x: &str,
    from: usize,
    to: usize,
    kernel: usize,
    group: usize,
    more: &[AttributeProto],
) -> String {
    let weights = net.weights(&[to, from / group, kernel, kernel], &numbers(to * from / group * kernel * kernel));
    let attributes = [&[ints("kernel_shape", &[kernel as i64; 2]), int("group", group as i64)], more].concat();
    net.node("Conv", &[x, &weights], attributes)
}

/// From four channels to four channels.
type Network = fn(&mut Builder<'_>, &str) -> String;

fn networks() -> Vec<(&'static str, Network)> {
    vec![
        ("plain", |net, x| net.node("Relu", &[x], vec![])),
        ("depthwise", |net, x| {
            let x = conv(net, x, 4, 4, 3, 4, &[ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1])]);
            let (low, high) = (net.weights(&[], &[0.0]), net.weights(&[], &[6.0]));
            net.node("Clip", &[&x, &low, &high], vec![])
        }),
        ("norm", |net, x| {
            let parts = [1.0, 0.2, 0.1, 0.9].map(|v| net.weights(&[4], &[v; 4]));
            let x = net.node(
                "BatchNormalization",
                &[x, &parts[0], &parts[1], &parts[2], &parts[3]],
                vec![float("epsilon", 1e-3)],
            );
            net.node("HardSigmoid", &[&x], vec![float("alpha", 0.2)])
        }),
        ("residual", |net, x| {
            let y = conv(net, x, 4, 4, 1, 1, &[]);
            let y = net.node("Sigmoid", &[&y], vec![]);
            let y = net.node("Mul", &[x, &y], vec![]);
            net.node("Add", &[x, &y], vec![])
        }),
        ("pools", |net, x| {
            let window = || vec![ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2]), int("ceil_mode", 1)];
            let a = net.node("MaxPool", &[x], window());
            let b = net.node("AveragePool", &[x], window());
            net.node("Add", &[&a, &b], vec![])
        }),
        ("shuffle", |net, x| {
            let shape = net.integers(&[0, 2, 2, SIZE as i64, SIZE as i64]);
            let x = net.node("Reshape", &[x, &shape], vec![]);
            let x = net.node("Transpose", &[&x], vec![ints("perm", &[0, 2, 1, 3, 4])]);
            let shape = net.integers(&[0, -1, SIZE as i64, SIZE as i64]);
            net.node("Reshape", &[&x, &shape], vec![])
        }),
        ("slices", |net, x| {
            let [zero, two, four, axis] = [0, 2, 4, 1].map(|v| net.integers(&[v]));
            let a = net.node("Slice", &[x, &zero, &two, &axis], vec![]);
            let b = net.node("Slice", &[x, &two, &four, &axis], vec![]);
            net.node("Concat", &[&b, &a], vec![int("axis", 1)])
        }),
        ("pad", |net, x| {
            let pads = net.integers(&[0, 0, 1, 1, 0, 0, 1, 1]);
            let x = net.node("Pad", &[x, &pads], vec![]);
            conv(net, &x, 4, 4, 3, 1, &[])
        }),
        ("squeeze", |net, x| {
            let mean = net.node("ReduceMean", &[x], vec![ints("axes", &[2, 3]), int("keepdims", 1)]);
            let gate = conv(net, &mean, 4, 4, 1, 1, &[]);
            let gate = net.node("Tanh", &[&gate], vec![]);
            net.node("Mul", &[x, &gate], vec![])
        }),
        ("shapes", |net, x| {
            let shape = net.node("Shape", &[x], vec![]);
            let ones = net.node("ConstantOfShape", &[&shape], vec![]);
            let x = net.node("Add", &[x, &ones], vec![]);
            let repeats = net.integers(&[1, 1, 2, 1]);
            let x = net.node("Tile", &[&x, &repeats], vec![]);
            let shape = net.integers(&[1, 4, 12, 6]);
            net.node("Expand", &[&x, &shape], vec![])
        }),
        ("resize", |net, x| {
            let scales = net.weights(&[4], &[1.0, 1.0, 2.0, 2.0]);
            net.node("Resize", &[x, "", &scales], vec![])
        }),
        ("half", |net, x| {
            let weights = net.half_weights(&[4, 1, 1], &numbers(4));
            let x = net.node("Sub", &[x, &weights], vec![]);
            net.node("Erf", &[&x], vec![])
        }),
    ]
}
