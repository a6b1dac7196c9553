//! One channel on one device: its model in memory, its release in the store, its host.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Answer, Host, Known, Outcome, Plan, Release, Store, StoredRelease, plan, verify};
use crate::engine;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::manifest::{FileEntry, FileRole, Manifest, check_channel};
use crate::recognize::{Recognition, Recognizer};

/// A model that answers.
pub struct Loaded {
    recognizer: Recognizer,
    stored: Cell<bool>,
}

impl Loaded {
    /// What its release says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.recognizer.manifest()
    }

    /// Whether it survives the page.
    #[must_use]
    pub fn stored(&self) -> bool {
        self.stored.get()
    }
}

/// A channel opened on a device. Every method takes `&self` and no borrow outlives an await, so calls may overlap:
/// the old model answers during a sync.
pub struct Session<S> {
    store: S,
    models: String,
    channel: String,
    loaded: RefCell<Option<Rc<Loaded>>>,
}

/// The files that a release needs, verified.
struct Gathered<P> {
    files: Vec<(FileRole, Vec<u8>)>,
    /// Those of them that the store has not.
    parcels: Vec<P>,
}

impl<S: Store> Session<S> {
    /// Opens `channel` of the models below the absolute URL `models`, and loads what the store holds of it. Without a
    /// usable stored release there is no model until a sync brings one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidChannel`], [`ErrorKind::InvalidArgument`]; [`ErrorKind::NeedsTract`] where the stored release
    /// is one that only a build with tract runs.
    pub async fn open(store: S, models: &str, channel: &str) -> Result<Self> {
        check_channel(channel)?;
        if !models.contains("://") || !models.ends_with('/') {
            let message = format!("`{models}` is not an absolute URL that ends in `/`");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let session = Session { store, models: models.into(), channel: channel.into(), loaded: RefCell::default() };
        if let Some(release) = session.stored_release().await {
            match session.load_stored(&release).await {
                Ok(loaded) => drop(session.loaded.replace(Some(Rc::new(loaded)))),
                Err(error) if error.kind() == ErrorKind::NeedsTract => return Err(error),
                Err(_) => {}
            }
        }
        Ok(session)
    }

    /// The model that answers now.
    #[must_use]
    pub fn loaded(&self) -> Option<Rc<Loaded>> {
        self.loaded.borrow().clone()
    }

    /// Recognises what a frame shows.
    ///
    /// # Errors
    /// [`ErrorKind::NoModel`]; what [`Recognizer::recognize`] returns.
    pub fn recognize(&self, frame: &Frame<'_>) -> Result<Recognition> {
        let loaded = self.loaded().ok_or_else(|| {
            let message = format!("the channel `{}` has no model on this device yet: sync first", self.channel);
            Error::new(ErrorKind::NoModel, message)
        })?;
        loaded.recognizer.recognize(frame)
    }

    /// Asks the host for a newer release and takes it. `on_progress` is told the bytes that came and those of all
    /// files to fetch, first with 0, last with both equal; never where nothing must be fetched. `on_loaded` is told of
    /// the new model as soon as it answers, before it is stored.
    ///
    /// # Errors
    /// Whatever is wrong with the release or its files, typed; the old model stays. [`ErrorKind::NeedsTract`] before any
    /// file is fetched, where only a build with tract runs the release. A store that is full or fails is
    /// not an error: the model then runs from memory and is not [`Loaded::stored`].
    pub async fn sync(
        &self,
        host: &impl Host,
        on_progress: &mut dyn FnMut(u64, u64),
        on_loaded: &mut dyn FnMut(&Loaded),
    ) -> Result<Outcome> {
        let answer = host.metadata(&format!("{}{}/latest/metadata.json", self.models, self.channel)).await;
        let loaded = self.loaded();
        let stored = self.stored_release().await;
        let known = Known {
            loaded: loaded.as_deref().map(Loaded::manifest),
            stored: stored.as_ref(),
            damaged: match &loaded {
                Some(loaded) if loaded.stored() => self.is_damaged(loaded.manifest(), stored.as_ref()).await,
                _ => false,
            },
        };
        let release = match plan(&self.channel, known, answer)? {
            Plan::Take(release) => release,
            Plan::Current => return Ok(Outcome::Current),
            Plan::Absent => return Ok(Outcome::Absent),
            Plan::Offline => return Ok(Outcome::Offline),
        };
        check_engine(release.manifest())?;
        let Gathered { files, parcels } = self.gather(host, release.manifest(), on_progress).await?;
        match loaded {
            Some(loaded) if loaded.manifest() == release.manifest() => {
                loaded.stored.set(self.activate(&release, parcels).await);
                Ok(Outcome::Current)
            }
            _ => {
                let loaded = Rc::new(Loaded { recognizer: load(release.manifest(), files)?, stored: Cell::new(false) });
                self.loaded.replace(Some(Rc::clone(&loaded)));
                on_loaded(&loaded);
                loaded.stored.set(self.activate(&release, parcels).await);
                Ok(Outcome::Updated)
            }
        }
    }

    fn key(&self) -> String {
        format!("{}{}", self.models, self.channel)
    }

    /// A release that cannot be read counts as none: the host's replaces it.
    async fn stored_release(&self) -> Option<Release> {
        let stored = self.store.release(&self.key()).await.ok()??;
        Release::parse(stored.metadata, &self.channel).ok()
    }

    async fn is_damaged(&self, loaded: &Manifest, stored: Option<&Release>) -> bool {
        let Some(stored) = stored else { return true };
        let names = hashes(stored.manifest());
        stored.manifest().release_seq <= loaded.release_seq
            && self.store.missing(&names).await.is_ok_and(|missing| !missing.is_empty())
    }

    async fn load_stored(&self, release: &Release) -> Result<Loaded> {
        check_engine(release.manifest())?;
        let mut files = Vec::new();
        for file in release.manifest().needed() {
            let bytes = self.intact(file).await.ok_or_else(|| super::store::incomplete(&file.sha256))?;
            files.push((file.role, bytes));
        }
        Ok(Loaded { recognizer: load(release.manifest(), files)?, stored: Cell::new(self.store.durable()) })
    }

    /// A file that the store holds unharmed; one that was damaged or cannot be read counts as missing.
    async fn intact(&self, file: &FileEntry) -> Option<Vec<u8>> {
        let bytes = self.store.blob(&file.sha256).await.ok()??;
        verify(&self.store, file, &bytes).await.is_ok().then_some(bytes)
    }

    /// All files that a release needs, verified, in its order: from the store, the rest from the host.
    async fn gather(
        &self,
        host: &impl Host,
        manifest: &Manifest,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Gathered<S::Parcel>> {
        let mut kept = Vec::new();
        for file in manifest.needed() {
            kept.push(self.intact(file).await);
        }
        let total: u64 = manifest.needed().zip(&kept).filter(|(_, k)| k.is_none()).map(|(f, _)| f.bytes).sum();
        let mut before = 0;
        if total > 0 {
            on_progress(0, total);
        }
        let mut gathered = Gathered { files: Vec::new(), parcels: Vec::new() };
        for (file, kept) in manifest.needed().zip(kept) {
            let bytes = if let Some(bytes) = kept {
                bytes
            } else {
                let mut on_bytes = |bytes: u64| on_progress(before + bytes.min(file.bytes), total);
                let bytes = self.fetch(host, file, &mut on_bytes).await?;
                before += file.bytes;
                gathered.parcels.push(self.store.pack(&file.sha256, &bytes));
                bytes
            };
            gathered.files.push((file.role, bytes));
        }
        if total > 0 {
            on_progress(total, total);
        }
        Ok(gathered)
    }

    async fn fetch(&self, host: &impl Host, file: &FileEntry, on_bytes: &mut dyn FnMut(u64)) -> Result<Vec<u8>> {
        let url = format!("{}{}", self.models, file.url);
        let Answer::Bytes(bytes) = host.blob(&url, file.bytes, on_bytes).await? else {
            let message = format!("{url}: 404, although metadata.json names it: the release is incomplete");
            return Err(Error::new(ErrorKind::HttpStatus, message));
        };
        verify(&self.store, file, &bytes).await?;
        Ok(bytes)
    }

    /// Whether the release survives the page now.
    async fn activate(&self, release: &Release, parcels: Vec<S::Parcel>) -> bool {
        let stored = StoredRelease {
            release_seq: release.manifest().release_seq,
            blobs: hashes(release.manifest()),
            metadata: release.metadata().to_vec(),
        };
        self.store.activate(&self.key(), &stored, parcels).await.is_ok() && self.store.durable()
    }
}

/// Whether this build can run the release's network.
fn check_engine(manifest: &Manifest) -> Result<()> {
    if manifest.network()?.role == FileRole::Plan { Ok(()) } else { engine::check_onnx() }
}

/// Loads a release and has it reproduce its golden vector.
fn load(manifest: &Manifest, files: Vec<(FileRole, Vec<u8>)>) -> Result<Recognizer> {
    let recognizer = Recognizer::load(manifest.clone(), |role| {
        let found = files.iter().find(|f| f.0 == role).map(|f| f.1.as_slice());
        found.ok_or_else(|| Error::new(ErrorKind::Internal, format!("the {role:?} was not gathered")))
    })?;
    // What the first run takes then fits where they were, and a page's memory never shrinks.
    drop(files);
    recognizer.check_golden()?;
    Ok(recognizer)
}

fn hashes(manifest: &Manifest) -> Vec<String> {
    manifest.needed().map(|f| f.sha256.clone()).collect()
}
