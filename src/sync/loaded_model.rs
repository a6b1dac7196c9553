//! A model that is loaded and answers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::ranked::RankedRelease;
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
    pub(super) latest: RefCell<LatestFile>,
    stored: Cell<bool>,
    stored_problem: RefCell<Option<String>>,
}

/// What is kept of the latest/metadata.json that asks for a release and no other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LatestFile {
    pub(super) etag: Option<String>,
    /// Unix seconds after which it should have been replaced.
    pub(super) expires: Option<u64>,
}

impl Loaded {
    /// Loads a release from the bytes of the files that it needs, and checks that it reproduces its golden vector.
    pub(super) fn new(ranked: &RankedRelease, files: BTreeMap<FileRole, Vec<u8>>) -> Result<Self> {
        let RankedRelease { release, rank } = ranked;
        let recognizer = Recognizer::load(release.manifest.clone(), |role| {
            let bytes = files.get(&role).map(Vec::as_slice);
            bytes.ok_or_else(|| Error::new(ErrorKind::Internal, format!("the {role:?} was not collected")))
        })?;
        // Freed before the first run, so that the run's memory fits where the files were: a page's memory never shrinks.
        drop(files);
        recognizer.check_golden()?;
        Ok(Loaded {
            recognizer,
            release: Rc::clone(release),
            rank: *rank,
            latest: RefCell::default(),
            stored: Cell::new(false),
            stored_problem: RefCell::default(),
        })
    }

    /// What its release says about itself.
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
        self.stored_problem.borrow().clone()
    }

    /// Whether it is a release on trial.
    #[must_use]
    pub fn is_candidate(&self) -> bool {
        self.rank.is_candidate()
    }

    /// Records whether storing it in `store` succeeded, or why it did not.
    pub(super) fn set_stored(&self, store: &impl Store, stored: Result<(), String>) {
        let stored = match stored {
            Ok(()) if !store.durable() => Err("this browser allows no storage here".to_owned()),
            stored => stored,
        };
        self.stored.set(stored.is_ok());
        self.stored_problem.replace(stored.err());
    }
}

/// Whether this build can run the release's network. Asked before any file is fetched.
pub(super) fn check_engine(release: &Release) -> Result<()> {
    if release.runs_a_plan() { Ok(()) } else { engine::check_onnx() }
}
