//! Passphrases: how strong one must be to lock a vault, and what a guess costs.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Estimated bits below which a passphrase would be guessed too soon by whoever has the device.
const MINIMUM_BITS: f64 = 40.0;
/// Words that are guessed first, in lower case and without the digits and signs around them.
const COMMON: [&str; 20] = [
    "password",
    "passwort",
    "passphrase",
    "qwerty",
    "qwertyuiop",
    "azerty",
    "letmein",
    "welcome",
    "iloveyou",
    "admin",
    "administrator",
    "jicho",
    "karibu",
    "secret",
    "monkey",
    "dragon",
    "football",
    "princess",
    "sunshine",
    "changeme",
];

/// A passphrase, overwritten when dropped. Who types it in gives it normalised (NFKC), or another keyboard may not open the
/// vault.
#[derive(Clone)]
pub struct Passphrase {
    text: Zeroizing<String>,
    insisted: bool,
}

impl Passphrase {
    /// One that opens whatever it locked, and locks where it is of an estimated 40 bits and more: 8 characters of mixed
    /// kinds, 9 letters or 13 digits that are no sequence and no common word.
    ///
    /// # Errors
    /// [`ErrorKind::WeakPassphrase`] for an empty one.
    pub fn new(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::new(ErrorKind::WeakPassphrase, "the passphrase is empty"));
        }
        Ok(Passphrase { text: Zeroizing::new(text.to_owned()), insisted: false })
    }

    /// One that locks however weak it is, a PIN too: who has the device then finds it in minutes.
    ///
    /// # Errors
    /// As [`Passphrase::new`].
    pub fn insisted(text: &str) -> Result<Self> {
        Ok(Passphrase { insisted: true, ..Self::new(text)? })
    }

    /// Whether it may lock something.
    pub(super) fn check_strength(&self) -> Result<()> {
        let bits = strength(&self.text);
        if self.insisted || bits >= MINIMUM_BITS {
            return Ok(());
        }
        let message = format!(
            "the passphrase is too weak (about {bits:.0} bits of {MINIMUM_BITS}): take some words more, or mix letters and \
             digits"
        );
        Err(Error::new(ErrorKind::WeakPassphrase, message))
    }
}

type Kind = fn(char) -> bool;

/// Bits that guessing takes at most, by the kinds of characters. One that goes on as the two before it did (`aaa`, `345`)
/// counts nothing, a common word as much as a place in a list.
fn strength(text: &str) -> f64 {
    // Without a copy, which would stay in memory.
    let word = text.trim_matches(|c: char| !c.is_alphabetic());
    let is_word = |common: &str| word.chars().flat_map(char::to_lowercase).eq(common.chars());
    let codes = || text.chars().map(|c| i64::from(u32::from(c)));
    let follows = |((a, b), c): &((i64, i64), i64)| b - a == c - b && (b - a).abs() <= 1;
    let following = codes().zip(codes().skip(1)).zip(codes().skip(2)).filter(follows).count();
    let mut counted = (codes().count() - following) as f64;
    let mut bits = 0.0;
    if COMMON.iter().any(|common| is_word(common)) {
        bits = 10.0;
        counted -= word.chars().count() as f64;
    }
    let kinds: [(Kind, f64); 5] = [
        (|c| c.is_ascii_digit(), 10.0),
        (|c| c.is_ascii_lowercase(), 26.0),
        (|c| c.is_ascii_uppercase(), 26.0),
        (|c| c.is_ascii() && !c.is_ascii_alphanumeric(), 33.0),
        (|c| !c.is_ascii(), 100.0),
    ];
    let alphabet: f64 = kinds.iter().filter(|(is, _)| text.chars().any(is)).map(|(_, size)| size).sum();
    bits + counted.max(0.0) * alphabet.max(1.0).log2()
}

/// What Argon2id costs (version 1.3, one lane). It is kept with the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// OWASP's parameters; nothing below is ever used, however long it takes.
    pub const MINIMUM: Cost = Cost { memory: 19 * 1024, passes: 2 };
    /// More is refused: the header of a vault or a file, which anybody may have written, is not trusted with the device's
    /// time, nor with its memory, which a browser's tab never gives back.
    pub const MAXIMUM: Cost = Cost { memory: 64 * 1024, passes: 64 };

    /// Whether it is within the bounds.
    #[must_use]
    pub fn is_sound(self) -> bool {
        (Self::MINIMUM.memory..=Self::MAXIMUM.memory).contains(&self.memory)
            && (Self::MINIMUM.passes..=Self::MAXIMUM.passes).contains(&self.passes)
    }

    /// The cost that takes about a second where [`Cost::MINIMUM`] takes `measured` milliseconds: first more memory, which
    /// hurts a guesser most, then more passes.
    #[must_use]
    pub fn for_a_second(measured: u64) -> Cost {
        let Cost { memory, passes } = Self::MINIMUM;
        let times = 1000 / measured.max(1);
        let wanted = u64::from(memory) * times;
        let memory = wanted.clamp(memory.into(), Self::MAXIMUM.memory.into()) as u32;
        let passes = u64::from(passes) * wanted / u64::from(memory);
        Cost { memory, passes: passes.clamp(Self::MINIMUM.passes.into(), Self::MAXIMUM.passes.into()) as u32 }
    }

    /// Measures this device by a clock of milliseconds.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where there is not enough memory.
    pub fn calibrate(now: impl Fn() -> u64) -> Result<Cost> {
        let passphrase = Passphrase::insisted("calibration")?;
        let mut measured = 0;
        // The clock may be set meanwhile, but hardly twice; what it takes too long for is taken from every opening.
        for _ in 0..2 {
            let begun = now();
            Self::MINIMUM.derive(&passphrase, &[0; 16])?;
            measured = measured.max(now().saturating_sub(begun));
        }
        Ok(Self::for_a_second(measured))
    }

    pub(super) fn derive(self, passphrase: &Passphrase, salt: &[u8; 16]) -> Result<Secret> {
        let internal = |error| Error::new(ErrorKind::Internal, format!("Argon2id: {error}"));
        let params = Params::new(self.memory, self.passes, 1, Some(32)).map_err(internal)?;
        let count = params.block_count();
        let mut blocks = Vec::new();
        if blocks.try_reserve_exact(count).is_err() {
            let message = format!("there are no {} KiB of memory for Argon2id on this device", self.memory);
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        blocks.resize(count, Block::default());
        let mut secret = Secret::default();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let derived =
            argon2.hash_password_into_with_memory(passphrase.text.as_bytes(), salt, &mut *secret, &mut blocks);
        blocks.iter_mut().for_each(Zeroize::zeroize);
        derived.map_err(internal)?;
        Ok(secret)
    }
}
