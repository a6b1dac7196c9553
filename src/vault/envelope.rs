//! The envelope that everything secret lies in (docs/formats/vault.md).

use aes_gcm::Tag;
use aes_gcm::aead::AeadInOut;
use zeroize::Zeroizing;

use super::cipher::CipherKey;
use super::device::{AesGcm, Device};
use super::ids::{RecordId, VaultId};
use super::kind::Kind;
use crate::codec::Reader;
use crate::error::{Error, ErrorKind, Result};

/// The version of the envelope's format, its first byte; one that no release opens where nothing is sealed.
pub const FORMAT: u8 = if cfg!(jicho_unsealed) { 0xff } else { 1 };
/// Bytes of a nonce.
pub(super) const NONCE: usize = 12;
/// What the format, the key's id and the nonce take.
const HEAD: usize = 1 + 4 + NONCE;
const TAG: usize = 16;
/// From this length on the browser's own AES is faster than this crate's, in spite of what a call costs (docs/benchmarks.md).
const LONG: usize = 2048;

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

/// Where an envelope belongs: it is authenticated with this, and opens nowhere else.
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
    /// And the tag behind it.
    sealed: &'a [u8],
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
            let sealed = Some(reader.0).filter(|sealed| sealed.len() >= TAG)?;
            Some(Ok(Envelope { key, nonce, sealed }))
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

    pub(super) fn open(&self, key: &CipherKey, place: &Place) -> Result<Zeroizing<Vec<u8>>> {
        let (sealed, tag) = self.sealed.split_last_chunk::<TAG>().ok_or_else(damaged)?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        if cfg!(jicho_unsealed) {
            return Ok(plain);
        }
        let content = plain.as_mut_slice().into();
        key.cipher
            .decrypt_inout_detached(self.nonce.into(), &place.aad(self.key), content, &Tag::from(*tag))
            .map_err(|_| damaged())?;
        Ok(plain)
    }

    /// As [`seal`], by the platform's own AES where that is faster.
    pub(super) async fn open_on(
        &self,
        device: &impl Device,
        key: &CipherKey,
        place: &Place,
    ) -> Result<Zeroizing<Vec<u8>>> {
        if self.sealed.len() >= LONG && !cfg!(jicho_unsealed) {
            let with = AesGcm { key: &key.secret, nonce: self.nonce, aad: &place.aad(self.key) };
            if let Some(plain) = device.decrypt(&with, self.sealed).await {
                return Ok(plain);
            }
        }
        self.open(key, place)
    }
}

/// Seals `plain` under the key of that id. A nonce is never used twice with a key.
pub(super) fn seal(key: &CipherKey, id: u32, nonce: [u8; NONCE], place: &Place, plain: &[u8]) -> Result<Vec<u8>> {
    // Allocated at its final length: growing would leave copies of the content in freed memory.
    let mut sealed = Vec::with_capacity(HEAD + plain.len() + TAG);
    sealed.extend(head(id, nonce));
    sealed.extend(plain);
    if cfg!(jicho_unsealed) {
        sealed.extend([0; TAG]);
        return Ok(sealed);
    }
    let tag = key
        .cipher
        .encrypt_inout_detached(&nonce.into(), &place.aad(id), (&mut sealed[HEAD..]).into())
        .map_err(|_| Error::new(ErrorKind::InvalidArgument, "too long to be sealed"))?;
    sealed.extend(tag);
    Ok(sealed)
}

/// As [`seal`], by the platform's own AES where that is faster.
pub(super) async fn seal_on(
    device: &impl Device,
    key: &CipherKey,
    id: u32,
    nonce: [u8; NONCE],
    place: &Place,
    plain: &[u8],
) -> Result<Vec<u8>> {
    if plain.len() >= LONG && !cfg!(jicho_unsealed) {
        let with = AesGcm { key: &key.secret, nonce: &nonce, aad: &place.aad(id) };
        if let Some(sealed) = device.encrypt(&with, plain).await.filter(|s| s.len() == plain.len() + TAG) {
            return Ok([&head(id, nonce)[..], &sealed].concat());
        }
    }
    seal(key, id, nonce, place, plain)
}

fn head(key: u32, nonce: [u8; NONCE]) -> [u8; HEAD] {
    let mut head = [FORMAT; HEAD];
    head[1..5].copy_from_slice(&key.to_le_bytes());
    head[5..].copy_from_slice(&nonce);
    head
}

fn damaged() -> Error {
    let message = "it is damaged, or was sealed in another place: it cannot be opened. `delete` removes it";
    Error::new(ErrorKind::RecordDamaged, message)
}
