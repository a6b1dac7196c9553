//! A folder per product, at any depth.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{Dataset, Example, Problem, natural};
use crate::error::{Error, Result, at};
use crate::photo::{EXTENSIONS, is_foreign_photo, is_photo};

/// The product id is the name of the folder that directly holds the photos. Links are followed.
pub(super) fn read(root: &Path) -> Result<Dataset> {
    let (root, photos, mut dataset) = find(root)?;
    let mut products: BTreeMap<String, (PathBuf, Vec<PathBuf>)> = BTreeMap::new();
    for path in photos {
        let folder = path.parent().unwrap_or(&root).to_owned();
        let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (known, photos) = products.entry(id.clone()).or_insert_with(|| (folder.clone(), Vec::new()));
        if *known != folder {
            return Err(Error::DuplicateProduct { id, first: known.clone(), second: folder });
        }
        photos.push(path);
    }
    for (label, (id, (_, mut photos))) in products.into_iter().enumerate() {
        photos.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
        dataset.examples.extend(photos.into_iter().map(|path| example(&root, path, Some(label))));
        dataset.labels.push(id);
    }
    Ok(dataset)
}

/// All photos, whatever folder holds them, without a product.
pub(super) fn read_unlabelled(root: &Path) -> Result<Dataset> {
    let (root, photos, mut dataset) = find(root)?;
    dataset.examples.extend(photos.into_iter().map(|path| example(&root, path, None)));
    dataset.examples.sort_by(|a, b| natural(&a.name, &b.name));
    Ok(dataset)
}

fn example(root: &Path, path: PathBuf, label: Option<usize>) -> Example {
    let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
    Example { path, bytes: None, name, region: None, lesson: None, label, attributes: BTreeMap::new() }
}

/// The root in full, the photos below it, and a dataset that holds no more than the problems.
fn find(root: &Path) -> Result<(PathBuf, Vec<PathBuf>, Dataset)> {
    std::fs::read_dir(root).map_err(|e| {
        Error::NotFound(format!(
            "{}: {e}; give a folder with a folder of photos per product, or a JSONL or COCO file",
            root.display()
        ))
    })?;
    // So that a root given as `.` has a name, should it hold photos directly.
    let root = root.canonicalize().map_err(at(root))?;
    let mut dataset = Dataset::default();
    let mut photos = Vec::new();
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
        if is_photo(entry.path()) {
            photos.push(entry.into_path());
        } else if is_foreign_photo(entry.path()) {
            let reason = format!("is of a kind that is not read; convert it to one of {}", EXTENSIONS.join(", "));
            dataset.problems.push(Problem { file: relative(entry.path()), line: None, reason });
        }
    }
    if photos.is_empty() {
        let endings = EXTENSIONS.join(", ");
        return Err(Error::NoPhotos(format!(
            "{} holds no photos: make a folder per product, named after it, with photos ({endings}) inside",
            root.display()
        )));
    }
    Ok((root, photos, dataset))
}
