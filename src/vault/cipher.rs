//! A secret key in the forms that AES-256-GCM takes it in.

use aes_gcm::{Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

/// 32 bytes that are overwritten when dropped.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// A key, both expanded for this crate's AES and as the bytes that a browser's AES takes.
pub(super) struct CipherKey {
    pub(super) cipher: Aes256Gcm,
    pub(super) secret: Secret,
}

impl CipherKey {
    pub(super) fn new(secret: Secret) -> Self {
        CipherKey { cipher: Aes256Gcm::new((&*secret).into()), secret }
    }
}
