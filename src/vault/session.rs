//! A vault opened on a device: its keys in memory, its records in the store.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::lock::Mutex;

use super::device::Device;
use super::keyring::Keyring;
use super::settings::Settings;
use super::store::Store;
use crate::error::{Error, ErrorKind, Result};

/// An unlocked vault. Every method takes `&self`, and calls may overlap: writes wait for each other, in other tabs too.
pub struct Vault<S, D> {
    pub(super) store: S,
    pub(super) device: D,
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) created: bool,
    /// `None` once it is closed.
    pub(super) ring: RefCell<Option<Rc<Opened>>>,
    pub(super) writing: Mutex<()>,
    /// What was sealed for writes that failed: it counts too.
    pub(super) unwritten: Cell<u64>,
    /// When retention was applied last.
    pub(super) tended: Cell<u64>,
}

/// A keyring and its header's bytes as the store has them.
pub(super) struct Opened {
    pub(super) bytes: Vec<u8>,
    pub(super) ring: Keyring,
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Overwrites the keys as soon as no call needs them any more. Every later call fails.
    pub fn close(&self) {
        self.ring.take();
    }

    /// Whether opening it has made it: there was none of that name.
    pub fn created(&self) -> bool {
        self.created
    }

    /// Where the vault is kept.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The keys as they are known now.
    pub(super) fn ring(&self) -> Result<Keyring> {
        Ok(self.opened()?.ring.clone())
    }

    pub(super) fn opened(&self) -> Result<Rc<Opened>> {
        let closed = || Error::new(ErrorKind::VaultClosed, "the vault was closed: open it again");
        self.ring.borrow().clone().ok_or_else(closed)
    }

    /// The error of a vault that is closed, before anything is read for nothing.
    pub(super) fn check_open(&self) -> Result<()> {
        self.opened().map(drop)
    }
}
