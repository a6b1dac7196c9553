//! Which files a data set may name: those below its own folder. A data set comes from others, and thumbnails of its photos
//! go into reports.

use std::path::{Component, Path, PathBuf};

use crate::error::{Result, at};
use crate::photo::PhotoError;

/// The folder that a data set keeps to.
pub struct Boundary {
    /// As it was named, in full, links unresolved.
    named: PathBuf,
    /// The same with all links resolved.
    real: PathBuf,
    allow_outside: bool,
}

impl Boundary {
    /// Keeps to `folder`, or to nothing where `allow_outside` says so.
    ///
    /// # Errors
    /// The folder does not exist.
    pub fn of(folder: &Path, allow_outside: bool) -> Result<Self> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let real = folder.canonicalize().map_err(at(folder))?;
        let named = fold(&std::path::absolute(folder).map_err(at(folder))?);
        Ok(Boundary { named, real, allow_outside })
    }

    /// Whether a file may be read: it is a regular file, and lies inside once all links are followed. Of a path that
    /// leads outside by itself, nothing is looked at, so that not even its existence is told.
    pub fn admit(&self, path: &Path) -> Result<(), PhotoError> {
        let io = |error: std::io::Error| PhotoError::Io(error.to_string());
        if !self.allow_outside {
            let full = fold(&std::path::absolute(path).map_err(io)?);
            if !full.starts_with(&self.named) && !full.starts_with(&self.real) {
                return Err(PhotoError::Outside);
            }
            if !path.canonicalize().map_err(io)?.starts_with(&self.real) {
                return Err(PhotoError::Outside);
            }
        }
        match path.metadata().map_err(io)?.is_file() {
            true => Ok(()),
            false => Err(PhotoError::NotAFile),
        }
    }

    /// Whether a link to a folder may be followed.
    pub fn holds(&self, folder: &Path) -> bool {
        self.allow_outside || folder.canonicalize().is_ok_and(|real| real.starts_with(&self.real))
    }
}

/// The path without `.` and `..`, by its text alone.
fn fold(path: &Path) -> PathBuf {
    let mut folded = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(folded.pop()),
            Component::CurDir => {}
            part => folded.push(part),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_outside_is_refused_by_text_and_by_link() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("set");
        std::fs::create_dir_all(inside.join("images")).unwrap();
        for file in ["set/images/a.jpg", "secret.jpg", "set-too.jpg"] {
            std::fs::write(dir.path().join(file), b"x").unwrap();
        }
        let boundary = Boundary::of(&inside, false).unwrap();
        assert_eq!(boundary.admit(&inside.join("images/a.jpg")), Ok(()));
        assert_eq!(boundary.admit(&inside.join("images/../images/./a.jpg")), Ok(()));
        assert_eq!(boundary.admit(&inside.join("images")), Err(PhotoError::NotAFile));
        let secrets = ["../secret.jpg", "../nowhere/at/all.jpg", "images/../../secret.jpg", "../set-too.jpg"];
        for outside in secrets {
            assert_eq!(boundary.admit(&inside.join(outside)), Err(PhotoError::Outside), "{outside}");
        }
        assert_eq!(boundary.admit(&dir.path().join("secret.jpg")), Err(PhotoError::Outside));
        let open = Boundary::of(&inside, true).unwrap();
        assert_eq!(open.admit(&dir.path().join("secret.jpg")), Ok(()));
        #[cfg(unix)]
        {
            let link = inside.join("images/b.jpg");
            std::os::unix::fs::symlink(dir.path().join("secret.jpg"), &link).unwrap();
            assert_eq!(boundary.admit(&link), Err(PhotoError::Outside));
            assert_eq!(open.admit(&link), Ok(()));
            std::os::unix::fs::symlink(inside.join("images/a.jpg"), inside.join("c.jpg")).unwrap();
            assert_eq!(boundary.admit(&inside.join("c.jpg")), Ok(()));
            // A data set that is itself reached by a link.
            std::os::unix::fs::symlink(&inside, dir.path().join("alias")).unwrap();
            let alias = Boundary::of(&dir.path().join("alias"), false).unwrap();
            assert_eq!(alias.admit(&dir.path().join("alias/images/a.jpg")), Ok(()));
            assert!(!boundary.holds(dir.path()) && boundary.holds(&inside.join("images")));
        }
    }
}
