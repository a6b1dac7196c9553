//! Taking in an exported file.

use std::collections::BTreeSet;

use super::device::Device;
use super::export_file::{ExportFile, ExportSource, FileRecord, MAX_TIME, broken};
use super::ids::RecordId;
use super::keyring::Keyring;
use super::kind::Kind;
use super::passphrase::Passphrase;
use super::record::{Limits, Plain};
use super::session::Vault;
use super::store::Store;
use crate::error::Result;

/// Records, and bytes of them, that are added in one transaction.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 2 << 20;

/// What came of an import.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Records added.
    pub added: u32,
    /// Records whose ids were there already.
    pub present: u32,
    /// Lessons that are left out since their files cannot be read.
    pub left_out: u32,
}

/// Dates what is imported.
struct ImportClock {
    now: u64,
    latest_sale: Option<u64>,
}

impl ImportClock {
    /// No record is dated later than now: retention would never delete it, and sales that are added later would have no time
    /// behind it. Sales of the file that would be are a millisecond apart, since they are delivered in the order of their times.
    fn dated(&mut self, mut record: FileRecord) -> FileRecord {
        if record.time > self.now {
            record.time = self.now;
            if record.kind == Kind::Sale {
                record.time = self.latest_sale.map_or(self.now, |latest| self.now.max(latest + 1));
            }
        }
        if record.kind == Kind::Sale {
            self.latest_sale = Some(record.time);
        }
        record
    }
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Adds every record of an exported file that is not there yet, with its id and its time, which is now where
    /// it lies ahead. What could not be added here
    /// is not imported either: a geohash is shortened to what [`super::Settings::geohash_length`] allows, and a picture, of a
    /// scan or within a lesson, loses its metadata, or is left out where it is no JPEG. A lesson whose file cannot be read is
    /// left out and counted.
    ///
    /// The file is read twice, a piece at a time: all of it is opened and checked before anything is added. An import that
    /// died is simply repeated. Retention then applies as to any record.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidExport`], [`crate::ErrorKind::SchemaTooNew`], [`crate::ErrorKind::WrongKey`],
    /// [`crate::ErrorKind::QueueFull`] where the sales have no room: nothing was added. [`crate::ErrorKind::Storage`],
    /// [`crate::ErrorKind::VaultClosed`], and what the source fails with: some may have been.
    pub async fn import(&self, source: &impl ExportSource, passphrase: &Passphrase) -> Result<Imported> {
        self.check_open()?;
        let file = ExportFile::read(source).await?;
        let ring = file.unlock(passphrase)?;
        let sales = self.check_file(&file, &ring).await?;
        self.refresh().await?;
        self.check_room(self.ring()?.header.count(Kind::Sale), sales)?;
        let mut imported = Imported::default();
        let (mut records, mut ended) = (file.records(&ring).await?, false);
        let mut clock = ImportClock { now: self.device.now().min(MAX_TIME), latest_sale: None };
        while !ended {
            let (mut batch, mut bytes) = (Vec::new(), 0);
            while !ended && batch.len() < BATCH && bytes < BATCH_BYTES {
                match records.next(&self.device).await? {
                    Some(record) => match self.acceptable(record)? {
                        Some(record) => batch.push(clock.dated(record)),
                        None => imported.left_out += 1,
                    },
                    None => ended = true,
                }
                bytes += batch.last().map_or(0, |record| record.plain.length());
            }
            let added = self.add_batch(&batch).await?;
            imported.added += added;
            imported.present += batch.len() as u32 - added;
        }
        Ok(imported)
    }

    /// Reads the file to its end, and tells how many sales it would add.
    async fn check_file<F: ExportSource>(&self, file: &ExportFile<'_, F>, ring: &Keyring) -> Result<u32> {
        let (mut sales, mut ids) = (0, BTreeSet::<RecordId>::new());
        let mut records = file.records(ring).await?;
        while let Some(record) = records.next(&self.device).await? {
            let FileRecord { kind, id, .. } = record;
            self.acceptable(record)?;
            if !ids.insert(id) {
                return Err(broken());
            }
            sales += u32::from(kind == Kind::Sale && self.store.row(&self.name, id).await?.is_none());
        }
        Ok(sales)
    }

    /// A record as it may be added here; `None` where it is left out. Whoever knows the passphrase may have written anything.
    fn acceptable(&self, FileRecord { kind, time, id, plain }: FileRecord) -> Result<Option<FileRecord>> {
        if time > MAX_TIME {
            return Err(broken());
        }
        let entry = plain.read(kind, id, time, true).map_err(|_| broken())?;
        let limits = Limits { geohash_length: self.settings.geohash_length };
        let Some((record, blob)) = entry.record.fitted(entry.blob, limits)? else { return Ok(None) };
        let plain: Plain = record.write(blob.as_deref(), limits).map_err(|_| broken())?;
        Ok(Some(FileRecord { kind, time, id, plain }))
    }

    /// Adds those that are not there yet, and tells how many.
    async fn add_batch(&self, batch: &[FileRecord]) -> Result<u32> {
        self.write(async |draft| {
            let mut added = 0;
            for FileRecord { kind, time, id, plain } in batch {
                if self.store.row(&self.name, *id).await?.is_some() {
                    continue;
                }
                if *kind == Kind::Sale {
                    self.check_room(draft.ring.header.count(Kind::Sale), 1)?;
                }
                self.renew_key(draft)?;
                let row = draft.ring.seal_row(*kind, *time, *id, plain, &self.device).await?;
                draft.add(row);
                added += 1;
            }
            Ok(added)
        })
        .await
    }
}
