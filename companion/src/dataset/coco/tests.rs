use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::super::Value;
use super::*;

/// A folder with `shelf.png` of 40×30 pixels, red on its left half and blue on its right.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let half = |x, _| image::Rgb(if x < 20 { [255, 0, 0] } else { [0, 0, 255] });
    image::RgbImage::from_fn(40, 30, half).save(dir.path().join("shelf.png")).unwrap();
    dir
}

fn document() -> Json {
    json!({
        "info": {"description": "a shelf"},
        "images": [{"id": 1, "file_name": "shelf.png", "width": 40, "height": 30}],
        "categories": [{"id": 3, "name": "tea"}, {"id": 4, "name": "salt", "supercategory": "food"}],
        "annotations": [
            {"id": 10, "image_id": 1, "category_id": 4, "bbox": [1, 2, 10, 8], "area": 80, "iscrowd": 0,
             "segmentation": [[1, 2, 11, 2, 11, 10]], "attributes": {"occluded": false, "wear": 0.5, "code": [1, 2]}},
            {"id": 11, "image_id": 1, "category_id": 3, "bbox": [25.5, 2.0, 10.0, 8.0]},
            {"id": 12, "image_id": 1, "category_id": 3, "bbox": [0, 0, 40, 30], "iscrowd": 1},
        ],
    })
}

fn read_json(dir: &TempDir, name: &str, json: &Json, label: Option<&str>) -> Result<Dataset> {
    let file = dir.path().join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, json.to_string()).unwrap();
    Dataset::read(&file, &Reading { label: label.map(str::to_owned), ..Reading::default() })
}

#[test]
fn boxes_become_examples_of_their_category() {
    let dir = folder();
    let dataset = read_json(&dir, "instances.json", &document(), None).unwrap();
    assert_eq!(dataset.labels, ["salt", "tea"]);
    assert!(dataset.problems.is_empty() && dataset.label_attribute.is_none());
    let [salt, tea] = &dataset.examples[..] else { panic!("the crowd is skipped") };
    assert_eq!((salt.name.as_str(), salt.label), ("shelf.png#10", Some(0)));
    assert_eq!((tea.name.as_str(), tea.label), ("shelf.png#11", Some(1)));
    assert_eq!(salt.attributes["wear"], Value::Number(0.5));
    assert_eq!(salt.attributes["code"], Value::Sequence(vec![1, 2]));
    assert_eq!(salt.attributes.len(), 2, "what is true or false is no attribute");
    // Each is cut from its half of the picture.
    for (example, color) in [(salt, [255, 0, 0]), (tea, [0, 0, 255])] {
        let photo = example.read().unwrap();
        let pixels = photo.frame().unwrap().center_square(1.0, 4);
        assert!(pixels.rgb().chunks(3).all(|pixel| pixel == color), "{:?}", pixels.rgb());
    }
}

#[test]
fn an_attribute_may_be_the_product() {
    let mut json = document();
    json["annotations"][0]["attributes"]["brand"] = "Kilima".into();
    let dataset = read_json(&folder(), "instances.json", &json, Some("brand")).unwrap();
    assert_eq!(dataset.labels, ["Kilima"]);
    let products: Vec<_> = dataset.examples.iter().filter_map(|e| e.attributes.get("product")).collect();
    assert_eq!(products, [&Value::Text("tea".into()), &Value::Text("salt".into())]);
    let error = read_json(&folder(), "instances.json", &json, Some("wear")).unwrap_err();
    assert_eq!(error.code(), "BAD_INPUT");
}

#[test]
fn the_name_of_the_file_does_not_matter() {
    let dir = folder();
    for name in ["instances.json", "labels.jsonl", "annotations", "_annotations.coco.json"] {
        assert_eq!(read_json(&dir, name, &document(), None).unwrap().examples.len(), 2, "{name}");
    }
    let row = json!({"image_path": "shelf.png", "product": "tea", "annotations": "two"});
    assert_eq!(read_json(&dir, "rows.json", &row, None).unwrap().labels, ["tea"]);
    for broken in ["{\n \"images\": [,", "{", "[]", "", "{}"] {
        std::fs::write(dir.path().join("broken.json"), broken).unwrap();
        let error = Dataset::read(&dir.path().join("broken.json"), &Reading::default()).unwrap_err();
        assert!(["BAD_INPUT", "NO_PHOTOS"].contains(&error.code()) && error.to_string().contains("broken.json"));
    }
}

