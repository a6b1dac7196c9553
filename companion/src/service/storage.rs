//! The files of the data folder.
//!
//! ```text
//! jicho-data/
//!   jicho.db                         the database
//!   first-link                       the one-time link of the first start, until it is used
//!   channels/{channel}/photos/       photos, named by the SHA-256 of their bytes
//!   channels/{channel}/thumbnails/   their thumbnails
//!   channels/{channel}/{job}.jsonl   the photos that a training works on, in the order of their upload
//!   channels/{channel}/runs/{job}/   what else it works on
//!   reports/{channel}/{version}/     the report of a training, and its photos
//!   features/                        what the network says of photos, so that each is asked once
//!   audit/                           heads of sealed segments
//!   incoming/                        uploads that are under way
//! ```
//!
//! A file appears under its name only when it is whole: it is written to `incoming/`, synced, and renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Result, at};

/// The data folder.
#[derive(Debug, Clone)]
pub struct Storage {
    root: PathBuf,
}

impl Storage {
    /// Opens the folder and creates what is missing. Uploads that a process left unfinished are removed.
    ///
    /// # Errors
    /// `IO` where the folder cannot be written.
    pub fn open(root: &Path) -> Result<Storage> {
        let storage = Storage { root: root.to_owned() };
        for folder in [root.to_owned(), storage.channels(), storage.audit(), storage.incoming()] {
            fs::create_dir_all(&folder).map_err(at(&folder))?;
        }
        restrict(root).map_err(at(root))?;
        // The full path: a child process may have another current folder.
        let root = root.canonicalize().map_err(at(root))?;
        Ok(Storage { root })
    }

    /// The folder of a service, for a program that only reads it. Nothing is created.
    ///
    /// # Errors
    /// `IO` where it does not exist.
    pub fn at(root: &Path) -> Result<Storage> {
        Ok(Storage { root: root.canonicalize().map_err(at(root))? })
    }

    /// Removes uploads that a process left unfinished. Only for the process that serves the folder, before it does.
    ///
    /// # Errors
    /// `IO` where the folder cannot be read.
    pub fn clear_incoming(&self) -> Result<()> {
        let folder = self.incoming();
        for entry in fs::read_dir(&folder).map_err(at(&folder))? {
            let path = entry.map_err(at(&folder))?.path();
            fs::remove_file(&path).map_err(at(&path))?;
        }
        Ok(())
    }

    /// The data folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.root.join("jicho.db")
    }

    /// The link of the first start.
    pub fn first_link(&self) -> PathBuf {
        self.root.join("first-link")
    }

    /// All channels' folders.
    pub fn channels(&self) -> PathBuf {
        self.root.join("channels")
    }

    /// A channel's folder.
    pub fn channel(&self, id: &str) -> PathBuf {
        self.channels().join(id)
    }

    /// The photos of a channel.
    pub fn photos(&self, channel: &str) -> PathBuf {
        self.channel(channel).join("photos")
    }

    /// The thumbnails of a channel.
    pub fn thumbnails(&self, channel: &str) -> PathBuf {
        self.channel(channel).join("thumbnails")
    }

    /// The folder of one run of a channel.
    pub fn run(&self, channel: &str, job: &str) -> PathBuf {
        self.channel(channel).join("runs").join(job)
    }

    /// The photos that a job trains on. The file lies beside their folder, because a data set names files below its own.
    pub fn examples(&self, channel: &str, job: &str) -> PathBuf {
        self.channel(channel).join(format!("{job}.jsonl"))
    }

    /// The reports of trainings, by channel and version.
    pub fn reports(&self) -> PathBuf {
        self.root.join("reports")
    }

    /// The cache of features.
    pub fn features(&self) -> PathBuf {
        self.root.join("features")
    }

    /// Heads of sealed segments of the audit log.
    pub fn audit(&self) -> PathBuf {
        self.root.join("audit")
    }

    /// Uploads under way.
    pub fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    /// A new file in `incoming/`, which is removed unless it is kept.
    pub fn incoming_file(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(self.incoming())
    }

    /// Stores bytes under a name. Afterwards they outlast a power cut.
    pub fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.incoming_file()?;
        file.write_all(bytes)?;
        self.keep(file, path)
    }

    /// Moves a written file to its name. Afterwards it outlasts a power cut.
    pub fn keep(&self, file: NamedTempFile, path: &Path) -> io::Result<()> {
        file.as_file().sync_all()?;
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    }
}

/// Makes names in a folder outlast a power cut.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Lets only the owner of the folder look into it.
fn restrict(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}
