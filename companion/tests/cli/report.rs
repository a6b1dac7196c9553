//! Reports show the shop's photos: they are private unless they are published on purpose, and tell nothing of the machine.

use std::fs;

use serde_json::Value;

use crate::onnx::Colors;
use crate::serve::Server;
use crate::shop::{Shop, latest};

const TRAIN: &str = "train photos --channel T_1 --out models";

fn published_reports(shop: &Shop) -> Vec<String> {
    shop.published().into_keys().filter(|name| name.contains("report")).collect()
}

#[test]
fn a_report_is_beside_the_models_and_neither_published_nor_served() {
    let shop = Shop::with_photos(3, 4);
    let outcome = shop.run(TRAIN).ok();
    let version = shop.manifest("T_1").version;
    let folder = shop.path(format!("models-reports/T_1/{version}"));
    assert_eq!(outcome.stdout, latest("T_1") + "\n");
    outcome.says(&[&format!("report: {}", folder.join("report.html").display())]);
    assert!(fs::read_to_string(folder.join("report.html")).unwrap().contains("green-apple"));
    assert_eq!(published_reports(&shop), Vec::<String>::new());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(shop.path("models-reports")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others may not read it: {mode:o}");
    }
    let server = Server::start(&shop, &[]);
    let release = format!("/assets/ml-models/T_1/versions/{version}");
    assert_eq!(server.get(&format!("{release}/metadata.json"), &[]).status, 200);
    for path in [
        format!("{release}/report.html"),
        format!("{release}/report.json"),
        format!("/assets/ml-models-reports/T_1/{version}/report.html"),
        format!("/assets/ml-models/../models-reports/T_1/{version}/report.html"),
        format!("/assets/ml-models/%2e%2e/models-reports/T_1/{version}/report.html"),
    ] {
        assert_ne!(server.get(&path, &[]).status, 200, "{path}");
    }
}

#[test]
fn a_report_is_published_when_that_is_asked_for() {
    let shop = Shop::with_photos(3, 4);
    shop.run(&format!("{TRAIN} --publish-report")).ok();
    let version = shop.manifest("T_1").version;
    let report = |ending: &str| format!("T_1/versions/{version}/report.{ending}");
    assert_eq!(published_reports(&shop), [report("html"), report("json")]);
    assert!(!shop.path("models-reports").exists());
    shop.run(&format!("{TRAIN} --publish-report --reports elsewhere")).usage();
}

#[test]
fn reports_go_to_the_folder_that_is_named() {
    let shop = Shop::with_photos(3, 4);
    let outcome = shop.run(&format!("{TRAIN} --reports elsewhere --json")).ok();
    let page = format!("elsewhere/T_1/{}/report.html", shop.manifest("T_1").version);
    assert_eq!(outcome.json_lines().last().unwrap()["report"], page);
    assert!(shop.path(page).exists() && !shop.path("models-reports").exists());
}

#[test]
fn a_report_does_not_tell_where_files_are() {
    let shop = Shop::with_photos(3, 4);
    shop.write("photos/green-apple/broken.jpg", "no image");
    shop.write("own.onnx", Colors::default().onnx());
    let [photos, backbone] = ["photos", "own.onnx"].map(|name| shop.path(name).display().to_string());
    let out = shop.path("models").display().to_string();
    let mut arguments = vec!["train", &photos, "--channel", "T_1", "--out", &out, "--backbone", &backbone];
    arguments.extend(Colors::FLAGS.split_whitespace());
    shop.run_with(&arguments).ok();
    let report = shop.report("T_1");
    assert_eq!(report["backbone"], "own.onnx");
    assert_eq!(report["problems"][0]["file"], "green-apple/broken.jpg");
    let version = shop.manifest("T_1").version;
    let root = shop.path("").canonicalize().unwrap().display().to_string();
    for name in ["report.json", "report.html"] {
        let text = String::from_utf8(shop.read(&format!("models-reports/T_1/{version}/{name}"))).unwrap();
        assert!(!text.contains(&root), "{name} names {root}");
    }
}

#[test]
fn a_file_of_rows_is_named_without_its_folder() {
    let shop = Shop::with_photos(2, 4);
    let rows: String = ["oat-biscuits-box", "tomato-soup-can"]
        .iter()
        .flat_map(|product| (1..=4).map(move |i| (product, i)))
        .map(|(product, i)| {
            let mut photos: Vec<_> = fs::read_dir(shop.path(format!("photos/{product}"))).unwrap().collect();
            photos.sort_by_key(|entry| entry.as_ref().unwrap().path());
            let name = photos[i - 1].as_ref().unwrap().file_name();
            serde_json::json!({ "image_path": format!("{product}/{}", name.to_str().unwrap()), "product": product })
        })
        .map(|row| format!("{row}\n"))
        .collect();
    let file = shop.write("photos/rows.jsonl", rows + "no row\n");
    shop.run_with(&["train", file.to_str().unwrap(), "--channel", "T_1", "--out", "models"]).ok();
    let problems: Value = shop.report("T_1")["problems"].clone();
    assert_eq!((&problems[0]["file"], &problems[0]["line"]), (&"rows.jsonl".into(), &9.into()));
}

#[test]
fn copies_of_a_photo_measure_nothing() {
    let shop = Shop::with_photos(2, 2);
    // Four files of each product, all with the bytes of its first photo.
    for product in fs::read_dir(shop.path("photos")).unwrap() {
        let product = product.unwrap().path();
        let mut photos: Vec<_> = fs::read_dir(&product).unwrap().map(|entry| entry.unwrap().path()).collect();
        photos.sort();
        fs::remove_file(&photos[1]).unwrap();
        for i in 0..3 {
            fs::copy(&photos[0], product.join(format!("copy-{i}.jpg"))).unwrap();
        }
    }
    shop.run(TRAIN).ok().says(&["2 products, 8 photos", "accuracy not measured"]);
    assert_eq!(shop.metadata("T_1")["accuracy"], Value::Null);
}
