//! What names a vault and a record.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::hash::hex;

/// A vault's own number: random, made with it. Its name is only where it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultId(pub [u8; 16]);

/// A record's number, for a queued sale its idempotency key too. Random where the app gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 16]);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// 32 hexadecimal digits, with or without a UUID's dashes.
impl FromStr for RecordId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits: Option<Vec<u8>> =
            text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        let pairs = digits.filter(|digits| digits.len() == 32);
        let bytes: Option<Vec<u8>> = pairs.map(|d| d.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect());
        bytes.and_then(|b| b.try_into().ok()).map(RecordId).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("`{text}` is no record id: 32 hexadecimal digits, or a UUID"),
            )
        })
    }
}
