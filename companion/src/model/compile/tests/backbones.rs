//! Real networks, and the one that is built in.

use jicho::engine::plan::Tensor;
use jicho::engine::{CompiledEngine, Engine, TractEngine};

use super::{agrees, shortened};
use crate::learning::train::background;
use crate::model::backbone::{self, PixelFlags, embedded};
use crate::model::compile::{Storage, bytes, compile};
use crate::model::onnx::{self, cut};

/// Every ONNX of the folder `BACKBONES`, with its name.
fn real() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = crate::test_data::backbones("plans of real networks") else { return Vec::new() };
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let onnx = paths.filter(|path| path.extension().is_some_and(|e| e == "onnx"));
    onnx.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn the_embedded_backbone_has_a_plan() {
    let known =
        backbone::known_pixels(&onnx::File::from_bytes(&embedded::onnx()).unwrap(), &PixelFlags::default()).unwrap();
    let (layout, size) = (known.preprocessing.layout, known.size);
    agrees(embedded::NAME, &embedded::onnx(), layout, size);
    // Halves keep three digits of its weights.
    let differs = shortened(embedded::NAME, &embedded::onnx(), layout, size, Storage::F16);
    assert!(differs < 2e-2, "{differs}");
}

#[test]
fn the_embedded_backbone_computes_with_bytes() {
    let known =
        backbone::known_pixels(&onnx::File::from_bytes(&embedded::onnx()).unwrap(), &PixelFlags::default()).unwrap();
    let (pixels, size) = (known.preprocessing, known.size);
    let mut plan = compile(&embedded::onnx(), pixels.layout, size, Storage::Bytes).unwrap();
    let plain = CompiledEngine::new(&plan).unwrap();
    let pictures = |number| (0..background::KINDS).map(move |kind| background::pixels(kind, number, size).unwrap());
    bytes::calibrate(&mut plan, &pictures(0).collect::<Vec<_>>(), &pixels).unwrap();
    assert!(bytes::count(&plan) >= 5, "{}", bytes::count(&plan));
    let engine = CompiledEngine::load(&plan.to_bytes().unwrap()).unwrap();
    // The same arithmetic in the operators of ONNX, run by tract.
    let exported = onnx::encode(&onnx::from_plan::network(&plan, pixels.layout, "input", "output").unwrap());
    let exported = TractEngine::load(&exported, pixels.layout, size).unwrap();
    for picture in pictures(1) {
        let ours = engine.run_pixels(&picture, &pixels).unwrap();
        let from_plain = bytes::distance(ours.clone(), plain.run_pixels(&picture, &pixels).unwrap());
        let from_exported = bytes::distance(ours, exported.run_pixels(&picture, &pixels).unwrap());
        assert!(from_plain < 0.15, "{from_plain}");
        // Where a value lies at the edge of two bytes, the last bit of what came before decides.
        assert!(from_exported < 0.02 && from_exported <= from_plain, "{from_exported} of {from_plain}");
    }
}

#[test]
fn real_networks_have_plans_whole_and_cut() {
    for (name, bytes) in real() {
        let network = backbone::known_pixels(&onnx::File::from_bytes(&bytes).unwrap(), &PixelFlags::default()).unwrap();
        let (layout, size) = (network.preprocessing.layout, network.size);
        let features = cut::find_features(&network.model).unwrap();
        let embedding = onnx::encode(&cut::at_features(&network.model, &features).unwrap());
        let compiled = agrees(&format!("{name}, cut"), &embedding, layout, size);
        assert_eq!((compiled.count("affine"), compiled.count("activate")), (0, 0), "{name}");
        if name.contains("mobilenet_v2") {
            assert!(4 * compiled.plan.program.arena <= 6_500_000);
        }
        let differs = shortened(&name, &embedding, layout, size, Storage::F16);
        assert!(differs < 2e-2, "{name}: {differs}");
        let differs = shortened(&name, &embedding, layout, size, Storage::I8);
        assert!(differs < 0.3, "{name}: {differs}");

        let outputs = onnx::graph(&network.model).unwrap().output.clone();
        let last = outputs.iter().rfind(|o| o.name != features.tensor).map(|o| o.name.as_str());
        let Some(last) = last else { continue };
        let whole = onnx::encode(&cut::at_output(&network.model, last).unwrap());
        let compiled = agrees(&format!("{name}, `{last}`"), &whole, layout, size);
        let Tensor { channels, .. } = compiled.plan.program.tensors[compiled.plan.program.output];
        assert!(channels >= 1000 || compiled.count("softmax") == 0, "{name}: {channels}");
    }
}
