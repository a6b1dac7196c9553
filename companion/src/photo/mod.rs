//! Reading a photo from disk: known by its content, decoded within limits, in sRGB, upright.

mod color;
mod error;
mod jpeg;
mod kind;
mod png;
mod region;

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};
use jicho::frame::{Frame, MAX_PIXELS};

use color::{Channels, Raster, Samples};
pub use error::PhotoError;
pub use kind::{HEAD, Kind, ending, is_named_photo};
pub use region::Region;

/// The longest file that is read.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// Photos of more pixels are decoded one at a time: decoding one takes about 7 bytes a pixel.
const LARGE_PIXELS: u64 = 16_000_000;
/// What a decoder may allocate: the pixels at up to 16 bytes each, and as much again for what it works with.
const MAX_DECODER_BYTES: u64 = 32 * MAX_PIXELS;

static LARGE: Mutex<()> = Mutex::new(());

/// A decoded photo: straight 8-bit RGBA in sRGB, upright.
pub struct Photo {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
    _turn: Turn,
}

impl Photo {
    /// Decodes a photo, honouring its colour profile and its EXIF orientation.
    ///
    /// The size in the header is checked before any pixel is allocated.
    pub fn decode(bytes: &[u8]) -> Result<Self, PhotoError> {
        let (mut raster, orientation) = match Kind::of_bytes(&bytes[..bytes.len().min(HEAD)]) {
            Kind::Jpeg => jpeg::decode(bytes)?,
            Kind::Png => png::decode(bytes)?,
            Kind::WebP => other(bytes, ImageFormat::WebP)?,
            Kind::Gif => other(bytes, ImageFormat::Gif)?,
            Kind::Bmp => other(bytes, ImageFormat::Bmp)?,
            Kind::Tiff => other(bytes, ImageFormat::Tiff)?,
            Kind::Foreign(name) => return Err(PhotoError::Foreign(name)),
            Kind::Empty => return Err(PhotoError::Empty),
            Kind::Other => return Err(PhotoError::NotAnImage),
        };
        let (width, height, turn) = (raster.width, raster.height, raster.turn.take());
        let rgba = RgbaImage::from_raw(width, height, raster.into_srgb());
        let rgba = rgba.ok_or_else(|| PhotoError::broken("it holds fewer pixels than it says"))?;
        let mut image = DynamicImage::ImageRgba8(rgba);
        image.apply_orientation(orientation);
        let rgba = image.into_rgba8();
        Ok(Photo { width: rgba.width(), height: rgba.height(), rgba: rgba.into_raw(), _turn: turn })
    }

    /// The part of the photo that `region` asks for.
    pub fn cropped(self, region: &Region) -> Result<Self, PhotoError> {
        let window = region.window(self.width, self.height).map_err(PhotoError::Region)?;
        let [left, top, width, height] = window.map(|v| v as usize);
        let mut rgba = Vec::with_capacity(4 * width * height);
        for row in self.rgba.chunks_exact(4 * self.width as usize).skip(top).take(height) {
            rgba.extend_from_slice(&row[4 * left..4 * (left + width)]);
        }
        Ok(Photo { width: width as u32, height: height as u32, rgba, _turn: None })
    }

    /// The pixels: straight 8-bit RGBA, row by row, with width and height.
    pub fn into_image(self) -> Option<RgbaImage> {
        RgbaImage::from_raw(self.width, self.height, self.rgba)
    }

    /// The photo as a frame.
    pub fn frame(&self) -> jicho::Result<Frame<'_>> {
        Frame::new(self.width, self.height, &self.rgba)
    }
}

/// Held while a large photo is decoded and used, so that there is one of them at a time.
type Turn = Option<MutexGuard<'static, ()>>;

/// Refuses a photo of no pixels or of too many; of one that is large, waits for its turn.
fn admit(width: u32, height: u32) -> Result<Turn, PhotoError> {
    if width == 0 || height == 0 {
        return Err(PhotoError::broken(format_args!("it has no pixels: {width}×{height}")));
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        return Err(PhotoError::TooManyPixels { width, height, limit: MAX_PIXELS });
    }
    Ok((pixels > LARGE_PIXELS).then(|| LARGE.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// The kinds that the `image` crate decodes as they should be; of animations, the first picture.
fn other(bytes: &[u8], format: ImageFormat) -> Result<(Raster, Orientation), PhotoError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(PhotoError::broken)?;
    let (width, height) = decoder.dimensions();
    let turn = admit(width, height)?;
    let orientation = decoder.orientation().map_err(PhotoError::broken)?;
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| profile.len() <= color::MAX_PROFILE);
    let profile = profile.as_deref().and_then(color::parse);
    let (channels, samples) = match DynamicImage::from_decoder(decoder).map_err(PhotoError::broken)? {
        DynamicImage::ImageLuma8(image) => (Channels::Gray, Samples::Bytes(image.into_raw())),
        DynamicImage::ImageLumaA8(image) => (Channels::GrayAlpha, Samples::Bytes(image.into_raw())),
        DynamicImage::ImageRgb8(image) => (Channels::Rgb, Samples::Bytes(image.into_raw())),
        DynamicImage::ImageLuma16(image) => (Channels::Gray, Samples::Words(image.into_raw())),
        DynamicImage::ImageLumaA16(image) => (Channels::GrayAlpha, Samples::Words(image.into_raw())),
        DynamicImage::ImageRgb16(image) => (Channels::Rgb, Samples::Words(image.into_raw())),
        DynamicImage::ImageRgba16(image) => (Channels::Rgba, Samples::Words(image.into_raw())),
        image => (Channels::Rgba, Samples::Bytes(image.into_rgba8().into_raw())),
    };
    Ok((Raster { width, height, channels, samples, profile, turn }, orientation))
}

/// The bytes of a photo's file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, PhotoError> {
    read_bytes_up_to(path, MAX_FILE_BYTES)
}

/// The bytes of a regular file, of which no more than `limit` are read, however long it says that it is.
pub fn read_bytes_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, PhotoError> {
    let mut bytes = Vec::new();
    open(path)?.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    match bytes.len() as u64 > limit {
        true => Err(PhotoError::TooLong { limit }),
        false => Ok(bytes),
    }
}

/// The kind of a file, told by its first bytes.
pub fn read_kind(path: &Path) -> Result<Kind, PhotoError> {
    Ok(Kind::of(path, &read_head(path, HEAD)?))
}

/// The first bytes of a regular file, as many as `most` where it has them.
pub fn read_head(path: &Path, most: usize) -> Result<Vec<u8>, PhotoError> {
    let mut head = Vec::new();
    open(path)?.take(most as u64).read_to_end(&mut head).map_err(io)?;
    Ok(head)
}

/// Opens a regular file. Opening a pipe would wait for its writer, so the kind of file is looked at first.
fn open(path: &Path) -> Result<File, PhotoError> {
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(PhotoError::NotAFile);
    }
    File::open(path).map_err(io)
}

fn io(error: std::io::Error) -> PhotoError {
    PhotoError::Io(error.to_string())
}

#[cfg(test)]
mod tests;
