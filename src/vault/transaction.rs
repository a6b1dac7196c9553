//! How calls and tabs meet: each reads what the others wrote, and each write is one transaction against the newest
//! header.

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
    /// Whether nothing has changed since.
    fn is_opened(&self, since: &Rc<Opened>) -> Result<bool> {
        Ok(Rc::ptr_eq(since, &self.opened()?))
    }

    /// Reads the header again, which another tab may have changed.
    pub(super) async fn refresh(&self) -> Result<()> {
        let (opened, bytes) = loop {
            let opened = self.opened()?;
            let bytes = self.store.header(&self.name).await?;
            // Unless another call went on meanwhile: this may be older than what that knows.
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

    /// Writes what `plan` drafts against the newest header. Where another tab was faster, `plan` is asked again; also
    /// where it found nothing to write, or an error, which an older header may have been the reason for.
    pub(super) async fn write<T>(&self, plan: impl AsyncFn(&mut Draft) -> Result<T>) -> Result<T> {
        // The lock is not fair: who writes again and again, as a rotation does, lets the others go first.
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
            // Until it is known that the store has counted it.
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
    pub(super) async fn read<T>(
        &self,
        mut row: Row,
        open: impl AsyncFn(&Keyring, &Row) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut missing = None;
        loop {
            let opened = self.opened()?;
            let ring = &opened.ring;
            // A row that is still under a key that the header has no more was left behind.
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

/// Lets whatever else can go on do so once.
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
