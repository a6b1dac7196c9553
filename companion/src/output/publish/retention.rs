//! Removes old versions and the blobs that only they named.
//!
//! A version beyond those to be kept is removed at once. Its blobs follow later, because a device may have read the old
//! metadata.json a moment ago: they are noted in `.dropped/{channel}/` with the time, and a later publish removes them once
//! [`GRACE`] has passed and no channel names them. Which channels name a blob is known without reading every channel, from
//! empty files `.refs/{blob}/{channel}`. These are written before the release that names the blob, so that after a crash
//! there may be too many of them, never too few. `jicho clean` counts anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use super::catalog::{candidate_mark_path, channels, metadata_path, versions};
use super::latest;
use crate::error::Result;
use crate::output::store::{Lock, Store};

/// How long a blob stays after the last version that named it, in seconds: longer than any device resumes a download.
pub(super) const GRACE: u64 = 24 * 60 * 60;
const REFS: &str = ".refs";
const DROPPED: &str = ".dropped";
/// Marks that `.refs` covers every channel. A folder that other programs published has no such mark.
const COMPLETE: &str = ".refs/.complete";

/// The last part of a blob's path; `None` for a file outside `blobs/`.
fn blob(url: &str) -> Option<&str> {
    url.strip_prefix("blobs/").filter(|name| !name.contains('/'))
}

fn reference(blob: &str, channel: &str) -> String {
    format!("{REFS}/{blob}/{channel}")
}

/// Writes the references that are missing.
pub(super) fn prepare(store: &dyn Store) -> Result<()> {
    if store.read(COMPLETE)?.is_some() {
        return Ok(());
    }
    let mut complete = true;
    for channel in channels(store)? {
        // A damaged channel must not keep others from publishing. Until it is repaired, no blob is removed.
        let Ok(named) = named(store, &channel) else {
            complete = false;
            continue;
        };
        for url in named {
            refer(store, &url, &channel)?;
        }
    }
    if complete { store.write(COMPLETE, b"") } else { Ok(()) }
}

/// Records that the channel names a blob, or is about to.
pub(super) fn refer(store: &dyn Store, url: &str, channel: &str) -> Result<()> {
    let Some(blob) = blob(url) else { return Ok(()) };
    let path = reference(blob, channel);
    if store.read(&path)?.is_none() { store.write(&path, b"") } else { Ok(()) }
}

/// The files that the releases of a channel name.
///
/// # Errors
/// A metadata.json that cannot be read, because the files that it names are then unknown.
pub(super) fn named(store: &dyn Store, channel: &str) -> Result<BTreeSet<String>> {
    let versions = versions(store, channel)?;
    if let Some(version) = versions.unreadable.first() {
        let message =
            format!("{} cannot be read; move it away or mend it", store.show(&metadata_path(channel, version)));
        return Err(jicho::Error::new(jicho::ErrorKind::InvalidManifest, message).into());
    }
    let latest = latest::Latest::read(store, channel)?;
    let all = versions.whole.into_iter().map(|(_, facts)| facts).chain(latest.map(|l| l.facts));
    Ok(all.flat_map(|facts| facts.files).map(|file| file.url).collect())
}

/// Removes the versions of a channel beyond the newest `keep`, candidates that were never promoted first, but never a version
/// that `latest` names; then removes the blobs that no version has named for [`GRACE`].
pub(super) fn drop_old(store: &dyn Store, lock: &dyn Lock, channel: &str, keep: usize) -> Result<()> {
    let Some(latest) = latest::Latest::read(store, channel)? else { return Ok(()) };
    let versions = versions(store, channel)?;
    let in_use =
        |name: &str| latest.facts.version == name || latest.facts.candidate.as_ref().is_some_and(|c| c.version == name);
    let surplus = versions.whole.len().saturating_sub(keep.max(1));
    let mut whole = versions.whole;
    if surplus > 0 {
        // Rolling back is only possible to a release that was once in force, so candidates go first.
        let mut tried = BTreeSet::new();
        for (name, _) in &whole {
            if store.read(&candidate_mark_path(channel, name))?.is_some() {
                tried.insert(name.clone());
            }
        }
        whole.sort_by_key(|(name, _)| !tried.contains(name));
    }
    let (old, new): (Vec<_>, Vec<_>) =
        whole.into_iter().enumerate().partition(|(i, (name, _))| *i < surplus && !in_use(name));
    let kept: BTreeSet<&str> = new
        .iter()
        .flat_map(|(_, (_, facts))| &facts.files)
        .chain(&latest.facts.files)
        .filter_map(|file| blob(&file.url))
        .collect();

    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let noted = format!("{DROPPED}/{channel}");
    for (_, (name, facts)) in &old {
        // Noted before the version is removed, so that a crash between the two steps loses no blob.
        for dropped in facts.files.iter().filter_map(|file| blob(&file.url)).filter(|b| !kept.contains(b)) {
            store.write(&format!("{noted}/{dropped}"), now.to_string().as_bytes())?;
        }
        lock.check()?;
        remove_version(store, channel, name)?;
    }
    for name in &versions.unfinished {
        lock.check()?;
        remove_version(store, channel, name)?;
    }
    if !versions.unreadable.is_empty() || store.read(COMPLETE)?.is_none() {
        return Ok(());
    }
    for (dropped, since) in dropped(store, channel)? {
        if kept.contains(dropped.as_str()) {
            store.remove(&format!("{noted}/{dropped}"))?;
        } else if now.saturating_sub(since) >= GRACE {
            lock.check()?;
            store.remove(&reference(&dropped, channel))?;
            if store.is_empty(&format!("{REFS}/{dropped}"))? {
                store.remove(&format!("blobs/{dropped}"))?;
                store.remove_folder(&format!("{REFS}/{dropped}"))?;
            }
            // Removed last, so that after a crash the next publish repeats the steps before.
            store.remove(&format!("{noted}/{dropped}"))?;
        }
    }
    Ok(())
}

/// The blobs that a channel no longer names, and since when.
pub(super) fn dropped(store: &dyn Store, channel: &str) -> Result<BTreeMap<String, u64>> {
    let folder = format!("{DROPPED}/{channel}");
    let mut dropped = BTreeMap::new();
    for entry in store.list(&folder)? {
        let text = store.read(&format!("{folder}/{}", entry.name))?.unwrap_or_default();
        let since = str::from_utf8(&text).ok().and_then(|t| t.trim().parse().ok());
        dropped.insert(entry.name, since.unwrap_or(0));
    }
    Ok(dropped)
}

/// Removes a version, its metadata.json first: what a crash leaves then counts as an unfinished version.
fn remove_version(store: &dyn Store, channel: &str, version: &str) -> Result<()> {
    store.remove(&metadata_path(channel, version))?;
    store.remove_folder(&format!("{channel}/versions/{version}"))
}

/// Removes the notes about a channel that is gone.
pub(super) fn forget(store: &dyn Store, channel: &str) -> Result<()> {
    store.remove_folder(&format!("{DROPPED}/{channel}"))
}

/// Makes the references of a blob those of `channels`.
pub(super) fn set_references(store: &dyn Store, blob: &str, channels: &BTreeSet<String>) -> Result<()> {
    for entry in store.list(&format!("{REFS}/{blob}"))?.into_iter().filter(|e| !channels.contains(&e.name)) {
        store.remove(&reference(blob, &entry.name))?;
    }
    if channels.is_empty() {
        return store.remove_folder(&format!("{REFS}/{blob}"));
    }
    channels.iter().try_for_each(|channel| refer(store, &format!("blobs/{blob}"), channel))
}
