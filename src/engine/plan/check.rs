//! The checks of a plan. One that passes can be run without reading or writing outside its memory.

use super::{
    Activation, Affine, Binary, Bytes, Conv, Depthwise, Gather, LANES, LARGEST_BYTE, Plan, Pool, Step, Storage, Tensor,
    Unary,
};
use super::{Weights, Window, invalid};
use crate::error::Result;
use crate::manifest::MAX_IMAGE_SIZE;

/// The most values that the tensors may take together: 256 MiB.
pub const MAX_ARENA: usize = 1 << 26;
/// The most multiplications a run may take.
pub const MAX_MACS: u64 = 1 << 37;

/// The most weights and biases that all steps may have together.
const MAX_WEIGHTS: u64 = 1 << 28;
/// How many weights the steps may have for each byte of data: weights may share bytes, and a small file must not make a
/// device allocate much memory.
const MAX_SHARED: u64 = 4;
/// As many weights are allowed however little data there is.
const FREE_WEIGHTS: u64 = 1 << 16;

pub(super) const MAX_TENSORS: usize = 1 << 12;
pub(super) const MAX_CHANNELS: usize = 1 << 17;
const MAX_SIDE: usize = 1 << 14;
const MAX_KERNEL: usize = 1 << 10;
/// The most products of bytes in a sum: of as many, each at most 127 · 128, the sum is less than 2³¹.
const MAX_BYTE_ROWS: usize = 1 << 17;
/// The smallest and the largest scale of bytes, so that its inverse and products with it are finite.
const BYTE_SCALES: std::ops::RangeInclusive<f32> = 1e-12..=1e12;
/// Values that the arena may have past the last tensor.
const MAX_SLACK: usize = 64;

/// What running a step costs.
#[derive(Default)]
struct Cost {
    /// Multiplications, approximately.
    macs: u64,
    /// Weights and biases as the kernels read them.
    weights: u64,
}

impl Step {
    /// The tensors it reads.
    #[must_use]
    pub fn inputs(&self) -> Vec<usize> {
        match self {
            Step::Conv(Conv { input, residual, .. }) => std::iter::once(*input).chain(*residual).collect(),
            Step::Depthwise(Depthwise { input, .. })
            | Step::Pool(Pool { input, .. })
            | Step::Affine(Affine { input, .. })
            | Step::Mean(Unary { input, .. })
            | Step::Activate(Unary { input, .. })
            | Step::Flatten(Unary { input, .. })
            | Step::Softmax(Unary { input, .. }) => vec![*input],
            Step::Binary(Binary { left, right, .. }) => vec![*left, *right],
            Step::Gather(Gather { inputs, .. }) => inputs.clone(),
        }
    }

    /// The tensor it writes.
    #[must_use]
    pub fn output(&self) -> usize {
        match self {
            Step::Conv(Conv { output, .. })
            | Step::Depthwise(Depthwise { output, .. })
            | Step::Pool(Pool { output, .. })
            | Step::Binary(Binary { output, .. })
            | Step::Affine(Affine { output, .. })
            | Step::Gather(Gather { output, .. })
            | Step::Mean(Unary { output, .. })
            | Step::Activate(Unary { output, .. })
            | Step::Flatten(Unary { output, .. })
            | Step::Softmax(Unary { output, .. }) => *output,
        }
    }
}

