//! Convolutions and pools.

use jicho::engine::plan::{Activation, PoolKind, Window};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::{Pad, PadMode};
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, MaxPool, PaddingSpec, PoolSpec, SumPool};
use tract_onnx::tract_core::ops::downsample::Downsample;
use tract_onnx::tract_core::ops::nn::DataFormat;

use super::constant::Constant;
use super::{Lowered, Lowering, text};
use crate::model::compile::graph::{Filter, Matrix, Op, POINT, Shape, reach};
use crate::model::compile::view::{Role, View, places, whole};

/// Up to here a convolution of several groups becomes one over all channels, with zeros between the groups.
const FEW_CHANNELS: usize = 16;
const MAX_GROUPS: usize = 64;

impl Lowering<'_> {
    pub fn conv(&mut self, node: &TypedNode, conv: &Conv) -> Lowered<View> {
        if conv.q_params.is_some() {
            return Err("it computes with integers".into());
        }
        let (view, shape, window, order) = self.windowed(node, &conv.pool_spec)?;
        let (inputs, outputs, groups) = (conv.input_channels(), conv.output_channels(), conv.group);
        let kernel = self.constant(node.inputs[1])?.ok_or("its weights are not constant")?;
        let kernel = Kernel::new(kernel, conv, &window)?;
        let bias = self.constant(node.inputs[2])?.ok_or("its bias is not constant")?.values;
        let bias = match bias[..] {
            [one] => vec![one; outputs],
            _ if bias.len() == outputs => bias,
            _ => return Err("its bias has another length than its output".into()),
        };
        let below = |channels| shape.below(&window, channels).ok_or("its window is larger than its input");
        let after = below(outputs)?;
        let filter = |weights, bias| Filter { window, weights, bias, activation: Activation::None };
        let id = if groups == 1 || (inputs / groups < FEW_CHANNELS && groups < inputs && groups <= 8) {
            let weights = kernel.dense(0..outputs, |input| order[input], inputs);
            self.graph.push(&node.name, Op::Conv(filter(weights, bias)), vec![view.id], after)
        } else if groups == inputs {
            // With several outputs per input, each input is repeated before.
            let times = outputs / inputs;
            let (mut from, mut places) = (view.id, order.clone());
            if times > 1 {
                let repeated = (0..outputs).map(|output| order[output / times]).collect();
                let shape = Shape { channels: outputs, ..shape };
                from = self.graph.push(&node.name, Op::Gather(repeated), vec![from], shape);
                places = (0..outputs).collect();
            }
            let weights = kernel.by_channel(&places);
            let mut placed = vec![0.0; outputs];
            bias.into_iter().zip(&places).for_each(|(value, place)| placed[*place] = value);
            let id = self.graph.push(&node.name, Op::Depthwise(filter(weights, placed)), vec![from], after);
            if times == 1 {
                let axes = self.windowed_axes(&conv.pool_spec, &view, after);
                return Ok(View { id, axes });
            }
            id
        } else if groups <= MAX_GROUPS {
            let (read, written) = (inputs / groups, outputs / groups);
            let mut parts = Vec::with_capacity(groups);
            for group in 0..groups {
                let channels = order[group * read..][..read].to_vec();
                let part = Shape { channels: read, ..shape };
                let part = self.graph.push(&node.name, Op::Gather(channels), vec![view.id], part);
                let range = group * written..(group + 1) * written;
                let weights = kernel.dense(range.clone(), |input| input - group * read, read);
                let op = Op::Conv(filter(weights, bias[range].to_vec()));
                parts.push(self.graph.push(&node.name, op, vec![part], below(written)?));
            }
            self.graph.push(&node.name, Op::Gather((0..outputs).collect()), parts, after)
        } else {
            return Err(format!("it has {groups} groups of {} channels", inputs / groups));
        };
        Ok(View::plain(id, after, &roles(conv.pool_spec.data_format)))
    }

    pub fn max_pool(&mut self, node: &TypedNode, pool: &MaxPool) -> Lowered<View> {
        if pool.with_index_outputs.is_some() {
            return Err("it gives indices as well".into());
        }
        self.pool(node, &pool.pool_spec, PoolKind::Max)
    }

    pub fn sum_pool(&mut self, node: &TypedNode, pool: &SumPool) -> Lowered<View> {
        let spec = &pool.pool_spec;
        let (_, shape, window, _) = self.windowed(node, spec)?;
        let [_, _, bottom, right] = window.padding;
        let kind = match &spec.padding {
            _ if window.padding == [0; 4] || (pool.normalize && !pool.count_include_pad) => PoolKind::Mean,
            // What lies past the end of the padding is not counted.
            PaddingSpec::ExplicitOnnxPool(before, after, true)
                if pool.normalize && (bottom > after[0] || right > after[1]) =>
            {
                if before.iter().chain(after).any(|p| *p > 0) {
                    return Err("it counts its padding, and its last window lies past the end of that".into());
                }
                PoolKind::Mean
            }
            _ => PoolKind::PaddedMean,
        };
        let view = self.pool(node, spec, kind)?;
        if pool.normalize {
            return Ok(view);
        }
        let count = (window.size[0] * window.size[1]) as f32;
        let affine = Op::Affine {
            scale: vec![count; shape.channels],
            bias: vec![0.0; shape.channels],
            activation: Activation::None,
        };
        Ok(self.over(node, affine, view))
    }

    fn pool(&mut self, node: &TypedNode, spec: &PoolSpec, kind: PoolKind) -> Lowered<View> {
        let (view, shape, window, _) = self.windowed(node, spec)?;
        let [top, left, bottom, right] = window.padding;
        if top.max(bottom) > reach(&window, 0) || left.max(right) > reach(&window, 1) {
            return Err("a window of it lies in the padding alone".into());
        }
        let after = shape.below(&window, shape.channels).ok_or("its window is larger than its input")?;
        let id = self.graph.push(&node.name, Op::Pool { window, kind }, vec![view.id], after);
        let axes = self.windowed_axes(spec, &view, after);
        Ok(View { id, axes })
    }

    pub fn downsample(&mut self, node: &TypedNode, downsample: &Downsample) -> Lowered<View> {
        let mut view = self.view(node.inputs[0])?;
        let shape = self.shape(&view);
        let stride = usize::try_from(downsample.stride).map_err(|_| "it runs backwards")?;
        let axis = view.axes.get(downsample.axis).ok_or("it has no such axis")?.clone();
        if axis.iter().all(|a| a.role == Role::Channel) {
            let indices = (downsample.modulo..super::super::view::size(&axis)).step_by(stride).collect();
            return self.arrange(&node.name, &[(view, indices)], downsample.axis);
        }
        let role = if axis == whole(Role::Row, shape) { Role::Row } else { Role::Column };
        if downsample.modulo != 0 || axis != whole(role, shape) || stride == 0 {
            return Err("it takes some rows or columns in a way that plans do not".into());
        }
        let mut window = POINT;
        window.stride[role as usize] = stride;
        let after = shape.below(&window, shape.channels).ok_or("its window is larger than its input")?;
        view.axes[downsample.axis] = whole(role, after);
        view.id = self.graph.push(&node.name, Op::Pool { window, kind: PoolKind::Max }, vec![view.id], after);
        Ok(view)
    }

    pub fn pad(&mut self, node: &TypedNode, pad: &Pad) -> Lowered<View> {
        let mut view = self.view(node.inputs[0])?;
        let shape = self.shape(&view);
        let PadMode::Constant(value) = &pad.mode else { return Err("it pads with pixels of the image".into()) };
        let value = Constant::read(value)?.uniform().ok_or("it pads with nothing")?;
        let mut margin = [0; 4];
        let mut after = shape;
        for (axis, (before, behind)) in pad.pads.iter().copied().enumerate().filter(|(_, p)| *p != (0, 0)) {
            let role = [Role::Row, Role::Column]
                .into_iter()
                .find(|role| view.axes.get(axis) == Some(&whole(*role, shape)) && !view.axes[axis].is_empty())
                .ok_or("it pads other axes than rows and columns")?;
            (margin[role as usize], margin[role as usize + 2]) = (before, behind);
            match role {
                Role::Row => after.height += before + behind,
                _ => after.width += before + behind,
            }
            view.axes[axis] = whole(role, after);
        }
        view.id = self.graph.push(&node.name, Op::Pad { margin, value }, vec![view.id], after);
        Ok(view)
    }

    /// The input of a node with a window: its view, its shape, the window over it, and which channel of the image each
    /// of its channels is.
    fn windowed(&self, node: &TypedNode, spec: &PoolSpec) -> Lowered<(View, Shape, Window, Vec<usize>)> {
        let view = self.view(node.inputs[0])?;
        let shape = self.shape(&view);
        let [rows, columns, channels] = axes(spec.data_format);
        if spec.rank() != 2 || view.axes.len() != 3 + usize::from(spec.data_format.has_n()) {
            return Err("it has no rows and columns".into());
        }
        if !view.has_image(shape, rows, columns, channels) {
            return Err("its input is no image of rows, columns and channels".into());
        }
        let computed = spec.computed_padding(&[shape.height, shape.width]);
        let mut window = Window { size: [1; 2], ..POINT };
        for axis in 0..2 {
            let (size, stride, dilation) = (spec.kernel_shape[axis], spec.stride(axis), spec.dilation(axis));
            if size == 0 || stride == 0 || dilation == 0 || computed[axis].convoluted == 0 {
                return Err("its window is empty".into());
            }
            (window.size[axis], window.stride[axis], window.dilation[axis]) = (size, stride, dilation);
            let before = computed[axis].pad_before;
            let input = if axis == 0 { shape.height } else { shape.width };
            let end = (computed[axis].convoluted - 1) * stride + reach(&window, axis) + 1;
            window.padding[axis] = before;
            // Only what the last window reaches, so that every way to round the output's size is the same.
            window.padding[axis + 2] = end.saturating_sub(input + before);
        }
        let expected =
            Shape { height: computed[0].convoluted, width: computed[1].convoluted, channels: shape.channels };
        if shape.below(&window, shape.channels) != Some(expected) {
            return Err("its windows lie in a way that plans do not have".into());
        }
        let order = places(&view.axes[channels]).iter().map(|p| p[2]).collect();
        Ok((view, shape, window, order))
    }

    /// The axes after a window that leaves the channels as they are.
    fn windowed_axes(&self, spec: &PoolSpec, view: &View, after: Shape) -> Vec<Vec<crate::model::compile::view::Atom>> {
        let [rows, columns, _] = axes(spec.data_format);
        let mut axes = view.axes.clone();
        axes[rows] = whole(Role::Row, after);
        axes[columns] = whole(Role::Column, after);
        axes
    }
}

