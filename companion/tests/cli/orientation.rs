//! Photos are turned upright by their EXIF orientation.

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, RgbImage, imageops};

use crate::shop::{Shop, by_label, difference, line};

/// The JPEG with an EXIF segment with this orientation at its start.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0".to_vec();
    // Big-endian TIFF: one directory of one entry, the tag 0x0112, a short.
    exif.extend(b"MM\0\x2a\0\0\0\x08\0\x01");
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    exif.extend([0; 4]);
    let length = (exif.len() + 2) as u16;
    [&jpeg[..2], &[0xff, 0xe1], &length.to_be_bytes(), &exif, &jpeg[2..]].concat()
}

/// The upright picture, by the tag's definition (Exif 2.3, 4.6.4).
fn upright(stored: &RgbImage, orientation: u8) -> RgbImage {
    use imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
    match orientation {
        2 => flip_horizontal(stored),
        3 => rotate180(stored),
        4 => flip_vertical(stored),
        5 => flip_horizontal(&rotate90(stored)),
        6 => rotate90(stored),
        7 => flip_horizontal(&rotate270(stored)),
        8 => rotate270(stored),
        _ => stored.clone(),
    }
}

#[test]
fn exif_orientation_is_honoured() {
    let shop = Shop::trained(5, 6);
    let photo = image::load_from_memory(&shop.read("photos/oat-biscuits-box/oat-biscuits-box_001.jpg")).unwrap();
    // The photo is wider than high, so that a turn also changes what the central square shows.
    let photo = imageops::crop_imm(&photo.to_rgb8(), 0, 10, 96, 70).to_image();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&photo).unwrap();
    let stored = image::load_from_memory(&jpeg).unwrap().to_rgb8();
    for orientation in 1..=8 {
        shop.write(&format!("turned/box/tagged_{orientation}.jpg"), with_orientation(&jpeg, orientation));
        let path = shop.path(format!("turned/box/upright_{orientation}.png"));
        DynamicImage::from(upright(&stored, orientation)).save(path).unwrap();
    }
    shop.write("turned/box/plain.jpg", &jpeg);

    let (_, lines) = shop.evaluate("T_1", "turned");
    assert_eq!(lines.len(), 17);
    let answer = |name: String| by_label(line(&lines, &format!("box/{name}")));
    let plain = answer("plain.jpg".into());
    for orientation in 1..=8 {
        let tagged = answer(format!("tagged_{orientation}.jpg"));
        let off = difference(&tagged, &answer(format!("upright_{orientation}.png")));
        assert!(off <= 1e-6, "orientation {orientation}: {off}");
        let turned = difference(&tagged, &plain);
        assert!((turned > 1e-3) == (orientation > 1), "orientation {orientation}: {turned}");
    }
}
