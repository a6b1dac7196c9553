//! `compile`: the plan of a bare ONNX file.

use std::fs;

use jicho::engine::plan;
use jicho::engine::{CompiledEngine, Engine};
use serde_json::Value;

use crate::onnx::{Colors, Filters, SIDE, passing};
use crate::shop::Shop;

#[test]
fn a_network_becomes_a_plan() {
    let shop = Shop::new();
    Colors { softmax: true, ..Default::default() }.write(&shop);
    let outcome = shop.run("compile colors.onnx --out colors.plan").ok();
    assert!(outcome.stdout.contains("softmax 3 (1×1×3) → 4 (1×1×3)"), "{}", outcome.stdout);
    assert!(outcome.stdout.lines().last().unwrap().starts_with("4 steps"), "{}", outcome.stdout);
    let plan = fs::read(shop.path("colors.plan")).unwrap();
    let engine = CompiledEngine::load(&plan).unwrap();
    assert_eq!((engine.input_size(), engine.output_len()), (SIDE as usize, 3));

    let outcome = shop.run("compile colors.onnx --out colors.plan --weights f32 --json").ok();
    let summary: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(summary["kinds"]["conv"], 2);
    assert_eq!(summary["bytes"], fs::metadata(shop.path("colors.plan")).unwrap().len());
    assert!(summary["arena"].as_u64().unwrap() > 0 && summary["multiplications"] == 9 * 64 + 9);
}

#[test]
fn an_open_input_size_must_be_given() {
    let shop = Shop::new();
    Colors { open: true, nameless: true, nhwc: true, ..Default::default() }.write(&shop);
    shop.run("compile colors.onnx --out colors.plan").fails("PIXELS_UNKNOWN").says(&["--layout"]);
    shop.run("compile colors.onnx --out colors.plan --layout nhwc").fails("PIXELS_UNKNOWN").says(&["--size"]);
    assert!(!shop.path("colors.plan").exists());
    shop.run("compile colors.onnx --out colors.plan --layout nhwc --size 8").ok();
    Colors::default().write(&shop);
    shop.run("compile colors.onnx --out colors.plan --size 9").fails("PIXELS_UNKNOWN");
    shop.run("compile colors.onnx --out colors.plan --layout nhwc").fails("PIXELS_UNKNOWN");
}

#[test]
fn photos_calibrate_a_plan_that_computes_with_bytes() {
    let shop = Shop::with_photos(2, 2);
    let filters = Filters { seed: 3, channels: 64, classes: 512, nhwc: false, pooled: true };
    shop.write("filters.onnx", filters.onnx());
    let compile = |flags: &str| shop.run(&format!("compile filters.onnx --out filters.plan {flags} {}", Colors::FLAGS));
    let outcome = compile("--weights int8 --photos photos").ok();
    assert!(outcome.stdout.contains("with bytes"), "{}", outcome.stdout);
    let plan = fs::read(shop.path("filters.plan")).unwrap();
    assert_eq!(plan::format(&plan), Some(plan::BYTES_VERSION));
    CompiledEngine::load(&plan).unwrap();
    compile("--weights int8").ok();
    assert_eq!(plan::format(&fs::read(shop.path("filters.plan")).unwrap()), Some(plan::VERSION));
    compile("--weights f16 --photos photos").fails("BAD_INPUT").says(&["--weights int8"]);
    compile("--weights int8 --photos nowhere").fails("NOT_FOUND").says(&["nowhere"]);
}

#[test]
fn an_operator_that_no_plan_has_is_named() {
    let shop = Shop::new();
    let side = Some(SIDE);
    shop.write("exp.onnx", passing("Exp", &[Some(1), Some(3), side, side]));
    let outcome = shop.run("compile exp.onnx --out exp.plan").fails("UNSUPPORTED_STEP");
    outcome.says(&["`t0`", "(Exp)", "runs through tract"]);
    let outcome = shop.run("compile exp.onnx --out exp.plan --json").fails("UNSUPPORTED_STEP");
    let event: Value = serde_json::from_str(outcome.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(event["code"], "UNSUPPORTED_STEP");
    shop.write("no.onnx", "no network");
    shop.run("compile no.onnx --out exp.plan").fails("INVALID_MODEL");
    shop.run("compile missing.onnx --out exp.plan").fails("IO").says(&["missing.onnx"]);
    assert!(!shop.path("exp.plan").exists());
}
