//! Exposure: how much light there is, and where it is too much.

use super::luma::Luma;
use crate::color::cell_start;
use crate::frame::InputPixels;

/// Tiles a side.
const TILES: usize = 8;
/// From this value on a channel counts as clipped: sensors clip at 255, and noise and resizing lower that a little.
const CLIPPED: u8 = 250;
/// A tile in which one pixel in so many is clipped has lost what was there.
const LOST: usize = 10;

pub(super) struct Exposure {
    histogram: [u32; 256],
    pixels: u32,
    clipped_tiles: u32,
    blown: u32,
    central: u32,
}

impl Exposure {
    pub(super) fn of(pixels: &InputPixels, luma: &Luma) -> Self {
        let side = luma.side;
        let mut histogram = [0; 256];
        luma.values.iter().for_each(|&value| histogram[usize::from(value)] += 1);
        let (mut clipped_tiles, mut blown) = (0, 0);
        // The rim is left out: lamps and white tables are there, and products seldom are.
        let rim = side / 6;
        let centre = rim..side - rim;
        let rows = pixels.rgb().chunks_exact(3 * side);
        for row in 0..TILES {
            let mut clipped = [0; TILES];
            let lines = cell_start(row, TILES, side)..cell_start(row + 1, TILES, side);
            for (y, line) in rows.clone().enumerate().take(lines.end).skip(lines.start) {
                let line = line.as_chunks::<3>().0;
                for (column, clipped) in clipped.iter_mut().enumerate() {
                    let tile = &line[cell_start(column, TILES, side)..cell_start(column + 1, TILES, side)];
                    *clipped += tile.iter().filter(|[r, g, b]| *r.max(g).max(b) >= CLIPPED).count();
                }
                if centre.contains(&y) {
                    let white = |pixel: &&[u8; 3]| *pixel.iter().min().unwrap_or(&0) >= CLIPPED;
                    blown += line[centre.clone()].iter().filter(white).count() as u32;
                }
            }
            for (column, clipped) in clipped.into_iter().enumerate() {
                let width = cell_start(column + 1, TILES, side) - cell_start(column, TILES, side);
                clipped_tiles += u32::from(clipped > 0 && LOST * clipped >= width * lines.len());
            }
        }
        let central = (centre.len() * centre.len()) as u32;
        Exposure { histogram, pixels: (side * side) as u32, clipped_tiles, blown, central }
    }

    /// The largest luma that more than `percent` % of the pixels reach.
    fn above(&self, percent: u32) -> f32 {
        let mut left = 0;
        let found = (0..256).rev().find(|&value| {
            left += self.histogram[value];
            100 * left > percent * self.pixels
        });
        found.unwrap_or(0) as f32
    }

    pub(super) fn highlights(&self) -> f32 {
        self.above(5)
    }

    pub(super) fn clipped_tiles(&self) -> f32 {
        self.clipped_tiles as f32 / (TILES * TILES) as f32
    }

    pub(super) fn blown(&self) -> f32 {
        self.blown as f32 / self.central as f32
    }

    /// What is black has none.
    pub(super) fn contrast(&self) -> f32 {
        let (dark, bright) = (self.above(99), self.above(1));
        (bright - dark) / (bright + dark).max(1.0)
    }
}
