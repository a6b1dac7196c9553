//! Sums and extremes over rows, columns or channels.

use jicho::engine::plan::{Activation, Operation, PoolKind, Window};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};

use super::{Lowered, Lowering};
use crate::model::compile::graph::{Filter, Matrix, Op, POINT, Shape};
use crate::model::compile::view::{Atom, Role, View, extent};

impl Lowering<'_> {
    pub fn reduce(&mut self, node: &TypedNode, reduce: &Reduce) -> Lowered<View> {
        let mut view = self.view(node.inputs[0])?;
        let shape = self.shape(&view);
        let mut reduced: Vec<Atom> = Vec::new();
        for axis in &reduce.axes {
            reduced.extend(std::mem::take(view.axes.get_mut(*axis).ok_or("it has no such axis")?));
        }
        let [rows, columns, channels] = [Role::Row, Role::Column, Role::Channel].map(|r| extent(reduced.iter(), r));
        if channels != 1 && (rows, columns, channels) == (1, 1, shape.channels) && reduce.reducer == Reducer::Sum {
            return Ok(self.sum_of_channels(node, view));
        }
        let whole = |reduced: usize, all: usize| reduced == 1 || reduced == all;
        if channels != 1 || !whole(rows, shape.height) || !whole(columns, shape.width) {
            return Err("it goes over a part of the channels, rows or columns".into());
        }
        let window = Window { size: [rows, columns], ..POINT };
        let after = Shape { height: shape.height / rows, width: shape.width / columns, ..shape };
        let count = (rows * columns) as f32;
        let mut pool = |view: View, kind| {
            let id = self.graph.push(&node.name, Op::Pool { window, kind }, vec![view.id], after);
            View { id, axes: view.axes }
        };
        match reduce.reducer {
            Reducer::Max => Ok(pool(view, PoolKind::Max)),
            Reducer::Sum => {
                let mean = pool(view, PoolKind::Mean);
                Ok(self.scaled(node, mean, count))
            }
            Reducer::Min => {
                let negative = self.scaled(node, view, -1.0);
                let id =
                    self.graph.push(&node.name, Op::Pool { window, kind: PoolKind::Max }, vec![negative.id], after);
                Ok(self.scaled(node, View { id, ..negative }, -1.0))
            }
            Reducer::MeanOfSquares => {
                let square = Op::Binary(Operation::Multiply, Activation::None);
                let id = self.graph.push(&node.name, square, vec![view.id, view.id], shape);
                let pool = Op::Pool { window, kind: PoolKind::Mean };
                let id = self.graph.push(&node.name, pool, vec![id], after);
                Ok(View { id, ..view })
            }
            _ => Err(format!("plans do not reduce by {:?}", reduce.reducer)),
        }
    }

    /// A product with ones.
    fn sum_of_channels(&mut self, node: &TypedNode, view: View) -> View {
        let shape = self.shape(&view);
        let ones = Matrix { rows: shape.channels, columns: 1, values: vec![1.0; shape.channels] };
        let filter = Filter { window: POINT, weights: ones, bias: vec![0.0], activation: Activation::None };
        let id = self.graph.push(&node.name, Op::Conv(filter), vec![view.id], Shape { channels: 1, ..shape });
        View { id, ..view }
    }

    /// Each value times a number.
    pub fn scaled(&mut self, node: &TypedNode, view: View, scale: f32) -> View {
        let channels = self.shape(&view).channels;
        let (scale, bias) = (vec![scale; channels], vec![0.0; channels]);
        self.over(node, Op::Affine { scale, bias, activation: Activation::None }, view)
    }
}
