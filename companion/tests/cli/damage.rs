//! How `evaluate` and `export` report releases that are damaged, foreign, or newer than this program.

use std::fs;

use jicho::manifest::FileRole;
use serde_json::{Value, json};

use crate::shop::{Shop, latest};

const EVALUATE: &str = "evaluate models/T_1 --photos photos";
const EXPORT: &str = "export models/T_1 --whole whole.onnx";

fn blob(shop: &Shop, role: FileRole) -> String {
    format!("models/{}", shop.manifest("T_1").file(role).unwrap().url)
}

/// Replaces a field of the release in force.
fn with(shop: &Shop, pointer: &str, value: Value) {
    let mut metadata = shop.metadata("T_1");
    *metadata.pointer_mut(pointer).unwrap() = value;
    shop.write(&latest("T_1"), metadata.to_string());
}

#[test]
fn html_instead_of_metadata_is_reported() {
    let shop = Shop::trained(2, 3);
    shop.write(&latest("T_1"), "\n<!doctype html><title>Jicho</title>");
    shop.run(EVALUATE).fails("INVALID_MANIFEST").says(&["HTML", "metadata.json"]);
    shop.run(EXPORT).fails("INVALID_MANIFEST");
    assert!(!shop.path("whole.onnx").exists());

    // Publishing over it would restart releaseSeq, which cannot be read from it.
    let before = shop.published();
    shop.run("train photos --channel T_1 --out models").fails("INVALID_MANIFEST").says(&["move it away"]);
    assert!(before == shop.published());
}

#[test]
fn a_blob_with_one_flipped_bit_is_reported() {
    let shop = Shop::trained(2, 3);
    for (role, command) in [(FileRole::Plan, EVALUATE), (FileRole::Head, EVALUATE), (FileRole::Backbone, EXPORT)] {
        let blob = blob(&shop, role);
        let good = shop.read(&blob);
        for place in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 1;
            shop.write(&blob, bad);
            shop.run(command).fails("HASH_MISMATCH").says(&["publish again"]);
        }
        // Publishing again, as the message advises, mends it.
        shop.run("train photos --channel T_1 --out models").ok();
        assert_eq!(shop.read(&blob), good);
        shop.run(command).ok();
    }
}

#[test]
fn a_truncated_or_missing_blob_is_reported() {
    let shop = Shop::trained(2, 3);
    let blob = blob(&shop, FileRole::Head);
    let good = shop.read(&blob);
    shop.write(&blob, &good[..good.len() / 2]);
    shop.run(EVALUATE).fails("SIZE_MISMATCH");
    shop.run(EXPORT).fails("SIZE_MISMATCH");
    fs::remove_file(shop.path(&blob)).unwrap();
    shop.run(EVALUATE).fails("IO").says(&["blobs/"]);
}

#[test]
fn a_release_of_a_later_schema_is_reported() {
    let shop = Shop::trained(2, 3);
    with(&shop, "/minimumRuntime", json!("99.0.0"));
    shop.run(EVALUATE).fails("RUNTIME_TOO_OLD").says(&["99.0.0", "update"]);
    with(&shop, "/schema", json!(2));
    shop.run(EVALUATE).fails("SCHEMA_TOO_NEW").says(&["schema 2", "update"]);
    // A later schema may have other fields.
    shop.write(&latest("T_1"), r#"{"schema": 3, "everything": "else"}"#);
    shop.run(EVALUATE).fails("SCHEMA_TOO_NEW");
}

#[test]
fn invalid_metadata_is_reported() {
    let shop = Shop::trained(2, 3);
    let good = shop.read(&latest("T_1"));
    for (pointer, value) in [
        ("/labels/0", shop.metadata("T_1")["labels"][1].clone()),
        ("/productCount", json!(3)),
        ("/files/0/url", json!("../../etc/passwd")),
        ("/files/0/sha256", json!("no hex")),
        ("/preprocessing/std", json!([0, 0, 0])),
        ("/channelId", json!("T_2")),
        ("/imageSize", json!(0)),
        ("/golden/outputs", json!([])),
    ] {
        shop.write(&latest("T_1"), &good);
        with(&shop, pointer, value);
        shop.run(EVALUATE).fails("INVALID_MANIFEST");
    }
    shop.write(&latest("T_1"), &good[..good.len() / 2]);
    shop.run(EVALUATE).fails("INVALID_MANIFEST");
}

#[test]
fn a_missing_channel_is_reported() {
    let shop = Shop::with_photos(2, 2);
    shop.run(EVALUATE).fails("NOT_FOUND").says(&["models/T_1"]);
    fs::create_dir_all(shop.path("models/T_1")).unwrap();
    shop.run(EVALUATE).fails("NOT_FOUND").says(&["metadata.json"]);
}

#[test]
fn missing_photos_are_reported() {
    let shop = Shop::trained(2, 3);
    shop.run("evaluate models/T_1 --photos nowhere").fails("NOT_FOUND").says(&["nowhere"]);
    let outcome = shop.run("evaluate models/T_1 --photos nowhere --json").fails("NOT_FOUND");
    assert_eq!(outcome.json()["code"], "NOT_FOUND");
}
