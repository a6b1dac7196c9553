//! Random plans that are valid, made out of choices: by proptest, by a seeded generator where there is no proptest
//! (wasm, Miri), or by a fuzzer. Choices that are 0 give the simplest plan.

#![allow(dead_code, reason = "each test binary uses a part")]

mod build;
pub mod bytes;
pub mod file;
mod steps;

pub use build::Builder;
use jicho::engine::plan::{Plan, reference};
use jicho::engine::{CompiledEngine, Engine};
#[allow(unused_imports, reason = "as above")]
pub use steps::{convolve, convolve_each};

/// A plan and an image for it.
#[derive(Debug)]
pub struct Case {
    pub plan: Plan<'static>,
    pub image: Vec<f32>,
}

/// Where choices come from.
pub struct Choices<'a>(Box<dyn FnMut() -> u32 + 'a>);

impl<'a> Choices<'a> {
    /// The given ones, then zeros.
    pub fn given(choices: &'a [u32]) -> Self {
        let mut choices = choices.iter().copied();
        Choices(Box::new(move || choices.next().unwrap_or(0)))
    }

    /// Pseudo-random ones, the same everywhere.
    pub fn seeded(seed: u32) -> Self {
        let mut random = Random(seed);
        Choices(Box::new(move || random.next()))
    }

    /// One of `0..count`.
    pub fn below(&mut self, count: usize) -> usize {
        self.0() as usize % count
    }

    /// −1 to 1.
    pub fn signed(&mut self) -> f32 {
        self.below(1 << 16) as f32 / 32_768.0 - 1.0
    }

    /// One of them, the first most simply.
    pub fn of<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    /// Once in `count` times.
    pub fn rarely(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }
}

/// A linear congruential generator.
pub struct Random(pub u32);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The lower bits of such a generator repeat soon.
        self.0.rotate_right(16) ^ self.0 >> 7
    }

    /// −1 to 1.
    pub fn signed(&mut self) -> f32 {
        (self.next() & 0xffff) as f32 / 32_768.0 - 1.0
    }
}

/// How large a plan may become.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Steps before the one that makes the answer.
    pub steps: usize,
    /// Side of the image.
    pub side: usize,
    /// Channels of a step's output.
    pub channels: usize,
    /// Multiplications of a step.
    pub macs: usize,
}

impl Limits {
    pub const USUAL: Limits = Limits { steps: 4, side: 14, channels: 40, macs: 400_000 };
    /// For Miri, which takes a thousand times as long.
    pub const TINY: Limits = Limits { steps: 3, side: 5, channels: 20, macs: 3_000 };
}

/// A plan out of choices.
pub fn case(choices: &mut Choices<'_>, limits: Limits) -> Case {
    let count = 1 + choices.below(limits.steps);
    let side = 1 + choices.below(limits.side);
    build::case(choices, limits, side, |b| {
        for _ in 0..count {
            steps::step(b);
            b.forget();
        }
    })
}

/// A plan for an image of `side`, of the steps that `body` adds.
pub fn chain(seed: u32, side: usize, body: impl FnOnce(&mut Builder<'_, '_>)) -> Case {
    build::case(&mut Choices::seeded(seed), Limits::USUAL, side, body)
}

/// Runs a loaded plan.
pub fn run(engine: &CompiledEngine, image: &[f32]) -> Vec<f32> {
    engine.run(&mut |_, tensor| tensor.copy_from_slice(image)).unwrap()
}

/// Every kernel set's answer is the reference's, the first time and the second.
pub fn check(case: &Case) {
    let bytes = case.plan.to_bytes().unwrap();
    let tensors = reference::tensors(&case.plan, &case.image);
    let expected = &tensors[case.plan.program.output];
    for kernels in CompiledEngine::kernels() {
        let engine = CompiledEngine::load_with(&bytes, kernels).unwrap();
        assert_eq!((engine.input_size(), engine.output_len()), (case.plan.program.tensors[0].height, expected.len()));
        let first = run(&engine, &case.image);
        assert_agree(&first, expected, largest(tensors.iter().flatten()), kernels);
        assert_eq!(run(&engine, &case.image), first, "{kernels}: a second run gives another answer");
    }
}

/// The largest of their absolute values.
pub fn largest<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    values.into_iter().fold(0.0, |largest, value| value.abs().max(largest))
}

/// Within the rounding of values up to the magnitude of the answer and, a little, of what it was computed from.
pub fn assert_agree(got: &[f32], expected: &[f32], magnitude: f32, name: &str) {
    assert_eq!(got.len(), expected.len(), "{name}");
    let tolerance = 5e-5 * largest(expected) + 5e-6 * magnitude.min(100.0);
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let difference = (got - expected).abs();
        assert!(difference <= tolerance, "{name}: value {i} is {got}, not {expected} (± {tolerance})");
    }
}
