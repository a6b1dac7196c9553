//! Products with a matrix of weights: dense layers, and convolutions of one pixel.

use jicho::engine::plan::{Activation, Window};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::einsum::EinSum;

use super::constant::Constant;
use super::{Lowered, Lowering};
use crate::model::compile::graph::{Filter, Matrix, Op, POINT, Shape};
use crate::model::compile::view::{Atom, Role, View, extent, places};

/// What a letter of the product does.
enum Letter {
    /// Summed: its digits in the image, its axis of the weights.
    Summed(Vec<Atom>, usize),
    /// Comes out of the weights: its axis of them, its axis of the output.
    New(usize, usize),
    /// Passes through: its digits in the image, its axis of the output.
    Kept(Vec<Atom>, usize),
}

impl Lowering<'_> {
    pub fn einsum(&mut self, node: &TypedNode, product: &EinSum) -> Lowered<View> {
        if product.q_params.is_some() || node.inputs.len() != 2 {
            return Err("it computes with integers".into());
        }
        let (slot, weights) = match (self.constant(node.inputs[0])?, self.constant(node.inputs[1])?) {
            (None, Some(weights)) => (0, weights),
            (Some(weights), None) => (1, weights),
            _ => return Err("it multiplies two computed matrices".into()),
        };
        let view = self.view(node.inputs[slot])?;
        let shape = self.shape(&view);
        let dims = self.dims(node.id.into())?;
        let letters = letters(product, slot, &view, &weights, &dims)?;

        let summed: Vec<Atom> = letters.iter().flat_map(Letter::summed).copied().collect();
        let covered = [Role::Row, Role::Column, Role::Channel].map(|role| extent(summed.iter(), role));
        let window = if covered == [1, 1, shape.channels] {
            POINT
        } else if covered == [shape.height, shape.width, shape.channels] {
            Window { size: [shape.height, shape.width], ..POINT }
        } else {
            return Err("it sums over a part of the channels, rows or columns".into());
        };
        let columns: usize = letters.iter().filter_map(Letter::axis_of_new).map(|(w, _)| weights.dims[w]).product();
        let after = shape.below(&window, columns).ok_or("its window is larger than its input")?;
        let matrix = matrix(&letters, &weights, &window, shape, columns);
        let filter = Filter { window, weights: matrix, bias: vec![0.0; columns], activation: Activation::None };
        let id = self.graph.push(&node.name, Op::Conv(filter), vec![view.id], after);

        let mut axes = vec![Vec::new(); dims.len()];
        let mut stride = columns;
        for letter in &letters {
            match letter {
                Letter::New(axis, to) if weights.dims[*axis] > 1 => {
                    stride /= weights.dims[*axis];
                    axes[*to] = vec![Atom { role: Role::Channel, size: weights.dims[*axis], stride }];
                }
                Letter::Kept(atoms, to) => axes[*to].clone_from(atoms),
                _ => {}
            }
        }
        Ok(View { id, axes })
    }
}

impl Letter {
    fn summed(&self) -> &[Atom] {
        if let Letter::Summed(atoms, _) = self { atoms } else { &[] }
    }

    fn axis_of_new(&self) -> Option<(usize, usize)> {
        if let Letter::New(axis, to) = self { Some((*axis, *to)) } else { None }
    }
}

/// The letters that have a size; those that come out of the weights in the order of the output's axes.
fn letters(product: &EinSum, slot: usize, view: &View, weights: &Constant, dims: &[usize]) -> Lowered<Vec<Letter>> {
    let sizes = view.dims();
    let mut letters = Vec::new();
    for axis in product.axes.iter_all_axes() {
        let one = |places: &[usize], dims: &[usize]| match places {
            [] => Ok(None),
            [place] if *place < dims.len() => Ok(Some(*place).filter(|p| dims[*p] != 1)),
            _ => Err("an axis appears in it twice"),
        };
        let read = one(&axis.inputs[slot], &sizes)?;
        let weight = one(&axis.inputs[1 - slot], &weights.dims)?;
        let written = one(&axis.outputs[0], dims)?;
        letters.push(match (read, weight, written) {
            (None, None, None) => continue,
            (Some(read), Some(weight), None) if sizes[read] == weights.dims[weight] => {
                Letter::Summed(view.axes[read].clone(), weight)
            }
            (Some(read), None, Some(written)) if sizes[read] == dims[written] => {
                Letter::Kept(view.axes[read].clone(), written)
            }
            (None, Some(weight), Some(written)) if weights.dims[weight] == dims[written] => {
                Letter::New(weight, written)
            }
            _ => return Err(format!("it is no product of an image with a matrix ({product:?})")),
        });
    }
    letters.sort_by_key(|letter| letter.axis_of_new().map_or(0, |(_, to)| to));
    Ok(letters)
}

fn matrix(letters: &[Letter], weights: &Constant, window: &Window, shape: Shape, columns: usize) -> Matrix {
    let steps: Vec<usize> = (0..weights.dims.len()).map(|axis| weights.dims[axis + 1..].iter().product()).collect();
    // Row of the matrix and offset in the weights, for all that is summed.
    let mut rows = vec![(0, 0)];
    for letter in letters {
        let Letter::Summed(atoms, axis) = letter else { continue };
        let places: Vec<usize> =
            places(atoms).iter().map(|p| (p[0] * window.size[1] + p[1]) * shape.channels + p[2]).collect();
        let step = steps[*axis];
        let finer = |(row, offset)| places.iter().enumerate().map(move |(i, place)| (row + place, offset + i * step));
        rows = rows.into_iter().flat_map(finer).collect();
    }
    let mut offsets = vec![0];
    for (axis, _) in letters.iter().filter_map(Letter::axis_of_new) {
        let (count, step) = (weights.dims[axis], steps[axis]);
        offsets = offsets.into_iter().flat_map(|offset| (0..count).map(move |i| offset + i * step)).collect();
    }
    let mut matrix = Matrix::zeros(rows.len(), columns);
    for (row, base) in rows {
        for (value, offset) in matrix.row_mut(row).iter_mut().zip(&offsets) {
            *value = weights.values[base + offset];
        }
    }
    matrix
}
