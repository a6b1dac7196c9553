//! Networks as other tools write them, and files that are no networks at all.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, io, thread};

use prost::Message;
use tract_onnx::pb::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, ValueInfoProto, tensor_shape_proto::dimension::Value, type_proto,
};

use crate::import::{PAINTS, PLAIN, answers_by, import, shop};
use crate::onnx::{Colors, SIDE};
use crate::shop::{Outcome, Shop, confidences, line};

/// `TensorProto.DataType`.
const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT64: i32 = 7;
const HALF: i32 = 10;

/// A shop whose `colors.onnx` was changed.
fn changed(network: &Colors, change: impl FnOnce(&mut ModelProto, &mut GraphProto)) -> Shop {
    let shop = shop(network);
    let mut model = ModelProto::decode(&network.onnx()[..]).unwrap();
    let mut graph = model.graph.take().unwrap();
    change(&mut model, &mut graph);
    model.graph = Some(graph);
    shop.write("colors.onnx", model.encode_to_vec());
    shop
}

/// The network is read as if nothing had been changed.
#[track_caller]
fn reads(change: impl FnOnce(&mut ModelProto, &mut GraphProto)) {
    let shop = changed(&Colors::default(), change);
    import(&shop, Colors::FLAGS).ok();
    answers_by(&shop, PLAIN);
}

fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: operator.into(),
        name: format!("{operator}_{output}"),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

fn number(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 2, i: value, ..Default::default() }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 1, f: value, ..Default::default() }
}

fn floats(name: &str, values: &[f32]) -> TensorProto {
    let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    TensorProto { name: name.into(), dims: vec![values.len() as i64], data_type: FLOAT, raw_data, ..Default::default() }
}

fn integers(name: &str, values: &[i64]) -> TensorProto {
    let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    TensorProto { name: name.into(), dims: vec![values.len() as i64], data_type: INT64, raw_data, ..Default::default() }
}

/// Adds a node behind the network's answer, and makes its output the network's.
fn append(graph: &mut GraphProto, mut last: NodeProto) {
    last.input[0] = graph.output[0].name.clone();
    graph.output[0].name = last.output[0].clone();
    graph.node.push(last);
}

fn external(tensor: &mut TensorProto, entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto { key: (*key).into(), value: (*value).into() };
    tensor.data_location = Some(1);
    tensor.external_data = entries.iter().map(entry).collect();
    std::mem::take(&mut tensor.raw_data)
}

#[test]
fn weights_may_lie_beside_the_file() {
    let mut weights = Vec::new();
    let shop = changed(&Colors::default(), |_, graph| {
        let values = external(&mut graph.initializer[0], &[("location", "w.data"), ("offset", "8"), ("length", "36")]);
        weights = [&[7; 8], &values[..]].concat();
    });
    import(&shop, Colors::FLAGS).fails("INVALID_MODEL").says(&["w.data"]);
    shop.write("w.data", weights);
    import(&shop, Colors::FLAGS).ok();
    answers_by(&shop, PLAIN);
    shop.write("w.data", [0; 43]);
    import(&shop, Colors::FLAGS).fails("INVALID_MODEL").says(&["lies beyond"]);
}

#[test]
fn weights_are_read_from_the_models_own_folder_alone() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, [0; 64]).unwrap();
    for location in [secret.to_str().unwrap(), "../secret", "sub/../../secret", "", "link"] {
        let shop = changed(&Colors::default(), |_, graph| {
            external(&mut graph.initializer[0], &[("location", location)]);
        });
        #[cfg(unix)]
        std::os::unix::fs::symlink(&secret, shop.path("link")).unwrap();
        import(&shop, Colors::FLAGS).fails("INVALID_MODEL").says(&["own folder"]);
        assert!(shop.published().is_empty());
    }
}

#[test]
fn weights_must_have_the_size_that_their_shape_needs() {
    let shop = changed(&Colors::default(), |_, graph| {
        external(&mut graph.initializer[0], &[("location", "w"), ("length", "12")]);
    });
    shop.write("w", [0; 64]);
    import(&shop, Colors::FLAGS).fails("INVALID_MODEL").says(&["needs 36 bytes"]);
    let shop = changed(&Colors::default(), |_, graph| graph.initializer[0].dims = vec![1 << 40, 3, 1, 1]);
    import(&shop, Colors::FLAGS).fails("INVALID_MODEL").says(&["does not hold as many values"]);
}

