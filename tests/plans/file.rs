//! Plan files that [`Plan::to_bytes`](jicho::engine::plan::Plan::to_bytes) would not write.

use jicho::engine::plan::{BYTES_VERSION, MAGIC, VERSION};
use xxhash_rust::xxh64::xxh64;

const HEADER: usize = 24;

/// A file of any program and data, with lengths and checksum that fit.
pub fn assemble(program: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    let with_bytes = program.windows(8).any(|part| part == b"\"bytes\":");
    bytes.extend(if with_bytes { BYTES_VERSION } else { VERSION }.to_le_bytes());
    bytes.resize(HEADER, 0);
    bytes.extend(program);
    bytes.resize(bytes.len().next_multiple_of(64), b' ');
    let length = (bytes.len() - HEADER) as u32;
    bytes[12..16].copy_from_slice(&length.to_le_bytes());
    bytes.extend(data);
    sign(&mut bytes);
    bytes
}

/// Makes the checksum fit.
pub fn sign(bytes: &mut [u8]) {
    let checksum = xxh64(&bytes[HEADER..], 0);
    bytes[16..HEADER].copy_from_slice(&checksum.to_le_bytes());
}
