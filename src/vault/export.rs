//! A vault in one encrypted file, for another device (docs/formats/vault.md).
//!
//! The file is a vault of its own: its own number, its own data key, a passphrase. Its last envelope holds the hash of all
//! before it, so that nothing can be taken out, put in or moved.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::device::{Device, random};
use super::envelope::{Content, FORMAT, Place};
use super::header::Header;
use super::ids::{RecordId, VaultId};
use super::keyring::Keyring;
use super::kind::Kind;
use super::passphrase::Passphrase;
use super::records::{Damaged, is_of_the_record};
use super::session::Vault;
use super::store::{Row, Select, Store};
use super::unlock::{lock_by_passphrase, open_by_passphrase};
use crate::codec::{Reader, put};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: [u8; 4] = *b"JCHX";
/// The byte before the last envelope, where a record has its kind.
const END: u8 = 0;
/// Records that are read at once.
const CHUNK: usize = 64;
/// What JavaScript's numbers, so its databases, hold exactly.
const MAX_TIME: u64 = 1 << 53;

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
    /// What `sink` fails with; [`ErrorKind::Storage`], [`ErrorKind::VaultClosed`], [`ErrorKind::Unsupported`].
    pub async fn export(
        &self,
        passphrase: &Passphrase,
        mut sink: impl AsyncFnMut(&[u8]) -> Result<()>,
    ) -> Result<Exported> {
        self.check_open()?;
        let vault = VaultId(random(&self.device)?);
        let (lock, wrapping) = lock_by_passphrase(vault, passphrase, &self.device, self.settings.cost)?;
        let header = Header { vault, revision: 0, lock, check: wrapping.check, counts: [0; 4], keys: Vec::new() };
        let mut file = Keyring::new(header, wrapping, &self.device)?;
        let mut digest = Sha256::new();
        let mut exported = Exported::default();

        let mut piece = [&MAGIC[..], &[FORMAT]].concat();
        put(&mut piece, &file.header.to_bytes());
        digest.update(&piece);
        sink(&piece).await?;
        for kind in Kind::ALL {
            let mut select = Select { limit: CHUNK, ..Select::all(kind) };
            loop {
                let rows = self.store.rows(&self.name, &select).await?;
                select.after = rows.last().map(Row::position);
                for row in &rows {
                    let plain = match self
                        .read(row.clone(), async |ring, row| ring.checked_plain(row, &self.device).await)
                        .await
                    {
                        Ok(Some((plain, _))) => plain,
                        Ok(None) => continue,
                        Err(error) if is_of_the_record(&error) => {
                            exported.damaged.push(Damaged::new(row, error));
                            continue;
                        }
                        Err(error) => return Err(error),
                    };
                    let piece = write_row(&file.seal_row(kind, row.time, row.id, &plain, &self.device).await?);
                    digest.update(&piece);
                    sink(&piece).await?;
                    exported.records += 1;
                }
                if rows.len() < CHUNK {
                    break;
                }
            }
        }
        // A vault that is gone looks like an empty one.
        self.refresh().await?;
        let mut piece = vec![END];
        put(&mut piece, &file.seal(&end(&file), &digest.finalize(), &self.device).await?);
        sink(&piece).await?;
        Ok(exported)
    }
}

fn end(file: &Keyring) -> Place {
    file.place(RecordId([0; 16]), 0, Content::End)
}

fn write_row(row: &Row) -> Vec<u8> {
    let mut bytes = vec![row.kind.code()];
    bytes.extend(row.time.to_le_bytes());
    bytes.extend(row.id.0);
    put(&mut bytes, &row.sealed);
    bytes.push(row.blob.is_some().into());
    if let Some(blob) = &row.blob {
        put(&mut bytes, blob);
    }
    bytes
}

/// The parts of an exported file, still sealed.
pub struct ExportFile<'a> {
    header: Header,
    rows: Vec<Row>,
    /// The last envelope, and the hash that it must hold.
    end: (&'a [u8], [u8; 32]),
}

impl<'a> ExportFile<'a> {
    /// Takes a file apart, without its passphrase.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExport`]; [`ErrorKind::SchemaTooNew`] for another version of the format.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader(bytes);
        match reader.array::<5>() {
            Some([magic @ .., FORMAT]) if magic == MAGIC => {}
            Some([magic @ .., format]) if magic == MAGIC && format > FORMAT => {
                let message = format!("the exported file has the format {format}: update the app");
                return Err(Error::new(ErrorKind::SchemaTooNew, message));
            }
            _ => return Err(Error::new(ErrorKind::InvalidExport, "this is no exported vault")),
        }
        let header = reader.bytes().ok_or_else(broken)?;
        let header = Header::parse(header)
            .map_err(|error| if error.kind() == ErrorKind::VaultDamaged { broken() } else { error })?;
        let (mut rows, mut ids) = (Vec::new(), BTreeSet::new());
        loop {
            let before = &bytes[..bytes.len() - reader.0.len()];
            let code = reader.u8().ok_or_else(broken)?;
            if code == END {
                let sealed = reader.bytes().ok_or_else(broken)?;
                reader.end().ok_or_else(broken)?;
                return Ok(ExportFile { header, rows, end: (sealed, Sha256::digest(before).into()) });
            }
            let row = read_row(code, &mut reader).filter(|row| ids.insert(row.id)).ok_or_else(broken)?;
            rows.push(row);
        }
    }

    /// Unlocks the file and opens every record in it; only a file that is whole has any.
    pub(super) async fn open(self, passphrase: &Passphrase, device: &impl Device) -> Result<(Keyring, Vec<Row>)> {
        let wrapping = open_by_passphrase(&self.header, &self.header.lock, passphrase)?;
        let ring = Keyring::unwrap(self.header, wrapping.into(), None).map_err(|_| broken())?;
        let digest = ring.open(&end(&ring), self.end.0, device).await.map_err(|_| broken())?;
        if digest[..] != self.end.1 {
            return Err(broken());
        }
        for row in &self.rows {
            // Who knows the passphrase may have written anything: it must be what could be added here.
            let (_, entry) = ring.checked_plain(row, device).await.map_err(|_| broken())?;
            entry.record.check(entry.blob.as_deref()).map_err(|_| broken())?;
        }
        Ok((ring, self.rows))
    }
}

fn read_row(code: u8, reader: &mut Reader<'_>) -> Option<Row> {
    let kind = Kind::of(code)?;
    let time = Some(reader.u64()?).filter(|time| *time <= MAX_TIME)?;
    let id = RecordId(reader.array()?);
    let sealed = reader.bytes()?.to_vec();
    let blob = match reader.u8()? {
        0 => None,
        1 => Some(reader.bytes()?.to_vec()),
        _ => return None,
    };
    let key = super::Envelope::parse(&sealed).ok()?.key;
    Some(Row { kind, time, id, key, sealed, blob })
}

fn broken() -> Error {
    Error::new(ErrorKind::InvalidExport, "the exported file is cut short or damaged: nothing was imported")
}
