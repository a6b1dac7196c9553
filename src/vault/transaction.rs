//! Reading and writing while other calls and other tabs do the same: every write is one transaction against the newest
//! header, and reading notices when another tab changed the keys.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::device::Device;
use super::header::Header;
use super::keyring::{Draft, Keyring};
use super::session::{Opened, Vault};
use super::store::{KeyChange, Row, Store};
use crate::error::{Error, ErrorKind, Result};

impl<S: Store, D: Device> Vault<S, D> {
    /// Whether no call of this session has replaced the keyring since.
    fn is_opened(&self, since: &Rc<Opened>) -> Result<bool> {
        Ok(Rc::ptr_eq(since, &self.opened()?))
    }

    /// Reads the header again, in case another tab changed it.
    pub(super) async fn refresh(&self) -> Result<()> {
        let (opened, bytes) = loop {
            let opened = self.opened()?;
            let bytes = self.store.header(&self.name).await?;
            // If another call of this session wrote meanwhile, these bytes may be older than its keyring.
            if self.is_opened(&opened)? {
                break (opened, bytes);
            }
        };
        let gone = |why: &str| {
            self.close();
            Err(Error::new(
                ErrorKind::VaultClosed,
                format!("the vault was {why}, perhaps by another tab: open it again"),
            ))
        };
        let Some(bytes) = bytes else { return gone("destroyed") };
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
        self.ring.replace(Some(Rc::new(Opened { bytes, ring })));
        Ok(())
    }

    /// Commits what `plan` drafts. `plan` runs again whenever another tab changed the header meanwhile, also if it had found
    /// nothing to write or failed: the old header may have been the reason.
    pub(super) async fn write<T>(&self, plan: impl AsyncFn(&mut Draft) -> Result<T>) -> Result<T> {
        // The mutex is not fair. A loop of writes, as in a rotation, therefore yields before each of them.
        yield_now().await;
        let _writing = self.writing.lock().await;
        loop {
            let opened = self.opened()?;
            let (ring, changes, device_key) = (opened.ring.clone(), Vec::new(), KeyChange::Keep);
            let mut draft = Draft { ring, changes, device_key, touched: false };
            let current = draft.ring.header.current_mut();
            current.uses = current.uses.saturating_add(self.unwritten.get());
            let before = current.uses;
            let planned = plan(&mut draft).await;
            let sealed = draft.ring.header.current().uses.saturating_sub(before);
            // Subtracted again once the store has committed the count.
            self.unwritten.set(self.unwritten.get() + sealed);
            if planned.is_err() || !draft.touched {
                self.refresh().await?;
                if self.is_opened(&opened)? {
                    return planned;
                }
                continue;
            }
            draft.ring.header.revision = draft.ring.header.revision.wrapping_add(1);
            let bytes = draft.ring.header.to_bytes();
            let Draft { ring, changes, device_key, .. } = draft;
            let expected = Some(&*opened.bytes);
            if self.store.commit_lock(&self.name, expected, &bytes, &changes, &device_key).await? {
                self.unwritten.set(0);
                if let Some(open) = &mut *self.ring.borrow_mut() {
                    *open = Rc::new(Opened { bytes, ring });
                }
                return planned;
            }
            self.refresh().await?;
        }
    }

    /// Adds a data key if the current one has sealed as often as it may. A rotation does not call this: it would never end
    /// if there were more records than one key may seal.
    pub(super) fn renew_key(&self, draft: &mut Draft) -> Result<()> {
        if draft.ring.header.current().uses >= self.settings.rotate_after {
            draft.ring.add_key(&self.device)?;
        }
        Ok(())
    }

    /// Opens a row with `open`. If its key is not known, another tab wrote or resealed it: the header and the row are read
    /// again. `None` if the row is gone by then.
    pub(super) async fn read<T>(
        &self,
        mut row: Row,
        open: impl AsyncFn(&Keyring, &Row) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut missing = None;
        loop {
            let opened = self.opened()?;
            let ring = &opened.ring;
            // If the header has not got the key even after it was read again, the row stays unreadable.
            if ring.has(row.key) || missing == Some(row.key) {
                match open(ring, &row).await {
                    Err(error) if error.kind() == ErrorKind::RecordDamaged => {
                        // An older copy of the vault may have been put back, and this id be that of another key by now.
                        self.refresh().await?;
                        if self.is_opened(&opened)? {
                            return Err(error);
                        }
                    }
                    read => return read.map(Some),
                }
            } else {
                missing = Some(row.key);
                self.refresh().await?;
            }
            let Some(again) = self.store.row(&self.name, row.id).await? else { return Ok(None) };
            row = again;
        }
    }
}

/// Lets every other task that is ready run once.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
