//! JSONL rows: `{"image_path": "images/key_001.jpg", "brand": "…", "code": [2, 5], "risk": 0.3}`, or with the photo in the row
//! itself, `{"image": "data:image/jpeg;base64,…", "product": "kiwi", "facts": {"price": 3}}`, as a device exports its lessons.
//!
//! Strings become a categorical attribute, arrays of integers a sequence (of one length), numbers a numeric one. The
//! first valid row that has an attribute fixes its type.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value as Json};

use super::{Dataset, Example, Problem, Value, natural};
use crate::error::{Error, Result, at};

const LABEL_FIELDS: [&str; 2] = ["product", "label"];
/// What is no attribute. `lesson` tells devices which lesson a row is of.
const RESERVED: [&str; 4] = ["image_path", "image", "facts", "lesson"];
const DATA: &str = "data:image/jpeg;base64,";
const MAX_SEQUENCE: usize = 64;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Sequence(usize),
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Text => write!(f, "a string"),
            Kind::Number => write!(f, "a number"),
            Kind::Sequence(length) => write!(f, "an array of {length} integers"),
        }
    }
}

pub(super) fn read(file: &Path, label: Option<&str>) -> Result<Dataset> {
    let bytes = std::fs::read(file).map_err(at(file))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let name = file.display().to_string();
    let mut dataset = Dataset::default();
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    let mut first_text: Option<String> = None;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let own_name = || format!("{}:{}", file.file_name().unwrap_or_default().display(), number + 1);
        match row(line, folder, &kinds, &own_name) {
            Ok(Row { mut example, order, facts }) => {
                if example.bytes.is_some() {
                    example.path = file.to_owned();
                }
                let product = LABEL_FIELDS.into_iter().find_map(|field| example.attributes.get(field));
                if let Some(Value::Text(product)) = product {
                    dataset.facts.entry(product.clone()).or_default().extend(facts);
                }
                for field in order {
                    let kind = kind_of(&example.attributes[&field]);
                    if kind == Kind::Text && first_text.is_none() {
                        first_text = Some(field.clone());
                    }
                    kinds.entry(field).or_insert(kind);
                }
                dataset.examples.push(example);
            }
            Err(reason) => {
                dataset.problems.push(Problem { file: name.clone(), line: Some(number + 1), reason });
            }
        }
    }
    if dataset.examples.is_empty() {
        let why = dataset.problems.first().map_or_else(|| "it is empty".to_owned(), ToString::to_string);
        return Err(Error::NoPhotos(format!("{name} has no usable row: {why}")));
    }
    assign_labels(&mut dataset, &kinds, label, first_text, &name)?;
    dataset.examples.sort_by(|a, b| a.label.cmp(&b.label).then_with(|| natural(&a.name, &b.name)));
    Ok(dataset)
}

/// Chooses which attribute is the product: the one asked for, `product` or `label`, else the first string attribute
/// of the file, which then stays an attribute as well.
fn assign_labels(
    dataset: &mut Dataset,
    kinds: &BTreeMap<String, Kind>,
    asked: Option<&str>,
    first_text: Option<String>,
    file: &str,
) -> Result<()> {
    let is_text = |field: &str| kinds.get(field) == Some(&Kind::Text);
    if let Some(field) = asked.filter(|f| !is_text(f)) {
        return Err(Error::BadInput(format!("{file} has no string field `{field}` to take the product id from")));
    }
    let own = asked.or_else(|| LABEL_FIELDS.into_iter().find(|f| is_text(f))).map(str::to_owned);
    let Some(field) = own.clone().or(first_text) else { return Ok(()) };
    let mut labels: Vec<String> = dataset
        .examples
        .iter()
        .filter_map(|e| match e.attributes.get(&field) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        })
        .collect();
    labels.sort();
    labels.dedup();
    for example in &mut dataset.examples {
        if let Some(Value::Text(text)) = example.attributes.get(&field) {
            example.label = labels.binary_search(text).ok();
        }
        if own.is_some() {
            example.attributes.remove(&field);
        }
    }
    dataset.labels = labels;
    dataset.label_attribute = own.is_none().then_some(field);
    Ok(())
}

struct Row {
    example: Example,
    /// Its attributes, as they come in the row.
    order: Vec<String>,
    facts: Map<String, Json>,
}

