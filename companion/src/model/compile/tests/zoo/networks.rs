//! Architectures as they are commonly exported, narrower and for smaller images.

use super::net::{Geometry, Net, STYLES, Style, Wire, same};
use crate::model::onnx::build::{int, ints};
use tract_onnx::pb::AttributeProto;

const POINT: Geometry = Geometry { kernel: 1, stride: 1, padding: 0 };

fn string(name: &str, text: &str) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 3, s: text.as_bytes().to_vec(), ..Default::default() }
}

/// MobileNet V1, by depthwise and pointwise convolutions.
pub fn mobilenet_v1(style: Style, size: usize) -> Vec<u8> {
    let (mut net, image) = Net::new(style, size);
    let mut x = net.conv_norm(&image, 8, same(3, 2), 1);
    x = net.relu6(&x);
    for (channels, stride) in [(16, 1), (32, 2), (32, 1), (64, 2), (128, 2), (128, 1)] {
        x = net.conv_norm(&x, x.channels, same(3, stride), x.channels);
        x = net.relu6(&x);
        x = net.conv_norm(&x, channels, POINT, 1);
        x = net.relu6(&x);
    }
    let x = net.mean(&x);
    let x = net.flatten(&x);
    let x = net.dense(&x, 21);
    let x = net.softmax(&x);
    net.finish(&x)
}

/// MobileNet V2, by inverted residuals.
pub fn mobilenet_v2(style: Style, size: usize) -> Vec<u8> {
    let (mut net, image) = Net::new(style, size);
    let mut x = net.conv_norm(&image, 16, same(3, 2), 1);
    x = net.relu6(&x);
    for (wider, channels, stride) in [(1, 8, 1), (6, 12, 2), (6, 12, 1), (6, 16, 2), (6, 16, 1), (6, 24, 1)] {
        let from = x.clone();
        if wider > 1 {
            x = net.conv_norm(&x, wider * from.channels, POINT, 1);
            x = net.relu6(&x);
        }
        x = net.conv_norm(&x, x.channels, same(3, stride), x.channels);
        x = net.relu6(&x);
        x = net.conv_norm(&x, channels, POINT, 1);
        if stride == 1 && channels == from.channels {
            x = net.add(&from, &x);
        }
    }
    let x = net.conv_norm(&x, 80, POINT, 1);
    let x = net.relu6(&x);
    let x = net.reduce("ReduceMean", &x, &[2, 3], false);
    let x = net.dense(&x, 21);
    net.finish(&x)
}

/// What squeeze-and-excite ends in, and how it averages.
fn squeeze_excite(net: &mut Net, x: &Wire, reduce: bool, gate: fn(&mut Net, &Wire) -> Wire) -> Wire {
    let squeezed = if reduce { net.reduce("ReduceMean", x, &[2, 3], true) } else { net.mean(x) };
    let squeezed = net.conv(&squeezed, 8, POINT, 1, true);
    let squeezed = net.relu(&squeezed);
    let excited = net.conv(&squeezed, x.channels, POINT, 1, true);
    let gate = gate(net, &excited);
    net.node("Mul", &[&gate, x], vec![])
}

/// MobileNet V3 small, with squeeze-and-excite by a mean of either form.
pub fn mobilenet_v3(style: Style, size: usize, reduce: bool) -> Vec<u8> {
    let (mut net, image) = Net::new(style, size);
    let mut x = net.conv_norm(&image, 16, same(3, 2), 1);
    x = net.hard_swish(&x);
    for (kernel, wide, channels, excite, swish, stride) in [
        (3, 16, 16, true, false, 2),
        (3, 40, 24, false, false, 2),
        (3, 48, 24, false, false, 1),
        (5, 60, 36, true, true, 2),
        (5, 72, 36, true, true, 1),
    ] {
        let from = x.clone();
        let activate = |net: &mut Net, x: &Wire| if swish { net.hard_swish(x) } else { net.relu(x) };
        if wide != from.channels {
            x = net.conv_norm(&x, wide, POINT, 1);
            x = activate(&mut net, &x);
        }
        x = net.conv_norm(&x, wide, same(kernel, stride), wide);
        x = activate(&mut net, &x);
        if excite {
            x = squeeze_excite(&mut net, &x, reduce, Net::hard_sigmoid);
        }
        x = net.conv_norm(&x, channels, POINT, 1);
        if stride == 1 && channels == from.channels {
            x = net.add(&x, &from);
        }
    }
    x = net.conv_norm(&x, 96, POINT, 1);
    x = net.hard_swish(&x);
    x = net.mean(&x);
    x = net.flatten(&x);
    x = net.dense(&x, 64);
    x = net.hard_swish(&x);
    let x = net.dense(&x, 21);
    net.finish(&x)
}

