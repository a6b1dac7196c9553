//! Runs compiled plans with Jicho's own kernels.

mod run;
mod weights;

use std::sync::{Mutex, PoisonError};

use super::kernels::{self, Kernels};
use super::plan::{Activation, Plan, Step, Tensor};
use super::{Engine, plan};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Layout;
use weights::Parameters;

/// A plan ready to run: its weights laid out for this processor. Runs from several threads do not wait for each other.
pub struct CompiledEngine {
    kernels: Kernels,
    tensors: Vec<Tensor>,
    steps: Vec<Ready>,
    floats: Parameters<f32>,
    /// Weights that are multiplied as bytes.
    words: Parameters<i32>,
    arena: usize,
    /// How many single values, and how many words of bytes, a step needs beside the arena.
    scratch: (usize, usize),
    output: usize,
    /// Memory of runs that ended, for the next ones.
    memories: Mutex<Vec<Memory>>,
}

/// A step with its weights' places among the parameters.
struct Ready {
    step: Step,
    weights: usize,
    /// Of a convolution with bytes alone.
    scale: usize,
    bias: usize,
    /// Applied by a pass after the step.
    pass: Activation,
    /// What a gather copies.
    runs: Vec<(usize, usize, usize, usize)>,
}

struct Memory {
    arena: Vec<f32>,
    scratch: Vec<f32>,
    words: Vec<i32>,
}

impl CompiledEngine {
    /// Reads and checks a whole plan, then lays its weights out for this processor.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`] names what is wrong with it; [`ErrorKind::Unsupported`] when it does not fit into
    /// memory.
    pub fn load(plan: &[u8]) -> Result<Self> {
        Self::new(&Plan::parse(plan)?)
    }

    /// As [`CompiledEngine::load`], from a plan that was parsed before.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when it does not fit into memory.
    pub fn new(plan: &Plan<'_>) -> Result<Self> {
        Self::with_kernels(plan, Kernels::best())
    }

    /// The names of all kernels that this processor can run, the fastest first.
    #[must_use]
    pub fn kernels() -> Vec<&'static str> {
        Kernels::all().iter().map(|k| k.name).collect()
    }

    /// As [`CompiledEngine::load`], with kernels by their name instead of the fastest.
    ///
    /// # Errors
    /// As [`CompiledEngine::load`]; [`ErrorKind::InvalidArgument`] where this processor has no such kernels.
    pub fn load_with(plan: &[u8], kernels: &str) -> Result<Self> {
        let found = Kernels::all().into_iter().find(|k| k.name == kernels);
        let missing = || Error::new(ErrorKind::InvalidArgument, format!("no kernels `{kernels}` on this processor"));
        Self::with_kernels(&Plan::parse(plan)?, found.ok_or_else(missing)?)
    }

    fn with_kernels(plan: &Plan<'_>, kernels: Kernels) -> Result<Self> {
        let (mut floats, mut words) = weights::reserve(plan, &kernels)?;
        let program = &plan.program;
        let tensors = &program.tensors;
        let steps = program.steps.iter().map(|step| prepare(step, plan, &kernels, &mut floats, &mut words));
        let steps = steps.collect::<Result<_>>()?;
        let scratch = program.steps.iter().map(|step| run::scratch(step, tensors));
        let (of_bytes, of_floats): (Vec<_>, Vec<_>) = scratch.partition(|(bytes, _)| *bytes);
        let most = |sizes: Vec<(bool, usize)>| sizes.into_iter().map(|(_, size)| size).max().unwrap_or(0);
        let scratch = (most(of_floats), most(of_bytes).div_ceil(kernels.depth));
        Ok(CompiledEngine {
            kernels,
            tensors: tensors.clone(),
            steps,
            floats,
            words,
            arena: program.arena,
            scratch,
            output: program.output,
            memories: Mutex::default(),
        })
    }

    fn memory(&self) -> Result<Memory> {
        let used = self.memories.lock().unwrap_or_else(PoisonError::into_inner).pop();
        used.map_or_else(
            || {
                let (floats, words) = self.scratch;
                let (arena, scratch) = (weights::zeros(self.arena)?, weights::zeros(floats)?);
                Ok(Memory { arena, scratch, words: weights::zeros(words)? })
            },
            Ok,
        )
    }
}

