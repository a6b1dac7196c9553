//! `pretrain`: making a backbone.

use serde_json::Value;

use crate::shop::Shop;

const SMALL: &str = "--sizes 32x5,40x2 --size 48 --blocks c8/2,c16/2,s16,s24/2 --parts 2";

#[test]
fn a_backbone_is_reproducible_and_can_be_trained_on() {
    let shop = Shop::with_photos(4, 6);
    shop.run("samples unseen --products 4 --photos 2 --size 96 --seed 2").ok();
    let make = format!("pretrain photos --teacher embedded --held-out unseen --generated 1 --licence MIT {SMALL}");
    let outcome = shop.run(&format!("{make} --threads 1 --out made --json")).ok();
    let events = outcome.json_lines();
    assert_eq!(events.iter().filter(|e| e["event"] == "epoch").count(), 7);
    assert_eq!(events.last().unwrap()["event"], "pretrained");

    let card: Value = serde_json::from_slice(&shop.read("made/model-card.json")).unwrap();
    assert_eq!(events.last().unwrap()["card"], card);
    let made = shop.read("made/backbone.onnx");
    assert_eq!((&card["bytes"], &card["photos"], &card["embedding"]), (&made.len().into(), &24.into(), &24.into()));
    assert_eq!((&card["teacher"], &card["licence"], &card["heldOut"]), (&"embedded".into(), &"MIT".into(), &8.into()));
    assert!(card["generated"].as_u64().unwrap() > 10 && card["classes"].as_array().unwrap().len() == 4);
    assert!(card["accuracy"].as_f64().is_some() && card["accuracyStored"].as_f64().is_some());
    let markdown = String::from_utf8(shop.read("made/model-card.md")).unwrap();
    assert!(
        markdown.contains(card["sha256"].as_str().unwrap()) && markdown.contains(card["command"].as_str().unwrap())
    );

    shop.run(&format!("{make} --threads 3 --out again")).ok();
    assert!(made == shop.read("again/backbone.onnx"), "the number of threads changes nothing");
    shop.run(&format!("{make} --seed 2 --out other")).ok();
    assert!(made != shop.read("other/backbone.onnx"));

    shop.run("train photos --channel T_1 --out models --backbone made/backbone.onnx").ok();
    assert_eq!(shop.metadata("T_1")["features"]["embedding"], 24);
}

