//! Which versions and blobs are kept, and rolling back to an older release.

use std::collections::BTreeSet;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::onnx::Colors;
use crate::shop::{Outcome, Shop, latest};

/// Publishes a release with a network of its own.
pub fn import(shop: &Shop, seed: u64, channel: &str, more: &str) -> Outcome {
    let network = Colors { properties: vec![("seed", seed.to_string())], ..Colors::default() };
    shop.write(&format!("model-{seed}.onnx"), network.onnx());
    shop.write("labels.txt", Colors::LABELS);
    let flags = Colors::FLAGS;
    shop.run(&format!("import model-{seed}.onnx --labels labels.txt --channel {channel} --out models {flags} {more}"))
}

pub fn versions(shop: &Shop, channel: &str) -> Vec<String> {
    let names = fs::read_dir(shop.path(format!("models/{channel}/versions"))).unwrap();
    let mut names: Vec<_> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn blobs(shop: &Shop) -> BTreeSet<String> {
    fs::read_dir(shop.path("models/blobs")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

/// The blobs that a release names.
pub fn named(metadata: &[u8]) -> BTreeSet<String> {
    let metadata: Value = serde_json::from_slice(metadata).unwrap();
    let urls = metadata["files"].as_array().unwrap().iter().map(|f| f["url"].as_str().unwrap());
    urls.map(|url| url.strip_prefix("blobs/").unwrap().to_owned()).collect()
}

/// Makes everything that was dropped so far look as if it had been dropped `hours` earlier.
pub fn age(shop: &Shop, channel: &str, hours: u64) {
    for entry in fs::read_dir(shop.path(format!("models/.dropped/{channel}"))).unwrap() {
        let path = entry.unwrap().path();
        let since: u64 = fs::read_to_string(&path).unwrap().parse().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(since <= now && now - since < 100 * 3600, "noted with the time: {since}");
        fs::write(path, (since - 3600 * hours).to_string()).unwrap();
    }
}

#[test]
fn five_versions_are_kept_and_their_blobs_a_day_longer() {
    let shop = Shop::new();
    let mut all = Vec::new();
    for seed in 0..7 {
        import(&shop, seed, "T_1", "").ok();
        all.push(shop.manifest("T_1").version);
    }
    assert_eq!(versions(&shop, "T_1"), all[2..]);
    assert_eq!(blobs(&shop).len(), 14, "a device may be fetching them yet");
    age(&shop, "T_1", 23);
    import(&shop, 7, "T_1", "").ok();
    assert_eq!(blobs(&shop).len(), 16);
    let metadata = |version| shop.read(&format!("models/T_1/versions/{version}/metadata.json"));
    let kept: BTreeSet<String> = versions(&shop, "T_1").iter().flat_map(|v| named(&metadata(v))).collect();
    assert_eq!(kept.len(), 10);

    // The blobs of the first two releases were dropped 25 hours ago, those of the third two hours ago.
    for entry in fs::read_dir(shop.path("models/.dropped/T_1")).unwrap() {
        let path = entry.unwrap().path();
        let since: u64 = fs::read_to_string(&path).unwrap().parse().unwrap();
        fs::write(path, (since - 2 * 3600).to_string()).unwrap();
    }
    shop.run("rollback models/T_1").ok();
    let left = blobs(&shop);
    assert!(left.is_superset(&kept));
    assert_eq!(left.len(), 12);
    assert_eq!(fs::read_dir(shop.path("models/.dropped/T_1")).unwrap().count(), 2);
    assert_eq!(fs::read_dir(shop.path("models/.refs")).unwrap().count(), 12 + 1, "and `.complete`");

    import(&shop, 8, "T_1", "--keep 2").ok();
    assert_eq!(versions(&shop, "T_1").len(), 2);
    shop.run_with(&["import", "x", "--labels", "x", "--channel", "x", "--out", "x", "--keep", "0"]).usage();
}

#[test]
fn a_blob_that_another_channel_names_is_kept() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    import(&shop, 1, "T_2", "").ok();
    let shared = named(&shop.read(&latest("T_1")));
    import(&shop, 2, "T_1", "--keep 1").ok();
    age(&shop, "T_1", 25);
    import(&shop, 3, "T_1", "--keep 1").ok();
    assert!(blobs(&shop).is_superset(&shared), "T_2 has them");
    // The blob of seed 2 was dropped just now.
    age(&shop, "T_1", 25);
    import(&shop, 4, "T_1", "--keep 1").ok();
    import(&shop, 2, "T_2", "--keep 1").ok();
    age(&shop, "T_2", 25);
    import(&shop, 2, "T_2", "--keep 1").ok();
    assert!(blobs(&shop).is_disjoint(&shared), "nobody has them");
    assert!(blobs(&shop).is_superset(&named(&shop.read(&latest("T_2")))));
}

#[test]
fn a_dropped_blob_that_is_published_again_is_kept() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    let first = named(&shop.read(&latest("T_1")));
    import(&shop, 2, "T_1", "--keep 1").ok();
    import(&shop, 1, "T_1", "").ok();
    age(&shop, "T_1", 25);
    import(&shop, 3, "T_1", "").ok();
    assert!(blobs(&shop).is_superset(&first));
    assert_eq!(fs::read_dir(shop.path("models/.dropped/T_1")).unwrap().count(), 0);
}

#[test]
fn channels_published_before_references_were_kept_lose_nothing() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    import(&shop, 1, "T_2", "").ok();
    let shared = named(&shop.read(&latest("T_2")));
    fs::remove_dir_all(shop.path("models/.refs")).unwrap();
    for seed in 2..4 {
        import(&shop, seed, "T_1", "--keep 1").ok();
        age(&shop, "T_1", 25);
    }
    assert!(blobs(&shop).is_superset(&shared));

    // While a channel cannot be read, it is not known which blobs it names; other channels still publish.
    fs::remove_dir_all(shop.path("models/.refs")).unwrap();
    let good = shop.read(&latest("T_2"));
    shop.write(&latest("T_2"), "damaged");
    for seed in 4..6 {
        import(&shop, seed, "T_1", "--keep 1").ok();
        age(&shop, "T_1", 25);
    }
    assert!(blobs(&shop).is_superset(&shared));
    let before = blobs(&shop).len();
    shop.write(&latest("T_2"), good);
    import(&shop, 6, "T_1", "--keep 1").ok();
    assert!(blobs(&shop).is_superset(&shared) && blobs(&shop).len() < before);
}

