//! The one error type. Each kind has one stable code, which is also the `code` of the JavaScript error.

use std::fmt;

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $kind:ident => $code:literal,)+) => {
        /// What went wrong, by what the caller can do about it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[$doc])* $kind,)+ }

        impl ErrorKind {
            /// Every kind, in declaration order.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$kind,)+];

            /// The stable code, `SCREAMING_SNAKE_CASE`; never changes once released.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(ErrorKind::$kind => $code,)+ }
            }
        }
    };
}

error_kinds! {
    /// An argument has a wrong type, shape or range.
    InvalidArgument => "INVALID_ARGUMENT",
    /// A channel id that cannot name a folder of the model store.
    InvalidChannel => "INVALID_CHANNEL",
    /// metadata.json is not what the schema says.
    InvalidManifest => "INVALID_MANIFEST",
    /// metadata.json, or a vault, has a schema this build does not know: update the app.
    SchemaTooNew => "SCHEMA_TOO_NEW",
    /// The release asks for a newer library: update the app.
    RuntimeTooOld => "RUNTIME_TOO_OLD",
    /// A network or head file that cannot be read, or is not an image network.
    InvalidModel => "INVALID_MODEL",
    /// The network needs the build with tract. The npm package loads that build by itself.
    NeedsTract => "NEEDS_TRACT",
    /// A file's bytes are not those that metadata.json names.
    HashMismatch => "HASH_MISMATCH",
    /// A file has another length than metadata.json says.
    SizeMismatch => "SIZE_MISMATCH",
    /// metadata.json lacks the signature that the app asks for, or has a wrong one.
    BadSignature => "BAD_SIGNATURE",
    /// The model does not reproduce its golden vector on this device.
    GoldenMismatch => "GOLDEN_MISMATCH",
    /// Recognition was asked for before any model arrived.
    NoModel => "NO_MODEL",
    /// The frame cannot be used: wrong length, no pixels, too many pixels.
    InvalidFrame => "INVALID_FRAME",
    /// This browser lacks something that is needed.
    Unsupported => "UNSUPPORTED",
    /// The device's storage failed or is full.
    Storage => "STORAGE",
    /// This does not unlock the vault or the exported file.
    WrongKey => "WRONG_KEY",
    /// A key that is needed is gone: the device's own, or the one that a record was sealed with.
    KeyMissing => "KEY_MISSING",
    /// The passphrase would be guessed too soon.
    WeakPassphrase => "WEAK_PASSPHRASE",
    /// What the vault is unlocked by is damaged, so nothing in it can be opened.
    VaultDamaged => "VAULT_DAMAGED",
    /// The vault was closed, destroyed or locked anew, perhaps by another tab.
    VaultClosed => "VAULT_CLOSED",
    /// A record is damaged, or was put where it does not belong. The others are not affected.
    RecordDamaged => "RECORD_DAMAGED",
    /// As many sales as may wait do so: nothing was dropped.
    QueueFull => "QUEUE_FULL",
    /// No exported vault, or one that is cut short or damaged.
    InvalidExport => "INVALID_EXPORT",
    /// The model has no features that a product could be taught by.
    NotTeachable => "NOT_TEACHABLE",
    /// More cannot be taught: nothing was kept.
    LessonLimit => "LESSON_LIMIT",
    /// No lesson, or one that is damaged.
    InvalidLesson => "INVALID_LESSON",
    /// A recognition that is too long ago to be corrected: its picture is gone.
    RecognitionGone => "RECOGNITION_GONE",
    /// The release is from the future by this device's clock, which is probably wrong: set date and time.
    Clock => "CLOCK",
    /// No connection, or it broke.
    Network => "NETWORK",
    /// The host answered with an HTTP status other than success; for metadata.json, other than 404 too.
    HttpStatus => "HTTP_STATUS",
    /// The host asks for another access token (401), or refuses this one (403).
    Unauthorized => "UNAUTHORIZED",
    /// The caller aborted.
    Aborted => "ABORTED",
    /// A defect in Jicho.
    Internal => "INTERNAL",
}

/// An [`ErrorKind`] with a message that names what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// `std::result::Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` with a message for people.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into() }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The message, without the code.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same error, with where it happened put before its message.
    #[must_use]
    pub fn context(self, what: impl fmt::Display) -> Self {
        Error { message: format!("{what}: {}", self.message), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_screaming_snake_case() {
        let mut codes: Vec<_> = ErrorKind::ALL.iter().map(|k| k.code()).collect();
        assert!(codes.iter().all(|c| c.chars().all(|ch| ch.is_ascii_uppercase() || ch == '_')));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
    }
}
