//! Small shops can be trained, with a warning.

use crate::shop::{Shop, confidences};

#[test]
fn one_product_has_no_accuracy() {
    let shop = Shop::with_photos(1, 8);
    shop.run("train photos --channel T_1 --out models").ok().says(&["warning: only one product", "not measured"]);
    assert_eq!(shop.metadata("T_1")["accuracy"], serde_json::Value::Null);
    let label = shop.manifest("T_1").labels.remove(0);
    let (measures, lines) = shop.evaluate("T_1", "photos");
    assert_eq!(measures["images"], 8);
    assert!(lines.iter().all(|l| confidences(l) == [(label.clone(), 1.0)]));
}

#[test]
fn one_photo_per_product_has_no_accuracy() {
    let shop = Shop::with_photos(5, 1);
    let outcome = shop.run("train photos --channel T_1 --out models").ok();
    outcome.says(&["warning: 5 with one photo only", "green-apple", "not measured"]);
    assert_eq!(shop.metadata("T_1")["accuracy"], serde_json::Value::Null);
    // Even so it recognises its own photos.
    let (measures, _) = shop.evaluate("T_1", "photos");
    assert!(measures["top1"].as_f64().unwrap() >= 0.8, "{measures}");
}

#[test]
fn one_photo_of_one_product_trains() {
    let shop = Shop::with_photos(1, 1);
    let outcome = shop.run("train photos --channel T_1 --out models").ok();
    outcome.says(&["warning: only one product", "with one photo only"]);
    let manifest = shop.manifest("T_1");
    assert_eq!((manifest.accuracy, manifest.image_count, manifest.product_count), (None, 1, 1));
    let (measures, _) = shop.evaluate("T_1", "photos");
    assert_eq!(measures["decisions"]["match"], 1, "its own training photo: {measures}");
}

#[test]
fn two_photos_per_product_are_measured_on_one() {
    let shop = Shop::with_photos(5, 2);
    let outcome = shop.run("train photos --channel T_1 --out models").ok();
    assert!(!outcome.stderr.contains("one photo") && !outcome.stderr.contains("one product"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("on 5 held-out photos"), "{}", outcome.stderr);
    assert!(shop.manifest("T_1").accuracy.is_some());
}

#[test]
fn photos_directly_in_the_folder_are_one_product_named_after_it() {
    let shop = Shop::with_photos(1, 2);
    let product = std::fs::read_dir(shop.path("photos")).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(product, shop.path("rice")).unwrap();
    shop.run("train rice --channel T_1 --out models").ok();
    assert_eq!(shop.manifest("T_1").labels, ["rice"]);
}

#[test]
fn a_small_shop_knows_its_products_on_photos_it_never_saw() {
    let shop = Shop::with_photos(2, 4);
    shop.run("samples unseen --photos 8 --products 2 --size 128 --seed 2").ok();
    shop.run("train photos --channel T_1 --out models").ok();
    let (measures, _) = shop.evaluate("T_1", "unseen");
    assert!(measures["decisions"]["unknown"].as_u64().unwrap() <= 8, "{measures}");
}
