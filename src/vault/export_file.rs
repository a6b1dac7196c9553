//! An exported file (docs/formats/vault.md): a header of its own, then the records.
//!
//! Format 2 is one stream of AES-256-GCM in chunks (STREAM by Hoang, Reyhanitabar, Rogaway and Vizár, 2015): no chunk can be
//! changed, moved, left out or cut off, and reading it takes the memory of one. Format 1 had an envelope a record, and in the
//! last one the hash of all before it.

use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::Payload;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::device::{Device, random};
use super::envelope::{Content, Envelope, Place};
use super::header::Header;
use super::ids::{RecordId, VaultId};
use super::keyring::Keyring;
use super::kind::Kind;
use super::passphrase::{Cost, Passphrase};
use super::record::{MAX_BLOB, MAX_JSON, Plain};
use super::store::Row;
use super::unlock::{lock_by_passphrase, open_by_passphrase};
use crate::codec::put;
use crate::error::{Error, ErrorKind, Result};

const MAGIC: [u8; 4] = *b"JCHX";
const FIRST_FORMAT: u8 = 1;
/// The version that is written. Where nothing is sealed it is one that no release opens.
const FORMAT: u8 = if cfg!(jicho_unsealed) { 0xff } else { 2 };
/// The byte where a record would have its kind.
const END: u8 = 0;
/// Bytes of the stream that are sealed together; the last chunk has fewer.
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
/// Random bytes of the nonce; the others count the chunks.
const PREFIX: usize = 7;
/// The stream is as long as a multiple of this.
const BLOCK: usize = 256;
/// Bytes of a header at most: it has one key.
const MAX_HEADER: usize = 1024;
/// What an envelope or a length adds to a record at most.
const MARGIN: usize = 1024;
/// The latest time that a JavaScript date can have.
pub(super) const MAX_TIME: u64 = 8_640_000_000_000_000;

/// A file that can be read at any place: an import reads it twice, a piece at a time.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait ExportSource {
    /// Bytes of the whole file.
    fn length(&self) -> u64;

    /// Reads `length` bytes from `offset` on, all of which are there.
    ///
    /// # Errors
    /// Whatever ends the import: [`ErrorKind::Aborted`] where its caller gave up.
    async fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>>;
}

impl<T: AsRef<[u8]>> ExportSource for T {
    fn length(&self) -> u64 {
        self.as_ref().len() as u64
    }

    async fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        Ok(self.as_ref()[offset as usize..][..length].to_vec())
    }
}

/// A record in a file.
pub(super) struct FileRecord {
    pub(super) kind: Kind,
    pub(super) time: u64,
    pub(super) id: RecordId,
    pub(super) plain: Plain,
}

/// Writes a file of format 2.
pub(super) struct FileWriter {
    stream: EncryptorBE32<Aes256Gcm>,
    /// What every chunk is authenticated with: the hash of all before the first one.
    about: [u8; 32],
    /// What is not sealed yet.
    pending: Zeroizing<Vec<u8>>,
    written: usize,
}

impl FileWriter {
    /// The writer, and the beginning of the file.
    pub(super) fn new(
        passphrase: &Passphrase,
        cost: Option<Cost>,
        counts: [u32; Kind::ALL.len()],
        device: &impl Device,
    ) -> Result<(Self, Vec<u8>)> {
        let vault = VaultId(random(device)?);
        let (lock, wrapping) = lock_by_passphrase(vault, passphrase, device, cost)?;
        let check = wrapping.check;
        let header = Header { vault, revision: 0, lock, check, counts, retention: None, keys: Vec::new() };
        let ring = Keyring::new(header, wrapping, device)?;
        let mut begin = [&MAGIC[..], &[FORMAT]].concat();
        put(&mut begin, &ring.header.to_bytes());
        let prefix: [u8; PREFIX] = random(device)?;
        begin.extend(prefix);
        let stream = EncryptorBE32::new(ring.stream_key()?.into(), &prefix.into());
        let about = Sha256::digest(&begin).into();
        Ok((FileWriter { stream, about, pending: Zeroizing::default(), written: 0 }, begin))
    }