fn prepare(
    step: &Step,
    plan: &Plan<'_>,
    kernels: &Kernels,
    parameters: &mut Parameters<f32>,
    words: &mut Parameters<i32>,
) -> Result<Ready> {
    let tensors = &plan.program.tensors;
    let channels = tensors[step.output()].channels;
    let mut ready =
        Ready { step: step.clone(), weights: 0, scale: 0, bias: 0, pass: Activation::None, runs: Vec::new() };
    let pass = |activation: &mut Activation, fuses: bool| {
        if fuses && kernels::is_fused(*activation) { Activation::None } else { std::mem::take(activation) }
    };
    match &mut ready.step {
        Step::Conv(conv) => {
            let rows = conv.window.size[0] * conv.window.size[1] * tensors[conv.input].channels;
            if let Some(bytes) = conv.bytes {
                let room = kernels.bytes.panel_columns(plan::padded(channels));
                ready.weights = words.panels(plan, &conv.weights, rows, channels, kernels);
                (ready.scale, ready.bias) = parameters.rescale(plan, conv, bytes, rows, channels, room);
            } else {
                let room = kernels.floats.panel_columns(plan::padded(channels));
                ready.weights = parameters.panels(plan, &conv.weights, rows, channels, kernels)?;
                ready.bias = parameters.floats(plan, conv.bias, channels, room);
            }
            ready.pass = pass(&mut conv.activation, true);
        }
        Step::Depthwise(conv) => {
            let rows = conv.window.size[0] * conv.window.size[1];
            ready.weights = parameters.rows(plan, &conv.weights, rows, channels)?;
            ready.bias = parameters.floats(plan, conv.bias, channels, plan::padded(channels));
            ready.pass = pass(&mut conv.activation, true);
        }
        Step::Affine(affine) => {
            ready.weights = parameters.floats(plan, affine.scale, channels, plan::padded(channels));
            ready.bias = parameters.floats(plan, affine.bias, channels, plan::padded(channels));
            ready.pass = pass(&mut affine.activation, false);
        }
        Step::Binary(binary) => ready.pass = pass(&mut binary.activation, false),
        Step::Mean(unary) | Step::Activate(unary) | Step::Flatten(unary) | Step::Softmax(unary) => {
            ready.pass = pass(&mut unary.activation, false);
        }
        Step::Gather(gather) => ready.runs = run::runs(gather, tensors),
        Step::Pool(_) => {}
    }
    Ok(ready)
}

impl CompiledEngine {
    /// As [`Engine::run`]; shows the values of every tensor once they are written, with the tensor's index.
    ///
    /// # Errors
    /// As [`Engine::run`].
    #[doc(hidden)]
    pub fn run_observed(
        &self,
        fill: &mut dyn FnMut(Layout, &mut [f32]),
        mut see: impl FnMut(usize, &[f32]),
    ) -> Result<Vec<f32>> {
        let mut memory = self.memory()?;
        let input = &self.tensors[0];
        fill(Layout::Nhwc, &mut memory.arena[input.offset..][..input.extent()]);
        for ready in &self.steps {
            self.step(ready, &mut memory);
            let written = ready.step.output();
            see(written, &memory.arena[self.tensors[written].offset..][..self.tensors[written].extent()]);
        }
        let output = &self.tensors[self.output];
        let values = memory.arena[output.offset..][..output.channels].to_vec();
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        match values.iter().find(|v| !v.is_finite()) {
            Some(bad) => Err(Error::new(ErrorKind::InvalidModel, format!("the network failed: it gives {bad}"))),
            None => Ok(values),
        }
    }
}

impl Engine for CompiledEngine {
    fn run(&self, fill: &mut dyn FnMut(Layout, &mut [f32])) -> Result<Vec<f32>> {
        self.run_observed(fill, |_, _| {})
    }

    fn name(&self) -> &'static str {
        self.kernels.name
    }

    fn input_size(&self) -> usize {
        self.tensors[0].height
    }

    fn output_len(&self) -> usize {
        self.tensors[self.output].channels
    }
}
