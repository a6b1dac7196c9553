//! What the companion's data sets use of the rest of it.

pub mod error {
    use std::path::{Path, PathBuf};

    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        #[error("{}: {source}", path.display())]
        Io { path: PathBuf, source: std::io::Error },
        #[error("{0}")]
        NotFound(String),
        #[error("{0}")]
        NoPhotos(String),
        #[error("{id}: {first:?} {second:?}")]
        DuplicateProduct { id: String, first: PathBuf, second: PathBuf },
        #[error("{0}")]
        BadInput(String),
    }

    impl Error {
        pub fn code(&self) -> &'static str {
            match self {
                Error::Io { .. } => "IO",
                Error::NotFound(_) => "NOT_FOUND",
                Error::NoPhotos(_) => "NO_PHOTOS",
                Error::DuplicateProduct { .. } => "DUPLICATE_PRODUCT",
                Error::BadInput(_) => "BAD_INPUT",
            }
        }
    }

    pub type Result<T, E = Error> = std::result::Result<T, E>;

    pub fn at(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io { path: path.as_ref().to_owned(), source }
    }
}

pub mod progress {
    #[derive(Clone, Copy)]
    pub struct Progress;

    impl Progress {
        pub fn note(self, _: &str) {}
        pub fn warn(self, _: &str) {}
        pub fn event(self, _: &serde_json::Value) {}
    }
}
