//! JSONL rows: `{"image_path": "images/key_001.jpg", "brand": "…", "code": [2, 5], "risk": 0.3}`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::rows::Rows;
use super::{Dataset, Example};
use crate::error::Result;
use crate::photo::Region;

pub(super) fn read(file: &Path, bytes: &[u8], label: Option<&str>) -> Result<Dataset> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut rows = Rows::new(file.display().to_string());
    for (number, line) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if let Err(reason) = row(line, number, folder).and_then(|(example, fields)| rows.add(example, &fields)) {
            rows.leave_out(Some(number), reason);
        }
    }
    rows.finish(label)
}

fn row(line: &[u8], number: usize, folder: &Path) -> Result<(Example, Map<String, Json>), String> {
    let mut row: Map<String, Json> = serde_json::from_slice(line).map_err(|e| format!("is not a JSON object: {e}"))?;
    let path = match row.remove("image_path") {
        Some(Json::String(path)) if !path.is_empty() => path,
        Some(_) => return Err("`image_path` must be a string".into()),
        None => return Err("`image_path` is missing".into()),
    };
    let region = match row.remove("box") {
        None | Some(Json::Null) => None,
        Some(bounds) => Some(Region::parse(&bounds, None)?),
    };
    if row.values().all(Json::is_null) {
        return Err("has no attribute beside `image_path`".into());
    }
    let file = folder.join(&path);
    if !file.is_file() {
        return Err(format!("the image {} does not exist", file.display()));
    }
    let name = if region.is_some() { format!("{path}#{number}") } else { path };
    Ok((Example { path: file, name, region, label: None, attributes: BTreeMap::new() }, row))
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
