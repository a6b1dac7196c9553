//! Writing a vault into one encrypted file, for another device.

use super::device::Device;
use super::export_file::FileWriter;
use super::kind::Kind;
use super::passphrase::Passphrase;
use super::records::{Damaged, is_of_the_record};
use super::session::Vault;
use super::store::{Row, Select, Store};
use crate::error::Result;

/// Records that are read at once.
const CHUNK: usize = 64;

/// What came of an export.
#[derive(Debug, Default)]
pub struct Exported {
    /// Records in the file.
    pub records: u32,
    /// Records that do not open, so are not in the file.
    pub damaged: Vec<Damaged>,
}

impl<S: Store, D: Device> Vault<S, D> {
    /// Writes every record into a file that `passphrase` opens on any device, piece by piece to `sink`.
    ///
    /// # Errors
    /// What `sink` fails with; [`crate::ErrorKind::WeakPassphrase`], [`crate::ErrorKind::Storage`],
    /// [`crate::ErrorKind::VaultClosed`], [`crate::ErrorKind::Unsupported`].
    pub async fn export(
        &self,
        passphrase: &Passphrase,
        mut sink: impl AsyncFnMut(&[u8]) -> Result<()>,
    ) -> Result<Exported> {
        let counts = self.ring()?.header.counts;
        let (mut file, begin) = FileWriter::new(passphrase, self.settings.cost, counts, &self.device)?;
        let mut exported = Exported::default();
        sink(&begin).await?;
        for kind in Kind::ALL {
            let mut select = Select { limit: CHUNK, ..Select::all(kind) };
            loop {
                let rows = self.store.rows(&self.name, &select).await?;
                select.after = rows.last().map(Row::position);
                for row in &rows {
                    let open = self.read(row.clone(), async |ring, row| ring.checked_plain(row, &self.device).await);
                    match open.await {
                        Ok(Some((plain, _))) => {
                            let sealed = file.add(kind, row.time, row.id, &plain)?;
                            if !sealed.is_empty() {
                                sink(&sealed).await?;
                            }
                            exported.records += 1;
                        }
                        Ok(None) => {}
                        Err(error) if is_of_the_record(&error) => exported.damaged.push(Damaged::new(row, error)),
                        Err(error) => return Err(error),
                    }
                }
                if rows.len() < CHUNK {
                    break;
                }
            }
        }
        // A destroyed vault would otherwise look like an empty one.
        self.refresh().await?;
        sink(&file.finish()?).await?;
        Ok(exported)
    }
}
