//! What a file is, told by its first bytes rather than by its name: `IMG_1.jpeg_large` may well be a photo, and
//! `IMG_1.jpg` may be HEIC.

use std::path::Path;

/// So many first bytes of a file tell its kind.
pub const HEAD: usize = 256;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Jpeg,
    Png,
    WebP,
    Gif,
    Bmp,
    Tiff,
    /// A picture of a kind that is not decoded, or a film; the name is the one that people know it by.
    Foreign(&'static str),
    /// A file without a byte.
    Empty,
    /// Anything else.
    Other,
}

/// Endings under which people keep photos. A file with one of them that holds no picture is worth a message of its own.
const PHOTO_ENDINGS: [&str; 22] = [
    "jpg",
    "jpeg",
    "jpe",
    "jfif",
    "jif",
    "jpg_large",
    "pjpeg",
    "pjp",
    "png",
    "apng",
    "webp",
    "gif",
    "bmp",
    "dib",
    "tif",
    "tiff",
    "heic",
    "heif",
    "hif",
    "avif",
    "jxl",
    "jp2",
];
/// Cameras' raw files, most of which begin as a TIFF file does. Their first picture is a thumbnail.
const RAW_ENDINGS: [&str; 12] = ["dng", "nef", "nrw", "cr2", "arw", "sr2", "srw", "pef", "orf", "rw2", "iiq", "3fr"];

impl Kind {
    /// The kind of the file at `path` that begins with `head`.
    pub fn of(path: &Path, head: &[u8]) -> Kind {
        match Kind::of_bytes(head) {
            Kind::Tiff if RAW_ENDINGS.contains(&ending(path).as_str()) => Kind::Foreign("a camera's raw file"),
            kind => kind,
        }
    }

    /// The kind of a file that begins with `head`.
    pub fn of_bytes(head: &[u8]) -> Kind {
        let box_type = head.get(4..8);
        match head {
            [] => Kind::Empty,
            [0xff, 0xd8, 0xff, ..] => Kind::Jpeg,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Kind::WebP,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Kind::Foreign("a film"),
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Kind::Foreign("a film"),
            [0xff, 0x0a, ..] => Kind::Foreign("JPEG XL"),
            _ if head.starts_with(b"\x89PNG\r\n\x1a\n") => Kind::Png,
            _ if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") => Kind::Gif,
            _ if head.starts_with(b"BM") && is_bitmap(head) => Kind::Bmp,
            _ if head.starts_with(b"II*\0") || head.starts_with(b"MM\0*") => Kind::Tiff,
            _ if head.starts_with(b"II+\0") || head.starts_with(b"MM\0+") => Kind::Tiff,
            _ if head.starts_with(b"8BPS") => Kind::Foreign("a Photoshop file"),
            _ if head.starts_with(b"FUJIFILMCCD-RAW") || head.starts_with(b"IIRO") || head.starts_with(b"IIU\0") => {
                Kind::Foreign("a camera's raw file")
            }
            _ if box_type == Some(b"JXL ") => Kind::Foreign("JPEG XL"),
            _ if box_type == Some(b"jP  ") => Kind::Foreign("JPEG 2000"),
            _ if head.starts_with(b"\xff\x4f\xff\x51") => Kind::Foreign("JPEG 2000"),
            _ if box_type == Some(b"ftyp") => of_brands(head),
            _ => Kind::Other,
        }
    }

    /// Whether it is decoded.
    pub fn is_read(self) -> bool {
        matches!(self, Kind::Jpeg | Kind::Png | Kind::WebP | Kind::Gif | Kind::Bmp | Kind::Tiff)
    }
}

/// Whether the name of a file promises a photo.
pub fn is_named_photo(path: &Path) -> bool {
    let ending = ending(path);
    PHOTO_ENDINGS.contains(&ending.as_str()) || RAW_ENDINGS.contains(&ending.as_str())
}

/// The ending of a name, in lower case; empty where there is none.
pub fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// Text may begin with "BM" as well: the length of the header that follows tells a bitmap.
fn is_bitmap(head: &[u8]) -> bool {
    head.get(14..18).is_some_and(|length| matches!(length, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

/// HEIC, AVIF, Canon's CR3 and films share a container (ISO 14496-12), which lists the brands that it suits.
fn of_brands(head: &[u8]) -> Kind {
    let length = head.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let brands = head.get(8..length.min(head.len())).unwrap_or_default();
    // Between the major brand and the others lies a version.
    let brands: Vec<&[u8]> = brands.chunks_exact(4).enumerate().filter(|(i, _)| *i != 1).map(|(_, b)| b).collect();
    let any = |names: &[&[u8; 4]]| brands.iter().any(|brand| names.iter().any(|name| brand == name));
    match () {
        () if any(&[b"avif", b"avis"]) => Kind::Foreign("AVIF"),
        () if any(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) => Kind::Foreign("HEIC"),
        () if any(&[b"crx "]) => Kind::Foreign("a camera's raw file"),
        () => Kind::Foreign("a film"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_the_kind() {
        let kind = |name: &str, head: &[u8]| Kind::of(Path::new(name), head);
        for (name, head, expected) in [
            ("a.jpg", &b"\xff\xd8\xff\xe0"[..], Kind::Jpeg),
            ("a", b"\xff\xd8\xff\xe0", Kind::Jpeg),
            ("a.dng", b"\xff\xd8\xff\xe0", Kind::Jpeg),
            ("a.jpg", b"\x89PNG\r\n\x1a\n", Kind::Png),
            ("a.jpg", b"RIFF\0\0\0\0WEBPVP8 ", Kind::WebP),
            ("a.jpg", b"GIF89a", Kind::Gif),
            ("a.jpg", b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", Kind::Bmp),
            ("a.txt", b"BMW drives on the road, they say", Kind::Other),
            ("a.tif", b"II*\0\x08\0\0\0", Kind::Tiff),
            ("a.NEF", b"MM\0*\0\0\0\x08", Kind::Foreign("a camera's raw file")),
            ("a.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind::Foreign("HEIC")),
            ("a.jpg", b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Kind::Foreign("AVIF")),
            ("a.jpg", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", Kind::Foreign("AVIF")),
            ("a.mov", b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", Kind::Foreign("a film")),
            ("a.jpg", b"", Kind::Empty),
            ("a.jpg", b"<html>", Kind::Other),
        ] {
            assert_eq!(kind(name, head), expected, "{name} {head:?}");
        }
    }

    #[test]
    fn names_promise_photos_in_any_case() {
        for name in ["a.JPG", "a.jfif", "a.JPE", "a.jpg_large", "a.Heic", "x/a.nef"] {
            assert!(is_named_photo(Path::new(name)), "{name}");
        }
        for name in ["a", "a.txt", "jpg", ".jpg", "a.jpg.txt"] {
            assert!(!is_named_photo(Path::new(name)), "{name}");
        }
    }
}
