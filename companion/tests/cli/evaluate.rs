//! `evaluate`: the measures, and a line an image.

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
fn predictions_are_a_line_an_image() {
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
fn what_the_channel_does_not_know_counts_as_wrong() {
    let shop = Shop::trained(2, 6);
    shop.run("samples unseen --products 3 --photos 2 --size 96 --seed 2").ok();
    let (measures, lines) = shop.evaluate("T_1", "unseen");
    assert_eq!(measures["images"], 6);
    assert!(measures["top1"].as_f64().unwrap() <= 4.0 / 6.0);
    assert_eq!(measures["confusion"].as_array().unwrap().len(), 3, "a last row for what it does not know");
    assert!(lines.iter().all(|l| l["predictions"].as_array().unwrap().len() == 2));
}

#[test]
fn the_table_for_people_says_the_same() {
    let shop = Shop::trained(2, 6);
    let outcome = shop.run("evaluate models/T_1 --photos photos").ok();
    for part in ["top-1", "top-5", "decisions", "oat-biscuits-box", "precision", "recall"] {
        assert!(outcome.stdout.contains(part), "{part} in {}", outcome.stdout);
    }
}
