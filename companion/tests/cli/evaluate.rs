//! `evaluate`: the measures, and the predictions with a line per image.

use crate::shop::{Shop, confidences};

const PRODUCTS: usize = 6;
const UNSEEN: usize = 4;

fn shop() -> Shop {
    let shop = Shop::trained(PRODUCTS, 8);
    shop.run(&format!("samples unseen --products {PRODUCTS} --photos {UNSEEN} --size 96 --seed 2")).ok();
    shop
}

#[test]
fn unseen_photos_are_measured() {
    let shop = shop();
    let (measures, _) = shop.evaluate("T_1", "unseen");
    let images = PRODUCTS * UNSEEN;
    let (top1, top5) = (measures["top1"].as_f64().unwrap(), measures["top5"].as_f64().unwrap());
    assert!(top1 > 0.5 && top1 <= top5 && top5 <= 1.0, "chance is {}: {top1} {top5}", 1.0 / PRODUCTS as f64);
    assert_eq!(measures["images"], images);
    assert_eq!(measures["channel"], "T_1");
    assert_eq!(measures["version"], shop.manifest("T_1").version);
    assert_eq!(measures["problems"], serde_json::json!([]));

    let confusion: Vec<Vec<usize>> = serde_json::from_value(measures["confusion"].clone()).unwrap();
    let labels: Vec<String> = serde_json::from_value(measures["labels"].clone()).unwrap();
    assert_eq!(labels, shop.manifest("T_1").labels);
    assert!(confusion.len() == PRODUCTS && confusion.iter().all(|row| row.len() == PRODUCTS));
    assert!(confusion.iter().all(|row| row.iter().sum::<usize>() == UNSEEN), "{confusion:?}");
    let right: usize = (0..PRODUCTS).map(|k| confusion[k][k]).sum();
    assert_eq!(top1, right as f64 / images as f64);

    let products = measures["products"].as_array().unwrap();
    assert_eq!(products.len(), PRODUCTS);
    for (k, product) in products.iter().enumerate() {
        assert_eq!(product["label"], labels[k]);
        assert_eq!(product["images"], UNSEEN);
        assert_eq!(product["recall"].as_f64().unwrap(), confusion[k][k] as f64 / UNSEEN as f64);
        let answered: usize = confusion.iter().map(|row| row[k]).sum();
        let precision = (answered > 0).then(|| confusion[k][k] as f64 / answered as f64);
        assert_eq!(product["precision"].as_f64(), precision);
    }
    let decisions: usize =
        measures["decisions"].as_object().unwrap().values().map(|n| n.as_u64().unwrap() as usize).sum();
    assert_eq!(decisions, images);
}

#[test]
fn predictions_have_a_line_per_image() {
    let shop = shop();
    let (measures, lines) = shop.evaluate("T_1", "unseen");
    assert_eq!(lines.len(), PRODUCTS * UNSEEN);
    let (mut first, mut five) = (0u32, 0u32);
    for line in &lines {
        let folder = line["image"].as_str().unwrap().split('/').next().unwrap();
        assert_eq!(line["label"], folder);
        assert!(["match", "unsure", "unknown"].contains(&line["decision"].as_str().unwrap()), "{line}");
        let predictions = confidences(line);
        assert!(predictions.len() >= PRODUCTS.min(5), "{line}");
        assert!(predictions.windows(2).all(|two| two[0].1 >= two[1].1), "{line}");
        assert!(predictions.iter().all(|(_, c)| (0.0..=1.0).contains(c)), "{line}");
        assert!((predictions.iter().map(|(_, c)| c).sum::<f64>() - 1.0).abs() < 1e-5, "{line}");
        first += u32::from(predictions[0].0 == folder);
        five += u32::from(predictions[..5].iter().any(|(label, _)| label == folder));
    }
    assert_eq!(measures["top1"].as_f64().unwrap(), f64::from(first) / lines.len() as f64);
    assert_eq!(measures["top5"].as_f64().unwrap(), f64::from(five) / lines.len() as f64);
}

#[test]
fn shifts_are_measured_beside_the_photos_as_they_are_and_the_same_each_time() {
    let shop = shop();
    let measure = || shop.run("evaluate models/T_1 --photos unseen --shifts --json").ok().json();
    let measures = measure();
    let rows = measures["shifts"].as_array().unwrap();
    assert_eq!(rows.len(), 15, "twelve shifts, two together, all at once, and none");
    for name in ["top1", "top3", "meanConfidence", "matchCoverage", "matchPrecision", "calledUnknown"] {
        assert_eq!(rows[0][name], measures[name], "{name}");
        assert!(rows[1..].iter().all(|row| row[name].is_null() || (0.0..=1.0).contains(&row[name].as_f64().unwrap())));
    }
    assert!(rows[1..].iter().any(|row| row["meanConfidence"] != rows[0]["meanConfidence"]));
    assert_eq!(measures["shifts"], measure()["shifts"]);
}

