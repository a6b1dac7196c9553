//! A camera frame, and the only way its pixels become a network's input.
//!
//! Everything up to the normalised tensor is integer arithmetic, so a frame gives the same bytes on every
//! machine, natively and in wasm. The resize is Pillow's 8-bit `BILINEAR` (a triangle filter widened by the scale
//! when shrinking, 22-bit coefficients, horizontal pass first), so a Python pipeline gets the same pixels from
//! `image.resize((size, size), Image.BILINEAR, box=crop)`.

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{ColorOrder, Layout, Preprocessing};

/// The most pixels a frame may have. A 64-megapixel RGBA frame is 256 MB, the most a 32-bit wasm memory can be
/// asked for with any hope.
pub const MAX_PIXELS: u64 = 64_000_000;

/// An 8-bit sRGB frame with straight (not premultiplied) alpha, rows from the top, no padding: `4 * width * height`
/// bytes.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    width: usize,
    height: usize,
    rgba: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Checks that `rgba` holds exactly `width * height` pixels.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidFrame`]: no pixels, more than [`MAX_PIXELS`], or a wrong length.
    pub fn new(width: u32, height: u32, rgba: &'a [u8]) -> Result<Self> {
        let pixels = u64::from(width) * u64::from(height);
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidFrame, message));
        if pixels == 0 {
            return invalid(format!("the frame is {width}x{height}: it has no pixels (is the video playing yet?)"));
        }
        if pixels > MAX_PIXELS {
            return invalid(format!(
                "the frame is {width}x{height}: at most {MAX_PIXELS} pixels can be used; scale it"
            ));
        }
        if rgba.len() as u64 != 4 * pixels {
            return invalid(format!(
                "a {width}x{height} RGBA frame has {} bytes, these are {}; pass straight 8-bit RGBA without padding",
                4 * pixels,
                rgba.len()
            ));
        }
        Ok(Frame { width: width as usize, height: height as usize, rgba })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The centre square whose side is `fraction` (0–1] of the shorter side, resized to `size`×`size`. Transparent
    /// pixels are laid on white.
    #[must_use]
    pub fn center_square(&self, fraction: f64, size: usize) -> Pixels {
        let shorter = self.width.min(self.height);
        let side = ((shorter as f64 * fraction).round() as usize).clamp(1, shorter);
        let (left, top) = ((self.width - side) / 2, (self.height - side) / 2);
        let columns = filter_taps(self.width, left, side, size);
        let rows = filter_taps(self.height, top, side, size);
        let first_row = rows[0].start;
        let last_row = rows.last().map_or(0, |t| t.start + t.weights.len());

        let mut narrow = Vec::with_capacity((last_row - first_row) * size * 3);
        for y in first_row..last_row {
            let row = &self.rgba[4 * y * self.width..4 * (y + 1) * self.width];
            for taps in &columns {
                let pixels = row[4 * taps.start..4 * (taps.start + taps.weights.len())].chunks_exact(4);
                let mut sum = [ROUND; 3];
                for (pixel, &weight) in pixels.zip(&taps.weights) {
                    let [r, g, b] = over_white(pixel);
                    sum[0] += i32::from(r) * weight;
                    sum[1] += i32::from(g) * weight;
                    sum[2] += i32::from(b) * weight;
                }
                narrow.extend(sum.map(to_byte));
            }
        }

        let stride = size * 3;
        let mut rgb = vec![0; size * stride];
        let mut sums = vec![0i32; stride];
        for (out, taps) in rgb.chunks_exact_mut(stride).zip(&rows) {
            sums.fill(ROUND);
            let start = (taps.start - first_row) * stride;
            for (row, &weight) in narrow[start..].chunks_exact(stride).zip(&taps.weights) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += i32::from(value) * weight;
                }
            }
            for (out, &sum) in out.iter_mut().zip(&sums) {
                *out = to_byte(sum);
            }
        }
        Pixels { size, rgb }
    }

    /// What the network sees of this frame, before normalisation.
    #[must_use]
    pub fn pixels(&self, preprocessing: &Preprocessing, size: usize) -> Pixels {
        self.center_square(preprocessing.crop, size)
    }
}

/// A square RGB image at the network's own resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    size: usize,
    rgb: Vec<u8>,
}

impl Pixels {
    /// Takes interleaved RGB, `3 * size * size` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidFrame`] when the length is another.
    pub fn from_rgb(size: usize, rgb: Vec<u8>) -> Result<Self> {
        if size == 0 || rgb.len() != 3 * size * size {
            return Err(Error::new(ErrorKind::InvalidFrame, format!("{} bytes are not {size}x{size} RGB", rgb.len())));
        }
        Ok(Pixels { size, rgb })
    }

    /// Side in pixels.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Interleaved RGB bytes, rows from the top.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Every colour times `gain`, at most 255.
    #[must_use]
    pub fn brightened(&self, gain: f32) -> Pixels {
        let rgb = self.rgb.iter().map(|&v| (f32::from(v) * gain).round().clamp(0.0, 255.0) as u8).collect();
        Pixels { size: self.size, rgb }
    }

    /// The mirror image, left for right.
    #[must_use]
    pub fn mirrored(&self) -> Pixels {
        let rows = self.rgb.chunks_exact(3 * self.size);
        let rgb = rows.flat_map(|row| row.rchunks_exact(3).flatten().copied()).collect();
        Pixels { size: self.size, rgb }
    }

    /// The input tensor: 1×3×size×size or 1×size×size×3, each value
    /// `((byte / 255) * (range[1] - range[0]) + range[0] - mean) / std`, in the network's own channel order.
    #[must_use]
    pub fn tensor(&self, preprocessing: &Preprocessing) -> Vec<f32> {
        let order = match preprocessing.color {
            ColorOrder::Rgb => [0, 1, 2],
            ColorOrder::Bgr => [2, 1, 0],
        };
        let tables: [[f32; 256]; 3] = std::array::from_fn(|channel| preprocessing.table(channel));
        let plane = self.size * self.size;
        let mut tensor = vec![0.0; 3 * plane];
        for (channel, (&source, table)) in order.iter().zip(&tables).enumerate() {
            let values = self.rgb[source..].iter().step_by(3).map(|&byte| table[usize::from(byte)]);
            match preprocessing.layout {
                Layout::Nchw => tensor[channel * plane..].iter_mut().zip(values).for_each(|(t, v)| *t = v),
                Layout::Nhwc => tensor[channel..].iter_mut().step_by(3).zip(values).for_each(|(t, v)| *t = v),
            }
        }
        tensor
    }
}

