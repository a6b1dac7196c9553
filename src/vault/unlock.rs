//! From what the app unlocks with to the wrapping key.

use super::device::{Device, random, secret};
use super::header::{Header, Lock};
use super::ids::VaultId;
use super::keys::WrappingKey;
use super::passphrase::{Cost, Passphrase};
use super::store::{KeyChange, Store};
use crate::error::{Error, ErrorKind, Result};

/// What unlocks a vault.
#[derive(Clone, Copy)]
pub enum Unlock<'a> {
    /// Argon2id makes the key of it.
    Passphrase(&'a Passphrase),
    /// 32 bytes with no pattern that the app keeps elsewhere: a backend, `WebAuthn`'s PRF.
    Key(&'a [u8; 32]),
    /// The device's own key: whoever runs the app on this device opens the vault.
    Device,
}

/// A lock that was just made, and what must be committed with the header that has it.
#[derive(Clone)]
pub(super) struct NewLock {
    pub(super) lock: Lock,
    pub(super) device_key: KeyChange,
}

impl Unlock<'_> {
    /// Opens the lock of the vault of that name.
    pub(super) async fn open(
        self,
        header: &Header,
        name: &str,
        store: &impl Store,
        device: &impl Device,
    ) -> Result<WrappingKey> {
        let key = match (self, &header.lock) {
            (Unlock::Passphrase(passphrase), lock @ Lock::Passphrase { .. }) => {
                return open_by_passphrase(header, lock, passphrase);
            }
            (Unlock::Key(key), Lock::Key) => WrappingKey::derive(header.vault, key)?,
            (Unlock::Device, Lock::Device { sealed }) => {
                let gone =
                    || Error::new(ErrorKind::KeyMissing, "this device's key for the vault is gone, or never was here");
                let key = store.device_key(name).await?.ok_or_else(gone)?;
                WrappingKey::derive(header.vault, &*device.open(&key, name, sealed).await?)?
            }
            _ => return Err(header.lock.wrong()),
        };
        if key.check == header.check { Ok(key) } else { Err(header.lock.wrong()) }
    }

    /// Makes a lock that it opens. `cost`: of a guess at a passphrase; measured on the device where there is none.
    pub(super) async fn lock(
        self,
        vault: VaultId,
        name: &str,
        device: &impl Device,
        cost: Option<Cost>,
    ) -> Result<(NewLock, WrappingKey)> {
        let without_key = |lock| NewLock { lock, device_key: KeyChange::Delete };
        Ok(match self {
            Unlock::Passphrase(passphrase) => {
                let (lock, wrapping) = lock_by_passphrase(vault, passphrase, device, cost)?;
                (without_key(lock), wrapping)
            }
            Unlock::Key(key) => (without_key(Lock::Key), WrappingKey::derive(vault, key)?),
            Unlock::Device => {
                let (secret, key) = (secret(device)?, device.make_key().await?);
                let sealed = device.seal(&key, name, &secret).await?;
                let lock = NewLock { lock: Lock::Device { sealed }, device_key: KeyChange::Put(key) };
                (lock, WrappingKey::derive(vault, &secret)?)
            }
        })
    }
}

/// Opens the lock of a vault or of an exported file.
pub(super) fn open_by_passphrase(header: &Header, lock: &Lock, passphrase: &Passphrase) -> Result<WrappingKey> {
    let Lock::Passphrase { salt, cost } = lock else { return Err(lock.wrong()) };
    let key = WrappingKey::derive(header.vault, &*cost.derive(passphrase, salt)?)?;
    if key.check == header.check { Ok(key) } else { Err(lock.wrong()) }
}

/// Makes the lock of a vault or of an exported file.
pub(super) fn lock_by_passphrase(
    vault: VaultId,
    passphrase: &Passphrase,
    device: &impl Device,
    cost: Option<Cost>,
) -> Result<(Lock, WrappingKey)> {
    passphrase.check_strength()?;
    let cost = cost.map_or_else(|| Cost::calibrate(|| device.now()), Ok)?;
    if !cost.is_sound() {
        let message = format!("Argon2id with {} KiB and {} passes", cost.memory, cost.passes);
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    let salt = random(device)?;
    let key = WrappingKey::derive(vault, &*cost.derive(passphrase, &salt)?)?;
    Ok((Lock::Passphrase { salt, cost }, key))
}
