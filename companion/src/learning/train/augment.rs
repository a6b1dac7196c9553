//! Varies photos as they might also have been taken: nearer, to the side, mirrored, in other light, out of focus.

use jicho::frame::{Frame, InputPixels};
use jicho::manifest::Preprocessing;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The smallest share of the square's area that a variation shows.
const LEAST_AREA: f64 = 0.35;
/// The share of variations that are out of focus, and the smallest share of the resolution at which those are seen.
const BLURRED: f64 = 0.15;
const LEAST_SHARPNESS: f64 = 0.35;

/// How photos may be varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variation {
    /// Whether the mirror image of a product is still the same product.
    pub mirror: bool,
}

impl Variation {
    /// Variation `number` of a photo, which `seed` identifies. The same arguments give the same pixels.
    ///
    /// It shows a rectangle of 35–100 % of what the network sees, up to a sixth longer in one direction, mirrored
    /// half the time. Then gamma, exposure and each channel's gain are changed by factors whose logarithms have standard
    /// deviations of 0.15, 0.15 and 0.07.
    pub fn pixels(
        self,
        frame: &Frame<'_>,
        preprocessing: &Preprocessing,
        size: usize,
        seed: u64,
        number: u64,
    ) -> InputPixels {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let frame_sides = [frame.width(), frame.height()];
        let seen_sides = preprocessing.seen(frame.width(), frame.height()).map(|side| side.max(1.0));
        let area = rng.random_range(LEAST_AREA..1.0f64).sqrt();
        let stretch = rng.random_range(-0.15..0.15f64).exp();
        let shares = [area * stretch, area / stretch];
        let sides: [f64; 2] = std::array::from_fn(|i| (seen_sides[i] * shares[i]).min(seen_sides[i]).max(1.0));
        let corner: [f64; 2] = std::array::from_fn(|i| {
            (frame_sides[i] as f64 - seen_sides[i]) / 2.0 + rng.random::<f64>() * (seen_sides[i] - sides[i])
        });
        let sharpness = if rng.random_bool(BLURRED) { rng.random_range(LEAST_SHARPNESS..1.0) } else { 1.0 };
        let seen = ((size as f64 * sharpness) as usize).clamp(1, size);
        let mut pixels = frame.rectangle(corner.map(|at| at as usize), sides.map(|side| side as usize), seen);
        if seen < size {
            pixels = pixels.resized(size);
        }
        if rng.random_bool(0.5) && self.mirror {
            pixels = pixels.mirrored();
        }
        pixels.mapped(&light(&mut rng))
    }
}

/// What each byte of red, green and blue becomes in another light.
fn light(rng: &mut ChaCha8Rng) -> [[u8; 256]; 3] {
    let mut normal = |deviation: f64| {
        // Box & Muller 1958.
        let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        (deviation * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()).exp()
    };
    let (gamma, exposure) = (normal(0.15), normal(0.15));
    std::array::from_fn(|_| {
        let gain = exposure * normal(0.07);
        std::array::from_fn(|byte| ((byte as f64 / 255.0).powf(gamma) * gain * 255.0).round().clamp(0.0, 255.0) as u8)
    })
}

#[cfg(test)]
mod tests {
    use jicho::manifest::{ColorOrder, Layout};
    use proptest::prelude::*;

    use super::*;

    const PIXELS: Preprocessing = Preprocessing {
        layout: Layout::Nchw,
        color: ColorOrder::Rgb,
        range: [0.0, 1.0],
        mean: [0.0; 3],
        std: [1.0; 3],
        crop: 0.875,
        whole_above: None,
    };

    proptest! {
        #[test]
        fn any_frame_gives_pixels_and_the_same_again(width in 1u32..80, height in 1u32..80, size in 1usize..40, seed in any::<u64>()) {
            let rgba: Vec<u8> = (0..4 * width * height).map(|i| (i * 31 % 256) as u8).collect();
            let frame = Frame::new(width, height, &rgba).unwrap();
            let varied = Variation { mirror: true }.pixels(&frame, &PIXELS, size, seed, 3);
            prop_assert_eq!(varied.size(), size);
            prop_assert_eq!(varied, Variation { mirror: true }.pixels(&frame, &PIXELS, size, seed, 3));
        }
    }

    #[test]
    fn what_must_not_be_mirrored_is_not() {
        // Dark on the left, light on the right.
        let rgba: Vec<u8> = (0..64 * 64u32).flat_map(|i| [(i % 64 * 4) as u8; 3].into_iter().chain([255])).collect();
        let frame = Frame::new(64, 64, &rgba).unwrap();
        let rising = |mirror| {
            let rising = |n: &u64| {
                let pixels = Variation { mirror }.pixels(&frame, &PIXELS, 16, 7, *n);
                pixels.rgb()[0] < pixels.rgb()[45]
            };
            (0..40).filter(rising).count()
        };
        assert_eq!(rising(false), 40);
        assert!((10..30).contains(&rising(true)));
    }
}
