//! Pascal VOC annotations (Everingham 2010): an XML file per photo, beside it or in `Annotations/` beside `JPEGImages/`.

use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value as Json};
use walkdir::WalkDir;

use super::boundary::Boundary;
use super::refusal::Refusal;
use super::rows::Rows;
use super::{Dataset, Example, Reading, Split, folder};
use crate::error::{Error, Result};
use crate::photo::{self, Region};

/// An annotation is a handful of boxes.
const MAX_BYTES: u64 = 16 << 20;

/// How deep tags may stand in each other; annotations take five levels. Each piece of text costs as much as it is deep.
const MAX_DEPTH: usize = 64;

/// How much of a file is read to tell what it is: only a declaration and comments may stand before its first tag.
const HEAD: usize = 4096;

/// Whether a folder holds annotations: nobody keeps XML beside photos for anything else. Files that the data set may not
/// name are not looked into.
pub(super) fn is_voc(folder: &Path, reading: &Reading) -> bool {
    Boundary::of(folder, reading.allow_outside)
        .is_ok_and(|boundary| files(folder).any(|file| boundary.admit(&file).is_ok() && is_annotation(&file)))
}

fn is_annotation(file: &Path) -> bool {
    photo::read_head(file, HEAD).is_ok_and(|text| text.windows(11).any(|part| part == b"<annotation"))
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(|entry| entry.depth() == 0 || !folder::is_system(entry.path()));
    let is_xml = |path: &PathBuf| photo::ending(path) == "xml" && path.is_file();
    entries.filter_map(|entry| Some(entry.ok()?.into_path())).filter(is_xml)
}

/// Reads all annotations below a folder, or one file of them.
pub(super) fn read(path: &Path, reading: &Reading) -> Result<Dataset> {
    let (root, files): (PathBuf, Vec<PathBuf>) = match path.is_dir() {
        true => (path.to_owned(), files(path).collect()),
        false => (
            path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned(),
            vec![path.to_owned()],
        ),
    };
    let boundary = Boundary::of(&root, reading.allow_outside)?;
    let full = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let named = |photo: &Path| full(photo).strip_prefix(full(&root)).unwrap_or(photo).display().to_string();
    let mut rows = Rows::new(path.display().to_string(), reading);
    for file in files {
        let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        // The file that was asked for may lie anywhere; those that were found may not.
        let admitted = if file == path { Ok(()) } else { boundary.admit(&file) };
        if let Err(why) = admitted {
            rows.leave_out(None, why.cause(), format!("{name} {why}"));
            continue;
        }
        let annotation = match parse(&file) {
            Ok(Some(annotation)) => annotation,
            Ok(None) => continue,
            Err(why) => {
                rows.leave_out(None, "unusable annotation", format!("{name} {why}"));
                continue;
            }
        };
        let Some(photo) = find(&file, &annotation.filename, &boundary) else {
            rows.leave_out(None, "missing photo", format!("{name}: its photo {} is not there", annotation.filename));
            continue;
        };
        let split = name.split(['/', '\\']).next().and_then(Split::parse);
        for (number, object) in (1..).zip(annotation.objects) {
            let region = object.region().map_err(Refusal::of("unusable box"));
            let example = region.map(|region| Example {
                path: photo.clone(),
                name: format!("{}#{number}", named(&photo)),
                region: Some(region),
                split,
                ..Example::default()
            });
            let fields = Map::from_iter([("product".to_owned(), Json::String(object.name))]);
            if let Err(why) = example.and_then(|example| rows.add(example, &fields)) {
                rows.leave_out(None, why.cause, format!("{name}, object {number}: {why}"));
            }
        }
    }
    rows.finish().map_err(|error| match error {
        Error::NoPhotos(why) => Error::NoPhotos(format!("{why} (read as Pascal VOC annotations)")),
        error => error,
    })
}

/// Beside the annotation, or in the folders that VOC has for photos.
fn find(file: &Path, name: &str, boundary: &Boundary) -> Option<PathBuf> {
    let name = name.rsplit(['/', '\\']).next().map(str::trim).filter(|name| !name.is_empty())?;
    let beside = file.parent().unwrap_or(Path::new(""));
    let folders = ["", "images", "../JPEGImages", "../images"].map(|folder| beside.join(folder).join(name));
    folders.into_iter().find(|path| boundary.admit(path).is_ok())
}

struct Annotation {
    filename: String,
    objects: Vec<Object>,
}

#[derive(Default)]
struct Object {
    name: String,
    /// Left, top, right, bottom.
    edges: [Option<f64>; 4],
}

impl Object {
    fn region(&self) -> Result<Region, String> {
        let [Some(left), Some(top), Some(right), Some(bottom)] = self.edges else {
            return Err("has no `bndbox` of four numbers".into());
        };
        Region::parse(&vec![left, top, right - left, bottom - top].into(), None)
    }
}

