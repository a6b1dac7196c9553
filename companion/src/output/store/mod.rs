//! Where models are published: a local folder, or a bucket of an S3-style service. Paths are relative to the models
//! folder, with `/` between their parts.

#[cfg(feature = "s3")]
mod lease;
pub mod local;
#[cfg(feature = "s3")]
mod objects;
#[cfg(feature = "s3")]
mod s3;

use std::path::Path;

use jicho::ErrorKind;
use jicho::manifest::FileEntry;

use crate::digest::sha256;
use crate::error::{Error, Result};

/// A models folder, wherever it is.
pub trait Store {
    /// The full path, for messages.
    fn show(&self, path: &str) -> String;

    /// A file's bytes; `None` where it does not exist.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.current(path)?.map(|current| current.bytes))
    }

    /// A file's bytes together with the tag of this version of it.
    fn current(&self, path: &str) -> Result<Option<Current>>;

    /// Writes a file durably and atomically: no reader sees half of it.
    fn write(&self, path: &str, bytes: &[u8]) -> Result<()>;

    /// Replaces a file on the condition that it is still what was read before (`None`: it did not exist), as far as the store
    /// can check that.
    fn replace(&self, path: &str, bytes: &[u8], before: Option<&Current>) -> Result<()>;

    /// Removes a file. One that does not exist is no error.
    fn remove(&self, path: &str) -> Result<()>;

    /// Removes a folder and all that is in it. One that does not exist is no error.
    fn remove_folder(&self, folder: &str) -> Result<()>;

    /// The entries of a folder, sorted by name, without files that are being written; empty where it does not exist.
    fn list(&self, folder: &str) -> Result<Vec<Entry>>;

    /// Whether a folder of thousands of entries may be listed for a check that could be left out. In a bucket that would make
    /// the cost of a publication grow with the number of channels.
    fn is_listing_cheap(&self) -> bool {
        true
    }

    /// Whether a folder holds nothing or does not exist, found without reading all of it.
    fn is_empty(&self, folder: &str) -> Result<bool>;

    /// Waits until no other publisher works on these models, and keeps others out until the lock is dropped.
    fn lock(&self) -> Result<Box<dyn Lock + '_>>;

    /// Checks that something can be written, before hours of work are spent.
    fn check_writable(&self) -> Result<()>;
}

/// The publisher's lock.
pub trait Lock {
    /// Must be called before each step that cannot be undone.
    ///
    /// # Errors
    /// The lock was lost to another publisher.
    fn check(&self) -> Result<()>;

    /// Removes files that killed publishers left half-written. Nobody else writes while the lock is held.
    fn sweep(&self) -> Result<()>;
}

/// A file's content when it was read.
pub struct Current {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// A tag that changes with every write, if the store has tags.
    #[cfg_attr(not(feature = "s3"), expect(dead_code))]
    pub tag: Option<String>,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, without the folder's path.
    pub name: String,
    /// Whether it is a folder itself.
    pub folder: bool,
    /// A file's length.
    pub bytes: u64,
}

/// Explains on stderr why the program waits.
fn waiting(lock: &str) {
    eprintln!("another publisher holds {lock}: waiting for it");
}

/// The store of a models folder, or of `s3://bucket/prefix`.
///
/// # Errors
/// `STORE`: an address or a configuration that cannot be used.
pub fn open(models: &Path) -> Result<Box<dyn Store>> {
    match models.to_str().and_then(|m| m.strip_prefix("s3://")) {
        None => Ok(Box::new(local::Folder::new(models))),
        #[cfg(feature = "s3")]
        Some(address) => Ok(Box::new(s3::Bucket::open(address)?)),
        #[cfg(not(feature = "s3"))]
        Some(_) => Err(Error::Store("this build of jicho has no S3: build it with the cargo feature `s3`".into())),
    }
}

/// The store that holds a channel's folder (`…/ml-models/T_1`), and the channel's id.
///
/// # Errors
/// A local folder that does not exist.
pub fn channel(folder: &Path) -> Result<(Box<dyn Store>, String)> {
    let unusable = |why: &str| {
        let folder = folder.display();
        Error::NotFound(format!("{folder}: {why}; give the folder of a published channel, as ml-models/T_1"))
    };
    if let Some(address) = folder.to_str().filter(|f| f.starts_with("s3://")) {
        let parts = address.trim_end_matches('/').rsplit_once('/').filter(|(models, _)| models.len() > "s3://".len());
        let (models, channel) = parts.ok_or_else(|| unusable("there is no channel"))?;
        return Ok((open(Path::new(models))?, channel.to_owned()));
    }
    let path = folder.canonicalize().map_err(|e| unusable(&e.to_string()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((Box::new(local::Folder::new(path.parent().unwrap_or(Path::new("/")))), name))
}

/// The verified bytes of a file of a release.
///
/// # Errors
/// I/O errors, `SIZE_MISMATCH`, `HASH_MISMATCH`.
pub fn read_file(store: &dyn Store, file: &FileEntry) -> Result<Vec<u8>> {
    let path = store.show(&file.url);
    let Some(bytes) = store.read(&file.url)? else {
        let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "a file of the release is missing");
        return Err(crate::error::at(path)(missing));
    };
    if bytes.len() as u64 != file.bytes {
        let message = format!("{path} has {} bytes, metadata.json says {}", bytes.len(), file.bytes);
        return Err(jicho::Error::new(ErrorKind::SizeMismatch, message).into());
    }
    if sha256(&bytes) != file.sha256 {
        let message = format!("{path} is damaged: its SHA-256 is not that of metadata.json; publish again");
        return Err(jicho::Error::new(ErrorKind::HashMismatch, message).into());
    }
    Ok(bytes)
}
