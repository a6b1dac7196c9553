//! metadata.json: what is refused, with which code; no bytes make the parser panic.

mod fixture;

use jicho::manifest::{FileRole, PLAN_FORMATS, takes_candidate};
use jicho::{ErrorKind, Manifest};
use proptest::prelude::*;
use serde_json::{Value, json};

fn metadata() -> Vec<u8> {
    fixture::publish("T_1", 7, &["a", "b"]).metadata()
}

fn with(change: impl FnOnce(&mut Value)) -> Result<Manifest, ErrorKind> {
    let mut value: Value = serde_json::from_slice(&metadata()).unwrap();
    change(&mut value);
    Manifest::parse(&serde_json::to_vec(&value).unwrap()).map_err(|e| e.kind())
}

#[test]
fn a_manifest_survives_writing_and_reading() {
    let manifest = Manifest::parse(&metadata()).unwrap();
    assert_eq!(Manifest::parse(&serde_json::to_vec(&manifest).unwrap()).unwrap(), manifest);
}

#[test]
fn unknown_fields_are_ignored() {
    assert!(with(|v| v["somethingNew"] = json!({ "a": 1 })).is_ok());
}

#[test]
fn files_that_later_versions_know_are_ignored() {
    let manifest = with(|v| {
        let later = json!({"name": "x", "url": "later:/..", "sha256": "?", "bytes": 0, "role": "later", "more": 1});
        v["files"].as_array_mut().unwrap().extend([later.clone(), later]);
    });
    let manifest = manifest.unwrap();
    assert_eq!(manifest.files.last().unwrap().role, FileRole::Other);
    assert!(manifest.needed().all(|f| f.role != FileRole::Other));
    assert_eq!(manifest.total_bytes(), Manifest::parse(&metadata()).unwrap().total_bytes());
}

#[test]
fn a_device_needs_one_form_of_the_network() {
    let roles = |manifest: Manifest| manifest.needed().map(|f| f.role).collect::<Vec<_>>();
    assert_eq!(roles(with(|_| {}).unwrap()), [FileRole::Plan, FileRole::Space, FileRole::Head]);
    let other = with(|v| v["files"][1]["format"] = json!(PLAN_FORMATS.end() + 1));
    assert_eq!(roles(other.unwrap()), [FileRole::Backbone, FileRole::Space, FileRole::Head]);
    let none = with(|v| drop(v["files"].as_array_mut().unwrap().remove(1)));
    assert_eq!(roles(none.unwrap()), [FileRole::Backbone, FileRole::Space, FileRole::Head]);
}

#[test]
fn html_says_what_the_host_does_wrong() {
    let error = Manifest::parse(b"\n<!doctype html><html></html>").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidManifest);
    assert!(error.message().contains("SPA fallback"));
}

#[test]
fn newer_schema_and_newer_runtime_have_codes_of_their_own() {
    assert_eq!(with(|v| v["schema"] = json!(2)), Err(ErrorKind::SchemaTooNew));
    // A newer schema may have changed anything else.
    assert_eq!(Manifest::parse(b"{\"schema\": 99}").unwrap_err().kind(), ErrorKind::SchemaTooNew);
    assert_eq!(with(|v| v["minimumRuntime"] = json!("999.0.0")), Err(ErrorKind::RuntimeTooOld));
}

