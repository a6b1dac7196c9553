//! A plan as it grows.

use half::f16;
use jicho::engine::plan::{LANES, Plan, Program, Step, Storage, Tensor, Unary, Weights};

use super::{Case, Choices, Limits, Random, steps};

/// What has been decided so far.
pub struct Builder<'c, 'a> {
    pub choices: &'c mut Choices<'a>,
    pub limits: Limits,
    pub tensors: Vec<Tensor>,
    pub steps: Vec<Step>,
    /// Of each tensor, whether all its values are at least [`LEAST`](super::steps::LEAST).
    pub positive: Vec<bool>,
    /// Tensors that later steps may read.
    pub live: Vec<usize>,
    data: Vec<u8>,
    random: Random,
}

/// A plan for an image of `side`, of the steps that `body` adds, and one that tells of all their last values.
pub fn case(choices: &mut Choices<'_>, limits: Limits, side: usize, body: impl FnOnce(&mut Builder<'_, '_>)) -> Case {
    let random = Random(choices.below(1 << 16) as u32);
    let input = Tensor { height: side, width: side, channels: 3, stride: 3, offset: choices.below(3) };
    let mut builder = Builder {
        choices,
        limits,
        tensors: vec![input],
        steps: Vec::new(),
        positive: vec![false],
        live: vec![0],
        data: Vec::new(),
        random,
    };
    body(&mut builder);
    let output = builder.answer();
    let image = (0..3 * side * side).map(|_| builder.random.signed()).collect();
    let Builder { choices, tensors, steps, data, .. } = builder;
    let end = tensors.iter().map(|t| t.offset + t.extent()).max().unwrap();
    let onnx = "0123456789abcdef".repeat(4);
    let program = Program { onnx, arena: end + choices.below(2), tensors, steps, output };
    Case { plan: Plan { program, data: data.into() }, image }
}

impl Builder<'_, '_> {
    /// Any tensor that may be read; of them, one whose pixels have the padding of outputs.
    pub fn source(&mut self, padded: bool) -> Option<usize> {
        let sources: Vec<usize> = self.live.iter().rev().copied().filter(|t| !padded || *t != 0).collect();
        (!sources.is_empty()).then(|| self.choices.of(&sources))
    }

    /// A tensor for an output, in the first place that is free.
    pub fn tensor(&mut self, height: usize, width: usize, channels: usize) -> usize {
        let stride = channels.next_multiple_of(LANES);
        let mut tensor = Tensor { height, width, channels, stride, offset: self.choices.below(2) };
        let mut taken: Vec<(usize, usize)> =
            self.live.iter().map(|t| self.tensors[*t]).map(|t| (t.offset, t.offset + t.extent())).collect();
        taken.sort_unstable();
        for (start, end) in taken {
            if tensor.offset + tensor.extent() <= start {
                break;
            }
            tensor.offset = tensor.offset.max(end);
        }
        self.tensors.push(tensor);
        self.positive.push(false);
        self.live.push(self.tensors.len() - 1);
        self.tensors.len() - 1
    }

    /// Some tensors are not needed any more: their place is free.
    pub fn forget(&mut self) {
        while self.live.len() > 1 && self.choices.below(3) == 1 {
            let index = self.choices.below(self.live.len() - 1);
            self.live.remove(index);
        }
    }

    /// The last step: one pixel that tells of all values, or of all pixels.
    fn answer(&mut self) -> usize {
        let last = self.tensors.len() - 1;
        let from = self.tensors[last];
        if from.pixels() == 1 && self.choices.below(2) == 0 {
            return last;
        }
        let flatten = self.choices.below(4) != 3;
        let output = self.tensor(1, 1, from.channels * if flatten { from.pixels() } else { 1 });
        let activation = steps::activation(self, last, output);
        let unary = Unary { input: last, output, activation };
        self.steps.push(if flatten { Step::Flatten(unary) } else { Step::Mean(unary) });
        output
    }

    /// Values between −1 and 1 times `scale`.
    pub fn floats(&mut self, count: usize, scale: f32) -> usize {
        let values: Vec<f32> = (0..count).map(|_| self.random.signed() * scale).collect();
        self.append(4, values.into_iter().flat_map(f32::to_le_bytes))
    }

    fn append(&mut self, alignment: usize, bytes: impl IntoIterator<Item = u8>) -> usize {
        self.data.resize(self.data.len().next_multiple_of(alignment), 0);
        let offset = self.data.len();
        self.data.extend(bytes);
        offset
    }

    /// A matrix, its values about as large as keeps sums of `rows` products near 1.
    pub fn weights(&mut self, rows: usize, columns: usize) -> Weights {
        let scale = (3.0 / rows as f32).sqrt();
        let kind = self.choices.below(3);
        let mut random = Random(self.random.next());
        let mut values = Vec::with_capacity(rows * columns.next_multiple_of(LANES));
        for panel in (0..columns).step_by(LANES) {
            for _ in 0..rows {
                values.extend((panel..panel + LANES).map(|c| if c < columns { random.signed() } else { 0.0 }));
            }
        }
        let bytes = |value: &f32| (*value * 127.0) as i8;
        match kind {
            0 => {
                let offset = self.append(4, values.iter().flat_map(|v| (v * scale).to_le_bytes()));
                Weights { offset, storage: Storage::F32 }
            }
            1 => {
                let offset = self.append(2, values.iter().flat_map(|v| f16::from_f32(v * scale).to_le_bytes()));
                Weights { offset, storage: Storage::F16 }
            }
            _ => {
                let offset = self.append(1, values.iter().map(|v| bytes(v).cast_unsigned()));
                let scales = self.floats(columns, scale / 64.0);
                Weights { offset, storage: Storage::I8 { scales } }
            }
        }
    }
}
