//! JSONL rows: `{"image_path": "images/key_001.jpg", "brand": "…", "code": [2, 5], "risk": 0.3}`, or with the photo in the row
//! itself, `{"image": "data:image/jpeg;base64,…", "product": "kiwi", "facts": {"price": 3}}`, as a device exports its lessons.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value as Json};

use super::boundary::Boundary;
use super::fields::{self, Place};
use super::refusal::Refusal;
use super::rows::Rows;
use super::{Dataset, Example, Reading};
use crate::error::{Error, Result};
use crate::photo::PhotoError;

const DATA: &str = "data:image/";
/// Why lines are left out that are no rows at all.
const NO_OBJECT: &str = "not a JSON object";

/// The rows of a JSONL file.
pub(super) fn read(file: &Path, bytes: &[u8], reading: &Reading) -> Result<Dataset> {
    read_rows(file, lines(bytes), &Source::beside(file, reading)?, reading)
}

/// The object of each line that is not blank, with its number from 1.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<Map<String, Json>, Refusal>)> {
    let lines = (1..).zip(bytes.split(|b| *b == b'\n')).filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace));
    lines.map(|(number, line)| {
        let object =
            serde_json::from_slice(line).map_err(|e| Refusal::new(NO_OBJECT, format!("is not a JSON object: {e}")));
        (number, object)
    })
}

/// The rows of a JSON file that is one array of them.
pub(super) fn read_array(file: &Path, bytes: &[u8], reading: &Reading) -> Result<Dataset> {
    let rows: Vec<Json> = serde_json::from_slice(bytes)
        .map_err(|e| Error::BadInput(format!("{} is no array of rows: {e}", file.display())))?;
    let objects = (1..).zip(rows).map(|(number, row)| match row {
        Json::Object(row) => (number, Ok(row)),
        other => (number, Err(Refusal::new(NO_OBJECT, format!("is not a JSON object: {other}")))),
    });
    read_rows(file, objects, &Source::beside(file, reading)?, reading)
}

/// Lessons that a device exported. A file that comes from a device names no file of this machine.
pub(super) fn read_lessons(file: &Path, bytes: &[u8]) -> Result<Dataset> {
    read_rows(file, lines(bytes), &Source::Inside, &Reading::default())
}

/// Where the photos of rows may be.
pub(super) enum Source {
    /// In files below the folder.
    Files(PathBuf, Boundary),
    /// In the rows themselves alone.
    Inside,
}

impl Source {
    /// Files beside the one that names them.
    pub(super) fn beside(file: &Path, reading: &Reading) -> Result<Self> {
        let folder = file.parent().unwrap_or(Path::new(""));
        Ok(Source::Files(folder.to_owned(), Boundary::of(folder, reading.allow_outside)?))
    }

    fn find(&self, name: &str) -> Result<PathBuf, Refusal> {
        let Source::Files(folder, boundary) = self else {
            let reason = "names a file; a lesson holds its photo in `image`, as `exportLessons()` writes it";
            return Err(Refusal::new("lesson that names a file", reason));
        };
        // Files made on Windows name folders its way.
        let admitted = [name.to_owned(), name.replace('\\', "/")].map(|name| {
            let path = folder.join(name);
            boundary.admit(&path).map(|()| path)
        });
        let [first, second] = admitted;
        first.or_else(|error| second.map_err(|_| error)).map_err(|error| match error {
            PhotoError::Io(_) => {
                Refusal::new("missing photo", format!("the image {} does not exist", folder.join(name).display()))
            }
            error => Refusal::new(error.cause(), format!("the image {name} {error}")),
        })
    }
}

