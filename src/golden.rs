//! The golden frame: a drawn picture. A device trusts a release only once the release answers it as it did where it was
//! published.

use crate::frame::Frame;

/// Width of the golden frame, pixels.
pub const WIDTH: u32 = 160;
/// Height of the golden frame, pixels.
pub const HEIGHT: u32 = 120;

/// RGBA bytes of the golden frame: colour ramps, a disc, bars and a little noise, from integers alone.
#[must_use]
pub fn rgba() -> Vec<u8> {
    let (width, height) = (WIDTH as i32, HEIGHT as i32);
    let mut noise: u32 = 1;
    let mut rgba = Vec::with_capacity((4 * WIDTH * HEIGHT) as usize);
    for y in 0..height {
        for x in 0..width {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (noise >> 28) as i32;
            let (dx, dy) = (x - 70, y - 55);
            let [r, g, b] = if dx * dx + dy * dy < 35 * 35 {
                [220 - dy, 60 + dx, 40]
            } else if x > 110 && (y / 6) % 2 == 0 {
                [30, 30, 160 + y / 2]
            } else {
                [x * 200 / width + 30, y * 200 / height + 30, 120]
            };
            rgba.extend([r + grain, g + grain, b + grain, 255].map(|v| v.clamp(0, 255) as u8));
        }
    }
    rgba
}

/// The golden frame over bytes from [`rgba`].
///
/// # Panics
/// When `rgba` is not what [`rgba`] returned.
#[must_use]
pub fn frame(rgba: &[u8]) -> Frame<'_> {
    Frame::new(WIDTH, HEIGHT, rgba).expect("the golden frame's own bytes")
}
