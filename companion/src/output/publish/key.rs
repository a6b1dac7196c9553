//! Files of private keys: 64 hex digits, readable by their owner alone.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use jicho::manifest::signature::{PublicKey, SigningKey};

use crate::digest::hex;
use crate::error::{Error, Result, at};

/// No key's file is longer.
const MAX_BYTES: u64 = 4096;

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
    writeln!(out, "{}", hex(&seed)).and_then(|()| out.sync_all()).map_err(at(file))?;
    Ok(SigningKey::from_seed(&seed).public())
}

/// Reads a key's file.
///
/// # Errors
/// I/O errors; a file that is none of [`generate`]; a file that others can read, for then the key may no longer be secret.
pub fn read(file: &Path) -> Result<SigningKey> {
    let open = File::open(file).map_err(at(file))?;
    let metadata = open.metadata().map_err(at(file))?;
    let unusable = |why: &str| Error::BadInput(format!("{} {why}", file.display()));
    if !metadata.is_file() {
        return Err(unusable("is no regular file, so it is no key; `jicho keygen` makes one"));
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(unusable("can be read by other users: run `chmod 600` on it, or make a new key if somebody did"));
    }
    let mut text = String::new();
    open.take(MAX_BYTES).read_to_string(&mut text).map_err(at(file))?;
    let seed = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok().and_then(|seed| seed.try_into().ok());
    let seed = seed.ok_or_else(|| unusable("is no key; `jicho keygen` makes one"))?;
    Ok(SigningKey::from_seed(&seed))
}
