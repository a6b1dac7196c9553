//! A plan's weights as single-precision values in the order that this processor's kernels read them.

use crate::engine::kernels::Kernels;
use crate::engine::plan::{self, LANES, Plan, Step, Storage, Weights};
use crate::error::{Error, ErrorKind, Result};

/// Values in a cache line. Every matrix begins at one, so that no vector crosses two lines.
const LINE: usize = 16;

/// All weights and biases in one piece.
pub(super) struct Parameters {
    values: Vec<f32>,
    /// Values in use, including those skipped before the first cache line.
    used: usize,
}

/// Zeros; an error where they do not fit into memory, instead of an abort.
pub(super) fn zeros(count: usize) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    if values.try_reserve_exact(count).is_err() {
        let message = format!("{count} values do not fit into this device's memory");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    values.resize(count, 0.0);
    Ok(values)
}

impl Parameters {
    /// Reserves room for all weights of the plan's steps.
    pub(super) fn reserve(plan: &Plan<'_>, kernels: &Kernels) -> Result<Self> {
        let tensors = &plan.program.tensors;
        let count = plan.program.steps.iter().map(|step| {
            let columns = plan::padded(tensors[step.output()].channels);
            let kernel = |size: [usize; 2]| size[0] * size[1];
            let sizes = match step {
                Step::Conv(conv) => {
                    let columns = kernels.panel_columns(columns);
                    [kernel(conv.window.size) * tensors[conv.input].channels * columns, columns]
                }
                Step::Depthwise(conv) => [kernel(conv.window.size) * columns, columns],
                Step::Affine(_) => [columns, columns],
                _ => [0, 0],
            };
            sizes.iter().map(|size| size.next_multiple_of(LINE)).sum::<usize>()
        });
        let values = zeros(count.sum::<usize>() + LINE)?;
        let used = values.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        Ok(Parameters { values, used })
    }

    /// The values from `place` on.
    pub(super) fn at(&self, place: usize, count: usize) -> &[f32] {
        &self.values[place..place + count]
    }

    fn take(&mut self, count: usize) -> (usize, &mut [f32]) {
        let place = self.used;
        self.used += count.next_multiple_of(LINE);
        (place, &mut self.values[place..place + count])
    }

    /// `columns` values, filled up with zeros to `room`.
    pub(super) fn floats(&mut self, plan: &Plan<'_>, offset: usize, columns: usize, room: usize) -> usize {
        let (place, values) = self.take(room);
        for (value, bytes) in values.iter_mut().zip(floats(plan, offset, columns)) {
            *value = bytes;
        }
        place
    }

    /// A matrix as panels of the kernels' width.
    pub(super) fn panels(
        &mut self,
        plan: &Plan<'_>,
        weights: &Weights,
        rows: usize,
        channels: usize,
        kernels: &Kernels,
    ) -> Result<usize> {
        let columns = plan::padded(channels);
        let (place, values) = self.take(kernels.panel_columns(columns) * rows);
        if kernels.panel == LANES {
            decode(plan, weights, rows, channels, 0, values);
            return Ok(place);
        }
        let mut stored = zeros(rows * LANES)?;
        for column in (0..columns).step_by(LANES) {
            decode(plan, weights, rows, channels, column, &mut stored);
            let panel = column / kernels.panel * kernels.panel;
            let width = kernels.panel.min(kernels.panel_columns(columns) - panel);
            let panel = &mut values[panel * rows + column % kernels.panel..];
            for (to, from) in panel.chunks_mut(width).zip(stored.as_chunks::<LANES>().0) {
                to[..LANES].copy_from_slice(from);
            }
        }
        Ok(place)
    }

    /// A matrix as rows of all columns.
    pub(super) fn rows(&mut self, plan: &Plan<'_>, weights: &Weights, rows: usize, channels: usize) -> Result<usize> {
        let columns = plan::padded(channels);
        let (place, values) = self.take(rows * columns);
        let mut stored = zeros(rows * LANES)?;
        for column in (0..columns).step_by(LANES) {
            decode(plan, weights, rows, channels, column, &mut stored);
            for (to, from) in values[column..].chunks_mut(columns).zip(stored.as_chunks::<LANES>().0) {
                to[..LANES].copy_from_slice(from);
            }
        }
        Ok(place)
    }
}

fn floats<'a>(plan: &'a Plan<'_>, offset: usize, count: usize) -> impl Iterator<Item = f32> + 'a {
    plan.data[offset..offset + 4 * count].as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

/// The value of a half, given as its bits: those of exponent and fraction moved to where `f32` has them, and the
/// exponent's bias corrected by a product, which is exact for subnormal halves too. In vectors, this is four instructions
/// for four values. (Infinities and NaN become finite numbers; the companion writes no such weights.)
fn widen(half: i16) -> f32 {
    f32::from_bits((i32::from(half) << 13).cast_unsigned() & 0x8fff_e000) * f32::from_bits((127 + 112) << 23)
}

/// Fills `to` with stored values, from the panel that begins at `column` on.
fn decode(plan: &Plan<'_>, weights: &Weights, rows: usize, channels: usize, column: usize, to: &mut [f32]) {
    let first = column * rows;
    match weights.storage {
        Storage::F32 => {
            let stored = floats(plan, weights.offset + 4 * first, to.len());
            to.iter_mut().zip(stored).for_each(|(to, value)| *to = value);
        }
        Storage::F16 => {
            let stored = &plan.data[weights.offset + 2 * first..][..2 * to.len()];
            to.iter_mut().zip(stored.as_chunks().0).for_each(|(to, bytes)| *to = widen(i16::from_le_bytes(*bytes)));
        }
        Storage::I8 { scales } => {
            let stored = &plan.data[weights.offset + first..][..to.len()];
            let panels = to.chunks_mut(rows * LANES).zip(stored.chunks(rows * LANES));
            for (panel, (to, stored)) in panels.enumerate() {
                let first = column + panel * LANES;
                let mut scale = [0.0; LANES];
                let known = floats(plan, scales + 4 * first, channels.saturating_sub(first).min(LANES));
                scale.iter_mut().zip(known).for_each(|(scale, known)| *scale = known);
                for (to, stored) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(stored.as_chunks::<LANES>().0) {
                    (0..LANES).for_each(|i| to[i] = f32::from(stored[i].cast_signed()) * scale[i]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    #[test]
    fn every_finite_half_is_widened_exactly() {
        for bits in 0..=u16::MAX {
            let half = f16::from_bits(bits);
            if half.is_finite() {
                assert_eq!(super::widen(bits.cast_signed()).to_bits(), half.to_f32().to_bits(), "{bits:#x}");
            }
        }
    }
}
