//! Colour features: a spatial pyramid of soft CIE Lab histograms of the network's input pixels.
//!
//! The pixels are averaged in blocks, so that about 64×64 remain whatever the input's size. Each is turned to Lab
//! (CIE 15; sRGB by IEC 61966-2-1, white D65) and spread over the two nearest of [`BINS`] a coordinate (a hat
//! function), so over eight joint bins. Cells of 1×1 and 2×2 grids are averaged, each grid weighs a half, and square
//! roots are taken (the Hellinger kernel; Perronnin, Sánchez & Mensink 2010), so the vector has length 1.
//! Every operation is of IEEE 754 or of pure Rust: the same pixels give the same features everywhere.

use std::sync::OnceLock;

use crate::frame::InputPixels;

/// Raised with every change of what [`features`] gives, so that stored features of an older version are not compared with
/// new ones.
pub const VERSION: u32 = 2;
/// Bins of lightness, a and b.
pub const BINS: [usize; 3] = [5, 8, 8];
/// Cells a side of each grid of the pyramid. Each divides the last, so all grids are sums of the finest one.
pub const GRIDS: [usize; 2] = [1, 2];
/// The coordinates (L, a, b) that the first bins are centred at, and the last; what lies beyond counts as there.
pub const SPAN: [[f32; 2]; 3] = [[0.0, 100.0], [-60.0, 70.0], [-50.0, 80.0]];
/// Rows make X, Y, Z, each divided by the white's, of linear R, G, B.
pub const TO_XYZ: [[f32; 3]; 3] = [
    [0.412_456_4 / 0.950_47, 0.357_576_1 / 0.950_47, 0.180_437_5 / 0.950_47],
    [0.212_672_9, 0.715_152_2, 0.072_175],
    [0.019_333_9 / 1.088_83, 0.119_192 / 1.088_83, 0.950_304_1 / 1.088_83],
];
/// Where CIE's cube root becomes a line, and the line's slope and start.
pub const CUBE_ROOT_FROM: f32 = 216.0 / 24389.0;
/// Slope of that line.
pub const LINE: f32 = 841.0 / 108.0;
/// Its value at 0.
pub const LINE_START: f32 = 4.0 / 29.0;
/// Joint bins.
pub const JOINT: usize = BINS[0] * BINS[1] * BINS[2];
const FINEST: usize = GRIDS[GRIDS.len() - 1];
/// Length of the feature vector: 320 bins × (1 + 4) cells.
pub const LENGTH: usize = JOINT * (1 + 4);
/// About how many blocks a side are averaged.
const BLOCKS: usize = 64;

/// Side of the blocks whose pixels are averaged, for an image of `size` pixels a side. A remainder of less than a block at
/// the right and at the bottom is ignored.
#[must_use]
pub fn block(size: usize) -> usize {
    (size / BLOCKS).max(1)
}

/// First block row (or column) of cell `i` of `grid` cells over `blocks`.
#[must_use]
pub fn cell_start(i: usize, grid: usize, blocks: usize) -> usize {
    i * blocks / grid
}

/// [`LENGTH`] values ≥ 0 of Euclidean norm 1, ordered by grid, cell (row by row), then joint bin `(l * 8 + a) * 8 + b`.
#[must_use]
pub fn features(pixels: &InputPixels) -> Vec<f32> {
    let blocks = pixels.size() / block(pixels.size());
    let finest = finest_sums(pixels);
    let mut features = Vec::with_capacity(LENGTH);
    for grid in GRIDS {
        let ratio = FINEST / grid;
        for row in 0..grid {
            for column in 0..grid {
                let mut sums = [0f32; JOINT];
                for y in row * ratio..(row + 1) * ratio {
                    for x in column * ratio..(column + 1) * ratio {
                        sums.iter_mut().zip(&finest[y * FINEST + x]).for_each(|(sum, n)| *sum += n);
                    }
                }
                let height = cell_start(row + 1, grid, blocks) - cell_start(row, grid, blocks);
                let width = cell_start(column + 1, grid, blocks) - cell_start(column, grid, blocks);
                let whole = ((height * width).max(1) * GRIDS.len() * grid * grid) as f32;
                features.extend(sums.map(|n| (n / whole).sqrt()));
            }
        }
    }
    features
}

