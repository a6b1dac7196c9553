//! Axes that change places, and channels that are gathered: concatenations, slices, shuffles.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use tract_onnx::tract_core::ops::array::{Gather, Slice};
use tract_onnx::tract_core::ops::change_axes::AxisOp;

use super::{Lowered, Lowering};
use crate::model::compile::graph::{Op, Shape};
use crate::model::compile::view::{Atom, Role, View, places, size};

impl Lowering<'_> {
    pub fn change_axes(&self, node: &TypedNode, change: &AxisOp) -> Lowered<View> {
        let mut view = self.view(node.inputs[0])?;
        let rank = view.axes.len();
        let known = |axis: usize, limit: usize| if axis < limit { Ok(axis) } else { Err("it has no such axis") };
        match change {
            AxisOp::Add(axis) => view.axes.insert(known(*axis, rank + 1)?, Vec::new()),
            AxisOp::Rm(axis) => {
                if !view.axes.remove(known(*axis, rank)?).is_empty() {
                    return Err("it removes an axis of several values".into());
                }
            }
            AxisOp::Move(from, to) => {
                let axis = view.axes.remove(known(*from, rank)?);
                view.axes.insert(known(*to, rank)?, axis);
            }
            AxisOp::Reshape(at, from, to) => {
                let to: Option<Vec<usize>> = to.iter().map(|d| d.to_usize().ok()).collect();
                let to = to.ok_or("its shape is not known beforehand")?;
                view.reshape(*at, from.len(), &to).ok_or("it reshapes an image to one of other rows and columns")?;
            }
        }
        Ok(view)
    }

    pub fn concat(&mut self, node: &TypedNode, axis: usize) -> Lowered<View> {
        let mut parts = Vec::with_capacity(node.inputs.len());
        for input in &node.inputs {
            let view = self.view(*input)?;
            let all = (0..size(view.axes.get(axis).ok_or("it has no such axis")?)).collect();
            parts.push((view, all));
        }
        self.arrange(&node.name, &parts, axis)
    }

    pub fn slice(&mut self, node: &TypedNode, slice: &Slice) -> Lowered<View> {
        let view = self.view(node.inputs[0])?;
        let (Ok(start), Ok(end)) = (slice.start.to_usize(), slice.end.to_usize()) else {
            return Err("its ends are not known beforehand".into());
        };
        if end > view.axes.get(slice.axis).map_or(0, |axis| size(axis)) {
            return Err("it ends past its input".into());
        }
        self.arrange(&node.name, &[(view, (start..end).collect())], slice.axis)
    }

    pub fn gather(&mut self, node: &TypedNode, gather: &Gather) -> Lowered<View> {
        let view = self.view(node.inputs[0])?;
        let indices = self.constant(node.inputs[1])?.ok_or("its indices are computed")?;
        let count = size(view.axes.get(gather.axis).ok_or("it has no such axis")?);
        let index = |value: &f32| {
            let value = if *value < 0.0 { *value + count as f32 } else { *value };
            if value >= 0.0 && value < count as f32 { Ok(value as usize) } else { Err("an index is out of range") }
        };
        let chosen: Vec<usize> = indices.values.iter().map(index).collect::<Result<_, _>>()?;
        let mut view = self.arrange(&node.name, &[(view, chosen)], gather.axis)?;
        view.reshape(gather.axis, 1, &indices.dims).ok_or("it gathers into other rows and columns")?;
        Ok(view)
    }

    /// The chosen indices of an axis of each part, one after another.
    pub fn arrange(&mut self, name: &str, parts: &[(View, Vec<usize>)], axis: usize) -> Lowered<View> {
        let mut parts = parts.to_vec();
        if let [(view, indices)] = &parts[..]
            && indices.iter().copied().eq(0..size(&view.axes[axis]))
        {
            return Ok(view.clone());
        }
        // Vectors are brought to one pixel, where all their digits are channels.
        for (view, _) in &mut parts {
            if view.axes[axis].iter().any(|a| a.role != Role::Channel) {
                if view.only_axis() != Some(axis) {
                    return Err("it cuts or joins rows or columns".into());
                }
                view.id = self.vector(name, view)?;
                let length = size(&view.axes[axis]);
                view.axes[axis] = vec![Atom { role: Role::Channel, size: length, stride: 1 }];
            }
        }
        let (first, _) = parts.first().ok_or("it joins nothing")?;
        let first = first.clone();
        let mut axes = first.axes_of(Role::Channel).ok_or("channels and pixels share an axis")?;
        if !axes.contains(&axis) {
            axes.push(axis);
            axes.sort_unstable();
        }
        // For every part: where each index of each of these axes lies among all inputs' channels.
        let mut base = 0;
        let mut tables: Vec<Vec<Vec<usize>>> = Vec::with_capacity(parts.len());
        for (view, chosen) in &parts {
            let same = |i: usize| axes.contains(&i) || view.axes[i] == first.axes[i];
            let shape = self.shape(view);
            let whole = self.shape(&first);
            if view.axes.len() != first.axes.len()
                || !(0..first.axes.len()).all(same)
                || (shape.height, shape.width) != (whole.height, whole.width)
            {
                return Err("its parts have different axes".into());
            }
            let mut table: Vec<Vec<usize>> =
                axes.iter().map(|i| places(&view.axes[*i]).iter().map(|p| p[2]).collect()).collect();
            for (i, offsets) in axes.iter().zip(&mut table) {
                if *i == axis {
                    *offsets = chosen.iter().map(|c| base + offsets[*c]).collect();
                } else if offsets.len() != size(&first.axes[*i]) {
                    return Err("its parts have different axes".into());
                }
            }
            tables.push(table);
            base += shape.channels;
        }
        let mut channels = Vec::new();
        let joined = axes.iter().position(|i| *i == axis).unwrap_or(0);
        let mut path = Vec::with_capacity(axes.len());
        enumerate(&tables, joined, 0, None, &mut path, &mut channels);

        let shape = Shape { channels: channels.len(), ..self.shape(&first) };
        if shape.channels == 0 {
            return Err("nothing is left of it".into());
        }
        let inputs = parts.iter().map(|(view, _)| view.id).collect();
        let mut view = View { id: self.graph.push(name, Op::Gather(channels), inputs, shape), axes: first.axes };
        let mut stride = shape.channels;
        for i in axes {
            let length = if i == axis { parts.iter().map(|(_, c)| c.len()).sum() } else { size(&view.axes[i]) };
            stride /= length;
            view.axes[i] = if length == 1 { vec![] } else { vec![Atom { role: Role::Channel, size: length, stride }] };
        }
        Ok(view)
    }

    /// The same tensor with its channels in the order of its axes.
    pub fn ordered(&mut self, name: &str, view: &View) -> Lowered<View> {
        let axes = view.axes_of(Role::Channel).ok_or("channels and pixels share an axis")?;
        let atoms: Vec<Atom> = axes.iter().flat_map(|i| view.axes[*i].clone()).collect();
        let channels: Vec<usize> = places(&atoms).iter().map(|p| p[2]).collect();
        if channels.iter().copied().eq(0..channels.len()) {
            return Ok(view.clone());
        }
        let shape = self.shape(view);
        let mut stride = channels.len();
        let id = self.graph.push(name, Op::Gather(channels), vec![view.id], shape);
        let mut ordered = View { id, axes: view.axes.clone() };
        for i in axes {
            let size = size(&view.axes[i]);
            stride /= size;
            ordered.axes[i] = vec![Atom { role: Role::Channel, size, stride }];
        }
        Ok(ordered)
    }
}

/// Walks the channels' axes from the outermost; the joined one goes through all parts.
fn enumerate(
    tables: &[Vec<Vec<usize>>],
    joined: usize,
    depth: usize,
    part: Option<usize>,
    path: &mut Vec<usize>,
    channels: &mut Vec<usize>,
) {
    let Some(axes) = tables.first().map(Vec::len) else { return };
    if depth == axes {
        let table = &tables[part.unwrap_or(0)];
        channels.push(path.iter().enumerate().map(|(axis, index)| table[axis][*index]).sum());
        return;
    }
    let parts = if depth == joined { 0..tables.len() } else { part.map_or(0..1, |p| p..p + 1) };
    for chosen in parts {
        let part = if depth == joined { Some(chosen) } else { part };
        for index in 0..tables[chosen][depth].len() {
            path.push(index);
            enumerate(tables, joined, depth + 1, part, path, channels);
            path.pop();
        }
    }
}
