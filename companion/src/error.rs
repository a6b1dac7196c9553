//! The companion's errors. Each has a stable code, names what is wrong, and says what to do.

use std::path::{Path, PathBuf};

/// A failure of a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An error of the library: a model, manifest, frame or channel id that is not valid.
    #[error("{0}")]
    Library(#[from] jicho::Error),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something that the user named does not exist; the text says what to name instead.
    #[error("{0}")]
    NotFound(String),
    /// No photo can be used to train or evaluate.
    #[error("{0}")]
    NoPhotos(String),
    /// Two folders have the same product id.
    #[error(
        "product `{id}` has photos in two folders, {} and {}: the folder's name is the product id, so rename one",
        first.display(), second.display()
    )]
    DuplicateProduct {
        /// The product id.
        id: String,
        /// The first folder.
        first: PathBuf,
        /// The second folder.
        second: PathBuf,
    },
    /// It is not known how the network takes its pixels; the text names the flags that tell it.
    #[error("{0}")]
    PixelsUnknown(String),
    /// The network cannot serve as a backbone.
    #[error("{0}")]
    NotABackbone(String),
    /// A backbone's name is not known, or its download failed.
    #[error("{0}")]
    Backbone(String),
    /// Options or files of the user that cannot be used.
    #[error("{0}")]
    BadInput(String),
    /// The channel is signed, and there is no key to sign with.
    #[error("{0}")]
    Unsigned(String),
    /// The store of the models cannot be used.
    #[error("{0}")]
    Store(String),
    /// Another publisher holds the models folder or was faster.
    #[cfg_attr(not(feature = "s3"), expect(dead_code))]
    #[error("{0}")]
    Locked(String),
    /// The network cannot be compiled to a plan.
    #[error("{0}")]
    Compile(#[from] crate::model::compile::CompileError),
    /// A network of somebody else that needs more memory or time than it is given.
    #[error("{0}")]
    NetworkLimit(String),
    /// What the process that reads a foreign network found; see [`Error::isolated`].
    #[error("{message}")]
    Isolated {
        /// The stable code of the error there.
        code: &'static str,
        /// What it says.
        message: String,
    },
    /// The web server cannot start or was stopped.
    #[error("{0}")]
    Serve(String),
    /// A value of the companion's own that JSON cannot hold.
    #[error("a value cannot be written as JSON ({0}); this is a defect of jicho, please report it")]
    Json(#[source] serde_json::Error),
    /// A defect of the companion itself; the text says where.
    #[error("this is a defect of jicho, please report it with the command that you ran: {0}")]
    Defect(String),
    /// An error together with what caused it, for [`std::error::Error::source`]. Its text is that of the error alone.
    #[error("{error}")]
    Caused {
        /// The error.
        error: Box<Error>,
        /// What caused it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// `std::result::Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The same error with its cause: `map_err(|e| Error::BadInput(format!("…: {e}")).caused_by(e))`.
    pub fn caused_by(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Caused { error: Box::new(self), source: source.into() }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Library(error) => error.code(),
            Error::Io { .. } => "IO",
            Error::NotFound(_) => "NOT_FOUND",
            Error::NoPhotos(_) => "NO_PHOTOS",
            Error::DuplicateProduct { .. } => "DUPLICATE_PRODUCT",
            Error::PixelsUnknown(_) => "PIXELS_UNKNOWN",
            Error::NotABackbone(_) => "NOT_A_BACKBONE",
            Error::Backbone(_) => "BACKBONE",
            Error::BadInput(_) => "BAD_INPUT",
            Error::Unsigned(_) => "UNSIGNED",
            Error::Store(_) => "STORE",
            Error::Locked(_) => "LOCKED",
            Error::Compile(error) => error.code(),
            Error::NetworkLimit(_) => "NETWORK_LIMIT",
            Error::Isolated { code, .. } => code,
            Error::Serve(_) => "SERVE",
            Error::Json(_) | Error::Defect(_) => "INTERNAL",
            Error::Caused { error, .. } => error.code(),
        }
    }

    /// The error that a child process reports by its code and message.
    pub fn isolated(code: &str, message: String) -> Error {
        const CODES: [&str; 10] = [
            "INVALID_MODEL",
            "IO",
            "NOT_FOUND",
            "PIXELS_UNKNOWN",
            "NOT_A_BACKBONE",
            "BACKBONE",
            "BAD_INPUT",
            "UNSUPPORTED_STEP",
            "NETWORK_LIMIT",
            "INVALID_FRAME",
        ];
        let code = CODES.into_iter().find(|known| *known == code).unwrap_or("INTERNAL");
        Error::Isolated { code, message }
    }
}

/// Names the path in an I/O error: `read(path).map_err(at(path))`.
pub fn at(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io { path: path.as_ref().to_owned(), source }
}