fn finest_sums(pixels: &InputPixels) -> Vec<[f32; JOINT]> {
    let (size, block) = (pixels.size(), block(pixels.size()));
    let blocks = size / block;
    let mut cells = vec![[0f32; JOINT]; FINEST * FINEST];
    let share = 1.0 / (block * block) as f32;
    for row in 0..FINEST {
        for y in cell_start(row, FINEST, blocks)..cell_start(row + 1, FINEST, blocks) {
            let lines: Vec<&[[u8; 3]]> = (y * block..(y + 1) * block)
                .map(|line| pixels.rgb()[3 * line * size..3 * (line + 1) * size].as_chunks().0)
                .collect();
            for column in 0..FINEST {
                let cell = &mut cells[row * FINEST + column];
                for x in cell_start(column, FINEST, blocks)..cell_start(column + 1, FINEST, blocks) {
                    let mut sum = [0u32; 3];
                    for line in &lines {
                        for pixel in &line[x * block..(x + 1) * block] {
                            sum.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += u32::from(*v));
                        }
                    }
                    spread(lab(sum.map(|v| v as f32 * share)), cell);
                }
            }
        }
    }
    cells
}

/// Adds a colour to the bins around it; the shares sum to 1.
fn spread(lab: [f32; 3], bins: &mut [f32; JOINT]) {
    let [l, a, b] = std::array::from_fn(|i| {
        let [low, high] = SPAN[i];
        let last = (BINS[i] - 1) as f32;
        let place = ((lab[i] - low) * (last / (high - low))).clamp(0.0, last);
        // The last bin's own centre lies in the interval before it.
        let bin = (place as usize).min(BINS[i] - 2);
        let rest = place - bin as f32;
        [(bin, 1.0 - rest), (bin + 1, rest)]
    });
    for (li, lw) in l {
        for (ai, aw) in a {
            for (bi, bw) in b {
                bins[(li * BINS[1] + ai) * BINS[2] + bi] += lw * aw * bw;
            }
        }
    }
}

/// CIE Lab of sRGB values of 0–255.
fn lab(rgb: [f32; 3]) -> [f32; 3] {
    let rgb = rgb.map(linear);
    let [x, y, z] = TO_XYZ.map(|row| {
        let v = row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2];
        if v > CUBE_ROOT_FROM { libm::cbrtf(v) } else { LINE * v + LINE_START }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Linear light, 0–1, of an sRGB value of 0–255: exact at whole values, straight between them.
fn linear(value: f32) -> f32 {
    static TABLE: OnceLock<[f32; 257]> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        std::array::from_fn(|byte| {
            let v = byte.min(255) as f64 / 255.0;
            (if v <= 0.04045 { v / 12.92 } else { libm::pow((v + 0.055) / 1.055, 2.4) }) as f32
        })
    });
    let low = value as usize;
    let [from, to] = [table[low], table[low + 1]];
    from + (to - from) * (value - low as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn length_is_one(size in 2usize..200, seed in any::<u64>()) {
            let mut state = seed;
            let rgb = (0..3 * size * size).map(|_| { state = state.wrapping_mul(6364136223846793005).wrapping_add(1); (state >> 56) as u8 }).collect();
            let f = features(&InputPixels::from_rgb(size, rgb).unwrap());
            prop_assert_eq!(f.len(), LENGTH);
            let norm: f32 = f.iter().map(|v| v * v).sum();
            prop_assert!((norm - 1.0).abs() < 1e-3, "norm {}", norm);
        }
    }

    #[test]
    fn lab_is_cies() {
        // Bruce Lindbloom's calculator, D65.
        for (rgb, expected) in [
            ([255.0, 255.0, 255.0], [100.0, 0.0, 0.0]),
            ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
            ([255.0, 0.0, 0.0], [53.24, 80.09, 67.20]),
            ([0.0, 128.0, 64.0], [46.23, -45.83, 25.87]),
            ([2.0, 3.0, 9.0], [0.9, 0.5, -2.4]),
        ] {
            let got = lab(rgb);
            let off = got.iter().zip(expected).map(|(a, b): (&f32, f32)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 0.5, "{rgb:?} is {got:?}");
        }
    }

    #[test]
    fn a_colour_fills_the_bins_around_it_in_every_cell() {
        let f = features(&InputPixels::from_rgb(8, [0, 0, 0].repeat(64)).unwrap());
        // Black is at L 0, a 0 (between bins 3 and 4), b 0 (between 2 and 3).
        let bin = |a: usize, b: usize| f[a * BINS[2] + b];
        let whole: f32 = [(3, 2), (3, 3), (4, 2), (4, 3)].iter().map(|&(a, b)| bin(a, b).powi(2)).sum();
        assert!((whole - 0.5).abs() < 1e-5, "{whole}");
        assert_eq!(f.iter().filter(|v| **v > 0.0).count(), 4 * 5);
    }

    #[test]
    fn blocks_are_averaged() {
        let checked: Vec<u8> =
            (0..128 * 128).flat_map(|i| [if (i % 128 + i / 128) % 2 == 0 { 0 } else { 200 }; 3]).collect();
        let grey = [100; 3 * 64 * 64].to_vec();
        let [a, b] =
            [(128, checked), (64, grey)].map(|(size, rgb)| features(&InputPixels::from_rgb(size, rgb).unwrap()));
        assert_eq!(a, b);
    }
}
