//! The same photos and the same seed give the same files, with any number of threads.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::shop::Shop;

const MAY_DIFFER: [&str; 4] = ["version", "releaseSeq", "trainedAt", "trainingDuration"];

fn trained(shop: &Shop, photos: &str, models: &str, options: &str) -> (BTreeMap<String, Vec<u8>>, Value) {
    shop.run(&format!("train {photos} --channel T_1 --out {models} --no-cache {options}")).ok();
    let mut metadata: Value =
        serde_json::from_slice(&shop.read(&format!("{models}/T_1/latest/metadata.json"))).unwrap();
    for field in MAY_DIFFER {
        assert!(metadata.as_object_mut().unwrap().remove(field).is_some(), "{field}");
    }
    let names = std::fs::read_dir(shop.path(format!("{models}/blobs"))).unwrap();
    let names = names.map(|e| e.unwrap().file_name().into_string().unwrap());
    (names.map(|n| (n.clone(), shop.read(&format!("{models}/blobs/{n}")))).collect(), metadata)
}

#[test]
fn a_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let shop = Shop::with_photos(6, 7);
    let one = trained(&shop, "photos", "one", "--seed 5 --threads 1");
    assert_eq!(one.0.len(), 4);
    for threads in [1, 4, 7] {
        let again = trained(&shop, "photos", &format!("again-{threads}"), &format!("--seed 5 --threads {threads}"));
        assert!(one.0 == again.0, "{:?} and {:?}", one.0.keys(), again.0.keys());
        assert_eq!(one.1, again.1);
    }
}

#[test]
fn few_photos_and_attributes_are_deterministic_too() {
    let shop = Shop::with_photos(5, 2);
    assert_eq!(trained(&shop, "photos", "one", "--threads 1"), trained(&shop, "photos", "four", "--threads 4"));

    let shop = Shop::new();
    shop.run("samples scans --attributes --photos 2 --size 64").ok();
    let rows = "scans/scans.jsonl";
    assert_eq!(trained(&shop, rows, "one", "--threads 1"), trained(&shop, rows, "four", "--threads 4"));
}

#[test]
fn other_photos_give_another_model() {
    let shop = Shop::with_photos(5, 6);
    let before = trained(&shop, "photos", "before", "");
    std::fs::remove_file(shop.path("photos/tomato-soup-can/tomato-soup-can_003.jpg")).unwrap();
    let after = trained(&shop, "photos", "after", "");
    assert_ne!(before.0.keys().collect::<Vec<_>>(), after.0.keys().collect::<Vec<_>>());
}

#[test]
fn imports_are_reproducible() {
    use crate::onnx::Colors;
    let shop = Shop::new();
    Colors::default().write(&shop);
    for channel in ["A", "B"] {
        shop.run(&format!("import colors.onnx --labels labels.txt --channel {channel} --out models {}", Colors::FLAGS))
            .ok();
    }
    assert_eq!(shop.manifest("A").files, shop.manifest("B").files);
}
