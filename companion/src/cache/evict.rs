//! Which entries go when there are too many.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::entry;

/// How the names of files begin that are being written.
pub const TEMPORARY: &str = ".tmp";
/// One that is older was left by a process that died.
const ABANDONED: Duration = Duration::from_secs(3600);

struct Entry {
    used: SystemTime,
    bytes: u64,
    path: PathBuf,
}

/// Bytes of all entries.
pub fn count(folder: &Path) -> u64 {
    entries(folder).iter().map(|e| e.bytes).sum()
}

/// Removes entries, those first that were not used for longest, until nine tenths of `most` are left, and what dead
/// processes left behind. Gives the bytes left.
pub fn make_room(folder: &Path, most: u64) -> u64 {
    let mut entries = entries(folder);
    entries.sort_by(|a, b| a.used.cmp(&b.used).then_with(|| a.path.cmp(&b.path)));
    let mut bytes: u64 = entries.iter().map(|e| e.bytes).sum();
    for entry in entries {
        if bytes <= most / 10 * 9 {
            break;
        }
        // Another process may have removed it meanwhile: it is gone either way.
        let _ = fs::remove_file(&entry.path);
        bytes -= entry.bytes;
    }
    bytes
}

/// Only what is named as the cache names its files is ever counted or removed: the folder may be anybody's.
fn entries(folder: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    for file in WalkDir::new(folder).min_depth(2).max_depth(2).into_iter().filter_map(Result::ok) {
        let (name, shelf) = (file.file_name().to_string_lossy(), file.path().parent().and_then(Path::file_name));
        if !file.file_type().is_file() || !shelf.is_some_and(|shelf| is_hex(&shelf.to_string_lossy(), 2)) {
            continue;
        }
        let Ok(metadata) = file.metadata() else { continue };
        let Ok(used) = metadata.modified() else { continue };
        if name.strip_suffix(entry::EXTENSION).and_then(|n| n.strip_suffix('.')).is_some_and(|n| is_hex(n, 62)) {
            entries.push(Entry { used, bytes: metadata.len(), path: file.into_path() });
        } else if name.starts_with(TEMPORARY) && used.elapsed().is_ok_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(file.path());
        }
    }
    entries
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|b| b.is_ascii_hexdigit())
}
