//! Taking in an exported file.

use super::device::Device;
use super::export::ExportFile;
use super::kind::Kind;
use super::passphrase::Passphrase;
use super::session::Vault;
use super::store::Store;
use crate::error::Result;

/// Records that are added in one transaction.
const BATCH: usize = 64;

/// What came of an import.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Records added.
    pub added: u32,
    /// Records whose ids were there already.
    pub present: u32,
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Adds every record of an exported file that is not there yet, with its id and its time. The whole file is opened
    /// before anything is added. An import that died is simply repeated. Retention then applies as to any record.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidExport`], [`crate::ErrorKind::SchemaTooNew`], [`crate::ErrorKind::WrongKey`],
    /// [`crate::ErrorKind::QueueFull`] where the sales have no room: nothing was added. [`crate::ErrorKind::Storage`],
    /// [`crate::ErrorKind::VaultClosed`]: some may have been.
    pub async fn import(&self, file: &[u8], passphrase: &Passphrase) -> Result<Imported> {
        self.check_open()?;
        let (source, rows) = ExportFile::parse(file)?.open(passphrase, &self.device).await?;
        let mut sales = 0;
        for sale in rows.iter().filter(|row| row.kind == Kind::Sale) {
            sales += u32::from(self.store.row(&self.name, sale.id).await?.is_none());
        }
        self.refresh().await?;
        self.check_room(self.ring()?.header.count(Kind::Sale), sales)?;
        let mut imported = Imported::default();
        for batch in rows.chunks(BATCH) {
            let added = self.write(async |draft| {
                let mut added = 0;
                for row in batch {
                    if self.store.row(&self.name, row.id).await?.is_some() {
                        continue;
                    }
                    if row.kind == Kind::Sale {
                        self.check_room(draft.ring.header.count(Kind::Sale), 1)?;
                    }
                    let plain = source.open_plain(row, &self.device).await?;
                    self.renew_key(draft)?;
                    let row = draft.ring.seal_row(row.kind, row.time, row.id, &plain, &self.device).await?;
                    draft.add(row);
                    added += 1;
                }
                Ok(added)
            });
            let added = added.await?;
            imported.added += added;
            imported.present += batch.len() as u32 - added;
        }
        Ok(imported)
    }
}