#[test]
fn unfinished_versions_of_killed_publishers_are_removed() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    shop.write("models/T_1/versions/half/report.json", "{}");
    shop.write("models/T_1/versions/odd/metadata.json", "of another schema");
    import(&shop, 2, "T_1", "").ok();
    let names = versions(&shop, "T_1");
    assert!(!names.contains(&"half".to_owned()) && names.contains(&"odd".to_owned()), "{names:?}");
}

#[test]
fn a_channel_rolls_back_and_forth() {
    let shop = Shop::new();
    let mut all = Vec::new();
    for seed in 0..3 {
        import(&shop, seed, "T_1", "").ok();
        all.push((shop.manifest("T_1"), shop.metadata("T_1")));
    }
    let originals = shop.published();
    let mut sequence = all[2].0.release_seq;
    for (command, expected) in [
        ("rollback models/T_1".to_owned(), 1),
        ("rollback models/T_1".to_owned(), 0),
        (format!("rollback models/T_1 --to {}", all[2].0.version), 2),
    ] {
        let outcome = shop.run(&command).ok();
        assert!(outcome.stdout.trim().ends_with("models/T_1/latest/metadata.json"));
        let mut metadata = shop.metadata("T_1");
        let now = metadata["releaseSeq"].as_u64().unwrap();
        assert!(now > sequence, "every device must take it");
        sequence = now;
        metadata["releaseSeq"] = json!(all[expected].0.release_seq);
        assert_eq!(metadata, all[expected].1);
        shop.manifest("T_1");
    }
    for (name, bytes) in
        originals.iter().filter(|(name, _)| !name.contains("latest") && !name.starts_with(".sequence/"))
    {
        assert!(shop.read(&format!("models/{name}")) == *bytes, "{name} is immutable");
    }

    let listing = shop.run("versions models/T_1 --json").ok().json();
    assert_eq!(listing["releaseSeq"], sequence);
    let listed: Vec<_> = listing["versions"].as_array().unwrap().iter().collect();
    assert_eq!(
        listed.iter().map(|v| v["version"].as_str().unwrap()).collect::<Vec<_>>(),
        [&all[0].0.version, &all[1].0.version, &all[2].0.version]
    );
    assert_eq!(listed.iter().map(|v| v["latest"].as_bool().unwrap()).collect::<Vec<_>>(), [false, false, true]);
    let text = shop.run("versions models/T_1").ok().stdout;
    assert!(text.lines().count() == 3 && text.lines().last().unwrap().contains("latest"), "{text}");
}