#[test]
fn images_are_found_where_datasets_keep_them() {
    for (file, image) in [
        ("labels.json", "shelf.png"),
        ("labels.json", "images/shelf.png"),
        ("labels.json", "data/shelf.png"),
        ("annotations/instances_train2017.json", "train2017/shelf.png"),
        ("annotations/instances_val.json", "images/val/shelf.png"),
        ("annotations/all.json", "images/shelf.png"),
    ] {
        let dir = folder();
        let place = dir.path().join(image);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::rename(dir.path().join("shelf.png"), &place).unwrap();
        let dataset = read_json(&dir, file, &document(), None).unwrap_or_else(|e| panic!("{file} {image}: {e}"));
        assert_eq!(dataset.examples[0].path.canonicalize().unwrap(), place.canonicalize().unwrap());
    }
}

#[test]
fn what_lies_beside_the_annotations_folder_is_not_the_data_sets() {
    let read = |file: &str, named: &str, place: &str| {
        let dir = folder();
        let place = dir.path().join(place);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::rename(dir.path().join("shelf.png"), &place).unwrap();
        let mut json = document();
        json["images"][0]["file_name"] = named.into();
        read_json(&dir, file, &json, None)
    };
    for named in ["private/shelf.png", "../private/shelf.png", "images/../private/shelf.png"] {
        let error = read("annotations/instances_val.json", named, "private/shelf.png").unwrap_err().to_string();
        assert!(error.contains("--allow-outside") || error.contains("is in none of"), "{error}");
    }
    assert!(read("annotations/instances_...json", "shelf.png", "shelf.png").is_err());
    assert!(read("annotations/instances_val.json", "val/shelf.png", "val/shelf.png").is_ok());
    assert!(read("annotations/instances_val.json", "images/val/shelf.png", "images/val/shelf.png").is_ok());
}

#[test]
fn rows_may_have_a_field_called_annotations() {
    for field in ["file_name", "image", "Path"] {
        let row = json!({field: "shelf.png", "product": "tea", "annotations": "two"}).to_string();
        assert!(!is_coco(Path::new("rows.jsonl"), row.as_bytes()), "{field}");
    }
    assert!(is_coco(Path::new("rows.jsonl"), b"{\"annotations\": [], \"info\": {}}"));
}

#[test]
fn what_is_wrong_is_told_with_the_annotation() {
    let mut json = document();
    json["images"].as_array_mut().unwrap().extend([
        json!({"id": 2, "file_name": "gone.png"}),
        json!({"id": 3, "file_name": 7}),
        json!({"id": 4, "file_name": "shelf.png", "width": -1, "height": 30}),
    ]);
    json["categories"].as_array_mut().unwrap().push(json!({"id": 5}));
    let bad = |id: u32, image: u32, category: Json, bounds: Json| json!({"id": id, "image_id": image, "category_id": category, "bbox": bounds});
    let good = json!([1, 1, 5, 5]);
    json["annotations"].as_array_mut().unwrap().extend([
        bad(20, 1, 3.into(), json!([1, 1, 0, 5])),
        bad(21, 1, 3.into(), json!([50, 1, 5, 5])),
        bad(22, 1, 3.into(), json!([1, 1, 5])),
        bad(23, 1, 3.into(), Json::Null),
        bad(24, 1, 9.into(), good.clone()),
        bad(25, 1, 5.into(), good.clone()),
        bad(26, 9, 3.into(), good.clone()),
        bad(27, 2, 3.into(), good.clone()),
        bad(28, 2, 3.into(), good.clone()),
        bad(29, 3, 3.into(), good.clone()),
        bad(30, 4, 3.into(), good.clone()),
        json!({"image_id": 1, "category_id": 3, "bbox": good}),
        json!({"id": 31, "image_id": 1, "category_id": 3, "bbox": good, "attributes": {"wear": "much"}}),
        json!({"id": 32, "image_id": 1, "category_id": 3, "bbox": good, "attributes": {"product": "x"}}),
        json!({"id": 33, "image_id": 1, "category_id": 3, "bbox": good, "attributes": 7}),
    ]);
    let dataset = read_json(&folder(), "instances.json", &json, None).unwrap();
    assert_eq!(dataset.examples.len(), 2);
    let told: Vec<String> = dataset.problems.iter().map(ToString::to_string).collect();
    assert!(told.iter().all(|line| line.contains("instances.json ")), "{told:?}");
    for (part, why) in [
        ("annotation 20 (shelf.png): ", "no area"),
        ("annotation 21 (shelf.png): ", "not a pixel"),
        ("annotation 22 (shelf.png): ", "four numbers"),
        ("annotation 23 (shelf.png): ", "no `bbox`"),
        ("annotation 24 (shelf.png): ", "9 is no category"),
        ("annotation 25 (shelf.png): ", "category 5 has no `name`"),
        ("annotation 26: ", "9 is no image"),
        ("image 2, with all its annotations: ", "gone.png is in none of"),
        ("image 3, with all its annotations: ", "no `file_name`"),
        ("image 4, with all its annotations: ", "-1×30"),
        ("annotation 15 of the list ", "no `id`"),
        ("annotation 31 (shelf.png): ", "`wear` is a string"),
        ("annotation 32 (shelf.png): ", "`product`"),
        ("annotation 33 (shelf.png): ", "no JSON object"),
    ] {
        assert!(told.iter().any(|line| line.contains(part) && line.contains(why)), "{part}{why}: {told:#?}");
    }
    assert_eq!(told.len(), 14, "{told:#?}");
}

