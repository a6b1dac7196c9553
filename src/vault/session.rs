//! An unlocked vault: its keys are in memory, its records in the store.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::lock::Mutex;

use super::device::Device;
use super::keyring::Keyring;
use super::settings::Settings;
use super::store::Store;
use crate::error::{Error, ErrorKind, Result};

/// An unlocked vault. Every method takes `&self`, and calls may overlap: writes are serialised, across tabs too.
pub struct Vault<S, D> {
    pub(super) store: S,
    pub(super) device: D,
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) created: bool,
    /// `None` once the vault is closed.
    pub(super) ring: RefCell<Option<Rc<Opened>>>,
    pub(super) writing: Mutex<()>,
    /// How often the current data key sealed something for writes that failed: its budget of nonces counts those too.
    pub(super) unwritten: Cell<u64>,
    /// When this session last applied the retention, in milliseconds since 1970.
    pub(super) tended: Cell<u64>,
}

/// A keyring, and the bytes of its header as the store has them: the next write expects to replace just these.
pub(super) struct Opened {
    pub(super) bytes: Vec<u8>,
    pub(super) ring: Keyring,
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Closes the vault. The keys are overwritten once the calls that still run have ended; every later call fails with
    /// [`ErrorKind::VaultClosed`].
    pub fn close(&self) {
        self.ring.take();
    }

    /// Whether opening made the vault, because there was none of that name.
    pub fn created(&self) -> bool {
        self.created
    }

    /// Where the vault is kept.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// A copy of the keyring as this session knows it.
    pub(super) fn ring(&self) -> Result<Keyring> {
        Ok(self.opened()?.ring.clone())
    }

    pub(super) fn opened(&self) -> Result<Rc<Opened>> {
        let closed = || Error::new(ErrorKind::VaultClosed, "the vault was closed: open it again");
        self.ring.borrow().clone().ok_or_else(closed)
    }

    /// Fails if the vault is closed, before anything is read.
    pub(super) fn check_open(&self) -> Result<()> {
        self.opened().map(drop)
    }
}
