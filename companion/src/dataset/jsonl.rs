//! JSONL rows: `{"image_path": "images/key_001.jpg", "brand": "…", "code": [2, 5], "risk": 0.3}`, or with the photo in the row
//! itself, `{"image": "data:image/jpeg;base64,…", "product": "kiwi", "facts": {"price": 3}}`, as a device exports its lessons.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value as Json};

use super::rows::Rows;
use super::{Dataset, Example};
use crate::error::Result;
use crate::photo::Region;

const DATA: &str = "data:image/jpeg;base64,";

pub(super) fn read(file: &Path, bytes: &[u8], label: Option<&str>) -> Result<Dataset> {
    let mut rows = Rows::new(file.display().to_string());
    for (number, line) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let added = row(line, number, file).and_then(|Row { example, fields, facts }| {
            rows.add(example, &fields)?;
            rows.tell(&fields, facts);
            Ok(())
        });
        if let Err(reason) = added {
            rows.leave_out(Some(number), reason);
        }
    }
    rows.finish(label)
}

struct Row {
    example: Example,
    /// Its attributes.
    fields: Map<String, Json>,
    /// Of its product.
    facts: Map<String, Json>,
}

fn row(line: &[u8], number: usize, rows: &Path) -> Result<Row, String> {
    let mut row: Map<String, Json> = serde_json::from_slice(line).map_err(|e| format!("is not a JSON object: {e}"))?;
    let bytes = row.remove("image").as_ref().map(data).transpose()?;
    let path = match row.remove("image_path") {
        Some(_) if bytes.is_some() => return Err("has both `image` and `image_path`".into()),
        None if bytes.is_some() => format!("{}:{number}", rows.file_name().unwrap_or_default().display()),
        Some(Json::String(path)) if !path.is_empty() => path,
        Some(_) => return Err("`image_path` must be a string".into()),
        None => return Err("`image_path` is missing".into()),
    };
    let region = match row.remove("box") {
        None | Some(Json::Null) => None,
        Some(bounds) => Some(Region::parse(&bounds, None)?),
    };
    let facts = match row.remove("facts") {
        None => Map::new(),
        Some(Json::Object(facts)) => facts,
        Some(_) => return Err("`facts` must be an object".into()),
    };
    let lesson = row.remove("lesson").and_then(|lesson| lesson_digest(&lesson, &row));
    if row.values().all(Json::is_null) {
        return Err(match row.contains_key("product") {
            true => "shows none of the products; only photos of products are trained on".into(),
            false => "has no attribute beside `image_path`".into(),
        });
    }
    let file = if bytes.is_some() { rows.to_owned() } else { rows.parent().unwrap_or(Path::new("")).join(&path) };
    if bytes.is_none() && !file.is_file() {
        return Err(format!("the image {} does not exist", file.display()));
    }
    let name = if region.is_some() && bytes.is_none() { format!("{path}#{number}") } else { path };
    let bytes = bytes.map(Into::into);
    let example = Example { path: file, bytes, name, region, lesson, label: None, attributes: BTreeMap::new() };
    Ok(Row { example, fields: row, facts })
}

/// The digest of the lesson that a row is a frame of: a release lists those that it has learnt, so that devices retire them.
fn lesson_digest(lesson: &Json, row: &Map<String, Json>) -> Option<String> {
    let product = row.get("product").and_then(Json::as_str);
    Some(jicho::teach::digest(lesson.get("id")?.as_str()?, lesson.get("time")?.as_u64()?, product))
}

/// The photo that a data URI holds.
fn data(json: &Json) -> Result<Vec<u8>, String> {
    let base64 = json.as_str().and_then(|uri| uri.strip_prefix(DATA));
    let base64 = base64.ok_or_else(|| format!("`image` must begin with `{DATA}`; a file is named by `image_path`"))?;
    BASE64_STANDARD.decode(base64).map_err(|e| format!("`image` is no base64: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, at};

    fn read_rows(rows: &str, label: Option<&str>) -> Result<Dataset> {
        let dir = tempfile::tempdir().map_err(at("temp"))?;
        for image in ["a.jpg", "b.jpg"] {
            std::fs::write(dir.path().join(image), b"x").map_err(at(image))?;
        }
        let file = dir.path().join("rows.jsonl");
        std::fs::write(&file, rows).map_err(at(&file))?;
        read(&file, rows.as_bytes(), label)
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
        assert_eq!(dataset.examples.len(), 2);
        assert_eq!(dataset.labels, ["K", "L"]);
        assert_eq!(dataset.label_attribute.as_deref(), Some("brand"));
    }

    #[test]
    fn a_photo_may_lie_in_its_row() {
        let rows = concat!(
            "{\"image\":\"data:image/jpeg;base64,/9j/AA==\",\"product\":\"kiwi\",\"facts\":{\"price\":3},\"lesson\":{\"id\":\"1\"}}\n",
            "{\"image\":\"data:image/png;base64,AA==\",\"product\":\"kiwi\"}\n",
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
    fn a_product_field_is_the_label_and_no_attribute() {
        let rows = "{\"image_path\":\"a.jpg\",\"brand\":\"K\",\"product\":\"p\"}";
        let dataset = read_rows(rows, None).unwrap();
        assert_eq!((dataset.labels, dataset.label_attribute), (vec!["p".to_owned()], None));
        assert_eq!(dataset.examples[0].attributes.keys().collect::<Vec<_>>(), ["brand"]);
        assert!(matches!(read_rows(rows, Some("nope")), Err(Error::BadInput(_))));
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
