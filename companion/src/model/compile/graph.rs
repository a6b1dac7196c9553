//! The network while it is compiled: operations over images, simpler than ONNX's and still apart.

use std::mem;

use jicho::engine::plan::{Activation, Operation, PoolKind, Window};

/// A node's place; it reads only nodes before it.
pub type Id = usize;

/// An image's extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Shape {
    /// One pixel.
    pub fn vector(channels: usize) -> Shape {
        Shape { height: 1, width: 1, channels }
    }

    /// Rows times columns.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// What a window makes of it, or `None` when it does not fit in.
    pub fn below(&self, window: &Window, channels: usize) -> Option<Shape> {
        let [top, left, bottom, right] = window.padding;
        let side = |axis: usize, input: usize, padding: usize| {
            Some((input + padding).checked_sub(reach(window, axis) + 1)? / window.stride[axis] + 1)
        };
        Some(Shape { height: side(0, self.height, top + bottom)?, width: side(1, self.width, left + right)?, channels })
    }
}

/// Rows or columns from a window's first value to its last.
pub fn reach(window: &Window, axis: usize) -> usize {
    (window.size[axis] - 1) * window.dilation[axis]
}

/// A window of one pixel at every pixel.
pub const POINT: Window = Window { size: [1, 1], stride: [1, 1], dilation: [1, 1], padding: [0; 4] };

/// Weights, row by row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// What is summed over.
    pub rows: usize,
    /// What comes out.
    pub columns: usize,
    /// `rows × columns`.
    pub values: Vec<f32>,
}

impl Matrix {
    /// All zero.
    pub fn zeros(rows: usize, columns: usize) -> Matrix {
        Matrix { rows, columns, values: vec![0.0; rows * columns] }
    }

    /// A row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// A row to write to.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.columns..][..self.columns]
    }
}

/// A convolution, of all channels or of each on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Where it lies.
    pub window: Window,
    /// Rows are (y, x, input channel), or (y, x) where each channel is on its own.
    pub weights: Matrix,
    /// One an output channel.
    pub bias: Vec<f32>,
    /// Applied last.
    pub activation: Activation,
}

/// What a node does with its inputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The image.
    Input,
    /// Over all channels. A second input is added before the activation.
    Conv(Filter),
    /// Each channel on its own.
    Depthwise(Filter),
    /// See [`PoolKind`].
    Pool { window: Window, kind: PoolKind },
    /// Over all pixels.
    Mean(Activation),
    /// The second input may be one pixel.
    Binary(Operation, Activation),
    /// By channel.
    Affine { scale: Vec<f32>, bias: Vec<f32>, activation: Activation },
    /// Alone.
    Activate(Activation),
    /// Channels of all inputs, one after another.
    Gather(Vec<usize>),
    /// Channel by channel to one pixel.
    Flatten(Activation),
    /// Over the channels of one pixel.
    Softmax,
    /// A margin (top, left, bottom, right) of one value. No step: it must go into what reads it.
    Pad { margin: [usize; 4], value: f32 },
    /// Nothing reads it any more.
    Gone,
}

/// No bound in [`Activation::Clamp`].
pub const UNBOUNDED: f32 = f32::MAX;

impl Op {
    /// The activation that it ends in, where it can have one.
    pub fn activation_mut(&mut self) -> Option<&mut Activation> {
        match self {
            Op::Conv(Filter { activation, .. })
            | Op::Depthwise(Filter { activation, .. })
            | Op::Mean(activation)
            | Op::Binary(_, activation)
            | Op::Affine { activation, .. }
            | Op::Activate(activation)
            | Op::Flatten(activation) => Some(activation),
            _ => None,
        }
    }

    /// The activation that it ends in.
    pub fn activation(&self) -> Activation {
        match self {
            Op::Conv(Filter { activation, .. })
            | Op::Depthwise(Filter { activation, .. })
            | Op::Mean(activation)
            | Op::Binary(_, activation)
            | Op::Affine { activation, .. }
            | Op::Activate(activation)
            | Op::Flatten(activation) => *activation,
            _ => Activation::None,
        }
    }

    /// Whether it has an activation's place, and that is free.
    pub fn is_linear(&self) -> bool {
        !matches!(self, Op::Pool { .. } | Op::Gather(_) | Op::Softmax | Op::Input | Op::Pad { .. } | Op::Gone)
            && self.activation() == Activation::None
    }
}

/// An operation with its place in the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What the ONNX or tract calls it.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<Id>,
    /// What it gives.
    pub shape: Shape,
}

/// A network in which nodes come after what they read.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// The first is the input.
    pub nodes: Vec<Node>,
    /// The answer.
    pub output: Id,
}

impl Graph {
    /// Appends a node.
    pub fn push(&mut self, name: &str, op: Op, inputs: Vec<Id>, shape: Shape) -> Id {
        self.nodes.push(Node { name: name.to_owned(), op, inputs, shape });
        self.nodes.len() - 1
    }

    /// A node's extent.
    pub fn shape(&self, id: Id) -> Shape {
        self.nodes[id].shape
    }

    /// How often each node is read; the output once more.
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.nodes.len()];
        uses[self.output] += 1;
        self.nodes.iter().flat_map(|n| &n.inputs).for_each(|i| uses[*i] += 1);
        uses
    }

    /// Lets everything that reads `from` read `to`, which comes before it.
    pub fn redirect(&mut self, from: Id, to: Id) {
        for input in self.nodes.iter_mut().flat_map(|n| &mut n.inputs).filter(|i| **i == from) {
            *input = to;
        }
        if self.output == from {
            self.output = to;
        }
    }

    /// Takes a node's operation away, which leaves it gone.
    pub fn take(&mut self, id: Id) -> (Op, Vec<Id>) {
        let node = &mut self.nodes[id];
        (mem::replace(&mut node.op, Op::Gone), mem::take(&mut node.inputs))
    }

    /// Puts an operation where another was.
    pub fn put(&mut self, id: Id, op: Op, inputs: Vec<Id>) {
        self.nodes[id].op = op;
        self.nodes[id].inputs = inputs;
    }

    /// Puts a gather of all channels between the input and what must find pixels padded like everywhere else.
    pub fn pad_input(&mut self) {
        let padded = |op: &Op, place: usize| match op {
            Op::Pool { .. } | Op::Depthwise(_) | Op::Pad { .. } | Op::Binary(..) => true,
            Op::Conv(_) => place > 0,
            _ => false,
        };
        let reads = |node: &Node| node.inputs.iter().enumerate().any(|(place, i)| *i == 0 && padded(&node.op, place));
        if !self.nodes.iter().any(reads) {
            return;
        }
        let Some(input) = self.nodes.first() else { return };
        let channels = Op::Gather((0..input.shape.channels).collect());
        let copy = Node { op: channels, inputs: vec![0], ..input.clone() };
        for node in &mut self.nodes {
            for (place, i) in node.inputs.iter_mut().enumerate() {
                *i = if *i == 0 { usize::from(padded(&node.op, place)) } else { *i + 1 };
            }
        }
        self.nodes.insert(1, copy);
        self.output += usize::from(self.output > 0);
    }

    /// Lets go of what nothing reads.
    pub fn sweep(&mut self) {
        let mut uses = self.uses();
        for id in (1..self.nodes.len()).rev() {
            if uses[id] == 0 {
                let (_, inputs) = self.take(id);
                inputs.iter().for_each(|i| uses[*i] -= 1);
            }
        }
    }
}
