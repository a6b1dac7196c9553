//! The file of an entry: magic, number of vectors, their lengths, their values as 32-bit floats (all little-endian), and
//! the SHA-256 of the key and all before it.

use sha2::{Digest, Sha256};

use super::Key;

/// The ending of an entry's name.
pub const EXTENSION: &str = "features";

const MAGIC: &[u8; 8] = b"jichofv1";
const CHECKSUM: usize = 32;

/// The bytes of an entry.
pub fn write(key: &Key, vectors: &[Vec<f32>]) -> Vec<u8> {
    let values: usize = vectors.iter().map(Vec::len).sum();
    let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + 4 * vectors.len() + 4 * values + CHECKSUM);
    bytes.extend(MAGIC);
    bytes.extend((vectors.len() as u32).to_le_bytes());
    vectors.iter().for_each(|vector| bytes.extend((vector.len() as u32).to_le_bytes()));
    vectors.iter().flatten().for_each(|value| bytes.extend(value.to_le_bytes()));
    let checksum = checksum(key, &bytes);
    bytes.extend(checksum);
    bytes
}

/// The vectors of an entry, if its bytes are those that were written for `key`.
pub fn parse(key: &Key, bytes: &[u8]) -> Option<Vec<Vec<f32>>> {
    let (content, told) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    if checksum(key, content) != *told {
        return None;
    }
    let (words, []) = content.strip_prefix(MAGIC)?.as_chunks::<4>() else { return None };
    let (count, words) = words.split_first()?;
    let (lengths, mut values) = words.split_at_checked(u32::from_le_bytes(*count) as usize)?;
    let mut vectors = Vec::with_capacity(lengths.len());
    for length in lengths {
        let (vector, rest) = values.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        vectors.push(vector.iter().map(|value| f32::from_le_bytes(*value)).collect());
        values = rest;
    }
    values.is_empty().then_some(vectors)
}

fn checksum(key: &Key, content: &[u8]) -> [u8; CHECKSUM] {
    Sha256::new().chain_update(key.0).chain_update(content).finalize().into()
}
