//! `train`: what is published, and what is printed.

use std::collections::BTreeSet;

use jicho::manifest::FileRole;

use crate::shop::{Shop, latest, sha256};

const SAMPLES: [&str; 6] =
    ["green-apple", "honey-jar", "mango-juice-carton", "oat-biscuits-box", "potato-chips-bag", "tomato-soup-can"];

#[test]
fn metadata_tells_what_its_readers_need() {
    let shop = Shop::with_photos(6, 8);
    shop.run("train photos --channel T_1 --out models").ok();
    let metadata = shop.metadata("T_1");

    assert_eq!(metadata["schema"], 1);
    assert_eq!(metadata["channelId"], "T_1");
    assert_eq!(metadata["productCount"], 6);
    assert_eq!(metadata["imageCount"], 48);
    assert_eq!(metadata["labels"], serde_json::json!(SAMPLES));
    assert_eq!(metadata["modelType"], "embedding");
    assert_eq!(metadata["imageSize"], 112);
    assert_eq!(metadata["minimumRuntime"], env!("CARGO_PKG_VERSION"));
    assert!((0.0..=1.0).contains(&metadata["accuracy"].as_f64().unwrap()));
    let seconds = metadata["trainingDuration"].as_f64().unwrap();
    assert!(seconds > 0.0 && seconds < 600.0, "{seconds}");
    let trained: jiff::Timestamp = metadata["trainedAt"].as_str().unwrap().parse().unwrap();
    let now = jiff::Timestamp::now().as_second();
    assert!((now - 600..=now).contains(&trained.as_second()), "{trained}");
    let sequence = metadata["releaseSeq"].as_i64().unwrap();
    assert!((now - 600..=now).contains(&sequence), "{sequence}");

    let pixels = &metadata["preprocessing"];
    assert_eq!((&pixels["layout"], &pixels["color"]), (&"nchw".into(), &"rgb".into()));
    assert_eq!(pixels["range"].as_array().unwrap().len(), 2);
    for name in ["mean", "std"] {
        assert_eq!(pixels[name].as_array().unwrap().len(), 3, "{name}");
    }
    assert_eq!(pixels["crop"], 1.0);
    assert!(metadata["labelHead"]["scale"].as_f64().unwrap() > 0.0);
    assert!(metadata["decision"]["rejectionThreshold"].is_number());
    assert!(metadata["decision"]["matchConfidence"].is_number());
    assert!(metadata["golden"]["outputs"].as_array().unwrap().len() >= 6);
    assert!(metadata["golden"]["tolerance"].as_f64().unwrap() > 0.0);
    for absent in ["facts", "score", "attributes"] {
        assert!(metadata.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn files_are_named_by_their_digest_and_nothing_else_is_published() {
    let shop = Shop::trained(6, 8);
    let manifest = shop.manifest("T_1");
    let mut expected = BTreeSet::from(["T_1/latest/metadata.json".to_owned()]);
    let published = shop.published();
    for file in &manifest.files {
        let ending = match file.role {
            FileRole::Backbone => "onnx",
            FileRole::Plan => "plan",
            _ => "safetensors",
        };
        assert_eq!(file.url, format!("blobs/{}.{ending}", file.sha256));
        let bytes = &published[&file.url];
        assert_eq!(sha256(bytes), file.sha256);
        assert_eq!(bytes.len() as u64, file.bytes);
        expected.insert(file.url.clone());
    }
    let roles: Vec<_> = manifest.files.iter().map(|f| f.role).collect();
    assert_eq!(roles, [FileRole::Backbone, FileRole::Plan, FileRole::Space, FileRole::Head]);
    // After a retrain, a device downloads at most 100 KB for 100 products.
    assert!(manifest.file(FileRole::Head).unwrap().bytes <= 100_000);

    let version = format!("T_1/versions/{}", manifest.version);
    expected.insert(format!("{version}/metadata.json"));
    // Hidden files record which channels name a blob; hosts need not serve them.
    let (hidden, visible): (BTreeSet<_>, BTreeSet<_>) =
        published.keys().cloned().partition(|name| name.starts_with('.'));
    assert_eq!(visible, expected);
    let (references, others): (Vec<_>, Vec<_>) = hidden.iter().partition(|name| name.starts_with(".refs/"));
    assert_eq!((references.len(), others), (1 + manifest.files.len(), vec![&".sequence/T_1".to_owned()]));
    assert_eq!(published["T_1/latest/metadata.json"], published[&format!("{version}/metadata.json")]);

    let report = shop.report("T_1");
    assert_eq!(report["backbone"], "embedded");
    assert_eq!(report["engine"], "plan");
    assert_eq!(report["seed"], 1);
    assert_eq!(report["heldOut"]["top1"].as_f64(), manifest.accuracy);
    assert_eq!(report["heldOut"]["images"], 12, "a fifth of 8 photos is 2 of each of 6 products");
    assert!(report["problems"].as_array().unwrap().is_empty());
    assert!(report["seconds"]["embed"].as_f64().unwrap() > 0.0);
}

#[test]
fn stdout_is_the_path_and_stderr_the_summary() {
    let shop = Shop::with_photos(5, 6);
    let outcome = shop.run("train photos --channel T_1 --out models").ok();
    assert_eq!(outcome.stdout, latest("T_1") + "\n");
    outcome.says(&["5 products, 30 photos", "accuracy"]);
}

#[test]
fn json_is_one_event_per_line_and_ends_with_the_release() {
    let shop = Shop::with_photos(5, 6);
    shop.write("photos/green-apple/broken.jpg", "no image");
    let outcome = shop.run("train photos --channel T_1 --out models --json").ok();
    assert_eq!(outcome.stderr, "");
    let events = outcome.json_lines();
    let (last, before) = events.split_last().unwrap();
    assert_eq!((&before[0]["event"], &before[0]["products"]), (&"dataset".into(), &5.into()));
    assert!(before[1..].iter().all(|e| e["event"] == "progress" || e["event"] == "warning"), "{before:?}");
    let embedded = before.iter().rfind(|e| e["stage"] == "embed").unwrap();
    assert_eq!((&embedded["done"], &embedded["total"]), (&30.into(), &30.into()));
    let warned = before.iter().any(|e| e["message"].as_str().is_some_and(|m| m.contains("green-apple/broken.jpg")));
    assert!(warned, "{before:?}");

    let manifest = shop.manifest("T_1");
    assert_eq!(last["event"], "published");
    assert_eq!(last["channel"], "T_1");
    assert_eq!(last["version"], manifest.version);
    assert_eq!(last["releaseSeq"], manifest.release_seq);
    assert_eq!((&last["products"], &last["images"], &last["leftOut"]), (&5.into(), &30.into(), &1.into()));
    assert_eq!(last["accuracy"].as_f64(), manifest.accuracy);
    assert_eq!(last["metadata"], latest("T_1"));
}

#[test]
fn json_failures_are_events_too() {
    let shop = Shop::new();
    let outcome = shop.run("train nowhere --channel T_1 --out models --json").fails("NOT_FOUND").says(&["nowhere"]);
    let events = outcome.json_lines();
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["event"], &events[0]["code"]), (&"error".into(), &"NOT_FOUND".into()));
}

#[test]
fn products_may_lie_at_any_depth() {
    let shop = Shop::with_photos(5, 6);
    std::fs::create_dir_all(shop.path("photos/fruit/local")).unwrap();
    std::fs::rename(shop.path("photos/green-apple"), shop.path("photos/fruit/local/green-apple")).unwrap();
    let labels = |channel: &str, flags: &str| {
        shop.run(&format!("train photos --channel {channel} --out models {flags}")).ok();
        shop.manifest(channel).labels
    };
    let first = labels("T_1", "");
    assert!(first.len() == 5 && first.contains(&"fruit".to_owned()), "{first:?}");
    let deepest = labels("T_2", "--labels deepest");
    assert!(deepest.len() == 5 && deepest.contains(&"green-apple".to_owned()), "{deepest:?}");
}
