//! A model that answers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::ranked::Offer;
use super::release::{Rank, Release};
use super::store::Store;
use crate::engine;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{FileRole, Manifest};
use crate::recognize::Recognizer;

/// A model that answers.
pub struct Loaded {
    pub(super) recognizer: Recognizer,
    pub(super) release: Rc<Release>,
    pub(super) rank: Rank,
    /// Of the latest/metadata.json that asks for this release and no other.
    pub(super) etag: RefCell<Option<String>>,
    pub(super) stored: Cell<bool>,
    pub(super) problem: RefCell<Option<String>>,
}

impl Loaded {
    /// Loads a release and has it reproduce its golden vector.
    pub(super) fn new(offer: &Offer, files: Vec<(FileRole, Vec<u8>)>) -> Result<Self> {
        let Offer { release, rank } = offer;
        let recognizer = Recognizer::load(release.manifest.clone(), |role| {
            let found = files.iter().find(|f| f.0 == role).map(|f| f.1.as_slice());
            found.ok_or_else(|| Error::new(ErrorKind::Internal, format!("the {role:?} was not gathered")))
        })?;
        // What the first run takes then fits where they were, and a page's memory never shrinks.
        drop(files);
        recognizer.check_golden()?;
        Ok(Loaded {
            recognizer,
            release: Rc::clone(release),
            rank: *rank,
            etag: RefCell::default(),
            stored: Cell::new(false),
            problem: RefCell::default(),
        })
    }

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

    /// Why it does not survive the page, for people.
    #[must_use]
    pub fn stored_problem(&self) -> Option<String> {
        self.problem.borrow().clone()
    }

    /// Whether it is a release on trial.
    #[must_use]
    pub fn is_candidate(&self) -> bool {
        self.rank.is_candidate()
    }

    /// Takes down what came of storing it in `store`.
    pub(super) fn set_stored(&self, store: &impl Store, stored: Result<(), String>) {
        let stored = match stored {
            Ok(()) if !store.durable() => Err("this browser allows no storage here".to_owned()),
            stored => stored,
        };
        self.stored.set(stored.is_ok());
        self.problem.replace(stored.err());
    }
}

/// Whether this build can run the release's network, so that it can be told before anything is fetched.
pub(super) fn check_engine(release: &Release) -> Result<()> {
    if release.runs_a_plan() { Ok(()) } else { engine::check_onnx() }
}
