//! The fields that annotation tools and data set libraries write, and what they mean here.
//!
//! A field that is known is the file, the product, the box or the split of a row, is passed over, or makes the row be
//! refused. None of them becomes an attribute unless `--attribute` asks for it. Their names count in any case of letters.

use serde_json::{Map, Value as Json};

use super::Split;
use crate::photo::Region;

/// Where the photo is, in the order in which a row is searched for them. `image` may also hold the photo itself.
const FILES: [&str; 8] = ["image_path", "file_name", "filename", "image", "image_file", "filepath", "path", "file"];
/// What the product is called, in the order in which the rows of a file are searched for them.
pub const LABELS: [&str; 6] = ["product", "label", "class", "class_name", "category", "category_name"];
/// Left, top, width and height.
const BOXES: [&str; 2] = ["box", "bbox"];
/// A box in four fields, as the tables of object detectors have them: left and top, then right and bottom or the size.
struct Edges {
    names: [&'static str; 4],
    /// Whether the last two are width and height.
    sized: bool,
    /// How many of them mean a box that lacks the others: `x` alone may be anything, `xmin` nothing else.
    telling: usize,
}

const EDGES: [Edges; 5] = [
    Edges { names: ["xmin", "ymin", "xmax", "ymax"], sized: false, telling: 1 },
    Edges { names: ["x_min", "y_min", "x_max", "y_max"], sized: false, telling: 1 },
    Edges { names: ["x1", "y1", "x2", "y2"], sized: false, telling: 2 },
    Edges { names: ["left", "top", "right", "bottom"], sized: false, telling: 2 },
    Edges { names: ["x", "y", "w", "h"], sized: true, telling: 2 },
];
/// What a row of one product cannot say: it would be learnt from the whole photo.
const SEVERAL: [&str; 14] = [
    "boxes",
    "bboxes",
    "objects",
    "annotations",
    "regions",
    "shapes",
    "labels",
    "classes",
    "bounding_box",
    "bndbox",
    "polygon",
    "polygons",
    "keypoints",
    "mask",
];
/// What tools note for themselves.
const BOOKKEEPING: [&str; 63] = [
    "annotation_id",
    "annotator",
    "area",
    "attributes",
    "category_id",
    "class_id",
    "class_idx",
    "class_index",
    "coco_url",
    "completed_by",
    "created_at",
    "created_username",
    "date_captured",
    "depth",
    "difficult",
    "file_upload",
    "flickr_url",
    "frame_id",
    "group_id",
    "hash",
    "height",
    "id",
    "image_height",
    "image_id",
    "image_rotation",
    "image_url",
    "image_width",
    "inner_id",
    "is_crowd",
    "iscrowd",
    "item_id",
    "keyframe",
    "label_id",
    "label_index",
    "lead_time",
    "lesson",
    "license",
    "md5",
    "occluded",
    "original_height",
    "original_width",
    "outside",
    "project",
    "project_id",
    "rotation",
    "segmentation",
    "segmented",
    "sha1",
    "sha256",
    "supercategory",
    "supercategory_id",
    "target_id",
    "task_id",
    "timestamp",
    "track_id",
    "truncated",
    "updated_at",
    "updated_by",
    "url",
    "uuid",
    "width",
    "z_order",
    "zorder",
];
/// Which part of a data set a row belongs to.
const SPLITS: [&str; 3] = ["split", "subset", "dataset_split"];

/// Where the photo of a row is.
#[derive(Debug, PartialEq)]
pub enum Place {
    /// In a file of this name.
    File(String),
    /// In the row, as this data URI.
    Inside(String),
}

/// The name that a row has for a field, in its own case of letters.
fn key(row: &Map<String, Json>, field: &str) -> Option<String> {
    let exact = row.get_key_value(field).map(|(key, _)| key);
    exact.or_else(|| row.keys().find(|key| key.eq_ignore_ascii_case(field))).cloned()
}

/// A field that says something.
fn get<'a>(row: &'a Map<String, Json>, field: &str) -> Option<&'a Json> {
    row.get(&key(row, field)?).filter(|json| !json.is_null())
}

/// Takes a field out of a row, in each case of letters that it is there in; whichever says something is given.
fn take(row: &mut Map<String, Json>, field: &str) -> Option<Json> {
    let mut taken = None;
    while let Some(json) = key(row, field).and_then(|key| row.shift_remove(&key)) {
        taken = taken.or((!json.is_null()).then_some(json));
    }
    taken
}

