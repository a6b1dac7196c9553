//! One channel on one device: its model in memory, its release in the store, its host.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use super::channel_notes::ChannelNotes;
use super::diagnosis::{Check, DiagnosedModel, Diagnosis};
use super::download::Downloads;
use super::loaded_model::Loaded;
use super::release::Rank;
use super::stored::Verified;
use super::sync_run::Findings;
use super::trust::ChannelTrust;
use super::{Host, Outcome, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::manifest::check_channel;
use crate::manifest::signature::{PublicKey, TrustedKeys};
use crate::recognize::{Context, Recognition, Taught};
use crate::teach::Lesson;

/// What an app asks of a channel.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where there are any, only releases that they signed are taken, and only such are loaded from the store.
    pub keys: Vec<PublicKey>,
    /// How many different ones of the keys must have signed; `None` asks for one.
    pub threshold: Option<usize>,
    /// The product ids that the app knows; `None` knows all.
    pub products: Option<BTreeSet<String>>,
}

/// A channel opened on a device. Every method takes `&self` and no borrow is held across an await, so recognition may
/// overlap everything else: during a sync the old model answers. Calls of [`Session::sync`], [`Session::refresh`] and
/// [`Session::clear`] must be serialised by the caller.
pub struct Session<S: Store> {
    pub(super) store: S,
    pub(super) models: String,
    pub(super) channel: String,
    pinned: TrustedKeys,
    pub(super) trust: RefCell<Rc<ChannelTrust>>,
    pub(super) notes: RefCell<ChannelNotes>,
    /// Whether the notes in memory could not be written, and so are newer than the stored ones.
    notes_unsaved: Cell<bool>,
    pub(super) verified: RefCell<Option<Verified>>,
    products: RefCell<Option<Rc<BTreeSet<String>>>>,
    pub(super) loaded: RefCell<Option<Rc<Loaded>>>,
    pub(super) downloads: Downloads,
    /// Files of the loaded release that could not be stored.
    pub(super) unstored: RefCell<Vec<(String, S::StagedBlob)>>,
    last_check: RefCell<Option<Check>>,
    /// The lessons that were taught on this device, without pictures, each with the length of its file.
    pub(super) lessons: RefCell<Vec<(Lesson, usize)>>,
    /// The ids of `lessons`.
    pub(super) lesson_ids: RefCell<BTreeSet<String>>,
    /// The ids of lessons that were learnt or taken out since `taught` was computed.
    pub(super) changed_lessons: RefCell<BTreeSet<String>>,
    /// The lessons as the loaded model uses them; [`Session::taught`] brings it up to date.
    pub(super) taught: RefCell<Taught>,
}

