use super::*;
use crate::photo::Photo;

/// Colours that lie within sRGB, each as a square of 8×8 pixels in a row.
const COLORS: [[u8; 3]; 8] = [
    [255, 255, 255],
    [0, 0, 0],
    [128, 128, 128],
    [200, 60, 40],
    [40, 160, 60],
    [30, 60, 180],
    [240, 200, 40],
    [90, 20, 120],
];

fn srgb() -> Vec<u8> {
    let row: Vec<u8> = COLORS.iter().flat_map(|color| color.repeat(8)).collect();
    row.repeat(8)
}

/// The same colours as a picture of that profile holds them.
fn in_space(profile: &ColorProfile) -> Vec<u16> {
    let words: Vec<u16> = srgb().iter().map(|v| u16::from(*v) * 257).collect();
    let made = ColorProfile::new_srgb().create_transform_16bit(Layout::Rgb, profile, Layout::Rgb, options()).unwrap();
    let mut there = vec![0; words.len()];
    made.transform(&words, &mut there).unwrap();
    there
}

struct Png {
    depth: png::BitDepth,
    color: png::ColorType,
    samples: Vec<u8>,
}

impl Png {
    fn of(words: &[u16], depth: png::BitDepth) -> Self {
        let samples = match depth {
            png::BitDepth::Sixteen => words.iter().flat_map(|v| v.to_be_bytes()).collect(),
            _ => narrow(words),
        };
        Png { depth, color: png::ColorType::Rgb, samples }
    }

    fn write(self, chunks: impl FnOnce(&mut png::Info<'static>)) -> Vec<u8> {
        let mut info = png::Info::with_size(8 * COLORS.len() as u32, 8);
        (info.bit_depth, info.color_type) = (self.depth, self.color);
        chunks(&mut info);
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::with_info(&mut bytes, info).unwrap().write_header().unwrap();
        writer.write_image_data(&self.samples).unwrap();
        writer.finish().unwrap();
        bytes
    }
}

fn with_profile(profile: &ColorProfile) -> impl FnOnce(&mut png::Info<'static>) {
    let icc = profile.encode().unwrap();
    move |info| info.icc_profile = Some(icc.into())
}

/// The colour in the middle of each square.
fn middles(photo: &[u8]) -> Vec<[u8; 3]> {
    let photo = Photo::decode(photo).unwrap();
    let row = &photo.rgba[4 * 8 * COLORS.len() * 4..];
    (0..COLORS.len()).map(|i| *row[4 * (8 * i + 4)..].first_chunk::<3>().unwrap()).collect()
}

#[track_caller]
fn looks_as_it_should(photo: &[u8], most: u8) {
    for (found, expected) in middles(photo).iter().zip(COLORS) {
        let off = found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap();
        assert!(off <= most, "{found:?} instead of {expected:?}");
    }
}

#[test]
fn profiles_of_colours_are_converted_in_8_and_16_bits() {
    let spaces = [
        ColorProfile::new_srgb(),
        ColorProfile::new_display_p3(),
        ColorProfile::new_adobe_rgb(),
        ColorProfile::new_pro_photo_rgb(),
        ColorProfile::new_bt2020(),
    ];
    for space in &spaces {
        let words = in_space(space);
        looks_as_it_should(&Png::of(&words, png::BitDepth::Eight).write(with_profile(space)), 6);
        looks_as_it_should(&Png::of(&words, png::BitDepth::Sixteen).write(with_profile(space)), 1);
        let mut jpeg = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 100);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
        encoder.add_icc_profile(&space.encode().unwrap()).unwrap();
        let (width, samples) = (8 * COLORS.len() as u16, narrow(&words));
        encoder.encode(&samples, width, 8, jpeg_encoder::ColorType::Rgb).unwrap();
        looks_as_it_should(&jpeg, 16);
    }
}

