//! A compiled network: fused steps over tensors whose places in memory are already decided.
//!
//! The companion compiles an ONNX network into a plan; a device loads it without parser or optimiser. [`file`] reads and
//! writes the bytes, [`check`] has the checks, and docs/formats/plan.md describes the format for other programs.
//!
//! Every tensor is one image, `height × width × channels`, rows of pixels of channels (NHWC). A pixel takes
//! `stride` values; those past `channels` are padding without meaning.

mod bounded;
mod check;
mod file;
#[doc(hidden)]
pub mod reference;

use serde::{Deserialize, Serialize};

pub use check::{MAX_ARENA, MAX_MACS};
use check::{MAX_CHANNELS, MAX_TENSORS};
pub use file::{BYTES_VERSION, MAGIC, VERSION, format};

use crate::error::{Error, ErrorKind};

/// Padding of channels: the width that every kernel may read and write at once.
pub const LANES: usize = 8;

/// The largest byte that a value can become: with 7 bits, two products with weights of 8 bits fit into 16.
pub const LARGEST_BYTE: u8 = 127;

/// A network ready to run: its steps and its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<'a> {
    /// The steps.
    pub program: Program,
    /// Weights and biases, at the offsets that the steps name.
    pub data: std::borrow::Cow<'a, [u8]>,
}

/// The steps of a network and the tensors between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Lower-case hex of the SHA-256 of the ONNX file that it was compiled from.
    pub onnx: String,
    /// Values in the memory that all tensors share.
    pub arena: usize,
    /// The first is the input image: `size × size × 3`.
    #[serde(deserialize_with = "bounded::list::<_, _, MAX_TENSORS>")]
    pub tensors: Vec<Tensor>,
    /// In the order they run.
    #[serde(deserialize_with = "bounded::list::<_, _, MAX_TENSORS>")]
    pub steps: Vec<Step>,
    /// The tensor that is the answer: `1 × 1 × n`.
    pub output: usize,
}

/// A tensor's shape and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Values from one pixel to the next: 3 for the input image, else the channels, padded to a multiple of [`LANES`].
    pub stride: usize,
    /// Its first value in the arena.
    pub offset: usize,
}

/// So many channels with their padding.
pub(crate) fn padded(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

impl Tensor {
    /// Pixels.
    #[must_use]
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Values it takes in the arena.
    #[must_use]
    pub fn extent(&self) -> usize {
        self.pixels() * self.stride
    }

    /// Whether two tensors have as many rows, columns and channels.
    #[must_use]
    pub fn same_shape(&self, other: &Tensor) -> bool {
        (self.height, self.width, self.channels) == (other.height, other.width, other.channels)
    }
}

/// One fused operation. Tensors are named by their index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Convolution over all channels, with bias, and a tensor of the output's shape added before the activation. It may
    /// compute with bytes: see [`Bytes`].
    Conv(Conv),
    /// Convolution of each channel on its own, with bias.
    Depthwise(Depthwise),
    /// Largest or mean value below a window.
    Pool(Pool),
    /// Mean over all pixels.
    Mean(Unary),
    /// Two tensors, value by value; `right` may be one pixel, which then meets every pixel of `left`.
    Binary(Binary),
    /// Each channel times a scale plus a bias.
    Affine(Affine),
    /// A function of each value.
    Activate(Unary),
    /// Channels gathered from several tensors: concatenation, slices, shuffles.
    Gather(Gather),
    /// All values of an image as channels of one pixel, channel by channel (ONNX's order).
    Flatten(Unary),
    /// Softmax over the channels of one pixel.
    Softmax(Unary),
}

/// See [`Step::Conv`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Image read.
    pub input: usize,
    /// Image written.
    pub output: usize,
    /// Where the kernel lies.
    pub window: Window,
    /// `rows × channels`, where rows are (y, x, input channel) and channels those of the output: see [`Weights`].
    pub weights: Weights,
    /// Offset of as many `f32` as the output has channels.
    pub bias: usize,
    /// Added before the activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual: Option<usize>,
    /// Applied last.
    pub activation: Activation,
    /// How its input becomes bytes, where it computes with them: the weights are then stored as bytes too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Bytes>,
}

/// How values of a tensor become bytes of 7 bits for one convolution: `x ÷ scale + zero`, at least 0 and at most 127,
/// rounded to the nearest whole number, of two equally near ones to the even one. The convolution sums products of these
/// bytes with the weights' as whole numbers, exactly, and the sum becomes a value again by the scales of both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    /// The distance of two values that neighbouring bytes stand for.
    pub scale: f32,
    /// The byte that stands for 0, and for what lies outside the image.
    pub zero: u8,
}