impl<S: Store> Session<S> {
    /// Opens `channel` of the models below the absolute URL `models`, and loads what the store holds of it. Without a
    /// usable stored release there is no model until a sync brings one; where only a build with tract runs it,
    /// [`Session::refresh`] says so.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidChannel`]; [`ErrorKind::InvalidArgument`]: a URL or a threshold that cannot be.
    pub async fn open(store: S, models: &str, channel: &str, options: Options) -> Result<Self> {
        check_channel(channel)?;
        if !models.contains("://") || !models.ends_with('/') {
            let message = format!("`{models}` is not an absolute URL that ends in `/`");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let pinned = TrustedKeys::pinned(options.keys, options.threshold.unwrap_or(1))?;
        let notes = ChannelNotes::default();
        let session = Session {
            store,
            models: models.into(),
            channel: channel.into(),
            trust: RefCell::new(Rc::new(ChannelTrust::new(pinned.clone(), &notes))),
            pinned,
            notes: RefCell::new(notes),
            notes_unsaved: Cell::new(false),
            verified: RefCell::default(),
            products: RefCell::new(options.products.map(Rc::new)),
            loaded: RefCell::default(),
            downloads: Downloads::default(),
            unstored: RefCell::default(),
            last_check: RefCell::default(),
            lessons: RefCell::default(),
            lesson_ids: RefCell::default(),
            changed_lessons: RefCell::default(),
            taught: RefCell::default(),
        };
        let _ = session.refresh().await;
        Ok(session)
    }

    /// Where releases are stored.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The model that answers now.
    #[must_use]
    pub fn loaded(&self) -> Option<Rc<Loaded>> {
        self.loaded.borrow().clone()
    }

    /// From now on these are the products that the app knows; `None` knows all.
    pub fn set_products(&self, products: Option<BTreeSet<String>>) {
        self.products.replace(products.map(Rc::new));
    }

    /// Recognises what frames show. Several frames show the same product and give one answer together.
    ///
    /// # Errors
    /// [`ErrorKind::NoModel`]; what [`crate::Recognizer::recognize_in`] returns.
    pub fn recognize(&self, frames: &[Frame<'_>]) -> Result<Recognition> {
        self.recognize_with(frames, None, false)
    }

    /// As [`Session::recognize`]; `precision` is the share of matches that should be right, `None` leaves it to the release. Of a
    /// video that goes on, which `is_live` says, no frame is looked at twice.
    ///
    /// # Errors
    /// As [`Session::recognize`].
    pub fn recognize_with(&self, frames: &[Frame<'_>], precision: Option<f32>, is_live: bool) -> Result<Recognition> {
        let (loaded, taught) = (self.model()?, self.taught());
        let products = self.products.borrow().clone();
        let context = Context { products: products.as_deref(), taught: Some(&taught), precision, is_live };
        loaded.recognizer.recognize_in(frames, &context)
    }

    /// The model that answers now, or why there is none.
    pub(super) fn model(&self) -> Result<Rc<Loaded>> {
        self.loaded().ok_or_else(|| {
            let message = format!("the channel `{}` has no model on this device yet: sync first", self.channel);
            Error::new(ErrorKind::NoModel, message)
        })
    }

    /// Loads a newer release from the store, where another tab has put it, without asking the host. Returns whether another
    /// model answers now.
    ///
    /// # Errors
    /// [`ErrorKind::NeedsTract`]. A release that is incomplete or damaged in the store is not loaded; the next sync repairs
    /// it.
    pub async fn refresh(&self) -> Result<bool> {
        // The other tab may have followed a key list.
        self.read_notes().await;
        let Ok(Some(stored)) = self.stored().await else { return Ok(false) };
        let trust = self.trust.borrow().clone();
        let loaded = self.loaded().filter(|loaded| trust.verify(&loaded.release.metadata, loaded.rank.role()).is_ok());
        if loaded.map(|loaded| loaded.rank) >= Some(stored.ranked.rank) {
            return Ok(false);
        }
        match self.load_stored(&stored).await {
            Ok(loaded) => {
                self.replace(Rc::new(loaded));
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NeedsTract => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Clears the channel: its model, what the store holds of it, what was taught, and what was downloaded. Other channels
    /// keep theirs.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] where the store could not be cleared; the model is gone from memory all the same.
    pub async fn clear(&self) -> Result<()> {
        self.unload();
        self.store.remove(&self.key()).await
    }

    /// Drops the channel from memory without touching the store: another tab has cleared that, and may have stored a new
    /// release since.
    pub fn unload(&self) {
        self.loaded.take();
        self.lessons.take();
        self.lesson_ids.take();
        self.changed_lessons.take();
        self.taught.take();
        self.downloads.clear();
        self.unstored.take();
        self.verified.take();
        self.notes.take();
        self.notes_unsaved.set(false);
        self.trust.replace(Rc::new(ChannelTrust::new(self.pinned.clone(), &ChannelNotes::default())));
        self.last_check.take();
    }

    /// Asks the host for a newer release and takes it.
    ///
    /// `on_progress` gets the bytes that have come and the bytes of all files to fetch: first with 0, or with what an earlier
    /// sync left, last with both equal, and never where nothing must be fetched. The first number falls where a host makes a
    /// file start over. `on_loaded` gets the new model as soon as it answers, before it is stored.
    ///
    /// # Errors
    /// What is wrong with the release or its files, typed; the old model stays. [`ErrorKind::Clock`] where the release is
    /// from the future by this device's clock. [`ErrorKind::NeedsTract`] before any file is fetched, where only a build with
    /// tract runs the release. A store that is full or fails is no error: the model then runs from memory and is not
    /// [`Loaded::stored`]. Nor is a candidate that fails: the release in force is taken instead, and [`Session::diagnose`]
    /// says why.
    pub async fn sync(
        &self,
        host: &impl Host,
        on_progress: &mut dyn FnMut(u64, u64),
        on_loaded: &mut dyn FnMut(&Loaded),
    ) -> Result<Outcome> {
        let mut findings = Findings::default();
        let result = self.run(host, &mut findings, on_progress, on_loaded).await;
        self.last_check.replace(Some(Check::new(host.now(), result.as_ref().copied(), &findings)));
        result
    }

    /// Describes the channel.
    pub fn diagnose(&self) -> Diagnosis {
        let trust = self.trust.borrow();
        Diagnosis {
            version: env!("CARGO_PKG_VERSION"),
            models: self.models.clone(),
            channel: self.channel.clone(),
            keys: trust.pinned_keys(),
            threshold: trust.trusted.threshold,
            key_list: trust.trusted.version,
            products: self.products.borrow().as_ref().map(|p| p.len()),
            model: self.loaded().as_deref().map(DiagnosedModel::new),
            durable: self.store.durable(),
            kept_bytes: self.downloads.bytes(),
            last_check: self.last_check.borrow().clone(),
        }
    }

    /// The last sync since the channel was opened.
    pub fn last_check(&self) -> Option<Check> {
        self.last_check.borrow().clone()
    }

    /// The channel's key in the store.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}{}", self.models, self.channel)
    }

    pub(super) fn rank(&self) -> Option<Rank> {
        self.loaded.borrow().as_ref().map(|loaded| loaded.rank)
    }

    pub(super) fn replace(&self, loaded: Rc<Loaded>) {
        self.unstored.take();
        self.loaded.replace(Some(loaded));
        self.relearn();
    }

    /// Reads what this app, perhaps in another tab, noted of the channel.
    pub(super) async fn read_notes(&self) {
        if self.notes_unsaved.get() {
            return self.save_notes().await;
        }
        let Ok(Some(bytes)) = self.store.notes(&self.key()).await else { return };
        self.merge_notes(ChannelNotes::read(&bytes));
    }

    fn merge_notes(&self, notes: ChannelNotes) {
        let trust = self.trust.borrow().merged(&notes);
        self.trust.replace(trust);
        self.notes.borrow_mut().merge(notes);
    }

    /// Makes `trust` what counts from now on.
    pub(super) async fn accept(&self, trust: &Rc<ChannelTrust>) {
        self.trust.replace(Rc::clone(trust));
        // The borrow must end before the notes are replaced.
        let notes = self.notes.borrow().clone();
        self.save_trust(notes).await;
    }

    /// Notes that the release that answers is stored.
    pub(super) async fn note_stored(&self, rank: Rank, now: u64) {
        let mut notes = self.notes.borrow().clone();
        if !self.is_from_the_future(rank, now) {
            notes.checked_seq = notes.checked_seq.max(rank.latest).max(rank.release);
        }
        self.save_trust(notes).await;
    }

    /// Writes `notes` where they are news, with what is accepted from now on, unless the stored release would not be: a device
    /// that starts offline must accept that one. Until another one is stored, the stricter rules hold in memory.
    async fn save_trust(&self, mut notes: ChannelNotes) {
        let trust = self.trust.borrow().clone();
        if trust.pinned_keys() > 0
            && let Ok(row) = self.store.release(&self.key()).await
            && row.is_none_or(|row| self.trusted(row, &trust).is_some())
        {
            trust.note(&mut notes);
        }
        if notes != *self.notes.borrow() {
            self.notes.replace(notes);
            self.save_notes().await;
        }
    }

    /// Notes that the release with that hash cannot run here, if that lies in the release itself.
    pub(super) async fn note_refusal(&self, sha256: &str, error: &Error) {
        let is_news = self.notes.borrow_mut().refuse(sha256, error);
        if is_news {
            self.save_notes().await;
        }
    }

    /// Where that fails, the next sync tries again. What another tab has noted meanwhile stays.
    async fn save_notes(&self) {
        if let Ok(Some(bytes)) = self.store.notes(&self.key()).await {
            self.merge_notes(ChannelNotes::read(&bytes));
        }
        let bytes = self.notes.borrow().to_bytes();
        self.notes_unsaved.set(self.store.put_notes(&self.key(), &bytes).await.is_err());
    }
}
