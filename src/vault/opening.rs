//! Making, opening, relocking and destroying a vault.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::lock::Mutex;

use super::device::{Device, random};
use super::header::Header;
use super::ids::VaultId;
use super::keyring::Keyring;
use super::kind::Kind;
use super::session::{Opened, Vault};
use super::settings::Settings;
use super::store::{KeyChange, Store};
use super::unlock::{NewLock, Unlock};
use crate::error::{Error, ErrorKind, Result};

impl<S: Store, D: Device> Vault<S, D> {
    /// Opens the vault of that name, which is made when there is none, and applies retention.
    ///
    /// # Errors
    /// [`ErrorKind::WrongKey`], [`ErrorKind::KeyMissing`], [`ErrorKind::VaultDamaged`], [`ErrorKind::SchemaTooNew`],
    /// [`ErrorKind::InvalidArgument`], [`ErrorKind::Unsupported`], [`ErrorKind::Storage`].
    pub async fn open(store: S, device: D, name: &str, unlock: Unlock<'_>, settings: Settings) -> Result<Self> {
        check_name(name)?;
        settings.retention.with(&settings.named_retention).check()?;
        let mut created = false;
        let opened = loop {
            if let Some(bytes) = store.header(name).await? {
                match unlock_header(&bytes, name, unlock, &store, &device).await {
                    Ok(ring) => break Opened { bytes, ring },
                    Err(error) if store.header(name).await?.as_deref() == Some(&*bytes) => return Err(error),
                    // Another tab changed the lock between reading the header and reading the device's key.
                    Err(_) => continue,
                }
            }
            // A destroyed vault may have left rows.
            store.sweep(name).await?;
            let (ring, key) = create(name, unlock, &device, &settings).await?;
            let bytes = ring.header.to_bytes();
            created = store.commit_lock(name, None, &bytes, &[], &key).await?;
            if created {
                break Opened { bytes, ring };
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
        match vault.adopt_retention().await {
            Err(error) if error.kind() != ErrorKind::VaultClosed => return Err(error),
            // If another tab destroyed the vault meanwhile, the next call tells.
            _ => {}
        }
        // One that fails is tried again with the next write.
        let _ = vault.tend().await;
        Ok(vault)
    }

    /// Locks the vault by something else. The records stay as they are; a copy made before still opens as before, and what is
    /// written later too until the next [`Vault::rotate`]. The device's key is put, replaced or deleted in the transaction
    /// that replaces the header.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub async fn relock(&self, unlock: Unlock<'_>) -> Result<()> {
        let vault = self.ring()?.header.vault;
        let (NewLock { lock, device_key }, wrapping) =
            unlock.lock(vault, &self.name, &self.device, self.settings.cost).await?;
        let wrapping = Rc::new(wrapping);
        self.write(async |draft| {
            draft.ring.rewrap(Rc::clone(&wrapping), &self.device)?;
            draft.ring.header.lock = lock.clone();
            draft.device_key = device_key.clone();
            draft.touched = true;
            Ok(())
        })
        .await
    }
}

/// Destroys the vault of that name, unlocked or not: first what opens it, so that nothing a crash leaves can be read.
///
/// # Errors
/// [`ErrorKind::Storage`]: some of it may be left. Again is safe.
pub async fn destroy(store: &impl Store, name: &str) -> Result<()> {
    check_name(name)?;
    store.delete_header(name).await?;
    store.sweep(name).await
}

async fn unlock_header(
    bytes: &[u8],
    name: &str,
    unlock: Unlock<'_>,
    store: &impl Store,
    device: &impl Device,
) -> Result<Keyring> {
    let header = Header::parse(bytes)?;
    let wrapping = unlock.open(&header, name, store, device).await?;
    Keyring::unwrap(header, Rc::new(wrapping), None)
}

async fn create(
    name: &str,
    unlock: Unlock<'_>,
    device: &impl Device,
    settings: &Settings,
) -> Result<(Keyring, KeyChange)> {
    let vault = VaultId(random(device)?);
    let (NewLock { lock, device_key }, wrapping) = unlock.lock(vault, name, device, settings.cost).await?;
    let counts = [0; Kind::ALL.len()];
    let retention = Some(settings.retention.with(&settings.named_retention));
    let check = wrapping.check;
    let header = Header { vault, revision: 0, lock, check, counts, retention, keys: Vec::new() };
    Ok((Keyring::new(header, wrapping, device)?, device_key))
}

fn check_name(name: &str) -> Result<()> {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..=64).contains(&name.len()) && name.bytes().all(sound) {
        return Ok(());
    }
    let message = format!("`{name}` is no name of a vault: 1 to 64 letters, digits, dots, dashes and underscores");
    Err(Error::new(ErrorKind::InvalidArgument, message))
}
