//! PNG, with what its chunks say of colours.

use std::io::Cursor;

use image::metadata::Orientation;
use moxcms::{Chromaticity, ColorPrimaries, ColorProfile, ToneReprCurve, XyY};
use png::{BitDepth, ColorType, Decoder, Info, Limits, ScaledFloat, Transformations};

use super::color::{self, Channels, Raster, Samples};
use super::{PhotoError, admit};

/// What the decoder may allocate beside the pixels: rows, and chunks such as profiles once they are unpacked.
const MAX_BYTES: usize = 32 << 20;

/// Decodes a file; the turn that makes it upright is returned beside it.
pub fn decode(bytes: &[u8]) -> Result<(Raster, Orientation), PhotoError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_BYTES });
    decoder.set_ignore_text_chunk(true);
    let header = decoder.read_header_info().map_err(PhotoError::broken)?;
    let (width, height) = (header.width, header.height);
    let turn = admit(width, height)?;
    // Palettes and single bits become bytes, transparent colours become an alpha channel.
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(PhotoError::broken)?;
    let (color_type, depth) = reader.output_color_type();
    let channels = match color_type {
        ColorType::Grayscale => Channels::Gray,
        ColorType::GrayscaleAlpha => Channels::GrayAlpha,
        ColorType::Rgba => Channels::Rgba,
        ColorType::Rgb | ColorType::Indexed => Channels::Rgb,
    };
    let length = reader.output_buffer_size().ok_or_else(|| PhotoError::broken("its size overflows"))?;
    let mut samples = vec![0; length];
    reader.next_frame(&mut samples).map_err(PhotoError::broken)?;
    let info = reader.info();
    let orientation = info.exif_metadata.as_deref().and_then(Orientation::from_exif_chunk);
    let profile = profile(info)?;
    let samples = match depth {
        BitDepth::Sixteen => {
            Samples::Words(samples.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
        }
        _ => Samples::Bytes(samples),
    };
    Ok((Raster { width, height, channels, samples, profile, turn }, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// The colours' space, in the order of the PNG specification (third edition, 4.3): cICP, iCCP, sRGB, then gAMA and cHRM.
/// As in browsers, the last two count together only.
fn profile(info: &Info<'_>) -> Result<Option<ColorProfile>, PhotoError> {
    if let Some(points) = &info.coding_independent_code_points {
        return color::from_code_points(points.color_primaries, points.transfer_function);
    }
    if let Some(profile) = &info.icc_profile {
        return Ok(Some(&profile[..]).filter(|profile| profile.len() <= color::MAX_PROFILE).and_then(color::parse));
    }
    if info.srgb.is_some() {
        return Ok(None);
    }
    let (Some(gamma), Some(colors)) = (info.gama_chunk, info.chrm_chunk) else { return Ok(None) };
    let gamma = gamma.into_value();
    let white = point(colors.white);
    let primaries = ColorPrimaries { red: point(colors.red), green: point(colors.green), blue: point(colors.blue) };
    let points = [white, primaries.red, primaries.green, primaries.blue];
    if !(0.01..=10.0).contains(&gamma) || points.iter().any(|p| p.y <= 0.0 || p.x < 0.0 || p.x + p.y > 1.0) {
        return Ok(None);
    }
    let mut profile = ColorProfile::new_srgb();
    profile.update_rgb_colorimetry(XyY::new(f64::from(white.x), f64::from(white.y), 1.0), primaries);
    let curve = ToneReprCurve::Parametric(vec![1.0 / gamma]);
    profile.red_trc = Some(curve.clone());
    profile.green_trc = Some(curve.clone());
    profile.blue_trc = Some(curve);
    Ok(Some(profile))
}

fn point((x, y): (ScaledFloat, ScaledFloat)) -> Chromaticity {
    Chromaticity { x: x.into_value(), y: y.into_value() }
}