#[test]
fn an_incomplete_release_cannot_be_rolled_back_to() {
    let shop = Shop::new();
    shop.run("rollback models/T_1").fails("NOT_FOUND");
    shop.run("versions models/T_1").fails("NOT_FOUND");
    import(&shop, 1, "T_1", "").ok();
    let first = shop.manifest("T_1").version;
    shop.run("rollback models/T_1").fails("NOT_FOUND").says(&["no release before"]);
    shop.run("rollback models/T_1 --to elsewhere").fails("NOT_FOUND").says(&[&first]);
    shop.run("rollback models/T_1 --to ../x").fails("INVALID_MANIFEST");
    import(&shop, 2, "T_1", "").ok();
    // A blob of the older release is damaged or missing.
    let blob = format!(
        "models/blobs/{}",
        named(&shop.read(&format!("models/T_1/versions/{first}/metadata.json"))).first().unwrap()
    );
    let (good, before) = (shop.read(&blob), shop.read(&latest("T_1")));
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    shop.write(&blob, bad);
    shop.run("rollback models/T_1").fails("HASH_MISMATCH");
    fs::remove_file(shop.path(&blob)).unwrap();
    shop.run("rollback models/T_1").fails("IO").says(&["blobs/"]);
    assert!(shop.read(&latest("T_1")) == before);
    // A release that does not reproduce its golden vector.
    shop.write(&blob, good);
    let path = format!("models/T_1/versions/{first}/metadata.json");
    let mut metadata: Value = serde_json::from_slice(&shop.read(&path)).unwrap();
    let original = metadata.to_string();
    metadata["golden"]["outputs"] = json!([9.0, 9.0, 9.0]);
    shop.write(&path, metadata.to_string());
    shop.run("rollback models/T_1").fails("GOLDEN_MISMATCH");
    assert!(shop.read(&latest("T_1")) == before);
    shop.write(&path, original);
    shop.run("rollback models/T_1").ok();
}

#[test]
fn unknown_fields_of_metadata_are_kept() {
    let shop = Shop::new();
    import(&shop, 1, "T_1", "").ok();
    let path = format!("models/T_1/versions/{}/metadata.json", shop.manifest("T_1").version);
    let mut metadata: Value = serde_json::from_slice(&shop.read(&path)).unwrap();
    metadata["later"] = json!({"a": [1, 2.5, "x"]});
    shop.write(&path, metadata.to_string());
    import(&shop, 2, "T_1", "").ok();
    shop.run("rollback models/T_1").ok();
    assert_eq!(shop.metadata("T_1")["later"], metadata["later"]);
}
