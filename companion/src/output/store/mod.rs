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

/// What one write or listing sees of a models folder.
pub trait Store {
    /// The whole path, for people.
    fn show(&self, path: &str) -> String;

    /// A file's bytes; none where it does not exist.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.current(path)?.map(|current| current.bytes))
    }

    /// The same, and what tells this state of the file from others.
    fn current(&self, path: &str) -> Result<Option<Current>>;

    /// Writes a file, durably and as a whole: nobody sees half of it.
    fn write(&self, path: &str, bytes: &[u8]) -> Result<()>;

    /// Writes a file if it is still as it was read (none: did not exist), as far as the store can tell.
    fn replace(&self, path: &str, bytes: &[u8], before: Option<&Current>) -> Result<()>;

    /// Removes a file. One that does not exist is no error.
    fn remove(&self, path: &str) -> Result<()>;

    /// Removes a folder and all that is in it. One that does not exist is no error.
    fn remove_folder(&self, folder: &str) -> Result<()>;

    /// What a folder holds, sorted by name, without what is being written; nothing where it does not exist.
    fn list(&self, folder: &str) -> Result<Vec<Entry>>;

    /// Whether a folder holds nothing or does not exist, found without reading all of it.
    fn is_empty(&self, folder: &str) -> Result<bool>;

    /// Waits until no other publisher works on these models, and keeps them away until the answer is dropped.
    fn lock(&self) -> Result<Box<dyn Lock + '_>>;

    /// Checks that something can be written, before hours of work are spent.
    fn check_writable(&self) -> Result<()>;
}

/// Held by the one publisher.
pub trait Lock {
    /// Asked before the steps that cannot be taken back.
    ///
    /// # Errors
    /// When the lock was lost to another publisher.
    fn check(&self) -> Result<()>;

    /// Removes what killed publishers left half-written: while the lock is held nobody else writes.
    fn sweep(&self) -> Result<()>;
}

/// A file as it was read.
pub struct Current {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// What changes whenever it is written, if the store has that.
    #[cfg_attr(not(feature = "s3"), expect(dead_code))]
    pub tag: Option<String>,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Without the folder.
    pub name: String,
    /// Whether it is a folder itself.
    pub folder: bool,
    /// A file's length.
    pub bytes: u64,
}

/// Says on stderr why nothing goes on.
fn waiting(lock: &str) {
    eprintln!("another publisher holds {lock}: waiting for it");
}

/// The store of a models folder, or of `s3://bucket/prefix`.
///
/// # Errors
/// An address or a configuration that cannot be used.
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
