//! What a JPEG says beside its picture is removed before a scan's thumbnail or a lesson's picture is kept: a photo's EXIF often
//! names the place where it was taken, to the metre.

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const COMMENT: u8 = 0xfe;

/// The same picture with what is needed to show it alone: tables, scans, the header of JFIF without its small picture, the
/// colour profile, Adobe's colour transform and the orientation. What follows the picture is removed too. `None` where it is
/// no JPEG that can be taken apart.
#[must_use]
pub fn without_metadata(jpeg: &[u8]) -> Option<Vec<u8>> {
    let mut rest = jpeg.strip_prefix(&[0xff, START])?;
    let mut clean = vec![0xff, START];
    loop {
        let marker;
        (marker, rest) = next_marker(rest)?;
        match marker {
            END => {
                clean.extend([0xff, END]);
                return Some(clean);
            }
            // Restarts stand within a scan alone, and a second start or what stands for itself nowhere.
            0x00 | 0x01 | 0xd0..=START => return None,
            _ => {}
        }
        let (length, _) = rest.split_first_chunk::<2>()?;
        let (segment, after) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let body = segment.get(2..)?;
        rest = after;
        match marker {
            0xe0 if body.starts_with(b"JFIF\0") => {
                // Width and height of the small picture behind it are its last two bytes.
                let fixed = [body.get(..12)?, &[0, 0]].concat();
                put(&mut clean, marker, &fixed);
            }
            0xe1 => {
                if let Some(orientation) = orientation(body).filter(|orientation| (2..=8).contains(orientation)) {
                    put(&mut clean, marker, &exif_of(orientation));
                }
            }
            0xe2 if !body.starts_with(b"ICC_PROFILE\0") => {}
            0xee if !body.starts_with(b"Adobe") => {}
            0xe2 | 0xee => put(&mut clean, marker, body),
            0xe0..=0xef | COMMENT => {}
            _ => put(&mut clean, marker, body),
        }
        if marker == SCAN {
            let length = scan_length(rest);
            clean.extend(&rest[..length]);
            rest = &rest[length..];
            if rest.is_empty() {
                // Cut short: browsers show what is there.
                clean.extend([0xff, END]);
                return Some(clean);
            }
        }
    }
}

/// Whether it is a JPEG that says nothing beside its picture, and is not turned by an orientation.
#[cfg(any(test, all(target_arch = "wasm32", feature = "channel")))]
pub(crate) fn is_bare(jpeg: &[u8]) -> bool {
    without_metadata(jpeg).is_some_and(|bare| bare == jpeg && !jpeg.windows(6).any(|part| part == b"Exif\0\0"))
}

/// A marker and what follows it. Bytes 0xff before it are filling.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let filling = bytes.iter().take_while(|byte| **byte == 0xff).count();
    let (marker, rest) = bytes[filling..].split_first()?;
    (filling > 0).then_some((*marker, rest))
}

/// Bytes of a scan's data: up to a marker that is no restart. Within the data 0 follows 0xff.
fn scan_length(bytes: &[u8]) -> usize {
    let ends = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7);
    bytes.windows(2).position(ends).unwrap_or(bytes.len())
}

fn put(into: &mut Vec<u8>, marker: u8, body: &[u8]) {
    into.extend([0xff, marker]);
    // It was in a segment that was no shorter.
    into.extend((body.len() as u16 + 2).to_be_bytes());
    into.extend(body);
}

/// How the picture of an EXIF segment is to be turned, 1 to 8.
fn orientation(segment: &[u8]) -> Option<u16> {
    let tiff = segment.strip_prefix(b"Exif\0\0")?;
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let u32_at = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = u32_at(4)? as usize;
    for entry in 0..usize::from(u16_at(directory)?) {
        let at = directory.checked_add(2 + 12 * entry)?;
        if u16_at(at)? == 0x0112 {
            return u16_at(at.checked_add(8)?);
        }
    }
    None
}

/// The body of an EXIF segment that says nothing else.
fn exif_of(orientation: u16) -> Vec<u8> {
    let mut body = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    body.extend(orientation.to_le_bytes());
    body.extend([0; 6]);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, marker, body);
        bytes
    }

    fn jpeg(parts: &[Vec<u8>]) -> Vec<u8> {
        [&[0xff, START][..], &parts.concat()].concat()
    }

    fn scan() -> Vec<u8> {
        [segment(SCAN, b"head"), vec![1, 0xff, 0, 2, 0xff, 0xd3, 3]].concat()
    }

    fn end() -> Vec<u8> {
        vec![0xff, END]
    }

    #[test]
    fn what_is_needed_stays_and_the_rest_goes() {
        let jfif = segment(0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\x01\x01RGB");
        let (profile, adobe) = (segment(0xe2, b"ICC_PROFILE\0\x01\x01p"), segment(0xee, b"Adobe\0d\0\0\0\0\x01"));
        let tables = segment(0xdb, b"quantisation");
        let gone = [
            segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<place>"),
            segment(0xe2, b"MPF\0other pictures"),
            segment(0xed, b"Photoshop 3.0\0city"),
            segment(0xe0, b"JFXX\0\x10a picture"),
            segment(0xee, b"a camera's own"),
            segment(COMMENT, b"at home"),
        ];
        let trailer = b"a film".to_vec();
        let given =
            [&[jfif, profile.clone()][..], &gone, &[adobe.clone(), tables.clone(), scan(), scan(), end(), trailer]];
        let bare = segment(0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
        let kept = jpeg(&[bare, profile, adobe, tables, scan(), scan(), end()]);
        assert_eq!(without_metadata(&jpeg(&given.concat())).as_ref(), Some(&kept));
        assert!(is_bare(&kept) && !is_bare(&jpeg(&given.concat())));
        assert_eq!(without_metadata(&kept), Some(kept), "a second time changes nothing");
    }

    #[test]
    fn the_orientation_stays_alone() {
        let little = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x25\x88\x04\0\x01\0\0\0\x26\0\0\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0GPS".to_vec();
        let big = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        for exif in [little, big] {
            let clean = without_metadata(&jpeg(&[segment(0xe1, &exif), scan(), end()])).unwrap();
            assert_eq!(clean, jpeg(&[segment(0xe1, &exif_of(6)), scan(), end()]));
            assert_eq!(orientation(&exif_of(6)), Some(6));
            assert!(!is_bare(&clean), "it is turned");
        }
        let itself = b"Exif\0\0II*\0\xff\xff\xff\xff".to_vec();
        assert_eq!(without_metadata(&jpeg(&[segment(0xe1, &itself), end()])), Some(jpeg(&[end()])));
    }

    #[test]
    fn what_is_no_jpeg_is_refused_and_a_cut_scan_is_ended() {
        let whole = jpeg(&[segment(0xdb, b"tables"), scan(), end()]);
        let data_begins = whole.len() - 2 - 7;
        for cut in 0..whole.len() {
            let clean = without_metadata(&whole[..cut]);
            assert_eq!(clean.is_some(), cut >= data_begins, "{cut}");
        }
        for wrong in [&b"\x89PNG"[..], b"\xff\xd8\xff\xe1\0\x01", b"\xff\xd8\xff\xd8\xff\xd9", b"\xff\xd8xx\xff\xd9"] {
            assert_eq!(without_metadata(wrong), None);
        }
    }
    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            if let Some(bare) = without_metadata(&jpeg(&[bytes])) {
                proptest::prop_assert_eq!(without_metadata(&bare).unwrap(), bare);
            }
        }
    }
}
