//! Reading a photo from disk: decoded, turned upright, within limits.

mod region;

use std::io::Cursor;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use jicho::frame::{Frame, MAX_PIXELS};

pub use region::Region;

/// File name endings that count as photos, in lower case.
pub const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// Whether a file name is that of a photo.
pub fn is_photo(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    !hidden && extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// The longest file that is read.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// Photos of more pixels are decoded one at a time: decoding one takes about 7 bytes a pixel.
const LARGE_PIXELS: u64 = 16_000_000;

static LARGE: Mutex<()> = Mutex::new(());

/// Whether a file is a picture of a kind that is not read.
pub fn is_foreign_photo(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|e| ["heic", "heif", "avif", "bmp", "gif", "tif", "tiff", "jxl"].contains(&e.as_str()))
}

/// A decoded photo: straight 8-bit RGBA, upright.
pub struct Photo {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Photo {
    /// Decodes a photo, honouring its EXIF orientation.
    ///
    /// The size in the header is checked before any pixel is allocated. The error says why.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let broken = |e: image::ImageError| format!("is not a readable image: {e}");
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
        let format = reader.format();
        if format.is_none() {
            return Err("is not an image, whatever its name says (JPEG, PNG and WebP are read)".into());
        }
        let mut decoder = reader.into_decoder().map_err(broken)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            let most = MAX_PIXELS / 1_000_000;
            return Err(format!("is too large: {width}×{height}, at most {most} megapixels are read; scale it down"));
        }
        if format == Some(ImageFormat::Jpeg) && is_cut_off(bytes) {
            return Err("is cut off: the file ends before its picture does; copy it again".into());
        }
        let large = u64::from(width) * u64::from(height) > LARGE_PIXELS;
        let turn = large.then(|| LARGE.lock().unwrap_or_else(PoisonError::into_inner));
        let orientation = decoder.orientation().map_err(broken)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
        image.apply_orientation(orientation);
        let rgba = image.into_rgba8();
        Ok(Photo { width: rgba.width(), height: rgba.height(), rgba: rgba.into_raw(), _turn: turn })
    }

    /// The part of the photo that `region` asks for.
    pub fn cropped(self, region: &Region) -> Result<Self, String> {
        let [left, top, width, height] = region.window(self.width, self.height)?.map(|v| v as usize);
        let mut rgba = Vec::with_capacity(4 * width * height);
        for row in self.rgba.chunks_exact(4 * self.width as usize).skip(top).take(height) {
            rgba.extend_from_slice(&row[4 * left..4 * (left + width)]);
        }
        Ok(Photo { width: width as u32, height: height as u32, rgba, _turn: None })
    }

    /// The photo as a frame.
    pub fn frame(&self) -> jicho::Result<Frame<'_>> {
        Frame::new(self.width, self.height, &self.rgba)
    }
}

/// The bytes of a photo's file. The error says why not, without the path.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|e| format!("cannot be read: {e}"))?.len();
    if length > MAX_FILE_BYTES {
        return Err(format!("is too large: {} MB, at most {} MB are read", length >> 20, MAX_FILE_BYTES >> 20));
    }
    std::fs::read(path).map_err(|e| format!("cannot be read: {e}"))
}

/// Whether a JPEG's picture was cut off. Decoders fill the missing rest with grey without a word.
fn is_cut_off(jpeg: &[u8]) -> bool {
    let mut at = 2;
    // Segments up to the first scan; a thumbnail inside one of them has end markers of its own.
    while let Some([0xff, marker, high, low]) = jpeg.get(at..at + 4) {
        if *marker == 0xda {
            return !jpeg[at..].windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
        at += if *marker == 0xff { 1 } else { 2 + usize::from(u16::from_be_bytes([*high, *low])) };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_named_jpg_is_refused() {
        assert!(Photo::decode(b"hello, I am a text file").is_err_and(|e| e.contains("not an image")));
    }

    #[test]
    fn a_cut_off_jpeg_is_refused() {
        let mut jpeg = Cursor::new(Vec::new());
        let photo = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8 * 3, y as u8 * 3, (x * y) as u8]));
        photo.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
        let jpeg = jpeg.into_inner();
        assert!(Photo::decode(&jpeg).is_ok());
        for keep in [jpeg.len() - 2, jpeg.len() * 3 / 4] {
            assert!(Photo::decode(&jpeg[..keep]).is_err_and(|e| e.contains("cut off")), "{keep}");
        }
        // Some phones append data of their own.
        assert!(Photo::decode(&[&jpeg[..], b"trailer"].concat()).is_ok());
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
