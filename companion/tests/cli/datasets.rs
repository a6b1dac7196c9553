//! What a data set says is what is learnt, and what it does not say is told: products, splits, boxes, files of others.

use std::fs;

use serde_json::{Value, json};

use crate::shop::Shop;

const TRAIN: &str = "--channel T_1 --out models";

/// The sample photos as rows, each made by `row` of its file and its product.
fn rows(shop: &Shop, row: impl Fn(&str, &str) -> Value) -> String {
    let mut rows = String::new();
    for product in fs::read_dir(shop.path("photos")).unwrap() {
        let product = product.unwrap().file_name().into_string().unwrap();
        for photo in fs::read_dir(shop.path(format!("photos/{product}"))).unwrap() {
            let file = format!("photos/{product}/{}", photo.unwrap().file_name().to_str().unwrap());
            rows += &format!("{}\n", row(&file, &product));
        }
    }
    rows
}

#[test]
fn the_first_field_of_strings_is_the_product_wherever_the_photo_stands() {
    let shop = Shop::with_photos(2, 4);
    for (name, row) in [
        (
            "first",
            &(|file: &str, id: &str| json!({"image_path": file, "brand": id, "shelf": "A"}))
                as &dyn Fn(&str, &str) -> Value,
        ),
        ("last", &|file, id| json!({"brand": id, "shelf": "A", "file_name": file})),
    ] {
        shop.write(&format!("{name}.jsonl"), rows(&shop, row));
        shop.run(&format!("train {name}.jsonl {TRAIN}"))
            .ok()
            .says(&["the product is the first field of strings, `brand`"]);
        assert_eq!(shop.manifest("T_1").labels, ["oat-biscuits-box", "tomato-soup-can"], "{name}");
    }
}

#[test]
fn numbers_name_products_and_tools_fields_are_no_attributes() {
    let shop = Shop::with_photos(2, 4);
    let row = |file: &str, id: &str| {
        json!({"file_name": file, "label": u8::from(id.starts_with('t')), "width": 96, "height": 96, "track_id": file.len(),
               "bbox": [0, 0, 96, 96], "occluded": false, "rotation": 0.0, "split": null, "wear": file.len()})
    };
    shop.write("rows.jsonl", rows(&shop, row));
    shop.run(&format!("train rows.jsonl {TRAIN}")).ok().says(&["height", "track_id", "--attribute"]);
    let manifest = shop.manifest("T_1");
    assert_eq!(manifest.labels, ["0", "1"]);
    assert_eq!(manifest.attributes.keys().collect::<Vec<_>>(), ["wear"]);
    shop.run(&format!("train rows.jsonl --attribute track_id {TRAIN}")).ok();
    assert_eq!(shop.manifest("T_1").attributes.keys().collect::<Vec<_>>(), ["track_id", "wear"]);
}

#[test]
fn a_data_set_that_names_no_product_is_refused() {
    let shop = Shop::with_photos(2, 4);
    shop.write("rows.jsonl", rows(&shop, |file, _| json!({"image_path": file, "weight": file.len()})));
    shop.run(&format!("train rows.jsonl {TRAIN}")).fails("BAD_INPUT").says(&["names no product", "--label", "weight"]);
    assert!(shop.published().is_empty());
}

#[test]
fn splits_are_learnt_from_and_measured_on() {
    let shop = Shop::with_photos(2, 6);
    for (part, places) in [("train", 1..=4), ("valid", 5..=5), ("test", 6..=6)] {
        for product in ["oat-biscuits-box", "tomato-soup-can"] {
            fs::create_dir_all(shop.path(format!("data/{part}/{product}"))).unwrap();
            for place in places.clone() {
                let name = format!("{product}_{place:03}.jpg");
                let photo = shop.path(format!("photos/{product}/{name}"));
                fs::copy(photo, shop.path(format!("data/{part}/{product}/{name}"))).unwrap();
            }
        }
    }
    let told = shop.run(&format!("train data {TRAIN}")).ok();
    told.says(&["2 products", "8 to learn from, 2 to validate, 2 to test", "on 4 held-out photos"]);
    assert_eq!(shop.manifest("T_1").image_count, 8);
    let (measures, lines) = shop.evaluate("T_1", "data");
    assert!(measures["images"] == 2 && lines.iter().all(|line| line["image"].as_str().unwrap().starts_with("test")));
}

#[test]
fn files_outside_the_data_set_are_not_read() {
    let shop = Shop::with_photos(2, 4);
    let outside = shop.path("photos").display().to_string();
    let at = |prefix: &str| {
        let row = |file: &str, id: &str| json!({"image_path": file.replacen("photos", prefix, 1), "product": id});
        rows(&shop, row)
    };
    for (name, prefix) in [("absolute", outside.as_str()), ("above", "../photos")] {
        shop.write(&format!("{name}/rows.jsonl"), at(prefix));
        let train = format!("train {name}/rows.jsonl {TRAIN}");
        shop.run(&train).fails("NO_PHOTOS").says(&["--allow-outside"]);
        assert!(shop.published().is_empty());
    }
    shop.run(&format!("train above/rows.jsonl --allow-outside {TRAIN}")).ok();
    // Lessons come from devices, which have no files here.
    shop.write("lessons.jsonl", at("photos"));
    let told = shop.run(&format!("train photos --lessons lessons.jsonl {TRAIN}")).fails("NO_PHOTOS");
    told.says(&["lessons.jsonl:1: names a file"]);
}

#[test]
fn names_are_shown_without_what_could_mislead() {
    let shop = Shop::with_photos(2, 4);
    shop.write("photos/oat-biscuits-box/a\u{1b}[2Jb\u{202e}.jpg", "no photo");
    let told = shop.run(&format!("train photos {TRAIN}")).ok();
    assert!(!told.stderr.contains('\u{1b}') && !told.stderr.contains('\u{202e}'), "{}", told.stderr);
    told.says(&["a\\u{1b}[2Jb\\u{202e}.jpg is not an image"]);
}

#[test]
fn other_kinds_of_data_sets_are_read_or_refused_by_name() {
    let shop = Shop::with_photos(2, 4);
    let mut csv = "path;label\n".to_owned();
    for line in rows(&shop, |file, id| json!([file, id])).lines() {
        let [file, id]: [String; 2] = serde_json::from_str(line).unwrap();
        csv += &format!("{file};{id}\n");
    }
    shop.write("labels.csv", csv);
    let array: Vec<Value> = rows(&shop, |file, id| json!({"image": file, "class": id}))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    shop.write("rows.json", Value::from(array).to_string());
    for file in ["labels.csv", "rows.json"] {
        shop.run(&format!("train {file} {TRAIN}")).ok();
        assert_eq!(shop.manifest("T_1").labels, ["oat-biscuits-box", "tomato-soup-can"], "{file}");
    }
    shop.write("a.7z", b"7z\xbc\xaf\x27\x1c");
    shop.write("a.tar.gz", b"\x1f\x8b\x08\0");
    shop.write("a.parquet", b"PAR1");
    shop.write("a.xlsx", b"PK\x03\x04");
    for (file, why) in [
        ("a.7z", "a 7z archive: unpack it"),
        ("a.tar.gz", "a packed archive: unpack it"),
        ("a.parquet", "a Parquet table"),
        ("a.xlsx", "save it as CSV"),
        ("photos/tomato-soup-can/tomato-soup-can_001.jpg", "is a photo: give the folder"),
    ] {
        shop.run(&format!("train {file} {TRAIN}")).fails("BAD_INPUT").says(&[why]);
    }
}