/// SqueezeNet 1.1.
pub fn squeezenet(style: Style, size: usize) -> Vec<u8> {
    let (mut net, image) = Net::new(style, size);
    let mut x = net.conv(&image, 16, Geometry { kernel: 3, stride: 2, padding: 0 }, 1, true);
    x = net.relu(&x);
    let halve = Geometry { kernel: 3, stride: 2, padding: 0 };
    for (pool, squeezed, expanded) in [(true, 4, 16), (false, 4, 16), (true, 8, 32), (false, 8, 32), (true, 12, 44)] {
        if pool {
            x = net.max_pool(&x, halve, true);
        }
        x = net.conv(&x, squeezed, POINT, 1, true);
        x = net.relu(&x);
        let (left, right) = (net.conv(&x, expanded, POINT, 1, true), net.conv(&x, expanded, same(3, 1), 1, true));
        let (left, right) = (net.relu(&left), net.relu(&right));
        x = net.concat(&[&left, &right], 1);
    }
    let x = net.conv(&x, 21, POINT, 1, true);
    let x = net.relu(&x);
    let x = net.mean(&x);
    let x = net.flatten(&x);
    let x = net.softmax(&x);
    net.finish(&x)
}

/// How ShuffleNet's halves are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halves {
    Split,
    Slice,
}

/// ShuffleNet V2 with its first stages' real channels, which are no multiples of 8.
pub fn shufflenet(style: Style, size: usize, halves: Halves) -> Vec<u8> {
    let (mut net, image) = Net::new(style, size);
    let mut x = net.conv_norm(&image, 24, same(3, 2), 1);
    x = net.relu(&x);
    x = net.max_pool(&x, same(3, 2), false);
    let mut side = size.div_ceil(4);
    for (half, units) in [(58, 2), (116, 1)] {
        side = side.div_ceil(2);
        for unit in 0..=units {
            let down = unit == 0;
            let (kept, mut worked) = if down {
                let kept = net.conv_norm(&x, x.channels, same(3, 2), x.channels);
                let kept = net.conv_norm(&kept, half, POINT, 1);
                (net.relu(&kept), x.clone())
            } else if halves == Halves::Split {
                let names = ["a", "b"].map(|part| format!("{}_{part}", x.name));
                net.raw("Split", vec![x.name.clone()], names.to_vec(), vec![int("axis", 1)]);
                let [kept, worked] = names.map(|name| Wire { name, channels: half });
                (kept, worked)
            } else {
                (net.slice(&x, 1, 0, half as i64), net.slice(&x, 1, half as i64, 2 * half as i64))
            };
            worked = net.conv_norm(&worked, half, POINT, 1);
            worked = net.relu(&worked);
            worked = net.conv_norm(&worked, half, same(3, if down { 2 } else { 1 }), half);
            worked = net.conv_norm(&worked, half, POINT, 1);
            worked = net.relu(&worked);
            x = net.concat(&[&kept, &worked], 1);
            let (half, side) = (half as i64, side as i64);
            let split = net.reshape(&x, &[1, 2, half, side, side]);
            let turned = net.transpose(&split, &[0, 2, 1, 3, 4]);
            x = net.reshape(&turned, &[1, -1, side, side]);
        }
    }
    let x = net.conv_norm(&x, 128, POINT, 1);
    let x = net.relu(&x);
    let x = net.reduce("ReduceMean", &x, &[2, 3], false);
    let x = net.dense(&x, 21);
    net.finish(&x)
}

