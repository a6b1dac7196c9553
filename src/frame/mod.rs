//! A decoded picture ([`Frame`]), and the only way its pixels become a network's input ([`InputPixels`]).
//!
//! ```
//! use jicho::Frame;
//!
//! let rgba = [200, 30, 30, 255].repeat(640 * 480);
//! let frame = Frame::new(640, 480, &rgba)?;
//! let pixels = frame.center_square(1.0, 224);
//! assert_eq!(pixels.rgb()[..3], [200, 30, 30]);
//! # Ok::<(), jicho::Error>(())
//! ```
//!
//! Everything up to the normalised tensor is integer arithmetic, so a frame gives the same bytes on every
//! machine, natively and in wasm. The resize is Pillow's 8-bit `BILINEAR` (a triangle filter widened by the scale
//! when shrinking, 22-bit coefficients, horizontal pass first), so a Python pipeline gets the same pixels from
//! `image.resize((size, size), Image.BILINEAR, box=crop)`.

mod resample;

use resample::Taps;

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{ColorOrder, Layout, Preprocessing};

/// The most pixels a frame may have. A 64-megapixel RGBA frame is 256 MB, the most a 32-bit wasm memory can be
/// asked for with any hope.
pub const MAX_PIXELS: u64 = 64_000_000;

/// A decoded picture: 8-bit sRGB with straight (not premultiplied) alpha, rows from the top, without padding:
/// `4 * width * height` bytes.
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
        check_size(width, height, rgba.len())?;
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

    /// Its bytes: straight 8-bit RGBA, rows from the top.
    #[must_use]
    pub fn rgba(&self) -> &'a [u8] {
        self.rgba
    }

    /// The centre square whose side is `fraction` (0–1] of the shorter side, resized to `size`×`size`. Transparent
    /// pixels are laid on white.
    #[must_use]
    pub fn center_square(&self, fraction: f64, size: usize) -> InputPixels {
        let shorter = self.width.min(self.height);
        let side = ((shorter as f64 * fraction).round() as usize).clamp(1, shorter);
        let (left, top) = ((self.width - side) / 2, (self.height - side) / 2);
        self.rectangle([left, top], [side, side], size)
    }

    /// The rectangle of `[width, height]` whose upper left corner is at `[left, top]`, resized to `size`×`size` whatever
    /// its shape; cut to the frame. Transparent pixels are laid on white.
    #[must_use]
    pub fn rectangle(&self, corner: [usize; 2], sides: [usize; 2], size: usize) -> InputPixels {
        let [left, top] = [corner[0].min(self.width - 1), corner[1].min(self.height - 1)];
        let [width, height] = [sides[0].clamp(1, self.width - left), sides[1].clamp(1, self.height - top)];
        let columns = Taps::new(self.width, left, width, size);
        let rows = Taps::new(self.height, top, height, size);
        let mut narrow = vec![[0; 4]; rows.range().len() * size];
        let mut flattened = Vec::new();
        let lines = self.rgba.chunks_exact(4 * self.width).skip(rows.range().start);
        for (line, narrow) in lines.zip(narrow.chunks_exact_mut(size)) {
            let mut line = line.as_chunks::<4>().0;
            // What a camera gives is opaque. Whole pixels, as alphas alone would be read one by one.
            let common = line[columns.range()].iter().fold(!0, |common, pixel| common & u32::from_le_bytes(*pixel));
            if common >> 24 != 255 {
                flattened.clear();
                flattened.extend(line.iter().map(over_white));
                line = &flattened;
            }
            columns.line(line, narrow);
        }
        let mut rgb = vec![0; size * size * 3];
        rows.columns(&narrow, size, &mut rgb);
        InputPixels { size, rgb }
    }

    /// What the network sees of this frame, before normalisation.
    #[must_use]
    pub fn input_pixels(&self, preprocessing: &Preprocessing, size: usize) -> InputPixels {
        let frame = [self.width, self.height];
        let seen = preprocessing.seen(self.width, self.height);
        let sides: [usize; 2] = std::array::from_fn(|i| (seen[i].round() as usize).clamp(1, frame[i]));
        self.rectangle([0, 1].map(|i| (frame[i] - sides[i]) / 2), sides, size)
    }
}

/// What a network is fed, before normalisation: a square RGB picture at the network's own resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPixels {
    size: usize,
    rgb: Vec<u8>,
}

