//! Which versions and blobs stay.
//!
//! A version beyond those to be kept goes at once, its blobs later: a device may have read the old metadata.json a moment
//! ago. They are noted in `.dropped/{channel}/` with the time, and removed by a later publish once [`GRACE`] has passed
//! and no channel names them. Who names a blob is known without reading every channel, from empty files
//! `.refs/{blob}/{channel}`; they are written before the release that names the blob, and so there may be too many of
//! them after a crash, never too few. `jicho clean` counts anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use super::catalog::{candidate_mark_path, channels, metadata_path, versions};
use super::latest;
use crate::error::Result;
use crate::output::store::{Lock, Store};

/// How long a blob stays after the last version that named it: longer than any device goes on with a sync.
pub(super) const GRACE: u64 = 24 * 60 * 60;
const REFS: &str = ".refs";
const DROPPED: &str = ".dropped";
/// Says that `.refs` knows every channel; a folder published by other means has none.
const COMPLETE: &str = ".refs/.complete";

/// The last part of a blob's path; none of a file that lies elsewhere.
fn blob(url: &str) -> Option<&str> {
    url.strip_prefix("blobs/").filter(|name| !name.contains('/'))
}

fn reference(blob: &str, channel: &str) -> String {
    format!("{REFS}/{blob}/{channel}")
}

/// Makes the references complete where they are not.
pub(super) fn prepare(store: &dyn Store) -> Result<()> {
    if store.read(COMPLETE)?.is_some() {
        return Ok(());
    }
    let mut complete = true;
    for channel in channels(store)? {
        // A channel that is damaged must not keep others from publishing; until it is mended, no blob is removed.
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

/// Notes that the channel names a blob, or is about to.
pub(super) fn refer(store: &dyn Store, url: &str, channel: &str) -> Result<()> {
    let Some(blob) = blob(url) else { return Ok(()) };
    let path = reference(blob, channel);
    if store.read(&path)?.is_none() { store.write(&path, b"") } else { Ok(()) }
}

/// The files that the releases of a channel name.
///
/// # Errors
/// A metadata.json that cannot be read: what it names is not known.
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

/// Removes the versions of a channel beyond the newest `keep`, first those that were only tried, but never those that
/// `latest` names; and the blobs that nobody has named for long enough.
pub(super) fn drop_old(store: &dyn Store, lock: &dyn Lock, channel: &str, keep: usize) -> Result<()> {
    let Some(latest) = latest::Latest::read(store, channel)? else { return Ok(()) };
    let versions = versions(store, channel)?;
    let in_use =
        |name: &str| latest.facts.version == name || latest.facts.candidate.as_ref().is_some_and(|c| c.version == name);
    let surplus = versions.whole.len().saturating_sub(keep.max(1));
    let mut whole = versions.whole;
    if surplus > 0 {
        // A device can be rolled back to what was once in force only.
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
        // Noted before the version goes: a crash between the two must not make them forgotten.
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
            // The last, so that a crash before is made good by the next publish.
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

/// The metadata.json first: what is left after a crash then counts as unfinished.
fn remove_version(store: &dyn Store, channel: &str, version: &str) -> Result<()> {
    store.remove(&metadata_path(channel, version))?;
    store.remove_folder(&format!("{channel}/versions/{version}"))
}

/// Forgets a channel that is gone.
pub(super) fn forget(store: &dyn Store, channel: &str) -> Result<()> {
    store.remove_folder(&format!("{DROPPED}/{channel}"))
}

/// Corrects who names a blob.
pub(super) fn set_references(store: &dyn Store, blob: &str, channels: &BTreeSet<String>) -> Result<()> {
    for entry in store.list(&format!("{REFS}/{blob}"))?.into_iter().filter(|e| !channels.contains(&e.name)) {
        store.remove(&reference(blob, &entry.name))?;
    }
    if channels.is_empty() {
        return store.remove_folder(&format!("{REFS}/{blob}"));
    }
    channels.iter().try_for_each(|channel| refer(store, &format!("blobs/{blob}"), channel))
}
