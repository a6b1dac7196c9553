//! One step of any kind.

use jicho::engine::plan::{
    Activation, Affine, Binary, Conv, Depthwise, Gather, Operation, Pool, PoolKind, Step, Tensor, Unary, Window,
};

use super::build::Builder;

/// Least value of what is divided by, or drawn a root of: near 0 both make small errors large.
pub const LEAST: f32 = 0.25;

pub fn step(b: &mut Builder<'_, '_>) {
    match b.choices.below(12) {
        0..=3 => conv(b),
        4..=5 => depthwise(b),
        6 => pool(b),
        7 => binary(b),
        8 => affine(b),
        9 => gather(b),
        10 => unary(b),
        _ => binary_with_one_pixel(b),
    }
}

/// Any activation; a root only where the values before it are not near 0.
pub fn activation(b: &mut Builder<'_, '_>, from: usize, output: usize) -> Activation {
    b.positive[output] = b.positive[from];
    let activation = fused_or_not(b);
    match activation {
        Activation::Sqrt if !b.positive[from] => Activation::None,
        Activation::None | Activation::Relu | Activation::Abs | Activation::LeakyRelu(_) | Activation::Sqrt => {
            activation
        }
        _ => {
            b.positive[output] = matches!(activation, Activation::Clamp(low, _) if low >= LEAST);
            activation
        }
    }
}

/// An activation of sums that may have any sign.
fn after_sums(b: &mut Builder<'_, '_>, output: usize) -> Activation {
    let activation = match fused_or_not(b) {
        Activation::Sqrt => Activation::None,
        other => other,
    };
    b.positive[output] = matches!(activation, Activation::Clamp(low, _) if low >= LEAST);
    activation
}

fn fused_or_not(b: &mut Builder<'_, '_>) -> Activation {
    b.choices.of(&[
        Activation::None,
        Activation::Relu,
        Activation::Clamp(0.0, 6.0),
        Activation::Clamp(LEAST, 4.0),
        Activation::Clamp(-0.5, 0.25),
        Activation::HardSwish,
        Activation::HardSigmoid(0.2, 0.5),
        Activation::HardSigmoid(1.0 / 6.0, 0.5),
        Activation::LeakyRelu(0.1),
        Activation::LeakyRelu(-0.5),
        Activation::Sigmoid,
        Activation::Silu,
        Activation::Tanh,
        Activation::Sqrt,
        Activation::Abs,
    ])
}

/// A window over an image. Padding grows where the image is too small.
fn window(b: &mut Builder<'_, '_>, input: usize, size: [usize; 2], stride: [usize; 2]) -> Window {
    let dilation = if b.choices.rarely(4) { [1 + b.choices.below(2), 1 + b.choices.below(2)] } else { [1, 1] };
    let mut padding = [0; 4];
    if b.choices.below(3) != 0 {
        padding = std::array::from_fn(|i| b.choices.below(size[i % 2] + 1).min(b.choices.below(4)));
    }
    let sides = [b.tensors[input].height, b.tensors[input].width];
    for axis in 0..2 {
        let reach = dilation[axis] * (size[axis] - 1) + 1;
        padding[axis] += reach.saturating_sub(sides[axis] + padding[axis] + padding[axis + 2]);
    }
    Window { size, stride, dilation, padding }
}

/// Rows and columns of what a window gives.
fn output(window: &Window, from: &Tensor) -> [usize; 2] {
    let Window { size, stride, dilation, padding } = *window;
    let sides = [from.height, from.width];
    std::array::from_fn(|axis| {
        let all = sides[axis] + padding[axis] + padding[axis + 2];
        (all - dilation[axis] * (size[axis] - 1) - 1) / stride[axis] + 1
    })
}

/// Kernels of 1 and 3 more often than others.
fn side(b: &mut Builder<'_, '_>) -> usize {
    b.choices.of(&[1, 3, 1, 2, 3, 4, 5, 6, 7])
}

fn sides(b: &mut Builder<'_, '_>) -> [usize; 2] {
    let height = side(b);
    [height, if b.choices.rarely(3) { side(b) } else { height }]
}

