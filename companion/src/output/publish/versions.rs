//! Which releases of a channel there are, and which is in force: `versions`, `rollback`, `promote`, `withdraw`,
//! `renew`.

use std::path::Path;

use jicho::manifest::signature::Role;
use jicho::manifest::{Candidate, Manifest, check_version};
use serde::Serialize;

use super::latest::{Latest, Rewrite, rewritten};
use super::{Published, Target, Terms, catalog, read_manifest, retention, sequence, verify};
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::output::store;
use crate::progress::Progress;

/// A release that is kept.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Its name.
    pub version: String,
    /// Its sequence number when it was first published.
    pub release_seq: u64,
    /// When it was trained.
    pub trained_at: String,
    /// Bytes of its files, including those that it shares with other versions.
    pub bytes: u64,
    /// Products that it knows.
    pub products: usize,
    /// Photos that it learnt from.
    pub images: usize,
    /// Top-1 on held-out photos, 0–1; null where it was not measured.
    pub accuracy: Option<f64>,
    /// Seconds that its training took.
    pub seconds: f64,
    /// Whether it is the one in force.
    pub latest: bool,
    /// The share of devices that take it, where it is on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

/// The releases of a channel.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// The channel.
    pub channel: String,
    /// The sequence number in force.
    pub release_seq: u64,
    /// The names of the keys that the release in force is signed with, joined by commas; null where it is not signed.
    pub signed_by: Option<String>,
    /// Oldest first.
    pub versions: Vec<Version>,
}

/// Lists the releases of the channel folder `channel`.
///
/// # Errors
/// A channel that was never published.
pub fn list(channel: &Path) -> Result<Listing> {
    let (store, name) = store::channel(channel)?;
    let latest = Latest::read(&*store, &name)?.ok_or_else(|| unpublished(&store.show(&catalog::latest_path(&name))))?;
    let versions = catalog::versions(&*store, &name)?.whole.into_iter().map(|(version, facts)| {
        let candidate = latest.facts.candidate.as_ref().filter(|c| c.version == version);
        Version {
            release_seq: facts.release_seq,
            trained_at: facts.trained_at,
            bytes: facts.files.iter().map(|file| file.bytes).sum(),
            products: facts.product_count,
            images: facts.image_count,
            accuracy: facts.accuracy,
            seconds: facts.training_duration,
            latest: latest.facts.version == version,
            share: candidate.map(|c| c.share),
            version,
        }
    });
    Ok(Listing {
        versions: versions.collect(),
        release_seq: latest.facts.release_seq,
        signed_by: latest.signed_by(),
        channel: name,
    })
}

/// The manifest of one version of the channel folder `channel`.
///
/// # Errors
/// A version that is missing or damaged.
pub fn manifest(channel: &Path, version: &str) -> Result<Manifest> {
    check_version(version)?;
    let (store, name) = store::channel(channel)?;
    read_manifest(&*store, &catalog::metadata_path(&name, version), &name)
}

/// What comes into force.
pub enum Change {
    /// An older release: the one named, or the one before that in force.
    Rollback(Option<String>),
    /// The candidate.
    Promote,
    /// The release in force, without its candidate.
    Withdraw,
    /// The release in force, with its candidate on trial on another share of the devices, 0–1.
    Share(f64),
    /// The release in force as it is, with a new expiry and new signatures.
    Renew,
}

