//! Where a 3×3 kernel's pixels lie.

/// How a convolution goes over square images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Images of the batch.
    pub images: usize,
    /// Their side in pixels.
    pub side: usize,
    /// Pixels from one place of the kernel to the next.
    pub stride: usize,
    /// Rows and columns of zeros before the image.
    pub pad: usize,
}

impl Geometry {
    /// Side of the output in pixels.
    pub fn output_side(&self) -> usize {
        self.side.div_ceil(self.stride)
    }

    /// The 3×3 patch below each output pixel, side by side: images · output² × 9 · channels.
    pub fn patches(&self, input: &[f32], channels: usize) -> Vec<f32> {
        let mut patches = vec![0.0; self.images * self.output_side().pow(2) * 9 * channels];
        self.each_tap(|patch, pixel| {
            patches[patch * channels..][..channels].copy_from_slice(&input[pixel * channels..][..channels]);
        });
        patches
    }

    /// Adds up what the patches hold of each input pixel.
    pub fn gather_patches(&self, patches: &[f32], channels: usize, input: &mut [f32]) {
        input.fill(0.0);
        self.each_tap(|patch, pixel| {
            let to = input[pixel * channels..][..channels].iter_mut();
            to.zip(&patches[patch * channels..][..channels]).for_each(|(to, v)| *to += v);
        });
    }

    /// Calls with (nine times an output pixel plus the kernel's pixel, input pixel) for all that lie within the image.
    fn each_tap(&self, mut each: impl FnMut(usize, usize)) {
        let out = self.output_side();
        for i in 0..self.images * out * out {
            let (image, row, column) = (i / (out * out), i / out % out, i % out);
            for k in 0..9 {
                let (y, x) = (row * self.stride + k / 3, column * self.stride + k % 3);
                if y >= self.pad && x >= self.pad && y - self.pad < self.side && x - self.pad < self.side {
                    each(9 * i + k, (image * self.side + y - self.pad) * self.side + x - self.pad);
                }
            }
        }
    }
}
