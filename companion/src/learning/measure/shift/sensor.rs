//! What sensors and storage do: noise, moiré, few pixels, JPEG.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use image::{ImageFormat, RgbImage, load_from_memory_with_format};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Gaussian noise of a standard deviation of `deviation` in the middle of the range, 1.3 times as much in black, 0.7 times in white.
pub(super) fn noisy(mut picture: RgbImage, deviation: f64, rng: &mut ChaCha8Rng) -> RgbImage {
    for value in picture.iter_mut() {
        // The sum of four uniform numbers is nearly Gaussian, and has a variance of a third.
        let sum: f32 = (0..4).map(|_| rng.random::<f32>() - 0.5).sum();
        let noise = f64::from(sum) * 3f64.sqrt() * deviation * (1.3 - 0.6 * f64::from(*value) / 255.0);
        *value = (f64::from(*value) + noise).round().clamp(0.0, 255.0) as u8;
    }
    picture
}

/// Two gratings of other periods and directions in each colour, as a screen's and a sensor's grids make together.
pub(super) fn rippled(mut picture: RgbImage, amplitude: f64, rng: &mut ChaCha8Rng) -> RgbImage {
    let shorter = f64::from(picture.width().min(picture.height()));
    let mut wave = || {
        let (angle, phase) =
            (rng.random_range(0.0..std::f64::consts::PI), rng.random_range(0.0..std::f64::consts::TAU));
        // Waves across the shorter side.
        let waves = std::f64::consts::TAU * rng.random_range(8.0..60.0) / shorter;
        [waves * angle.cos(), waves * angle.sin(), phase]
    };
    let waves: [[[f64; 3]; 2]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| wave()));
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (x, y) = (f64::from(x), f64::from(y));
        pixel.0 = std::array::from_fn(|i| {
            let sum: f64 = waves[i].iter().map(|[across, down, phase]| (x * across + y * down + phase).sin()).sum();
            (f64::from(pixel.0[i]) * (1.0 + amplitude * sum)).round().clamp(0.0, 255.0) as u8
        });
    }
    picture
}

/// Reduced until the shorter side has `pixels`, where it has more, and enlarged again.
pub(super) fn coarse(picture: &RgbImage, pixels: f64) -> RgbImage {
    let (width, height) = picture.dimensions();
    let scale = (pixels / f64::from(width.min(height))).min(1.0);
    let [small_width, small_height] = [width, height].map(|side| ((f64::from(side) * scale).round() as u32).max(1));
    let small = resize(picture, small_width, small_height, FilterType::Triangle);
    resize(&small, width, height, FilterType::Triangle)
}

/// As a JPEG of `quality`, 1–100, shows it.
pub(super) fn compressed(picture: &RgbImage, quality: f64) -> RgbImage {
    let mut bytes = Cursor::new(Vec::new());
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality.round() as u8);
    let encoded = picture.write_with_encoder(encoder);
    let decoded = encoded.and_then(|()| load_from_memory_with_format(bytes.get_ref(), ImageFormat::Jpeg));
    // A picture that this encoder cannot take is left as it is.
    decoded.map_or_else(|_| picture.clone(), image::DynamicImage::into_rgb8)
}