#[test]
fn a_profile_that_is_srgb_under_another_name_changes_no_bit() {
    assert!(is_srgb(&ColorProfile::new_srgb()) && !is_srgb(&ColorProfile::new_display_p3()));
    let words: Vec<u16> = srgb().iter().map(|v| u16::from(*v) * 257).collect();
    let plain = Png::of(&words, png::BitDepth::Eight).write(|_| {});
    let tagged = Png::of(&words, png::BitDepth::Eight).write(with_profile(&ColorProfile::new_srgb()));
    assert_eq!(Photo::decode(&plain).unwrap().rgba, Photo::decode(&tagged).unwrap().rgba);
}

#[test]
fn chunks_of_png_say_what_colours_mean() {
    let p3 = ColorProfile::new_display_p3();
    let points = png::CodingIndependentCodePoints {
        color_primaries: 12,
        transfer_function: 13,
        matrix_coefficients: 0,
        is_video_full_range_image: true,
    };
    // The encoder writes no cICP; a chunk is put in by hand, before the pixels.
    let chunk = |bytes: Vec<u8>| insert(&bytes, b"cICP", &[points.color_primaries, points.transfer_function, 0, 1]);
    let bytes = Png::of(&in_space(&p3), png::BitDepth::Sixteen).write(|_| {});
    looks_as_it_should(&chunk(bytes), 2);
    // It comes before a profile.
    let bytes = Png::of(&in_space(&p3), png::BitDepth::Sixteen).write(with_profile(&ColorProfile::new_pro_photo_rgb()));
    looks_as_it_should(&chunk(bytes), 2);
    let hdr = insert(&Png::of(&in_space(&p3), png::BitDepth::Sixteen).write(|_| {}), b"cICP", &[9, 16, 0, 1]);
    assert!(matches!(Photo::decode(&hdr), Err(PhotoError::Unsupported(_))));

    // Adobe RGB, as gAMA and cHRM say it.
    let adobe = in_space(&ColorProfile::new_adobe_rgb());
    let gamma = 100_000.0 / 2.199_218_75;
    let gama = (gamma as u32).to_be_bytes();
    let chrm: Vec<u8> =
        [31270u32, 32900, 64000, 33000, 21000, 71000, 15000, 6000].iter().flat_map(|v| v.to_be_bytes()).collect();
    let plain = Png::of(&adobe, png::BitDepth::Sixteen).write(|_| {});
    looks_as_it_should(&insert(&insert(&plain, b"cHRM", &chrm), b"gAMA", &gama), 2);
    // An sRGB chunk overrules both, and neither counts alone.
    let words: Vec<u16> = srgb().iter().map(|v| u16::from(*v) * 257).collect();
    let plain = Png::of(&words, png::BitDepth::Sixteen).write(|_| {});
    looks_as_it_should(&insert(&insert(&insert(&plain, b"sRGB", &[0]), b"cHRM", &chrm), b"gAMA", &gama), 0);
    looks_as_it_should(&insert(&plain, b"gAMA", &gama), 0);
    looks_as_it_should(&insert(&plain, b"cHRM", &chrm), 0);
}

#[test]
fn grey_is_converted_by_profiles_of_grey_and_of_colours() {
    let grey = |depth: png::BitDepth, profile: &ColorProfile| {
        let row: Vec<u8> = (0..8 * COLORS.len()).map(|x| (x / 8 * 32) as u8).collect();
        let samples: Vec<u8> = match depth {
            png::BitDepth::Sixteen => row.repeat(8).iter().flat_map(|v| (u16::from(*v) * 257).to_be_bytes()).collect(),
            _ => row.repeat(8),
        };
        middles(&Png { depth, color: png::ColorType::Grayscale, samples }.write(with_profile(profile)))
    };
    for depth in [png::BitDepth::Eight, png::BitDepth::Sixteen] {
        // Linear light: the middle is much brighter than its number.
        let linear = grey(depth, &ColorProfile::new_gray_with_gamma(1.0));
        assert!(
            linear[4][0].abs_diff(188) <= 2 && linear[4][0] == linear[4][1] && linear[4][1] == linear[4][2],
            "{linear:?}"
        );
        let p3 = grey(depth, &ColorProfile::new_display_p3());
        assert!(p3[4].iter().all(|v| v.abs_diff(128) <= 1), "{p3:?}");
    }
}

