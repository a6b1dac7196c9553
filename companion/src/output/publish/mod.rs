//! Publishing a release to a models folder.
//!
//! Immutable files first: blobs by their SHA-256, then `{channel}/versions/{version}/`. They are read back and asked
//! for the golden vector; only then is `{channel}/latest/metadata.json` replaced, in one step. A crash at any point
//! leaves the old release in force. A lock on the models folder keeps two publishers apart.

mod catalog;
pub mod clean;
pub mod key;
mod latest;
mod retention;
mod space;
pub mod versions;

use std::path::{Path, PathBuf};

use jicho::manifest::signature::{SigningKey, sign};
use jicho::manifest::{Candidate, FileEntry, Manifest, check_channel};
use jicho::{ErrorKind, Recognizer};

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::json;
use crate::output::release::Release;
use crate::output::store::{self, Lock, Store, read_file};
use crate::progress::Progress;
use latest::Latest;

/// How many versions of a channel stay.
pub const KEEP: usize = 5;

/// What the user asked of publishing, whatever is published.
#[derive(Debug, Clone)]
pub struct Terms {
    /// How many versions stay.
    pub keep: usize,
    /// The file of the key to sign with.
    pub sign: Option<PathBuf>,
    /// Whether a signed channel may become an unsigned one.
    pub unsigned: bool,
    /// Publishes as a candidate, which this share of the devices takes.
    pub canary: Option<f64>,
}

/// A channel that may be published to.
pub struct Target {
    store: Box<dyn Store>,
    channel: String,
    keep: usize,
    key: Option<SigningKey>,
    unsigned: bool,
    canary: Option<f64>,
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
        target.store.check_writable()?;
        target.check(Latest::read(&*target.store, channel)?.as_ref())?;
        Ok(target)
    }

    fn new(store: Box<dyn Store>, channel: String, terms: &Terms) -> Result<Self> {
        let key = terms.sign.as_deref().map(key::read).transpose()?;
        Ok(Target { store, channel, keep: terms.keep, key, unsigned: terms.unsigned, canary: terms.canary })
    }

    /// Whether these terms suit what is in force.
    fn check(&self, latest: Option<&Latest>) -> Result<()> {
        let signed = latest.and_then(Latest::signed_by);
        if let Some(name) = signed.filter(|_| self.key.is_none() && !self.unsigned) {
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
        Ok(())
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
        self.warn_of_another_key(latest.as_ref(), progress);
        release.manifest.release_seq = latest::next(latest.as_ref(), store, channel)?;
        release.manifest.version = version_name(&release.manifest);
        let version = release.manifest.version.clone();
        let json = json::pretty(&release.manifest)?;
        // Devices would refuse it: better now than after its files are written.
        Manifest::parse(&json)?;

        retention::prepare(store)?;
        for file in &release.manifest.files {
            let bytes = release.files.get(file.name.as_str()).map_or(&[][..], Vec::as_slice);
            // A blob that is there with the right bytes is the same blob; one with other bytes is damage to mend.
            if store.read(&file.url)?.is_none_or(|there| there != *bytes) {
                store.write(&file.url, bytes)?;
            }
            retention::refer(store, &file.url, channel)?;
        }
        let signed = self.signed(&json)?;
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

        let path = match (self.canary, &latest) {
            (Some(share), Some(latest)) => {
                let candidate = Candidate { share, version, sha256: sha256(&signed) };
                let json = latest.with_candidate(Some(&candidate))?;
                self.put(&*lock, &self.signed(&json)?, Some(latest))?;
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

    fn signed(&self, json: &[u8]) -> Result<Vec<u8>> {
        Ok(self.key.as_ref().map_or_else(|| Ok(json.to_vec()), |key| sign(json, key))?)
    }

    fn warn_of_another_key(&self, latest: Option<&Latest>, progress: Progress) {
        if let (Some(before), Some(key)) = (latest.and_then(Latest::signed_by), &self.key)
            && before != key.public().name()
        {
            progress.warn(&format!(
                "{} was signed with the key {before}, now with {}: apps must trust both before they are exchanged",
                self.channel,
                key.public().name()
            ));
        }
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
