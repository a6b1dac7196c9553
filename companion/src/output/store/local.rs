//! A local folder. Files are written aside, synced and renamed, so a crash leaves the old or the new one.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Current, Entry, Lock, Store};
use crate::error::{Result, at};

/// Where files are written before they are renamed: one folder, so that what a crash leaves is found without reading
/// all others.
const NEW: &str = ".new";
const LOCK: &str = ".lock";

/// A models folder.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// A folder, which need not exist yet.
    pub fn new(root: &Path) -> Self {
        Folder { root: root.to_owned() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

impl Store for Folder {
    fn show(&self, path: &str) -> String {
        self.path(path).display().to_string()
    }

    fn current(&self, path: &str) -> Result<Option<Current>> {
        let path = self.path(path);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(Current { bytes, tag: None })),
            // A file where a folder should be is as good as nothing.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(e) => Err(at(path)(e)),
        }
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        write_through(&self.path(NEW), &self.path(path), bytes)
    }

    fn replace(&self, path: &str, bytes: &[u8], _: Option<&Current>) -> Result<()> {
        // The system keeps the lock for as long as the process lives, so nobody else can have written.
        self.write(path, bytes)
    }

    fn remove(&self, path: &str) -> Result<()> {
        let path = self.path(path);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(at(path)(e)),
            _ => Ok(()),
        }
    }

    fn remove_folder(&self, folder: &str) -> Result<()> {
        let folder = self.path(folder);
        match fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(at(folder)(e)),
            _ => Ok(()),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>> {
        let folder = self.path(folder);
        let mut found = Vec::new();
        for entry in entries(&folder)? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let data = entry.metadata().map_err(at(entry.path()))?;
            found.push(Entry { name, folder: data.is_dir(), bytes: if data.is_dir() { 0 } else { data.len() } });
        }
        found.sort();
        Ok(found)
    }

    fn is_empty(&self, folder: &str) -> Result<bool> {
        let folder = self.path(folder);
        match fs::read_dir(&folder) {
            Ok(mut entries) => Ok(entries.next().is_none()),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(true),
            Err(e) => Err(at(folder)(e)),
        }
    }

    fn lock(&self) -> Result<Box<dyn Lock + '_>> {
        make_folder(&self.root)?;
        let path = self.path(LOCK);
        let file = File::create(&path).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                super::waiting(&self.show(LOCK));
                file.lock().map_err(at(&path))?;
            }
            Err(fs::TryLockError::Error(e)) => return Err(at(&path)(e)),
        }
        Ok(Box::new(Locked { folder: self, _file: file }))
    }

    fn check_writable(&self) -> Result<()> {
        let folder = self.path(NEW);
        make_folder(&folder)?;
        tempfile::tempfile_in(&folder).map(drop).map_err(at(&folder))
    }
}

/// The system releases it when the file is closed, so also when the process dies.
struct Locked<'a> {
    folder: &'a Folder,
    _file: File,
}

impl Lock for Locked<'_> {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn sweep(&self) -> Result<()> {
        entries(&self.folder.path(NEW))?
            .iter()
            .try_for_each(|entry| fs::remove_file(entry.path()).map_err(at(entry.path())))
    }
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder).and_then(Iterator::collect) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        entries => entries.map_err(at(folder)),
    }
}

/// Makes a folder and those above it, each durable before anything is put into it.
fn make_folder(folder: &Path) -> Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new(""));
    make_folder(parent)?;
    match fs::create_dir(folder) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(at(folder)(e)),
        _ => sync_folder(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }),
    }
}

fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(folder).and_then(|f| f.sync_all()).map_err(at(folder))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Writes to a temporary file beside `path`, syncs, renames over `path`, syncs the folder.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_through(path.parent().unwrap_or(Path::new("")), path, bytes)
}

/// The same, by a temporary file in `aside`, a folder of the same file system.
fn write_through(aside: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let [aside, folder] = [aside, path.parent().unwrap_or(Path::new(""))]
        .map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    make_folder(aside)?;
    make_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(aside).map_err(at(aside))?;
    file.write_all(bytes).map_err(at(path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private; a web server runs as somebody else.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(at(path))?;
    }
    file.as_file().sync_all().map_err(at(path))?;
    file.persist(path).map_err(|e| at(path)(e.error))?;
    sync_folder(folder)
}
