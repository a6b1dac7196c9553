//! Making, opening, relocking and destroying a vault.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::lock::Mutex;

use super::device::{Device, random};
use super::header::{Header, Lock};
use super::ids::VaultId;
use super::keyring::Keyring;
use super::kind::Kind;
use super::passphrase::Cost;
use super::session::{Opened, Vault};
use super::settings::Settings;
use super::store::Store;
use super::unlock::Unlock;
use crate::error::{Error, ErrorKind, Result};

impl<S: Store, D: Device> Vault<S, D> {
    /// Opens the vault of that name, which is made when there is none, and applies retention.
    ///
    /// # Errors
    /// [`ErrorKind::WrongKey`], [`ErrorKind::KeyMissing`], [`ErrorKind::VaultDamaged`], [`ErrorKind::SchemaTooNew`],
    /// [`ErrorKind::InvalidArgument`], [`ErrorKind::Unsupported`], [`ErrorKind::Storage`].
    pub async fn open(store: S, device: D, name: &str, unlock: Unlock<'_>, settings: Settings) -> Result<Self> {
        check_name(name)?;
        let mut created = false;
        let opened = loop {
            if let Some(bytes) = store.header(name).await? {
                let header = Header::parse(&bytes)?;
                let wrapping = unlock.open(&header, name, &device).await?;
                break Opened { ring: Keyring::unwrap(header, Rc::new(wrapping), None)?, bytes };
            }
            // What a vault that was destroyed may have left.
            store.sweep(name).await?;
            let ring = create(name, unlock, &device, settings.cost).await?;
            let bytes = ring.header.to_bytes();
            created = store.commit(name, None, &bytes, &[]).await?;
            if created {
                break Opened { ring, bytes };
            }
        };
        let vault = Vault {
            store,
            device,
            name: name.to_owned(),
            settings,
            created,
            ring: RefCell::new(Some(Rc::new(opened))),
            writing: Mutex::new(()),
            unwritten: Cell::new(0),
            tended: Cell::new(0),
        };
        // One that fails is tried again with the next write.
        let _ = vault.tend().await;
        Ok(vault)
    }

    /// Locks the vault by something else. The records stay as they are; a copy made before still opens as before, and what is
    /// written later too until the next [`Vault::rotate`]. A device's key that is no lock any more is deleted.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub async fn relock(&self, unlock: Unlock<'_>) -> Result<()> {
        let vault = self.ring()?.header.vault;
        let (lock, wrapping) = unlock.lock(vault, &self.name, &self.device, self.settings.cost).await?;
        let wrapping = Rc::new(wrapping);
        let before = self.write(async |draft| {
            draft.ring.rewrap(Rc::clone(&wrapping), &self.device)?;
            draft.touched = true;
            Ok(std::mem::replace(&mut draft.ring.header.lock, lock.clone()))
        });
        if matches!(before.await?, Lock::Device { .. }) && !matches!(lock, Lock::Device { .. }) {
            self.device.forget(&self.name).await?;
        }
        Ok(())
    }
}

/// Destroys the vault of that name, unlocked or not: first the keys, so that whatever a crash leaves opens no more.
///
/// # Errors
/// [`ErrorKind::Storage`]: some of it may be left. Again is safe.
pub async fn destroy(store: &impl Store, device: &impl Device, name: &str) -> Result<()> {
    check_name(name)?;
    store.behead(name).await?;
    device.forget(name).await?;
    store.sweep(name).await
}

async fn create(name: &str, unlock: Unlock<'_>, device: &impl Device, cost: Option<Cost>) -> Result<Keyring> {
    let vault = VaultId(random(device)?);
    let (lock, wrapping) = unlock.lock(vault, name, device, cost).await?;
    let counts = [0; Kind::ALL.len()];
    let header = Header { vault, revision: 0, lock, check: wrapping.check, counts, keys: Vec::new() };
    Keyring::new(header, wrapping, device)
}

fn check_name(name: &str) -> Result<()> {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..=64).contains(&name.len()) && name.bytes().all(sound) {
        return Ok(());
    }
    let message = format!("`{name}` is no name of a vault: 1 to 64 letters, digits, dots, dashes and underscores");
    Err(Error::new(ErrorKind::InvalidArgument, message))
}
