//! Shifts of light and of tone: what a table over bytes says, or a factor that depends on the place.

use image::RgbImage;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The brightness of a veil, 0–1: white that is not quite lit.
const VEIL: f64 = 0.92;

/// A table over the bytes of red, green and blue.
type Tables = [[u8; 256]; 3];

fn mapped(mut picture: RgbImage, tables: &Tables) -> RgbImage {
    for pixel in picture.pixels_mut() {
        pixel.0 = std::array::from_fn(|i| tables[i][usize::from(pixel.0[i])]);
    }
    picture
}

fn table(value: impl Fn(f64) -> f64) -> [u8; 256] {
    std::array::from_fn(|byte| (value(byte as f64 / 255.0) * 255.0).round().clamp(0.0, 255.0) as u8)
}

/// The light behind a value of sRGB, both 0–1 (IEC 61966-2-1).
fn linear(value: f64) -> f64 {
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The value of sRGB for light.
fn encoded(light: f64) -> f64 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// Light multiplied by 2 to so many stops.
fn stopped(stops: f64) -> [u8; 256] {
    table(|value| encoded(linear(value) * stops.exp2()))
}

pub(super) fn exposed(picture: RgbImage, stops: f64) -> RgbImage {
    mapped(picture, &[stopped(stops); 3])
}

pub(super) fn balanced(picture: RgbImage, strength: f64, rng: &mut ChaCha8Rng) -> RgbImage {
    let sign = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    let green = rng.random_range(-0.2..0.2) * strength;
    mapped(picture, &[0.6 * strength * sign, green, -0.6 * strength * sign].map(stopped))
}

pub(super) fn toned(picture: RgbImage, strength: f64, rng: &mut ChaCha8Rng) -> RgbImage {
    let sign = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    let gamma = (0.6 * strength * sign).exp();
    let contrast = rng.random_range(-0.4..0.4) * strength;
    // A sine keeps black, the middle and white, and changes the slope between them.
    let curve = |value: f64| value - contrast * (std::f64::consts::TAU * value).sin() / std::f64::consts::TAU;
    mapped(picture, &[table(|value| curve(value.powf(gamma))); 3])
}

pub(super) fn veiled(picture: RgbImage, share: f64) -> RgbImage {
    mapped(picture, &[table(|value| value + share * (VEIL - value)); 3])
}

/// Brightness falls with the square of the distance from the middle, in the corners by `loss`.
pub(super) fn vignetted(mut picture: RgbImage, loss: f64) -> RgbImage {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let [dx, dy] = [(f64::from(x) + 0.5) / width - 0.5, (f64::from(y) + 0.5) / height - 0.5];
        let factor = 1.0 - loss * 2.0 * (dx * dx + dy * dy);
        pixel.0 = pixel.0.map(|value| (f64::from(value) * factor).round() as u8);
    }
    picture
}
