//! The plan that is published beside a network's ONNX, and what happens when there is none.

use std::collections::BTreeMap;

use jicho::engine::CompiledEngine;
use jicho::engine::plan::{self, Plan};
use jicho::manifest::FileRole;
use jicho::{ErrorKind, Recognizer};
use serde_json::Value;

use crate::onnx::{Colors, Filters};
use crate::shop::{Outcome, Shop, by_label, difference};

fn roles(shop: &Shop) -> Vec<FileRole> {
    shop.manifest("T_1").files.iter().map(|f| f.role).collect()
}

/// The published plan, which must have been compiled from the ONNX beside it.
fn plan(shop: &Shop) -> Vec<u8> {
    let manifest = shop.manifest("T_1");
    let entry = manifest.file(FileRole::Plan).unwrap();
    assert_eq!(manifest.network().unwrap(), entry);
    let bytes = shop.read(&format!("models/{}", entry.url));
    assert_eq!(entry.format, plan::format(&bytes));
    let onnx = &manifest.file(FileRole::Backbone).unwrap().sha256;
    assert_eq!(Plan::parse(&bytes).unwrap().program.onnx, *onnx);
    CompiledEngine::load(&bytes).unwrap();
    bytes
}

fn without(shop: &Shop, reason: &str) {
    assert!(!roles(shop).contains(&FileRole::Plan));
    let report = shop.report("T_1");
    assert_eq!(report["engine"], "tract");
    assert!(report["engineReason"].as_str().unwrap().contains(reason), "{report}");
}

fn import(shop: &Shop, flags: &str) -> Outcome {
    let import = "import colors.onnx --labels labels.txt --channel T_1 --out models";
    shop.run(&format!("{import} {} {flags}", Colors::FLAGS)).ok()
}

fn train(shop: &Shop, flags: &str) -> Outcome {
    let train = "train photos --channel T_1 --out models --backbone filters.onnx";
    shop.run(&format!("{train} {} {flags}", Colors::FLAGS)).ok()
}

fn with_filters() -> Shop {
    with_filters_of(3)
}

fn with_filters_of(seed: u64) -> Shop {
    let shop = Shop::with_photos(4, 4);
    let filters = Filters { seed, channels: 64, classes: 512, nhwc: false, pooled: true };
    shop.write("filters.onnx", filters.onnx());
    shop
}

#[test]
fn training_and_import_publish_a_plan() {
    let shop = with_filters();
    train(&shop, "");
    assert_eq!(roles(&shop), [FileRole::Backbone, FileRole::Plan, FileRole::Space, FileRole::Head]);
    plan(&shop);
    let told = shop.report("T_1");
    assert_eq!((&told["engine"], told.get("engineReason")), (&Value::from("plan"), None));
    assert!(told["planDifference"].as_f64().unwrap() < 1e-3, "{told}");

    let shop = Shop::new();
    Colors::default().write(&shop);
    import(&shop, "");
    assert_eq!(roles(&shop), [FileRole::Backbone, FileRole::Plan]);
    plan(&shop);
    assert_eq!(shop.report("T_1")["engine"], "plan");
}

#[test]
fn a_plan_can_be_declined() {
    let shop = with_filters();
    let answers = |flags: &str| {
        train(&shop, flags);
        let (_, lines) = shop.evaluate("T_1", "photos");
        lines.iter().map(by_label).collect::<Vec<_>>()
    };
    let planned = answers("");
    let bare = answers("--plan none");
    without(&shop, "none was asked for");
    let furthest = planned.iter().zip(&bare).map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
    assert!(furthest < 0.02, "{furthest}");
}

#[test]
fn a_plan_with_weights_as_bytes_is_smaller() {
    let shop = Shop::new();
    let filters = Filters { seed: 3, channels: 64, classes: 512, nhwc: false, pooled: true };
    shop.write("colors.onnx", filters.onnx());
    shop.write("labels.txt", (0..512).map(|i| format!("label {i}\n")).collect::<String>());
    import(&shop, "");
    let half = plan(&shop).len();
    import(&shop, "--plan int8");
    let bytes = plan(&shop).len();
    assert!(bytes < half * 2 / 3, "{bytes} of {half}");
}