#[test]
fn products_that_the_channel_does_not_have_count_as_wrong() {
    let shop = Shop::trained(2, 6);
    shop.run("samples unseen --products 3 --photos 2 --size 96 --seed 2").ok();
    let (measures, lines) = shop.evaluate("T_1", "unseen");
    assert_eq!(measures["images"], 6);
    assert!(measures["top1"].as_f64().unwrap() <= 4.0 / 6.0);
    assert_eq!(measures["confusion"].as_array().unwrap().len(), 3, "a last row for what it does not know");
    assert!(lines.iter().all(|l| l["predictions"].as_array().unwrap().len() == 2));
}

#[test]
fn the_table_for_people_has_the_same_figures() {
    let shop = Shop::trained(2, 6);
    let outcome = shop.run("evaluate models/T_1 --photos photos").ok();
    for part in ["top-1", "top-5", "decisions", "oat-biscuits-box", "precision", "recall"] {
        assert!(outcome.stdout.contains(part), "{part} in {}", outcome.stdout);
    }
}

/// `strangers/` with photos of the samples' products from the seventh on: flat, or in folders.
fn strangers(shop: &Shop, flat: bool) -> usize {
    shop.run("samples more --products 8 --photos 5 --size 96 --seed 3").ok();
    let known: Vec<String> = shop.manifest("T_1").labels;
    let mut count = 0;
    for folder in std::fs::read_dir(shop.path("more")).unwrap().map(Result::unwrap) {
        if known.contains(&folder.file_name().into_string().unwrap()) {
            continue;
        }
        for photo in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            // Two folders of the same name are allowed here.
            let place = if flat { "strangers".into() } else { format!("strangers/{count}/same") };
            let name = format!("{place}/{}", photo.file_name().into_string().unwrap());
            shop.write(&name, std::fs::read(photo.path()).unwrap());
            count += 1;
        }
    }
    count
}

