//! Plans against the networks that they were compiled from, run by tract.

mod backbones;
#[path = "../../../../../fuzz/targets/onnx/load.rs"]
mod fuzzed;
mod operators;
mod zoo;

use jicho::engine::plan::{Plan, Step, reference};
use jicho::engine::{CompiledEngine, Engine, TractEngine};
use jicho::manifest::Layout;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{CompileError, Storage, compile};

/// An image of seeded values within −1 and 1, rows of pixels of channels.
fn image(seed: u64, size: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..3 * size * size).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn run(engine: &dyn Engine, image: &[f32], size: usize) -> Vec<f32> {
    answer(engine, image, size).unwrap()
}

fn answer(engine: &dyn Engine, image: &[f32], size: usize) -> jicho::Result<Vec<f32>> {
    let fill = &mut |layout: Layout, tensor: &mut [f32]| {
        for (place, value) in tensor.iter_mut().enumerate() {
            *value = match layout {
                Layout::Nhwc => image[place],
                Layout::Nchw => image[place % (size * size) * 3 + place / (size * size)],
            };
        }
    };
    engine.run(fill)
}

/// The largest difference, as a share of the largest value.
fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(0f32, |m, v| m.max(v.abs()));
    let apart = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    // Not `max`, which would pass over what is not a number.
    apart.fold(0.0, |m, d| if d <= m { m } else { d }) / largest.max(1e-20)
}

/// What a network became.
struct Compiled {
    plan: Plan<'static>,
    bytes: usize,
}

impl Compiled {
    /// How many steps of this kind there are.
    fn count(&self, kind: &str) -> usize {
        super::summary::summary(&self.plan, 0).kinds.get(kind).copied().unwrap_or(0)
    }
}

/// Compiles a network with all its precision and checks that the plan answers as tract does, by plain loops and by our
/// engine.
#[track_caller]
fn agrees(name: &str, onnx: &[u8], layout: Layout, size: usize) -> Compiled {
    let plan = compile(onnx, layout, size, Storage::F32).unwrap_or_else(|e| panic!("{name}: {e}"));
    let bytes = plan.to_bytes().unwrap();
    assert_eq!(Plan::parse(&bytes).unwrap(), plan, "{name}");
    let image = image(7, size);
    let theirs = run(&TractEngine::load(onnx, layout, size).unwrap(), &image, size);
    let plain = difference(&reference::run(&plan, &image), &theirs);
    let ours = difference(&run(&CompiledEngine::load(&bytes).unwrap(), &image, size), &theirs);
    let (steps, arena) = (plan.program.steps.len(), plan.program.arena);
    println!(
        "{name}: {steps} steps, {} bytes, arena {} bytes, differs {plain:.1e}, {ours:.1e}",
        bytes.len(),
        4 * arena
    );
    assert!(plain <= 1e-4, "{name}: by plain loops {plain}");
    assert!(ours <= 1e-4, "{name}: {ours}");
    Compiled { bytes: bytes.len(), plan }
}

/// Compiles a network with shortened weights; returns how far its answer is from tract's with whole ones.
#[track_caller]
fn shortened(name: &str, onnx: &[u8], layout: Layout, size: usize, storage: Storage) -> f32 {
    let plan = compile(onnx, layout, size, storage).unwrap_or_else(|e| panic!("{name}: {e}"));
    let bytes = plan.to_bytes().unwrap();
    let image = image(7, size);
    let ours = run(&CompiledEngine::load(&bytes).unwrap(), &image, size);
    if size <= 64 {
        let plain = difference(&reference::run(&plan, &image), &ours);
        assert!(plain <= 1e-4, "{name} as {storage:?}: {plain}");
    }
    let differs = difference(&ours, &run(&TractEngine::load(onnx, layout, size).unwrap(), &image, size));
    println!("{name} as {storage:?}: {} bytes, differs {differs:.1e}", bytes.len());
    differs
}

/// The node that has no place in a plan.
#[track_caller]
fn refused(onnx: &[u8], layout: Layout, size: usize) -> (String, String) {
    match compile(onnx, layout, size, Storage::F32) {
        Err(CompileError::Unsupported { op, why, .. }) => (op, why),
        other => panic!("{:?}", other.map(|plan| plan.program)),
    }
}

/// Whether a step is a convolution that adds another tensor.
fn adds(step: &Step) -> bool {
    matches!(step, Step::Conv(conv) if conv.residual.is_some())
}

#[test]
fn what_the_fuzzer_found_is_loaded_or_refused() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/onnx");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.iter().for_each(|file| fuzzed::load(&std::fs::read(file).unwrap()));
}
