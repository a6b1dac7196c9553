//! A local folder. A file is written under another name, synced and renamed, so that a crash leaves the old file or the new
//! one. No link below the folder is followed: whoever may write there must not be able to have another file of this machine
//! read, published or overwritten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::{Current, Entry, Lock, Store};
use crate::error::{self, Error, Result};

/// Where files are written before they are renamed. It is one folder, so that leftovers of a crash are found without reading
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

    /// The path of a file or folder, none of whose parts below the models folder is a link.
    fn checked(&self, path: &str) -> Result<PathBuf> {
        let mut whole = self.root.clone();
        for part in path.split('/') {
            whole.push(part);
            if fs::symlink_metadata(&whole).is_ok_and(|data| data.is_symlink()) {
                let message = "is a link, and links in a models folder are not followed; remove it";
                return Err(at(whole)(io::Error::other(message)));
            }
        }
        Ok(whole)
    }

    /// The folder of files that are being written. Only its owner can look into it.
    fn work_folder(&self) -> Result<PathBuf> {
        make_folder(&self.root)?;
        let folder = self.path(NEW);
        match fs::symlink_metadata(&folder) {
            Ok(data) if data.is_dir() => {}
            // A link or a file has its name. This program made neither.
            Ok(_) => fs::remove_file(&folder).map_err(at(&folder))?,
            Err(_) => {}
        }
        make_folder(&folder)?;
        make_private(&folder, 0o700);
        Ok(folder)
    }
}

/// The error of a path. One that this user has no right to says whose it is.
fn at(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
    move |error| {
        let path = path.as_ref();
        let told = match owner(path).filter(|_| error.kind() == ErrorKind::PermissionDenied) {
            Some(owner) => io::Error::new(
                error.kind(),
                format!(
                    "{error}. It belongs to the user with the id {owner}, and one user publishes to a models folder: run \
                     jicho as that user, or give the whole folder to this one with `chown -R`"
                ),
            ),
            None => error,
        };
        error::at(path)(told)
    }
}

/// The id of the user who owns a path, or, where there is nothing, the folder that it would be in.
fn owner(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        let data = fs::symlink_metadata(path).or_else(|_| fs::symlink_metadata(path.parent().unwrap_or(path)));
        data.ok().map(|data| std::os::unix::fs::MetadataExt::uid(&data))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Takes the rights of other users away, as far as this user may do that.
fn make_private(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Fails only for a file of another user, whose rights this user cannot change.
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// Opens regular files only: a link is an error, and a pipe does not keep the program waiting.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = options().read(true).open(path)?;
    let data = file.metadata()?;
    if !data.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Store for Folder {
    fn show(&self, path: &str) -> String {
        self.path(path).display().to_string()
    }

    fn current(&self, path: &str) -> Result<Option<Current>> {
        let path = self.checked(path)?;
        match read_regular(&path) {
            Ok(bytes) => Ok(Some(Current { bytes, tag: None })),
            // A file in the place of a folder counts as missing.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(e) => Err(at(path)(e)),
        }
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        write_through(&self.work_folder()?, &self.checked(path)?, bytes)
    }

    fn replace(&self, path: &str, bytes: &[u8], _: Option<&Current>) -> Result<()> {
        // The lock is held for as long as the process lives, so nobody else can have written.
        self.write(path, bytes)
    }

    fn remove(&self, path: &str) -> Result<()> {
        let path = self.checked(path)?;
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(at(path)(e)),
            _ => Ok(()),
        }
    }

    fn remove_folder(&self, folder: &str) -> Result<()> {
        let folder = self.checked(folder)?;
        match fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(at(folder)(e)),
            _ => Ok(()),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>> {
        let folder = self.checked(folder)?;
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
        let folder = self.checked(folder)?;
        match fs::read_dir(&folder) {
            Ok(mut entries) => Ok(entries.next().is_none()),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(true),
            Err(e) => Err(at(folder)(e)),
        }
    }

    fn lock(&self) -> Result<Box<dyn Lock + '_>> {
        make_folder(&self.root)?;
        let path = self.path(LOCK);
        let mut options = options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        self.checked(LOCK)?;
        let file = options.open(&path).map_err(at(&path))?;
        // Whoever can open the file can hold the lock.
        make_private(&path, 0o600);
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
        let folder = self.work_folder()?;
        tempfile::tempfile_in(&folder).map(drop).map_err(at(&folder))
    }
}

/// The system's lock on a file. It is released when the file is closed, so also when the process dies.
struct Locked<'a> {
    folder: &'a Folder,
    _file: File,
}

impl Lock for Locked<'_> {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn sweep(&self) -> Result<()> {
        let remove = |entry: &fs::DirEntry| {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let path = entry.path();
            let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(at(path))
        };
        entries(&self.folder.work_folder()?)?.iter().try_for_each(remove)
    }
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder).and_then(Iterator::collect) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        entries => entries.map_err(at(folder)),
    }
}

/// Makes a folder and its parents. Each is synced before anything is put into it.
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

/// As [`write_atomically`], with the temporary file in `aside`, a folder of the same file system.
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
        // Temporary files are private, but a web server runs as another user.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(at(path))?;
    }
    file.as_file().sync_all().map_err(at(path))?;
    file.persist(path).map_err(|e| at(path)(e.error))?;
    sync_folder(folder)
}
