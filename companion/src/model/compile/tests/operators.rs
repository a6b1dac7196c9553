//! Operators one by one, in the ways that exporters write them.

use jicho::manifest::Layout;
use tract_onnx::pb::AttributeProto;

use super::zoo::net::{Geometry, Net, STYLES, Wire, same};
use super::{Compiled, agrees, refused};
use crate::model::compile::{CompileError, Storage, compile};
use crate::model::onnx::build::{int, ints};

const POINT: Geometry = Geometry { kernel: 1, stride: 1, padding: 0 };
const SIZE: usize = 13;

/// A network of a few channels, what is tested, and its values as a vector.
fn network(channels: usize, tested: impl Fn(&mut Net, &Wire) -> Wire) -> Vec<u8> {
    let (mut net, image) = Net::new(STYLES[0], SIZE);
    let x = net.conv(&image, channels, same(3, 1), 1, true);
    let x = tested(&mut net, &x);
    let x = net.flatten(&x);
    net.finish(&x)
}

#[track_caller]
fn works(name: &str, channels: usize, tested: impl Fn(&mut Net, &Wire) -> Wire) -> Compiled {
    agrees(name, &network(channels, tested), Layout::Nchw, SIZE)
}

#[track_caller]
fn fails(tested: impl Fn(&mut Net, &Wire) -> Wire) -> String {
    let (op, why) = refused(&network(6, tested), Layout::Nchw, SIZE);
    format!("{op}: {why}")
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 1, f: value, ..Default::default() }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 3, s: value.as_bytes().to_vec(), ..Default::default() }
}

#[test]
fn convolutions_of_any_geometry() {
    for (kernel, stride, padding) in [(1, 1, 0), (1, 2, 0), (1, 3, 1), (2, 2, 0), (3, 2, 0), (5, 3, 2), (13, 1, 0)] {
        let geometry = Geometry { kernel, stride, padding };
        works(&format!("{geometry:?}"), 10, |net, x| net.conv(x, 9, geometry, 1, true));
        works(&format!("{geometry:?}, depthwise"), 10, |net, x| net.conv(x, 10, geometry, 10, true));
    }
    let uneven = [ints("pads", &[0, 1, 3, 2]), ints("strides", &[2, 1]), ints("dilations", &[2, 3])];
    works("uneven", 9, |net, x| net.conv_with(x, 7, 3, 1, true, uneven.to_vec()));
    works("uneven, depthwise", 9, |net, x| net.conv_with(x, 9, 3, 9, false, uneven.to_vec()));
    for pad in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        let attributes = vec![text("auto_pad", pad), ints("strides", &[2, 2])];
        works(pad, 9, |net, x| net.conv_with(x, 7, 4, 1, true, attributes.clone()));
    }
}

#[test]
fn the_image_is_added_to_what_was_made_of_it() {
    for activated in [false, true] {
        let (mut net, image) = Net::new(STYLES[0], SIZE);
        let x = net.conv(&image, 3, same(3, 1), 1, true);
        let x = net.add(&x, &image);
        let x = if activated { net.relu(&x) } else { x };
        let x = net.flatten(&x);
        agrees("image + conv(image)", &net.finish(&x), Layout::Nchw, SIZE);
    }
}

#[test]
fn convolutions_of_several_groups() {
    for (channels, outputs, groups) in [(8, 12, 2), (12, 12, 4), (64, 96, 4), (6, 18, 6), (48, 24, 3), (40, 40, 20)] {
        let name = format!("{channels} to {outputs} channels in {groups} groups");
        let compiled = works(&name, channels, |net, x| {
            let x = net.conv(x, outputs, same(3, 2), groups, false);
            let x = net.batch_norm(&x);
            net.relu(&x)
        });
        assert_eq!((compiled.count("affine"), compiled.count("activate")), (0, 0), "{name}");
    }
    assert!(
        fails(|net, x| {
            let x = net.conv(x, 260, POINT, 1, false);
            net.conv(&x, 260, POINT, 130, false)
        })
        .contains("130 groups")
    );
}