#[test]
fn what_makes_no_sense_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 18] = [
        ("label twice", |v| v["labels"] = json!(["a", "a"])),
        ("count of products", |v| v["productCount"] = json!(99)),
        ("image size", |v| v["imageSize"] = json!(100_000)),
        ("std of 0", |v| v["preprocessing"]["std"] = json!([0, 1, 1])),
        ("crop above 1", |v| v["preprocessing"]["crop"] = json!(1.5)),
        ("golden of nothing", |v| v["golden"]["outputs"] = json!([])),
        ("golden that catches nothing", |v| v["golden"]["tolerance"] = json!(5.0)),
        ("no files", |v| v["files"] = json!([])),
        ("a plan of no format", |v| drop(v["files"][1].as_object_mut().unwrap().remove("format"))),
        ("a plan of no number", |v| v["files"][1]["format"] = json!("one")),
        ("a plan without its ONNX", |v| drop(v["files"].as_array_mut().unwrap().remove(0))),
        ("two plans", |v| v["files"][0] = v["files"][1].clone()),
        ("short digest", |v| v["files"][0]["sha256"] = json!("abc")),
        ("no bytes", |v| v["files"][0]["bytes"] = json!(0)),
        ("way out", |v| v["files"][0]["url"] = json!("../../secret")),
        ("other host", |v| v["files"][0]["url"] = json!("https://example.com/x")),
        ("other host, no scheme", |v| v["files"][0]["url"] = json!("//example.com/x")),
        ("escape", |v| v["files"][0]["url"] = json!("blobs/%2e%2e/x")),
    ];
    for (what, change) in changes {
        assert_eq!(with(change), Err(ErrorKind::InvalidManifest), "{what}");
    }
    assert_eq!(with(|v| v["channelId"] = json!("../x")), Err(ErrorKind::InvalidChannel));
}

#[test]
fn a_release_on_trial() {
    let candidate = |share: f64, version: &str, digits: usize| {
        let value = json!({ "share": share, "version": version, "sha256": "0".repeat(digits) });
        with(|v| v["candidate"] = value)
    };
    let found = candidate(0.1, "v8", 64).unwrap().candidate.unwrap();
    assert_eq!((found.share, found.url("T_1").as_str()), (0.1, "T_1/versions/v8/metadata.json"));
    for wrong in
        [candidate(1.1, "v8", 64), candidate(-0.1, "v8", 64), candidate(0.1, "../x", 64), candidate(0.1, "v8", 63)]
    {
        assert_eq!(wrong, Err(ErrorKind::InvalidManifest));
    }
}

#[test]
fn a_device_has_the_same_place_everywhere() {
    // 0.45207…, computed by Python's hashlib.
    let device = std::array::from_fn(|i| i as u8);
    assert!(takes_candidate(&device, "T_1", 0.4521) && !takes_candidate(&device, "T_1", 0.4520));
}

#[test]
fn a_share_is_kept_to() {
    let mut seed = 1u64;
    let devices: Vec<[u8; 16]> = (0..20_000)
        .map(|_| {
            std::array::from_fn(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            })
        })
        .collect();
    for share in [0.0, 0.01, 0.1, 0.5, 0.9, 1.0] {
        let taken = |channel: &str| devices.iter().filter(|d| takes_candidate(d, channel, share)).count() as f64;
        let allowed = 4.0 * (share * (1.0 - share) * 20_000.0).sqrt();
        assert!((taken("T_1") - share * 20_000.0).abs() <= allowed, "{share}");
        let both = |d: &&[u8; 16]| takes_candidate(d, "T_1", share) && takes_candidate(d, "T_2", share);
        let both = devices.iter().filter(both).count() as f64;
        assert!((both - share * share * 20_000.0).abs() <= allowed + 4.0, "channels pick the same devices: {share}");
    }
}

proptest! {
    #[test]
    fn who_takes_part_of_a_share_takes_part_of_a_larger(device in any::<[u8; 16]>(), a in 0.0..=1.0, b in 0.0..=1.0) {
        let (less, more) = if a < b { (a, b) } else { (b, a) };
        prop_assert!(!takes_candidate(&device, "T_1", less) || takes_candidate(&device, "T_1", more));
        prop_assert!(takes_candidate(&device, "T_1", 1.0) && !takes_candidate(&device, "T_1", 0.0));
    }

    #[test]
    fn damaged_bytes_never_panic(at in 0usize..2000, byte in any::<u8>(), cut in 0usize..3000) {
        let mut bytes = metadata();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(cut.max(1));
        let _ = Manifest::parse(&bytes);
    }

    #[test]
    fn any_json_number_in_any_place_is_a_value_or_an_error(number in prop::num::f64::ANY, field in 0usize..8) {
        let fields = ["releaseSeq", "imageSize", "trainingDuration", "accuracy", "productCount", "imageCount", "schema", "golden"];
        let _ = with(|v| v[fields[field]] = json!(number));
    }
}
