//! A vault opened on a device: its keys in memory, its records in the store.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::lock::Mutex;

use super::device::{Device, random};
use super::header::Header;
use super::id::VaultId;
use super::keyring::{Draft, Keyring};
use super::passphrase::Cost;
use super::record::Kind;
use super::retention::Retention;
use super::store::{Row, Store};
use super::unlock::Unlock;
use crate::error::{Error, ErrorKind, Result};

/// What an app chooses of a vault.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long records stay.
    pub retention: Retention,
    /// Sales that wait at most.
    pub queue_limit: u32,
    /// A data key that has sealed as often is followed by another. Nonces are random: GCM allows 2^32 a key.
    pub rotate_after: u64,
    /// What a guess at a passphrase costs; `None` measures the device when a vault is made.
    pub cost: Option<Cost>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { retention: Retention::default(), queue_limit: 100, rotate_after: 1 << 30, cost: None }
    }
}

/// An unlocked vault. Every method takes `&self`, and calls may overlap: writes wait for each other, in other tabs too.
pub struct Vault<S, D> {
    pub(super) store: S,
    pub(super) device: D,
    pub(super) name: String,
    pub(super) settings: Settings,
    ring: RefCell<Option<Rc<Opened>>>,
    writing: Mutex<()>,
    /// What was sealed for writes that failed: it counts too.
    unwritten: Cell<u64>,
    /// When retention was applied last.
    pub(super) tended: Cell<u64>,
}

/// A keyring and its header's bytes as the store has them.
struct Opened {
    bytes: Vec<u8>,
    ring: Keyring,
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Opens the vault of that name, which is made when there is none, and applies retention.
    ///
    /// # Errors
    /// [`ErrorKind::WrongKey`], [`ErrorKind::KeyMissing`], [`ErrorKind::VaultDamaged`], [`ErrorKind::SchemaTooNew`],
    /// [`ErrorKind::InvalidArgument`], [`ErrorKind::Unsupported`], [`ErrorKind::Storage`].
    pub async fn open(store: S, device: D, name: &str, unlock: Unlock<'_>, settings: Settings) -> Result<Self> {
        check_name(name)?;
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
            if store.commit(name, None, &bytes, &[]).await? {
                break Opened { ring, bytes };
            }
        };
        let vault = Vault {
            store,
            device,
            name: name.to_owned(),
            settings,
            ring: RefCell::new(Some(Rc::new(opened))),
            writing: Mutex::new(()),
            unwritten: Cell::new(0),
            tended: Cell::new(0),
        };
        // One that fails is tried again with the next write.
        let _ = vault.tend().await;
        Ok(vault)
    }

    /// Overwrites the keys as soon as no call needs them any more. Every later call fails.
    pub fn close(&self) {
        self.ring.take();
    }

    /// Where the vault is kept.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Locks the vault by something else. The records stay as they are; a copy made before still opens as before, and what is
    /// written later too until the next [`Vault::rotate`].
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub async fn relock(&self, unlock: Unlock<'_>) -> Result<()> {
        let vault = self.ring()?.header.vault;
        let (lock, wrapping) = unlock.lock(vault, &self.name, &self.device, self.settings.cost).await?;
        let wrapping = Rc::new(wrapping);
        self.write(async |draft| {
            draft.ring.rewrap(Rc::clone(&wrapping), &self.device)?;
            draft.ring.header.lock = lock.clone();
            draft.touched = true;
            Ok(())
        })
        .await
    }

    /// The keys as they are known now.
    pub(super) fn ring(&self) -> Result<Keyring> {
        Ok(self.opened()?.ring.clone())
    }

    fn opened(&self) -> Result<Rc<Opened>> {
        let closed = || Error::new(ErrorKind::VaultClosed, "the vault was closed: open it again");
        self.ring.borrow().clone().ok_or_else(closed)
    }

    /// Reads the header again, which another tab may have changed.
    pub(super) async fn refresh(&self) -> Result<()> {
        let opened = self.opened()?;
        let gone = |why: &str| {
            self.close();
            Err(Error::new(
                ErrorKind::VaultClosed,
                format!("the vault was {why}, perhaps by another tab: open it again"),
            ))
        };
        let Some(bytes) = self.store.header(&self.name).await? else { return gone("destroyed") };
        if bytes == opened.bytes {
            return Ok(());
        }
        let header = Header::parse(&bytes)?;
        if header.vault != opened.ring.header.vault {
            return gone("destroyed");
        }
        let ring = match Keyring::unwrap(header, Rc::clone(&opened.ring.wrapping), Some(&opened.ring)) {
            Err(error) if error.kind() == ErrorKind::WrongKey => return gone("locked anew"),
            ring => ring?,
        };
        // Unless it was closed meanwhile.
        if let Some(open) = &mut *self.ring.borrow_mut() {
            *open = Rc::new(Opened { bytes, ring });
        }
        Ok(())
    }

    /// Writes what `plan` drafts against the newest header. Where another tab was faster, `plan` is asked again.
    pub(super) async fn write<T>(&self, plan: impl AsyncFn(&mut Draft) -> Result<T>) -> Result<T> {
        let _writing = self.writing.lock().await;
        loop {
            let opened = self.opened()?;
            let mut draft = Draft { ring: opened.ring.clone(), changes: Vec::new(), touched: false };
            draft.ring.header.current_mut().uses += self.unwritten.get();
            let before = draft.ring.header.current().uses;
            let planned = plan(&mut draft).await;
            let sealed = draft.ring.header.current().uses.saturating_sub(before);
            // Until it is known that the store has counted it.
            self.unwritten.set(self.unwritten.get() + sealed);
            let value = planned?;
            if !draft.touched {
                return Ok(value);
            }
            draft.ring.header.revision += 1;
            let bytes = draft.ring.header.to_bytes();
            if self.store.commit(&self.name, Some(&opened.bytes), &bytes, &draft.changes).await? {
                self.unwritten.set(0);
                if let Some(open) = &mut *self.ring.borrow_mut() {
                    *open = Rc::new(Opened { bytes, ring: draft.ring });
                }
                return Ok(value);
            }
            self.refresh().await?;
        }
    }

    /// Follows a key that has sealed enough by another, before something new is sealed. A rotation itself does not, or one
    /// of more records than a key may seal would never end.
    pub(super) fn renew_key(&self, draft: &mut Draft) -> Result<()> {
        if draft.ring.header.current().uses >= self.settings.rotate_after {
            draft.ring.add_key(&self.device)?;
        }
        Ok(())
    }

    /// Opens a row with `open`. One under a key that is not known was written, or moved, by another tab: then the header
    /// and the row are read again. `None` where it is gone by then.
    pub(super) async fn read<T>(&self, row: Row, open: impl Fn(&Keyring, &Row) -> Result<T>) -> Result<Option<T>> {
        if self.opened()?.ring.has(row.key) {
            return open(&self.opened()?.ring, &row).map(Some);
        }
        self.refresh().await?;
        let Some(row) = self.store.row(&self.name, row.id).await? else { return Ok(None) };
        open(&self.opened()?.ring, &row).map(Some)
    }

    /// The error of a vault that is closed, before anything is read for nothing.
    pub(super) fn check_open(&self) -> Result<()> {
        self.opened().map(drop)
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
