//! The fields that annotation tools and data set libraries write, and what they mean here.
//!
//! A field that is known is the file, the product, the box or the split of a row, is passed over, or makes the row be
//! refused. None of them becomes an attribute unless `--attribute` asks for it.

use serde_json::{Map, Value as Json};

use super::Split;
use crate::photo::Region;

/// Where the photo is, in the order in which a row is searched for them. `image` may also hold the photo itself.
const FILES: [&str; 8] = ["image_path", "file_name", "filename", "image", "image_file", "filepath", "path", "file"];
/// What the product is called, in the order in which the rows of a file are searched for them.
pub const LABELS: [&str; 6] = ["product", "label", "class", "class_name", "category", "category_name"];
/// Left, top, width and height.
const BOXES: [&str; 2] = ["box", "bbox"];
/// Edges of a box, as the CSV files of object detectors have them.
const EDGES: [&str; 4] = ["xmin", "ymin", "xmax", "ymax"];
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

/// Takes the photo's place out of a row, with all other fields that name files.
pub fn take_place(row: &mut Map<String, Json>) -> Result<Place, String> {
    let named: Vec<(&str, Json)> = FILES
        .iter()
        .filter_map(|field| Some((*field, row.shift_remove(*field)?)))
        .filter(|(_, v)| !v.is_null())
        .collect();
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

/// Takes the box out of a row, however it is given.
pub fn take_region(row: &mut Map<String, Json>) -> Result<Option<Region>, String> {
    let given: Vec<Json> =
        BOXES.iter().filter_map(|field| row.shift_remove(*field)).filter(|bounds| !bounds.is_null()).collect();
    let edges = EDGES.map(|edge| row.get(edge).filter(|v| !v.is_null()).cloned());
    let edges = edges.iter().all(Option::is_some).then_some(edges).map(|edges| edges.map(Option::unwrap_or_default));
    match (&given[..], edges) {
        ([], None) => match SEVERAL.iter().find(|field| row.get(**field).is_some_and(says_something)) {
            Some(field) => Err(format!(
                "`{field}` may name several things in one photo; write a row for each, with `box`: [x, y, width, height] \
                 in pixels, or give a COCO file"
            )),
            None => Ok(None),
        },
        ([], Some(edges)) => {
            EDGES.iter().for_each(|edge| drop(row.shift_remove(*edge)));
            let [left, top, right, bottom] = edges.map(|edge| edge.as_f64());
            let bounds = left.zip(top).zip(right.zip(bottom)).map(|((l, t), (r, b))| [l, t, r - l, b - t]);
            let bounds = bounds.ok_or("`xmin`, `ymin`, `xmax` and `ymax` must be numbers of pixels")?;
            Region::parse(&bounds.to_vec().into(), None).map(Some)
        }
        ([bounds], None) => Region::parse(bounds, None).map(Some),
        _ => Err("has more than one box".into()),
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
    let given: Vec<(&str, Json)> =
        SPLITS.iter().filter_map(|field| Some((*field, row.shift_remove(*field)?))).collect();
    let Some((field, json)) = given.into_iter().find(|(_, json)| !json.is_null()) else { return Ok(None) };
    let split = json.as_str().and_then(Split::parse);
    split.map(Some).ok_or_else(|| format!("`{field}` is {json}, none of train, valid, test"))
}

/// Whether a field is one that tools write for themselves, or one that could say what another field says already.
pub fn is_bookkeeping(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    [&BOOKKEEPING[..], &SEVERAL, &FILES, &BOXES, &EDGES, &SPLITS].iter().any(|names| names.contains(&field.as_str()))
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
        let bounds = |json: Json| take_region(&mut map(json)).map(|region| region.map(|r| r.bounds()));
        assert_eq!(bounds(json!({ "bbox": [1, 2, 3, 4] })), Ok(Some([1.0, 2.0, 3.0, 4.0])));
        assert_eq!(bounds(json!({ "xmin": 1, "ymin": 2, "xmax": 11, "ymax": 22 })), Ok(Some([1.0, 2.0, 10.0, 20.0])));
        assert_eq!(bounds(json!({ "bbox": null, "objects": [] })), Ok(None));
        for json in [
            json!({ "box": [1, 2, 3, 4], "bbox": [1, 2, 3, 4] }),
            json!({ "bbox": { "x": 1 } }),
            json!({ "objects": { "bbox": [[1, 2, 3, 4]] } }),
            json!({ "annotations": [{}] }),
            json!({ "xmin": "1", "ymin": 2, "xmax": 11, "ymax": 22 }),
        ] {
            assert!(bounds(json.clone()).is_err(), "{json}");
        }
    }

    #[test]
    fn splits_have_the_names_that_people_give_them() {
        assert_eq!(take_split(&mut map(json!({ "split": "Val" }))), Ok(Some(Split::Valid)));
        assert_eq!(take_split(&mut map(json!({}))), Ok(None));
        assert!(take_split(&mut map(json!({ "split": 3 }))).is_err());
    }
}