/// EfficientNet lite, by TensorFlow's asymmetric padding; `transposed` as tf2onnx writes it: channels last at the
/// input, transposed at once, padding apart.
pub fn efficientnet_lite(style: Style, size: usize, transposed: bool) -> Vec<u8> {
    let (mut net, mut x) = if transposed {
        let (mut net, image) = Net::with_input(style, &[1, size, size, 3], 3);
        let image = net.transpose(&image, &[0, 3, 1, 2]);
        (net, image)
    } else {
        Net::new(style, size)
    };
    let downward = |net: &mut Net, x: &Wire, channels: usize, kernel: usize, stride: usize, groups: usize| {
        let strides = ints("strides", &[stride as i64; 2]);
        let padded = if transposed && stride == 2 {
            let pad = kernel as i64 - 2;
            let pads = net.integers(&[0, 0, pad / 2, pad / 2, 0, 0, pad - pad / 2, pad - pad / 2]);
            let padded = net.node("Pad", &[x, &pads], vec![]);
            net.conv_with(&padded, channels, kernel, groups, style.folded, vec![strides])
        } else {
            net.conv_with(x, channels, kernel, groups, style.folded, vec![strides, string("auto_pad", "SAME_UPPER")])
        };
        let normed = if style.folded { padded } else { net.batch_norm(&padded) };
        net.relu6(&normed)
    };
    x = downward(&mut net, &x, 16, 3, 2, 1);
    for (kernel, wider, channels, stride) in [(3, 1, 8, 1), (3, 6, 12, 2), (5, 6, 20, 2), (5, 6, 20, 1), (3, 6, 32, 2)]
    {
        let from = x.clone();
        if wider > 1 {
            x = net.conv_norm(&x, wider * from.channels, POINT, 1);
            x = net.relu6(&x);
        }
        x = downward(&mut net, &x, x.channels, kernel, stride, x.channels);
        x = net.conv_norm(&x, channels, POINT, 1);
        if stride == 1 && channels == from.channels {
            x = net.add(&x, &from);
        }
    }
    x = net.conv_norm(&x, 64, POINT, 1);
    x = net.relu6(&x);
    if transposed {
        x = net.transpose(&x, &[0, 2, 3, 1]);
        x = net.reduce("ReduceMean", &x, &[1, 2], false);
        let values = net.random(64 * 21, 0.1);
        let weights = net.constant(&[64, 21], &values);
        x = Wire { channels: 21, ..net.node("MatMul", &[&x, &weights], vec![]) };
        let bias = net.random(21, 0.1);
        let bias = net.constant(&[21], &bias);
        x = net.node("Add", &[&x, &bias], vec![]);
    } else {
        x = net.mean(&x);
        x = net.node("Squeeze", &[&x], vec![]);
        x = net.reshape(&x, &[1, 64]);
        x = net.dense(&x, 21);
    }
    let x = net.softmax(&x);
    net.finish(&x)
}

/// EfficientNet with SiLU, and squeeze-and-excite by a sigmoid.
pub fn efficientnet(style: Style, size: usize) -> Vec<u8> {
    let (mut net, image) = Net::new(style, size);
    let mut x = net.conv_norm(&image, 16, same(3, 2), 1);
    x = net.silu(&x);
    for (kernel, wider, channels, stride) in [(3, 1, 8, 1), (3, 6, 12, 2), (5, 6, 20, 2), (5, 6, 20, 1)] {
        let from = x.clone();
        if wider > 1 {
            x = net.conv_norm(&x, wider * from.channels, POINT, 1);
            x = net.silu(&x);
        }
        x = net.conv_norm(&x, x.channels, same(kernel, stride), x.channels);
        x = net.silu(&x);
        x = squeeze_excite(&mut net, &x, stride == 1, |net, x| net.node("Sigmoid", &[x], vec![]));
        x = net.conv_norm(&x, channels, POINT, 1);
        if stride == 1 && channels == from.channels {
            x = net.add(&x, &from);
        }
    }
    let x = net.mean(&x);
    let x = net.flatten(&x);
    net.finish(&x)
}