#[test]
fn pools_of_any_geometry() {
    for (kernel, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 2, 0), (3, 1, 1), (5, 3, 2), (13, 1, 0)] {
        for ceil in [false, true] {
            let geometry = Geometry { kernel, stride, padding };
            works(&format!("{geometry:?} {ceil}"), 9, |net, x| net.max_pool(x, geometry, ceil));
            for counted in [0, 1] {
                let attributes = || {
                    vec![
                        ints("kernel_shape", &[kernel as i64; 2]),
                        ints("strides", &[stride as i64; 2]),
                        ints("pads", &[padding as i64; 4]),
                        int("ceil_mode", i64::from(ceil)),
                        int("count_include_pad", counted),
                    ]
                };
                let pool = |net: &mut Net, x: &Wire| net.node("AveragePool", &[x], attributes());
                works(&format!("mean {geometry:?} {ceil} {counted}"), 9, pool);
            }
        }
    }
    let compiled = works("largest of all", 9, |net, x| net.node("GlobalMaxPool", &[x], vec![]));
    assert_eq!((compiled.count("pool"), compiled.plan.program.steps.len()), (1, 2));
    works("largest of all, reduced", 9, |net, x| net.reduce("ReduceMax", x, &[2, 3], false));
    works("least of all, reduced", 9, |net, x| net.reduce("ReduceMin", x, &[2, 3], false));
    works("rows", 9, |net, x| net.reduce("ReduceMean", x, &[2], true));
    works("columns", 9, |net, x| net.reduce("ReduceMean", x, &[3], false));
    works("squares", 9, |net, x| net.reduce("ReduceSumSquare", x, &[2, 3], true));
    works("all channels", 9, |net, x| net.reduce("ReduceMean", x, &[1], true));
}

fn pad(net: &mut Net, x: &Wire, value: f32) -> Wire {
    let pads = net.integers(&[0, 0, 1, 0, 0, 0, 1, 2]);
    let value = net.constant(&[], &[value]);
    net.node("Pad", &[x, &pads, &value], vec![])
}

#[test]
fn margins_become_padding() {
    let valid = Geometry { kernel: 3, stride: 2, padding: 0 };
    let steps = |compiled: Compiled| compiled.plan.program.steps.len();
    assert_eq!(
        3,
        steps(works("into a convolution", 8, |net, x| {
            let x = pad(net, x, 0.0);
            net.conv(&x, 6, valid, 1, true)
        }))
    );
    assert_eq!(
        3,
        steps(works("into a pool of what is positive", 8, |net, x| {
            let x = net.relu(x);
            let x = pad(net, &x, 0.0);
            net.max_pool(&x, valid, false)
        }))
    );
    assert_eq!(
        3,
        steps(works("into a pool of anything", 8, |net, x| {
            let x = pad(net, x, f32::NEG_INFINITY);
            net.max_pool(&x, valid, false)
        }))
    );
    assert_eq!(
        4,
        steps(works("into no pool of what may be negative", 8, |net, x| {
            let x = pad(net, x, 0.0);
            net.max_pool(&x, valid, false)
        }))
    );
    works("into a mean", 8, |net, x| {
        let x = pad(net, x, 0.0);
        net.node("AveragePool", &[&x], vec![ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2])])
    });
    works("alone", 8, |net, x| pad(net, x, 0.0));
    assert!(fails(|net, x| pad(net, x, 1.5)).contains("another value than zero"));
    assert!(
        fails(|net, x| {
            let pads = net.integers(&[0, 1, 0, 0, 0, 0, 0, 0]);
            net.node("Pad", &[x, &pads], vec![])
        })
        .contains("other axes")
    );
}

