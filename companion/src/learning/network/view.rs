//! What a network in training sees of a photo: a crop of it, resized, possibly mirrored, blurred and in another light.

use jicho::manifest::{ColorOrder, Preprocessing};
use rand_chacha::ChaCha8Rng;

use super::random::{normal, uniform};
use crate::dataset::Example;

/// The smallest share of the square's area that a crop has.
const LEAST_AREA: f32 = 0.35;

/// A square picture in memory.
#[derive(Debug, Clone)]
pub struct Square {
    /// Side in pixels.
    pub side: usize,
    /// Interleaved RGB, `3 · side²` bytes.
    pub rgb: Vec<u8>,
}

/// A rectangle of a square, as shares of its side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crop {
    /// Left and upper edge.
    pub start: [f32; 2],
    /// Width and height.
    pub size: [f32; 2],
}

/// How a crop is changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Augmentation {
    /// Whether left and right are exchanged.
    pub mirrored: bool,
    /// The width of the resizing filter, relative to the width that resizes sharply.
    pub blur: f32,
    /// The brightness, 0–1, is raised to this power, ...
    pub gamma: f32,
    /// ... then each colour is multiplied by this.
    pub gain: [f32; 3],
}

impl Crop {
    /// The whole square.
    pub const WHOLE: Crop = Crop { start: [0.0; 2], size: [1.0; 2] };

    /// A random crop.
    pub fn random(rng: &mut ChaCha8Rng) -> Crop {
        let side = uniform(rng, LEAST_AREA, 1.0).sqrt();
        let aspect = uniform(rng, -0.15, 0.15).exp();
        let size = [(side * aspect).min(1.0), (side / aspect).min(1.0)];
        Crop { start: size.map(|size| uniform(rng, 0.0, 1.0 - size)), size }
    }
}

impl Augmentation {
    /// No change.
    pub const PLAIN: Augmentation = Augmentation { mirrored: false, blur: 1.0, gamma: 1.0, gain: [1.0; 3] };

    /// A random change: mirrored half the time, blurred a quarter of the time, always in another light.
    pub fn random(rng: &mut ChaCha8Rng) -> Augmentation {
        let mirrored = uniform(rng, 0.0, 1.0) < 0.5;
        let blur = if uniform(rng, 0.0, 1.0) < 0.25 { uniform(rng, 1.0, 3.0) } else { 1.0 };
        let gamma = (0.15 * normal(rng)).exp();
        let exposure = 0.15 * normal(rng);
        let gain = std::array::from_fn(|_| (exposure + 0.07 * normal(rng)).exp());
        Augmentation { mirrored, blur, gamma, gain }
    }
}

impl Square {
    /// What a network with this preprocessing sees of an example's photo, resized to `side` pixels. The error says why the photo
    /// cannot be read.
    pub fn read(example: &Example, pixels: &Preprocessing, side: usize) -> Result<Square, String> {
        let bytes = example.bytes().map_err(|e| e.to_string())?;
        Square::decode(example, &bytes, pixels, side)
    }

    /// The same from the bytes of the example's file.
    pub fn decode(example: &Example, bytes: &[u8], pixels: &Preprocessing, side: usize) -> Result<Square, String> {
        let photo = example.decode(bytes).map_err(|e| e.to_string())?;
        let frame = photo.frame().map_err(|e| e.to_string())?;
        Ok(Square { side, rgb: frame.input_pixels(pixels, side).rgb().to_vec() })
    }

    /// The crop, resized to `size`×`size` pixels, with the values that a network takes; always in NHWC order.
    pub fn view(&self, crop: &Crop, augmentation: &Augmentation, size: usize, pixels: &Preprocessing) -> Vec<f32> {
        let [columns, rows] =
            [0, 1].map(|axis| Taps::new(self.side, crop.start[axis], crop.size[axis], augmentation.blur, size));
        let first = rows.spans[0].0;
        let last = rows.spans[size - 1].0 + rows.spans[size - 1].1.len();
        let width = 3 * size;
        let mut lines = vec![0.0; (last - first) * width];
        for (line, source) in lines.chunks_exact_mut(width).zip(self.rgb.chunks_exact(3 * self.side).skip(first)) {
            for (to, (start, weights)) in line.as_chunks_mut::<3>().0.iter_mut().zip(&columns.spans) {
                for (pixel, weight) in source[3 * start..].as_chunks::<3>().0.iter().zip(weights) {
                    (0..3).for_each(|c| to[c] += f32::from(pixel[c]) * weight);
                }
            }
        }
        let tone = augmentation.tone(pixels);
        let source: [usize; 3] = std::array::from_fn(|c| if pixels.color == ColorOrder::Bgr { 2 - c } else { c });
        let mut view = Vec::with_capacity(width * size);
        let mut sum = vec![0.0; width];
        for (start, weights) in &rows.spans {
            sum.fill(0.0);
            for (line, weight) in lines[(start - first) * width..].chunks_exact(width).zip(weights) {
                sum.iter_mut().zip(line).for_each(|(to, v)| *to += v * weight);
            }
            let pixel = |p: &[f32; 3]| source.map(|c| tone[c][(p[c] + 0.5) as usize]);
            let line = sum.as_chunks::<3>().0.iter();
            if augmentation.mirrored {
                line.rev().for_each(|p| view.extend(pixel(p)));
            } else {
                line.for_each(|p| view.extend(pixel(p)));
            }
        }
        view
    }
}

