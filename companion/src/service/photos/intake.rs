//! Looks through an uploaded photo: what it is, whether it can be used, and what speaks against it.

use std::io::Cursor;

use image::imageops::FilterType;
use image::{DynamicImage, ImageReader};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::metadata;
use crate::photo::{HEAD, Kind, Photo};

/// Width and height that a thumbnail fits into.
const THUMBNAIL: u32 = 192;
/// JPEG quality of thumbnails.
const THUMBNAIL_QUALITY: u8 = 80;
/// The smallest side of a photo that can be used.
const MIN_SIDE: u32 = 32;

/// A photo that can be stored.
pub struct Intake {
    /// The file as it is stored, without metadata.
    pub bytes: Vec<u8>,
    /// Its ending.
    pub ending: &'static str,
    /// SHA-256 of the stored bytes, in hex.
    pub sha256: String,
    /// Pixels, upright.
    pub width: u32,
    /// Pixels, upright.
    pub height: u32,
    /// 64-bit difference hash: photos that look alike differ in few bits.
    pub likeness: u64,
    /// What makes it hard to recognise.
    pub findings: Vec<String>,
    /// A small JPEG of it.
    pub thumbnail: Vec<u8>,
}

/// Why a photo cannot be stored.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Refusal {
    /// `too-large`, `too-many-pixels`, `too-small`, `not-a-photo`, `kind-not-supported` or `damaged`.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

/// Looks through a photo. This takes a core for some 10 to 500 ms.
///
/// # Errors
/// The reason why it cannot be stored.
pub fn take_in(bytes: &[u8], max_megapixels: u64) -> Result<Intake, Refusal> {
    let refused = |code, detail: String| Refusal { code, detail };
    let kind = Kind::of_bytes(&bytes[..bytes.len().min(HEAD)]);
    let ending = match kind {
        Kind::Jpeg => "jpg",
        Kind::Png => "png",
        Kind::WebP => "webp",
        Kind::Gif | Kind::Bmp | Kind::Tiff => {
            return Err(refused("kind-not-supported", "Send the photo as JPEG, PNG or WebP.".into()));
        }
        Kind::Foreign(name) => {
            return Err(refused("kind-not-supported", format!("It is {name}. Send it as JPEG, PNG or WebP.")));
        }
        Kind::Empty => return Err(refused("not-a-photo", "The file is empty.".into())),
        Kind::Other => return Err(refused("not-a-photo", "The file is no photo. Send JPEG, PNG or WebP.".into())),
    };
    let damaged = |why: String| refused("damaged", format!("The photo cannot be read: {why}"));
    let size = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok().and_then(|r| r.into_dimensions().ok());
    let (width, height) = size.ok_or_else(|| damaged("its header is not whole".into()))?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > max_megapixels * 1_000_000 {
        let detail = format!("It has {width}×{height} pixels; at most {max_megapixels} million are allowed.");
        return Err(refused("too-many-pixels", detail));
    }
    if width.min(height) < MIN_SIDE {
        let detail = format!("It has {width}×{height} pixels; each side must have at least {MIN_SIDE}.");
        return Err(refused("too-small", detail));
    }
    let bytes = metadata::stripped(bytes, kind).ok_or_else(|| damaged("its structure is broken".into()))?;
    let photo = Photo::decode(&bytes).map_err(|error| damaged(error.to_string()))?;
    let frame = photo.frame().map_err(|error| damaged(error.to_string()))?;
    let (quality, _) = jicho::quality::assess(&frame, None);
    let findings = quality.findings.iter().filter_map(|finding| word(finding.defect)).collect();
    let image = photo.into_image().map(DynamicImage::ImageRgba8);
    let image = image.ok_or_else(|| damaged("it holds fewer pixels than it says".into()))?;
    Ok(Intake {
        ending,
        sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes)),
        width: image.width(),
        height: image.height(),
        likeness: likeness(&image),
        findings,
        thumbnail: thumbnail(&image).map_err(|error| damaged(error.to_string()))?,
        bytes,
    })
}

/// The word by which answers name a defect.
fn word(defect: jicho::quality::Defect) -> Option<String> {
    serde_json::to_value(defect).ok()?.as_str().map(str::to_owned)
}

fn thumbnail(image: &DynamicImage) -> image::ImageResult<Vec<u8>> {
    let is_small = image.width().max(image.height()) <= THUMBNAIL;
    let small = if is_small { image.to_rgb8() } else { image.thumbnail(THUMBNAIL, THUMBNAIL).into_rgb8() };
    let mut file = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, THUMBNAIL_QUALITY).encode_image(&small)?;
    Ok(file)
}

/// Whether each of 8×8 patches is brighter than its neighbour to the right: the difference hash of N. Krawetz, "Kind of
/// Like That" (2013).
fn likeness(image: &DynamicImage) -> u64 {
    let small = image.thumbnail_exact(72, 64).resize_exact(9, 8, FilterType::Triangle).into_luma8();
    let mut hash = 0;
    for y in 0..8 {
        for x in 0..8 {
            hash = hash << 1 | u64::from(small.get_pixel(x, y)[0] > small.get_pixel(x + 1, y)[0]);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(width: u32, height: u32, of: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
        let image = image::RgbImage::from_fn(width, height, |x, y| image::Rgb(of(x, y)));
        let mut file = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 90).encode_image(&image).unwrap();
        file
    }

    fn waves(x: u32, y: u32) -> [u8; 3] {
        [(x * 3 % 256) as u8, (y * 5 % 256) as u8, ((x + y) % 256) as u8]
    }

    #[test]
    fn a_photo_gets_its_size_a_thumbnail_and_a_hash_that_survives_another_quality() {
        let taken = take_in(&jpeg(400, 300, waves), 50).unwrap();
        assert_eq!((taken.width, taken.height, taken.ending), (400, 300, "jpg"));
        let thumbnail = image::load_from_memory(&taken.thumbnail).unwrap();
        assert_eq!((thumbnail.width(), thumbnail.height()), (192, 144));
        let image = image::load_from_memory(&taken.bytes).unwrap().into_rgb8();
        let mut worse = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut worse, 50).encode_image(&image).unwrap();
        let worse = take_in(&worse, 50).unwrap();
        assert_ne!(taken.sha256, worse.sha256);
        assert!((taken.likeness ^ worse.likeness).count_ones() <= 4);
    }

    #[test]
    fn what_cannot_be_used_is_told_why() {
        let code = |bytes: &[u8]| take_in(bytes, 1).map_or_else(|refusal| refusal.code, |_| "");
        assert_eq!(code(b""), "not-a-photo");
        assert_eq!(code(b"hello"), "not-a-photo");
        assert_eq!(code(b"GIF89a\x01\x00\x01\x00"), "kind-not-supported");
        assert_eq!(code(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "kind-not-supported");
        assert_eq!(code(&jpeg(1100, 1000, waves)), "too-many-pixels");
        assert_eq!(code(&jpeg(100, 20, waves)), "too-small");
        let whole = jpeg(64, 64, waves);
        assert_eq!(code(&whole[..40]), "damaged");
    }
}