/// Takes the photo's place out of a row, with all other fields that name files.
pub fn take_place(row: &mut Map<String, Json>) -> Result<Place, String> {
    let named: Vec<(&str, Json)> = FILES.iter().filter_map(|field| Some((*field, take(row, field)?))).collect();
    let inside = |json: &Json| json.as_str().is_some_and(|text| text.starts_with("data:"));
    match &named[..] {
        [] => Err("`image_path` is missing".into()),
        [(_, Json::String(uri))] if uri.starts_with("data:") => Ok(Place::Inside(uri.clone())),
        named if named.iter().any(|(_, json)| inside(json)) => {
            let fields: Vec<String> = named.iter().map(|(field, _)| format!("`{field}`")).collect();
            Err(format!("has both {}", fields.join(" and ")))
        }
        [("image", json), ..] if !json.is_string() => {
            Err("`image` must be the photo's file or a data URI; export the photos as files".into())
        }
        [(field, json), ..] => match json.as_str().filter(|path| !path.is_empty()) {
            Some(path) => Ok(Place::File(path.to_owned())),
            None => Err(format!("`{field}` must be a string")),
        },
    }
}

/// Takes the box out of a row, however it is given. Fields that are `asked` for as attributes are no part of one.
pub fn take_region(row: &mut Map<String, Json>, asked: &[String]) -> Result<Option<Region>, String> {
    let mut given: Vec<Json> = BOXES.iter().filter_map(|field| take(row, field)).collect();
    for edges in &EDGES {
        given.extend(take_edges(row, edges, asked)?);
    }
    match &given[..] {
        [] => match SEVERAL.iter().find(|field| get(row, field).is_some_and(says_something)) {
            Some(field) => Err(format!(
                "`{field}` may name several things in one photo; write a row for each, with `box`: [x, y, width, height] \
                 in pixels, or give a COCO file"
            )),
            None => Ok(None),
        },
        [bounds] => Region::parse(bounds, None).map(Some),
        _ => Err("has more than one box".into()),
    }
}

/// Takes a box out of its four fields, as `[x, y, width, height]`.
fn take_edges(row: &mut Map<String, Json>, edges: &Edges, asked: &[String]) -> Result<Option<Json>, String> {
    let is_asked = |field: &str| asked.iter().any(|name| name.eq_ignore_ascii_case(field));
    let there: Vec<&str> =
        edges.names.into_iter().filter(|field| !is_asked(field) && get(row, field).is_some()).collect();
    if there.len() < edges.names.len() {
        return match there.len() >= edges.telling {
            true => Err(format!(
                "{} are a part of a box only: give all of {}, or `box`: [x, y, width, height] in pixels; if they are no \
                 box, take each for an attribute with --attribute",
                there.join(" and "),
                edges.names.join(", ")
            )),
            false => Ok(None),
        };
    }
    let numbers: Option<Vec<f64>> = edges.names.iter().map(|field| take(row, field)?.as_f64()).collect();
    match (numbers.as_deref(), edges.sized) {
        (Some(&[x, y, width, height]), true) => Ok(Some(vec![x, y, width, height].into())),
        (Some(&[left, top, right, bottom]), false) => Ok(Some(vec![left, top, right - left, bottom - top].into())),
        _ => Err(format!("{} must be numbers of pixels", edges.names.join(", "))),
    }
}

fn says_something(json: &Json) -> bool {
    match json {
        Json::Array(items) => !items.is_empty(),
        Json::Object(fields) => !fields.is_empty(),
        _ => false,
    }
}

/// Takes the split out of a row.
pub fn take_split(row: &mut Map<String, Json>) -> Result<Option<Split>, String> {
    let given: Vec<(&str, Json)> = SPLITS.iter().filter_map(|field| Some((*field, take(row, field)?))).collect();
    let Some((field, json)) = given.into_iter().next() else { return Ok(None) };
    let split = json.as_str().and_then(Split::parse);
    split.map(Some).ok_or_else(|| format!("`{field}` is {json}, none of train, valid, test"))
}

/// Whether a field names the photo of a row.
pub fn is_file(field: &str) -> bool {
    FILES.iter().any(|name| name.eq_ignore_ascii_case(field))
}

/// Whether a field is one of [`LABELS`].
pub fn is_label(field: &str) -> bool {
    LABELS.iter().any(|label| label.eq_ignore_ascii_case(field))
}

