//! Photos as another camera, or the same in other conditions, might have taken them.
//!
//! A [`Shift`] changes a photo in one way that cameras and light differ in. Its strength is a number from 0, which changes
//! (almost) nothing, to 1, the worst that is still a photo. What is drawn at random comes from a generator that the caller
//! seeds, so the same photo and seed give the same pixels.

mod blur;
mod light;
mod sensor;

use image::RgbImage;
use image::imageops::{FilterType, resize};
use jicho::frame::Frame;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The longer side of a photo, in pixels, to which larger ones are reduced before they are changed. No network's input has half as
/// many.
const LONGEST: u32 = 1024;
/// The strengths of a shift that stands alone or beside one other.
const STRONG: [f64; 2] = [1.0 / 3.0, 1.0];
/// The strengths of shifts that all come together.
const MILD: [f64; 2] = [0.0, 1.0 / 3.0];

/// One way in which photos of two cameras differ. Sides and lengths are relative to the photo's shorter side; strength is
/// called s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// Exposed by 3s stops too little.
    Darker,
    /// Exposed by 3s stops too much; what is too bright is clipped.
    Brighter,
    /// White balance: red and blue by 0.6s stops apart from green, in opposite directions, and green by up to 0.2s stops.
    WhiteBalance,
    /// Another tone curve: a gamma of e^(±0.6s), and contrast in the middle by up to 0.4s more or less.
    Tone,
    /// Noise of a sensor: a standard deviation of 24s of 255 in the middle, more in the dark.
    Noise,
    /// The camera moved by 6s % during the exposure, in any direction.
    Motion,
    /// Out of focus: a Gaussian of 2s %.
    Focus,
    /// JPEG of a quality of 80 − 60s.
    Jpeg,
    /// 192 pixels at s = 0, 48 at s = 1.
    LowResolution,
    /// Corners darker by 70s %.
    Vignette,
    /// A light veil over all, of 50s %.
    Haze,
    /// Moiré of a screen or a sensor's grid: waves of 15s % of the brightness, other ones in each colour.
    Moire,
}

impl Shift {
    /// All of them.
    pub const ALL: [Shift; 12] = [
        Shift::Darker,
        Shift::Brighter,
        Shift::WhiteBalance,
        Shift::Tone,
        Shift::Noise,
        Shift::Motion,
        Shift::Focus,
        Shift::Jpeg,
        Shift::LowResolution,
        Shift::Vignette,
        Shift::Haze,
        Shift::Moire,
    ];

    fn name(self) -> &'static str {
        match self {
            Shift::Darker => "darker",
            Shift::Brighter => "brighter",
            Shift::WhiteBalance => "white balance",
            Shift::Tone => "tone curve",
            Shift::Noise => "noise",
            Shift::Motion => "motion blur",
            Shift::Focus => "out of focus",
            Shift::Jpeg => "JPEG",
            Shift::LowResolution => "low resolution",
            Shift::Vignette => "vignette",
            Shift::Haze => "haze",
            Shift::Moire => "moiré",
        }
    }

    /// The order in which a camera does these things: light, optics, sensor, storage.
    fn place(self) -> usize {
        const ORDER: [Shift; 12] = [
            Shift::Haze,
            Shift::Vignette,
            Shift::Focus,
            Shift::Motion,
            Shift::LowResolution,
            Shift::Darker,
            Shift::Brighter,
            Shift::Noise,
            Shift::Moire,
            Shift::WhiteBalance,
            Shift::Tone,
            Shift::Jpeg,
        ];
        ORDER.iter().position(|shift| *shift == self).unwrap_or_default()
    }

    /// Changes a picture. `strength` is 0–1.
    fn apply(self, picture: RgbImage, strength: f64, rng: &mut ChaCha8Rng) -> RgbImage {
        match self {
            Shift::Darker => light::exposed(picture, -3.0 * strength),
            Shift::Brighter => light::exposed(picture, 3.0 * strength),
            Shift::WhiteBalance => light::balanced(picture, strength, rng),
            Shift::Tone => light::toned(picture, strength, rng),
            Shift::Noise => sensor::noisy(picture, 24.0 * strength, rng),
            Shift::Motion => blur::moved(&picture, 0.06 * strength, rng),
            Shift::Focus => blur::out_of_focus(&picture, 0.02 * strength),
            Shift::Jpeg => sensor::compressed(&picture, 80.0 - 60.0 * strength),
            Shift::LowResolution => sensor::coarse(&picture, 192.0 * 0.25f64.powf(strength)),
            Shift::Vignette => light::vignetted(picture, 0.7 * strength),
            Shift::Haze => light::veiled(picture, 0.5 * strength),
            Shift::Moire => sensor::rippled(picture, 0.15 * strength, rng),
        }
    }
}

/// A row of the benchmark: shifts that come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// One shift, at a strength of a third to the whole.
    One(Shift),
    /// Two different ones, drawn for each photo, each as strong.
    Two,
    /// All at once, each at up to a third of its strength; of darker and brighter, one.
    All,
}

impl Condition {
    /// All rows.
    pub fn all() -> impl Iterator<Item = Condition> {
        Shift::ALL.into_iter().map(Condition::One).chain([Condition::Two, Condition::All])
    }