/// Which axes are rows, columns, channels.
fn axes(format: DataFormat) -> [usize; 3] {
    match format {
        DataFormat::NCHW => [2, 3, 1],
        DataFormat::CHW => [1, 2, 0],
        DataFormat::NHWC => [1, 2, 3],
        DataFormat::HWC => [0, 1, 2],
    }
}

fn roles(format: DataFormat) -> Vec<Option<Role>> {
    let mut roles = vec![None; 3 + usize::from(format.has_n())];
    let [rows, columns, channels] = axes(format);
    (roles[rows], roles[columns], roles[channels]) = (Some(Role::Row), Some(Role::Column), Some(Role::Channel));
    roles
}

/// A convolution's weights, in any order of axes.
struct Kernel {
    values: Vec<f32>,
    /// Steps from one output channel, input channel, row, column to the next.
    strides: [usize; 4],
    format: KernelFormat,
    size: [usize; 2],
    /// Input and output channels of a group.
    group: [usize; 2],
}

impl Kernel {
    fn new(constant: Constant, conv: &Conv, window: &Window) -> Lowered<Kernel> {
        let (groups, [height, width]) = (conv.group, window.size);
        let (inputs, outputs) = (conv.input_channels(), conv.output_channels());
        if groups == 0 || !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) || outputs == 0 {
            return Err(text("its channels do not divide into its groups"));
        }
        let group = [inputs / groups, outputs / groups];
        // OIHW counts the outputs of all groups, the others the inputs.
        let (expected, strides) = match conv.kernel_fmt {
            KernelFormat::OIHW => {
                let plane = height * width;
                ([outputs, group[0], height, width], [group[0] * plane, plane, width, 1])
            }
            KernelFormat::HWIO => {
                ([height, width, inputs, group[1]], [1, group[1], width * inputs * group[1], inputs * group[1]])
            }
            KernelFormat::OHWI => {
                ([group[1], height, width, inputs], [height * width * inputs, 1, width * inputs, inputs])
            }
        };
        if constant.dims != expected {
            return Err(format!("its weights have shape {:?}", constant.dims));
        }
        Ok(Kernel { values: constant.values, strides, format: conv.kernel_fmt, size: window.size, group })
    }

    fn at(&self, output: usize, input_in_group: usize, y: usize, x: usize) -> f32 {
        let group = output / self.group[1];
        let (output, input) = match self.format {
            KernelFormat::OIHW => (output, input_in_group),
            KernelFormat::HWIO | KernelFormat::OHWI => (output % self.group[1], group * self.group[0] + input_in_group),
        };
        let [o, i, h, w] = self.strides;
        self.values[output * o + input * i + y * h + x * w]
    }

    /// Over all of `channels` inputs; `place` says which channel an input is.
    fn dense(&self, outputs: std::ops::Range<usize>, place: impl Fn(usize) -> usize, channels: usize) -> Matrix {
        let [height, width] = self.size;
        let mut matrix = Matrix::zeros(height * width * channels, outputs.len());
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            for (column, output) in outputs.clone().enumerate() {
                for input in 0..self.group[0] {
                    let channel = place(output / self.group[1] * self.group[0] + input);
                    let row = (y * width + x) * channels + channel;
                    matrix.row_mut(row)[column] = self.at(output, input, y, x);
                }
            }
        }
        matrix
    }

    /// Each channel on its own; output `i` is channel `places[i]`.
    fn by_channel(&self, places: &[usize]) -> Matrix {
        let [height, width] = self.size;
        let mut matrix = Matrix::zeros(height * width, places.len());
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            for (output, place) in places.iter().enumerate() {
                matrix.row_mut(y * width + x)[*place] = self.at(output, 0, y, x);
            }
        }
        matrix
    }
}
