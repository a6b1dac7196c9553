//! Rotation: changing the data key while reads and writes go on.
//!
//! First a new key is added to the header, and everything written from then on is sealed with it. Then the records of the older
//! keys are resealed in batches, one transaction each, and a key that has no records left is removed. The store is a whole
//! vault at every moment, so a rotation that was interrupted resumes where it stopped.

use super::device::Device;
use super::records::{Damaged, is_of_the_record};
use super::session::Vault;
use super::store::Store;
use crate::error::Result;

/// Records that are resealed in one transaction.
const BATCH: usize = 64;

/// What came of a rotation.
#[derive(Debug, Default)]
pub struct Rotation {
    /// Number of records that were resealed.
    pub moved: u32,
    /// Records that cannot be opened. They stay as they are, and their key is removed.
    pub damaged: Vec<Damaged>,
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Makes a new data key and seals every record with it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Storage`], [`crate::ErrorKind::VaultClosed`]; what is done stays, and
    /// [`Vault::finish_rotation`] does the rest.
    pub async fn rotate(&self) -> Result<Rotation> {
        self.write(async |draft| {
            draft.ring.add_key(&self.device)?;
            draft.touched = true;
            Ok(())
        })
        .await?;
        self.finish_rotation().await
    }

    /// Whether there are records of older keys to seal anew.
    ///
    /// # Errors
    /// [`crate::ErrorKind::VaultClosed`].
    pub fn is_rotating(&self) -> Result<bool> {
        Ok(self.ring()?.header.keys.len() > 1)
    }

    /// Ends a rotation that was begun: by [`Vault::rotate`], by a key that has sealed enough, or by another tab. Two tabs at
    /// once share the work.
    ///
    /// # Errors
    /// As [`Vault::rotate`].
    pub async fn finish_rotation(&self) -> Result<Rotation> {
        let mut rotation = Rotation::default();
        // The key and the last of its records that was visited: records that cannot be opened stay under it.
        let mut seen = None;
        loop {
            let step = self.write(async |draft| {
                let [old, _, ..] = &draft.ring.header.keys[..] else { return Ok(None) };
                let old = old.id;
                // Another tab may have removed that key; of the next one no record was visited yet.
                let after = seen.and_then(|(key, id)| (key == old).then_some(id));
                let rows = self.store.rows_under(&self.name, old, after, BATCH).await?;
                let (mut moved, mut damaged) = (0, Vec::new());
                for row in &rows {
                    match draft.ring.open_plain(row, &self.device).await {
                        Ok(plain) => {
                            let row = draft.ring.seal_row(row.kind, row.time, row.id, &plain, &self.device).await?;
                            draft.replace(row);
                            moved += 1;
                        }
                        Err(error) if is_of_the_record(&error) => damaged.push(Damaged::new(row, error)),
                        Err(error) => return Err(error),
                    }
                }
                if rows.is_empty() {
                    draft.ring.remove_key(old);
                    draft.touched = true;
                }
                Ok(Some((rows.last().map(|row| (old, row.id)), moved, damaged)))
            });
            let Some((last, moved, damaged)) = step.await? else { return Ok(rotation) };
            seen = last;
            rotation.moved += moved;
            rotation.damaged.extend(damaged);
        }
    }
}
