//! What is done with a file. The companion's tests do the same with the corpus.

use jicho::ErrorKind;
use jicho::engine::{CompiledEngine, Engine, TractEngine};
use jicho::manifest::Layout;

use crate::model::compile::{CompileError, Storage, compile};
use crate::model::onnx::{self, cut, half_weights};

/// Larger images make the fuzzer slow, and find nothing else.
const MAX_SIZE: usize = 16;

/// Loads it in every way that it is loaded in. Panics where that does not end in a network or a typed error.
pub fn load(input: &[u8]) {
    let decoded = onnx::decode(input);
    let told = decoded.as_ref().ok().and_then(|model| onnx::image_input(model).ok());
    let size = told.as_ref().and_then(|input| input.size).unwrap_or(8);
    let layout = told.as_ref().and_then(|input| input.layout).unwrap_or(Layout::Nchw);
    if size > MAX_SIZE {
        return;
    }
    // As a page does, which looks at nothing first.
    run(TractEngine::load(input, layout, size));

    let (Ok(mut model), Some(_)) = (decoded, told) else { return };
    half_weights::compute_in_float(&mut model);
    // As `jicho import` does.
    for output in onnx::graph(&model).expect("what was decoded has a graph").output.iter().take(2) {
        let Ok(bytes) = cut::at_output(&model, &output.name).and_then(onnx::ready) else { continue };
        run(TractEngine::load(&bytes, layout, size));
        plan(&bytes, layout, size);
    }
    // As `jicho train` does.
    let cut = cut::find_features(&model).and_then(|features| cut::at_features(&model, &features));
    if let Ok(bytes) = cut.and_then(onnx::ready) {
        run(TractEngine::load(&bytes, layout, size));
        plan(&bytes, layout, size);
    }
}

/// A network that loads answers, or says why not.
fn run(engine: jicho::Result<impl Engine>) {
    let answer = engine.and_then(|engine| engine.run(&mut |_, tensor| tensor.fill(0.5)));
    if let Err(error) = answer {
        assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}");
    }
}

/// What has been compiled can be loaded.
fn plan(onnx: &[u8], layout: Layout, size: usize) {
    match compile(onnx, layout, size, Storage::F16) {
        Ok(plan) => run(CompiledEngine::load(&plan.to_bytes().expect("a plan within its limits"))),
        Err(CompileError::Invalid(error)) => assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}"),
        Err(CompileError::Unsupported { .. }) => {}
    }
}