    /// For people, and the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Condition::One(shift) => shift.name(),
            Condition::Two => "two together",
            Condition::All => "all at once, mild",
        }
    }

    /// The picture under this condition. `seed` identifies the photo.
    pub fn apply(self, picture: &RgbImage, seed: u64) -> RgbImage {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let number = Condition::all().position(|condition| condition == self).unwrap_or_default();
        rng.set_stream(number as u64);
        let (mut shifts, [low, high]) = match self {
            Condition::One(shift) => (vec![shift], STRONG),
            Condition::Two => {
                let mut shifts = Shift::ALL.to_vec();
                shifts.shuffle(&mut rng);
                shifts.truncate(2);
                (shifts, STRONG)
            }
            Condition::All => {
                let other = if rng.random_bool(0.5) { Shift::Darker } else { Shift::Brighter };
                (Shift::ALL.into_iter().filter(|shift| *shift != other).collect(), MILD)
            }
        };
        shifts.sort_by_key(|shift| shift.place());
        shifts.into_iter().fold(picture.clone(), |picture, shift| {
            let strength = rng.random_range(low..high);
            shift.apply(picture, strength, &mut rng)
        })
    }
}

/// A frame as a picture that can be changed, on white where it is transparent, and reduced where it is large.
pub fn picture(frame: &Frame<'_>) -> RgbImage {
    let (width, height) = (frame.width() as u32, frame.height() as u32);
    let over_white = |[r, g, b, alpha]: &[u8; 4]| {
        let alpha = u32::from(*alpha);
        [*r, *g, *b].map(|value| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
    };
    let rgb: Vec<u8> = frame.rgba().as_chunks::<4>().0.iter().flat_map(over_white).collect();
    let picture = RgbImage::from_raw(width, height, rgb).unwrap_or_default();
    let longer = width.max(height);
    if longer <= LONGEST {
        return picture;
    }
    let reduced = |side: u32| (u64::from(side) * u64::from(LONGEST) / u64::from(longer)).max(1) as u32;
    resize(&picture, reduced(width), reduced(height), FilterType::Triangle)
}

/// The bytes of a picture as a frame has them.
pub fn rgba(picture: &RgbImage) -> Vec<u8> {
    picture.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect()
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use jicho::golden;
    use proptest::prelude::*;

    use super::*;

    /// 320×240 pixels, since low resolution leaves small pictures as they are.
    fn golden_picture() -> RgbImage {
        let rgba = golden::rgba();
        let picture = picture(&golden::frame(&rgba));
        resize(&picture, 2 * picture.width(), 2 * picture.height(), FilterType::Nearest)
    }

    /// The mean absolute difference of two pictures' bytes.
    fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
        let sum: u64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / a.as_raw().len() as f64
    }

    fn applied(shift: Shift, strength: f64) -> RgbImage {
        shift.apply(golden_picture(), strength, &mut ChaCha8Rng::seed_from_u64(5))
    }

    #[test]
    fn every_shift_changes_more_the_stronger_it_is() {
        let plain = golden_picture();
        for shift in Shift::ALL {
            let [mild, strong] = [0.2, 1.0].map(|strength| difference(&plain, &applied(shift, strength)));
            assert!(0.1 < mild && mild < strong, "{shift:?}: {mild} {strong}");
            assert!(strong < 140.0, "{shift:?}: {strong}");
        }
    }

    #[test]
    fn light_goes_the_way_it_is_named() {
        let mean = |picture: &RgbImage| picture.as_raw().iter().map(|v| f64::from(*v)).sum::<f64>();
        let plain = mean(&golden_picture());
        assert!(mean(&applied(Shift::Darker, 0.5)) < 0.8 * plain && mean(&applied(Shift::Brighter, 0.5)) > 1.2 * plain);
        let vignetted = applied(Shift::Vignette, 1.0);
        let (corner, middle) = (vignetted.get_pixel(0, 0), vignetted.get_pixel(140, 110));
        let before = golden_picture();
        assert!(f64::from(corner[0]) < 0.5 * f64::from(before.get_pixel(0, 0)[0]), "{corner:?}");
        assert!(middle[0].abs_diff(before.get_pixel(140, 110)[0]) < 12, "{middle:?}");
    }

    #[test]
    fn blurs_leave_a_flat_picture_flat() {
        let flat = RgbImage::from_pixel(90, 60, Rgb([100, 150, 200]));
        for shift in [Shift::Motion, Shift::Focus, Shift::LowResolution] {
            let blurred = shift.apply(flat.clone(), 1.0, &mut ChaCha8Rng::seed_from_u64(1));
            assert!(difference(&flat, &blurred) < 1.0, "{shift:?}");
        }
    }

    proptest! {
        #[test]
        fn any_picture_keeps_its_size_and_is_the_same_again(width in 1u32..60, height in 1u32..60, seed in any::<u64>()) {
            let picture = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 5) as u8, (y * 7) as u8, (x * y) as u8]));
            for condition in Condition::all() {
                let changed = condition.apply(&picture, seed);
                prop_assert_eq!(changed.dimensions(), (width, height), "{}", condition.name());
                prop_assert!(changed == condition.apply(&picture, seed), "{}", condition.name());
            }
        }
    }
}