/// Puts another of the channel's releases into force, under a new sequence number so that every device takes it. (Renewing
/// keeps the number: devices have the release already.)
///
/// # Errors
/// A release that is missing or incomplete; the release in force then stays.
pub fn change(channel: &Path, change: &Change, terms: &Terms, progress: Progress) -> Result<Published> {
    let (store, name) = store::channel(channel)?;
    let target = Target::new(store, name, terms)?;
    let (store, channel) = (&*target.store, target.channel.as_str());
    let missing = || unpublished(&store.show(&catalog::latest_path(channel)));
    // Checked before the lock is taken, because taking it creates folders.
    if Latest::read(store, channel)?.is_none() {
        return Err(missing());
    }
    let lock = store.lock()?;
    let latest = Latest::read(store, channel)?.ok_or_else(missing)?;
    target.check(Some(&latest))?;
    target.warn(Some(&latest), progress);
    let next = || sequence::next(Some(&latest), store, channel, &target.sequence);
    let (bytes, number) = match change {
        Change::Rollback(to) => {
            let version = match to {
                Some(version) => version.clone(),
                None => before(&latest, store, channel)?,
            };
            check_version(&version)?;
            let path = catalog::metadata_path(channel, &version);
            let bytes = store.read(&path)?.ok_or_else(|| {
                let known = catalog::versions(store, channel).map(|v| v.whole).unwrap_or_default();
                let known: Vec<String> = known.into_iter().map(|(name, _)| name).collect();
                Error::NotFound(format!("{channel} has no version `{version}`; there are {}", known.join(", ")))
            })?;
            verify(store, &path, channel)?;
            target.check_older(&bytes, &path)?;
            (bytes, Some(next()?))
        }
        Change::Promote => {
            // It names the candidate.
            target.check_latest(&latest)?;
            let candidate = candidate(&latest, channel)?;
            let path = candidate.url(channel);
            let bytes = store.read(&path)?.unwrap_or_default();
            if sha256(&bytes) != candidate.sha256 {
                let message = format!("{} is not the candidate that was published", store.show(&path));
                return Err(jicho::Error::new(jicho::ErrorKind::HashMismatch, message).into());
            }
            verify(store, &path, channel)?;
            target.check_role(&bytes, Role::Candidate, &path)?;
            (bytes, Some(next()?))
        }
        Change::Withdraw | Change::Share(_) | Change::Renew => {
            if !matches!(change, Change::Renew) {
                candidate(&latest, channel)?;
            }
            let path = catalog::latest_path(channel);
            verify(store, &path, channel)?;
            target.check_latest(&latest)?;
            // Devices that have the release need not take it again, unless they took the candidate.
            let number = if matches!(change, Change::Withdraw) { Some(next()?) } else { None };
            (latest.current.bytes.clone(), number)
        }
    };
    let on_trial = match change {
        Change::Renew => latest.facts.candidate.clone(),
        Change::Share(share) => {
            latest.facts.candidate.clone().map(|candidate| Candidate { share: *share, ..candidate })
        }
        Change::Rollback(_) | Change::Promote | Change::Withdraw => None,
    };
    let rewrite = Rewrite {
        sequence: number,
        candidate: on_trial.as_ref(),
        expires: target.signing.expires(),
        key_lists: Some(target.signing.key_lists().unwrap_or(&latest.facts.key_lists))
            .filter(|lists| !lists.is_empty()),
    };
    let file = target.signing.sign(&rewritten(&bytes, &rewrite)?, Role::Latest)?;
    if let Some(number) = number {
        sequence::note(store, channel, number)?;
    }
    let path = target.put(&*lock, &file, Some(&latest))?;
    let manifest = Manifest::parse(&file)?;
    // It is in force for all devices now, even if it was a candidate.
    store.remove(&catalog::candidate_mark_path(channel, &manifest.version))?;
    retention::drop_old(store, &*lock, channel, target.keep)?;
    Ok(Published { manifest, path: store.show(&path), canary: None })
}

fn candidate<'a>(latest: &'a Latest, channel: &str) -> Result<&'a jicho::manifest::Candidate> {
    let none = || Error::NotFound(format!("{channel} has no candidate; `--canary 10%` publishes one"));
    latest.facts.candidate.as_ref().ok_or_else(none)
}

/// The name of the release before that in force.
fn before(latest: &Latest, store: &dyn store::Store, channel: &str) -> Result<String> {
    let versions = catalog::versions(store, channel)?.whole;
    let place = versions.iter().position(|(name, _)| *name == latest.facts.version);
    let older = &versions[..place.unwrap_or(versions.len())];
    for (name, _) in older.iter().rev() {
        // A candidate that was withdrawn was never in force.
        if store.read(&catalog::candidate_mark_path(channel, name))?.is_none() {
            return Ok(name.clone());
        }
    }
    Err(Error::NotFound(format!("{channel} has no release before {}; name one by --to", latest.facts.version)))
}

fn unpublished(path: &str) -> Error {
    Error::NotFound(format!("{path} does not exist; give the folder of a published channel, as ml-models/T_1"))
}
