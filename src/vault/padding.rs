//! Padding of what is sealed: the length of an envelope must not tell which product was seen.

use zeroize::Zeroizing;

use crate::codec::{Reader, put};
use crate::error::{Error, ErrorKind, Result};

/// Everything sealed is as long as a multiple of this.
const BLOCK: usize = 256;

/// `bytes` with their length before them and zeros behind them.
pub(super) fn pad(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = (4 + bytes.len()).next_multiple_of(BLOCK);
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    put(&mut padded, bytes);
    padded.resize(length, 0);
    padded
}

/// The bytes that [`pad`] was given.
pub(super) fn unpad(padded: &[u8]) -> Result<&[u8]> {
    Reader(padded).bytes().ok_or_else(|| Error::new(ErrorKind::RecordDamaged, "the record's padding is damaged"))
}