#[test]
fn functions_go_into_the_step_before() {
    let leaky = || vec![float("alpha", 0.2)];
    for (op, attributes) in
        [("Relu", vec![]), ("LeakyRelu", leaky()), ("Tanh", vec![]), ("Sigmoid", vec![]), ("HardSwish", vec![])]
    {
        let compiled = works(op, 8, |net, x| net.node(op, &[x], attributes.clone()));
        assert_eq!(compiled.plan.program.steps.len(), 2, "{op}");
    }
    let compiled = works("root of what is positive", 8, |net, x| {
        let x = net.node("Abs", &[x], vec![]);
        net.node("Sqrt", &[&x], vec![])
    });
    assert_eq!(compiled.count("activate"), 1);
    works("clamps of clamps", 8, |net, x| {
        let x = net.clip(x, -0.5, 4.0);
        let x = net.relu(&x);
        net.clip(&x, 0.1, 0.3)
    });
    works("square", 8, |net, x| net.node("Mul", &[x, x], vec![]));
    works("power", 8, |net, x| net.scalar("Pow", x, 2.0));
    works("negative", 8, |net, x| net.node("Neg", &[x], vec![]));
    for style in STYLES {
        let (mut net, image) = Net::new(style, SIZE);
        let x = net.max_pool(&image, same(3, 1), false);
        let x = net.hard_swish(&x);
        let x = net.max_pool(&x, same(3, 1), false);
        let x = net.hard_sigmoid(&x);
        let x = net.flatten(&x);
        let compiled = agrees("hard, of a pool", &net.finish(&x), Layout::Nchw, SIZE);
        let kinds = ["gather", "pool", "activate", "affine", "flatten"].map(|kind| compiled.count(kind));
        assert_eq!(kinds, [1, 2, 1, 1, 1], "{style:?}");
    }
    for op in ["Exp", "Softplus", "Elu", "Erf", "Sin"] {
        assert!(fails(|net, x| net.node(op, &[x], vec![])).contains("plans"), "{op}");
    }
    assert!(
        fails(|net, x| {
            let slope = net.constant(&[6, 1, 1], &[0.25; 6]);
            net.node("PRelu", &[x, &slope], vec![])
        })
        .contains("plans")
    );
}

#[test]
fn constants_by_channel_of_any_shape() {
    let values: Vec<f32> = (1..=8).map(|i| i as f32 / 4.0).collect();
    for op in ["Add", "Sub", "Mul", "Div"] {
        for dims in [&[8, 1, 1][..], &[1, 8, 1, 1], &[1], &[]] {
            let count = dims.iter().product::<usize>();
            for left in [false, true] {
                let name = format!("{op} {dims:?} {left}");
                let tested = |net: &mut Net, x: &Wire| {
                    // What is divided by must not be near zero.
                    let x = if op == "Div" && left { &net.node("Sigmoid", &[x], vec![]) } else { x };
                    let constant = net.constant(dims, &values[..count]);
                    let inputs = if left { [&constant, x] } else { [x, &constant] };
                    Wire { channels: 8, ..net.node(op, &inputs, vec![]) }
                };
                let compiled = works(&name, 8, tested);
                if op != "Div" || !left {
                    assert_eq!(compiled.plan.program.steps.len(), 2, "{name}");
                }
            }
        }
    }
    let by_pixel: Vec<f32> = (0..SIZE * SIZE).map(|i| i as f32).collect();
    assert!(
        fails(|net, x| {
            let constant = net.constant(&[1, 1, SIZE, SIZE], &by_pixel);
            net.node("Add", &[x, &constant], vec![])
        })
        .contains("pixel to pixel")
    );
}

