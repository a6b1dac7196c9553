//! A folder per product, at any depth.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{Dataset, Example, Problem, natural};
use crate::error::{Error, Result, at};
use crate::photo::{EXTENSIONS, is_foreign_photo, is_photo};

/// The product id is the name of the folder that directly holds the photos. Links are followed.
pub(super) fn read(root: &Path) -> Result<Dataset> {
    std::fs::read_dir(root).map_err(|e| {
        let message =
            format!("{}: {e}; give a folder with a folder of photos per product, or a JSONL file", root.display());
        Error::NotFound(message)
    })?;
    // So that a root given as `.` has a name, should it hold photos directly.
    let root = root.canonicalize().map_err(at(root))?;
    let mut dataset = Dataset::default();
    let mut products: BTreeMap<String, (PathBuf, Vec<PathBuf>)> = BTreeMap::new();
    let visible =
        |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(&root).follow_links(true).sort_by_file_name().into_iter().filter_entry(visible) {
        let relative = |path: &Path| path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let file = relative(error.path().unwrap_or(&root));
                let reason =
                    error.into_io_error().map_or("is a link back to itself".into(), |e| format!("cannot be read: {e}"));
                dataset.problems.push(Problem { file, line: None, reason });
                continue;
            }
        };
        if !entry.file_type().is_file() {
            continue;
        }
        if !is_photo(entry.path()) {
            if is_foreign_photo(entry.path()) {
                let reason = format!("is of a kind that is not read; convert it to one of {}", EXTENSIONS.join(", "));
                dataset.problems.push(Problem { file: relative(entry.path()), line: None, reason });
            }
            continue;
        }
        let folder = entry.path().parent().unwrap_or(&root).to_owned();
        let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (known, photos) = products.entry(id.clone()).or_insert_with(|| (folder.clone(), Vec::new()));
        if *known != folder {
            return Err(Error::DuplicateProduct { id, first: known.clone(), second: folder });
        }
        photos.push(entry.into_path());
    }
    if products.is_empty() {
        let endings = EXTENSIONS.join(", ");
        return Err(Error::NoPhotos(format!(
            "{} holds no photos: make a folder per product, named after it, with photos ({endings}) inside",
            root.display()
        )));
    }
    for (label, (id, (_, mut photos))) in products.into_iter().enumerate() {
        photos.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
        dataset.examples.extend(photos.into_iter().map(|path| Example {
            name: path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned(),
            path,
            bytes: None,
            label: Some(label),
            attributes: BTreeMap::new(),
        }));
        dataset.labels.push(id);
    }
    Ok(dataset)
}
