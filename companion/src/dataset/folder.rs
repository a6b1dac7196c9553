//! A folder of photos: what is in it, known by content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::boundary::Boundary;
use super::{Dataset, Example, Problem, Reading, layout, natural};
use crate::error::{Error, Result, at};
use crate::photo::{Kind, PhotoError, ending, is_named_photo, read_kind};

/// What systems, network drives and archives keep in folders for themselves, in lower case.
const SYSTEM: [&str; 13] = [
    "@eadir",
    "@tmp",
    "@recycle",
    "@recently-snapshot",
    "@sharebin",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "lost+found",
    "system volume information",
    "__macosx",
    "thumbs.db",
    "desktop.ini",
];

/// What is below a folder.
pub(super) struct Tree {
    /// The folder, in full.
    pub root: PathBuf,
    /// Its photos, in a fixed order.
    pub photos: Vec<PathBuf>,
    /// All folders that were looked into.
    pub folders: Vec<PathBuf>,
    /// What was left out, and what is to be told.
    pub dataset: Dataset,
}

/// Products by their folders.
pub(super) fn read(root: &Path, reading: &Reading) -> Result<Dataset> {
    layout::understand(Tree::walk(root, reading)?, reading.labels)
}

/// All photos, whatever folder holds them, without a product.
pub(super) fn read_unlabelled(root: &Path, reading: &Reading) -> Result<Dataset> {
    let Tree { root, photos, mut dataset, .. } = Tree::walk(root, reading)?;
    dataset.examples.extend(photos.into_iter().map(|path| example(&root, path)));
    dataset.examples.sort_by(|a, b| natural(&a.name, &b.name));
    Ok(dataset)
}

/// A photo without a product, named by its place below the root.
pub(super) fn example(root: &Path, path: PathBuf) -> Example {
    let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
    Example { path, name, ..Example::default() }
}

/// Whether a file or folder is a system's own, or hidden: nobody keeps photos of products there.
pub(super) fn is_system(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.starts_with('.') || SYSTEM.contains(&name.as_str())
}

impl Tree {
    /// Looks at every file below `root`. Links are followed to what lies below it as well.
    pub(super) fn walk(root: &Path, reading: &Reading) -> Result<Tree> {
        let missing = |e: std::io::Error| {
            Error::NotFound(format!("{}: {e}; give a folder with a folder of photos per product", root.display()))
        };
        std::fs::read_dir(root).map_err(missing)?;
        // So that a root given as `.` has a name, should it hold photos directly.
        let root = root.canonicalize().map_err(at(root))?;
        let boundary = Boundary::of(&root, reading.allow_outside)?;
        let mut tree = Tree { root, photos: Vec::new(), folders: Vec::new(), dataset: Dataset::default() };
        let mut others: BTreeMap<String, usize> = BTreeMap::new();
        let mut passed: BTreeMap<String, usize> = BTreeMap::new();
        let mut entries = WalkDir::new(&tree.root).min_depth(1).follow_links(true).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    tree.note_unreadable(&error);
                    continue;
                }
            };
            let is_folder = entry.file_type().is_dir();
            if is_system(entry.path()) {
                if is_folder {
                    entries.skip_current_dir();
                    let name = entry.file_name().to_string_lossy().into_owned();
                    *passed.entry(name).or_default() +=
                        usize::from(!entry.file_name().to_string_lossy().starts_with('.'));
                }
                continue;
            }
            if entry.path_is_symlink() && !boundary.holds(entry.path()) {
                tree.leave_out(entry.path(), &PhotoError::Outside);
                if is_folder {
                    entries.skip_current_dir();
                }
                continue;
            }
            if is_folder {
                tree.folders.push(entry.into_path());
                continue;
            }
            match read_kind(entry.path()) {
                Ok(kind) if kind.is_read() => tree.photos.push(entry.into_path()),
                Ok(Kind::Foreign(name)) => tree.leave_out(entry.path(), &PhotoError::Foreign(name)),
                Ok(Kind::Empty) if is_named_photo(entry.path()) => tree.leave_out(entry.path(), &PhotoError::Empty),
                Ok(_) if is_named_photo(entry.path()) => tree.leave_out(entry.path(), &PhotoError::NotAnImage),
                Ok(_) => *others.entry(ending(entry.path())).or_default() += 1,
                Err(error) => tree.leave_out(entry.path(), &error),
            }
        }
        passed.retain(|_, count| *count > 0);
        if !passed.is_empty() {
            tree.dataset.notes.push(format!("not looked into, as systems keep them: {}", counted(&passed, "")));
        }
        if !others.is_empty() {
            tree.dataset.notes.push(format!("passed over, as they hold no pictures: {}", counted(&others, ".")));
        }
        match tree.photos.is_empty() {
            true => Err(tree.without_photos()),
            false => Ok(tree),
        }
    }

    fn leave_out(&mut self, path: &Path, error: &PhotoError) {
        let file = path.strip_prefix(&self.root).unwrap_or(path).display().to_string();
        self.dataset.problems.push(Problem::of(file, error));
    }

    fn note_unreadable(&mut self, error: &walkdir::Error) {
        let path = error.path().unwrap_or(&self.root).to_owned();
        let why = match error.io_error() {
            Some(error) => PhotoError::Io(error.to_string()),
            None => PhotoError::Io("it is a link back to itself".into()),
        };
        self.leave_out(&path, &why);
    }

    fn without_photos(&self) -> Error {
        let root = self.root.display();
        match self.dataset.problems.first() {
            Some(first) => {
                let left_out = super::left_out(&self.dataset.problems).unwrap_or_default();
                Error::NoPhotos(format!("{root} holds no photo that can be read ({left_out}); the first: {first}"))
            }
            None => Error::NoPhotos(format!(
                "{root} holds no photos: make a folder per product, named after it, with photos (JPEG, PNG, WebP, GIF, \
                 BMP, TIFF) inside"
            )),
        }
    }
}

/// Names with how often each is there.
fn counted(counts: &BTreeMap<String, usize>, before: &str) -> String {
    const LISTED: usize = 8;
    let parts = counts.iter().take(LISTED).map(|(name, count)| match name.is_empty() {
        true => format!("{count} without an ending"),
        false => format!("{count} {before}{name}"),
    });
    let more = counts.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more kinds") } else { String::new() };
    parts.collect::<Vec<_>>().join(", ") + &more
}