#[test]
fn unknown_products_are_told_from_known_ones() {
    let shop = shop();
    for flat in [true, false] {
        let count = strangers(&shop, flat);
        assert_eq!(count, 10);
        let command = "evaluate models/T_1 --photos unseen --unknown strangers --json --predictions predictions.jsonl";
        let measures = shop.run(command).ok().json();
        let lines = shop.read("predictions.jsonl");
        let lines: Vec<serde_json::Value> =
            std::str::from_utf8(&lines).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let (unknown, known): (Vec<_>, Vec<_>) = lines.iter().partition(|l| l["unknown"] == true);
        assert_eq!((known.len(), unknown.len()), (PRODUCTS * UNSEEN, count));
        assert!(unknown.iter().all(|l| l["label"].is_null()));
        assert_eq!(measures["images"], PRODUCTS * UNSEEN, "they are measured apart");

        // The same measures, computed from the predictions in the simplest way.
        let score = |line: &&serde_json::Value| line["rejectionScore"].as_f64().unwrap();
        let (mut known_scores, unknown_scores): (Vec<f64>, Vec<f64>) =
            (known.iter().map(score).collect(), unknown.iter().map(score).collect());
        let pairs = known_scores.iter().flat_map(|k| unknown_scores.iter().map(move |u| (k, u)));
        let in_order: f64 = pairs
            .map(|(k, u)| {
                if k > u {
                    1.0
                } else if k == u {
                    0.5
                } else {
                    0.0
                }
            })
            .sum();
        let auroc = in_order / (known.len() * unknown.len()) as f64;
        assert!((measures["auroc"].as_f64().unwrap() - auroc).abs() < 1e-9, "{auroc} {measures}");
        assert!(auroc > 0.5, "better than chance: {auroc}");
        known_scores.sort_by(|a, b| b.total_cmp(a));
        let threshold = known_scores[(0.95 * known.len() as f64).ceil() as usize - 1];
        let accepted = unknown_scores.iter().filter(|s| **s >= threshold).count() as f64 / count as f64;
        assert_eq!(measures["fpr95"].as_f64(), Some(accepted));
        let told: u64 = measures["unknownDecisions"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(told, count as u64);

        let mut bins = [(0.0, 0.0); 15];
        for line in &known {
            let (label, confidence) = &confidences(line)[0];
            let bin = &mut bins[((confidence * 15.0) as usize).min(14)];
            *bin = (bin.0 + confidence, bin.1 + f64::from(u8::from(line["label"] == **label)));
        }
        let ece = bins.iter().map(|(sum, right)| (sum - right).abs()).sum::<f64>() / known.len() as f64;
        assert!((measures["ece"].as_f64().unwrap() - ece).abs() < 1e-6, "{ece} {measures}");
        std::fs::remove_dir_all(shop.path("strangers")).unwrap();
    }
    let table = shop.run("evaluate models/T_1 --photos unseen --unknown unseen").ok().stdout;
    assert!(table.contains("AUROC 0.500") && table.contains("ECE"), "known photos are no strangers: {table}");
    shop.run("evaluate models/T_1 --photos unseen --unknown nowhere").fails("NOT_FOUND").says(&["nowhere"]);
}

#[test]
fn without_unknown_photos_only_calibration_is_measured() {
    let shop = Shop::trained(2, 6);
    // The channel has two of three products; photos of the third do not count for calibration.
    shop.run("samples unseen --products 3 --photos 2 --size 96 --seed 2").ok();
    let (measures, _) = shop.evaluate("T_1", "unseen");
    assert!(measures["ece"].as_f64().is_some_and(|e| (0.0..=1.0).contains(&e)));
    assert!(measures["auroc"].is_null() && measures["fpr95"].is_null() && measures.get("unknownDecisions").is_none());
    std::fs::remove_dir_all(shop.path("unseen/oat-biscuits-box")).unwrap();
    std::fs::remove_dir_all(shop.path("unseen/tomato-soup-can")).unwrap();
    let (measures, _) = shop.evaluate("T_1", "unseen");
    assert!(measures["ece"].is_null() && measures["top1"] == 0.0, "{measures}");
}

#[test]
fn boxes_are_cut_out() {
    let shop = Shop::trained(2, 6);
    let labels = shop.manifest("T_1").labels;
    // A shelf: one photo of each product side by side on white.
    let photos: Vec<_> = labels.iter().map(|l| shop.path(format!("photos/{l}/{l}_001.jpg"))).collect();
    let mut shelf = image::RgbImage::from_pixel(400, 200, image::Rgb([255; 3]));
    for (i, photo) in photos.iter().enumerate() {
        image::imageops::overlay(&mut shelf, &image::open(photo).unwrap().to_rgb8(), 30 + 200 * i as i64, 40);
    }
    shelf.save(shop.path("shelf.png")).unwrap();
    let boxes = [[37, 47, 82, 82], [237, 47, 82, 82]];
    let rows: Vec<String> = (0..2)
        .map(|i| serde_json::json!({"image_path": "shelf.png", "product": labels[i], "box": boxes[i]}).to_string())
        .collect();
    shop.write("rows.jsonl", rows.join("\n"));
    let coco = serde_json::json!({
        "images": [{"id": 1, "file_name": "shelf.png", "width": 400, "height": 200}],
        "categories": [{"id": 1, "name": labels[0]}, {"id": 2, "name": labels[1]}],
        "annotations": [
            {"id": 7, "image_id": 1, "category_id": 1, "bbox": boxes[0]},
            {"id": 8, "image_id": 1, "category_id": 2, "bbox": boxes[1]},
            {"id": 9, "image_id": 1, "category_id": 2, "bbox": [500, 0, 9, 9]},
        ],
    });
    shop.write("instances.json", coco.to_string());
    for (file, names, problems) in
        [("instances.json", ["shelf.png#7", "shelf.png#8"], 1), ("rows.jsonl", ["shelf.png#1", "shelf.png#2"], 0)]
    {
        let (measures, lines) = shop.evaluate("T_1", file);
        assert_eq!(measures["top1"], 1.0, "{file}: {measures}");
        assert_eq!(measures["problems"].as_array().unwrap().len(), problems);
        let told: Vec<_> =
            lines.iter().map(|l| (l["image"].as_str().unwrap(), l["box"][0].as_f64().unwrap())).collect();
        assert_eq!(told, [(names[0], 37.0), (names[1], 237.0)]);
        // With its margin, a box is exactly the photo that was trained on, so both get the same answer.
        let whole = shop.evaluate("T_1", "photos").1;
        for (line, label) in lines.iter().zip(&labels) {
            let alone = crate::shop::line(&whole, &format!("{label}/{label}_001.jpg"));
            let difference = crate::shop::difference(&crate::shop::by_label(line), &crate::shop::by_label(alone));
            assert!(difference < 0.2, "{line} {alone}");
        }
    }
    shop.run("evaluate models/T_1 --photos photos --unknown instances.json --json").ok();
}