fn strides(b: &mut Builder<'_, '_>) -> [usize; 2] {
    let height = b.choices.of(&[1, 1, 2, 3]);
    [height, if b.choices.rarely(4) { b.choices.of(&[1, 2, 3]) } else { height }]
}

fn conv(b: &mut Builder<'_, '_>) {
    let input = b.source(false).unwrap();
    let from = b.tensors[input];
    let mut size = sides(b);
    while size[0] * size[1] * from.channels * from.pixels() > b.limits.macs && size != [1, 1] {
        size = size.map(|side| side.div_ceil(2));
    }
    let stride = strides(b);
    let window = window(b, input, size, stride);
    let [height, width] = output(&window, &from);
    let rows = size[0] * size[1] * from.channels;
    let most = (b.limits.macs / (rows * height * width)).clamp(1, b.limits.channels);
    let mut channels = 1 + b.choices.below(most);
    // A residual is of the output's shape: where there is one, the output takes its.
    let like = |t: &Tensor| (t.height, t.width) == (height, width) && t.channels <= most;
    let residuals: Vec<usize> = b.live.iter().copied().filter(|t| *t != 0 && like(&b.tensors[*t])).collect();
    let residual = (!residuals.is_empty() && b.choices.rarely(2)).then(|| b.choices.of(&residuals));
    if let Some(residual) = residual {
        channels = b.tensors[residual].channels;
    }
    convolve(b, input, window, channels, residual);
}

/// Appends a convolution over all channels.
pub fn convolve(
    b: &mut Builder<'_, '_>,
    input: usize,
    window: Window,
    channels: usize,
    residual: Option<usize>,
) -> usize {
    let from = b.tensors[input];
    let [height, width] = output(&window, &from);
    let rows = window.size[0] * window.size[1] * from.channels;
    let (weights, bias) = (b.weights(rows, channels), b.floats(channels, 0.5));
    let output = b.tensor(height, width, channels);
    let activation = after_sums(b, output);
    b.steps.push(Step::Conv(Conv { input, output, window, weights, bias, residual, activation, bytes: None }));
    output
}

fn depthwise(b: &mut Builder<'_, '_>) {
    let Some(input) = b.source(true) else { return conv(b) };
    let (size, stride) = if b.choices.below(2) == 0 {
        let (size, stride) = b.choices.of(&[(3, 1), (3, 2), (5, 1), (5, 2)]);
        ([size; 2], [stride; 2])
    } else {
        (sides(b), strides(b))
    };
    let window = window(b, input, size, stride);
    convolve_each(b, input, window);
}

/// Appends a convolution of each channel on its own.
pub fn convolve_each(b: &mut Builder<'_, '_>, input: usize, window: Window) -> usize {
    let from = b.tensors[input];
    let [height, width] = output(&window, &from);
    let (weights, bias) = (b.weights(window.size[0] * window.size[1], from.channels), b.floats(from.channels, 0.5));
    let output = b.tensor(height, width, from.channels);
    let activation = after_sums(b, output);
    b.steps.push(Step::Depthwise(Depthwise { input, output, window, weights, bias, activation }));
    output
}

fn pool(b: &mut Builder<'_, '_>) {
    let Some(input) = b.source(true) else { return conv(b) };
    let from = b.tensors[input];
    let (size, stride) = (sides(b), strides(b));
    let mut window = window(b, input, size, stride);
    // Every window needs a value of the image.
    for (axis, side) in [from.height, from.width].into_iter().enumerate() {
        window.dilation[axis] = window.dilation[axis].min(side);
        let reach = (window.size[axis] - 1) * window.dilation[axis];
        window.padding[axis] = window.padding[axis].min(reach);
        window.padding[axis + 2] = window.padding[axis + 2].min(reach);
    }
    let kind = b.choices.of(&[PoolKind::Max, PoolKind::Mean, PoolKind::PaddedMean]);
    let [height, width] = output(&window, &from);
    let output = b.tensor(height, width, from.channels);
    b.positive[output] = b.positive[input] && kind != PoolKind::PaddedMean;
    b.steps.push(Step::Pool(Pool { input, output, window, kind }));
}

