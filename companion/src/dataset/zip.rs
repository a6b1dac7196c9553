//! A zip of a folder, unpacked to a temporary one that lasts as long as the data set.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::Arc;

use ::zip::ZipArchive;

use super::{Dataset, Format, LabelFolder, Problem, Reading, format, layout};
use crate::error::{Error, Result, at};
use crate::photo::PhotoError;

/// What a zip may unpack to, whatever it says.
const MAX_BYTES: u64 = 16 << 30;
const MAX_FILES: usize = 2_000_000;

pub(super) fn read(file: &Path, bytes: &[u8], reading: &Reading, by_product: bool) -> Result<Dataset> {
    let folder = tempfile::tempdir().map_err(at(std::env::temp_dir()))?;
    // Named after the zip, since photos that lie in no folder make one product with the folder's name.
    let root = folder.path().join(file.file_stem().unwrap_or_default());
    fs::create_dir_all(&root).map_err(at(&root))?;
    let passed = unpack(file, bytes, &root, MAX_BYTES)?;
    let reading = Reading { format: Format::Auto, ..reading.clone() };
    let root = inner(root);
    let mut dataset = format::read(&root, &reading, by_product)?;
    // Whether `img` in a zip is a product, or just what somebody packed, only they know.
    let is_guess = by_product
        && reading.labels != LabelFolder::Deepest
        && dataset.labels.len() == 1
        && dataset.examples.iter().all(|example| example.region.is_none());
    if let Some(only) = only_folder(&root).filter(|only| is_guess && !has_folders(only)) {
        let instead = match layout::annotations(&only) {
            Some(name) => format!("unpack it, and give {name} there, which may tell what they show"),
            None => "make a folder per product, or, if that is the only one, say so with --labels deepest".into(),
        };
        return Err(Error::BadInput(format!(
            "{} holds photos in one folder, `{}`, and none per product: {instead}",
            file.display(),
            only.file_name().unwrap_or_default().display()
        )));
    }
    // Where it was unpacked to tells nobody anything.
    let hidden = [folder.path().canonicalize().ok(), Some(folder.path().to_owned())].into_iter().flatten();
    let hidden: Vec<String> = hidden.map(|path| format!("{}{MAIN_SEPARATOR}", path.display())).collect();
    let relative = |text: &mut String| hidden.iter().for_each(|path| *text = text.replace(path, ""));
    for problem in &mut dataset.problems {
        relative(&mut problem.file);
        relative(&mut problem.reason);
    }
    dataset.notes.iter_mut().chain(&mut dataset.warnings).for_each(relative);
    dataset.problems.extend(passed);
    let folder = Arc::new(folder);
    dataset.examples.iter_mut().for_each(|example| example.unpacked = Some(Arc::clone(&folder)));
    Ok(dataset)
}

/// Unpacks all files, and tells of what is none.
fn unpack(file: &Path, bytes: &[u8], root: &Path, most: u64) -> Result<Vec<Problem>> {
    let wrong = |what: String| Error::BadInput(format!("{} cannot be unpacked: {what}", file.display()));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| wrong(e.to_string()))?;
    if archive.len() > MAX_FILES {
        return Err(wrong(format!("it holds more than {MAX_FILES} files")));
    }
    let (mut left, mut passed) = (most, Vec::new());
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).map_err(|e| wrong(e.to_string()))?;
        if entry.is_dir() {
            continue;
        }
        let Some(name) = entry.enclosed_name().filter(|_| entry.is_file()) else {
            let reason = "is a link, or its name leads out of the zip".to_owned();
            passed.push(Problem {
                file: entry.name().to_owned(),
                line: None,
                reason,
                cause: PhotoError::Outside.cause(),
            });
            continue;
        };
        let path = root.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        let mut out = File::create(&path).map_err(at(&path))?;
        let written = io::copy(&mut entry.by_ref().take(left + 1), &mut out).map_err(at(&path))?;
        left = left.checked_sub(written).ok_or_else(|| wrong(format!("it unpacks to more than {} GB", most >> 30)))?;
    }
    Ok(passed)
}

/// Zips often hold one folder that holds the products' folders.
fn inner(root: PathBuf) -> PathBuf {
    let mut root = root;
    while let Some(only) = only_folder(&root).filter(|only| only_folder(only).is_some() || has_folders(only)) {
        root = only;
    }
    root
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    entries.filter(|path| !super::folder::is_system(path)).collect()
}