/// See [`Step::Depthwise`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Depthwise {
    /// Image read.
    pub input: usize,
    /// Image written, of as many channels.
    pub output: usize,
    /// Where the kernel lies.
    pub window: Window,
    /// `rows × channels`, where rows are (y, x).
    pub weights: Weights,
    /// Offset of as many `f32` as there are channels.
    pub bias: usize,
    /// Applied last.
    pub activation: Activation,
}

/// A kernel's size and where it lies over an image. The output has
/// `(input + padding before + padding after − dilation·(size − 1) − 1) / stride + 1` rows, and columns likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Rows, columns.
    pub size: [usize; 2],
    /// Between outputs: rows, columns.
    pub stride: [usize; 2],
    /// Between values of the kernel: rows, columns.
    pub dilation: [usize; 2],
    /// Zeros around the input: top, left, bottom, right. (A pool leaves them out.)
    pub padding: [usize; 4],
}

/// A matrix of weights. Stored in panels of [`LANES`] columns, the last filled up with zeros: panel by panel, row by
/// row, the values of the panel's columns next to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// First byte in the data.
    pub offset: usize,
    /// How each value is stored.
    pub storage: Storage,
}

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// Signed bytes; the column's scale, one `f32` each at this offset, times the byte is the weight.
    I8 {
        /// First byte of the scales, as many as the output has channels.
        scales: usize,
    },
}

/// See [`Step::Pool`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Image read.
    pub input: usize,
    /// Image written, of as many channels.
    pub output: usize,
    /// Where the window lies.
    pub window: Window,
    /// What it computes.
    pub kind: PoolKind,
}

/// What a pool computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolKind {
    /// The largest value.
    Max,
    /// The mean of the values within the image.
    Mean,
    /// The sum of the values within the image, divided by the window's size.
    PaddedMean,
}

/// A step with one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unary {
    /// Tensor read.
    pub input: usize,
    /// Tensor written.
    pub output: usize,
    /// Applied last.
    #[serde(default)]
    pub activation: Activation,
}

/// See [`Step::Binary`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binary {
    /// Tensor read, of the output's shape.
    pub left: usize,
    /// Tensor read, of the output's shape or one pixel of as many channels.
    pub right: usize,
    /// Tensor written.
    pub output: usize,
    /// What is computed.
    pub operation: Operation,
    /// Applied last.
    pub activation: Activation,
}

/// What a [`Binary`] computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// left + right
    Add,
    /// left − right
    Subtract,
    /// left · right
    Multiply,
    /// left ÷ right
    Divide,
    /// The smaller.
    Min,
    /// The larger.
    Max,
}

/// See [`Step::Affine`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// Tensor read.
    pub input: usize,
    /// Tensor written, of the same shape.
    pub output: usize,
    /// Offset of one `f32` a channel.
    pub scale: usize,
    /// Offset of one `f32` a channel.
    pub bias: usize,
    /// Applied last.
    pub activation: Activation,
}

/// See [`Step::Gather`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gather {
    /// Tensors read, each of as many pixels as the output.
    #[serde(deserialize_with = "bounded::list::<_, _, MAX_TENSORS>")]
    pub inputs: Vec<usize>,
    /// Tensor written.
    pub output: usize,
    /// For each channel of the output, which channel it is of all inputs' channels one after another.
    #[serde(deserialize_with = "bounded::list::<_, _, MAX_CHANNELS>")]
    pub channels: Vec<usize>,
}

/// A function of one value, x.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// x
    #[default]
    None,
    /// max(x, 0)
    Relu,
    /// x, at least the first and at most the second
    Clamp(f32, f32),
    /// x · max(0, min(1, x/6 + ½))
    HardSwish,
    /// max(0, min(1, αx + β)): α, β
    HardSigmoid(f32, f32),
    /// x where positive, else αx
    LeakyRelu(f32),
    /// 1 ÷ (1 + e⁻ˣ)
    Sigmoid,
    /// x ÷ (1 + e⁻ˣ)
    Silu,
    /// tanh x
    Tanh,
    /// √x
    Sqrt,
    /// |x|
    Abs,
}

fn invalid(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidModel, format!("the plan cannot be used: {message}"))
}
