//! The brightness (luma) of the assessed square.

use crate::frame::InputPixels;

/// Luma of each pixel (BT.601, rounded), row by row.
pub(super) struct Luma {
    pub(super) side: usize,
    pub(super) values: Vec<u8>,
}

impl Luma {
    pub(super) fn of(pixels: &InputPixels) -> Self {
        let luma =
            |&[r, g, b]: &[u8; 3]| ((77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b) + 128) >> 8) as u8;
        Luma { side: pixels.size(), values: pixels.rgb().as_chunks().0.iter().map(luma).collect() }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.values.chunks_exact(self.side)
    }

    /// The transposed picture.
    pub(super) fn transposed(&self) -> Self {
        let mut values = vec![0; self.values.len()];
        for (y, row) in self.rows().enumerate() {
            for (x, &value) in row.iter().enumerate() {
                values[x * self.side + y] = value;
            }
        }
        Luma { side: self.side, values }
    }
}
