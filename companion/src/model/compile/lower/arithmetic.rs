//! Sums, products and functions of single values.

use jicho::engine::plan::{Activation, Operation};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::math::{
    Abs, Add, Div, Max, Min, Mul, Neg, Pow, PowConst, Recip, Rsqrt, Sqrt, Square, Sub, SubF, Tanh,
};
use tract_onnx::tract_core::ops::nn::{HardSwish, LeakyRelu, Sigmoid, Silu};

use super::constant::Constant;
use super::{Lowered, Lowering};
use crate::model::compile::graph::{Op, Shape, UNBOUNDED};
use crate::model::compile::view::{Role, View};

impl Lowering<'_> {
    pub fn unary(&mut self, node: &TypedNode, op: &ElementWiseOp) -> Lowered<View> {
        let view = self.view(node.inputs[0])?;
        let op = &*op.0;
        let activation = if op.is::<Sigmoid>() {
            Activation::Sigmoid
        } else if op.is::<HardSwish>() {
            Activation::HardSwish
        } else if op.is::<Silu>() {
            Activation::Silu
        } else if op.is::<Tanh>() {
            Activation::Tanh
        } else if op.is::<Sqrt>() {
            Activation::Sqrt
        } else if op.is::<Abs>() {
            Activation::Abs
        } else if let Some(leaky) = op.downcast_ref::<LeakyRelu>() {
            Activation::LeakyRelu(leaky.alpha)
        } else if op.is::<Neg>() {
            return Ok(self.scaled(node, view, -1.0));
        } else if op.is::<Square>() || op.downcast_ref::<PowConst>().is_some_and(|pow| pow.exponent == 2.0) {
            return Ok(self.square(node, view));
        } else if op.is::<Recip>() {
            return Ok(self.reciprocal(node, view));
        } else if op.is::<Rsqrt>() {
            let root = self.over(node, Op::Activate(Activation::Sqrt), view);
            return Ok(self.reciprocal(node, root));
        } else {
            return Err("plans do not compute this function".into());
        };
        Ok(self.over(node, Op::Activate(activation), view))
    }

    pub fn binary(&mut self, node: &TypedNode, op: &TypedBinOp) -> Lowered<View> {
        let [left, right] = node.inputs[..] else { return Err("it has not two inputs".into()) };
        let op = &*op.0;
        match (self.constant(left)?, self.constant(right)?) {
            (None, None) => {
                let (left, right) = (self.view(left)?, self.view(right)?);
                let (operation, left, right) = if op.is::<Add>() {
                    (Operation::Add, left, right)
                } else if op.is::<Sub>() {
                    (Operation::Subtract, left, right)
                } else if op.is::<SubF>() {
                    (Operation::Subtract, right, left)
                } else if op.is::<Mul>() {
                    (Operation::Multiply, left, right)
                } else if op.is::<Div>() {
                    (Operation::Divide, left, right)
                } else if op.is::<Min>() {
                    (Operation::Min, left, right)
                } else if op.is::<Max>() {
                    (Operation::Max, left, right)
                } else {
                    return Err("plans do not combine tensors so".into());
                };
                self.combine(node, operation, left, right)
            }
            (Some(constant), None) => {
                let view = self.view(right)?;
                // A constant on the left of what does not commute.
                if op.is::<Sub>() {
                    let negative = self.scaled(node, view, -1.0);
                    return self.affine(node, negative, &constant, |c| (1.0, c));
                }
                if op.is::<Div>() {
                    let reciprocal = self.reciprocal(node, view);
                    return self.affine(node, reciprocal, &constant, |c| (c, 0.0));
                }
                if op.is::<SubF>() {
                    return self.affine(node, view, &constant, |c| (1.0, -c));
                }
                if op.is::<Pow>() {
                    return Err("plans do not compute this function".into());
                }
                self.with_constant(node, op, view, &constant)
            }
            (None, Some(constant)) => {
                let view = self.view(left)?;
                if op.is::<SubF>() {
                    let negative = self.scaled(node, view, -1.0);
                    return self.affine(node, negative, &constant, |c| (1.0, c));
                }
                self.with_constant(node, op, view, &constant)
            }
            _ => Err("both its inputs are constant".into()),
        }
    }

    fn with_constant(
        &mut self,
        node: &TypedNode,
        op: &dyn tract_onnx::tract_core::ops::binary::BinMiniOp,
        view: View,
        constant: &Constant,
    ) -> Lowered<View> {
        if op.is::<Add>() {
            return self.affine(node, view, constant, |c| (1.0, c));
        }
        if op.is::<Sub>() {
            return self.affine(node, view, constant, |c| (1.0, -c));
        }
        if op.is::<Mul>() {
            return self.affine(node, view, constant, |c| (c, 0.0));
        }
        if op.is::<Div>() {
            return self.affine(node, view, constant, |c| (1.0 / c, 0.0));
        }
        let shape = self.shape(&view);
        constant.by_channel(&view, shape)?;
        let one = constant.uniform().ok_or("its bound differs from channel to channel");
        let activation = if op.is::<Max>() {
            Activation::Clamp(one?.clamp(-UNBOUNDED, UNBOUNDED), UNBOUNDED)
        } else if op.is::<Min>() {
            Activation::Clamp(-UNBOUNDED, one?.clamp(-UNBOUNDED, UNBOUNDED))
        } else if op.is::<Pow>() && one? == 2.0 {
            return Ok(self.square(node, view));
        } else if op.is::<Pow>() && one? == 0.5 {
            Activation::Sqrt
        } else {
            return Err("plans do not combine tensors so".into());
        };
        Ok(self.over(node, Op::Activate(activation), view))
    }

    /// `x · scale + bias`, as told by the constant's value of each channel.
    fn affine(
        &mut self,
        node: &TypedNode,
        view: View,
        constant: &Constant,
        line: impl Fn(f32) -> (f32, f32),
    ) -> Lowered<View> {
        let values = constant.by_channel(&view, self.shape(&view))?;
        let (scale, bias) = values.into_iter().map(line).unzip();
        Ok(self.over(node, Op::Affine { scale, bias, activation: Activation::None }, view))
    }

    fn square(&mut self, node: &TypedNode, view: View) -> View {
        let shape = self.shape(&view);
        let op = Op::Binary(Operation::Multiply, Activation::None);
        View { id: self.graph.push(&node.name, op, vec![view.id, view.id], shape), axes: view.axes }
    }

    /// One, which is nothing of the tensor plus one, divided by it.
    fn reciprocal(&mut self, node: &TypedNode, view: View) -> View {
        let shape = self.shape(&view);
        let (scale, bias) = (vec![0.0; shape.channels], vec![1.0; shape.channels]);
        let ones = self.over(node, Op::Affine { scale, bias, activation: Activation::None }, view.clone());
        let op = Op::Binary(Operation::Divide, Activation::None);
        View { id: self.graph.push(&node.name, op, vec![ones.id, view.id], shape), axes: view.axes }
    }

    /// Value by value; either may be one pixel, or of one channel.
    fn combine(&mut self, node: &TypedNode, operation: Operation, left: View, right: View) -> Lowered<View> {
        let (left, right) = self.alike(node, left, right)?;
        let (a, b) = (self.shape(&left), self.shape(&right));
        let (operation, left, right) = if a == b || b.pixels() == 1 {
            (operation, left, right)
        } else if a.pixels() == 1 {
            match operation {
                Operation::Add | Operation::Multiply | Operation::Min | Operation::Max => (operation, right, left),
                Operation::Subtract => (Operation::Add, self.scaled(node, right, -1.0), left),
                Operation::Divide => (Operation::Multiply, self.reciprocal(node, right), left),
            }
        } else {
            return Err(format!("its inputs are {a:?} and {b:?}"));
        };
        let shape = self.shape(&left);
        let op = Op::Binary(operation, Activation::None);
        Ok(View { id: self.graph.push(&node.name, op, vec![left.id, right.id], shape), axes: left.axes })
    }

    /// Both with their channels in the same order, and as many of them.
    fn alike(&mut self, node: &TypedNode, left: View, right: View) -> Lowered<(View, View)> {
        if left.axes.len() != right.axes.len() {
            return Err("its inputs have different axes".into());
        }
        if fits(&left, &right) {
            return Ok((left, right));
        }
        let (left, right) = (self.ordered(&node.name, &left)?, self.ordered(&node.name, &right)?);
        if fits(&left, &right) {
            return Ok((left, right));
        }
        let (a, b) = (self.shape(&left).channels, self.shape(&right).channels);
        let (left, right) = match (a, b) {
            (1, _) => (self.repeated(node, &left, &right)?, right),
            (_, 1) => (left.clone(), self.repeated(node, &right, &left)?),
            _ => (left, right),
        };
        if fits(&left, &right) { Ok((left, right)) } else { Err("its inputs have different axes".into()) }
    }

    /// The only channel as often as the other has channels.
    fn repeated(&mut self, node: &TypedNode, view: &View, like: &View) -> Lowered<View> {
        let shape = Shape { channels: self.shape(like).channels, ..self.shape(view) };
        let op = Op::Gather(vec![0; shape.channels]);
        let mut axes = view.axes.clone();
        for i in like.axes_of(Role::Channel).ok_or("channels and pixels share an axis")? {
            axes[i].clone_from(&like.axes[i]);
        }
        Ok(View { id: self.graph.push(&node.name, op, vec![view.id], shape), axes })
    }
}

/// Whether each axis is the same in both, or of size 1 in one and of rows or columns in the other.
fn fits(left: &View, right: &View) -> bool {
    let spread = |narrow: &View, wide: &View| {
        narrow
            .axes
            .iter()
            .zip(&wide.axes)
            .all(|(n, w)| n == w || (n.is_empty() && w.iter().all(|a| a.role != Role::Channel)))
    };
    spread(left, right) || spread(right, left)
}