impl Plan<'_> {
    /// # Errors
    /// [`crate::ErrorKind::InvalidModel`] names what is wrong.
    pub(super) fn check(&self) -> Result<()> {
        let program = &self.program;
        if program.onnx.len() != 64 || !program.onnx.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(invalid("`onnx` is not a SHA-256 in lower-case hex"));
        }
        if program.arena > MAX_ARENA {
            return Err(invalid(format_args!("it wants {} values of memory, at most {MAX_ARENA}", program.arena)));
        }
        if program.tensors.len() > MAX_TENSORS || program.steps.len() > MAX_TENSORS {
            return Err(invalid(format_args!("it has more than {MAX_TENSORS} tensors or steps")));
        }
        for (index, tensor) in program.tensors.iter().enumerate() {
            self.check_tensor(index, tensor)?;
        }
        let end = program.tensors.iter().map(|t| t.offset + t.extent()).max().unwrap_or(0);
        if program.arena > end + MAX_SLACK {
            return Err(invalid(format_args!("its tensors end at {end}, but it wants {} values", program.arena)));
        }
        let (Some(input), Some(output)) = (program.tensors.first(), program.tensors.get(program.output)) else {
            return Err(invalid("it has no input or no output"));
        };
        if input.height != input.width || input.channels != 3 || input.height > MAX_IMAGE_SIZE {
            return Err(invalid(format_args!("its input is no square image of up to {MAX_IMAGE_SIZE} pixels a side")));
        }
        if output.pixels() != 1 {
            return Err(invalid("its output is not one pixel"));
        }
        let mut written = vec![false; program.tensors.len()];
        written[0] = true;
        let mut total = Cost::default();
        let most = MAX_WEIGHTS.min(MAX_SHARED * self.data.len() as u64 + FREE_WEIGHTS);
        for (index, step) in program.steps.iter().enumerate() {
            let named = |e: crate::Error| e.context(format_args!("step {index}"));
            self.check_places(step, &mut written).map_err(named)?;
            let cost = self.check_step(step).map_err(named)?;
            total.macs = total.macs.saturating_add(cost.macs);
            total.weights = total.weights.saturating_add(cost.weights);
            if total.macs > MAX_MACS {
                return Err(invalid(format_args!("it takes more than {MAX_MACS} multiplications")));
            }
            if total.weights > most {
                return Err(invalid(format_args!("it takes more than {most} weights out of its data")));
            }
        }
        if !written[program.output] {
            return Err(invalid("no step writes its output"));
        }
        Ok(())
    }

    fn check_tensor(&self, index: usize, tensor: &Tensor) -> Result<()> {
        let Tensor { height, width, channels, stride, offset } = *tensor;
        let in_range = (1..=MAX_SIDE).contains(&height)
            && (1..=MAX_SIDE).contains(&width)
            && (1..=MAX_CHANNELS).contains(&channels);
        let fits = || {
            let expected = if index == 0 { channels } else { channels.next_multiple_of(LANES) };
            let end = product(&[height, width, expected]).and_then(|extent| offset.checked_add(extent));
            stride == expected && end.is_some_and(|end| end <= self.program.arena)
        };
        if !(in_range && fits()) {
            return Err(invalid(format_args!("tensor {index} ({tensor:?}) is impossible or outside the memory")));
        }
        Ok(())
    }

    /// Checks that each input was written before and shares no memory with the output. Tensors whose memory the output
    /// takes over are no longer readable.
    fn check_places(&self, step: &Step, written: &mut [bool]) -> Result<()> {
        let tensors = &self.program.tensors;
        let output = step.output();
        if output == 0 || output >= tensors.len() {
            return Err(invalid(format_args!("it writes tensor {output}")));
        }
        let range = |t: &Tensor| t.offset..t.offset + t.extent();
        let target = range(&tensors[output]);
        let shared = |t: &Tensor| range(t).start < target.end && target.start < range(t).end;
        for input in step.inputs() {
            if input >= tensors.len() || !written[input] {
                return Err(invalid(format_args!("it reads tensor {input}, which was not written or is overwritten")));
            }
            if shared(&tensors[input]) {
                return Err(invalid(format_args!("tensors {input} and {output} share memory")));
            }
        }
        written.iter_mut().zip(tensors).for_each(|(written, tensor)| *written &= !shared(tensor));
        written[output] = true;
        Ok(())
    }

    /// Checks the step's shapes and weights.
    fn check_step(&self, step: &Step) -> Result<Cost> {
        let tensor = |index: usize| &self.program.tensors[index];
        let to = tensor(step.output());
        let shapes = |fit: bool| if fit { Ok(()) } else { Err(invalid("its tensors' shapes do not fit")) };
        check_activation(step)?;
        let mut work = to.extent() as u64;
        let mut weights = 0;
        match step {
            Step::Conv(conv) => {
                let from = tensor(conv.input);
                shapes(fits(&conv.window, from, to))?;
                // The input image cannot be an output: its pixels have no padding.
                let like = |r: usize| tensor(r).same_shape(to) && tensor(r).stride == to.stride;
                shapes(conv.residual.is_none_or(like))?;
                let [top, left, bottom, right] = conv.window.padding;
                let padded = product(&[from.height + top + bottom, from.width + left + right, from.channels]);
                if padded.is_none_or(|count| count > MAX_ARENA) {
                    return Err(invalid(format_args!("its padded input has more than {MAX_ARENA} values")));
                }
                let rows = product(&[conv.window.size[0], conv.window.size[1], from.channels]);
                let rows = rows.ok_or_else(|| invalid("too many weights"))?;
                weights = self.check_weights(&conv.weights, rows, to.channels)? + to.stride as u64;
                self.check_floats(conv.bias, to.channels)?;
                if let Some(bytes) = conv.bytes {
                    self.check_bytes(bytes, &conv.weights, from, rows, to.channels)?;
                    weights += to.stride as u64;
                }
                work = work.saturating_mul(rows as u64);
            }
            Step::Depthwise(conv) => {
                let from = tensor(conv.input);
                shapes(fits(&conv.window, from, to) && from.channels == to.channels && from.stride == to.stride)?;
                let rows = conv.window.size[0] * conv.window.size[1];
                weights = self.check_weights(&conv.weights, rows, to.channels)? + to.stride as u64;
                self.check_floats(conv.bias, to.channels)?;
                work *= rows as u64;
            }
            Step::Pool(pool) => {
                let from = tensor(pool.input);
                let [top, left, bottom, right] = pool.window.padding;
                shapes(fits(&pool.window, from, to) && from.channels == to.channels && from.stride == to.stride)?;
                // Otherwise a window could lie in the padding alone, or the image could fall between two of its values.
                let meets = |axis: usize, side: usize, padding: usize| {
                    let dilation = pool.window.dilation[axis];
                    padding <= (pool.window.size[axis] - 1) * dilation && (padding == 0 || dilation <= side)
                };
                shapes(meets(0, from.height, top.max(bottom)) && meets(1, from.width, left.max(right)))?;
                work *= (pool.window.size[0] * pool.window.size[1]) as u64;
            }
            Step::Mean(mean) => {
                let from = tensor(mean.input);
                shapes(to.pixels() == 1 && from.channels == to.channels)?;
                work = from.extent() as u64;
            }
            Step::Binary(binary) => {
                let (left, right) = (tensor(binary.left), tensor(binary.right));
                shapes(left.same_shape(to) && left.stride == to.stride)?;
                shapes(right.same_shape(to) || (right.pixels() == 1 && right.channels == to.channels))?;
                shapes(right.stride == to.stride)?;
            }
            Step::Affine(affine) => {
                shapes(tensor(affine.input).same_shape(to))?;
                self.check_floats(affine.scale, to.channels)?;
                self.check_floats(affine.bias, to.channels)?;
                weights = 2 * to.stride as u64;
            }
            Step::Activate(unary) => shapes(tensor(unary.input).same_shape(to))?,
            Step::Gather(gather) => {
                let same = |i: &usize| (tensor(*i).height, tensor(*i).width) == (to.height, to.width);
                shapes(gather.inputs.len() <= MAX_TENSORS && gather.inputs.iter().all(same))?;
                let all: usize = gather.inputs.iter().map(|i| tensor(*i).channels).sum();
                shapes(gather.channels.len() == to.channels)?;
                shapes(gather.channels.iter().all(|c| *c < all))?;
                work += (gather.inputs.len() * gather.channels.len()) as u64;
            }
            Step::Flatten(unary) => {
                let from = tensor(unary.input);
                shapes(to.pixels() == 1 && from.pixels() * from.channels == to.channels)?;
            }
            Step::Softmax(unary) => shapes(to.pixels() == 1 && tensor(unary.input).same_shape(to))?,
        }
        Ok(Cost { macs: work, weights })
    }

    /// Checks that weights of this shape lie within the data, and returns how many values they are.
    fn check_weights(&self, weights: &Weights, rows: usize, columns: usize) -> Result<u64> {
        let count = rows.checked_mul(columns.next_multiple_of(LANES)).ok_or_else(|| invalid("too many weights"))?;
        let (size, alignment) = match weights.storage {
            Storage::F32 => (4, 4),
            Storage::F16 => (2, 2),
            Storage::I8 { scales } => {
                self.check_floats(scales, columns)?;
                (1, 1)
            }
        };
        self.check_range(weights.offset, count.checked_mul(size), alignment)?;
        Ok(count as u64)
    }

    /// Checks that a convolution can compute with bytes.
    fn check_bytes(&self, bytes: Bytes, weights: &Weights, from: &Tensor, rows: usize, columns: usize) -> Result<()> {
        let Storage::I8 { scales } = weights.storage else {
            return Err(invalid("it computes with bytes, but its weights are none"));
        };
        if !BYTE_SCALES.contains(&bytes.scale) || bytes.zero > LARGEST_BYTE {
            return Err(invalid(format_args!("its input cannot become bytes by {bytes:?}")));
        }
        // Whole groups of channels: there are no values without meaning between the bytes. The image has three.
        if !from.channels.is_multiple_of(LANES) || rows > MAX_BYTE_ROWS {
            return Err(invalid("it computes with bytes, but its input's channels are no multiple of 8, or too many"));
        }
        let mut scales = self.data[scales..][..4 * columns].as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
        if !scales.all(|scale| scale == 0.0 || BYTE_SCALES.contains(&scale)) {
            return Err(invalid("the scales of its weights are not positive, or out of all bounds"));
        }
        Ok(())
    }

    fn check_floats(&self, offset: usize, count: usize) -> Result<()> {
        self.check_range(offset, count.checked_mul(4), 4)
    }

    fn check_range(&self, offset: usize, bytes: Option<usize>, alignment: usize) -> Result<()> {
        let end = bytes.and_then(|bytes| offset.checked_add(bytes));
        if end.is_none_or(|end| end > self.data.len()) || !offset.is_multiple_of(alignment) {
            return Err(invalid(format_args!("its weights at {offset} are not within the data")));
        }
        Ok(())
    }
}

