//! Downloads from a local server that misbehaves on purpose.

mod connection;
mod kept;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{DownloadError, Limits, fetch_from, hex};

/// The bytes under test: a real backbone where there is one, so that sizes and content are those of the field.
fn real() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let real = crate::test_data::backbones("downloading a real backbone; the bytes are generated");
        if let Some(folder) = real {
            return fs::read(folder.join("SqueezeNet_fp16.onnx")).unwrap();
        }
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let step = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        (0..2_000_000).map(step).collect()
    })
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn limits() -> Limits {
    Limits { stall: Duration::from_millis(300), ..Limits::default() }
}

/// Fetches `real()` from `url` into `cache`.
fn get(url: &str, cache: &Path) -> Result<PathBuf, DownloadError> {
    let want = real();
    fetch_from(url, &sha256(want), Some(want.len() as u64), cache, &limits(), &mut |_, _| {})
}

/// Whatever failed, no file and no remains may be in the cache.
fn assert_empty(cache: &Path) {
    let left: Vec<_> = fs::read_dir(cache).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}