/// Whether a field is one that tools write for themselves, or one that could say what another field says already.
pub fn is_bookkeeping(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    let is_edge = EDGES.iter().any(|edges| edges.telling == 1 && edges.names.contains(&field.as_str()));
    is_edge || [&BOOKKEEPING[..], &SEVERAL, &FILES, &BOXES, &SPLITS].iter().any(|names| names.contains(&field.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(json: Json) -> Map<String, Json> {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn the_photo_is_found_under_the_names_that_tools_give_it() {
        for field in FILES {
            let mut row = map(json!({ "x": 1, field: "a.jpg", "product": "p" }));
            assert_eq!(take_place(&mut row), Ok(Place::File("a.jpg".into())), "{field}");
            assert_eq!(row.keys().collect::<Vec<_>>(), ["x", "product"], "the order of the others stays");
        }
        let uri = "data:image/jpeg;base64,AA==";
        assert_eq!(take_place(&mut map(json!({ "image": uri }))), Ok(Place::Inside(uri.into())));
        for (row, why) in [
            (json!({ "product": "p" }), "`image_path` is missing"),
            (json!({ "image_path": "" }), "must be a string"),
            (json!({ "image": { "bytes": "" } }), "data URI"),
            (json!({ "image": uri, "image_path": "a.jpg" }), "has both"),
        ] {
            assert!(take_place(&mut map(row)).unwrap_err().contains(why), "{why}");
        }
    }

    #[test]
    fn boxes_are_read_in_each_form_or_refused() {
        let bounds = |json: Json| take_region(&mut map(json), &[]).map(|region| region.map(|r| r.bounds()));
        assert_eq!(bounds(json!({ "bbox": [1, 2, 3, 4] })), Ok(Some([1.0, 2.0, 3.0, 4.0])));
        assert_eq!(bounds(json!({ "xmin": 1, "ymin": 2, "xmax": 11, "ymax": 22 })), Ok(Some([1.0, 2.0, 10.0, 20.0])));
        for fields in [
            json!({ "XMin": 1, "YMin": 2, "XMax": 11, "YMax": 22 }),
            json!({ "x_min": 1, "y_min": 2, "x_max": 11, "y_max": 22 }),
            json!({ "x1": 1, "y1": 2, "x2": 11, "y2": 22, "width": 90, "height": 90 }),
            json!({ "left": 1, "top": 2, "right": 11, "bottom": 22 }),
            json!({ "x": 1, "y": 2, "w": 10, "h": 20 }),
            json!({ "BBox": [1, 2, 10, 20], "bbox": null }),
        ] {
            assert_eq!(bounds(fields.clone()), Ok(Some([1.0, 2.0, 10.0, 20.0])), "{fields}");
        }
        assert_eq!(bounds(json!({ "bbox": null, "objects": [] })), Ok(None));
        let edges = json!({ "xmin": null, "ymin": null, "xmax": null, "ymax": null, "x": 3, "left": 1, "width": 9 });
        assert_eq!(bounds(edges), Ok(None), "one number may be anything");
        let asked = ["x1".to_owned(), "x2".to_owned()];
        let mut row = map(json!({ "x1": 1, "x2": 2 }));
        assert_eq!(take_region(&mut row, &asked), Ok(None));
        assert_eq!(row.len(), 2, "they stay, to become attributes");
        for json in [
            json!({ "box": [1, 2, 3, 4], "bbox": [1, 2, 3, 4] }),
            json!({ "bbox": { "x": 1 } }),
            json!({ "objects": { "bbox": [[1, 2, 3, 4]] } }),
            json!({ "annotations": [{}] }),
            json!({ "xmin": "1", "ymin": 2, "xmax": 11, "ymax": 22 }),
            json!({ "xmin": 1, "ymin": 2, "xmax": 11 }),
            json!({ "x_min": 1 }),
            json!({ "x1": 1, "x2": 11 }),
            json!({ "left": 1, "top": 2, "width": 10, "height": 20 }),
            json!({ "x": 1, "y": 2 }),
            json!({ "BBox": [1, 2, 3, 4], "xmin": 1, "ymin": 2, "xmax": 11, "ymax": 22 }),
        ] {
            assert!(bounds(json.clone()).is_err(), "{json}");
        }
    }

    #[test]
    fn splits_have_the_names_that_people_give_them() {
        assert_eq!(take_split(&mut map(json!({ "split": "Val" }))), Ok(Some(Split::Valid)));
        assert_eq!(take_split(&mut map(json!({ "Split": "TEST" }))), Ok(Some(Split::Test)));
        assert_eq!(take_split(&mut map(json!({}))), Ok(None));
        assert!(take_split(&mut map(json!({ "split": 3 }))).is_err());
    }
}
