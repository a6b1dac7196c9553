//! JPEG: the walk over its segments, and what libjpeg and browsers read that the decoder does not.

use std::borrow::Cow;

use image::metadata::Orientation;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::color::{self, Channels, Raster, Samples};
use super::{PhotoError, admit};

/// Progressive files have about ten scans. Each may go over all of the picture again, in a handful of bytes.
const MAX_SCANS: usize = 100;

const SOI: [u8; 2] = [0xff, 0xd8];
/// The frame of a progressive picture.
const SOF2: u8 = 0xc2;
const SOS: u8 = 0xda;
/// The interval of restart markers.
const DRI: u8 = 0xdd;
const EOI: u8 = 0xd9;

/// Decodes a file; the turn that makes it upright is returned beside it.
pub fn decode(bytes: &[u8]) -> Result<(Raster, Orientation), PhotoError> {
    let header = Header::read(bytes)?;
    header.check_sampling()?;
    if header.scans > MAX_SCANS {
        return Err(PhotoError::Unsupported(format!("has more than {MAX_SCANS} scans over its picture")));
    }
    let options = DecoderOptions::default().set_strict_mode(false).jpeg_set_max_scans(MAX_SCANS);
    let options = options.set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&header.bytes[..]), options);
    decoder.decode_headers().map_err(PhotoError::broken)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| PhotoError::broken("it tells no size"))?;
    let size = (width as u32, height as u32);
    let turn = admit(size.0, size.1)?;

    let profile = decoder.icc_profile().filter(|profile| profile.len() <= color::MAX_PROFILE);
    let profile = profile.as_deref().and_then(color::parse);
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let inks = matches!(stored, ColorSpace::CMYK | ColorSpace::YCCK);
    let (wanted, channels) = match stored {
        ColorSpace::Luma => (ColorSpace::Luma, Channels::Gray),
        // As they are stored: a profile of inks says better than any formula what they look like.
        _ if inks && profile.as_ref().is_some_and(color::is_of_inks) => (stored, Channels::Cmyk),
        _ => (ColorSpace::RGB, Channels::Rgb),
    };
    let options = options.jpeg_set_out_colorspace(wanted);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&header.bytes[..]), options);
    let mut samples = vec![0; width * height * channels.count()];
    decoder.decode_into(&mut samples).map_err(PhotoError::broken)?;
    if wanted == ColorSpace::YCCK {
        samples.chunks_exact_mut(4).for_each(ycck_to_cmyk);
    }
    if channels == Channels::Cmyk {
        // Files hold what is left of the white, profiles want the ink.
        samples.iter_mut().for_each(|sample| *sample = 255 - *sample);
    }
    let raster = Raster { width: size.0, height: size.1, channels, samples: Samples::Bytes(samples), profile, turn };
    Ok((raster, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// Turns Y, Cb, Cr (as JFIF defines them) of a pixel into the cyan, magenta and yellow that a CMYK file would store.
fn ycck_to_cmyk(pixel: &mut [u8]) {
    let [y, cb, cr] = [0, 1, 2].map(|channel| f32::from(pixel[channel]));
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    for (sample, value) in pixel.iter_mut().zip([y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]) {
        // As in libjpeg: the RGB of these files is the ink, and what is stored is what the ink leaves.
        *sample = 255 - value.round().clamp(0.0, 255.0) as u8;
    }
}

/// What the segments say.
struct Header<'a> {
    /// The file, without what lies between its segments.
    bytes: Cow<'a, [u8]>,
    /// Horizontal and vertical sampling factors of the components.
    sampling: Vec<(u8, u8)>,
    /// Whether its scans refine one another.
    progressive: bool,
    /// Whether restart markers stand in its scans.
    restarts: bool,
    /// How many scans there are.
    scans: usize,
}

impl<'a> Header<'a> {
    /// Walks over the segments up to the first scan as libjpeg does, which looks for the next marker wherever bytes are
    /// that belong to no segment: some cameras leave padding there.
    fn read(jpeg: &'a [u8]) -> Result<Self, PhotoError> {
        let mut sampling = Vec::new();
        let mut clean = SOI.to_vec();
        let mut at = 2;
        let mut is_clean = true;
        let (mut progressive, mut restarts) = (false, false);
        loop {
            let (marker, start) = next_marker(jpeg, at).ok_or(PhotoError::CutOff)?;
            is_clean &= start == at + 2;
            if marker == EOI {
                return Err(PhotoError::CutOff);
            }
            // Markers without a segment: restarts, and a second start.
            if matches!(marker, 0x01 | 0xd0..=0xd8) {
                is_clean = false;
                at = start;
                continue;
            }
            let length = jpeg.get(start..start + 2).ok_or(PhotoError::CutOff)?;
            let length = usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
            let segment = jpeg.get(start..start + length).ok_or(PhotoError::CutOff)?;
            // Frames of any process; 0xc4, 0xc8 and 0xcc are none.
            if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
                let components = segment.get(8..).unwrap_or_default().chunks_exact(3);
                sampling = components.map(|component| (component[1] >> 4, component[1] & 15)).collect();
                progressive = marker == SOF2;
            }
            if marker == DRI {
                restarts = segment.get(2..4).is_some_and(|interval| interval != [0, 0]);
            }
            if marker == SOS {
                let scans = &jpeg[start..];
                if !scans.windows(2).any(|pair| pair == [0xff, EOI]) {
                    return Err(PhotoError::CutOff);
                }
                let bytes = match is_clean {
                    true => Cow::Borrowed(jpeg),
                    false => Cow::Owned([&clean[..], &[0xff, SOS], scans].concat()),
                };
                return Ok(Header { bytes, sampling, progressive, restarts, scans: count_scans(jpeg, start) });
            }
            clean.extend([0xff, marker]);
            clean.extend(segment);
            at = start + length;
        }
    }

    /// Refuses what the decoder gets wrong: colours that are finer than the light, since it takes the first component for
    /// the finest, and colours of a quarter of the size in a picture of one pass (found by comparison with libjpeg).
    fn check_sampling(&self) -> Result<(), PhotoError> {
        let Some((h, v)) = self.sampling.first().copied() else { return Ok(()) };
        let fits = |factor: u8, most: u8| factor > 0 && factor <= most && most.is_multiple_of(factor);
        let is_read = match (h, v) {
            _ if self.sampling.len() == 1 || h.max(v) <= 2 => true,
            (1 | 2 | 4, 1 | 2 | 4) => self.progressive || (v == 1 && !self.restarts),
            _ => false,
        };
        match is_read && self.sampling.iter().all(|(x, y)| fits(*x, h) && fits(*y, v)) {
            true => Ok(()),
            false => Err(PhotoError::Unsupported(format!(
                "has colours sampled in steps that are not read ({})",
                self.sampling.iter().map(|(h, v)| format!("{h}×{v}")).collect::<Vec<_>>().join(", ")
            ))),
        }
    }
}

/// The next marker at or after `at`, and the place behind it.
fn next_marker(jpeg: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += jpeg.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        // Any number of 0xff may stand before a marker.
        at += jpeg[at..].iter().take_while(|byte| **byte == 0xff).count();
        match *jpeg.get(at)? {
            0 => at += 1,
            marker => return Some((marker, at + 1)),
        }
    }
}

/// How many scans begin from the first one on, whose segment begins at `at`; counted no further than matters.
fn count_scans(jpeg: &[u8], mut at: usize) -> usize {
    let mut scans = 1;
    while let Some((marker, start)) = next_marker(jpeg, at) {
        at = start;
        match marker {
            EOI => break,
            SOS => scans += 1,
            _ => {}
        }
        if scans > MAX_SCANS {
            break;
        }
    }
    scans
}
