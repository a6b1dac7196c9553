//! The ids of vaults and records.

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

impl RecordId {
    /// A random one, as version 4 of RFC 9562 (UUID) has it.
    pub(super) fn random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        RecordId(bytes)
    }
}

/// As a UUID is written: an app's own id is found again as it was given.
impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = hex(&self.0);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        f.write_str(&parts.join("-"))
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