fn row(
    line: &[u8],
    folder: &Path,
    kinds: &BTreeMap<String, Kind>,
    own_name: &dyn Fn() -> String,
) -> Result<Row, String> {
    let row: Map<String, Json> = serde_json::from_slice(line).map_err(|e| format!("is not a JSON object: {e}"))?;
    let bytes = row.get("image").map(data).transpose()?;
    let path = match row.get("image_path") {
        Some(_) if bytes.is_some() => return Err("has both `image` and `image_path`".into()),
        None if bytes.is_some() => own_name(),
        Some(Json::String(path)) if !path.is_empty() => path.clone(),
        Some(_) => return Err("`image_path` must be a string".into()),
        None => return Err("`image_path` is missing".into()),
    };
    let facts = match row.get("facts") {
        None => Map::new(),
        Some(Json::Object(facts)) => facts.clone(),
        Some(_) => return Err("`facts` must be an object".into()),
    };
    let mut attributes = BTreeMap::new();
    let mut order = Vec::new();
    for (field, json) in row.iter().filter(|(field, json)| !RESERVED.contains(&field.as_str()) && !json.is_null()) {
        check_name(field)?;
        let value = value(field, json)?;
        let kind = kind_of(&value);
        if let Some(known) = kinds.get(field).filter(|k| **k != kind) {
            return Err(format!("`{field}` is {kind}, in earlier rows it is {known}"));
        }
        attributes.insert(field.clone(), value);
        order.push(field.clone());
    }
    if attributes.is_empty() && row.get("product") == Some(&Json::Null) {
        return Err("shows none of the products; only photos of products are trained on".into());
    }
    if attributes.is_empty() {
        return Err("has no attribute beside `image_path`".into());
    }
    let file = folder.join(&path);
    if bytes.is_none() && !file.is_file() {
        return Err(format!("the image {} does not exist", file.display()));
    }
    let bytes = bytes.map(Into::into);
    Ok(Row { example: Example { path: file, bytes, name: path, label: None, attributes }, order, facts })
}

/// The photo that a data URI holds.
fn data(json: &Json) -> Result<Vec<u8>, String> {
    let base64 = json.as_str().and_then(|uri| uri.strip_prefix(DATA));
    let base64 = base64.ok_or_else(|| format!("`image` must begin with `{DATA}`; a file is named by `image_path`"))?;
    BASE64_STANDARD.decode(base64).map_err(|e| format!("`image` is no base64: {e}"))
}

fn check_name(field: &str) -> Result<(), String> {
    let plain = field.len() <= 64 && field.chars().all(|c| c.is_alphanumeric() || "_- ".contains(c));
    if plain && !field.is_empty() { Ok(()) } else { Err(format!("`{field}` cannot name an attribute")) }
}

fn value(field: &str, json: &Json) -> Result<Value, String> {
    match json {
        Json::String(text) if text.is_empty() => Err(format!("`{field}` is empty")),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Number(number) => {
            number.as_f64().filter(|v| v.is_finite()).map(Value::Number).ok_or(format!("`{field}` is not a number"))
        }
        Json::Array(items) if (1..=MAX_SEQUENCE).contains(&items.len()) => items
            .iter()
            .map(|item| item.as_i64().ok_or(format!("`{field}` has `{item}`, only integers are allowed in an array")))
            .collect::<Result<_, _>>()
            .map(Value::Sequence),
        _ => Err(format!("`{field}` is neither string, number nor an array of 1 to {MAX_SEQUENCE} integers")),
    }
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Text(_) => Kind::Text,
        Value::Number(_) => Kind::Number,
        Value::Sequence(items) => Kind::Sequence(items.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_rows(rows: &str, label: Option<&str>) -> Result<Dataset> {
        let dir = tempfile::tempdir().map_err(at("temp"))?;
        for image in ["a.jpg", "b.jpg"] {
            std::fs::write(dir.path().join(image), b"x").map_err(at(image))?;
        }
        let file = dir.path().join("rows.jsonl");
        std::fs::write(&file, rows).map_err(at(&file))?;
        read(&file, label)
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
    fn nothing_usable_is_an_error_that_shows_the_first_problem() {
        let error = read_rows("[]\n", None).unwrap_err();
        assert_eq!(error.code(), "NO_PHOTOS");
        assert!(error.to_string().contains(":1:"), "{error}");
    }
}
