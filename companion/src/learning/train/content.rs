//! Which photos are the same photo: copies of one file must not be both learnt from and measured on.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::photo::Region;

/// Identifies what an example shows: the bytes of its file and its box. Equal for byte-identical copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentId(u64);

impl ContentId {
    /// The id of the part `region` of the photo file `bytes`. Among a million photos two different ones share an id with
    /// a probability of 3e-8.
    pub fn of(bytes: &[u8], region: Option<Region>) -> ContentId {
        let digest = Sha256::new()
            .chain_update((bytes.len() as u64).to_le_bytes())
            .chain_update(bytes)
            .chain_update(region.map(Region::to_bytes).unwrap_or_default())
            .finalize();
        ContentId(u64::from_le_bytes(*digest.first_chunk().unwrap_or(&[0; 8])))
    }
}

/// The `photos` without those that copy an earlier one of them.
pub fn without_copies(photos: &[usize], contents: &[ContentId]) -> Vec<usize> {
    let mut known = HashSet::new();
    photos.iter().copied().filter(|&photo| known.insert(contents[photo])).collect()
}

#[cfg(test)]
pub mod testing {
    use super::ContentId;

    /// As many contents, all different.
    pub fn distinct(count: usize) -> Vec<ContentId> {
        (0..count as u64).map(ContentId).collect()
    }

    /// Contents by number: equal numbers are copies.
    pub fn numbered(numbers: &[u64]) -> Vec<ContentId> {
        numbers.iter().copied().map(ContentId).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_the_same_and_other_bytes_or_boxes_are_not() {
        let region = |x: i32| Region::parse(&serde_json::json!([x, 0, 10, 10]), None).ok();
        assert_eq!(ContentId::of(b"photo", region(1)), ContentId::of(b"photo", region(1)));
        assert_ne!(ContentId::of(b"photo", region(1)), ContentId::of(b"photo", region(2)));
        assert_ne!(ContentId::of(b"photo", None), ContentId::of(b"photo", region(1)));
        assert_ne!(ContentId::of(b"photo", None), ContentId::of(b"other", None));
    }

    #[test]
    fn only_later_copies_are_dropped() {
        assert_eq!(without_copies(&[3, 0, 1, 2], &testing::numbered(&[7, 8, 7, 7])), [3, 1]);
    }
}