/// ResNet 18; `early` with batch norm and activation before each convolution (V2).
pub fn resnet(style: Style, size: usize, early: bool) -> Vec<u8> {
    let (mut net, image) = Net::new(style, size);
    let mut x = net.conv_norm(&image, 16, Geometry { kernel: 7, stride: 2, padding: 3 }, 1);
    x = net.relu(&x);
    x = net.max_pool(&x, same(3, 2), false);
    for (channels, stride) in [(16, 1), (16, 1), (32, 2), (32, 1), (40, 2), (40, 1)] {
        let from = x.clone();
        let down = Geometry { kernel: 1, stride, padding: 0 };
        if early {
            let normed = net.batch_norm(&x);
            let activated = net.relu(&normed);
            let shortcut = if stride == 2 { net.conv(&activated, channels, down, 1, false) } else { from };
            x = net.conv_norm(&activated, channels, same(3, stride), 1);
            x = net.relu(&x);
            x = net.conv(&x, channels, same(3, 1), 1, false);
            x = net.add(&x, &shortcut);
        } else {
            x = net.conv_norm(&x, channels, same(3, stride), 1);
            x = net.relu(&x);
            x = net.conv_norm(&x, channels, same(3, 1), 1);
            let shortcut = if stride == 2 { net.conv_norm(&from, channels, down, 1) } else { from };
            x = net.add(&x, &shortcut);
            x = net.relu(&x);
        }
    }
    if early {
        x = net.batch_norm(&x);
        x = net.relu(&x);
    }
    let x = net.mean(&x);
    let x = net.flatten(&x);
    let x = net.dense(&x, 21);
    net.finish(&x)
}

/// RepVGG (`deep` false) or MobileOne, with the branches that they are trained with, or with one convolution each.
pub fn branches(style: Style, size: usize, deep: bool, trained: bool) -> Vec<u8> {
    let (mut net, image) = Net::new(style, size);
    let mut x = image;
    let block = |net: &mut Net, x: &Wire, channels: usize, kernel: usize, stride: usize, groups: usize| {
        let mut sum = net.conv_norm(x, channels, same(kernel, stride), groups);
        if trained {
            if kernel > 1 {
                let point = net.conv_norm(x, channels, Geometry { kernel: 1, stride, padding: 0 }, groups);
                sum = net.add(&sum, &point);
            }
            if stride == 1 && channels == x.channels {
                let kept = net.batch_norm(x);
                sum = net.add(&kept, &sum);
            }
        }
        net.relu(&sum)
    };
    for (channels, stride) in [(16, 2), (16, 1), (24, 2), (24, 1), (24, 1)] {
        if deep && x.channels > 3 {
            x = block(&mut net, &x, x.channels, 3, stride, x.channels);
            x = block(&mut net, &x, channels, 1, 1, 1);
        } else {
            x = block(&mut net, &x, channels, 3, stride, 1);
        }
    }
    let x = net.mean(&x);
    let x = net.flatten(&x);
    let x = net.dense(&x, 21);
    net.finish(&x)
}

/// DenseNet: every layer reads all layers before it, by batch norm and activation first.
pub fn densenet(style: Style, size: usize) -> Vec<u8> {
    let (mut net, image) = Net::new(style, size);
    let mut x = net.conv_norm(&image, 12, same(3, 2), 1);
    x = net.relu(&x);
    for _ in 0..2 {
        for _ in 0..3 {
            let mut new = net.batch_norm(&x);
            new = net.relu(&new);
            new = net.conv_norm(&new, 20, POINT, 1);
            new = net.relu(&new);
            new = net.conv(&new, 6, same(3, 1), 1, false);
            x = net.concat(&[&x, &new], 1);
        }
        x = net.batch_norm(&x);
        x = net.relu(&x);
        x = net.conv(&x, x.channels / 2, POINT, 1, false);
        x = net.node("AveragePool", &[&x], vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]);
    }
    let x = net.mean(&x);
    let x = net.flatten(&x);
    net.finish(&x)
}

pub const ALL_STYLES: [Style; 4] = STYLES;