#[test]
fn the_default_domain_may_be_spelt_out() {
    reads(|model, graph| {
        model.opset_import[0].domain = "ai.onnx".into();
        graph.node[0].domain = "ai.onnx".into();
    });
}

#[test]
fn inputs_that_are_left_empty_are_left_out() {
    reads(|_, graph| graph.node[0].input.push(String::new()));
    reads(|_, graph| graph.node[4].input.extend([String::new(), String::new()]));
}

#[test]
fn nodes_may_come_in_any_order() {
    reads(|_, graph| graph.node.reverse());
    let shop = changed(&Colors::default(), |_, graph| graph.node[1].input[0] = graph.node[2].output[0].clone());
    import(&shop, Colors::FLAGS).fails("INVALID_MODEL").says(&["depends on its own result"]);
}

#[test]
fn half_precision_between_float_ends_is_computed_in_float() {
    let shop = changed(&Colors::default(), |_, graph| {
        for tensor in &mut graph.initializer {
            let values = tensor.raw_data.as_chunks().0.iter().map(|b| half::f16::from_f32(f32::from_le_bytes(*b)));
            tensor.raw_data = values.flat_map(half::f16::to_le_bytes).collect();
            tensor.data_type = HALF;
        }
        let cast = NodeProto { attribute: vec![number("to", i64::from(HALF))], ..node("Cast", &["image"], "narrow") };
        graph.node[0].input[0] = "narrow".into();
        graph.node.insert(0, cast);
        append(graph, NodeProto { attribute: vec![number("to", i64::from(FLOAT))], ..node("Cast", &[""], "wide") });
    });
    import(&shop, Colors::FLAGS).ok();
    answers_by(&shop, PLAIN);
}

#[test]
fn functions_of_the_model_are_written_out() {
    reads(|model, graph| {
        model.functions.push(FunctionProto {
            name: Some("MyRelu".into()),
            domain: Some("pkg.torch".into()),
            input: vec!["x".into()],
            output: vec!["y".into()],
            attribute: vec!["alpha".into()],
            node: vec![
                NodeProto {
                    attribute: vec![AttributeProto { ref_attr_name: "alpha".into(), ..float("alpha", 0.0) }],
                    ..node("LeakyRelu", &["x"], "inner")
                },
                // Exporters leave nodes of functions without names, or give all of them the same.
                NodeProto { name: String::new(), ..node("Relu", &["inner"], "more") },
                NodeProto { name: String::new(), ..node("Relu", &["more"], "y") },
            ],
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
            ..Default::default()
        });
        model.opset_import.push(OperatorSetIdProto { domain: "pkg.torch".into(), version: 1 });
        graph.node[1].op_type = "MyRelu".into();
        graph.node[1].domain = "pkg.torch".into();
        graph.node[1].attribute = vec![float("alpha", 0.25)];
    });
}

#[test]
fn nodes_may_share_a_name_or_have_none() {
    for name in ["", "node"] {
        reads(|_, graph| graph.node.iter_mut().for_each(|node| node.name = name.into()));
    }
}

#[test]
fn an_operator_that_is_not_known_is_named() {
    for (operator, domain, says) in [
        ("FusedRelu", "com.microsoft", "onnxruntime's own optimisations"),
        ("MyRelu", "my.own", "only its makers define"),
        ("Reluu", "", "docs/operators.md"),
    ] {
        let shop = changed(&Colors::default(), |_, graph| {
            graph.node[1].op_type = operator.into();
            graph.node[1].domain = domain.into();
            graph.node[1].name = "the_node".into();
        });
        import(&shop, Colors::FLAGS).fails("INVALID_MODEL").says(&["the_node", operator, domain, says]);
        shop.run("compile colors.onnx --out colors.plan").fails("INVALID_MODEL").says(&["the_node", operator]);
    }
    let shop = changed(&Colors::default(), |_, graph| graph.node[1].attribute.push(float("slope", 0.1)));
    import(&shop, Colors::FLAGS).fails("INVALID_MODEL").says(&["Relu", "slope"]);
}

