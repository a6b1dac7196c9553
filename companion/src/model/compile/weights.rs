//! Weights as the plan's data.

use half::f16;
use jicho::engine::plan::{self, LANES, Weights};
use serde::{Deserialize, Serialize};

use super::graph::Matrix;

/// How a plan is to store weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Storage {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// A byte, with a scale for each output channel; half precision where that saves little or costs much.
    I8,
    /// As [`Storage::I8`], of smaller matrices too: for layers that compute with bytes.
    Bytes,
}

/// Matrices with fewer rows stay in single precision: a sum of few products does not average the rounding out.
const LEAST_HALF_ROWS: usize = 26;

/// Kernels read weights from here on without straddling cache lines.
const ALIGNMENT: usize = 64;
/// Below these a matrix is too small for bytes to be worth their error.
const LEAST_ROWS: usize = 32;
const LEAST_VALUES: usize = 4096;
const LARGEST_BYTE: f32 = 127.0;
/// The same where layers compute with bytes: what is gained is time.
const LEAST_BYTE_ROWS: usize = 16;
const LEAST_BYTE_VALUES: usize = 512;
/// How many steps of a scale the largest weight may take.
const GRIDS: std::ops::RangeInclusive<u8> = 64..=150;

/// The data of a plan, while it grows.
pub struct Data {
    pub bytes: Vec<u8>,
    storage: Storage,
}

impl Data {
    pub fn new(storage: Storage) -> Data {
        Data { bytes: Vec::new(), storage }
    }

    /// Appends values; returns where.
    pub fn floats(&mut self, values: &[f32]) -> usize {
        let offset = self.align();
        self.bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        offset
    }

    /// Appends the weights of a convolution over all channels.
    pub fn dense(&mut self, matrix: &Matrix) -> Weights {
        let (rows, values) = match self.storage {
            Storage::I8 => (LEAST_ROWS, LEAST_VALUES),
            Storage::Bytes => (LEAST_BYTE_ROWS, LEAST_BYTE_VALUES),
            Storage::F16 | Storage::F32 => return self.precise(matrix),
        };
        let large = matrix.rows >= rows && matrix.values.len() >= values;
        if large { self.quantised(matrix) } else { self.precise(matrix) }
    }

    /// Appends weights that are never stored as bytes: those of a depthwise convolution are few, and would cost more
    /// accuracy than room.
    pub fn precise(&mut self, matrix: &Matrix) -> Weights {
        let fits = matrix.rows >= LEAST_HALF_ROWS && matrix.values.iter().all(|w| w.abs() <= f16::MAX.to_f32());
        let offset = self.align();
        if self.storage == Storage::F32 || !fits {
            panels(matrix, |_, w| self.bytes.extend(w.to_le_bytes()));
            return Weights { offset, storage: plan::Storage::F32 };
        }
        panels(matrix, |_, w| self.bytes.extend(f16::from_f32(w).to_le_bytes()));
        Weights { offset, storage: plan::Storage::F16 }
    }

    fn quantised(&mut self, matrix: &Matrix) -> Weights {
        let scales: Vec<f32> = (0..matrix.columns).map(|column| best_scale(matrix, column)).collect();
        let offset = self.align();
        panels(matrix, |column, w| {
            let byte = byte(w, scales.get(column).copied().unwrap_or(0.0));
            self.bytes.push((byte as i8).cast_unsigned());
        });
        let scales = self.floats(&scales);
        Weights { offset, storage: plan::Storage::I8 { scales } }
    }

    fn align(&mut self) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
        self.bytes.len()
    }
}

fn byte(weight: f32, scale: f32) -> f32 {
    if scale > 0.0 { (weight / scale).round().clamp(-LARGEST_BYTE, LARGEST_BYTE) } else { 0.0 }
}

/// The scale of a column whose bytes come nearest to its weights. Those of a network that was quantised before lie on
/// a grid, of which the largest need not be the 127th; and to clip the largest makes all others finer.
fn best_scale(matrix: &Matrix, column: usize) -> f32 {
    let weights: Vec<f32> = (0..matrix.rows).map(|row| matrix.row(row)[column]).collect();
    let largest = weights.iter().fold(0f32, |m, w| m.max(w.abs()));
    let error = |scale: f32| -> f64 { weights.iter().map(|w| f64::from(byte(*w, scale) * scale - w).powi(2)).sum() };
    let scales = GRIDS.map(|count| largest / f32::from(count));
    scales.map(|scale| (error(scale), scale)).min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.0, |(_, scale)| scale)
}

/// Every value in the plan's order, with its column; the last panel is filled up with zeros.
fn panels(matrix: &Matrix, mut each: impl FnMut(usize, f32)) {
    for panel in (0..matrix.columns).step_by(LANES) {
        for row in 0..matrix.rows {
            let values = matrix.row(row);
            (panel..panel + LANES).for_each(|c| each(c, values.get(c).copied().unwrap_or(0.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, columns: usize) -> Matrix {
        let values = (0..rows * columns).map(|i| ((i * 37 % 101) as f32 - 50.0) / 64.0).collect();
        Matrix { rows, columns, values }
    }

    #[test]
    fn columns_lie_in_panels_of_eight() {
        let matrix = matrix(3, 10);
        let mut data = Data::new(Storage::F32);
        data.floats(&[1.0]);
        let weights = data.precise(&matrix);
        assert_eq!((weights.offset, weights.storage, data.bytes.len()), (64, plan::Storage::F32, 64 + 3 * 16 * 4));
        let value = |panel: usize, row: usize, lane: usize| {
            let at = weights.offset + 4 * ((panel * 3 + row) * LANES + lane);
            f32::from_le_bytes(data.bytes[at..at + 4].try_into().unwrap())
        };
        assert_eq!((value(0, 2, 7), value(1, 1, 1), value(1, 2, 2)), (matrix.row(2)[7], matrix.row(1)[9], 0.0));
    }

    #[test]
    fn what_halves_cannot_hold_stays_single() {
        assert_eq!(Data::new(Storage::F16).precise(&matrix(9, 8)).storage, plan::Storage::F32);
        let mut wide = matrix(64, 8);
        assert_eq!(Data::new(Storage::F16).precise(&wide).storage, plan::Storage::F16);
        wide.values[3] = 1e5;
        assert_eq!(Data::new(Storage::F16).precise(&wide).storage, plan::Storage::F32);
    }

    #[test]
    fn bytes_are_off_by_half_a_step_at_most() {
        let mut matrix = matrix(64, 72);
        // Nothing, and what was quantised before.
        matrix.values.chunks_exact_mut(72).enumerate().for_each(|(i, row)| {
            row[5] = 0.0;
            row[6] = (i as f32 - 20.0) * 0.013;
        });
        let mut data = Data::new(Storage::I8);
        let weights = data.dense(&matrix);
        let plan::Storage::I8 { scales } = weights.storage else { panic!("{weights:?}") };
        for row in 0..64 {
            for column in 0..72 {
                let at = scales + 4 * column;
                let scale = f32::from_le_bytes(data.bytes[at..at + 4].try_into().unwrap());
                let byte = data.bytes[weights.offset + (column / LANES * 64 + row) * LANES + column % LANES];
                let stored = f32::from(byte.cast_signed()) * scale;
                assert!(column != 6 || (stored - matrix.row(row)[6]).abs() < 1e-6);
                let clipped = byte.cast_signed().abs() == 127;
                assert!(clipped || (stored - matrix.row(row)[column]).abs() <= scale * 0.5001);
            }
        }
        assert_eq!(Data::new(Storage::I8).dense(&self::matrix(30, 8)).storage, plan::Storage::F16);
    }
}
