//! Blur by motion and by focus.

use image::RgbImage;
use image::imageops::fast_blur;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

fn shorter(picture: &RgbImage) -> f64 {
    f64::from(picture.width().min(picture.height()))
}

/// Each pixel becomes the mean along a line of `length` times the shorter side; the picture's edge goes on beyond it.
pub(super) fn moved(picture: &RgbImage, length: f64, rng: &mut ChaCha8Rng) -> RgbImage {
    let angle = rng.random_range(0.0..std::f64::consts::PI);
    let length = length * shorter(picture);
    let steps = length.ceil().max(1.0) as i64;
    let (width, height) = (i64::from(picture.width()), i64::from(picture.height()));
    let offsets: Vec<[i64; 2]> = (0..=steps)
        .map(|i| {
            let along = (i as f64 / steps as f64 - 0.5) * length;
            [(along * angle.cos()).round() as i64, (along * angle.sin()).round() as i64]
        })
        .collect();
    let count = offsets.len() as u32;
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let mut sum = [count / 2; 3];
        for [dx, dy] in &offsets {
            let at = |place: u32, offset: i64, side: i64| (i64::from(place) + offset).clamp(0, side - 1) as u32;
            let pixel = picture.get_pixel(at(x, *dx, width), at(y, *dy, height));
            sum.iter_mut().zip(pixel.0).for_each(|(sum, value)| *sum += u32::from(value));
        }
        image::Rgb(sum.map(|sum| (sum / count) as u8))
    })
}

/// A Gaussian whose standard deviation is `share` of the shorter side.
pub(super) fn out_of_focus(picture: &RgbImage, share: f64) -> RgbImage {
    fast_blur(picture, (share * shorter(picture)).max(0.1) as f32)
}
