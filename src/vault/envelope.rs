//! The envelope that everything secret lies in (docs/formats/vault.md).

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, Tag};
use zeroize::Zeroizing;

use super::codec::Reader;
use super::id::{RecordId, VaultId};
use super::record::Kind;
use crate::error::{Error, ErrorKind, Result};

/// The version of the envelope's format, its first byte.
pub const FORMAT: u8 = 1;
/// Bytes of a nonce.
pub(super) const NONCE: usize = 12;
/// What the format, the key's id and the nonce take.
const HEAD: usize = 1 + 4 + NONCE;
const TAG: usize = 16;
/// Padded to a multiple of this, so that its length does not tell which product was seen.
const BLOCK: usize = 256;

/// What an envelope holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Record(Kind),
    Blob(Kind),
    DataKey,
    /// The last of an exported file.
    End,
}

impl Content {
    fn code(self) -> u8 {
        match self {
            Content::Record(kind) => kind.code(),
            Content::DataKey => 0x40,
            Content::End => 0x41,
            Content::Blob(kind) => 0x80 | kind.code(),
        }
    }
}

/// Where an envelope lies. It opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) vault: VaultId,
    pub(super) id: RecordId,
    pub(super) content: Content,
    /// Milliseconds since 1970.
    pub(super) time: u64,
}

impl Place {
    fn aad(&self, key: u32) -> Vec<u8> {
        let Place { vault, id, content, time } = self;
        let key = key.to_le_bytes();
        [&[FORMAT][..], &vault.0, &id.0, &key, &[content.code()], &time.to_le_bytes()].concat()
    }
}

/// The parts of an envelope, its content still sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The id of the data key that sealed it.
    pub key: u32,
    nonce: &'a [u8; NONCE],
    sealed: &'a [u8],
    tag: &'a [u8; TAG],
}

impl<'a> Envelope<'a> {
    /// Takes an envelope apart. That says nothing of its content: only its key can.
    ///
    /// # Errors
    /// [`ErrorKind::RecordDamaged`]; [`ErrorKind::SchemaTooNew`] for another version of the format.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader(bytes);
        let parts = (|| {
            let format = reader.u8()?;
            if format != FORMAT {
                return Some(Err(format));
            }
            let key = reader.u32()?;
            let nonce = reader.take(NONCE)?.try_into().ok()?;
            let (sealed, tag) = reader.0.split_last_chunk::<TAG>()?;
            Some(Ok(Envelope { key, nonce, sealed, tag }))
        })();
        match parts {
            Some(Ok(envelope)) => Ok(envelope),
            Some(Err(format)) if format > FORMAT => {
                let message =
                    format!("sealed in the format {format}, which this version does not know: update the app");
                Err(Error::new(ErrorKind::SchemaTooNew, message))
            }
            _ => Err(damaged()),
        }
    }

    pub(super) fn open(&self, cipher: &Aes256Gcm, place: &Place) -> Result<Zeroizing<Vec<u8>>> {
        let mut plain = Zeroizing::new(self.sealed.to_vec());
        if cfg!(feature = "unsealed") {
            return Ok(plain);
        }
        let tag = Tag::from(*self.tag);
        cipher
            .decrypt_inout_detached(self.nonce.into(), &place.aad(self.key), plain.as_mut_slice().into(), &tag)
            .map_err(|_| damaged())?;
        Ok(plain)
    }
}

/// Seals `plain` under the key of that id. A nonce is never used twice with a key.
pub(super) fn seal(cipher: &Aes256Gcm, key: u32, nonce: [u8; NONCE], place: &Place, plain: &[u8]) -> Result<Vec<u8>> {
    // At once as long as it will be, so that no copy of the content is left behind.
    let mut sealed = Vec::with_capacity(HEAD + plain.len() + TAG);
    sealed.push(FORMAT);
    sealed.extend(key.to_le_bytes());
    sealed.extend(nonce);
    sealed.extend(plain);
    if cfg!(feature = "unsealed") {
        sealed.extend([0; TAG]);
        return Ok(sealed);
    }
    let tag = cipher
        .encrypt_inout_detached(&nonce.into(), &place.aad(key), (&mut sealed[HEAD..]).into())
        .map_err(|_| Error::new(ErrorKind::InvalidArgument, "too long to be sealed"))?;
    sealed.extend(tag);
    Ok(sealed)
}

/// `bytes` with their length before and zeros behind.
pub(super) fn pad(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = (4 + bytes.len()).next_multiple_of(BLOCK);
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    super::codec::put(&mut padded, bytes);
    padded.resize(length, 0);
    padded
}

pub(super) fn unpad(padded: &[u8]) -> Result<&[u8]> {
    Reader(padded).bytes().ok_or_else(damaged)
}

fn damaged() -> Error {
    let message = "it is damaged, or was sealed in another place: it cannot be opened. `delete` removes it";
    Error::new(ErrorKind::RecordDamaged, message)
}
