use jicho::engine::{CompiledEngine, Engine, TractEngine};
use jicho::manifest::{Layout, Preprocessing};

use super::*;
use crate::learning::network::design::Design;
use crate::learning::network::model::Tape;
use crate::learning::network::random::{normal, stream};
use crate::learning::network::{Network, unit::Unit};
use crate::model::compile;

const PIXELS: Preprocessing = crate::model::backbone::registry::SYMMETRIC;
const SIZE: usize = 32;

/// A network with statistics as if it had been trained.
fn network() -> Network {
    let mut rng = stream(3, [0; 3]);
    let mut network = "c8/2,s16/2,s16,c24/2,c24,s40".parse::<Design>().unwrap().build(&mut rng);
    for norm in network.units_mut().filter_map(|unit| unit.norm.as_mut()) {
        norm.mean.iter_mut().for_each(|m| *m = 0.1 * normal(&mut rng));
        norm.variance.iter_mut().for_each(|v| *v = 0.5 + normal(&mut rng).abs());
    }
    network
}

fn image() -> Vec<f32> {
    (0..3 * SIZE * SIZE).map(|i| (i as f32 * 0.37).sin()).collect()
}

fn run(engine: &dyn Engine, pixels: &[f32]) -> Vec<f32> {
    let fill = &mut |layout: Layout, tensor: &mut [f32]| {
        for (i, to) in tensor.iter_mut().enumerate() {
            let plane = SIZE * SIZE;
            *to = if layout == Layout::Nhwc { pixels[i] } else { pixels[i % plane * 3 + i / plane] };
        }
    };
    engine.run(fill).unwrap()
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let sum = |f: &dyn Fn(f32, f32) -> f32| a.iter().zip(b).map(|(a, b)| f(*a, *b)).sum::<f32>().sqrt();
    sum(&|a, b| (a - b).powi(2)) / sum(&|a, _| a * a)
}

#[test]
fn a_file_answers_as_its_network_does_everywhere() {
    let (network, pixels) = (network(), image());
    let ours = network.forward(1, SIZE, &pixels, false, &mut Tape::default());
    assert!(ours.iter().any(|v| *v > 0.01));
    for (storage, allowed) in [(Storage::F16, 3e-3), (Storage::I8, 3e-2)] {
        let file = write(&network, SIZE, &PIXELS, storage);
        let theirs = run(&TractEngine::load(&file, Layout::Nchw, SIZE).unwrap(), &pixels);
        assert!(distance(&ours, &theirs) < allowed, "{storage:?}: {}", distance(&ours, &theirs));
        let plan = compile::compile(&file, Layout::Nchw, SIZE, compile::Storage::F32).unwrap();
        let compiled = run(&CompiledEngine::load(&plan.to_bytes().unwrap()).unwrap(), &pixels);
        assert!(distance(&theirs, &compiled) < 1e-4, "{storage:?}");
        let back = read(&file, SIZE).unwrap();
        let again = back.forward(1, SIZE, &pixels, false, &mut Tape::default());
        assert!(distance(&theirs, &again) < 1e-4, "{storage:?}");
        // Blocks without a residual come back unit by unit; everything else is as it was.
        let shape = |n: &Network| {
            n.units().map(|u| Unit { weights: vec![], shift: vec![], norm: None, ..u.clone() }).collect::<Vec<_>>()
        };
        assert_eq!(shape(&back), shape(&network));
        let residuals = |n: &Network| n.blocks.iter().filter(|b| b.residual).count();
        assert_eq!(residuals(&back), residuals(&network));
    }
    let sizes = [Storage::F16, Storage::I8].map(|storage| write(&network, SIZE, &PIXELS, storage).len());
    assert!(sizes[1] < sizes[0] * 3 / 4, "{sizes:?}");
}

#[test]
fn other_networks_are_refused_by_name() {
    let refusal = |bytes: &[u8]| read(bytes, SIZE).unwrap_err();
    let file = write(&network(), SIZE, &PIXELS, Storage::F16);
    let mut model = crate::model::onnx::decode(&file).unwrap();
    let graph = model.graph.as_mut().unwrap();
    graph.node.iter_mut().filter(|n| n.op_type == "Clip").for_each(|n| n.op_type = "Sigmoid".into());
    let error = refusal(&crate::model::onnx::encode(&model));
    assert!(error.code() == "NOT_A_BACKBONE" && error.to_string().contains("Sigmoid"), "{error}");
    assert_eq!(refusal(b"no").code(), "INVALID_MODEL");
}

#[test]
fn real_mobilenets_are_read() {
    let Some(folder) = crate::test_data::backbones("reading a real MobileNet") else { return };
    let file = folder.join("mobilenet_v1_0.25_128.onnx");
    let bytes = std::fs::read(&file).unwrap();
    let request = crate::model::backbone::Request { backbone: file.display().to_string(), ..Default::default() };
    let backbone = crate::model::backbone::resolve(&request, crate::progress::Progress::Silent).unwrap();
    assert!(bytes.len() > backbone.onnx.len() / 2);
    let network = read(&backbone.onnx, backbone.size).unwrap();
    let pixels: Vec<f32> = (0..3 * 128 * 128).map(|i| (i as f32 * 0.37).sin()).collect();
    let ours = network.forward(1, 128, &pixels, false, &mut Tape::default());
    let engine = TractEngine::load(&backbone.onnx, backbone.preprocessing.layout, 128).unwrap();
    let plane = 128 * 128;
    let theirs = engine.run(&mut |layout, to| {
        assert_eq!(layout, Layout::Nchw);
        to.iter_mut().enumerate().for_each(|(i, to)| *to = pixels[i % plane * 3 + i / plane]);
    });
    assert!(distance(&ours, &theirs.unwrap()) < 1e-3);
}
