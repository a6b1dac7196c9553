//! Files of private keys: 64 hex digits, readable by their owner alone.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use jicho::manifest::signature::{PublicKey, SigningKey};

use crate::error::{Error, Result, at};

/// Makes a new key and its file.
///
/// # Errors
/// A file that exists already: an overwritten key could never sign again.
pub fn generate(file: &Path) -> Result<PublicKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| Error::BadInput(format!("the system gives no random numbers: {e}")))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file).map_err(at(file))?;
    let digits: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(out, "{digits}").and_then(|()| out.sync_all()).map_err(at(file))?;
    Ok(SigningKey::from_seed(&seed).public())
}

/// Reads a key's file.
///
/// # Errors
/// I/O errors; a file that is none of [`generate`].
pub fn read(file: &Path) -> Result<SigningKey> {
    let text = fs::read_to_string(file).map_err(at(file))?;
    let text = text.trim();
    let mut seed = [0; 32];
    let digits = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    for (i, byte) in seed.iter_mut().enumerate().filter(|_| digits) {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap_or_default();
    }
    if !digits {
        return Err(Error::BadInput(format!("{} is no key; `jicho keygen` makes one", file.display())));
    }
    Ok(SigningKey::from_seed(&seed))
}
