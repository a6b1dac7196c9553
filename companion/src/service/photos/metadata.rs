//! Takes out of a photo's file what tells of people and places, and keeps what tells how to show it.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{ImageDecoder, ImageFormat, ImageReader};
use img_parts::jpeg::Jpeg;
use img_parts::png::Png;
use img_parts::webp::WebP;
use img_parts::{Bytes, ImageEXIF};

use crate::photo::Kind;

/// JPEG segments that stay: JFIF, ICC profiles, and how Adobe's programs code colours.
const KEPT_SEGMENTS: [u8; 3] = [0xe0, 0xe2, 0xee];
/// PNG chunks that tell of the time or hold texts.
const PNG_TEXTS: [[u8; 4]; 5] = [*b"tEXt", *b"iTXt", *b"zTXt", *b"tIME", *b"eXIf"];
/// WebP chunks that do.
const WEBP_TEXTS: [[u8; 4]; 2] = [*b"EXIF", *b"XMP "];

/// The file without EXIF (location, serial numbers, times), XMP, texts and embedded thumbnails. Its orientation stays.
/// None where the file's structure cannot be read.
pub fn stripped(bytes: &[u8], kind: Kind) -> Option<Vec<u8>> {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut file = Vec::new();
    match kind {
        Kind::Jpeg => {
            let exif = orientation(&bytes, ImageFormat::Jpeg);
            let mut jpeg = Jpeg::from_bytes(bytes).ok()?;
            jpeg.segments_mut().retain(|segment| match segment.marker() {
                marker @ 0xe0..=0xef => {
                    KEPT_SEGMENTS.contains(&marker)
                        && (marker != 0xe2 || segment.contents().starts_with(b"ICC_PROFILE\0"))
                }
                // A comment.
                0xfe => false,
                _ => true,
            });
            jpeg.set_exif(exif);
            jpeg.encoder().write_to(&mut file).ok()?;
        }
        Kind::Png => {
            let exif = orientation(&bytes, ImageFormat::Png);
            let mut png = Png::from_bytes(bytes).ok()?;
            png.chunks_mut().retain(|chunk| !PNG_TEXTS.contains(&chunk.kind()));
            png.set_exif(exif);
            png.encoder().write_to(&mut file).ok()?;
        }
        Kind::WebP => {
            let exif = orientation(&bytes, ImageFormat::WebP);
            let mut webp = WebP::from_bytes(bytes).ok()?;
            webp.chunks_mut().retain(|chunk| !WEBP_TEXTS.contains(&chunk.id()));
            webp.set_exif(exif);
            webp.encoder().write_to(&mut file).ok()?;
        }
        _ => return None,
    }
    Some(file)
}

/// An EXIF block that holds the orientation alone; none where the photo is upright as it is.
fn orientation(bytes: &[u8], format: ImageFormat) -> Option<Bytes> {
    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().ok()?;
    let orientation = decoder.orientation().ok().filter(|orientation| *orientation != Orientation::NoTransforms)?;
    // A TIFF header, one directory with one entry (tag 0x0112, one SHORT), and no further directory.
    let mut exif = b"II\x2a\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00".to_vec();
    exif.extend([orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0]);
    Some(exif.into())
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder};
    use img_parts::jpeg::JpegSegment;

    use super::*;

    fn picture(format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let pixels: Vec<u8> = (0..12 * 8 * 3).map(|at| (at * 7 % 251) as u8).collect();
        match format {
            ImageFormat::Jpeg => {
                image::codecs::jpeg::JpegEncoder::new(&mut file).write_image(&pixels, 12, 8, ExtendedColorType::Rgb8)
            }
            ImageFormat::Png => {
                image::codecs::png::PngEncoder::new(&mut file).write_image(&pixels, 12, 8, ExtendedColorType::Rgb8)
            }
            _ => image::codecs::webp::WebPEncoder::new_lossless(&mut file).write_image(
                &pixels,
                12,
                8,
                ExtendedColorType::Rgb8,
            ),
        }
        .unwrap();
        file.into_inner()
    }

    /// An EXIF block with orientation 6 and a place.
    fn exif() -> Bytes {
        let mut exif =
            b"II\x2a\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\0\0\0\0".to_vec();
        exif.extend(b"GPS 1.2921 S 36.8219 E");
        exif.into()
    }

    fn holds(bytes: &[u8], text: &[u8]) -> bool {
        bytes.windows(text.len()).any(|part| part == text)
    }

    #[test]
    fn places_go_and_orientation_stays() {
        let with_exif = |format, bytes: Vec<u8>| {
            let mut file = Vec::new();
            match format {
                ImageFormat::Jpeg => {
                    let mut jpeg = Jpeg::from_bytes(bytes.into()).unwrap();
                    jpeg.set_exif(Some(exif()));
                    let xmp = b"http://ns.adobe.com/xap/1.0/\0GPS".to_vec();
                    jpeg.segments_mut().insert(1, JpegSegment::new_with_contents(0xe1, xmp.into()));
                    jpeg.segments_mut().insert(1, JpegSegment::new_with_contents(0xfe, b"GPS".to_vec().into()));
                    jpeg.encoder().write_to(&mut file).unwrap();
                }
                ImageFormat::Png => {
                    let mut png = Png::from_bytes(bytes.into()).unwrap();
                    png.set_exif(Some(exif()));
                    png.encoder().write_to(&mut file).unwrap();
                }
                _ => {
                    let mut webp = WebP::from_bytes(bytes.into()).unwrap();
                    webp.set_exif(Some(exif()));
                    webp.encoder().write_to(&mut file).unwrap();
                }
            }
            file
        };
        for (format, kind) in
            [(ImageFormat::Jpeg, Kind::Jpeg), (ImageFormat::Png, Kind::Png), (ImageFormat::WebP, Kind::WebP)]
        {
            let given = with_exif(format, picture(format));
            assert!(holds(&given, b"GPS"));
            let clean = stripped(&given, kind).unwrap();
            assert!(!holds(&clean, b"GPS"), "{kind:?}");
            let photo = crate::photo::Photo::decode(&clean).unwrap();
            let frame = photo.frame().unwrap();
            assert_eq!((frame.width(), frame.height()), (8, 12), "{kind:?} is turned as it was");
            assert_eq!(stripped(&clean, kind).unwrap(), clean, "a second time changes nothing");
        }
    }

    #[test]
    fn what_has_no_structure_is_told() {
        assert_eq!(stripped(b"\xff\xd8\xff", Kind::Jpeg), None);
        assert_eq!(stripped(b"GIF89a", Kind::Gif), None);
    }
}
