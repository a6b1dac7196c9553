//! Publishes a release to a models folder.
//!
//! Files that never change are written first: blobs under their SHA-256, then `{channel}/versions/{version}/`. They are read
//! back, and the model must reproduce its golden vector. Only then is `{channel}/latest/metadata.json` replaced, in one step.
//! A crash at any point leaves the old release in force. A lock on the models folder keeps two publishers apart.

mod catalog;
pub mod clean;
pub mod key;
mod latest;
mod resigning;
mod retention;
pub mod sequence;
pub mod signing;
mod space;
pub mod versions;

use std::path::Path;

use jicho::manifest::signature::Role;
use jicho::manifest::{Candidate, FileEntry, Manifest, ModelType, check_channel, check_new_channel};
use jicho::names;
use jicho::{ErrorKind, Recognizer};
use serde::{Deserialize, Serialize};

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::json;
use crate::output::release::Release;
use crate::output::store::{self, Lock, Store, read_file};
use crate::progress::Progress;
use latest::{Latest, Rewrite, rewritten};
use sequence::SequenceTerms;
use signing::{Signing, SigningTerms};

/// How many versions of a channel stay.
pub const KEEP: usize = 5;

/// What the user asked of publishing, whatever is published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Terms {
    /// How many versions stay.
    pub keep: usize,
    /// How to sign.
    pub signing: SigningTerms,
    /// Which sequence number to publish under.
    pub sequence: SequenceTerms,
    /// Publishes as a candidate, which this share of the devices takes.
    pub canary: Option<f64>,
}

/// A channel that may be published to.
pub struct Target {
    store: Box<dyn Store>,
    channel: String,
    keep: usize,
    signing: Signing,
    sequence: SequenceTerms,
    canary: Option<f64>,
}

/// The release that is in force, as far as another one that may take its place needs to know it.
pub struct InForce {
    /// Its version.
    pub version: String,
    /// Whether it is one whole network, as `import` publishes.
    pub is_classifier: bool,
}

/// What was published.
pub struct Published {
    /// The manifest of the release.
    pub manifest: Manifest,
    /// Its `latest/metadata.json`, or that of its version where it is on trial.
    pub path: String,
    /// The share of devices that it is on trial on.
    pub canary: Option<f64>,
}

impl Target {
    /// Checks all that can be checked before hours of work are spent.
    ///
    /// # Errors
    /// A channel that cannot be published to on these terms.
    pub fn open(models: &Path, channel: &str, terms: &Terms) -> Result<Self> {
        check_channel(channel)?;
        let target = Target::new(store::open(models)?, channel.to_owned(), terms)?;
        let latest = Latest::read(&*target.store, channel)?;
        if latest.is_none() {
            target.check_new_name()?;
        }
        target.store.check_writable()?;
        target.check(latest.as_ref())?;
        Ok(target)
    }

    fn new(store: Box<dyn Store>, channel: String, terms: &Terms) -> Result<Self> {
        let signing = Signing::read(&terms.signing)?;
        let (keep, sequence, canary) = (terms.keep, terms.sequence.clone(), terms.canary);
        Ok(Target { store, channel, keep, signing, sequence, canary })
    }

    /// A new channel must have a name that can be copied to every machine. One that is there keeps its name.
    fn check_new_name(&self) -> Result<()> {
        let is_cheap = self.store.is_listing_cheap();
        let channels = if is_cheap { catalog::channels(&*self.store)? } else { Vec::new() };
        Ok(check_new_channel(&self.channel, channels.iter().map(String::as_str))?)
    }

    /// Whether these terms suit what is in force.
    fn check(&self, latest: Option<&Latest>) -> Result<()> {
        let signed = latest.and_then(Latest::signed_by);
        if let Some(name) = signed.filter(|_| !self.signing.is_on() && !self.signing.unsigned) {
            return Err(Error::Unsigned(format!(
                "{} is signed (key {name}): apps that ask for a signature would take no more releases; pass --sign \
                 KEYFILE, or --unsigned if no app asks",
                self.channel
            )));
        }
        if self.canary.is_some() && latest.is_none() {
            let message = format!("{} has no release yet to try one beside: publish without --canary", self.channel);
            return Err(Error::BadInput(message));
        }
        self.signing.check_key_lists(latest.map_or(&[], |latest| &latest.facts.key_lists))?;
        // A candidate is named by what is in force, which is signed anew for that.
        if let Some(latest) = latest.filter(|_| self.canary.is_some()) {
            self.check_latest(latest)?;
        }
        // Whether there is a number that devices accept.
        sequence::next(latest, &*self.store, &self.channel, &self.sequence).map(drop)
    }