#[test]
fn celu_is_computed_with_its_alpha() {
    // Of positive values alpha changes nothing, so the answer is known; of others the sweep of operators tells.
    reads(|_, graph| {
        graph.node.insert(1, NodeProto { attribute: vec![float("alpha", 2.0)], ..node("Celu", &["t0"], "celu") });
        graph.node[2].input[0] = "celu".into();
    });
}

#[test]
fn percentages_are_no_logits() {
    let percent = |graph: &mut GraphProto, factor: f32| {
        graph.initializer.push(floats("factor", &[factor]));
        append(graph, node("Mul", &["", "factor"], "scaled"));
    };
    let softmax = Colors { softmax: true, ..Default::default() };
    let shop = changed(&softmax, |_, graph| percent(graph, 100.0));
    import(&shop, Colors::FLAGS).ok();
    answers_by(&shop, PLAIN);
    let shop = changed(&softmax, |_, graph| percent(graph, 255.0));
    import(&shop, Colors::FLAGS).fails("BAD_INPUT").says(&["always add up to 255"]);
}

#[test]
fn one_sigmoid_is_a_classifier_of_two() {
    let one = |last: &'static str| {
        changed(&Colors::default(), move |_, graph| {
            graph.initializer[1] = TensorProto { dims: vec![3, 1], ..floats("w1", &[2.0, -1.0, 0.5]) };
            append(graph, node(last, &[""], "one"));
        })
    };
    let shop = one("Sigmoid");
    shop.write("labels.txt", "cat\ndog\n");
    import(&shop, Colors::FLAGS).ok();
    let (_, lines) = shop.evaluate("T_1", "photos");
    for (name, [red, green, blue]) in PAINTS {
        let [r, g, b] = [red, green, blue].map(|byte| f64::from(byte) / 255.0);
        let dog = 1.0 / (1.0 + (-(2.0 * r - g + 0.5 * b)).exp());
        for (label, given) in confidences(line(&lines, &format!("{name}/{name}.png"))) {
            let right = if label == "dog" { dog } else { 1.0 - dog };
            assert!((given - right).abs() < 1e-3, "{name}: {label} {given}, not {right}");
        }
    }
    shop.write("labels.txt", Colors::LABELS);
    import(&shop, Colors::FLAGS).fails("BAD_INPUT").says(&["there are 3 labels", "gives 1"]);
    let shop = one("Tanh");
    shop.write("labels.txt", "cat\ndog\n");
    import(&shop, Colors::FLAGS).fails("BAD_INPUT").says(&["no probability", "sigmoid"]);
}

#[test]
fn a_zip_map_only_names_the_values() {
    let softmax = Colors { softmax: true, ..Default::default() };
    let shop = changed(&softmax, |model, graph| {
        let probabilities = graph.output[0].name.clone();
        let mut zip = node("ZipMap", &[&probabilities], "loss");
        zip.domain = "ai.onnx.ml".into();
        graph.node.push(zip);
        let arg = NodeProto { attribute: vec![number("axis", 1)], ..node("ArgMax", &[&probabilities], "arg") };
        let mut label = node("ArrayFeatureExtractor", &["names", "arg"], "classLabel");
        label.domain = "ai.onnx.ml".into();
        graph.node.extend([arg, label]);
        let names = ["first", "second", "third"].map(|name| name.as_bytes().to_vec()).to_vec();
        graph.initializer.push(TensorProto {
            name: "names".into(),
            dims: vec![3],
            data_type: 8,
            string_data: names,
            ..Default::default()
        });
        let output = |name: &str| ValueInfoProto { name: name.into(), ..Default::default() };
        graph.output = vec![output("classLabel"), output("loss")];
        model.opset_import.push(OperatorSetIdProto { domain: "ai.onnx.ml".into(), version: 2 });
    });
    import(&shop, Colors::FLAGS).ok();
    answers_by(&shop, PLAIN);
}