    /// Adds a record, and answers with the chunks that are full.
    pub(super) fn add(&mut self, kind: Kind, time: u64, id: RecordId, plain: &Plain) -> Result<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![kind.code()]);
        bytes.extend(time.to_le_bytes());
        bytes.extend(id.0);
        put(&mut bytes, plain.json()?);
        let blob = plain.blob()?;
        bytes.push(blob.is_some().into());
        if let Some(blob) = blob {
            put(&mut bytes, blob);
        }
        self.push(&bytes)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = Vec::new();
        self.written += bytes.len();
        for piece in bytes.chunks(CHUNK) {
            let room = CHUNK - self.pending.len();
            let (now, later) = piece.split_at(room.min(piece.len()));
            self.pending.extend(now);
            // A full chunk stays until more comes: it may be the last one, which is marked.
            if !later.is_empty() {
                sealed.extend(self.seal()?);
                self.pending.extend(later);
            }
        }
        Ok(sealed)
    }

    fn seal(&mut self) -> Result<Vec<u8>> {
        let payload = Payload { msg: &self.pending, aad: &self.about };
        let sealed = if cfg!(jicho_unsealed) {
            [&self.pending[..], &[0; TAG]].concat()
        } else {
            self.stream.encrypt_next(payload).map_err(|_| too_long())?
        };
        self.pending = Zeroizing::new(Vec::with_capacity(CHUNK));
        Ok(sealed)
    }

    /// The end of the file.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        let length = (self.written + 1).next_multiple_of(BLOCK) - self.written;
        let mut padding = vec![0; length];
        padding[0] = END;
        let mut sealed = self.push(&padding)?;
        let payload = Payload { msg: &self.pending, aad: &self.about };
        sealed.extend(if cfg!(jicho_unsealed) {
            [&self.pending[..], &[0; TAG]].concat()
        } else {
            self.stream.encrypt_last(payload).map_err(|_| too_long())?
        });
        Ok(sealed)
    }
}

/// The beginning of a file: what can be told without its passphrase.
pub struct ExportFile<'a, S> {
    source: &'a S,
    format: u8,
    header: Header,
    /// Where the records begin.
    begin: u64,
}

