//! Generated frames without a product: plain, graded, cloudy, noisy, striped, checked, dark. Each kind becomes a prototype
//! that stands for "no product". Without them, a shop with one or two products could not reject anything.

use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};
use jicho::frame::InputPixels;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Number of kinds; each is a class of its own.
pub const KINDS: usize = 8;
/// Number of frames of each kind.
pub const PER_KIND: usize = 8;

/// Frame `index` of `kind`, `size`×`size` pixels. The same arguments give the same frame.
pub fn pixels(kind: usize, index: usize, size: usize) -> jicho::Result<InputPixels> {
    let mut rng = ChaCha8Rng::seed_from_u64(((kind as u64) << 32) | index as u64);
    let side = size as u32;
    let (one, two): ([f32; 3], [f32; 3]) = (color(&mut rng), color(&mut rng));
    let (sin, cos) = rng.random_range(0.0..std::f32::consts::TAU).sin_cos();
    let (fine, coarse) = (rng.random_range(20.0f32..120.0), rng.random_range(10.0f32..40.0));
    let clouds = |cells: u32, rng: &mut ChaCha8Rng| {
        let seeds = RgbImage::from_fn(cells, cells, |_, _| Rgb(color(rng).map(|v| v as u8)));
        resize(&seeds, side, side, FilterType::CatmullRom)
    };
    let cloud = match kind {
        2 => clouds(4, &mut rng),
        3 => clouds(24, &mut rng),
        _ => clouds(6, &mut rng),
    };
    let mut rgb = Vec::with_capacity(3 * size * size);
    for y in 0..side {
        for x in 0..side {
            let (u, v) = (x as f32 / size as f32, y as f32 / size as f32);
            let along = u * cos + v * sin;
            let mixed = |t: f32| std::array::from_fn(|c| t * one[c] + (1.0 - t) * two[c]);
            let base: [f32; 3] = match kind {
                0 => one,
                1 => mixed(along.clamp(0.0, 1.0)),
                2 | 3 => cloud.get_pixel(x, y).0.map(f32::from),
                4 => one.map(|v| v + rng.random_range(-100.0..100.0)),
                5 => mixed(f32::from(u8::from((along * fine).sin() > 0.0))),
                6 => mixed(f32::from(u8::from(((u * coarse).floor() + (v * coarse).floor()) % 2.0 == 0.0))),
                _ => cloud.get_pixel(x, y).0.map(|v| f32::from(v) * 0.15),
            };
            rgb.extend(base.map(|v| (v + rng.random_range(-7.0..7.0)).clamp(0.0, 255.0) as u8));
        }
    }
    InputPixels::from_rgb(size, rgb)
}

fn color(rng: &mut ChaCha8Rng) -> [f32; 3] {
    std::array::from_fn(|_| rng.random_range(0.0..255.0))
}