#[test]
fn training_with_int8_publishes_a_plan_that_computes_with_bytes() {
    let shop = Shop::with_photos(4, 4);
    shop.run("train photos --channel T_1 --out models --plan f16").ok();
    assert_eq!(plan::format(&plan(&shop)), Some(plan::VERSION));
    let halves = answers(&shop);
    shop.run("train photos --channel T_1 --out models --plan int8").ok();
    assert_eq!(plan::format(&plan(&shop)), Some(plan::BYTES_VERSION));
    let told = shop.report("T_1");
    assert!(told["byteConvolutions"].as_u64().unwrap() >= 5 && told["storage"].is_null(), "{told}");
    // Bytes change little, but they do change something.
    let furthest = answers(&shop).iter().zip(&halves).map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
    assert!(furthest > 0.0 && furthest < 0.1, "{furthest}");
}

#[test]
fn auto_tries_bytes_on_the_photos_held_out() {
    let shop = Shop::with_photos(5, 40);
    shop.run("train photos --channel T_1 --out models").ok();
    let trial = &shop.report("T_1")["storage"];
    assert_eq!(trial["images"], 40, "{trial}");
    let [top1, loss] = ["top1", "logLoss"].map(|key| [0, 1].map(|i| trial[key][i].as_f64().unwrap()));
    let is_as_good = top1[1] >= top1[0] - 0.005 && loss[1] <= loss[0] * 1.02;
    assert_eq!(trial["chosen"], if is_as_good { "int8" } else { "f16" }, "{trial}");
    let format = if is_as_good { plan::BYTES_VERSION } else { plan::VERSION };
    assert_eq!(plan::format(&plan(&shop)), Some(format));
}

fn answers(shop: &Shop) -> Vec<BTreeMap<String, f64>> {
    let (_, lines) = shop.evaluate("T_1", "photos");
    lines.iter().map(by_label).collect()
}

#[test]
fn a_network_that_no_plan_can_hold_runs_through_tract() {
    let shop = Shop::new();
    let odd = Colors { odd: true, ..Default::default() };
    odd.write(&shop);
    import(&shop, "").says(&["warning: no plan", "Erf"]);
    assert_eq!(roles(&shop), [FileRole::Backbone]);
    without(&shop, "Erf");

    let shop = Shop::with_photos(3, 3);
    odd.write(&shop);
    let train = "train photos --channel T_1 --out models --backbone colors.onnx";
    let outcome = shop.run(&format!("{train} {} --json", Colors::FLAGS)).ok();
    let warned = |line: &Value| line["event"] == "warning" && line["message"].as_str().unwrap().starts_with("no plan");
    assert!(outcome.json_lines().iter().any(warned), "{outcome:?}");
    without(&shop, "Erf");
    shop.evaluate("T_1", "photos");
}

/// A file with the hash that metadata.json gives may still be the wrong one. The golden vector detects that, with a tolerance
/// that all builds of the engine keep.
#[test]
fn wrong_and_damaged_weights_do_not_reproduce_the_golden_vector() {
    for storage in ["f16", "int8"] {
        let [ours, other] = [3, 4].map(|seed| {
            let shop = with_filters_of(seed);
            train(&shop, &format!("--plan {storage}"));
            shop
        });
        let manifest = ours.manifest("T_1");
        let [space, head] = [FileRole::Space, FileRole::Head]
            .map(|role| ours.read(&format!("models/{}", manifest.file(role).unwrap().url)));
        let (intact, foreign) = (plan(&ours), plan(&other));
        let answers = |plan: &[u8]| {
            let file = |role| {
                Ok(match role {
                    FileRole::Plan => plan,
                    FileRole::Space => space.as_slice(),
                    _ => head.as_slice(),
                })
            };
            Recognizer::load(manifest.clone(), file).and_then(|recognizer| recognizer.check_golden())
        };
        answers(&intact).unwrap();
        let damaged = |damage: &dyn Fn(&mut [u8])| {
            let mut plan = Plan::parse(&intact).unwrap();
            damage(plan.data.to_mut());
            plan.to_bytes().unwrap()
        };
        let mut foreign = Plan::parse(&foreign).unwrap();
        // Otherwise the ONNX digest in the plan alone would detect it.
        foreign.program.onnx = Plan::parse(&intact).unwrap().program.onnx;
        let foreign = foreign.to_bytes().unwrap();
        let quarter = damaged(&|data| data.chunks_mut(64).step_by(4).for_each(|lost| lost.fill(0)));
        let shifted = damaged(&|data| data.rotate_left(64));
        for (what, plan) in [("another network's", foreign), ("a quarter lost", quarter), ("at another place", shifted)]
        {
            let error = answers(&plan).expect_err(what);
            assert_eq!(error.kind(), ErrorKind::GoldenMismatch, "{storage}, {what}: {error}");
        }
    }
}
