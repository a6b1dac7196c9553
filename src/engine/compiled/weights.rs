//! A plan's weights as single-precision values in the order that this processor's kernels read them.

use crate::engine::kernels::{Kernels, word_of};
use crate::engine::plan::{self, Bytes, Conv, LANES, Plan, Step, Storage, Weights};
use crate::error::{Error, ErrorKind, Result};

/// Values in a cache line. Every matrix begins at one, so that no vector crosses two lines.
const LINE: usize = 16;

/// All weights and biases of a kind in one piece.
pub(super) struct Parameters<T> {
    values: Vec<T>,
    /// Values in use, including those skipped before the first cache line.
    used: usize,
}

/// Zeros; an error where they do not fit into memory, instead of an abort.
pub(super) fn zeros<T: Copy + Default>(count: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    if values.try_reserve_exact(count).is_err() {
        let message = format!("{count} values do not fit into this device's memory");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    values.resize(count, T::default());
    Ok(values)
}

/// How many single values and words of bytes a step's weights and biases take.
fn sizes(step: &Step, plan: &Plan<'_>, kernels: &Kernels) -> (usize, usize) {
    let tensors = &plan.program.tensors;
    let columns = plan::padded(tensors[step.output()].channels);
    let kernel = |size: [usize; 2]| size[0] * size[1];
    let lines = |sizes: &[usize]| sizes.iter().map(|size| size.next_multiple_of(LINE)).sum();
    match step {
        Step::Conv(conv) => {
            let rows = kernel(conv.window.size) * tensors[conv.input].channels;
            if conv.bytes.is_some() {
                let columns = kernels.bytes.panel_columns(columns);
                return (lines(&[columns, columns]), lines(&[rows / kernels.depth * columns]));
            }
            let columns = kernels.floats.panel_columns(columns);
            (lines(&[rows * columns, columns]), 0)
        }
        Step::Depthwise(conv) => (lines(&[kernel(conv.window.size) * columns, columns]), 0),
        Step::Affine(_) => (lines(&[columns, columns]), 0),
        _ => (0, 0),
    }
}

/// Reserves room for all weights of the plan's steps.
pub(super) fn reserve(plan: &Plan<'_>, kernels: &Kernels) -> Result<(Parameters<f32>, Parameters<i32>)> {
    let sizes = plan.program.steps.iter().map(|step| sizes(step, plan, kernels));
    let (floats, words) = sizes.fold((0, 0), |all, each| (all.0 + each.0, all.1 + each.1));
    Ok((Parameters::reserve(floats)?, Parameters::reserve(words)?))
}

impl<T: Copy + Default> Parameters<T> {
    fn reserve(count: usize) -> Result<Self> {
        let values: Vec<T> = zeros(count + LINE)?;
        let used = values.as_ptr().align_offset(LINE * size_of::<T>()).min(LINE);
        Ok(Parameters { values, used })
    }

    /// The values from `place` on.
    pub(super) fn at(&self, place: usize, count: usize) -> &[T] {
        &self.values[place..place + count]
    }

    fn take(&mut self, count: usize) -> (usize, &mut [T]) {
        let place = self.used;
        self.used += count.next_multiple_of(LINE);
        (place, &mut self.values[place..place + count])
    }
}

impl Parameters<i32> {
    /// A matrix of bytes as panels of words: each holds the weights of [`Kernels::depth`] rows for one column.
    pub(super) fn panels(
        &mut self,
        plan: &Plan<'_>,
        weights: &Weights,
        rows: usize,
        channels: usize,
        kernels: &Kernels,
    ) -> usize {
        match kernels.depth {
            1 => self.words::<1>(plan, weights, rows, channels, kernels),
            2 => self.words::<2>(plan, weights, rows, channels, kernels),
            _ => self.words::<4>(plan, weights, rows, channels, kernels),
        }
    }

    fn words<const DEPTH: usize>(
        &mut self,
        plan: &Plan<'_>,
        weights: &Weights,
        rows: usize,
        channels: usize,
        kernels: &Kernels,
    ) -> usize {
        let columns = plan::padded(channels);
        let all = kernels.bytes.panel_columns(columns);
        let (place, words) = self.take(rows / DEPTH * all);
        let stored = &plan.data[weights.offset..][..rows * columns];
        for (index, stored) in stored.chunks_exact(rows * LANES).enumerate() {
            let column = index * LANES;
            let panel = column / kernels.bytes.panel * kernels.bytes.panel;
            let width = kernels.bytes.panel.min(all - panel);
            let panel = &mut words[panel * rows / DEPTH + column % kernels.bytes.panel..];
            for (words, stored) in panel.chunks_mut(width).zip(stored.chunks_exact(DEPTH * LANES)) {
                for (lane, word) in words[..LANES].iter_mut().enumerate() {
                    *word = word_of::<DEPTH>(std::array::from_fn(|row| stored[row * LANES + lane].cast_signed()));
                }
            }
        }
        place
    }
}

impl Parameters<f32> {
    /// Scale and bias by which the sums of a convolution with bytes become values: what the input's byte of 0 adds to
    /// every sum is taken off in the bias. Each is filled up with zeros to `room`.
    pub(super) fn rescale(
        &mut self,
        plan: &Plan<'_>,
        conv: &Conv,
        bytes: Bytes,
        rows: usize,
        columns: usize,
        room: usize,
    ) -> (usize, usize) {
        let Storage::I8 { scales } = conv.weights.storage else { unreachable!("the plan's check has made sure") };
        let mut sums = vec![0i64; plan::padded(columns)];
        let stored = &plan.data[conv.weights.offset..][..rows * sums.len()];
        for (sums, stored) in sums.chunks_exact_mut(LANES).zip(stored.chunks_exact(rows * LANES)) {
            for row in stored.chunks_exact(LANES) {
                sums.iter_mut().zip(row).for_each(|(sum, byte)| *sum += i64::from(byte.cast_signed()));
            }
        }
        let scale = self.floats(plan, scales, columns, room);
        let bias = self.floats(plan, conv.bias, columns, room);
        for (column, sum) in sums[..columns].iter().enumerate() {
            self.values[scale + column] *= bytes.scale;
            let zero = (i64::from(bytes.zero) * sum) as f64 * f64::from(self.values[scale + column]);
            self.values[bias + column] = (f64::from(self.values[bias + column]) - zero) as f32;
        }
        (scale, bias)
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
        let (place, values) = self.take(kernels.floats.panel_columns(columns) * rows);
        if kernels.floats.panel == LANES {
            decode(plan, weights, rows, channels, 0, values);
            return Ok(place);
        }
        let mut stored = zeros(rows * LANES)?;
        for column in (0..columns).step_by(LANES) {
            decode(plan, weights, rows, channels, column, &mut stored);
            let panel = column / kernels.floats.panel * kernels.floats.panel;
            let width = kernels.floats.panel.min(kernels.floats.panel_columns(columns) - panel);
            let panel = &mut values[panel * rows + column % kernels.floats.panel..];
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
