//! Cross-validation, the cache of features, and fine-tuning.

use serde_json::Value;

use crate::onnx::Colors;
use crate::shop::Shop;

#[test]
fn the_table_tells_products_apart_and_is_the_same_each_time() {
    let shop = Shop::with_photos(12, 10);
    shop.run("samples others --products 12 --photos 2 --seed 2 --size 96").ok();
    let run = || -> Value {
        let outcome = shop.run("crossvalidate photos --test others --seeds 1 --shops 2 --json").ok();
        serde_json::from_str(&outcome.stdout).unwrap()
    };
    let table = run();
    assert_eq!((&table["images"], &table["products"]), (&144.into(), &12.into()));
    for protocol in ["folds", "otherVisits"] {
        let rows = table[protocol].as_array().unwrap();
        let mean = |what: &str, measure: &str| {
            let row = rows.iter().find(|row| row["what"] == what).unwrap_or_else(|| panic!("{protocol}: {what}"));
            row["measures"][measure]["mean"].as_f64().unwrap()
        };
        // Guessing would give 0.08 and 0.5.
        assert!(mean("all photos", "top1") > 0.4, "{protocol}");
        assert!(mean("frames without a product", "auroc") > 0.8, "{protocol}");
        assert!((0.0..=1.0).contains(&mean("unknown products", "fpr95")));
        assert!(mean("all photos: decisions", "match right") > 0.8, "{protocol}");
        assert!(mean("2 drawn shops: decisions", "confidence less top-1").abs() < 0.5);
        mean("shops of 10 products", "top1");
        mean("3 photos a product", "top1");
    }
    assert_eq!(run(), table);
    shop.run("crossvalidate photos/banana").says(&["two products"]);
}

#[test]
fn cached_features_are_used_and_change_nothing() {
    let shop = Shop::with_photos(3, 4);
    let head = |flags: &str| {
        shop.run(&format!("train photos --channel T_1 --out models {flags}")).ok();
        shop.manifest("T_1").files.last().unwrap().sha256.clone()
    };
    let fresh = head("--no-cache");
    assert!(!shop.path("cache").exists());
    assert_eq!(head(""), fresh);
    let kept =
        walkdir::WalkDir::new(shop.path("cache")).into_iter().filter(|e| e.as_ref().unwrap().file_type().is_file());
    assert_eq!(kept.count(), 12, "an entry a photo");
    assert_eq!(head(""), fresh);
    assert_eq!(head("--cache elsewhere"), fresh);
    assert!(shop.path("elsewhere").exists());
}

#[test]
fn only_mobilenets_can_be_fine_tuned() {
    let shop = Shop::with_photos(3, 6);
    shop.write("odd.onnx", Colors { odd: true, ..Colors::default() }.onnx());
    let train = "train photos --channel T_1 --out models --fine-tune";
    shop.run(&format!("{train} --backbone odd.onnx {}", Colors::FLAGS)).fails("NOT_A_BACKBONE").says(&["Erf"]);
    assert!(!shop.path("models/T_1/latest").exists());
    shop.run(train).ok();
    let report = shop.report("T_1");
    assert!(report["fineTuning"]["kept"].is_boolean(), "{}", report["fineTuning"]);
}