#[test]
fn bytes_may_be_the_input() {
    let bytes = |graph: &mut GraphProto| {
        let Some(type_proto::Value::TensorType(tensor)) = &mut graph.input[0].r#type.as_mut().unwrap().value else {
            panic!("the input is a tensor");
        };
        tensor.elem_type = UINT8;
    };
    let shop = changed(&Colors::default(), |_, graph| {
        bytes(graph);
        graph.initializer.push(floats("whole", &[255.0]));
        let to_float = vec![number("to", i64::from(FLOAT))];
        graph.node.insert(0, NodeProto { attribute: to_float, ..node("Cast", &["image"], "numbers") });
        graph.node.insert(1, node("Div", &["numbers", "whole"], "shares"));
        graph.node[2].input[0] = "shares".into();
    });
    import(&shop, Colors::FLAGS).fails("PIXELS_UNKNOWN").says(&["takes bytes", "--range 0,255"]);
    import(&shop, "--color rgb --range 0,255 --mean 0 --std 1").ok();
    answers_by(&shop, PLAIN);
    let shop = changed(&Colors::default(), |_, graph| bytes(graph));
    let flags = "--color rgb --range 0,255 --mean 0 --std 1";
    import(&shop, flags).fails("INVALID_MODEL").says(&["computes with them", "Conv"]);
}

#[test]
fn a_batch_of_several_becomes_one_of_any() {
    reads(|_, graph| {
        let Some(type_proto::Value::TensorType(tensor)) = &mut graph.input[0].r#type.as_mut().unwrap().value else {
            panic!("the input is a tensor");
        };
        tensor.shape.as_mut().unwrap().dim[0].value = Some(Value::DimValue(8));
        graph.initializer.push(integers("rows", &[8, 3]));
        graph.node[3] = node("Reshape", &["t2", "rows"], "t3");
    });
}

#[test]
fn pictures_may_be_cut_by_a_negative_padding() {
    // The paints are plain, so the answer is that of the whole picture.
    reads(|_, graph| {
        graph.initializer.push(integers("pads", &[0, 0, -1, -2, 0, 0, 0, -1]));
        graph.node.insert(0, node("Pad", &["image", "pads"], "cut"));
        graph.node[1].input[0] = "cut".into();
    });
}

/// A network of one node that takes the image and constants, averaged.
fn bomb(operator: &str, inputs: &[&str], constants: Vec<TensorProto>) -> Shop {
    changed(&Colors::default(), |_, graph| {
        graph.initializer.extend(constants);
        graph.node.insert(1, node(operator, inputs, "boom"));
        graph.node[2].input[0] = "boom".into();
    })
}

/// The same of a node whose result the rest cannot take as it is: its sum is added to the image.
fn summed(operator: &str, inputs: &[&str], constant: TensorProto) -> Shop {
    changed(&Colors::default(), |_, graph| {
        graph.initializer.push(constant);
        graph.node.insert(1, node(operator, inputs, "boom"));
        let sum = NodeProto { attribute: vec![number("keepdims", 0)], ..node("ReduceSum", &["boom"], "sum") };
        graph.node.insert(2, sum);
        graph.node.insert(3, node("Add", &["t0", "sum"], "more"));
        graph.node[4].input[0] = "more".into();
    })
}

