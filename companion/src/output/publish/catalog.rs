//! Which channels and versions a models folder holds, and where their files are.

use jicho::manifest::signature::KeyList;
use jicho::manifest::{Candidate, check_channel};
use serde::Deserialize;

use crate::error::Result;
use crate::output::store::Store;

/// The fields of a metadata.json that publishing reads. The file may be of a later schema: fields unknown here are skipped.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Facts {
    pub(super) release_seq: u64,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) trained_at: String,
    #[serde(default)]
    pub(super) training_duration: f64,
    #[serde(default)]
    pub(super) product_count: usize,
    #[serde(default)]
    pub(super) image_count: usize,
    pub(super) accuracy: Option<f64>,
    pub(super) model_type: Option<String>,
    #[serde(default)]
    pub(super) files: Vec<File>,
    pub(super) candidate: Option<Candidate>,
    pub(super) expires: Option<u64>,
    #[serde(default)]
    pub(super) key_lists: Vec<KeyList>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct File {
    pub(super) url: String,
    #[serde(default)]
    pub(super) bytes: u64,
}

/// The versions of a channel, by how much is known of them.
pub(super) struct Versions {
    /// With a readable metadata.json: name and facts, oldest first.
    pub(super) whole: Vec<(String, Facts)>,
    /// Without a metadata.json: publishing them never finished.
    pub(super) unfinished: Vec<String>,
    /// With a metadata.json that cannot be read. Nothing is known of them, so nothing is done to them.
    pub(super) unreadable: Vec<String>,
}

/// Reads the metadata.json of every version of a channel.
pub(super) fn versions(store: &dyn Store, channel: &str) -> Result<Versions> {
    let mut versions = Versions { whole: Vec::new(), unfinished: Vec::new(), unreadable: Vec::new() };
    for entry in store.list(&format!("{channel}/versions"))?.into_iter().filter(|e| e.folder) {
        match store.read(&metadata_path(channel, &entry.name))? {
            None => versions.unfinished.push(entry.name),
            Some(bytes) => match serde_json::from_slice(&bytes) {
                Ok(facts) => versions.whole.push((entry.name, facts)),
                Err(_) => versions.unreadable.push(entry.name),
            },
        }
    }
    versions.whole.sort_by(|a, b| (a.1.release_seq, &a.0).cmp(&(b.1.release_seq, &b.0)));
    Ok(versions)
}

/// Every channel of the models folder.
pub(super) fn channels(store: &dyn Store) -> Result<Vec<String>> {
    let entries = store.list("")?.into_iter();
    Ok(entries.filter(|e| e.folder && check_channel(&e.name).is_ok()).map(|e| e.name).collect())
}

/// The manifest of the release that is in force for a channel.
pub(super) fn latest_path(channel: &str) -> String {
    format!("{channel}/latest/metadata.json")
}

/// The manifest of one version of a channel.
pub(super) fn metadata_path(channel: &str, version: &str) -> String {
    format!("{channel}/versions/{version}/metadata.json")
}

/// An empty file beside the metadata.json of a candidate that was never promoted.
pub(super) fn candidate_mark_path(channel: &str, version: &str) -> String {
    format!("{channel}/versions/{version}/candidate")
}