// In 64 bits: some of these products exceed 2³², where a `usize` ends in wasm.
fn product(factors: &[usize]) -> Option<usize> {
    factors.iter().try_fold(1usize, |product, factor| product.checked_mul(*factor))
}

/// Whether the output has the size that the window says.
fn fits(window: &Window, from: &Tensor, to: &Tensor) -> bool {
    let Window { size, stride, dilation, padding: [top, left, bottom, right] } = *window;
    let side = |axis: usize, input: usize, padding: [usize; 2]| {
        let sane = |v: usize| (1..=MAX_KERNEL).contains(&v);
        if !(sane(size[axis]) && sane(stride[axis]) && sane(dilation[axis]) && padding.iter().all(|p| *p <= MAX_KERNEL))
        {
            return None;
        }
        let reach = dilation[axis] * (size[axis] - 1) + 1;
        Some((input + padding[0] + padding[1]).checked_sub(reach)? / stride[axis] + 1)
    };
    side(0, from.height, [top, bottom]) == Some(to.height) && side(1, from.width, [left, right]) == Some(to.width)
}

fn check_activation(step: &Step) -> Result<()> {
    let activation = match step {
        Step::Conv(Conv { activation, .. })
        | Step::Depthwise(Depthwise { activation, .. })
        | Step::Binary(Binary { activation, .. })
        | Step::Affine(Affine { activation, .. })
        | Step::Mean(Unary { activation, .. })
        | Step::Activate(Unary { activation, .. })
        | Step::Flatten(Unary { activation, .. })
        | Step::Softmax(Unary { activation, .. }) => *activation,
        Step::Pool(_) | Step::Gather(_) => Activation::None,
    };
    let finite = match activation {
        Activation::Clamp(low, high) => low.is_finite() && high.is_finite() && low <= high,
        Activation::HardSigmoid(alpha, beta) => alpha.is_finite() && beta.is_finite(),
        Activation::LeakyRelu(alpha) => alpha.is_finite(),
        _ => true,
    };
    if finite { Ok(()) } else { Err(invalid(format_args!("its activation {activation:?} is impossible"))) }
}