    /// The release in force; none where the channel has none.
    ///
    /// # Errors
    /// A damaged `latest/metadata.json`.
    pub fn in_force(&self) -> Result<Option<InForce>> {
        let latest = Latest::read(&*self.store, &self.channel)?;
        Ok(latest.map(|Latest { facts, .. }| InForce {
            version: facts.version,
            is_classifier: facts.model_type.as_deref() == Some("classifier"),
        }))
    }

    /// Publishes as a candidate that a share of the devices takes; none at 0, until somebody promotes it.
    ///
    /// # Errors
    /// Where a candidate cannot be published.
    pub fn into_candidate(self, share: f64) -> Result<Self> {
        let target = Target { canary: Some(share), ..self };
        target.check(Latest::read(&*target.store, &target.channel)?.as_ref())?;
        Ok(target)
    }

    /// Publishes `release`, with the files that `extra` makes of it beside its versioned manifest.
    ///
    /// # Errors
    /// I/O errors; `HASH_MISMATCH` or `GOLDEN_MISMATCH` when what was written is not what was meant. The release in
    /// force is then unchanged.
    pub fn publish(
        self,
        mut release: Release,
        extra: impl FnOnce(&Manifest) -> Result<Vec<(&'static str, Vec<u8>)>>,
        progress: Progress,
    ) -> Result<Published> {
        let (store, channel) = (&*self.store, self.channel.as_str());
        let lock = store.lock()?;
        lock.sweep()?;
        let latest = Latest::read(store, channel)?;
        self.check(latest.as_ref())?;
        self.warn(latest.as_ref(), progress);
        check_labels(&release.manifest)?;
        release.manifest.release_seq = sequence::next(latest.as_ref(), store, channel, &self.sequence)?;
        release.manifest.expires = self.signing.expires();
        let published_lists = || latest.as_ref().map(|latest| latest.facts.key_lists.clone()).unwrap_or_default();
        release.manifest.key_lists = self.signing.key_lists().map_or_else(published_lists, <[_]>::to_vec);
        release.manifest.version = version_name(&release.manifest);
        let version = release.manifest.version.clone();
        let json = json::pretty(&release.manifest)?;
        // Devices would refuse it: better now than after its files are written.
        Manifest::parse(&json)?;

        retention::prepare(store)?;
        for file in &release.manifest.files {
            let bytes = release.file(file.role)?;
            // A blob with the right bytes is there already; one with other bytes is damaged, and written again.
            if store.read(&file.url)?.is_none_or(|there| there != *bytes) {
                store.write(&file.url, bytes)?;
            }
            retention::refer(store, &file.url, channel)?;
        }
        let role = if self.canary.is_some() { Role::Candidate } else { Role::Latest };
        let signed = self.signing.sign(&json, role)?;
        let folder = format!("{channel}/versions/{version}");
        for (name, bytes) in extra(&release.manifest)? {
            store.write(&format!("{folder}/{name}"), &bytes)?;
        }
        if self.canary.is_some() {
            store.write(&catalog::candidate_mark_path(channel, &version), b"")?;
        }
        let path = catalog::metadata_path(channel, &version);
        store.write(&path, &signed)?;
        verify(store, &path, channel)?;
        sequence::note(store, channel, release.manifest.release_seq)?;

        let path = match (self.canary, &latest) {
            (Some(share), Some(latest)) => {
                let candidate = Candidate { share, version, sha256: sha256(&signed) };
                let rewrite = Rewrite {
                    candidate: Some(&candidate),
                    expires: self.signing.expires(),
                    key_lists: self.signing.key_lists(),
                    ..Rewrite::default()
                };
                let json = rewritten(&latest.current.bytes, &rewrite)?;
                self.put(&*lock, &self.signing.sign(&json, Role::Latest)?, Some(latest))?;
                path
            }
            _ => self.put(&*lock, &signed, latest.as_ref())?,
        };
        retention::drop_old(store, &*lock, channel, self.keep)?;
        Ok(Published { manifest: release.manifest, path: store.show(&path), canary: self.canary })
    }

    /// The commit: what devices see from now on.
    fn put(&self, lock: &dyn Lock, file: &[u8], before: Option<&Latest>) -> Result<String> {
        // What is about to be in force must be readable, whatever made it.
        Manifest::parse(file)?;
        let path = catalog::latest_path(&self.channel);
        lock.check()?;
        self.store.replace(&path, file, before.map(|latest| &latest.current))?;
        Ok(path)
    }

    /// Says what apps may stumble over.
    fn warn(&self, latest: Option<&Latest>, progress: Progress) {
        let Some(latest) = latest else { return };
        if let Some(before) = latest.signed_by()
            && self.signing.is_on()
            && before != self.signing.names()
        {
            progress.warn(&format!(
                "{} was signed with the key {before}, now with {}: apps must trust both before they are exchanged, or \
                 follow a key list (`jicho key-list`)",
                self.channel,
                self.signing.names()
            ));
        }
        if latest.facts.expires.is_some() && self.signing.expires().is_none() {
            progress.warn(&format!(
                "the release of {} in force expires, this one does not: pass --expires-days to go on telling devices when \
                 the host is frozen",
                self.channel
            ));
        }
    }
}

/// Checks that every label is safe to show. Products of a training are folders somewhere, so their names must also be such
/// that every system can hold them side by side; a classifier's labels are what its maker chose.
fn check_labels(manifest: &Manifest) -> Result<()> {
    let labels = || manifest.labels.iter().map(String::as_str);
    if manifest.model_type == ModelType::Classifier {
        return Ok(labels().filter(|label| !names::is_reserved(label)).try_for_each(names::check_label)?);
    }
    labels().try_for_each(names::check_label)?;
    match names::case_twins(labels()) {
        Some((one, other)) => Err(Error::BadInput(format!(
            "the products `{one}` and `{other}` differ by case alone: Windows and macOS cannot hold folders of both; \
             rename one"
        ))),
        None => Ok(()),
    }
}

/// Loads the release in force of the channel folder `channel` (`…/ml-models/T_1`) as a device does, verifying the files
/// it needs.
///
/// # Errors
/// As for a device: missing files, `HASH_MISMATCH`, an invalid manifest or model.
pub fn open(channel: &Path) -> Result<(Recognizer, Box<dyn Store>)> {
    let (store, name) = store::channel(channel)?;
    let path = catalog::latest_path(&name);
    let manifest = read_manifest(&*store, &path, &name)?;
    let needed: Vec<FileEntry> = manifest.needed().cloned().collect();
    Ok((load(&*store, manifest, &needed)?, store))
}

fn read_manifest(store: &dyn Store, path: &str, channel: &str) -> Result<Manifest> {
    let shown = store.show(path);
    let bytes = store.read(path)?.ok_or_else(|| {
        Error::NotFound(format!("{shown} does not exist; give the folder of a published channel, as ml-models/T_1"))
    })?;
    let manifest = Manifest::parse(&bytes).map_err(|e| e.context(&shown))?;
    if manifest.channel_id != channel {
        let message = format!("{shown} is a release of `{}`, not of `{channel}`", manifest.channel_id);
        return Err(jicho::Error::new(ErrorKind::InvalidManifest, message).into());
    }
    Ok(manifest)
}

/// Reads and verifies `files`, which must be all that are needed, and loads the release.
fn load(store: &dyn Store, manifest: Manifest, files: &[FileEntry]) -> Result<Recognizer> {
    let files = files
        .iter()
        .map(|file| Ok((file.role, read_file(store, file)?)))
        .collect::<Result<std::collections::HashMap<_, _>>>()?;
    let file = |role| {
        files.get(&role).map(Vec::as_slice).ok_or_else(|| {
            jicho::Error::new(ErrorKind::InvalidManifest, format!("the release has no file for {role:?}"))
        })
    };
    Ok(Recognizer::load(manifest, file)?)
}

/// Checks a version as it lies there: every file, and what it answers to the golden frame.
fn verify(store: &dyn Store, path: &str, channel: &str) -> Result<()> {
    let manifest = read_manifest(store, path, channel)?;
    // Also those that no device like this one needs.
    let files = manifest.files.clone();
    Ok(load(store, manifest, &files)?.check_golden()?)
}

/// `20261121-015500-3f2a9c1b`: the sequence number read as a time, and the digest of the files.
fn version_name(manifest: &Manifest) -> String {
    let digests: String = manifest.files.iter().map(|f| f.sha256.as_str()).collect();
    let digest = &sha256(digests.as_bytes())[..8];
    let time = i64::try_from(manifest.release_seq).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    time.map_or_else(
        || format!("{}-{digest}", manifest.release_seq),
        |t| format!("{}-{digest}", t.strftime("%Y%m%d-%H%M%S")),
    )
}