#[test]
fn photos_of_pretraining_neither_measure_nor_calibrate() {
    let shop = Shop::with_photos(4, 8);
    shop.run("samples unseen --products 4 --photos 8 --size 96 --seed 2").ok();
    shop.run(&format!("pretrain photos --held-out unseen --out made {SMALL}")).ok();
    assert!(!shop.read("made/space.safetensors").is_empty());
    let train = |photos: &str, channel: &str| {
        let flags = "--backbone made/backbone.onnx --space made/space.safetensors --json";
        let outcome = shop.run(&format!("train {photos} --channel {channel} --out models {flags}")).ok();
        let events = outcome.json_lines().into_iter();
        let warning =
            events.filter_map(|e| Some(e["message"].as_str()?.to_owned())).find(|m| m.contains("was made from"));
        (shop.metadata(channel), warning.unwrap_or_default())
    };
    let (new, warning) = train("unseen", "S_1");
    assert!(warning.is_empty() && new["accuracy"].as_f64().is_some(), "{new}");

    let (seen, warning) = train("photos", "S_2");
    assert!(warning.contains("32 of these 32") && warning.contains("as its file tells"), "{warning}");
    assert!(seen["accuracy"].is_null() && seen["decision"]["trueAcceptRate"].is_null(), "{seen}");
    // The calibration is the one measured on the held-out photos of pretraining.
    let model = shop.read("made/backbone.onnx");
    let told = String::from_utf8_lossy(&model).into_owned();
    let told = &told[told.find(r#""calibration":"#).unwrap() + 14..];
    let told: Value = serde_json::Deserializer::from_str(told).into_iter().next().unwrap().unwrap();
    assert_eq!(seen["labelHead"]["scale"], told["scale"]);
    assert_eq!(seen["decision"]["rejectionThreshold"], told["rejectionThreshold"]);
    assert_ne!(new["labelHead"]["scale"], told["scale"]);
    // The photos' digests are not published.
    let published = seen["files"].as_array().unwrap().iter().find(|file| file["role"] == "backbone").unwrap();
    let published = shop.read(&format!("models/{}", published["url"].as_str().unwrap()));
    assert!(!String::from_utf8_lossy(&published).contains("jicho.pretraining"));

    // New photos of the same products calibrate, wherever their names sort among the others.
    for entry in walkdir::WalkDir::new(shop.path("unseen")).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let name = format!("0-{}", entry.file_name().to_str().unwrap());
            let product = entry.path().parent().unwrap().file_name().unwrap();
            std::fs::copy(entry.path(), shop.path("photos").join(product).join(name)).unwrap();
        }
    }
    let (both, warning) = train("photos", "S_3");
    assert!(warning.contains("32 of these 64") && !warning.contains("as its file tells"), "{warning}");
    assert!(both["decision"]["trueAcceptRate"].as_f64().is_some(), "{both}");
    assert_ne!(both["labelHead"]["scale"], told["scale"]);

    // Photos of pretraining do not measure attributes either.
    let row = |i: usize, photo: &std::path::Path| {
        let product = photo.parent().unwrap().file_name().unwrap().to_str();
        serde_json::json!({ "image_path": photo, "product": product, "wear": i % 4 }).to_string()
    };
    for (photos, measured) in [("photos", false), ("unseen", true)] {
        let files = walkdir::WalkDir::new(shop.path(photos)).sort_by_file_name().into_iter().map(Result::unwrap);
        let files = files.filter(|e| e.file_type().is_file() && !e.file_name().to_str().unwrap().starts_with("0-"));
        let rows: Vec<String> = files.enumerate().map(|(i, e)| row(i, e.path())).collect();
        shop.write("rows.jsonl", rows.join("\n"));
        let (metadata, _) = train("rows.jsonl", &format!("A_{photos}"));
        assert_eq!(metadata["attributes"]["wear"]["mae"].is_number(), measured, "{metadata}");
    }

    // Photos cannot be both learnt from and held out.
    shop.run(&format!("pretrain unseen --held-out photos --out other {SMALL}"))
        .ok()
        .says(&["32 of the held-out photos"]);
}

#[test]
fn left_out_products_are_not_learnt_from() {
    let shop = Shop::with_photos(3, 3);
    let folders = std::fs::read_dir(shop.path("photos")).unwrap();
    let mut products: Vec<String> = folders.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    products.sort();
    shop.write("out.txt", format!("{}\n\n", products[1]));
    shop.run(&format!("pretrain photos --leave-out out.txt --out with {SMALL}")).ok();
    let card: Value = serde_json::from_slice(&shop.read("with/model-card.json")).unwrap();
    assert_eq!(card["classes"], serde_json::json!([products[0], products[2]]));
    std::fs::remove_dir_all(shop.path("photos").join(&products[1])).unwrap();
    shop.run(&format!("pretrain photos --out without {SMALL}")).ok();
    assert!(shop.read("with/backbone.onnx") == shop.read("without/backbone.onnx"));
}

#[test]
fn unusable_options_are_refused() {
    let shop = Shop::with_photos(2, 2);
    shop.write("out.txt", "nothing-of-the-kind\n");
    let make = format!("pretrain photos --out made {SMALL}");
    shop.run(&format!("{make} --leave-out out.txt")).fails("BAD_INPUT").says(&["`nothing-of-the-kind`"]);
    shop.run(&format!("{make} --class-weight 0")).fails("BAD_INPUT").says(&["--teacher"]);
    shop.run(&format!("{make} --teacher nonsense")).fails("BACKBONE").says(&["`nonsense`"]);
    shop.run("pretrain photos --out made --sizes 10x1").fails("BAD_INPUT").says(&["10 pixels", "32 to 512"]);
    shop.run("pretrain photos --out made --sizes 32x0 --size 32").fails("BAD_INPUT");
    shop.run("pretrain photos --out made --rate 0").fails("BAD_INPUT").says(&["rate"]);
    shop.run("pretrain nowhere --out made").fails("NOT_FOUND");
    shop.run("pretrain photos --out made --mix 2").fails("BAD_INPUT").says(&["0 and 1"]);
    for wrong in ["--blocks x9", "--sizes 64", "--generated 3"] {
        shop.run(&format!("pretrain photos --out made {wrong}")).usage();
    }
    assert!(!shop.path("made").exists());
}