#[test]
fn a_network_that_asks_for_too_much_memory_ends_in_an_error() {
    let far = 1 << 15;
    let bombs = [
        bomb("Tile", &["t0", "n"], vec![integers("n", &[1, 1, far, far])]),
        summed("Expand", &["t0", "n"], integers("n", &[far * far, 1, 3, i64::from(SIDE), i64::from(SIDE)])),
        bomb("Pad", &["t0", "n"], vec![integers("n", &[0, 0, 0, 0, 0, 0, 1 << 20, 1 << 20])]),
        bomb("Resize", &["t0", "", "n"], vec![floats("n", &[1.0, 1.0, 30000.0, 30000.0])]),
        summed("ConstantOfShape", &["n"], integers("n", &[1, 3, 1 << 20, 1 << 20])),
        changed(&Colors::default(), |_, graph| {
            for (name, value) in [("from", 0), ("to", 1 << 45), ("by", 1)] {
                graph.initializer.push(TensorProto { dims: vec![], ..integers(name, &[value]) });
            }
            graph.node.insert(0, node("Range", &["from", "to", "by"], "many"));
            graph.node.insert(1, NodeProto { attribute: vec![number("to", 1)], ..node("Cast", &["many"], "numbers") });
            let sum = NodeProto { attribute: vec![number("keepdims", 0)], ..node("ReduceSum", &["numbers"], "sum") };
            graph.node.insert(2, sum);
            graph.node[4].op_type = "Add".into();
            graph.node[4].input = vec!["t0".into(), "sum".into()];
        }),
    ];
    for shop in &bombs {
        import(shop, Colors::FLAGS).fails("NETWORK_LIMIT").says(&["of memory", "JICHO_NETWORK_MEMORY_MB"]);
        // Compiling may find out that there is no step for it before it needs the memory.
        let compiled = shop.run("compile colors.onnx --out colors.plan");
        assert!(compiled.code == Some(1) && !compiled.stderr.contains("panicked"), "{compiled:?}");
        assert!(shop.published().is_empty());
    }
}

/// A network whose answer takes many minutes: some 10^12 multiplications, in a file of a few kilobytes.
fn slow() -> Shop {
    changed(&Colors::default(), |_, graph| {
        graph.initializer.push(floats("n", &[1.0, 1.0, 128.0, 128.0]));
        graph.initializer.push(TensorProto { dims: vec![3, 3, 11, 11], ..floats("many", &[0.002; 1089]) });
        graph.node.insert(1, node("Resize", &["t0", "", "n"], "large"));
        let mut before = "large".to_owned();
        for i in 0..200 {
            let after = format!("c{i}");
            let pads = AttributeProto { name: "pads".into(), r#type: 7, ints: vec![5; 4], ..Default::default() };
            graph.node.insert(2 + i, NodeProto { attribute: vec![pads], ..node("Conv", &[&before, "many"], &after) });
            before = after;
        }
        graph.node[202].input[0] = before;
    })
}

fn import_command(shop: &Shop, program: &mut Command) {
    let arguments = format!("import colors.onnx --labels labels.txt --channel T_1 --out models {}", Colors::FLAGS);
    program.args(arguments.split_whitespace()).current_dir(shop.path(""));
}

#[test]
fn a_network_that_takes_too_long_is_stopped() {
    let shop = slow();
    let mut command = shop.command();
    import_command(&shop, &mut command);
    command.env("JICHO_NETWORK_SECONDS", "1");
    Outcome::of(&mut command).fails("NETWORK_LIMIT").says(&["within 1 seconds"]);
}

/// Whoever interrupts a command must not leave a process behind that goes on for minutes with all memory it may have.
#[cfg(target_os = "linux")]
#[test]
fn the_process_that_reads_a_network_ends_with_the_one_that_started_it() {
    let shop = slow();
    // Both processes hold the pipe as their descriptor 3, so it ends with the last of them.
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 3>&1", env!("CARGO_BIN_EXE_jicho")]);
    import_command(&shop, &mut command);
    let mut parent = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut pipe, id) = (parent.stdout.take().unwrap(), parent.id());
    // The child is at work once it has limited itself: that follows all that it is told.
    let at_work = || {
        let child = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?.trim().parse::<u32>().ok()?;
        let limits = fs::read_to_string(format!("/proc/{child}/limits")).ok()?;
        let memory = limits.lines().find(|line| line.starts_with("Max data size"))?;
        (!memory.contains("unlimited")).then_some(child)
    };
    let child = loop {
        if let Some(child) = at_work() {
            break child;
        }
        assert!(parent.try_wait().unwrap().is_none(), "it ended before the network was read");
        thread::yield_now();
    };
    parent.kill().unwrap();
    parent.wait().unwrap();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(io::copy(&mut pipe, &mut io::sink()).is_ok()));
    let has_ended = ended.recv_timeout(Duration::from_secs(60)).is_ok();
    if !has_ended {
        let _ = Command::new("kill").args(["-9", &child.to_string()]).status();
    }
    assert!(has_ended, "the child goes on without its parent");
}
