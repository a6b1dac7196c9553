//! Which pixels a 3×3 kernel covers.

/// How a kernel moves over square images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Number of images in the batch.
    pub images: usize,
    /// Side of the images in pixels.
    pub side: usize,
    /// Pixels between two neighbouring positions of the kernel.
    pub stride: usize,
    /// Rows and columns of zeros before the image.
    pub pad: usize,
}

impl Geometry {
    /// Side of the output in pixels.
    pub fn output_side(&self) -> usize {
        self.side.div_ceil(self.stride)
    }

    /// The 3×3 patches below the output pixels, as rows: images · output² × 9 · channels.
    pub fn patches(&self, input: &[f32], channels: usize) -> Vec<f32> {
        let mut patches = vec![0.0; self.images * self.output_side().pow(2) * 9 * channels];
        self.each_tap(|patch, pixel| {
            patches[patch * channels..][..channels].copy_from_slice(&input[pixel * channels..][..channels]);
        });
        patches
    }

    /// The reverse of [`Geometry::patches`]: sums, for each input pixel, its values in all patches.
    pub fn gather_patches(&self, patches: &[f32], channels: usize, input: &mut [f32]) {
        input.fill(0.0);
        self.each_tap(|patch, pixel| {
            let to = input[pixel * channels..][..channels].iter_mut();
            to.zip(&patches[patch * channels..][..channels]).for_each(|(to, v)| *to += v);
        });
    }

    /// Calls `each` with (9 · output pixel + kernel pixel, input pixel) for all kernel pixels that are inside the image.
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