#[test]
fn what_is_built_in_before_the_network() {
    for padding in [0, 1] {
        let (mut net, image) = Net::new(STYLES[0], SIZE);
        let mean = net.constant(&[3, 1, 1], &[0.4, 0.5, 0.6]);
        let spread = net.constant(&[1, 3, 1, 1], &[0.2, 0.25, 0.3]);
        let x = net.node("Sub", &[&image, &mean], vec![]);
        let x = net.node("Div", &[&x, &spread], vec![]);
        let x = net.conv(&x, 8, Geometry { kernel: 3, stride: 2, padding }, 1, true);
        let x = net.flatten(&x);
        let compiled = agrees("normalisation", &net.finish(&x), Layout::Nchw, SIZE);
        // Zeros of a padding come after it.
        assert_eq!(compiled.count("affine"), padding);
    }
    // Red and blue change places.
    let (mut net, image) = Net::new(STYLES[0], SIZE);
    let order = net.integers(&[2, 1, 0]);
    let x = net.node("Gather", &[&image, &order], vec![int("axis", 1)]);
    let x = net.conv(&x, 8, same(3, 2), 1, true);
    let x = net.flatten(&x);
    let compiled = agrees("order of colours", &net.finish(&x), Layout::Nchw, SIZE);
    assert_eq!(compiled.plan.program.steps.len(), 2);
}

#[test]
fn tensors_combine_with_pixels_and_channels() {
    for op in ["Add", "Sub", "Mul", "Div"] {
        works(op, 8, |net, x| {
            let other = net.conv(x, 8, same(3, 1), 1, true);
            let other = if op == "Div" { net.node("Sigmoid", &[&other], vec![]) } else { other };
            net.node(op, &[x, &other], vec![])
        });
        for left in [false, true] {
            let one = |net: &mut Net, x: &Wire| {
                let pixel = net.mean(x);
                let (pixel, x) = (net.node("Sigmoid", &[&pixel], vec![]), net.node("Sigmoid", &[x], vec![]));
                Wire { channels: 6, ..net.node(op, &if left { [&pixel, &x] } else { [&x, &pixel] }, vec![]) }
            };
            works(&format!("{op} with a pixel {left}"), 6, one);
        }
    }
    works("one channel for all", 8, |net, x| {
        let map = net.conv(x, 1, same(5, 1), 1, true);
        let map = net.node("Sigmoid", &[&map], vec![]);
        Wire { channels: 8, ..net.node("Mul", &[&map, x], vec![]) }
    });
    works("least and largest", 8, |net, x| {
        let other = net.conv(x, 8, same(3, 1), 1, true);
        let least = net.node("Min", &[x, &other], vec![]);
        net.node("Max", &[&least, &other], vec![])
    });
    works("twice itself", 8, |net, x| net.add(x, x));
    works("length", 8, |net, x| {
        let x = net.mean(x);
        let length = net.reduce("ReduceL2", &x, &[1], true);
        net.node("Div", &[&x, &length], vec![])
    });
}

#[test]
fn vectors_keep_the_order_of_their_axes() {
    let dense = |net: &mut Net, x: &Wire| {
        let x = net.flatten(x);
        net.dense(&Wire { channels: 8 * SIZE * SIZE, ..x }, 5)
    };
    let compiled = works("dense over a map", 8, dense);
    assert_eq!(compiled.plan.program.steps.len(), 2);
    let last = |net: &mut Net, x: &Wire| net.transpose(x, &[0, 2, 3, 1]);
    let compiled = works("dense over a map, channels last", 8, |net, x| {
        let x = last(net, x);
        dense(net, &x)
    });
    assert_eq!(compiled.plan.program.steps.len(), 2);
    works("a map, channels last", 8, last);
    works("vectors joined", 8, |net, x| {
        let small = net.max_pool(x, same(3, 3), false);
        let turned = last(net, &small);
        let parts = [net.flatten(x), net.flatten(&small), net.flatten(&turned)];
        net.concat(&parts.each_ref(), 1)
    });
    works("channels taken from a vector", 8, |net, x| {
        let x = net.mean(x);
        let x = net.reshape(&x, &[1, 2, 4]);
        let x = net.transpose(&x, &[0, 2, 1]);
        let x = net.slice(&x, 1, 1, 3);
        net.flatten(&x)
    });
    works("softmax of one pixel", 8, |net, x| {
        let x = net.mean(x);
        net.softmax(&x)
    });
    assert!(fails(|net, x| net.softmax(x)).contains("whole vector"));
}

