//! From the samples of a file to straight 8-bit RGBA in sRGB, the space in which canvases hand frames to the library.

use moxcms::{
    CicpColorPrimaries, CicpProfile, ColorProfile, DataColorSpace, Layout, MatrixCoefficients, TransferCharacteristics,
    TransformOptions,
};

use super::{PhotoError, Turn};

/// Printers' profiles have up to about 3 MB; a longer one is not read.
pub const MAX_PROFILE: usize = 8 << 20;
/// A profile that moves no tested colour by more than this many of 255 levels counts as sRGB.
const SAME: u8 = 1;

/// A decoded picture as its file has it.
pub struct Raster {
    pub width: u32,
    pub height: u32,
    pub channels: Channels,
    pub samples: Samples,
    /// What the samples mean; sRGB (of grey: its curve) where `None`.
    pub profile: Option<ColorProfile>,
    /// Held by a large picture.
    pub turn: Turn,
}

/// The channels of a pixel, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    Gray,
    GrayAlpha,
    Rgb,
    Rgba,
    /// Inks, 0 being none.
    Cmyk,
}

/// The channels of all pixels.
pub enum Samples {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
}

impl Channels {
    /// How many there are.
    pub fn count(self) -> usize {
        match self {
            Channels::Gray => 1,
            Channels::GrayAlpha => 2,
            Channels::Rgb => 3,
            Channels::Rgba | Channels::Cmyk => 4,
        }
    }

    fn layout(self) -> Layout {
        match self {
            Channels::Gray => Layout::Gray,
            Channels::GrayAlpha => Layout::GrayAlpha,
            Channels::Rgb => Layout::Rgb,
            Channels::Rgba | Channels::Cmyk => Layout::Rgba,
        }
    }

    fn has_alpha(self) -> bool {
        matches!(self, Channels::GrayAlpha | Channels::Rgba)
    }
}

/// A profile, where the bytes are one that can be used.
pub fn parse(icc: &[u8]) -> Option<ColorProfile> {
    ColorProfile::new_from_slice(icc).ok()
}

/// Whether a profile is of inks.
pub fn is_of_inks(profile: &ColorProfile) -> bool {
    profile.color_space == DataColorSpace::Cmyk
}

/// The space of code points as ITU-T H.273 numbers them; `None` is sRGB.
pub fn from_code_points(primaries: u8, transfer: u8) -> Result<Option<ColorProfile>, PhotoError> {
    let points = CicpColorPrimaries::try_from(primaries).ok().zip(TransferCharacteristics::try_from(transfer).ok());
    let Some((primaries, transfer)) = points else { return Ok(None) };
    if matches!(transfer, TransferCharacteristics::Smpte2084 | TransferCharacteristics::Hlg) {
        return Err(PhotoError::Unsupported(
            "has a high dynamic range (PQ or HLG), which no frame of a camera has".into(),
        ));
    }
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: primaries,
        transfer_characteristics: transfer,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    Ok(profile.is_matrix_shaper().then_some(profile))
}

impl Raster {
    /// Straight RGBA in sRGB, four bytes a pixel.
    ///
    /// A profile of other channels than the picture's, or one that cannot be used, is left aside, as browsers do.
    pub fn into_srgb(self) -> Vec<u8> {
        let Raster { channels, samples, profile, .. } = self;
        let profile = profile.filter(|profile| fits(profile, channels));
        match (samples, profile) {
            (Samples::Bytes(samples), Some(profile)) => bytes_to_srgb(&samples, channels, &profile),
            (Samples::Words(samples), Some(profile)) => words_to_srgb(&samples, channels, &profile),
            (Samples::Bytes(samples), None) => to_rgba(&samples, channels),
            (Samples::Words(samples), None) => to_rgba(&narrow(&samples), channels),
        }
    }
}

/// Whether a profile says something of a picture's channels that it does not mean anyway.
fn fits(profile: &ColorProfile, channels: Channels) -> bool {
    match profile.color_space {
        // Grey under a profile of colours: the same amount of each.
        DataColorSpace::Rgb => channels != Channels::Cmyk && !is_srgb(profile),
        DataColorSpace::Gray => matches!(channels, Channels::Gray | Channels::GrayAlpha),
        DataColorSpace::Cmyk => channels == Channels::Cmyk,
        _ => false,
    }
}