#[test]
fn ids_that_mean_two_things_are_refused() {
    for (list, what) in [("images", "two image entries"), ("categories", "two category entries")] {
        let mut json = document();
        let twice = json[list][0].clone();
        json[list].as_array_mut().unwrap().push(twice);
        let error = read_json(&folder(), "instances.json", &json, None).unwrap_err();
        assert!(error.code() == "BAD_INPUT" && error.to_string().contains(what), "{error}");
    }
}

#[test]
fn boxes_drawn_on_another_size_are_told_when_the_photo_is_read() {
    let mut json = document();
    json["images"][0]["width"] = 80.into();
    json["images"][0]["height"] = 60.into();
    let dir = folder();
    let dataset = read_json(&dir, "instances.json", &json, None).unwrap();
    let error = dataset.examples[0].read().err().unwrap().to_string();
    assert!(error.contains("40×30") && error.contains("80×60"), "{error}");
}

/// Any JSON, with the numbers and names that the document has among it.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (0u32..13).prop_map(Json::from),
        "[a-z./#0-9]{0,9}".prop_map(Json::from),
        Just(json!("shelf.png")),
        Just(json!([1, 2, 10, 8])),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec(("(id|bbox|width|wear|product|[a-z]{0,3})", inner), 0..4)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

/// Puts `value` at the place in `json` that `path` leads to; each step chooses among the children there.
fn plant(json: &mut Json, path: &[usize], value: Json) {
    let Some((step, rest)) = path.split_first() else {
        *json = value;
        return;
    };
    let child = match json {
        Json::Array(items) if !items.is_empty() => {
            let count = items.len();
            items.get_mut(step % count)
        }
        Json::Object(fields) if !fields.is_empty() => {
            let count = fields.len();
            fields.values_mut().nth(step % count)
        }
        _ => None,
    };
    match child {
        Some(child) => plant(child, rest, value),
        None => *json = value,
    }
}

proptest! {
    #[test]
    fn whatever_the_annotations_say_is_an_answer(
        changes in prop::collection::vec((prop::collection::vec(0usize..9, 1..5), any_json()), 1..4),
        cuts in prop::collection::vec((0usize..4096, any::<u8>()), 0..3),
    ) {
        let dir = folder();
        let mut json = document();
        changes.into_iter().for_each(|(path, value)| plant(&mut json, &path, value));
        let mut bytes = json.to_string().into_bytes();
        for (place, byte) in cuts {
            let length = bytes.len();
            bytes[place % length] = byte;
        }
        let file = dir.path().join("instances.json");
        std::fs::write(&file, &bytes).unwrap();
        match Dataset::read(&file, &Reading::default()) {
            Ok(dataset) => {
                prop_assert!(!dataset.examples.is_empty());
                for example in &dataset.examples {
                    prop_assert!(example.label.is_none_or(|l| l < dataset.labels.len()));
                    if let Ok(photo) = example.read() {
                        prop_assert!(photo.frame().is_ok());
                    }
                }
            }
            Err(error) => prop_assert!(
                ["BAD_INPUT", "NO_PHOTOS"].contains(&error.code()) && error.to_string().contains("instances.json"),
                "{error}"
            ),
        }
    }
}