#[test]
fn channels_are_gathered_once() {
    let shuffled = |net: &mut Net, x: &Wire, groups: i64| {
        let (side, channels) = (SIZE as i64, x.channels as i64);
        let split = net.reshape(x, &[1, groups, channels / groups, side, side]);
        let turned = net.transpose(&split, &[0, 2, 1, 3, 4]);
        net.reshape(&turned, &[1, channels, side, side])
    };
    let compiled = works("shuffled, then convolved", 12, |net, x| {
        let x = shuffled(net, x, 3);
        net.conv(&x, 8, same(3, 1), 1, true)
    });
    assert_eq!(compiled.count("gather"), 0);
    let compiled = works("shuffled, then convolved by channel", 12, |net, x| {
        let x = shuffled(net, x, 3);
        let x = net.conv(&x, 12, same(3, 2), 12, true);
        net.conv(&x, 8, POINT, 1, true)
    });
    assert_eq!(compiled.count("gather"), 0);
    works("shuffled, then added", 12, |net, x| {
        let other = shuffled(net, x, 2);
        net.add(&other, x)
    });
    works("shuffled, sliced, joined", 12, |net, x| {
        let first = shuffled(net, x, 4);
        let (low, high) = (net.slice(&first, 1, 0, 5), net.slice(x, 1, 3, 12));
        let joined = net.concat(&[&low, &high, x], 1);
        shuffled(net, &joined, 2)
    });
    works("halves by index", 12, |net, x| {
        let side = SIZE as i64;
        let split = net.reshape(x, &[1, 6, 2, side, side]);
        let turned = net.transpose(&split, &[2, 0, 1, 3, 4]);
        let parts = [0, 1].map(|i| {
            let index = net.integers(&[i]);
            let part = net.node("Gather", &[&turned, &index], vec![int("axis", 0)]);
            net.reshape(&Wire { channels: 6, ..part }, &[1, 6, side, side])
        });
        net.concat(&[&parts[1], &parts[0]], 1)
    });
    assert!(fails(|net, x| net.slice(x, 2, 1, 5)).contains("rows or columns"));
    assert!(fails(|net, x| net.concat(&[x, x], 3)).contains("rows or columns"));
}

#[test]
fn what_has_no_place_in_a_plan_is_named() {
    let attention = fails(|net, x| {
        let x = net.reshape(x, &[1, 6, (SIZE * SIZE) as i64]);
        let turned = net.transpose(&x, &[0, 2, 1]);
        net.node("MatMul", &[&x, &turned], vec![])
    });
    assert!(attention.contains("two computed matrices"), "{attention}");
    let resized = fails(|net, x| {
        let (region, scales) = (net.constant(&[0], &[]), net.constant(&[4], &[1.0, 1.0, 2.0, 2.0]));
        net.node("Resize", &[x, &region, &scales], vec![text("mode", "nearest")])
    });
    assert!(resized.contains("no such step") || resized.contains("rows"), "{resized}");
    let reshaped = fails(|net, x| {
        let x = net.reshape(x, &[1, 6, SIZE as i64 * SIZE as i64, 1]);
        net.conv(&x, 8, same(3, 1), 1, true)
    });
    assert!(reshaped.contains("no image"), "{reshaped}");
    for bytes in [&b"no ONNX"[..], &[]] {
        assert!(matches!(compile(bytes, Layout::Nchw, 8, Storage::F16), Err(CompileError::Invalid(_))));
    }
}

#[test]
fn larger_than_the_limits_is_refused() {
    for (size, why) in [(2048, "memory that a plan may take"), (1024, "memory, at most"), (256, "131072 values")] {
        let (mut net, image) = Net::new(STYLES[0], size);
        let x = net.conv(&image, 64, same(3, 1), 1, true);
        let other = net.conv(&x, 64, POINT, 1, true);
        let x = net.node("Mul", &[&x, &other], vec![]);
        let x = if size == 256 { net.flatten(&x) } else { net.mean(&x) };
        let error = compile(&net.finish(&x), Layout::Nchw, size, Storage::F16).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
