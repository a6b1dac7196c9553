//! Files that a user names.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::error::{Error, Result, at};

/// Longer than any list that people write.
const MAX_LIST: u64 = 64 << 20;

/// Reads a regular file of at most `limit` bytes. However long it says that it is, no more is read.
///
/// # Errors
/// `IO` for a file that cannot be read, or is a folder, a pipe or a device; `BAD_INPUT` for a longer one.
pub fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>> {
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(at(path))?.is_file() {
        return Err(at(path)(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file")));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(at(path))?;
    if bytes.len() as u64 > limit {
        return Err(Error::BadInput(format!("{} is too large: at most {} MB are read", path.display(), limit >> 20)));
    }
    Ok(bytes)
}

/// As [`read_up_to`], for a list that people write: lines of text, at most 64 MB of them.
///
/// # Errors
/// Likewise, and `BAD_INPUT` for what is no UTF-8.
pub fn read_lines(path: &Path) -> Result<Vec<String>> {
    let text = String::from_utf8(read_up_to(path, MAX_LIST)?);
    let text = text.map_err(|_| Error::BadInput(format!("{} is not UTF-8: save it as UTF-8", path.display())))?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_is_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, [7; 100]).unwrap();
        assert_eq!(read_up_to(&file, 100).unwrap(), [7; 100]);
        assert_eq!(read_up_to(&file, 99).unwrap_err().code(), "BAD_INPUT");
        // As long as a file without holes could never be.
        File::options().write(true).open(&file).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read_up_to(&file, 1 << 20).unwrap_err().code(), "BAD_INPUT");
        assert_eq!(read_up_to(dir.path(), 100).unwrap_err().code(), "IO");
        assert_eq!(read_up_to(&dir.path().join("none"), 100).unwrap_err().code(), "IO");
        #[cfg(target_os = "linux")]
        {
            // It says that it has 0 bytes, and never ends.
            let error = read_up_to(Path::new("/dev/zero"), 100).unwrap_err();
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
    }

    #[test]
    fn lines_are_read_without_blanks() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("list.txt");
        std::fs::write(&file, "\u{feff}one \r\n\n  two").unwrap();
        assert_eq!(read_lines(&file).unwrap(), ["one", "two"]);
        std::fs::write(&file, b"\xff\xfeo\0").unwrap();
        assert_eq!(read_lines(&file).unwrap_err().code(), "BAD_INPUT");
    }
}