/// The annotation in a file; `None` where it is XML of another kind.
fn parse(file: &Path) -> Result<Option<Annotation>, String> {
    let bytes = photo::read_bytes_up_to(file, MAX_BYTES).map_err(|e| e.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "is no UTF-8".to_owned())?;
    let mut reader = Reader::from_str(&text);
    let mut path: Vec<String> = Vec::new();
    let mut annotation = Annotation { filename: String::new(), objects: Vec::new() };
    let mut is_annotation = false;
    loop {
        match reader.read_event().map_err(|e| format!("is no XML: {e}"))? {
            Event::Eof => break,
            Event::Start(tag) => {
                path.push(tag.name().as_ref().to_owned());
                if path.len() > MAX_DEPTH {
                    return Err(format!("has tags in each other more than {MAX_DEPTH} deep, as no annotation has"));
                }
                is_annotation |= path == ["annotation"];
                if path == ["annotation", "object"] {
                    annotation.objects.push(Object::default());
                }
            }
            Event::End(_) => drop(path.pop()),
            Event::Text(part) => {
                let part = part.xml_content(quick_xml::XmlVersion::Implicit1_0);
                take(&mut annotation, &path, &part);
            }
            Event::GeneralRef(part) => {
                let part = part.resolve_char_ref().ok().flatten().map_or_else(
                    || quick_xml::escape::resolve_predefined_entity(&part).map(str::to_owned),
                    |c| Some(c.to_string()),
                );
                take(&mut annotation, &path, &part.unwrap_or_default());
            }
            _ => {}
        }
    }
    Ok(is_annotation.then_some(annotation))
}

/// Takes a piece of text at its place; names may come in pieces.
fn take(annotation: &mut Annotation, path: &[String], text: &str) {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (&path[..], annotation.objects.last_mut()) {
        (["annotation", "filename"], _) => annotation.filename.push_str(text),
        (["annotation", "object", "name"], Some(object)) => object.name.push_str(text),
        (["annotation", "object", "bndbox", edge], Some(object)) => {
            let place = ["xmin", "ymin", "xmax", "ymax"].iter().position(|name| name == edge);
            if let Some(place) = place {
                object.edges[place] = text.trim().parse().ok();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn annotation(photo: &str, object: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<annotation><folder>x</folder><filename>{photo}</filename>\
             <size><width>90</width></size>{object}</annotation>"
        )
    }

    fn object(name: &str) -> String {
        let edges = "<xmin>1</xmin><ymin>2</ymin><xmax>31.5</xmax><ymax>42</ymax>";
        format!("<object><name>{name}</name><part><name>lid</name></part><bndbox>{edges}</bndbox></object>")
    }

    #[test]
    fn each_object_is_a_photo_of_its_product() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for photo in ["JPEGImages/a.jpg", "JPEGImages/b.jpg"] {
            write(photo, "x");
        }
        write("Annotations/a.xml", &annotation("a.jpg", &(object("salt &amp; pepper") + &object("tea"))));
        write("Annotations/b.xml", &annotation("C:\\photos\\b.jpg", &object("tea")));
        write("Annotations/c.xml", &annotation("../../etc/c.jpg", &object("tea")));
        write("Annotations/d.xml", &annotation("a.jpg", "<object><name>tea</name></object>"));
        write("Annotations/e.xml", "<annotation><object>");
        write("other.xml", "<html></html>");
        let dataset = Dataset::read(dir.path(), &Reading::default()).unwrap();
        assert_eq!(dataset.labels, ["salt & pepper", "tea"]);
        let regions: Vec<_> = dataset.examples.iter().map(|e| (e.name.as_str(), e.region.unwrap().bounds())).collect();
        let bounds = [1.0, 2.0, 30.5, 40.0];
        let names = ["JPEGImages/a.jpg#1", "JPEGImages/a.jpg#2", "JPEGImages/b.jpg#1"];
        assert_eq!(regions, names.map(|name| (name, bounds)));
        assert_eq!(dataset.problems.len(), 3, "{:?}", dataset.problems);
    }
    #[cfg(unix)]
    #[test]
    fn annotations_are_looked_for_within_the_folder_alone() {
        let dir = tempfile::tempdir().unwrap();
        let set = dir.path().join("set");
        fs::create_dir_all(set.join("tea")).unwrap();
        fs::write(set.join("tea/a.jpg"), b"\xff\xd8\xff\xe0").unwrap();
        fs::write(dir.path().join("private.xml"), annotation("a.jpg", &object("secret"))).unwrap();
        std::os::unix::fs::symlink(dir.path().join("private.xml"), set.join("tea/a.xml")).unwrap();
        assert_eq!(Dataset::read(&set, &Reading::default()).unwrap().labels, ["tea"], "a folder of products");
        fs::write(set.join("tea/b.xml"), annotation("a.jpg", &object("green tea"))).unwrap();
        let dataset = Dataset::read(&set, &Reading::default()).unwrap();
        assert_eq!(dataset.labels, ["green tea"]);
        assert!(dataset.problems[0].to_string().contains("--allow-outside"), "{:?}", dataset.problems);
        let open = Reading { allow_outside: true, ..Reading::default() };
        assert_eq!(Dataset::read(&set, &open).unwrap().labels, ["green tea", "secret"]);
    }

    #[test]
    fn only_the_beginning_of_a_file_tells_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let late = format!("{}<annotation/>", " ".repeat(HEAD));
        fs::write(dir.path().join("a.xml"), &late).unwrap();
        assert!(!is_voc(dir.path(), &Reading::default()));
        fs::write(dir.path().join("a.xml"), &late[1 + HEAD / 2..]).unwrap();
        assert!(is_voc(dir.path(), &Reading::default()));
    }
}
