//! YOLO's detection data sets: `data.yaml` with the names of the classes and the folders of photos, and beside each folder
//! `images` a folder `labels` with a text file per photo: a class and a box a line, in shares of the photo's sides.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use serde_yaml_ng::Value as Yaml;

use super::boundary::Boundary;
use super::folder::Tree;
use super::refusal::Refusal;
use super::rows::Rows;
use super::{Dataset, Example, Reading, Split};
use crate::error::{Error, Result};
use crate::photo::{self, PhotoError, Region};

/// The file that describes such a data set.
pub(super) const NAME: &str = "data.yaml";
/// The longest file of names or boxes that is read.
const MAX_BYTES: u64 = 16 << 20;
/// How deep brackets may stand in each other.
const MAX_DEPTH: usize = 64;

#[derive(Deserialize)]
struct Description {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    train: Yaml,
    #[serde(default, alias = "valid")]
    val: Yaml,
    #[serde(default)]
    test: Yaml,
    names: Yaml,
    /// The shape of a pose's points: such data sets have more numbers a line than a box.
    kpt_shape: Option<Yaml>,
}

pub(super) fn read(file: &Path, reading: &Reading) -> Result<Dataset> {
    let wrong = |what: String| Error::BadInput(format!("{} cannot be read as YOLO's data: {what}", file.display()));
    let bytes = photo::read_bytes_up_to(file, MAX_BYTES).map_err(|e| wrong(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is no UTF-8".into()))?;
    if is_deep(&text) {
        return Err(wrong(format!("it has brackets in each other more than {MAX_DEPTH} deep")));
    }
    let description: Description = serde_yaml_ng::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    if description.kpt_shape.is_some() {
        return Err(wrong("its `kpt_shape` says that it holds poses; export it for detection, with boxes".into()));
    }
    let names = names(&description.names).ok_or_else(|| wrong("its `names` are no list of strings".into()))?;
    let beside = file.parent().unwrap_or(Path::new(""));
    let boundary = Boundary::of(beside, reading.allow_outside)?;
    let mut rows = Rows::new(file.display().to_string(), reading);
    let mut notes = Vec::new();
    let parts =
        [(Split::Train, &description.train), (Split::Valid, &description.val), (Split::Test, &description.test)];
    let root = beside.canonicalize().unwrap_or_else(|_| beside.to_owned());
    for (split, named) in parts.iter().flat_map(|(split, yaml)| strings(yaml).into_iter().map(|s| (*split, s))) {
        let Some(folder) = find(beside, description.path.as_deref(), &named, &boundary) else {
            rows.leave_out(
                None,
                "missing folder",
                format!("its folder {named} is not there, or lies outside the data set's own"),
            );
            continue;
        };
        let tree = match Tree::walk(&folder, reading) {
            Ok(tree) => tree,
            Err(Error::NoPhotos(_)) => {
                rows.leave_out(None, "missing folder", format!("its folder {named} holds no photo that can be read"));
                continue;
            }
            Err(error) => return Err(error),
        };
        let mut unlabelled = 0;
        for photo in &tree.photos {
            let shown = photo.strip_prefix(&root).unwrap_or(photo).display().to_string();
            // Photos of a folder elsewhere have their boxes there.
            let root = if photo.starts_with(&root) { &root } else { &tree.root };
            match boxes(photo, root, &boundary) {
                Ok(None) => unlabelled += 1,
                Ok(Some(lines)) => add(&mut rows, photo, &shown, &lines, split, &names),
                Err(why) => rows.leave_out(None, why.cause(), format!("{shown}: its file of boxes {why}")),
            }
        }
        if unlabelled > 0 {
            notes.push(format!("{unlabelled} photos of {named} show none of the products"));
        }
        tree.dataset.problems.iter().for_each(|problem| rows.leave_out(None, problem.cause, problem.to_string()));
    }
    let mut dataset = rows.finish()?;
    dataset.notes.extend(notes);
    Ok(dataset)
}

/// Whether brackets stand in each other deeper than in any list of names. The parser looks at all that are open with each
/// new one, so a few hundred kilobytes of them would take it minutes.
fn is_deep(yaml: &str) -> bool {
    let mut depth = 0_usize;
    yaml.bytes().any(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

/// The lines of a photo's file of boxes. None where there is no such file, or nothing in it: the photo shows nothing.
fn boxes(photo: &Path, root: &Path, boundary: &Boundary) -> Result<Option<String>, PhotoError> {
    let file = labels_of(photo, root);
    if file.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    boundary.admit(&file)?;
    let bytes = photo::read_bytes_up_to(&file, MAX_BYTES)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// Adds the boxes of a photo, which `shown` names.
fn add(rows: &mut Rows, photo: &Path, shown: &str, lines: &str, split: Split, names: &[String]) {
    for (number, line) in (1..).zip(lines.lines().filter(|line| !line.trim().is_empty())) {
        let added = parse(line, names).map_err(Refusal::of("unusable box")).and_then(|(name, region)| {
            let fields = Map::from_iter([("product".to_owned(), Json::String(name.to_owned()))]);
            let name = format!("{shown}#{number}");
            let (path, region, split) = (photo.to_owned(), Some(region), Some(split));
            rows.add(Example { path, name, region, split, ..Example::default() }, &fields)
        });
        if let Err(why) = added {
            rows.leave_out(None, why.cause, format!("{shown}, box {number}: {why}"));
        }
    }
}

/// A line: the class, then the box's middle, width and height, or the corners of a polygon.
fn parse<'a>(line: &str, names: &'a [String]) -> Result<(&'a str, Region), String> {
    let mut words = line.split_whitespace();
    let class = words.next().and_then(|word| word.parse::<usize>().ok()).ok_or("its class is no whole number")?;
    let name = names.get(class).ok_or_else(|| format!("its class {class} has no name in {NAME}"))?;
    let numbers: Option<Vec<f64>> = words.map(|word| word.parse().ok()).collect();
    let bounds = match numbers.as_deref() {
        Some(&[x, y, width, height]) => [x - width / 2.0, y - height / 2.0, width, height],
        Some(corners) if corners.len() >= 6 && corners.len().is_multiple_of(2) => {
            let span = |from: usize| {
                let values = || corners.iter().skip(from).step_by(2).copied();
                (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
            };
            let ((left, right), (top, bottom)) = (span(0), span(1));
            [left, top, right - left, bottom - top]
        }
        _ => return Err("its box is neither four numbers nor a polygon".into()),
    };
    Ok((name, Region::relative(bounds)?))
}

/// The file with a photo's boxes: in `labels` in place of the last `images` on the way from the data set's folder, or
/// beside it.
fn labels_of(photo: &Path, root: &Path) -> PathBuf {
    let below = photo.strip_prefix(root).unwrap_or(photo);
    let mut parts: Vec<_> = below.components().map(|part| part.as_os_str().to_owned()).collect();
    if let Some(images) = parts.iter_mut().rev().find(|part| *part == "images") {
        *images = "labels".into();
    }
    root.join(parts.iter().collect::<PathBuf>()).with_extension("txt")
}

/// A folder as it is named: below `path` or beside the file. Roboflow's `../train/images` lies beside it as well.
fn find(beside: &Path, path: Option<&str>, folder: &str, boundary: &Boundary) -> Option<PathBuf> {
    let base = beside.join(path.unwrap_or_default());
    let nearer = folder.trim_start_matches("../").trim_start_matches("./");
    let places = [base.join(folder), beside.join(folder), beside.join(nearer)];
    places.into_iter().find(|place| place.is_dir() && boundary.holds(place))
}

fn strings(yaml: &Yaml) -> Vec<String> {
    match yaml {
        Yaml::String(text) => vec![text.clone()],
        Yaml::Sequence(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// The classes by number: a list, or a map from 0 on.
fn names(yaml: &Yaml) -> Option<Vec<String>> {
    let text = |yaml: &Yaml| match yaml {
        Yaml::String(text) => Some(text.clone()),
        Yaml::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match yaml {
        Yaml::Sequence(items) => items.iter().map(text).collect(),
        Yaml::Mapping(items) => (0..items.len()).map(|class| text(items.get(Yaml::from(class as u64))?)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0";

    #[test]
    fn boxes_are_photos_of_their_classes() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.path().join("set").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("train/images/a.jpg", JPEG);
        write("train/images/b.jpg", JPEG);
        write("train/labels/a.txt", b"0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.3 0.1 0.3 0.5\n7 0.5 0.5 0.1 0.1\n");
        write("val/images/c.jpg", JPEG);
        write("val/labels/c.txt", b"1 0.5 0.5 0.2 0.4\n0 0.5 0.5\n");
        for yaml in [
            "train: ../train/images\nval: val/images\nnc: 2\nnames: [kiwi, lime]\n",
            "path: .\ntrain: [train/images]\nvalid: ./val/images\nnames:\n  0: kiwi\n  1: lime\n",
        ] {
            write(NAME, yaml.as_bytes());
            let dataset = Dataset::read(&dir.path().join("set"), &Reading::default()).unwrap();
            assert_eq!(dataset.labels, ["kiwi", "lime"]);
            let found: Vec<_> = dataset.examples.iter().map(|e| (e.name.as_str(), e.split.unwrap())).collect();
            let train = Split::Train;
            let expected = [
                ("train/images/a.jpg#1", train),
                ("train/images/a.jpg#2", train),
                ("val/images/c.jpg#1", Split::Valid),
            ];
            assert_eq!(found, expected);
            assert_eq!(dataset.problems.len(), 2, "{:?}", dataset.problems);
            assert!(dataset.notes.iter().any(|note| note.starts_with("1 photos of ")), "{:?}", dataset.notes);
            let told = dataset.understood().into_iter().chain(dataset.problems.iter().map(|p| p.reason.clone()));
            let folder = dir.path().display().to_string();
            assert!(told.into_iter().all(|text| !text.contains(&folder)), "paths are relative");
            assert_eq!(dataset.examples[0].region.unwrap().window(100, 100), Ok([27, 27, 46, 46]));
        }
        write(NAME, b"train: ../../elsewhere\nnames: [kiwi]\n");
        assert_eq!(Dataset::read(&dir.path().join("set"), &Reading::default()).unwrap_err().code(), "NO_PHOTOS");
        write(NAME, b"names: {");
        assert_eq!(Dataset::read(&dir.path().join("set"), &Reading::default()).unwrap_err().code(), "BAD_INPUT");
    }
    #[test]
    fn a_file_of_boxes_lies_below_the_data_sets_folder() {
        let root = Path::new("/home/images/set");
        for (photo, file) in [
            ("train/images/a.jpg", "train/labels/a.txt"),
            ("images/train/images/a.jpg", "images/train/labels/a.txt"),
            ("train/a.jpg", "train/a.txt"),
        ] {
            assert_eq!(labels_of(&root.join(photo), root), root.join(file));
        }
    }

    #[test]
    fn poses_and_files_of_boxes_that_cannot_be_read_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("images/a.jpg", JPEG);
        write("images/b.jpg", JPEG);
        write("labels/a.txt", b"0 0.5 0.5 0.2 0.4\n");
        std::fs::create_dir_all(dir.path().join("labels/b.txt")).unwrap();
        write(NAME, b"train: images\nnames: [kiwi]\n");
        let dataset = Dataset::read(dir.path(), &Reading::default()).unwrap();
        assert_eq!((dataset.examples.len(), dataset.problems.len()), (1, 1));
        assert!(dataset.problems[0].reason.contains("b.jpg: its file of boxes"), "{:?}", dataset.problems);
        assert!(!dataset.notes.iter().any(|note| note.contains("show none")), "{:?}", dataset.notes);
        write(NAME, b"train: images\nkpt_shape: [17, 3]\nnames: [kiwi]\n");
        let error = Dataset::read(dir.path(), &Reading::default()).unwrap_err();
        assert!(error.code() == "BAD_INPUT" && error.to_string().contains("kpt_shape"), "{error}");
    }
}
