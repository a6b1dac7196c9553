//! What a vault asks of the device besides storage.

use std::any::Any;
use std::rc::Rc;

use zeroize::Zeroizing;

use crate::error::Result;

/// A key of the device's own, as its [`Device`] made it and a [`super::Store`] keeps it. Neither can read its bytes.
pub type DeviceKey = Rc<dyn Any>;

/// Time, randomness, and a key that never leaves the device. The futures need not be `Send`.
#[expect(async_fn_in_trait, reason = "a browser has one thread, and nothing here spawns")]
pub trait Device {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// Fills `bytes` from a generator fit for keys.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] where there is none.
    fn random(&self, bytes: &mut [u8]) -> Result<()>;

    /// Makes a key for one lock. It is kept nowhere until a store commits it together with the header that needs it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] where the browser cannot keep such a key, found out by storing it for a moment,
    /// reading it back and opening with it.
    async fn make_key(&self) -> Result<DeviceKey>;

    /// Seals `secret` under a key of the device's for the vault of that name; 1 KiB at most.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] where the platform cannot.
    async fn seal(&self, key: &DeviceKey, vault: &str, secret: &[u8; 32]) -> Result<Vec<u8>>;

    /// Opens what [`Device::seal`] sealed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WrongKey`] where another key sealed it.
    async fn open(&self, key: &DeviceKey, vault: &str, sealed: &[u8]) -> Result<Zeroizing<[u8; 32]>>;

    /// Seals by AES-256-GCM of the platform's own, which is the faster one for what is long: what was sealed and its tag.
    /// `None` leaves it to this crate.
    async fn encrypt(&self, _with: &AesGcm<'_>, _plain: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Opens what was sealed and its tag. `None`, of what does not open too, leaves it to this crate.
    async fn decrypt(&self, _with: &AesGcm<'_>, _sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        None
    }
}

/// What AES-256-GCM takes beside the content.
pub struct AesGcm<'a> {
    /// The key.
    pub key: &'a [u8; 32],
    /// Never used twice with a key.
    pub nonce: &'a [u8; 12],
    /// Authenticated with the content.
    pub aad: &'a [u8],
}

/// `N` random bytes.
pub(super) fn random<const N: usize>(device: &impl Device) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    device.random(&mut bytes)?;
    Ok(bytes)
}

/// A random secret.
pub(super) fn secret(device: &impl Device) -> Result<Zeroizing<[u8; 32]>> {
    let mut secret = Zeroizing::new([0; 32]);
    device.random(&mut *secret)?;
    Ok(secret)
}
