//! A plan's bytes: docs/formats/plan.md.
//!
//! ```text
//!  0  8  magic "JICHOPLN"
//!  8  4  format version, u32: 2 where a step computes with bytes, else 1
//! 12  4  length of the program, u32
//! 16  8  XXH64 (seed 0) of everything from byte 24 on, u64
//! 24  …  the program, JSON, filled up with spaces so that the data starts at a multiple of 64
//!  …  …  the data
//! ```
//! Numbers are little-endian.

use std::borrow::Cow;

use xxhash_rust::xxh64::xxh64;

use super::{Conv, Plan, Program, Step, invalid};
use crate::error::Result;

/// The first eight bytes.
pub const MAGIC: [u8; 8] = *b"JICHOPLN";
/// The format of plans that compute with `f32` alone.
pub const VERSION: u32 = 1;
/// The format of plans of which some steps compute with bytes.
pub const BYTES_VERSION: u32 = 2;

const HEADER: usize = 24;
const ALIGNMENT: usize = 64;
/// The longest program: more than any network needs, and short enough to parse at once.
const MAX_PROGRAM: usize = 4 << 20;
const MAX_MESSAGE: usize = 400;

/// The format that a plan's header names; none of bytes that are too short for one.
#[must_use]
pub fn format(plan: &[u8]) -> Option<u32> {
    plan.get(8..12)?.first_chunk().map(|format| u32::from_le_bytes(*format))
}

impl<'a> Plan<'a> {
    /// Reads and checks a whole plan. Nothing is allocated for sizes that it merely claims, and a plan that is accepted can
    /// run.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidModel`]: another format, another version, cut short, damaged, or impossible.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.get(..8) != Some(&MAGIC) {
            return Err(invalid("it does not begin with JICHOPLN"));
        }
        let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
            return Err(invalid("it ends within its header"));
        };
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let version = word(8);
        if !(VERSION..=BYTES_VERSION).contains(&version) {
            let known = format_args!("it has format {version}, this library reads {VERSION} and {BYTES_VERSION}");
            return Err(invalid(known));
        }
        let checksum = u64::from(word(16)) | u64::from(word(20)) << 32;
        if xxh64(rest, 0) != checksum {
            return Err(invalid("its checksum does not fit: it is damaged or incomplete"));
        }
        let length = word(12) as usize;
        if length > MAX_PROGRAM {
            return Err(invalid(format_args!("its program has {length} bytes, more than {MAX_PROGRAM}")));
        }
        let Some((program, data)) = rest.split_at_checked(length) else {
            return Err(invalid("it ends within its program"));
        };
        // The checksum does not cover the program's length: a wrong length must not shift where the data begins.
        let blanks = program.iter().rev().take_while(|b| **b == b' ').count();
        if !(HEADER + length).is_multiple_of(ALIGNMENT) || blanks >= ALIGNMENT {
            return Err(invalid("its data does not begin where the program ends"));
        }
        // A program's names, hex digits and numbers are ASCII. Other characters would grow when an error quotes them.
        if !program.iter().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t') && *b != b'\\') {
            return Err(invalid("its program is not JSON in plain ASCII"));
        }
        let program: Program = serde_json::from_slice(program).map_err(|e| invalid(brief(&e)))?;
        let plan = Plan { program, data: Cow::Borrowed(data) };
        if plan.version() != version {
            return Err(invalid(format_args!("its steps are those of format {}, not {version}", plan.version())));
        }
        plan.check()?;
        Ok(plan)
    }

    /// The format that holds these steps.
    #[must_use]
    pub fn version(&self) -> u32 {
        let with_bytes = |step: &Step| matches!(step, Step::Conv(Conv { bytes: Some(_), .. }));
        if self.program.steps.iter().any(with_bytes) { BYTES_VERSION } else { VERSION }
    }

    /// The file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidModel`] when the plan is not one that [`Plan::parse`] accepts.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        let mut rest = serde_json::to_vec(&self.program).map_err(invalid)?;
        rest.resize((HEADER + rest.len()).next_multiple_of(ALIGNMENT) - HEADER, b' ');
        let length = u32::try_from(rest.len()).ok().filter(|l| *l as usize <= MAX_PROGRAM);
        let length = length.ok_or_else(|| invalid("its program is too long"))?;
        rest.extend_from_slice(&self.data);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.version().to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(xxh64(&rest, 0).to_le_bytes());
        bytes.append(&mut rest);
        Ok(bytes)
    }
}

/// An error that may quote the program, cut to a length that can be shown.
fn brief(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    text.truncate(MAX_MESSAGE);
    text
}
