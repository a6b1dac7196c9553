//! The queue of sales made offline: its limit. The npm package delivers them, the oldest first, and deletes each once it is
//! confirmed; the id of a sale is its idempotency key.

use super::device::Device;
use super::session::Vault;
use super::store::Store;
use crate::error::{Error, ErrorKind, Result};

impl<S: Store, D: Device> Vault<S, D> {
    pub(super) fn check_room(&self, queued: u32, more: u32) -> Result<()> {
        if queued.saturating_add(more) <= self.settings.queue_limit {
            return Ok(());
        }
        let message = format!("{queued} sales wait already: deliver them first, or raise the queue's limit");
        Err(Error::new(ErrorKind::QueueFull, message))
    }
}
