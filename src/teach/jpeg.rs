//! JPEG files without metadata: a kept picture tells what a product looks like, and not where or by whom it was taken.

/// Start of image.
const SOI: [u8; 2] = [0xff, 0xd8];

/// The picture without metadata: without comments, without application segments (EXIF with its GPS position, XMP, colour
/// profiles, …) other than JFIF and Adobe, which say how to read the colours, and without what follows its end. `None`
/// where the bytes are no JPEG file, or are cut off.
#[must_use]
pub fn without_metadata(jpeg: &[u8]) -> Option<Vec<u8>> {
    let mut rest = jpeg.strip_prefix(&SOI)?;
    let mut bare = SOI.to_vec();
    loop {
        let marker = marker(&mut rest)?;
        match marker {
            // End of image.
            0xd9 => {
                bare.extend([0xff, marker]);
                return Some(bare);
            }
            // Without a length.
            0x01 | 0xd0..=0xd7 => bare.extend([0xff, marker]),
            _ => {
                let (length, _) = rest.split_first_chunk::<2>()?;
                let (segment, after) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)).max(2))?;
                rest = after;
                if !is_metadata(marker) {
                    bare.extend([0xff, marker]);
                    bare.extend(segment);
                }
                // Start of scan: coded pixels follow, in which 0xff is 0xff 0x00, or a restart marker.
                if marker == 0xda {
                    let pixels =
                        rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7))?;
                    bare.extend(&rest[..pixels]);
                    rest = &rest[pixels..];
                }
            }
        }
    }
}

/// The next marker; any number of 0xff may come before it.
fn marker(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    let fill = after.iter().position(|byte| *byte != 0xff).filter(|_| *first == 0xff)?;
    *rest = &after[fill + 1..];
    Some(after[fill])
}

fn is_metadata(marker: u8) -> bool {
    matches!(marker, 0xe1..=0xed | 0xef | 0xfe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A marker with its segment.
    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u16 + 2).to_be_bytes();
        [&[0xff, marker], &length[..], content].concat()
    }

    fn file(metadata: &[Vec<u8>], tail: &[u8]) -> Vec<u8> {
        let tables = segment(0xdb, &[1; 65]);
        let scan = [segment(0xda, &[1, 1, 0, 0, 63, 0]), vec![7, 0xff, 0, 9, 0xff, 0xd0, 3]].concat();
        [SOI.to_vec(), segment(0xe0, b"JFIF\0"), metadata.concat(), tables, scan, vec![0xff, 0xd9], tail.to_vec()]
            .concat()
    }

    #[test]
    fn exif_comments_profiles_and_what_follows_are_gone() {
        let bare = file(&[], b"");
        let rich =
            file(&[segment(0xe1, b"Exif\0\0GPS"), segment(0xe2, b"ICC_PROFILE"), segment(0xfe, b"mine")], b"more");
        assert_eq!(without_metadata(&rich).unwrap(), bare);
        assert_eq!(without_metadata(&bare).unwrap(), bare);
        assert_eq!(without_metadata(&file(&[segment(0xee, b"Adobe")], b"")).unwrap().len(), bare.len() + 9);
    }

    #[test]
    fn what_is_cut_off_or_no_jpeg_is_refused() {
        let whole = file(&[segment(0xe1, b"Exif")], b"");
        for length in 0..whole.len() {
            assert_eq!(without_metadata(&whole[..length]), None, "{length}");
        }
        assert_eq!(without_metadata(b"\x89PNG\r\n\x1a\n"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(bare) = without_metadata(&[&SOI[..], &bytes].concat()) {
                prop_assert_eq!(without_metadata(&bare).unwrap(), bare);
            }
        }
    }
}