impl InputPixels {
    /// Takes interleaved RGB, `3 * size * size` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidFrame`] when the length is another.
    pub fn from_rgb(size: usize, rgb: Vec<u8>) -> Result<Self> {
        if size == 0 || rgb.len() != 3 * size * size {
            return Err(Error::new(ErrorKind::InvalidFrame, format!("{} bytes are not {size}x{size} RGB", rgb.len())));
        }
        Ok(InputPixels { size, rgb })
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

    /// The same picture at another size, by the same filter.
    #[must_use]
    pub fn resized(&self, size: usize) -> InputPixels {
        let rgba: Vec<u8> = self.rgb.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
        Frame { width: self.size, height: self.size, rgba: &rgba }.center_square(1.0, size)
    }

    /// Every byte of red, green and blue replaced by what its table says.
    #[must_use]
    pub fn mapped(&self, tables: &[[u8; 256]; 3]) -> InputPixels {
        let (pixels, _) = self.rgb.as_chunks::<3>();
        let rgb = pixels
            .iter()
            .flat_map(|[r, g, b]| [tables[0][usize::from(*r)], tables[1][usize::from(*g)], tables[2][usize::from(*b)]]);
        InputPixels { size: self.size, rgb: rgb.collect() }
    }

    /// The mirror image, left for right.
    #[must_use]
    pub fn mirrored(&self) -> InputPixels {
        let rows = self.rgb.chunks_exact(3 * self.size);
        let rgb = rows.flat_map(|row| row.rchunks_exact(3).flatten().copied()).collect();
        InputPixels { size: self.size, rgb }
    }

    /// The input tensor in the network's own layout: see [`InputPixels::write_tensor`].
    #[must_use]
    pub fn tensor(&self, preprocessing: &Preprocessing) -> Vec<f32> {
        let mut tensor = vec![0.0; self.rgb.len()];
        self.write_tensor(preprocessing, preprocessing.layout, &mut tensor);
        tensor
    }

    /// Writes the input tensor, 1×3×size×size or 1×size×size×3, each value
    /// `((byte / 255) * (range[1] - range[0]) + range[0] - mean) / std`, in the network's own channel order.
    ///
    /// # Panics
    /// When the tensor has not `3 * size * size` values.
    pub fn write_tensor(&self, preprocessing: &Preprocessing, layout: Layout, tensor: &mut [f32]) {
        assert_eq!(tensor.len(), self.rgb.len(), "the tensor is not of the pixels' size");
        let is_bgr = preprocessing.color == ColorOrder::Bgr;
        match layout {
            Layout::Nchw => {
                for (channel, plane) in tensor.chunks_exact_mut(self.size * self.size).enumerate() {
                    let source = if is_bgr { 2 - channel } else { channel };
                    let values = self.rgb[source..].iter().step_by(3);
                    plane.iter_mut().zip(values).for_each(|(to, byte)| *to = preprocessing.value(channel, *byte));
                }
            }
            Layout::Nhwc => {
                // Four pixels at a time are three vectors.
                let (groups, rest) = self.rgb.as_chunks::<12>();
                let (to_groups, to_rest) = tensor.as_chunks_mut::<12>();
                let order: [usize; 12] = std::array::from_fn(|i| if is_bgr { i / 3 * 3 + 2 - i % 3 } else { i });
                let normalize = preprocessing.repeated::<12>();
                for (to, group) in to_groups.iter_mut().zip(groups) {
                    *to = normalize(if is_bgr { order.map(|i| group[i]) } else { *group });
                }
                for (i, to) in to_rest.iter_mut().enumerate() {
                    *to = preprocessing.value(i % 3, rest[order[i]]);
                }
            }
        }
    }
}

/// Checks that `bytes` are exactly `width * height` pixels and no more than can be used, before anything is copied.
pub(crate) fn check_size(width: u32, height: u32, bytes: usize) -> Result<()> {
    let pixels = u64::from(width) * u64::from(height);
    let invalid = |message: String| Err(Error::new(ErrorKind::InvalidFrame, message));
    if pixels == 0 {
        return invalid(format!("the frame is {width}x{height}: it has no pixels (is the video playing yet?)"));
    }
    if pixels > MAX_PIXELS {
        return invalid(format!("the frame is {width}x{height}: at most {MAX_PIXELS} pixels can be used; scale it"));
    }
    if bytes as u64 != 4 * pixels {
        return invalid(format!(
            "a {width}x{height} RGBA frame has {} bytes, these are {}; pass straight 8-bit RGBA without padding",
            4 * pixels,
            bytes
        ));
    }
    Ok(())
}

fn over_white(&[r, g, b, alpha]: &[u8; 4]) -> [u8; 4] {
    let alpha = u32::from(alpha);
    let blend = |value: u8| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
    [blend(r), blend(g), blend(b), 255]
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

    fn preprocessing(whole_above: Option<f64>) -> Preprocessing {
        let (layout, color) = (Layout::Nchw, ColorOrder::Rgb);
        Preprocessing { layout, color, range: [0.0, 1.0], mean: [0.0; 3], std: [1.0; 3], crop: 1.0, whole_above }
    }

    #[test]
    fn a_long_picture_keeps_its_ends_where_the_release_says_so() {
        // Red on the left, blue on the right, grey between.
        let rgba: Vec<u8> = (0..8 * 20)
            .flat_map(|i| match i % 20 {
                0..4 => [255, 0, 0, 255],
                16..20 => [0, 0, 255, 255],
                _ => [128, 128, 128, 255],
            })
            .collect();
        let frame = Frame::new(20, 8, &rgba).unwrap();
        let whole = frame.input_pixels(&preprocessing(Some(1.4)), 10);
        assert_eq!((&whole.rgb()[..3], &whole.rgb()[27..30]), (&[255, 0, 0][..], &[0, 0, 255][..]));
        for cut in [None, Some(2.5)] {
            assert_eq!(frame.input_pixels(&preprocessing(cut), 10), frame.center_square(1.0, 10));
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_is_the_central_square(w in 1u32..60, h in 1u32..60, crop in 0.05f64..=1.0, size in 1usize..40) {
            let rgba: Vec<u8> = (0..4 * w * h).map(|i| (i * 37 % 251) as u8).collect();
            let frame = Frame::new(w, h, &rgba).unwrap();
            let cut = Preprocessing { crop, ..preprocessing(None) };
            prop_assert_eq!(frame.input_pixels(&cut, size), frame.center_square(crop, size));
            let whole = Preprocessing { crop, ..preprocessing(Some(1.4)) };
            if 5 * w.max(h) <= 7 * w.min(h) {
                prop_assert_eq!(frame.input_pixels(&whole, size), frame.center_square(crop, size));
            }
        }

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
