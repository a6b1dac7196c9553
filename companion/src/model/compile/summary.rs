//! What a plan consists of, in words and numbers.

use std::collections::BTreeMap;

use jicho::engine::plan::{Activation, Plan, Program, Step, Tensor, Window};
use serde::Serialize;

/// What a plan consists of.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Steps by their kind.
    pub kinds: BTreeMap<&'static str, usize>,
    /// All steps, in words.
    #[serde(skip)]
    pub steps: Vec<String>,
    /// The file's size.
    pub bytes: usize,
    /// Memory that all tensors share, bytes.
    pub arena: usize,
    /// Multiplications of a run.
    pub multiplications: u64,
    /// SHA-256 of the ONNX file.
    pub onnx: String,
}

/// Sums a plan up.
pub fn summary(plan: &Plan, bytes: usize) -> Summary {
    let Program { onnx, arena, steps, .. } = &plan.program;
    let mut kinds = BTreeMap::new();
    steps.iter().for_each(|step| *kinds.entry(kind(step)).or_default() += 1);
    Summary {
        kinds,
        steps: steps.iter().map(|step| in_words(step, &plan.program)).collect(),
        bytes,
        arena: 4 * arena,
        multiplications: steps.iter().map(|step| multiplications(step, &plan.program.tensors)).sum(),
        onnx: onnx.clone(),
    }
}

fn kind(step: &Step) -> &'static str {
    match step {
        Step::Conv(_) => "conv",
        Step::Depthwise(_) => "depthwise",
        Step::Pool(_) => "pool",
        Step::Mean(_) => "mean",
        Step::Binary(_) => "binary",
        Step::Affine(_) => "affine",
        Step::Activate(_) => "activate",
        Step::Gather(_) => "gather",
        Step::Flatten(_) => "flatten",
        Step::Softmax(_) => "softmax",
    }
}

fn multiplications(step: &Step, tensors: &[Tensor]) -> u64 {
    let to = &tensors[step.output()];
    let each = match step {
        Step::Conv(conv) => conv.window.size[0] * conv.window.size[1] * tensors[conv.input].channels,
        Step::Depthwise(conv) => conv.window.size[0] * conv.window.size[1],
        _ => 0,
    };
    (to.pixels() * to.channels * each) as u64
}

/// As `conv 3×3/2 0 (224×224×3) → 1 (112×112×32) relu`.
fn in_words(step: &Step, program: &Program) -> String {
    let named = |index: &usize| {
        let Tensor { height, width, channels, .. } = program.tensors[*index];
        format!("{index} ({height}×{width}×{channels})")
    };
    let inputs: Vec<String> = step.inputs().iter().map(named).collect();
    let window = match step {
        Step::Conv(conv) if conv.bytes.is_some() => format!("{} with bytes", shown(&conv.window)),
        Step::Conv(conv) => shown(&conv.window),
        Step::Depthwise(conv) => shown(&conv.window),
        Step::Pool(pool) => format!("{} {:?}", shown(&pool.window), pool.kind).to_lowercase(),
        Step::Binary(binary) => format!(" {:?}", binary.operation).to_lowercase(),
        _ => String::new(),
    };
    let activation = match step {
        Step::Conv(conv) => conv.activation,
        Step::Depthwise(conv) => conv.activation,
        Step::Binary(binary) => binary.activation,
        Step::Affine(affine) => affine.activation,
        Step::Mean(unary) | Step::Activate(unary) | Step::Flatten(unary) => unary.activation,
        Step::Pool(_) | Step::Gather(_) | Step::Softmax(_) => Activation::None,
    };
    let activation = match activation {
        Activation::None => String::new(),
        other => format!(" {other:?}").to_lowercase(),
    };
    format!("{}{window} {} → {}{activation}", kind(step), inputs.join(", "), named(&step.output()))
}

fn shown(window: &Window) -> String {
    let ([height, width], [down, across]) = (window.size, window.stride);
    let stride = if down == across { down.to_string() } else { format!("{down}×{across}") };
    format!(" {height}×{width}/{stride}")
}
