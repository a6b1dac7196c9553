//! The one error type. Each kind has one stable code, which is also the `code` of the JavaScript error.
//!
//! ```
//! use jicho::{ErrorKind, Frame};
//!
//! let error = Frame::new(2, 2, &[0; 3]).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::InvalidFrame);
//! assert_eq!(error.code(), "INVALID_FRAME");
//! assert!(error.message().contains("2x2"));
//! ```

use std::fmt;

macro_rules! error_kinds {
    ($(#[doc = $doc:literal] $kind:ident => $code:literal,)+) => {
        /// What went wrong, by what the caller can do about it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind { $(#[doc = $doc] $kind,)+ }

        impl ErrorKind {
            /// Every kind, in declaration order.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$kind,)+];

            /// The stable code, `SCREAMING_SNAKE_CASE`; never changes once released.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(ErrorKind::$kind => $code,)+ }
            }

            /// What the doc comment of the kind says, for the generated list of codes.
            #[cfg(test)]
            pub(crate) fn meaning(self) -> &'static str {
                match self { $(ErrorKind::$kind => $doc.trim_ascii(),)+ }
            }
        }
    };
}

error_kinds! {
    /// An argument has a wrong type, shape or range.
    InvalidArgument => "INVALID_ARGUMENT",
    /// The channel id cannot name a folder of the model store.
    InvalidChannel => "INVALID_CHANNEL",
    /// metadata.json is not what its schema says; many hosts answer with an HTML page instead of a 404.
    InvalidManifest => "INVALID_MANIFEST",
    /// metadata.json, a lesson or a vault has a newer format than this library reads: update the app.
    SchemaTooNew => "SCHEMA_TOO_NEW",
    /// The release asks for a newer version of this library: update the app.
    RuntimeTooOld => "RUNTIME_TOO_OLD",
    /// A network or head file cannot be read, or the network is not one from an image to a vector.
    InvalidModel => "INVALID_MODEL",
    /// The network needs the build with tract. The npm package loads that build by itself, so apps never see this code.
    NeedsTract => "NEEDS_TRACT",
    /// A file's bytes are not those that metadata.json names.
    HashMismatch => "HASH_MISMATCH",
    /// A file has another length than metadata.json says, as after an incomplete upload.
    SizeMismatch => "SIZE_MISMATCH",
    /// metadata.json lacks a signature by one of the keys that the app trusts, or has a wrong one.
    BadSignature => "BAD_SIGNATURE",
    /// The model does not reproduce its published answer to the golden frame on this device.
    GoldenMismatch => "GOLDEN_MISMATCH",
    /// Recognition was asked for before any model arrived: sync first.
    NoModel => "NO_MODEL",
    /// The picture cannot be used: no pixels, too many, a wrong length, or not decodable.
    InvalidFrame => "INVALID_FRAME",
    /// This browser, or this kind of page, lacks something that is needed.
    Unsupported => "UNSUPPORTED",
    /// The device's storage failed or is full.
    Storage => "STORAGE",
    /// The passphrase or key given does not unlock the vault or the exported file.
    WrongKey => "WRONG_KEY",
    /// A key that is needed is gone: the device's own, or the one that a record was encrypted with.
    KeyMissing => "KEY_MISSING",
    /// The passphrase could be guessed too easily.
    WeakPassphrase => "WEAK_PASSPHRASE",
    /// The vault's header or keys are damaged, so nothing in it can be opened.
    VaultDamaged => "VAULT_DAMAGED",
    /// The vault was closed, destroyed or locked with another key, perhaps by another tab.
    VaultClosed => "VAULT_CLOSED",
    /// A record is damaged, or was moved to where it does not belong. Other records are not affected.
    RecordDamaged => "RECORD_DAMAGED",
    /// The queue of sales is full: the new sale was not added, and none was dropped.
    QueueFull => "QUEUE_FULL",
    /// The file is not an exported vault, or is cut short or damaged.
    InvalidExport => "INVALID_EXPORT",
    /// The model has no features by which a product could be taught.
    NotTeachable => "NOT_TEACHABLE",
    /// A limit of what may be taught is reached: nothing was kept.
    LessonLimit => "LESSON_LIMIT",
    /// The data is not a lesson, or is damaged.
    InvalidLesson => "INVALID_LESSON",
    /// The recognition is too long ago to be corrected: its picture is gone.
    RecognitionGone => "RECOGNITION_GONE",
    /// The release is from the future by this device's clock, which is probably wrong: set date and time.
    Clock => "CLOCK",
    /// There is no connection, or it broke.
    Network => "NETWORK",
    /// The host answered with an HTTP status that is no success. A 404 for a file of a release counts; a 404 for the channel's metadata.json does not: that is the outcome `absent`.
    HttpStatus => "HTTP_STATUS",
    /// The host asks for another access token (401), or refuses this one (403).
    Unauthorized => "UNAUTHORIZED",
    /// The caller aborted the call.
    Aborted => "ABORTED",
    /// A defect in Jicho itself.
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

    /// The message for people, without the code.
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
