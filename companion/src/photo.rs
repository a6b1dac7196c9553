//! Reading a photo from disk: decoded, turned upright, within limits.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader};
use jicho::frame::{Frame, MAX_PIXELS};

/// File name endings that count as photos, in lower case.
pub const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// Whether a file name is that of a photo.
pub fn is_photo(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    !hidden && extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// A decoded photo: straight 8-bit RGBA, upright.
pub struct Photo {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

impl Photo {
    /// Reads and decodes a photo, honouring its EXIF orientation.
    ///
    /// The size in the header is checked before any pixel is allocated. The error says why, without the path.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|e| format!("cannot be read: {e}"))?;
        Photo::decode(&bytes)
    }

    /// As [`Photo::read`], from a file's bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let broken = |e: image::ImageError| format!("is not a readable image: {e}");
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
        if reader.format().is_none() {
            return Err("is not an image, whatever its name says (JPEG, PNG and WebP are read)".into());
        }
        let mut decoder = reader.into_decoder().map_err(broken)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            let most = MAX_PIXELS / 1_000_000;
            return Err(format!("is too large: {width}×{height}, at most {most} megapixels are read; scale it down"));
        }
        let orientation = decoder.orientation().map_err(broken)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
        image.apply_orientation(orientation);
        let rgba = image.into_rgba8();
        Ok(Photo { width: rgba.width(), height: rgba.height(), rgba: rgba.into_raw() })
    }

    /// The photo as a frame.
    pub fn frame(&self) -> jicho::Result<Frame<'_>> {
        Frame::new(self.width, self.height, &self.rgba)
    }

    /// As [`Photo::frame`], with every colour multiplied by `gain`.
    pub fn brightened(&self, gain: f32) -> Photo {
        let mut rgba = self.rgba.clone();
        for pixel in rgba.chunks_exact_mut(4) {
            pixel[..3].iter_mut().for_each(|v| *v = (f32::from(*v) * gain).round().min(255.0) as u8);
        }
        Photo { rgba, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_named_jpg_is_refused() {
        assert!(Photo::decode(b"hello, I am a text file").is_err_and(|e| e.contains("not an image")));
    }

    #[test]
    fn a_hundred_megapixels_are_refused_before_they_are_decoded() {
        // A PNG header of 10000×10000 with no pixel data behind it.
        let mut header = b"IHDR".to_vec();
        header.extend([10_000u32.to_be_bytes(), 10_000u32.to_be_bytes()].concat());
        header.extend([8, 2, 0, 0, 0]);
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        png.extend(13u32.to_be_bytes());
        png.extend(&header);
        png.extend(crc32(&header).to_be_bytes());
        png.extend([0, 0, 0, 0]);
        png.extend(b"IDAT");
        png.extend(crc32(b"IDAT").to_be_bytes());
        let error = Photo::decode(&png).err().unwrap_or_default();
        assert!(error.contains("too large"), "{error}");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
        })
    }
}
