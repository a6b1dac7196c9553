//! Sales made offline, delivered in their order.

use super::device::Device;
use super::id::RecordId;
use super::record::{Entry, Kind, Record, Sale};
use super::records::{Damaged, Query};
use super::session::Vault;
use super::store::Store;
use crate::error::{Error, ErrorKind, Result};

/// What came of a delivery.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Sales delivered and removed.
    pub delivered: u32,
    /// Sales that do not open. They stay, and take their place in the queue.
    pub damaged: Vec<Damaged>,
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Delivers the queued sales, the oldest first. `send` is given each with its idempotency key, its record's id; only
    /// when it has confirmed one is that one removed. Whatever dies in between sends one a second time under the same key,
    /// which the receiver must take once. Two tabs that deliver at once do no harm, but for the traffic.
    ///
    /// # Errors
    /// What `send` fails with: that sale and those after it stay. [`ErrorKind::Storage`], [`ErrorKind::VaultClosed`].
    pub async fn deliver(&self, mut send: impl AsyncFnMut(RecordId, &Sale) -> Result<()>) -> Result<Delivery> {
        let mut delivery = Delivery::default();
        let mut query = Query { descending: false, limit: 1, ..Query::all(Kind::Sale) };
        loop {
            let page = self.list(&query).await?;
            delivery.damaged.extend(page.damaged);
            for Entry { id, record, .. } in page.entries {
                let Record::Sale(sale) = record else { continue };
                send(id, &sale).await?;
                delivery.delivered += u32::from(self.delete(id).await?);
            }
            query.after = page.next;
            if query.after.is_none() {
                return Ok(delivery);
            }
        }
    }

    pub(super) fn check_room(&self, queued: u32, more: u32) -> Result<()> {
        if queued.saturating_add(more) <= self.settings.queue_limit {
            return Ok(());
        }
        let message = format!("{queued} sales wait already: deliver them first, or raise the queue's limit");
        Err(Error::new(ErrorKind::QueueFull, message))
    }
}
