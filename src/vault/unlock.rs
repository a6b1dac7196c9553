//! From what the app unlocks with to the wrapping key.

use super::device::{Device, random, secret};
use super::header::{Header, Lock};
use super::ids::VaultId;
use super::keys::WrappingKey;
use super::passphrase::{Cost, Passphrase};
use crate::error::{Error, ErrorKind, Result};

/// What unlocks a vault.
#[derive(Clone, Copy)]
pub enum Unlock<'a> {
    /// Argon2id makes the key of it.
    Passphrase(&'a Passphrase),
    /// 32 bytes with no pattern that the app keeps elsewhere: a backend, WebAuthn's PRF.
    Key(&'a [u8; 32]),
    /// The device's own key: whoever runs the app on this device opens the vault.
    Device,
}

impl Unlock<'_> {
    /// Opens a lock.
    pub(super) async fn open(self, header: &Header, name: &str, device: &impl Device) -> Result<WrappingKey> {
        let key = match (self, &header.lock) {
            (Unlock::Passphrase(passphrase), Lock::Passphrase { salt, cost }) => {
                WrappingKey::derive(header.vault, &*cost.derive(passphrase, salt)?)?
            }
            (Unlock::Key(key), Lock::Key) => WrappingKey::derive(header.vault, key)?,
            (Unlock::Device, Lock::Device { sealed }) => {
                WrappingKey::derive(header.vault, &*device.open(name, sealed).await?)?
            }
            _ => return Err(header.lock.wrong()),
        };
        if key.check == header.check { Ok(key) } else { Err(header.lock.wrong()) }
    }

    /// Makes a lock that it opens. `cost`: of a passphrase's guesses; without it, it is measured.
    pub(super) async fn lock(
        self,
        vault: VaultId,
        name: &str,
        device: &impl Device,
        cost: Option<Cost>,
    ) -> Result<(Lock, WrappingKey)> {
        Ok(match self {
            Unlock::Passphrase(passphrase) => {
                passphrase.check_strength()?;
                let cost = cost.map_or_else(|| Cost::calibrate(|| device.now()), Ok)?;
                if !cost.is_sound() {
                    let message = format!("Argon2id with {} KiB and {} passes", cost.memory, cost.passes);
                    return Err(Error::new(ErrorKind::InvalidArgument, message));
                }
                let salt = random(device)?;
                let key = WrappingKey::derive(vault, &*cost.derive(passphrase, &salt)?)?;
                (Lock::Passphrase { salt, cost }, key)
            }
            Unlock::Key(key) => (Lock::Key, WrappingKey::derive(vault, key)?),
            Unlock::Device => {
                let secret = secret(device)?;
                let sealed = device.seal(name, &secret).await?;
                (Lock::Device { sealed }, WrappingKey::derive(vault, &secret)?)
            }
        })
    }
}
