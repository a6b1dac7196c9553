use std::io::Cursor;
use std::process::{Command, Stdio};

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::color::tests::{crc32, insert};
use super::*;

fn picture(width: usize, height: usize) -> Vec<u8> {
    (0..width * height)
        .flat_map(|i| {
            let (x, y) = (i % width, i / width);
            [x * 255 / width, y * 255 / height, (x * y) * 255 / (width * height)].map(|v| v as u8)
        })
        .collect()
}

fn jpeg(width: u16, height: u16, how: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    how(&mut encoder);
    encoder.encode(&picture(width.into(), height.into()), width, height, ColorType::Rgb).unwrap();
    bytes
}

fn error(bytes: &[u8]) -> PhotoError {
    Photo::decode(bytes).err().unwrap()
}

/// Places of the segments up to the first scan: where each marker begins.
fn segments(jpeg: &[u8]) -> Vec<usize> {
    let (mut at, mut places) = (2, Vec::new());
    loop {
        places.push(at);
        if jpeg[at + 1] == 0xda {
            return places;
        }
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    }
}

#[test]
fn what_is_no_image_is_named() {
    assert_eq!(error(b"hello, I am a text file"), PhotoError::NotAnImage);
    assert_eq!(error(b""), PhotoError::Empty);
    assert_eq!(error(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), PhotoError::Foreign("HEIC"));
    assert!(error(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").to_string().contains("convert it"));
}

#[test]
fn a_cut_off_jpeg_is_refused() {
    let jpeg = jpeg(64, 64, |_| {});
    assert!(Photo::decode(&jpeg).is_ok());
    for keep in [jpeg.len() - 2, jpeg.len() * 3 / 4, segments(&jpeg)[2] + 7] {
        assert_eq!(error(&jpeg[..keep]), PhotoError::CutOff, "{keep}");
    }
    // Some phones append data of their own.
    assert!(Photo::decode(&[&jpeg[..], b"trailer"].concat()).is_ok());
}

#[test]
fn bytes_between_the_segments_of_a_jpeg_change_nothing() {
    for progressive in [false, true] {
        let plain = jpeg(61, 47, |encoder| encoder.set_progressive(progressive));
        let expected = Photo::decode(&plain).unwrap().rgba;
        for stray in [&[0, 0, 0][..], b"\xff\0", b"\xff\xff\xff", b"junk of a camera", b"\xff\xd0", b"\xff\0\0\xff\x01"]
        {
            for place in segments(&plain) {
                let photo = [&plain[..place], stray, &plain[place..]].concat();
                // The first three bytes tell a JPEG, as they do in browsers.
                if place == 2 && stray[0] != 0xff {
                    assert_eq!(error(&photo), PhotoError::NotAnImage);
                    continue;
                }
                let decoded = Photo::decode(&photo).unwrap_or_else(|e| panic!("{stray:?} at {place}: {e}"));
                assert!(decoded.rgba == expected, "{stray:?} at {place}");
            }
        }
    }
}

#[test]
fn colours_finer_than_the_light_are_refused() {
    let mut photo = jpeg(64, 64, |encoder| encoder.set_sampling_factor(SamplingFactor::F_1_1));
    let frame = segments(&photo).into_iter().find(|place| photo[place + 1] == 0xc0).unwrap();
    // The second of three components.
    photo[frame + 10 + 3 + 1] = 0x22;
    assert!(matches!(error(&photo), PhotoError::Unsupported(why) if why.contains("1×1, 2×2, 1×1")));
}

#[test]
fn many_scans_are_refused_before_they_are_decoded() {
    let photo = jpeg(64, 64, |encoder| encoder.set_progressive(true));
    let last = photo.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    let (start, scan) = (&photo[..last], &photo[last..photo.len() - 2]);
    let with = |scans: usize| [start, &scan.repeat(scans), &[0xff, 0xd9]].concat();
    assert!(matches!(error(&with(200)), PhotoError::Unsupported(why) if why.contains("scans")));
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
    assert!(error(&png).to_string().contains("too large: 10000×10000"));
}

#[test]
fn chunks_that_unpack_to_much_stay_packed() {
    let image = image::RgbImage::from_raw(16, 16, picture(16, 16)).unwrap();
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png).unwrap();
    let png = png.into_inner();
    let expected = Photo::decode(&png).unwrap().rgba;
    // 256 MB of zeros in about 256 KB.
    let bomb = deflated_zeros(256 << 20);
    assert!(bomb.len() < 1 << 20);
    for (kind, name) in
        [(b"zTXt", &b"Comment\0\0"[..]), (b"iCCP", b"icc\0\0"), (b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0")]
    {
        let photo = insert(&png, kind, &[name, &bomb].concat());
        let started = allocated();
        let decoded = Photo::decode(&photo).unwrap_or_else(|e| panic!("{kind:?} {e}"));
        assert!(decoded.rgba == expected, "{kind:?}");
        assert!(allocated() < started + (128 << 20), "{kind:?}");
    }
}

/// The most memory that this process ever had, in bytes; 0 where the system does not tell.
fn allocated() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() << 10
}

/// So many zeros as a zlib stream, which PNG's chunks hold.
fn deflated_zeros(count: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("z", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::copy(&mut std::io::repeat(0).take(count as u64), &mut zip).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let mut archive = zip::ZipArchive::new(Cursor::new(&zip[..])).unwrap();
    let raw = archive.by_index_raw(0).unwrap();
    let (from, length) = (raw.data_start() as usize, raw.compressed_size() as usize);
    // Adler-32 of zeros: the sum stays 1, the sum of sums grows by 1 each.
    let adler = ((count % 65521) as u32) << 16 | 1;
    [b"\x78\x9c", &zip[from..from + length], &adler.to_be_bytes()[..]].concat()
}

#[test]
fn other_kinds_are_decoded_too() {
    for format in [ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Gif, ImageFormat::WebP] {
        let mut samples = picture(31, 17);
        if format == ImageFormat::Gif {
            // Its palette holds 256 colours; four levels a channel make 64 at most.
            samples.iter_mut().for_each(|sample| *sample &= 0xc0);
        }
        let image = image::RgbImage::from_raw(31, 17, samples).unwrap();
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        let photo = Photo::decode(&bytes.into_inner()).unwrap_or_else(|e| panic!("{format:?}: {e}"));
        assert_eq!((photo.width, photo.height), (31, 17));
        let expected: Vec<u8> = image.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect();
        assert!(photo.rgba == expected, "{format:?}");
    }
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_read_and_no_more_than_may_be() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read_bytes(dir.path()), Err(PhotoError::NotAFile));
    assert_eq!(read_bytes(Path::new("/dev/zero")), Err(PhotoError::NotAFile));
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(read_bytes(&pipe), Err(PhotoError::NotAFile));
    let file = dir.path().join("file");
    std::fs::write(&file, [0; 100]).unwrap();
    assert_eq!(read_bytes_up_to(&file, 99), Err(PhotoError::TooLong { limit: 99 }));
    assert_eq!(read_bytes_up_to(&file, 100).unwrap().len(), 100);
    // Files of the system say that they are empty, and are not.
    let status = Path::new("/proc/self/status");
    if status.exists() {
        assert_eq!(std::fs::metadata(status).unwrap().len(), 0);
        assert_eq!(read_bytes_up_to(status, 100), Err(PhotoError::TooLong { limit: 100 }));
    }
}

/// Writes the pixels of each JPEG of a folder beside it, where it can be decoded.
const PILLOW: &str = "
import sys, glob
from PIL import Image
for name in glob.glob(sys.argv[1] + '/*.jpg'):
    try:
        pixels = Image.open(name).convert('RGB').tobytes()
    except OSError:
        continue
    open(name + '.rgb', 'wb').write(pixels)
";

/// Every sampling, restart interval and progressive script that the encoder writes, at odd sizes, beside libjpeg as Pillow
/// has it.
#[test]
fn jpegs_are_decoded_as_libjpeg_does() {
    let python = std::env::var("JICHO_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_pillow =
        Command::new(&python).args(["-c", "import PIL"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    if !has_pillow.is_ok_and(|status| status.success()) {
        eprintln!("skipped: comparison with Pillow: {python} or its package pillow is missing");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let samplings = [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
        SamplingFactor::F_4_1,
        SamplingFactor::F_4_2,
        SamplingFactor::F_1_4,
        SamplingFactor::F_2_4,
    ];
    let mut photos = Vec::new();
    for sampling in samplings {
        // libjpeg does not smooth colours that are two samples wide, as in pictures of three or four pixels; this decoder does.
        for (width, height) in [(160, 120), (157, 113), (17, 9), (8, 33), (1, 1), (5, 70)] {
            for scans in [0, 2, 5, 16] {
                for restart in [0, 1, 7] {
                    let bytes = jpeg(width, height, |encoder| {
                        encoder.set_sampling_factor(sampling);
                        encoder.set_restart_interval(restart);
                        encoder.set_progressive(scans > 0);
                        if scans > 0 {
                            encoder.set_progressive_scans(scans);
                        }
                    });
                    let name = format!("{sampling:?} {width}x{height} scans {scans} restart {restart}.jpg");
                    std::fs::write(dir.path().join(&name), &bytes).unwrap();
                    let quarter =
                        matches!(sampling, SamplingFactor::F_4_2 | SamplingFactor::F_1_4 | SamplingFactor::F_2_4);
                    let refused = scans == 0 && (quarter || (sampling == SamplingFactor::F_4_1 && restart > 0));
                    photos.push((name, bytes, refused));
                }
            }
        }
    }
    assert!(Command::new(&python).args(["-c", PILLOW]).arg(dir.path()).status().unwrap().success());
    let mut wrong = Vec::new();
    for (name, bytes, refused) in &photos {
        if *refused {
            assert!(matches!(error(bytes), PhotoError::Unsupported(_)), "{name}");
            continue;
        }
        let Ok(theirs) = std::fs::read(dir.path().join(format!("{name}.rgb"))) else {
            wrong.push(format!("{name}: Pillow refuses it"));
            continue;
        };
        let ours = Photo::decode(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let ours = ours.rgba.chunks(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
        let off: Vec<u64> = ours.zip(&theirs).map(|(a, b)| a.abs_diff(*b).into()).collect();
        let (mean, most) = (off.iter().sum::<u64>() as f64 / off.len() as f64, off.iter().max().copied().unwrap_or(0));
        if mean > 1.0 || most > 24 {
            wrong.push(format!("{name}: mean {mean:.2}, most {most}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), photos.len(), wrong.join("\n"));
}

/// What the fuzzer starts from, and a little beside it.
#[test]
fn no_bytes_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/photo");
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        assert!(Photo::decode(&bytes).is_ok(), "{} is a photo", file.display());
        files += 1;
        for at in 0..bytes.len() {
            let _ = Photo::decode(&bytes[..at]);
            let mut changed = bytes.clone();
            for value in [0, 0x40, 0xff] {
                changed[at] = value;
                if let Ok(photo) = Photo::decode(&changed) {
                    let problem = photo.frame().err();
                    assert!(problem.is_none(), "{}, byte {at} set to {value}: {problem:?}", file.display());
                }
            }
        }
    }
    assert!(files > 0);
}