const PRECISION: u32 = 22;
const ROUND: i32 = 1 << (PRECISION - 1);

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

fn over_white(pixel: &[u8]) -> [u8; 3] {
    let alpha = u32::from(pixel[3]);
    if alpha == 255 {
        return [pixel[0], pixel[1], pixel[2]];
    }
    let blend = |value: u8| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
    [blend(pixel[0]), blend(pixel[1]), blend(pixel[2])]
}

struct Taps {
    start: usize,
    weights: Vec<i32>,
}

/// For each of `size` output samples of the box `[offset, offset + side)`, the input samples it mixes. Only
/// additions, products and quotients of f64, which are the same everywhere.
fn filter_taps(input: usize, offset: usize, side: usize, size: usize) -> Vec<Taps> {
    let scale = side as f64 / size as f64;
    let support = scale.max(1.0);
    (0..size)
        .map(|i| {
            let center = offset as f64 + (i as f64 + 0.5) * scale;
            // `as` truncates towards zero and saturates at 0, as the C cast and clamp of the definition do.
            let start = (center - support + 0.5) as usize;
            let end = ((center + support + 0.5) as usize).min(input);
            let weight = |x: usize| (1.0 - ((x as f64 - center + 0.5) / support).abs()).max(0.0);
            let total: f64 = (start..end).map(weight).sum();
            let weights = (start..end).map(|x| (0.5 + weight(x) / total * f64::from(1 << PRECISION)) as i32).collect();
            Taps { start, weights }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn wrong_lengths_and_sizes_are_errors() {
        for (w, h, len) in [(0, 4, 0), (4, 0, 0), (2, 2, 15), (2, 2, 17), (100_000, 100_000, 4)] {
            assert_eq!(Frame::new(w, h, &vec![0; len]).unwrap_err().kind(), ErrorKind::InvalidFrame);
        }
    }

    #[test]
    fn same_size_is_the_identity() {
        let rgba: Vec<u8> = (0..4 * 25u32).map(|i| if i % 4 == 3 { 255 } else { (i * 37 % 256) as u8 }).collect();
        let pixels = Frame::new(5, 5, &rgba).unwrap().center_square(1.0, 5);
        let expected: Vec<u8> = rgba.chunks(4).flat_map(|p| p[..3].to_vec()).collect();
        assert_eq!(pixels.rgb(), expected);
    }

    #[test]
    fn the_resize_is_pillows() {
        // sha256 of Image.resize((size, size), Image.BILINEAR, box=(20, 0, 140, 120)).tobytes() in Pillow 13.0.0.
        let rgba = crate::golden::rgba();
        for (size, digest) in [
            (224, "dad6c9ec383248d92cff330bf75d7cd1e4d39608387098dbac4c4ee611c5d5ce"),
            (96, "be6a1ec1b76d44652d112f25137a9bd3c34ded45a24d68c78843d9c56f3b668a"),
            (37, "a69641410f24a24d8e524e5ce9fb49634a3abef61066edd8e3c5b6c4e1434f6c"),
        ] {
            let pixels = crate::golden::frame(&rgba).center_square(1.0, size);
            let got: String = Sha256::digest(pixels.rgb()).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(got, digest, "{size}");
        }
    }

    #[test]
    fn transparent_pixels_are_white() {
        let pixels = Frame::new(1, 1, &[10, 20, 30, 0]).unwrap().center_square(1.0, 1);
        assert_eq!(pixels.rgb(), [255, 255, 255]);
    }

    #[test]
    fn the_crop_is_central() {
        // A red column left and right of a blue square: none of it may show.
        let rgba: Vec<u8> = (0..4 * 8)
            .flat_map(|i| if (2..6).contains(&(i % 8)) { [0, 0, 255, 255] } else { [255, 0, 0, 255] })
            .collect();
        let pixels = Frame::new(8, 4, &rgba).unwrap().center_square(1.0, 4);
        assert!(pixels.rgb().chunks(3).all(|p| p == [0, 0, 255]));
    }

    proptest! {
        #[test]
        fn a_flat_frame_stays_flat(w in 1u32..90, h in 1u32..90, size in 1usize..80, fraction in 0.05f64..1.0, c in any::<[u8; 3]>()) {
            let rgba = [c[0], c[1], c[2], 255].repeat((w * h) as usize);
            let pixels = Frame::new(w, h, &rgba).unwrap().center_square(fraction, size);
            prop_assert_eq!(pixels.rgb().len(), 3 * size * size);
            // 22-bit coefficients sum to 1 within rounding, so a byte can be off by one at most.
            for p in pixels.rgb().chunks(3) {
                for (got, want) in p.iter().zip(&c) {
                    prop_assert!(got.abs_diff(*want) <= 1);
                }
            }
        }
    }
}
