//! Feature vectors of photos, kept by content, so that a training embeds only what is new.
//!
//! An entry is a small file, named by the digest of all that its vectors depend on ([`Key`]) and written to a temporary
//! file that is then renamed: whatever dies on the way, and however many trainings run side by side, an entry is whole
//! or not there. One that is damaged counts as not there. A cache that cannot be written warns once and stops nothing.

mod entry;
mod evict;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::model::backbone::download;
use crate::photo::Region;
use crate::progress::Progress;

/// What a cache may take on the disk; what was not used for longest goes first.
pub const MOST_BYTES: u64 = 2 << 30;
/// Raised whenever the same photo, network and views would give other vectors than before.
const FEATURES: u32 = 2;

/// The folder of the cache where none is named, beside that of the downloaded backbones.
pub fn default_folder() -> PathBuf {
    download::cache_root().join("features")
}

/// Where a cache is, if there is to be one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place(pub Option<PathBuf>);

impl Place {
    /// The cache there.
    pub fn open(&self, progress: Progress) -> Cache {
        self.0.clone().map_or_else(Cache::none, |folder| Cache::open(folder, progress))
    }
}

/// What vectors depend on, as a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// Of a photo file's bytes, the region that is looked at, and `parts`: the network's digest, how pixels go in, which
    /// views of the photo are embedded. No two lists of parts give one key, whatever is in them.
    pub fn of(photo: &[u8], region: Option<Region>, parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        digest.update(FEATURES.to_le_bytes());
        let region = region.map(Region::to_bytes).unwrap_or_default();
        for part in [photo, &region].iter().chain(parts) {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Key(digest.finalize().into())
    }

    fn file(&self, folder: &Path) -> PathBuf {
        let hex = hex(&self.0);
        folder.join(&hex[..2]).join(format!("{}.{}", &hex[2..], entry::EXTENSION))
    }
}

/// A cache, or none.
pub struct Cache {
    kept: Option<Kept>,
    progress: Progress,
}

struct Kept {
    folder: PathBuf,
    most: u64,
    /// Bytes of all entries, about: counted at the first entry that is written, and grown with each.
    bytes: OnceLock<AtomicU64>,
    evicting: Mutex<()>,
    failed: AtomicBool,
}

impl Cache {
    /// In `folder`, which is made when it is first needed.
    pub fn open(folder: PathBuf, progress: Progress) -> Self {
        Cache::bounded(folder, MOST_BYTES, progress)
    }

    fn bounded(folder: PathBuf, most: u64, progress: Progress) -> Self {
        let (bytes, evicting, failed) = (OnceLock::new(), Mutex::new(()), AtomicBool::new(false));
        Cache { kept: Some(Kept { folder, most, bytes, evicting, failed }), progress }
    }

    /// One that keeps nothing.
    pub fn none() -> Self {
        Cache { kept: None, progress: Progress::Silent }
    }

    /// The vectors that were put, bit by bit.
    pub fn get(&self, key: &Key) -> Option<Vec<Vec<f32>>> {
        let kept = self.kept.as_ref()?;
        let path = key.file(&kept.folder);
        let bytes = fs::read(&path).ok()?;
        let vectors = entry::parse(key, &bytes)?;
        // What was used lately stays longest. Where the time cannot be set, it goes as if it had not been used.
        if let Ok(file) = File::options().append(true).open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        Some(vectors)
    }

    /// Keeps vectors, where that can be done.
    pub fn put(&self, key: &Key, vectors: &[Vec<f32>]) {
        let Some(kept) = &self.kept else { return };
        if kept.failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = kept.put(key, vectors)
            && !kept.failed.swap(true, Ordering::Relaxed)
        {
            let folder = kept.folder.display();
            self.progress.warn(&format!(
                "features of photos cannot be kept in {folder} ({error}); the next training computes them again. Free \
                 some space or rights, name another folder with --cache, or say --no-cache"
            ));
        }
    }
}

impl Kept {
    fn put(&self, key: &Key, vectors: &[Vec<f32>]) -> io::Result<()> {
        let path = key.file(&self.folder);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let bytes = entry::write(key, vectors);
        let mut file = tempfile::Builder::new().prefix(evict::TEMPORARY).tempfile_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(&path).map_err(|e| e.error)?;
        self.grow(bytes.len() as u64);
        Ok(())
    }

    /// Counts what was written, and makes room where it is more than may be.
    fn grow(&self, by: u64) {
        let mut counted_now = false;
        let total = self.bytes.get_or_init(|| {
            counted_now = true;
            AtomicU64::new(evict::count(&self.folder))
        });
        let after =
            if counted_now { total.load(Ordering::Relaxed) } else { total.fetch_add(by, Ordering::Relaxed) + by };
        if after > self.most {
            let _one_at_a_time = self.evicting.lock().unwrap_or_else(PoisonError::into_inner);
            if total.load(Ordering::Relaxed) > self.most {
                total.store(evict::make_room(&self.folder, self.most), Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