fn only_folder(folder: &Path) -> Option<PathBuf> {
    match &entries(folder)[..] {
        [only] if only.is_dir() => Some(only.clone()),
        _ => None,
    }
}

fn has_folders(folder: &Path) -> bool {
    entries(folder).iter().any(|path| path.is_dir())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ::zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0";

    fn read_zip(files: &[(&str, &[u8])]) -> Result<Dataset> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("shop.zip");
        fs::write(&file, zipped(files)).unwrap();
        Dataset::read(&file, &Reading::default())
    }

    #[test]
    fn the_folders_in_it_are_the_products() {
        let photos: [(&str, &[u8]); 3] =
            [("data/kiwi/a.jpg", JPEG), ("data/lime/b.jpg", JPEG), ("__MACOSX/data/kiwi/._a.jpg", b"x")];
        let dataset = read_zip(&photos).unwrap();
        assert_eq!(dataset.labels, ["kiwi", "lime"]);
        assert!(dataset.examples[0].bytes().is_ok(), "the files are there as long as the data set");
        assert_eq!(read_zip(&[("kiwi/a.jpg", JPEG), ("lime/b.jpg", JPEG)]).unwrap().labels, ["kiwi", "lime"]);
        // One zip per class, as Teachable Machine has it.
        assert_eq!(read_zip(&[("a.jpg", JPEG), ("b.jpg", JPEG)]).unwrap().labels, ["shop"]);
        // A folder that was packed is no product.
        let error = read_zip(&[("img/kiwi_0.jpg", JPEG), ("img/lime_0.jpg", JPEG)]).unwrap_err();
        assert!(error.code() == "BAD_INPUT" && error.to_string().contains("one folder, `img`"), "{error}");
        assert!(error.to_string().contains("--labels deepest"), "{error}");
        assert_eq!(read_zip(&[]).unwrap_err().code(), "NO_PHOTOS");
    }

    #[test]
    fn what_is_left_out_is_told_without_the_temporary_folder() {
        let dataset = read_zip(&[
            ("../out.jpg", JPEG),
            ("data.yaml", b"train: images\nval: none\nnames: [kiwi]\n"),
            ("images/a.jpg", JPEG),
            ("images/b.jpg", b"{"),
            ("labels/a.txt", b"0 0.5 0.5 0.2 0.4\n9 0.5 0.5 0.2 0.4\n"),
        ])
        .unwrap();
        assert_eq!(dataset.problems.len(), 4, "{:?}", dataset.problems);
        let causes = super::super::by_cause(&dataset.problems);
        assert_eq!(
            causes.into_iter().collect::<Vec<_>>(),
            [("missing folder", 1), ("not an image", 1), ("outside the folder", 1), ("unusable box", 1)]
        );
        let temporary = std::env::temp_dir().display().to_string();
        assert!(dataset.problems.iter().all(|p| !p.file.contains(&temporary) && !p.reason.contains(&temporary)));
        let named = read_zip(&[("img/a.jpg", JPEG), ("img/metadata.jsonl", b"{}")]).unwrap_err().to_string();
        assert!(named.contains("metadata.jsonl"), "{named}");
    }

    #[test]
    fn it_writes_no_file_elsewhere_and_not_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("in");
        fs::create_dir(&root).unwrap();
        let files: [(&str, &[u8]); 3] = [("../out.jpg", JPEG), ("/abs.jpg", JPEG), ("a/b.jpg", JPEG)];
        let passed = unpack(Path::new("x.zip"), &zipped(&files), &root, 99).unwrap();
        assert!(passed.iter().any(|problem| problem.file == "../out.jpg"), "{passed:?}");
        assert!(!dir.path().join("out.jpg").exists() && root.join("a/b.jpg").exists());
        let bomb = zipped(&[("a.jpg", &[0; 200][..])]);
        let error = unpack(Path::new("x.zip"), &bomb, &root, 199).unwrap_err();
        assert!(error.code() == "BAD_INPUT" && error.to_string().contains("unpacks to more"), "{error}");
        assert_eq!(unpack(Path::new("x.zip"), b"PK\x03\x04nonsense", &root, 99).unwrap_err().code(), "BAD_INPUT");
    }
}