impl Augmentation {
    /// The network's input value for each byte of red, green and blue.
    fn tone(&self, pixels: &Preprocessing) -> [[f32; 256]; 3] {
        let Preprocessing { range: [low, high], mean, std, .. } = pixels;
        let powers: [f32; 256] = std::array::from_fn(|byte| (byte as f32 / 255.0).powf(self.gamma));
        std::array::from_fn(|color| {
            let channel = if pixels.color == ColorOrder::Bgr { 2 - color } else { color };
            let lit = powers.map(|power| (power * self.gain[color]).min(1.0));
            lit.map(|v| (v * (high - low) + low - mean[channel]) / std[channel])
        })
    }
}

/// For each output sample, the index of the first input sample and the weights from there on. The weights form a triangle
/// that is at least as wide as the distance between output samples, and sum to 1.
struct Taps {
    spans: Vec<(usize, Vec<f32>)>,
}

impl Taps {
    fn new(input: usize, start: f32, length: f32, blur: f32, size: usize) -> Taps {
        let scale = length * input as f32 / size as f32;
        let support = scale.max(1.0) * blur;
        let span = |i: usize| {
            let center = start * input as f32 + (i as f32 + 0.5) * scale;
            let from = ((center - support + 0.5).max(0.0) as usize).min(input - 1);
            let to = ((center + support + 0.5) as usize).clamp(from + 1, input);
            let weight = |x: usize| (1.0 - ((x as f32 + 0.5 - center) / support).abs()).max(1e-6);
            let total: f32 = (from..to).map(weight).sum();
            (from, (from..to).map(|x| weight(x) / total).collect())
        };
        Taps { spans: (0..size).map(span).collect() }
    }
}

#[cfg(test)]
mod tests {
    use jicho::manifest::Layout;

    use super::super::random::stream;
    use super::*;

    fn pixels(color: ColorOrder) -> Preprocessing {
        Preprocessing {
            layout: Layout::Nchw,
            color,
            range: [-1.0, 1.0],
            mean: [0.0; 3],
            std: [1.0; 3],
            crop: 1.0,
            whole_above: None,
        }
    }

    fn gradient() -> Square {
        let rgb = (0..64 * 64).flat_map(|i| [(i % 64 * 4) as u8, (i / 64 * 4) as u8, 77]).collect();
        Square { side: 64, rgb }
    }

    #[test]
    fn the_whole_at_its_own_size_is_itself() {
        let square = gradient();
        let view = square.view(&Crop::WHOLE, &Augmentation::PLAIN, 64, &pixels(ColorOrder::Rgb));
        let same = view.iter().zip(&square.rgb).all(|(v, byte)| (v - (f32::from(*byte) / 127.5 - 1.0)).abs() < 1e-5);
        assert!(same);
        let mirror = square.view(
            &Crop::WHOLE,
            &Augmentation { mirrored: true, ..Augmentation::PLAIN },
            64,
            &pixels(ColorOrder::Rgb),
        );
        assert_eq!(mirror[..3], view[63 * 3..64 * 3]);
        let swapped = square.view(&Crop::WHOLE, &Augmentation::PLAIN, 64, &pixels(ColorOrder::Bgr));
        assert_eq!([swapped[300], swapped[301], swapped[302]], [view[302], view[301], view[300]]);
    }

    #[test]
    fn a_crop_is_where_it_should_be() {
        let crop = Crop { start: [0.5, 0.25], size: [0.5, 0.25] };
        let view = gradient().view(&crop, &Augmentation::PLAIN, 16, &pixels(ColorOrder::Rgb));
        let byte = |at: usize| (view[at] + 1.0) * 127.5;
        // Red rises from the middle to the right edge, green from a quarter to a half.
        assert!((byte(0) - 130.0).abs() < 3.0 && (byte(15 * 3) - 250.0).abs() < 4.0);
        assert!((byte(1) - 64.0).abs() < 3.0 && (byte(15 * 16 * 3 + 1) - 124.0).abs() < 4.0);
    }

    #[test]
    fn random_views_are_within_range_and_flat_colours_stay_flat() {
        let flat = Square { side: 40, rgb: vec![100; 3 * 40 * 40] };
        for seed in 0..200 {
            let mut rng = stream(seed, [0; 3]);
            let (crop, augmentation) = (Crop::random(&mut rng), Augmentation::random(&mut rng));
            for axis in 0..2 {
                assert!(crop.start[axis] >= 0.0 && crop.start[axis] + crop.size[axis] <= 1.0 + 1e-6);
            }
            let view = flat.view(&crop, &augmentation, 24, &pixels(ColorOrder::Rgb));
            assert_eq!(view.len(), 3 * 24 * 24);
            assert!(view.iter().all(|v| (-1.0..=1.0).contains(v)));
            assert!(view.as_chunks::<3>().0.iter().all(|p| p == view.first_chunk::<3>().unwrap()));
        }
    }
}
