//! Thumbnails of photos: the central square, as the recogniser sees it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use rayon::prelude::*;

use crate::output::report::Input;

/// Side of a thumbnail in pixels: twice the size at which it is shown, so that it is sharp on a phone's screen.
const SIDE: usize = 144;
const QUALITY: u8 = 70;

/// Thumbnails as data URIs, by the photo's index. Photos that cannot be read have none.
pub fn all(input: &Input, photos: Vec<usize>) -> BTreeMap<usize, String> {
    let photos: BTreeSet<usize> = photos.into_iter().collect();
    photos.into_par_iter().filter_map(|photo| Some((photo, one(input, photo)?))).collect()
}

fn one(input: &Input, photo: usize) -> Option<String> {
    let photo = input.photos.get(photo)?.example.read().ok()?;
    let pixels = photo.frame().ok()?.center_square(1.0, SIDE);
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    encoder.encode(pixels.rgb(), SIDE as u32, SIDE as u32, ExtendedColorType::Rgb8).ok()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}
