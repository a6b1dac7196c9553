//! Colour features: a spatial pyramid of soft RGB histograms of the network's input pixels.
//!
//! Each pixel spreads over the two nearest of [`BINS`] bins a channel (a hat function centred at 0, 1/3, 2/3, 1), so
//! over eight of the 64 joint bins. Cells of 1×1, 2×2 and 4×4 grids are averaged, each grid weighs a third, and
//! square roots are taken (the Hellinger kernel; Perronnin, Sánchez & Mensink 2010), so the vector has length 1.
//! Counting is in integers: the same pixels give the same features everywhere.

use crate::frame::Pixels;

/// Raised with every change of what [`features`] gives: what was kept of an older version is not compared with it.
pub const VERSION: u32 = 1;
/// Bins a channel.
pub const BINS: usize = 4;
/// Cells a side of each grid of the pyramid. Each divides the last, so the finest grid's counts make all others.
pub const GRIDS: [usize; 3] = [1, 2, 4];
const JOINT: usize = BINS * BINS * BINS;
const FINEST: usize = GRIDS[GRIDS.len() - 1];
/// Length of the feature vector: 64 bins × (1 + 4 + 16) cells.
pub const LENGTH: usize = JOINT * (1 + 4 + 16);
/// Bytes between two bin centres.
const STEP: u32 = 255 / (BINS as u32 - 1);

/// First pixel row (or column) of cell `i` of `grid` cells over `size` pixels.
#[must_use]
pub fn cell_start(i: usize, grid: usize, size: usize) -> usize {
    i * size / grid
}

/// [`LENGTH`] values ≥ 0 of Euclidean norm 1, ordered by grid, cell (row by row), then joint bin `(r * 4 + g) * 4 + b`.
#[must_use]
pub fn features(pixels: &Pixels) -> Vec<f32> {
    let size = pixels.size();
    let finest = finest_counts(pixels);
    let mut features = Vec::with_capacity(LENGTH);
    for grid in GRIDS {
        let ratio = FINEST / grid;
        for row in 0..grid {
            for column in 0..grid {
                let mut counts = [0u64; JOINT];
                for y in row * ratio..(row + 1) * ratio {
                    for x in column * ratio..(column + 1) * ratio {
                        counts.iter_mut().zip(&finest[y * FINEST + x]).for_each(|(sum, n)| *sum += n);
                    }
                }
                let height = cell_start(row + 1, grid, size) - cell_start(row, grid, size);
                let width = cell_start(column + 1, grid, size) - cell_start(column, grid, size);
                let cells = (GRIDS.len() * grid * grid) as f64;
                let whole = f64::from(STEP.pow(3)) * (height * width).max(1) as f64 * cells;
                features.extend(counts.map(|n| (n as f64 / whole).sqrt() as f32));
            }
        }
    }
    features
}

fn finest_counts(pixels: &Pixels) -> Vec<[u64; JOINT]> {
    let size = pixels.size();
    let mut cells = vec![[0u64; JOINT]; FINEST * FINEST];
    for row in 0..FINEST {
        for y in cell_start(row, FINEST, size)..cell_start(row + 1, FINEST, size) {
            for column in 0..FINEST {
                let span = cell_start(column, FINEST, size)..cell_start(column + 1, FINEST, size);
                let line = &pixels.rgb()[3 * (y * size + span.start)..3 * (y * size + span.end)];
                let cell = &mut cells[row * FINEST + column];
                for pixel in line.chunks_exact(3) {
                    let [r, g, b] = [soft_bin(pixel[0]), soft_bin(pixel[1]), soft_bin(pixel[2])];
                    for (ri, rw) in r {
                        for (gi, gw) in g {
                            for (bi, bw) in b {
                                cell[(ri * BINS + gi) * BINS + bi] += u64::from(rw * gw * bw);
                            }
                        }
                    }
                }
            }
        }
    }
    cells
}

/// The two bins of a byte with their weights, which sum to [`STEP`].
fn soft_bin(byte: u8) -> [(usize, u32); 2] {
    let (bin, rest) = (u32::from(byte) / STEP, u32::from(byte) % STEP);
    [(bin as usize, STEP - rest), ((bin as usize + 1).min(BINS - 1), rest)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn length_is_one(size in 4usize..40, seed in any::<u64>()) {
            let mut state = seed;
            let rgb = (0..3 * size * size).map(|_| { state = state.wrapping_mul(6364136223846793005).wrapping_add(1); (state >> 56) as u8 }).collect();
            let f = features(&Pixels::from_rgb(size, rgb).unwrap());
            prop_assert_eq!(f.len(), LENGTH);
            let norm: f32 = f.iter().map(|v| v * v).sum();
            prop_assert!((norm - 1.0).abs() < 1e-4, "norm {}", norm);
        }
    }

    #[test]
    fn a_pure_colour_fills_one_bin_of_every_cell() {
        let f = features(&Pixels::from_rgb(8, [255, 0, 0].repeat(64)).unwrap());
        let red = 3 * BINS * BINS;
        assert!((f[red] - (1.0f32 / 3.0).sqrt()).abs() < 1e-6);
        assert_eq!(f.iter().filter(|v| **v > 0.0).count(), 21);
    }
}
