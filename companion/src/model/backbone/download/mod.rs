//! Fetches a known backbone once, checks it, and keeps it in a cache named by its digest.
//!
//! Nothing appears under `<sha256>.onnx` before its bytes have that digest: a download is written to a temporary file
//! in the same folder, checked, synced and renamed. Whatever dies on the way, the cache holds whole files only.

mod transfer;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::registry::{self, Entry};
use crate::digest::hex;
use transfer::Received;

/// Names the folder that replaces the user's cache folder.
pub const CACHE_VARIABLE: &str = "JICHO_CACHE";

/// Why a backbone could not be fetched. Each message names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Name resolution, connection, TLS, proxy, or a broken answer.
    #[error(
        "cannot reach {url}: {reason}. Check the connection, or get the file on another machine and pass it with \
         --backbone FILE.onnx"
    )]
    Connect { url: String, reason: String },
    /// The server answered with something other than the file.
    #[error("{url} answered HTTP {status}. Try again later, or pass a file of your own with --backbone FILE.onnx")]
    HttpStatus { url: String, status: u16 },
    /// The redirects lead from https to http.
    #[error(
        "{url} redirects to an unencrypted address ({to}), which is refused. Pass a file of your own with \
         --backbone FILE.onnx"
    )]
    InsecureRedirect { url: String, to: String },
    /// The connection ended early, and again after one attempt to resume.
    #[error("the download of {url} broke off after {got} bytes{}. Try again", of(.want))]
    Truncated { url: String, got: u64, want: Option<u64> },
    /// Whole, but not the file that was asked for.
    #[error(
        "{url} sent a different file{hint}: sha256 {got} instead of {want}. It was not kept; try again, or pass \
         a file of your own with --backbone FILE.onnx"
    )]
    HashMismatch { url: String, got: String, want: String, hint: &'static str },
    /// More bytes than the file has.
    #[error(
        "{url} sends more than the {limit} bytes expected and was stopped. Pass a file of your own with \
         --backbone FILE.onnx"
    )]
    TooLarge { url: String, limit: u64 },
    /// Connected, yet no byte came for that long.
    #[error("{url} sent nothing for {} s after {got} bytes. Try again", .after.as_secs_f32())]
    Stalled { url: String, got: u64, after: Duration },
    /// The cache could not be read or written.
    #[error("{}: {source}. Free some space or rights, or name another folder in {CACHE_VARIABLE}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Known, but these very bytes are published nowhere.
    #[error(
        "backbone {name} has no public download: it is {from}. Get or convert that file and pass it with \
         --backbone FILE.onnx, or choose one that can be downloaded: {}",
        downloadable()
    )]
    NoPublicUrl { name: &'static str, from: &'static str },
    /// Not 64 hex digits; it would become a file name.
    #[error("{sha256:?} is not a sha256 in hex")]
    InvalidDigest { sha256: String },
}

/// " of N", where N is known.
fn of(want: &Option<u64>) -> String {
    want.map_or_else(String::new, |want| format!(" of {want}"))
}

/// The names a user can ask for without having a file.
fn downloadable() -> String {
    let names: Vec<_> = registry::all().iter().filter(|entry| entry.url.is_some()).map(|entry| entry.name).collect();
    names.join(", ")
}

/// How long to wait and how much to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For resolving the name, and again for connecting (TLS included).
    pub connect: Duration,
    /// For the answer to begin, and then for each next piece of the body.
    pub stall: Duration,
    /// Ceiling for a file of unknown size.
    pub largest: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), stall: Duration::from_secs(30), largest: 1 << 30 }
    }
}

/// The folder for all that can be had again: the one that `JICHO_CACHE` names, else `jicho` in the user's cache folder.
pub fn cache_root() -> PathBuf {
    match std::env::var_os(CACHE_VARIABLE).filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => dirs::cache_dir().unwrap_or_else(std::env::temp_dir).join("jicho"),
    }
}

/// The folder for downloaded backbones.
pub fn default_cache_dir() -> PathBuf {
    cache_root().join("backbones")
}

/// Whether the file of `entry` is in the cache, by its name and size; its bytes are checked whenever it is used.
pub fn is_cached(entry: &Entry, cache_dir: &Path) -> bool {
    let metadata = std::fs::metadata(target(entry.sha256, cache_dir));
    metadata.is_ok_and(|file| file.is_file() && entry.bytes.is_none_or(|bytes| bytes == file.len()))
}

/// The file of `entry`: from the cache where it is there and whole, else downloaded.
///
/// `progress` hears the bytes so far and, where known, their total.
pub fn fetch(
    entry: &Entry,
    cache_dir: &Path,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<PathBuf, DownloadError> {
    match entry.url {
        Some(url) => fetch_from(url, entry.sha256, entry.bytes, cache_dir, &Limits::default(), progress),
        None => {
            cached(entry.sha256, cache_dir)?.ok_or(DownloadError::NoPublicUrl { name: entry.name, from: entry.source })
        }
    }
}

/// [`fetch`] with the address and the limits spelled out.
pub fn fetch_from(
    url: &str,
    sha256: &str,
    bytes: Option<u64>,
    cache_dir: &Path,
    limits: &Limits,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<PathBuf, DownloadError> {
    if let Some(path) = cached(sha256, cache_dir)? {
        return Ok(path);
    }
    fs::create_dir_all(cache_dir).map_err(io_at(cache_dir))?;
    let mut file = tempfile::Builder::new()
        .prefix(".download-")
        .suffix(".part")
        .tempfile_in(cache_dir)
        .map_err(io_at(cache_dir))?;
    let temporary = file.path().to_path_buf();
    let mut received = Received::new(file.as_file_mut(), &temporary);
    transfer::run(url, bytes, limits, &mut received, progress)?;

    let hint = received.hint();
    let got = received.into_sha256();
    if !got.eq_ignore_ascii_case(sha256) {
        return Err(DownloadError::HashMismatch { url: url.to_owned(), got, want: sha256.to_owned(), hint });
    }
    file.as_file().sync_all().map_err(io_at(&temporary))?;
    let target = target(sha256, cache_dir);
    file.persist(&target).map_err(|error| DownloadError::Io { path: target.clone(), source: error.error })?;
    sync_folder(cache_dir);
    Ok(target)
}

/// The cached file, if its bytes still have the digest in its name; one that has not is deleted.
fn cached(sha256: &str, cache_dir: &Path) -> Result<Option<PathBuf>, DownloadError> {
    if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(DownloadError::InvalidDigest { sha256: sha256.to_owned() });
    }
    let path = target(sha256, cache_dir);
    match sha256_of(&path) {
        Ok(found) if found.eq_ignore_ascii_case(sha256) => Ok(Some(path)),
        Ok(_) => fs::remove_file(&path).map(|()| None).map_err(io_at(&path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DownloadError::Io { path, source }),
    }
}

fn target(sha256: &str, cache_dir: &Path) -> PathBuf {
    cache_dir.join(format!("{}.onnx", sha256.to_ascii_lowercase()))
}

fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> DownloadError {
    let path = path.to_path_buf();
    move |source| DownloadError::Io { path, source }
}

/// Makes the rename itself durable. A folder that cannot be synced costs one more download after a power cut, no more.
fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests;
