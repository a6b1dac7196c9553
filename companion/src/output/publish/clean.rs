//! `jicho clean`: removes the folders of channels that are no longer active, and blobs that no channel names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use jicho::manifest::check_channel;
use serde::Serialize;

use super::{catalog, retention};
use crate::error::{Error, Result};
use crate::file::read_lines;
use crate::output::store::{self, Store};

/// What to clean.
pub struct Options {
    /// The models folder.
    pub models: PathBuf,
    /// A text file with the channels that stay, one per line.
    pub active: PathBuf,
    /// Whether to remove what was found, rather than only list it.
    pub apply: bool,
    /// Whether to go on although the file names no channel.
    pub force: bool,
}

/// What was found, or removed.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cleaned {
    /// Channels that are not active.
    pub channels: Vec<String>,
    /// Files in their folders.
    pub files: usize,
    /// Blobs that no channel that stays names.
    pub blobs: Vec<String>,
    /// Bytes of these files and blobs together.
    pub bytes: u64,
    /// Active channels that have no folder; maybe misspelt.
    pub unknown: Vec<String>,
    /// Whether it was removed.
    pub applied: bool,
}

/// Finds what no active channel needs, and removes it if asked to.
///
/// # Errors
/// A list that is empty or has lines that are no channels; a staying channel whose metadata.json cannot be read.
pub fn run(options: &Options) -> Result<Cleaned> {
    let active = active(&options.active)?;
    if active.is_empty() && !options.force {
        let file = options.active.display();
        return Err(Error::BadInput(format!(
            "{file} names no channel, so all would go; pass --force if that is meant"
        )));
    }
    let store = &*store::open(&options.models)?;
    if store.list("")?.is_empty() {
        return Err(Error::NotFound(format!("{} does not exist or is empty", options.models.display())));
    }
    // A dry run must not keep publishers waiting, nor need write access.
    let lock = if options.apply { Some(store.lock()?) } else { None };
    let (staying, leaving): (Vec<_>, Vec<_>) = catalog::channels(store)?.into_iter().partition(|c| active.contains(c));
    // Only a folder with `latest` or `versions` is a channel; any other folder is left alone.
    let is_channel = |name: &String| ["latest", "versions"].map(|part| store.list(&format!("{name}/{part}")));
    let mut cleaned = Cleaned { applied: options.apply, ..Cleaned::default() };
    for channel in leaving {
        let [latest, versions] = is_channel(&channel);
        if latest?.is_empty() && versions?.is_empty() {
            continue;
        }
        let (files, bytes) = size(store, &channel)?;
        cleaned.files += files;
        cleaned.bytes += bytes;
        cleaned.channels.push(channel);
    }
    cleaned.unknown = active.iter().filter(|c| !staying.contains(c)).cloned().collect();

    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut fresh = BTreeSet::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    for channel in &staying {
        for url in retention::named(store, channel)? {
            named.entry(url).or_default().insert(channel.clone());
        }
        // Devices of a staying channel may still be downloading these.
        let dropped = retention::dropped(store, channel)?.into_iter();
        fresh.extend(dropped.filter(|(_, since)| now.saturating_sub(*since) < retention::GRACE).map(|(blob, _)| blob));
    }
    let nobody = BTreeSet::new();
    let blobs = store.list("blobs")?;
    for blob in blobs.iter().filter(|e| !e.folder) {
        let channels = named.get(&format!("blobs/{}", blob.name)).unwrap_or(&nobody);
        if channels.is_empty() && !fresh.contains(&blob.name) {
            cleaned.bytes += blob.bytes;
            cleaned.blobs.push(blob.name.clone());
        }
    }
    let Some(lock) = lock else { return Ok(cleaned) };

    for channel in &cleaned.channels {
        lock.check()?;
        // `latest/` is removed first, so that a crash leaves no channel that points to missing files.
        store.remove(&catalog::latest_path(channel))?;
        store.remove_folder(channel)?;
        retention::forget(store, channel)?;
        super::sequence::remove_note(store, channel)?;
    }
    for blob in &blobs {
        let orphan = cleaned.blobs.binary_search(&blob.name).is_ok();
        let channels = named.get(&format!("blobs/{}", blob.name)).unwrap_or(&nobody);
        // A blob that was dropped a short time ago stays by its note in `.dropped/`, not by a reference.
        retention::set_references(store, &blob.name, channels)?;
        if orphan {
            lock.check()?;
            store.remove(&format!("blobs/{}", blob.name))?;
        }
    }
    lock.sweep()?;
    Ok(cleaned)
}

/// The channels in the file. Blank lines and lines that begin with `#` are skipped.
fn active(file: &Path) -> Result<BTreeSet<String>> {
    let lines = read_lines(file)?.into_iter().filter(|line| !line.starts_with('#'));
    // A line that is no channel id means that this is the wrong file; going on could remove too much.
    lines.map(|line| check_channel(&line).map(|()| line).map_err(Error::from)).collect()
}

fn size(store: &dyn Store, folder: &str) -> Result<(usize, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in store.list(folder)? {
        if entry.folder {
            let below = size(store, &format!("{folder}/{}", entry.name))?;
            (files, bytes) = (files + below.0, bytes + below.1);
        } else {
            (files, bytes) = (files + 1, bytes + entry.bytes);
        }
    }
    Ok((files, bytes))
}
