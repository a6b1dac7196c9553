//! Constants of the network.

use tract_onnx::prelude::*;

use super::{Lowered, text};
use crate::model::compile::graph::Shape;
use crate::model::compile::view::{Role, View, places};

/// A constant as floats.
pub struct Constant {
    /// Sizes of its axes.
    pub dims: Vec<usize>,
    /// In row-major order.
    pub values: Vec<f32>,
}

impl Constant {
    pub fn read(tensor: &Tensor) -> Lowered<Constant> {
        let floats = tensor.cast_to::<f32>().map_err(text)?;
        let ram = floats.try_as_plain_ram().map_err(text)?;
        let values = ram.as_slice::<f32>().map_err(text)?.to_vec();
        if values.iter().any(|v| v.is_nan()) {
            return Err("a constant of it is not a number".into());
        }
        Ok(Constant { dims: tensor.shape().to_vec(), values })
    }

    /// The only value there is, however often.
    pub fn uniform(&self) -> Option<f32> {
        let first = *self.values.first()?;
        self.values.iter().all(|v| *v == first).then_some(first)
    }

    /// A value for each channel of the image below `view`, against which the constant is broadcast.
    pub fn by_channel(&self, view: &View, shape: Shape) -> Lowered<Vec<f32>> {
        if self.dims.len() != view.axes.len() || self.dims.iter().zip(view.dims()).any(|(c, d)| *c != 1 && *c != d) {
            return Err(format!("a constant of shape {:?} does not broadcast to {:?}", self.dims, view.dims()));
        }
        if let Some(value) = self.uniform() {
            return Ok(vec![value; shape.channels]);
        }
        let split = |varies: bool| {
            let axes = view.axes.iter().zip(&self.dims).filter(move |(_, d)| (**d != 1) == varies);
            axes.flat_map(|(axis, _)| axis.clone()).collect::<Vec<_>>()
        };
        let mut rest = split(false);
        rest.retain(|atom| atom.role == Role::Channel);
        let rest = places(&rest);
        let mut found: Vec<Option<f32>> = vec![None; shape.channels];
        for (place, value) in places(&split(true)).into_iter().zip(&self.values) {
            for other in &rest {
                let slot = &mut found[place[2] + other[2]];
                if slot.is_some_and(|v| v != *value) {
                    return Err("a constant of it differs from pixel to pixel".into());
                }
                *slot = Some(*value);
            }
        }
        found.into_iter().collect::<Option<_>>().ok_or_else(|| "a constant of it misses channels".into())
    }
}