fn binary(b: &mut Builder<'_, '_>) {
    let Some(left) = b.source(true) else { return conv(b) };
    let to = b.tensors[left];
    let likes: Vec<usize> = b.live.iter().copied().filter(|t| *t != 0 && b.tensors[*t].same_shape(&to)).collect();
    let right = b.choices.of(&likes);
    join(b, left, right);
}

/// As squeeze-excite does: the mean of an image meets each of its pixels.
fn binary_with_one_pixel(b: &mut Builder<'_, '_>) {
    let Some(left) = b.source(true) else { return conv(b) };
    let right = b.tensor(1, 1, b.tensors[left].channels);
    let activation = activation(b, left, right);
    b.steps.push(Step::Mean(Unary { input: left, output: right, activation }));
    join(b, left, right);
}

fn join(b: &mut Builder<'_, '_>, left: usize, right: usize) {
    let operations =
        [Operation::Add, Operation::Subtract, Operation::Multiply, Operation::Min, Operation::Max, Operation::Divide];
    let operation = b.choices.of(&operations[..if b.positive[right] { 6 } else { 5 }]);
    let to = b.tensors[left];
    let output = b.tensor(to.height, to.width, to.channels);
    let activation = after_sums(b, output);
    b.steps.push(Step::Binary(Binary { left, right, output, operation, activation }));
}

fn affine(b: &mut Builder<'_, '_>) {
    let input = b.source(false).unwrap();
    let to = b.tensors[input];
    let (scale, bias) = (b.floats(to.channels, 1.5), b.floats(to.channels, 0.5));
    let output = b.tensor(to.height, to.width, to.channels);
    let activation = after_sums(b, output);
    b.steps.push(Step::Affine(Affine { input, output, scale, bias, activation }));
}

/// Concatenation, slices, shuffles, or any channels at all.
fn gather(b: &mut Builder<'_, '_>) {
    let first = b.source(false).unwrap();
    let to = b.tensors[first];
    let like = |t: &Tensor| (t.height, t.width) == (to.height, to.width);
    let likes: Vec<usize> = b.live.iter().copied().filter(|t| like(&b.tensors[*t])).collect();
    let mut inputs = vec![first];
    while inputs.len() < 3 && b.choices.below(2) == 1 {
        inputs.push(b.choices.of(&likes));
    }
    let all: usize = inputs.iter().map(|t| b.tensors[*t].channels).sum();
    let channels: Vec<usize> = match b.choices.below(4) {
        0 => (0..all).collect(),
        1 => {
            let start = b.choices.below(all);
            (start..start + 1 + b.choices.below(all - start)).collect()
        }
        2 => {
            let groups = 1 + b.choices.below(4);
            (0..groups).flat_map(|g| (g..all).step_by(groups)).collect()
        }
        _ => (0..=b.choices.below(b.limits.channels)).map(|_| b.choices.below(all)).collect(),
    };
    let output = b.tensor(to.height, to.width, channels.len());
    b.positive[output] = inputs.iter().all(|t| b.positive[*t]);
    b.steps.push(Step::Gather(Gather { inputs, output, channels }));
}

fn unary(b: &mut Builder<'_, '_>) {
    let input = b.source(false).unwrap();
    let from = b.tensors[input];
    let kind = b.choices.below(4);
    let kind = if kind == 3 && from.pixels() != 1 { 0 } else { kind };
    let output = match kind {
        0 | 3 => b.tensor(from.height, from.width, from.channels),
        1 => b.tensor(1, 1, from.channels),
        _ => b.tensor(1, 1, from.channels * from.pixels()),
    };
    // A softmax's values may be as small as they like.
    let activation = if kind == 3 { after_sums(b, output) } else { activation(b, input, output) };
    let unary = Unary { input, output, activation };
    b.steps.push(match kind {
        0 => Step::Activate(unary),
        1 => Step::Mean(unary),
        2 => Step::Flatten(unary),
        _ => Step::Softmax(unary),
    });
}