/// Whether a profile of colours is sRGB under another name, as most profiles in photos are.
fn is_srgb(profile: &ColorProfile) -> bool {
    const LEVELS: [u8; 7] = [0, 32, 80, 128, 176, 224, 255];
    let colors: Vec<u8> = (0..LEVELS.len().pow(3))
        .flat_map(|place| [LEVELS[place / 49], LEVELS[place / 7 % 7], LEVELS[place % 7]])
        .collect();
    let mut there = vec![0; colors.len()];
    let transform = profile.create_transform_8bit(Layout::Rgb, &ColorProfile::new_srgb(), Layout::Rgb, options());
    transform.is_ok_and(|transform| transform.transform(&colors, &mut there).is_ok())
        && colors.iter().zip(&there).all(|(a, b)| a.abs_diff(*b) <= SAME)
}

fn options() -> TransformOptions {
    // The transfer function of code points in a profile gives way to its curves, as everywhere else.
    TransformOptions { allow_use_cicp_transfer: false, prefer_fixed_point: false, ..TransformOptions::default() }
}

fn bytes_to_srgb(samples: &[u8], channels: Channels, profile: &ColorProfile) -> Vec<u8> {
    let (widened, channels) = widen(samples, channels, profile);
    let samples = widened.as_deref().unwrap_or(samples);
    let target = if channels.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let made = profile.create_transform_8bit(channels.layout(), &ColorProfile::new_srgb(), target, options());
    let Ok(transform) = made else { return to_rgba(samples, channels) };
    let mut there = vec![0; samples.len() / channels.count() * target.channels()];
    match transform.transform(samples, &mut there) {
        Ok(()) => to_rgba(&there, if channels.has_alpha() { Channels::Rgba } else { Channels::Rgb }),
        Err(_) => to_rgba(samples, channels),
    }
}

fn words_to_srgb(samples: &[u16], channels: Channels, profile: &ColorProfile) -> Vec<u8> {
    let (widened, channels) = widen(samples, channels, profile);
    let samples = widened.as_deref().unwrap_or(samples);
    let target = if channels.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let made = profile.create_transform_16bit(channels.layout(), &ColorProfile::new_srgb(), target, options());
    let Ok(transform) = made else { return to_rgba(&narrow(samples), channels) };
    let mut there = vec![0; samples.len() / channels.count() * target.channels()];
    match transform.transform(samples, &mut there) {
        Ok(()) => to_rgba(&narrow(&there), if channels.has_alpha() { Channels::Rgba } else { Channels::Rgb }),
        Err(_) => to_rgba(&narrow(samples), channels),
    }
}

/// Grey samples as colours, where the profile is of colours.
fn widen<T: Copy>(samples: &[T], channels: Channels, profile: &ColorProfile) -> (Option<Vec<T>>, Channels) {
    match (profile.color_space, channels) {
        (DataColorSpace::Rgb, Channels::Gray) => (Some(samples.iter().flat_map(|v| [*v; 3]).collect()), Channels::Rgb),
        (DataColorSpace::Rgb, Channels::GrayAlpha) => {
            let pixels = samples.chunks_exact(2).flat_map(|pixel| [pixel[0], pixel[0], pixel[0], pixel[1]]);
            (Some(pixels.collect()), Channels::Rgba)
        }
        _ => (None, channels),
    }
}

/// The nearest byte to each word.
fn narrow(words: &[u16]) -> Vec<u8> {
    words.iter().map(|word| ((u32::from(*word) + 128) / 257) as u8).collect()
}

fn to_rgba(samples: &[u8], channels: Channels) -> Vec<u8> {
    let pixels = samples.chunks_exact(channels.count());
    let mut rgba = Vec::with_capacity(4 * pixels.len());
    for pixel in pixels {
        rgba.extend(match (channels, pixel) {
            (Channels::Gray, &[v]) => [v, v, v, 255],
            (Channels::GrayAlpha, &[v, a]) => [v, v, v, a],
            (Channels::Rgb, &[r, g, b]) => [r, g, b, 255],
            (Channels::Rgba, &[r, g, b, a]) => [r, g, b, a],
            (Channels::Cmyk, &[c, m, y, k]) => {
                let light = |ink: u8| ((u32::from(255 - ink) * u32::from(255 - k) + 127) / 255) as u8;
                [light(c), light(m), light(y), 255]
            }
            _ => [0; 4],
        });
    }
    rgba
}

#[cfg(test)]
pub mod tests;
