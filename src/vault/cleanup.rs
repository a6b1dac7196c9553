//! Clearing up: retention, the rest of a rotation, and counting anew.

use super::device::Device;
use super::kind::Kind;
use super::rotation::Rotation;
use super::session::Vault;
use super::settings::Retention;
use super::store::{Select, Store};
use crate::error::Result;

const DAY: u64 = 24 * 60 * 60 * 1000;
/// Records that are deleted in one transaction.
const BATCH: usize = 256;

/// What [`Vault::compact`] did.
#[derive(Debug, Default)]
pub struct Compaction {
    /// Number of records deleted because they were older than their retention.
    pub expired: u32,
    /// Number of records that the header counted but the store does not have: the browser lost them, or something other than
    /// the vault deleted them.
    pub lost: u32,
    /// The rest of a rotation that was not finished.
    pub rotation: Rotation,
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Applies the retention, finishes a rotation, and corrects the header's counts.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`], [`crate::ErrorKind::VaultClosed`]; what is done stays.
    pub async fn compact(&self) -> Result<Compaction> {
        let expired = self.tend().await?;
        let rotation = self.finish_rotation().await?;
        let lost = self.write(async |draft| {
            let found = self.store.usage(&self.name).await?.counts;
            let header = &mut draft.ring.header;
            let lost = header.lost(found);
            draft.touched = header.counts != found;
            header.counts = found;
            Ok(lost)
        });
        Ok(Compaction { expired, lost: lost.await?, rotation })
    }

    /// Upkeep to be called now and then: applies the retention if that was a day ago, and finishes a rotation that was begun.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`], [`crate::ErrorKind::VaultClosed`]; what is done stays.
    pub async fn keep_up(&self) -> Result<()> {
        self.tend_daily().await?;
        self.finish_rotation().await.map(drop)
    }

    /// Applies the retention if that was a day ago, or if the clock was set by as much.
    pub(super) async fn tend_daily(&self) -> Result<()> {
        if self.device.now().abs_diff(self.tended.get()) >= DAY {
            self.tend().await?;
        }
        Ok(())
    }

    /// How long the vault keeps its records.
    ///
    /// # Errors
    /// [`crate::ErrorKind::VaultClosed`].
    pub fn retention(&self) -> Result<Retention> {
        Ok(self.ring()?.header.retention.unwrap_or_default())
    }

    /// Changes how long the vault keeps its records, for everybody who opens it from now on, and applies that.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`], [`crate::ErrorKind::Storage`], [`crate::ErrorKind::VaultClosed`].
    pub async fn set_retention(&self, retention: Retention) -> Result<()> {
        retention.check()?;
        self.write(async |draft| {
            let header = &mut draft.ring.header;
            draft.touched = header.retention != Some(retention);
            header.retention = Some(retention);
            Ok(())
        })
        .await?;
        self.tend().await.map(drop)
    }

    /// Gives a vault of format 1 the retention that its first opener asks for, and any vault what the app says of the kinds
    /// that it names, before anything is deleted by the retention.
    pub(super) async fn adopt_retention(&self) -> Result<()> {
        let adopted =
            |own: Option<Retention>| Some(own.unwrap_or(self.settings.retention).with(&self.settings.named_retention));
        let own = self.ring()?.header.retention;
        if own == adopted(own) {
            return Ok(());
        }
        self.write(async |draft| {
            let header = &mut draft.ring.header;
            let retention = adopted(header.retention);
            draft.touched = header.retention != retention;
            header.retention = retention;
            Ok(())
        })
        .await
    }

    /// Deletes the records that are older than their retention, and returns their number.
    pub(super) async fn tend(&self) -> Result<u32> {
        let (now, mut expired) = (self.device.now(), 0);
        for kind in Kind::ALL {
            loop {
                let batch = self.write(async |draft| {
                    let retention = draft.ring.header.retention.unwrap_or_default();
                    let Some(days) = retention.days(kind) else { return Ok(0) };
                    let until = now.saturating_sub(u64::from(days) * DAY);
                    let select = Select { until, limit: BATCH, blobs: false, ..Select::all(kind) };
                    let rows = self.store.rows(&self.name, &select).await?;
                    rows.iter().for_each(|row| draft.delete(kind, row.id));
                    Ok(rows.len())
                });
                let deleted = batch.await?;
                expired += deleted as u32;
                if deleted < BATCH {
                    break;
                }
            }
        }
        self.tended.set(now);
        Ok(expired)
    }
}