/// Takes rows, whatever they were written as, with their numbers from 1.
pub(super) fn read_rows(
    file: &Path,
    objects: impl Iterator<Item = (usize, Result<Map<String, Json>, Refusal>)>,
    source: &Source,
    reading: &Reading,
) -> Result<Dataset> {
    let mut rows = Rows::new(file.display().to_string(), reading);
    for (number, object) in objects {
        let added = object.and_then(|object| row(object, number, file, source, &reading.attributes)).and_then(|row| {
            let Row { example, fields, facts } = row;
            rows.add(example, &fields)?;
            rows.tell(facts);
            Ok(())
        });
        if let Err(refusal) = added {
            rows.leave_out(Some(number), refusal.cause, refusal.reason);
        }
    }
    rows.finish()
}

struct Row {
    example: Example,
    /// Its attributes.
    fields: Map<String, Json>,
    /// Of its product.
    facts: Map<String, Json>,
}

fn row(
    mut row: Map<String, Json>,
    number: usize,
    rows: &Path,
    source: &Source,
    asked: &[String],
) -> Result<Row, Refusal> {
    let region = fields::take_region(&mut row, asked).map_err(Refusal::of("unusable box"))?;
    let split = fields::take_split(&mut row).map_err(Refusal::of("unusable split"))?;
    let facts = match row.shift_remove("facts") {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(facts)) => facts,
        Some(_) => return Err(Refusal::new("unusable facts", "`facts` must be an object")),
    };
    let lesson = row.shift_remove("lesson").and_then(|lesson| lesson_digest(&lesson, &row));
    let place = fields::take_place(&mut row).map_err(Refusal::of("unusable photo field"))?;
    if row.values().all(Json::is_null) {
        let reason = match row.contains_key("product") {
            true => "shows none of the products; only photos of products are trained on",
            false => "has no attribute beside `image_path`",
        };
        return Err(Refusal::new("no product", reason));
    }
    let mut example = Example { region, lesson, split, ..Example::default() };
    match place {
        Place::Inside(uri) => {
            example.path = rows.to_owned();
            example.bytes = Some(data(&uri).map_err(Refusal::of("unusable photo field"))?.into());
            example.name = format!("{}:{number}", rows.file_name().unwrap_or_default().display());
        }
        Place::File(name) => {
            example.path = source.find(&name)?;
            example.name = if region.is_some() { format!("{name}#{number}") } else { name };
        }
    }
    Ok(Row { example, fields: row, facts })
}

/// The digest of the lesson that a row is a frame of: a release lists those that it has learnt, so that devices retire them.
/// A row tells the lesson as the device exported it, or its digest alone.
fn lesson_digest(lesson: &Json, row: &Map<String, Json>) -> Option<String> {
    if let Some(digest) = lesson.as_str() {
        return Some(digest.to_owned());
    }
    let product = row.get("product").and_then(Json::as_str);
    Some(jicho::teach::digest(lesson.get("id")?.as_str()?, lesson.get("time")?.as_u64()?, product))
}

