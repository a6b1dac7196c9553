//! Photos of a folder.

use std::path::{Path, PathBuf};

use super::degrade::Picture;

/// At most `most` photos from a folder (from the repository's root) and those within, spread evenly; none where there is
/// no folder.
pub fn read(folder: &str, most: usize) -> Option<Vec<Picture>> {
    let mut paths = Vec::new();
    list(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut paths)?;
    paths.sort();
    let step = paths.len().div_ceil(most.max(1)).max(1);
    let picture = |path: &PathBuf| {
        let photo = image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).into_rgb8();
        Picture::central(photo.width() as usize, photo.height() as usize, photo.as_raw())
    };
    Some(paths.iter().step_by(step).map(picture).collect())
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> Option<()> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, paths);
        } else if path.extension().is_some_and(|e| e == "jpg") {
            paths.push(path);
        }
    }
    Some(())
}
