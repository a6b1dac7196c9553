//! One channel on one device: its model in memory, its release in the store, its host.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::diagnosis::{Check, Diagnosis, Model};
use super::download::Parts;
use super::loaded_model::Loaded;
use super::release::Rank;
use super::{Host, Outcome, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::manifest::check_channel;
use crate::manifest::signature::PublicKey;
use crate::recognize::{Context, Recognition, Taught};
use crate::teach::Lesson;

/// What an app asks of a channel.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where there are any, only releases signed by one of them are taken, and only such are loaded from the store.
    pub keys: Vec<PublicKey>,
    /// The product ids that the app knows; `None` knows all.
    pub products: Option<BTreeSet<String>>,
}

/// A channel opened on a device. Every method takes `&self` and no borrow outlives an await, so recognition may overlap
/// everything: the old model answers during a sync. Of [`Session::sync`], [`Session::refresh`] and [`Session::clear`] one
/// must end before the next begins.
pub struct Session<S: Store> {
    pub(super) store: S,
    pub(super) models: String,
    pub(super) channel: String,
    pub(super) keys: Vec<PublicKey>,
    pub(super) products: RefCell<Option<Rc<BTreeSet<String>>>>,
    pub(super) loaded: RefCell<Option<Rc<Loaded>>>,
    pub(super) parts: Parts,
    /// Files of the loaded release that could not be stored.
    pub(super) parcels: RefCell<Vec<(String, S::Parcel)>>,
    /// Releases whose files are as published and that this device cannot run, by the hash of their metadata.json: they are
    /// not fetched again.
    pub(super) refused: RefCell<Vec<(String, Error)>>,
    pub(super) last: RefCell<Option<Check>>,
    /// What was taught on this device, without pictures, with the bytes of each as a file.
    pub(super) lessons: RefCell<Vec<(Lesson, usize)>>,
    /// What the loaded release makes of it.
    pub(super) taught: RefCell<Taught>,
}

impl<S: Store> Session<S> {
    /// Opens `channel` of the models below the absolute URL `models`, and loads what the store holds of it. Without a
    /// usable stored release there is no model until a sync brings one; where only a build with tract runs it,
    /// [`Session::refresh`] says so.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidChannel`], [`ErrorKind::InvalidArgument`].
    pub async fn open(store: S, models: &str, channel: &str, options: Options) -> Result<Self> {
        check_channel(channel)?;
        if !models.contains("://") || !models.ends_with('/') {
            let message = format!("`{models}` is not an absolute URL that ends in `/`");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let session = Session {
            store,
            models: models.into(),
            channel: channel.into(),
            keys: options.keys,
            products: RefCell::new(options.products.map(Rc::new)),
            loaded: RefCell::default(),
            parts: Parts::default(),
            parcels: RefCell::default(),
            refused: RefCell::default(),
            last: RefCell::default(),
            lessons: RefCell::default(),
            taught: RefCell::default(),
        };
        let _ = session.refresh().await;
        Ok(session)
    }

    /// Where releases are kept.
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

    /// Recognises what frames show; several of them show the same, and answer together.
    ///
    /// # Errors
    /// [`ErrorKind::NoModel`]; what [`crate::Recognizer::recognize_in`] returns.
    pub fn recognize(&self, frames: &[Frame<'_>]) -> Result<Recognition> {
        let (loaded, taught) = (self.model()?, self.taught.borrow());
        let products = self.products.borrow().clone();
        loaded.recognizer.recognize_in(frames, &Context { products: products.as_deref(), taught: Some(&taught) })
    }

    /// The model that answers now, or why there is none.
    pub(super) fn model(&self) -> Result<Rc<Loaded>> {
        self.loaded().ok_or_else(|| {
            let message = format!("the channel `{}` has no model on this device yet: sync first", self.channel);
            Error::new(ErrorKind::NoModel, message)
        })
    }

    /// Loads a newer release from the store, where another tab put it, without asking the host. Whether another model
    /// answers now.
    ///
    /// # Errors
    /// [`ErrorKind::NeedsTract`]. What the store has not, or has damaged, is not loaded: the next sync heals it.
    pub async fn refresh(&self) -> Result<bool> {
        let Ok(Some(stored)) = self.stored().await else { return Ok(false) };
        if self.rank() >= Some(stored.offer.rank) {
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

    /// Forgets the channel: its model, what the store holds of it, what was taught, and what was downloaded. Other channels keep theirs.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] where the store could not be cleared; the model is gone from memory all the same.
    pub async fn clear(&self) -> Result<()> {
        self.forget();
        self.store.remove(&self.key()).await
    }

    /// Forgets the channel without touching the store, which another tab has cleared, and may hold a new release by now.
    pub fn forget(&self) {
        self.loaded.take();
        self.lessons.take();
        self.taught.take();
        self.parts.clear();
        self.parcels.take();
        self.refused.take();
        self.last.take();
    }

    /// Asks the host for a newer release and takes it. `on_progress` is told the bytes that came and those of all
    /// files to fetch; first with 0, or with what an earlier sync left, last with both equal; never where nothing must be
    /// fetched. It falls back where a host makes a file begin anew. `on_loaded` is told of the new model as soon as it
    /// answers, before it is stored.
    ///
    /// # Errors
    /// Whatever is wrong with the release or its files, typed; the old model stays. [`ErrorKind::NeedsTract`] before any
    /// file is fetched, where only a build with tract runs the release. A store that is full or fails is
    /// not an error: the model then runs from memory and is not [`Loaded::stored`]. A candidate that fails is none
    /// either: the release in force is taken instead, and [`Session::diagnose`] tells.
    pub async fn sync(
        &self,
        host: &impl Host,
        on_progress: &mut dyn FnMut(u64, u64),
        on_loaded: &mut dyn FnMut(&Loaded),
    ) -> Result<Outcome> {
        let mut candidate = None;
        let result = self.run(host, &mut candidate, on_progress, on_loaded).await;
        let check = Check::new(host.now(), result.as_ref().copied(), candidate.as_ref());
        self.last.replace(Some(check));
        result
    }

    /// Describes the channel.
    pub fn diagnose(&self) -> Diagnosis {
        Diagnosis {
            version: env!("CARGO_PKG_VERSION"),
            models: self.models.clone(),
            channel: self.channel.clone(),
            keys: self.keys.len(),
            products: self.products.borrow().as_ref().map(|p| p.len()),
            model: self.loaded().as_deref().map(Model::new),
            durable: self.store.durable(),
            kept_bytes: self.parts.bytes(),
            last_check: self.last.borrow().clone(),
        }
    }

    /// By which the store knows the channel.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}{}", self.models, self.channel)
    }

    pub(super) fn rank(&self) -> Option<Rank> {
        self.loaded.borrow().as_ref().map(|loaded| loaded.rank)
    }

    pub(super) fn replace(&self, loaded: Rc<Loaded>) {
        self.parcels.take();
        self.loaded.replace(Some(loaded));
        self.learn_anew();
    }
}
