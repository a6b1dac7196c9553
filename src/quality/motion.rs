//! How far the picture moved from one frame to the next.

use super::luma::Luma;
use crate::color::cell_start;

/// Cells a side.
const GRID: usize = 32;
/// Differences of a cell's mean up to this are noise.
const NOISE: i32 = 2;

/// What is kept of a frame, so that the next frame's motion can be measured: the mean luma of 32×32 cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    cells: Vec<u8>,
}

impl Glimpse {
    pub(super) fn of(luma: &Luma) -> Self {
        let side = luma.side;
        // Cells share pixels in a frame that has fewer pixels than cells.
        let cell = |i: usize| {
            let start = cell_start(i, GRID, side);
            start..cell_start(i + 1, GRID, side).max(start + 1)
        };
        let mut cells = Vec::with_capacity(GRID * GRID);
        let mut sums = vec![0u32; side];
        for row in (0..GRID).map(cell) {
            sums.fill(0);
            for line in luma.rows().take(row.end).skip(row.start) {
                sums.iter_mut().zip(line).for_each(|(sum, value)| *sum += u32::from(*value));
            }
            cells.extend((0..GRID).map(cell).map(|column| {
                let pixels = (row.len() * column.len()) as u32;
                ((sums[column].iter().sum::<u32>() + pixels / 2) / pixels) as u8
            }));
        }
        Glimpse { cells }
    }

    /// The shift that explains the differences by the slopes of the picture (|∂I/∂t| = |∇I · v|), as a share of the
    /// side. A change of the light alone does not count.
    pub(super) fn moved_since(&self, before: &Glimpse) -> f32 {
        let mean = |glimpse: &Glimpse| {
            let sum: i32 = glimpse.cells.iter().copied().map(i32::from).sum();
            sum / (GRID * GRID) as i32
        };
        let lighter = mean(self) - mean(before);
        let differences = self.cells.iter().zip(&before.cells);
        let change: i32 = differences
            .map(|(now, before)| ((i32::from(*now) - i32::from(*before) - lighter).abs() - NOISE).max(0))
            .sum();
        let slopes = i32::midpoint(self.slopes(), before.slopes());
        // In a picture without slopes no motion is visible.
        let floor = (GRID * GRID) as i32;
        change as f32 / slopes.max(floor) as f32 / GRID as f32
    }

    /// Sum over the cells of the mean of both slopes, luma a cell.
    fn slopes(&self) -> i32 {
        let across = self.cells.chunks_exact(GRID).flat_map(|row| row.iter().zip(&row[1..]));
        let down = self.cells.iter().zip(&self.cells[GRID..]);
        across.chain(down).map(|(a, b)| i32::from(a.abs_diff(*b))).sum::<i32>() / 2
    }
}