#[test]
fn a_profile_of_other_channels_or_one_that_is_none_is_left_aside() {
    let words: Vec<u16> = srgb().iter().map(|v| u16::from(*v) * 257).collect();
    let grey = ColorProfile::new_gray_with_gamma(1.0);
    looks_as_it_should(&Png::of(&words, png::BitDepth::Eight).write(with_profile(&grey)), 0);
    let broken = Png::of(&words, png::BitDepth::Eight).write(|info| info.icc_profile = Some(vec![7; 500].into()));
    looks_as_it_should(&broken, 0);
}

#[test]
fn inks_look_as_their_profile_says() {
    let icc = inks();
    assert!(is_of_inks(&parse(&icc).unwrap()));
    // Paper, black, cyan, as inks: the encoder writes what they leave of the light, as Adobe's files hold it.
    let samples: Vec<u8> = [[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 0]]
        .iter()
        .flat_map(|inks| inks.repeat(16))
        .collect::<Vec<u8>>()
        .repeat(16);
    for color in [jpeg_encoder::ColorType::Cmyk, jpeg_encoder::ColorType::CmykAsYcck] {
        let jpeg = |icc: Option<&[u8]>| {
            let mut jpeg = Vec::new();
            let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 100);
            encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
            icc.iter().for_each(|icc| encoder.add_icc_profile(icc).unwrap());
            encoder.encode(&samples, 48, 16, color).unwrap();
            let photo = Photo::decode(&jpeg).unwrap();
            [8, 24, 40].map(|x| *photo.rgba[4 * (48 * 8 + x)..].first_chunk::<3>().unwrap())
        };
        let [paper, black, cyan] = jpeg(Some(&icc));
        assert!(paper.iter().all(|v| *v > 250) && black.iter().all(|v| *v < 6), "{paper:?} {black:?}");
        // L 60, a −30, b −40 is a dull blue; the formula says pure cyan.
        assert!(cyan[0] < 60 && cyan[1].abs_diff(157) < 12 && cyan[2].abs_diff(213) < 12, "{cyan:?}");
        let [.., cyan] = jpeg(None);
        assert!(cyan[0] < 4 && cyan[1] > 250 && cyan[2] > 250, "{cyan:?}");
    }
}

/// A profile of four inks: a table of two steps each, in which cyan alone is L 60, a −30, b −40, and every other mixture
/// is as dark as it has inks.
fn inks() -> Vec<u8> {
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    for place in 0..9 {
        table.extend(if place % 4 == 0 { 65536u32 } else { 0 }.to_be_bytes());
    }
    (0..4).for_each(|_| table.extend(0..=255u8));
    for corner in 0..16u8 {
        let lab = match corner {
            0b1000 => [153, 128 - 30, 128 - 40],
            _ if corner & 1 == 1 => [0, 128, 128],
            _ => [255 - 60 * corner.count_ones() as u8, 128, 128],
        };
        table.extend(lab);
    }
    (0..3).for_each(|_| table.extend(0..=255u8));
    let mut icc = vec![0; 128];
    icc[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    icc[12..24].copy_from_slice(b"prtrCMYKLab ");
    icc[36..40].copy_from_slice(b"acsp");
    for (place, value) in [(68, 0x0000_f6d6u32), (72, 0x0001_0000), (76, 0x0000_d32d)] {
        icc[place..place + 4].copy_from_slice(&value.to_be_bytes());
    }
    icc.extend(1u32.to_be_bytes());
    icc.extend(b"A2B0");
    icc.extend(144u32.to_be_bytes());
    icc.extend((table.len() as u32).to_be_bytes());
    icc.extend(table);
    let length = (icc.len() as u32).to_be_bytes();
    icc[..4].copy_from_slice(&length);
    icc
}

/// Puts a chunk behind the header of a PNG.
pub fn insert(png: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let end = 8 + 12 + 13;
    let checked = [&kind[..], data].concat();
    let length = (data.len() as u32).to_be_bytes();
    [&png[..end], &length, &checked, &crc32(&checked).to_be_bytes(), &png[end..]].concat()
}

/// The checksum of PNG's chunks.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
    })
}