/// The photo that a data URI holds.
fn data(uri: &str) -> Result<Vec<u8>, String> {
    let base64 = uri.strip_prefix(DATA).and_then(|rest| rest.split_once(";base64,")).map(|(_, base64)| base64);
    let base64 = base64.ok_or("`image` must begin with `data:image/jpeg;base64,`; a file is named by `image_path`")?;
    BASE64_STANDARD.decode(base64).map_err(|e| format!("`image` is no base64: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, at};

    fn read_rows(rows: &str, label: Option<&str>) -> Result<Dataset> {
        let reading = Reading { label: label.map(str::to_owned), ..Reading::default() };
        let dir = tempfile::tempdir().map_err(at("temp"))?;
        for image in ["a.jpg", "b.jpg"] {
            std::fs::write(dir.path().join(image), b"x").map_err(at(image))?;
        }
        let file = dir.path().join("rows.jsonl");
        std::fs::write(&file, rows).map_err(at(&file))?;
        read(&file, rows.as_bytes(), &reading)
    }

    #[test]
    fn invalid_rows_are_reported_with_their_line() {
        let rows = concat!(
            "{\"image_path\":\"a.jpg\",\"brand\":\"K\",\"code\":[1,2],\"risk\":1}\n",
            "\n",
            "not json\n",
            "{\"brand\":\"K\"}\n",
            "{\"image_path\":\"none.jpg\",\"brand\":\"K\"}\n",
            "{\"image_path\":\"a.jpg\",\"brand\":7}\n",
            "{\"image_path\":\"a.jpg\",\"code\":[1,2,3]}\n",
            "{\"image_path\":\"a.jpg\",\"code\":[1,2.5]}\n",
            "{\"image_path\":\"b.jpg\",\"brand\":\"L\",\"code\":null}\n",
        );
        let dataset = read_rows(rows, None).unwrap();
        assert_eq!(dataset.problems.iter().map(|p| p.line.unwrap()).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8]);
        let counted = crate::dataset::left_out(&dataset.problems).unwrap();
        assert_eq!(
            counted,
            "6 left out: 1 missing photo, 1 not a JSON object, 3 unusable attribute, 1 unusable photo field"
        );
        assert_eq!(dataset.examples.len(), 2);
        assert_eq!(dataset.labels, ["K", "L"]);
        assert_eq!(dataset.label_attribute.as_deref(), Some("brand"));
    }

    #[test]
    fn a_photo_may_lie_in_its_row() {
        let rows = concat!(
            "{\"image\":\"data:image/jpeg;base64,/9j/AA==\",\"product\":\"kiwi\",\"facts\":{\"price\":3},\"lesson\":{\"id\":\"1\"}}\n",
            "{\"image\":\"data:text/plain;base64,AA==\",\"product\":\"kiwi\"}\n",
            "{\"image\":\"data:image/jpeg;base64,/9j\",\"product\":\"kiwi\"}\n",
            "{\"image\":\"data:image/jpeg;base64,/9j/AA==\",\"image_path\":\"a.jpg\",\"product\":\"kiwi\"}\n",
            "{\"image\":\"data:image/jpeg;base64,/9j/AA==\",\"product\":null}\n",
            "{\"image_path\":\"a.jpg\",\"product\":\"apple\",\"facts\":3}\n",
            "{\"image_path\":\"a.jpg\",\"product\":\"apple\"}\n",
        );
        let dataset = read_rows(rows, None).unwrap();
        assert_eq!(dataset.problems.iter().map(|p| p.line.unwrap()).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
        assert_eq!(dataset.labels, ["apple", "kiwi"]);
        let own: Vec<_> = dataset.examples.iter().map(|e| (e.name.as_str(), e.bytes.as_deref())).collect();
        assert_eq!(own, [("a.jpg", None), ("rows.jsonl:1", Some(&[0xff, 0xd8, 0xff, 0][..]))]);
        assert_eq!(dataset.facts["kiwi"]["price"], 3);
        assert!(dataset.examples.iter().all(|e| e.attributes.is_empty()));
    }

    #[test]
    fn rows_in_the_order_of_their_photos_stay_in_it() {
        let rows = concat!(
            "{\"image_path\":\"b.jpg\",\"product\":\"kiwi\",\"lesson\":\"0123456789abcdef\"}\n",
            "{\"image_path\":\"b.jpg\",\"product\":\"apple\"}\n",
            "{\"image_path\":\"a.jpg\",\"product\":\"kiwi\"}\n",
        );
        let dir = tempfile::tempdir().unwrap();
        for image in ["a.jpg", "b.jpg"] {
            std::fs::write(dir.path().join(image), b"x").unwrap();
        }
        let names = |in_order| {
            let reading = Reading { in_order, ..Reading::default() };
            let dataset = read(&dir.path().join("rows.jsonl"), rows.as_bytes(), &reading).unwrap();
            assert_eq!(dataset.labels, ["apple", "kiwi"]);
            let lessons: Vec<String> = dataset.examples.iter().filter_map(|e| e.lesson.clone()).collect();
            assert_eq!(lessons, ["0123456789abcdef"]);
            dataset.examples.into_iter().map(|e| e.name).collect::<Vec<_>>()
        };
        assert_eq!(names(true), ["b.jpg", "b.jpg", "a.jpg"]);
        assert_eq!(names(false), ["b.jpg", "a.jpg", "b.jpg"]);
    }

    #[test]
    fn a_product_field_is_the_label_and_no_attribute() {
        let rows = "{\"image_path\":\"a.jpg\",\"brand\":\"K\",\"product\":\"p\"}";
        let dataset = read_rows(rows, None).unwrap();
        assert_eq!((dataset.labels, dataset.label_attribute), (vec!["p".to_owned()], None));
        assert_eq!(dataset.examples[0].attributes.keys().collect::<Vec<_>>(), ["brand"]);
        assert!(matches!(read_rows(rows, Some("nope")), Err(Error::BadInput(_))));
    }

    #[test]
    fn facts_are_of_the_product_however_it_is_named() {
        let numbered = "{\"image_path\":\"a.jpg\",\"label\":3,\"facts\":{\"price\":1}}\n";
        assert_eq!(read_rows(numbered, None).unwrap().facts["3"]["price"], 1);
        let asked = concat!(
            "{\"image_path\":\"a.jpg\",\"brand\":\"K\",\"label\":3,\"facts\":{\"price\":1}}\n",
            "{\"image_path\":\"b.jpg\",\"brand\":\"L\",\"label\":4,\"facts\":{\"price\":2}}\n",
        );
        let dataset = read_rows(asked, Some("brand")).unwrap();
        assert!(dataset.facts["K"]["price"] == 1 && dataset.facts["L"]["price"] == 2 && dataset.facts.len() == 2);
        assert!(
            dataset.notes.iter().any(|note| note.contains("not taken") && note.contains("label")),
            "{:?}",
            dataset.notes
        );
    }

    #[test]
    fn numbers_that_are_not_whole_or_too_large_to_be_told_apart_name_nothing() {
        let row = |label: &str| read_rows(&format!("{{\"image_path\":\"a.jpg\",\"label\":{label}}}"), None);
        for (label, name) in [("3.0", "3"), ("-7", "-7"), ("18446744073709551615", "18446744073709551615")] {
            assert_eq!(row(label).unwrap().labels, [name]);
        }
        for label in ["3.5", "9007199254740992.0", "1e300", "-1e300"] {
            assert_eq!(row(label).unwrap_err().code(), "NO_PHOTOS", "{label}");
        }
    }

    #[test]
    fn a_box_is_a_part_of_the_photo_and_no_attribute() {
        let rows = concat!(
            "{\"image_path\":\"a.jpg\",\"product\":\"p\",\"box\":[1,2,30.5,40]}\n",
            "{\"image_path\":\"a.jpg\",\"product\":\"q\",\"box\":[1,2,-3,4]}\n",
            "{\"image_path\":\"a.jpg\",\"product\":\"q\",\"box\":null}\n",
        );
        let dataset = read_rows(rows, None).unwrap();
        let found: Vec<_> = dataset.examples.iter().map(|e| (e.name.as_str(), e.region.map(|r| r.bounds()))).collect();
        assert_eq!(found, [("a.jpg#1", Some([1.0, 2.0, 30.5, 40.0])), ("a.jpg", None)]);
        assert!(dataset.examples.iter().all(|e| e.attributes.is_empty()));
        assert_eq!(dataset.problems.len(), 1);
        assert!(dataset.problems[0].to_string().contains(":2: its box [1.0, 2.0, -3.0, 4.0] has no area"));
    }

    #[test]
    fn nothing_usable_is_an_error_that_shows_the_first_problem() {
        let error = read_rows("[]\n", None).unwrap_err();
        assert_eq!(error.code(), "NO_PHOTOS");
        assert!(error.to_string().contains(":1:"), "{error}");
    }
}
