//! YOLO's detection data sets: `data.yaml` with the names of the classes and the folders of photos, and beside each folder
//! `images` a folder `labels` with a text file per photo: a class and a box a line, in shares of the photo's sides.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use serde_yaml_ng::Value as Yaml;

use super::boundary::Boundary;
use super::folder::Tree;
use super::rows::Rows;
use super::{Dataset, Example, Reading, Split};
use crate::error::{Error, Result};
use crate::photo::{self, Region};

/// The file that describes such a data set.
pub(super) const NAME: &str = "data.yaml";
/// The longest file of names or boxes that is read.
const MAX_BYTES: u64 = 16 << 20;

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
}

pub(super) fn read(file: &Path, reading: &Reading) -> Result<Dataset> {
    let wrong = |what: String| Error::BadInput(format!("{} cannot be read as YOLO's data: {what}", file.display()));
    let bytes = photo::read_bytes_up_to(file, MAX_BYTES).map_err(|e| wrong(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is no UTF-8".into()))?;
    let description: Description = serde_yaml_ng::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let names = names(&description.names).ok_or_else(|| wrong("its `names` are no list of strings".into()))?;
    let beside = file.parent().unwrap_or(Path::new(""));
    let boundary = Boundary::of(beside, reading.allow_outside)?;
    let mut rows = Rows::new(file.display().to_string(), reading);
    let mut notes = Vec::new();
    let parts =
        [(Split::Train, &description.train), (Split::Valid, &description.val), (Split::Test, &description.test)];
    for (split, folder) in parts.iter().flat_map(|(split, yaml)| strings(yaml).into_iter().map(|s| (*split, s))) {
        let Some(folder) = find(beside, description.path.as_deref(), &folder, &boundary) else {
            rows.leave_out(None, format!("its folder {folder} is not there, or lies outside the data set's own"));
            continue;
        };
        let tree = match Tree::walk(&folder, reading) {
            Ok(tree) => tree,
            Err(Error::NoPhotos(why)) => {
                rows.leave_out(None, why);
                continue;
            }
            Err(error) => return Err(error),
        };
        let root = beside.canonicalize().unwrap_or_else(|_| beside.to_owned());
        let unlabelled = tree.photos.iter().filter(|photo| !add(&mut rows, photo, &root, split, &names)).count();
        if unlabelled > 0 {
            notes.push(format!("{unlabelled} photos of {} show none of the products", folder.display()));
        }
        tree.dataset.problems.iter().for_each(|problem| rows.leave_out(None, problem.to_string()));
    }
    let mut dataset = rows.finish()?;
    dataset.notes.extend(notes);
    Ok(dataset)
}

/// Adds the boxes of a photo; whether it has any.
fn add(rows: &mut Rows, photo: &Path, root: &Path, split: Split, names: &[String]) -> bool {
    let named = photo.strip_prefix(root).unwrap_or(photo).display().to_string();
    let bytes = photo::read_bytes_up_to(&labels_of(photo), MAX_BYTES).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    for (number, line) in (1..).zip(&lines) {
        let added = parse(line, names).and_then(|(name, region)| {
            let fields = Map::from_iter([("product".to_owned(), Json::String(name.to_owned()))]);
            let name = format!("{named}#{number}");
            let (path, region, split) = (photo.to_owned(), Some(region), Some(split));
            rows.add(Example { path, name, region, split, ..Example::default() }, &fields)
        });
        if let Err(why) = added {
            rows.leave_out(None, format!("{named}, box {number}: {why}"));
        }
    }
    !lines.is_empty()
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

/// The file with a photo's boxes: in `labels` in place of the last `images` on the way, or beside it.
fn labels_of(photo: &Path) -> PathBuf {
    let mut parts: Vec<_> = photo.components().map(|part| part.as_os_str().to_owned()).collect();
    if let Some(images) = parts.iter_mut().rev().find(|part| *part == "images") {
        *images = "labels".into();
    }
    parts.iter().collect::<PathBuf>().with_extension("txt")
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
            assert!(dataset.notes.iter().any(|note| note.contains("1 photos of")), "{:?}", dataset.notes);
            assert_eq!(dataset.examples[0].region.unwrap().window(100, 100), Ok([27, 27, 46, 46]));
        }
        write(NAME, b"train: ../../elsewhere\nnames: [kiwi]\n");
        assert_eq!(Dataset::read(&dir.path().join("set"), &Reading::default()).unwrap_err().code(), "NO_PHOTOS");
        write(NAME, b"names: {");
        assert_eq!(Dataset::read(&dir.path().join("set"), &Reading::default()).unwrap_err().code(), "BAD_INPUT");
    }
}