impl<'a, S: ExportSource> ExportFile<'a, S> {
    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExport`]; [`ErrorKind::SchemaTooNew`] for another version of the format; what the source fails
    /// with.
    pub async fn read(source: &'a S) -> Result<Self> {
        let mut bytes = FileBytes { source, at: 0 };
        let foreign = || Error::new(ErrorKind::InvalidExport, "this is no exported vault");
        if bytes.left() < 5 {
            return Err(foreign());
        }
        let [magic @ .., format] = bytes.array::<5>().await?;
        if magic != MAGIC || format == 0 {
            return Err(foreign());
        }
        if format != FIRST_FORMAT && format != FORMAT {
            let message = format!("the exported file has the format {format}: update the app");
            return Err(Error::new(ErrorKind::SchemaTooNew, message));
        }
        let header = Header::parse(&bytes.sized(MAX_HEADER).await?)
            .map_err(|error| if error.kind() == ErrorKind::VaultDamaged { broken() } else { error })?;
        Ok(ExportFile { source, format, header, begin: bytes.at })
    }

    /// What a guess at its passphrase costs, which is never more than [`Cost::MAXIMUM`].
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        match &self.header.lock {
            super::Lock::Passphrase { cost, .. } => Some(*cost),
            _ => None,
        }
    }

    /// The keys of the file.
    pub(super) fn unlock(&self, passphrase: &Passphrase) -> Result<Keyring> {
        let wrapping = open_by_passphrase(&self.header, &self.header.lock, passphrase)?;
        Keyring::unwrap(self.header.clone(), wrapping.into(), None).map_err(|_| broken())
    }

    /// Every record from the first one on.
    pub(super) async fn records<'r>(&self, ring: &'r Keyring) -> Result<FileRecords<'a, 'r, S>> {
        let mut bytes = FileBytes { source: self.source, at: self.begin };
        if self.format == FIRST_FORMAT {
            let mut digest = Sha256::new();
            digest.update(FileBytes { source: self.source, at: 0 }.take(self.begin as usize).await?);
            return Ok(FileRecords::Envelopes { bytes, ring, digest });
        }
        let prefix: [u8; PREFIX] = bytes.array().await?;
        let begin = FileBytes { source: self.source, at: 0 }.take(bytes.at as usize).await?;
        let stream = Some(DecryptorBE32::new(ring.stream_key()?.into(), &prefix.into()));
        let about = Sha256::digest(begin).into();
        let opened = OpenedStream { bytes, stream, about, opened: Zeroizing::default(), read: 0 };
        Ok(FileRecords::Stream(Box::new(opened)))
    }
}

/// The records of a file, one after another. That one is there says that it was not changed, and only the end of them that
/// all are there.
pub(super) enum FileRecords<'a, 'r, S> {
    Envelopes { bytes: FileBytes<'a, S>, ring: &'r Keyring, digest: Sha256 },
    Stream(Box<OpenedStream<'a, S>>),
}

impl<S: ExportSource> FileRecords<'_, '_, S> {
    /// The next one; `None` behind the last, after which nothing more is asked.
    pub(super) async fn next(&mut self, device: &impl Device) -> Result<Option<FileRecord>> {
        match self {
            FileRecords::Envelopes { bytes, ring, digest } => next_envelope(bytes, ring, digest, device).await,
            FileRecords::Stream(stream) => stream.next().await,
        }
    }
}

async fn next_envelope<S: ExportSource>(
    bytes: &mut FileBytes<'_, S>,
    ring: &Keyring,
    digest: &mut Sha256,
    device: &impl Device,
) -> Result<Option<FileRecord>> {
    let [code] = bytes.array().await?;
    if code == END {
        let sealed = bytes.sized(MARGIN).await?;
        let place = Place { vault: ring.header.vault, id: RecordId([0; 16]), content: Content::End, time: 0 };
        let whole = ring.open(&place, &sealed, device).await.map_err(|_| broken())?;
        let ended = bytes.left() == 0 && whole[..] == digest.clone().finalize()[..];
        return if ended { Ok(None) } else { Err(broken()) };
    }
    let (kind, time) = (Kind::of(code).ok_or_else(broken)?, u64::from_le_bytes(bytes.array().await?));
    let id = RecordId(bytes.array().await?);
    let sealed = bytes.sized(MAX_JSON + MARGIN).await?;
    let [has_blob] = bytes.array().await?;
    let blob = match has_blob {
        0 => None,
        1 => Some(bytes.sized(MAX_BLOB + MARGIN).await?),
        _ => return Err(broken()),
    };
    let mut read = vec![code];
    read.extend(time.to_le_bytes());
    read.extend(id.0);
    put(&mut read, &sealed);
    read.push(has_blob);
    if let Some(blob) = &blob {
        put(&mut read, blob);
    }
    digest.update(read);
    let key = Envelope::parse(&sealed).map_err(|_| broken())?.key;
    let row = Row { kind, time, id, key, sealed, blob };
    let plain = ring.open_plain(&row, device).await.map_err(|_| broken())?;
    Ok(Some(FileRecord { kind, time, id, plain }))
}

/// A stream that is opened chunk by chunk.
pub(super) struct OpenedStream<'a, S> {
    bytes: FileBytes<'a, S>,
    /// `None` behind the last chunk.
    stream: Option<DecryptorBE32<Aes256Gcm>>,
    about: [u8; 32],
    /// What is opened and not yet read; the bytes before `read` were read.
    opened: Zeroizing<Vec<u8>>,
    read: usize,
}

impl<S: ExportSource> OpenedStream<'_, S> {
    async fn next(&mut self) -> Result<Option<FileRecord>> {
        let [code] = self.array().await?;
        if code == END {
            // The rest is padding, and the last chunk must be among it.
            while self.stream.is_some() {
                self.open_chunk().await?;
            }
            let rest = &self.opened[self.read..];
            let padded = rest.len() < BLOCK && rest.iter().all(|byte| *byte == 0);
            return if padded { Ok(None) } else { Err(broken()) };
        }
        let (kind, time) = (Kind::of(code).ok_or_else(broken)?, u64::from_le_bytes(self.array().await?));
        let id = RecordId(self.array().await?);
        let json = self.sized(MAX_JSON).await?;
        let blob = match self.array().await? {
            [0] => None,
            [1] => Some(self.sized(MAX_BLOB).await?),
            _ => return Err(broken()),
        };
        let plain = Plain::new(&json, blob.as_deref().map(|blob| &blob[..]));
        Ok(Some(FileRecord { kind, time, id, plain }))
    }

    async fn open_chunk(&mut self) -> Result<()> {
        let length = self.bytes.left().min((CHUNK + TAG) as u64) as usize;
        let sealed = self.bytes.take(length).await?;
        let payload = Payload { msg: &sealed, aad: &self.about };
        if self.bytes.left() > 0 {
            let stream = self.stream.as_mut().ok_or_else(broken)?;
            let opened = if cfg!(jicho_unsealed) { unsealed(&sealed) } else { stream.decrypt_next(payload).ok() };
            self.append(Zeroizing::new(opened.ok_or_else(broken)?));
        } else {
            let stream = self.stream.take().ok_or_else(broken)?;
            let opened = if cfg!(jicho_unsealed) { unsealed(&sealed) } else { stream.decrypt_last(payload).ok() };
            self.append(Zeroizing::new(opened.ok_or_else(broken)?));
        }
        Ok(())
    }

    /// Into a buffer of its own, since one that grew would leave plain text behind where it was.
    fn append(&mut self, chunk: Zeroizing<Vec<u8>>) {
        self.opened = Zeroizing::new([&self.opened[self.read..], &chunk].concat());
        self.read = 0;
    }

    async fn take(&mut self, length: usize) -> Result<Zeroizing<Vec<u8>>> {
        while self.opened.len() - self.read < length {
            self.open_chunk().await?;
        }
        let taken = Zeroizing::new(self.opened[self.read..][..length].to_vec());
        self.read += length;
        Ok(taken)
    }

    async fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N).await?[..].try_into().map_err(|_| broken())
    }

    async fn sized(&mut self, limit: usize) -> Result<Zeroizing<Vec<u8>>> {
        let length = u32::from_le_bytes(self.array().await?) as usize;
        if length > limit { Err(broken()) } else { self.take(length).await }
    }
}

fn unsealed(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.len().checked_sub(TAG).map(|length| bytes[..length].to_vec())
}

/// What is still to be read of a file.
pub(super) struct FileBytes<'a, S> {
    source: &'a S,
    at: u64,
}

impl<S: ExportSource> FileBytes<'_, S> {
    fn left(&self) -> u64 {
        self.source.length().saturating_sub(self.at)
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        if length as u64 > self.left() {
            return Err(broken());
        }
        let bytes = self.source.read(self.at, length).await?;
        self.at += length as u64;
        if bytes.len() == length { Ok(bytes) } else { Err(broken()) }
    }

    async fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N).await?.try_into().map_err(|_| broken())
    }

    /// Bytes behind their length, of which there are `limit` at most.
    async fn sized(&mut self, limit: usize) -> Result<Vec<u8>> {
        let length = u32::from_le_bytes(self.array().await?) as usize;
        if length > limit { Err(broken()) } else { self.take(length).await }
    }
}

pub(super) fn broken() -> Error {
    Error::new(ErrorKind::InvalidExport, "the exported file is cut short or damaged: nothing was imported")
}

fn too_long() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the vault is too large for one exported file")
}
