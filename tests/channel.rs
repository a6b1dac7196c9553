//! The JavaScript surface in a real browser, against a host that misbehaves on command.

#![cfg(target_arch = "wasm32")]

mod fixture;

use std::cell::RefCell;
use std::rc::Rc;

use fixture::{MODELS, Published, publish};
use jicho::manifest::FileRole;
use jicho::web::{Channel, error_codes};
use jicho::{ErrorKind, golden};
use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::convert::TryFromJsValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::AbortSignal;

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/channel.js")]
extern "C" {
    fn serve(url: &str, status: u16, body: Uint8Array, then: &str);
    #[wasm_bindgen(js_name = takeRequests)]
    fn take_requests() -> Vec<String>;
    fn cancellations() -> u32;
    fn origin() -> String;
    #[wasm_bindgen(js_name = abortAfter)]
    fn abort_after(ms: u32) -> AbortSignal;
    #[wasm_bindgen(js_name = hideSubtle)]
    fn hide_subtle(hidden: bool);
    fn get(object: &JsValue, path: &str) -> JsValue;
    fn json(value: &JsValue) -> String;
}

const A: &[&str] = &["apple", "bread"];
const B: &[&str] = &["apple", "bread", "cheese"];

/// Blobs are shared between channels, so every test begins with an empty database.
async fn forget() {
    idb::Factory::new().unwrap().delete("jicho").unwrap().await.unwrap();
}

fn serve_release(published: &Published) {
    for (url, bytes) in &published.blobs {
        serve(&format!("{MODELS}{url}"), 200, bytes.as_slice().into(), "");
    }
    serve_latest(&published.manifest.channel_id, 200, &published.metadata());
}

fn serve_latest(channel: &str, status: u16, body: &[u8]) {
    serve(&format!("{MODELS}{channel}/latest/metadata.json"), status, body.into(), "");
}

async fn open(channel: &str) -> Channel {
    let opened = JsFuture::from(Channel::open(MODELS.into(), channel.into())).await.unwrap();
    Channel::try_from_js_value(opened).unwrap()
}

fn ignore() -> Function {
    Function::new_no_args("")
}

async fn settle(promise: Promise) -> Result<String, String> {
    let text = |value: &JsValue, path: &str| get(value, path).as_string().unwrap();
    JsFuture::from(promise).await.map(|v| text(&v, "outcome")).map_err(|e| {
        assert!(!text(&e, "message").is_empty());
        text(&e, "code")
    })
}

async fn sync(channel: &Channel) -> Result<String, String> {
    settle(channel.sync(ignore(), ignore(), None)).await
}

fn recognize(channel: &Channel) -> Result<JsValue, JsValue> {
    channel.recognize(&golden::rgba(), golden::WIDTH, golden::HEIGHT)
}

fn version(channel: &Channel) -> Option<String> {
    recognize(channel).ok().and_then(|r| get(&r, "version").as_string())
}

#[wasm_bindgen_test]
async fn a_model_arrives_recognises_and_is_still_there() {
    forget().await;
    let mut published = publish("whole", 1, A);
    let facts = serde_json::from_str(r#"{"name":"Apple","price":0.5,"id":12345678901234567890}"#).unwrap();
    published.manifest.facts.insert("apple".into(), facts);
    serve_release(&published);
    let channel = open("whole").await;
    assert!(channel.model().unwrap().is_null());
    let error = recognize(&channel).unwrap_err();
    assert_eq!(get(&error, "code").as_string().as_deref(), Some("NO_MODEL"));

    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    let on_progress = Closure::<dyn FnMut(f64, f64)>::new(move |loaded, total| log.borrow_mut().push((loaded, total)));
    let on_progress: Function = on_progress.into_js_value().unchecked_into();
    take_requests();
    assert_eq!(settle(channel.sync(on_progress, ignore(), None)).await, Ok("updated".into()));
    let total = published.manifest.total_bytes() as f64;
    let seen = seen.borrow();
    assert!(seen.iter().all(|s| s.1 == total) && seen.is_sorted_by(|a, b| a.0 <= b.0) && seen.len() > 10);
    assert_eq!((seen[0].0, seen.last().unwrap().0), (0.0, total));
    let requests = take_requests();
    assert!(requests[0].starts_with("no-cache same-origin") && requests[1].starts_with("no-store same-origin"));

    let answer = recognize(&channel).unwrap();
    assert_eq!(get(&answer, "predictions.0.label").as_string().as_deref(), Some("apple"));
    assert_eq!(get(&answer, "decision").as_string().as_deref(), Some("match"));
    assert!(json(&answer).starts_with(r#"{"decision":"match","reason":"confident","predictions":[{"label":"apple""#));
    let model = json(&channel.model().unwrap());
    assert_eq!(
        model,
        format!(
            "{{\"channel\":\"whole\",\"version\":\"v1\",\"releaseSeq\":1,\"trainedAt\":\"2026-01-01T00:00:00Z\",\
             \"productCount\":2,\"imageCount\":10,\"labels\":[\"apple\",\"bread\"],\"accuracy\":1,\"imageSize\":8,\
             \"modelType\":\"embedding\",\"bytes\":{total},\"stored\":true,\"facts\":{{\"apple\":{{\"id\":12345678901234567000,\"name\":\"Apple\",\"price\":0.5}}}}}}"
        )
    );
    assert_eq!(sync(&channel).await, Ok("current".into()));
    drop(channel);

    let channel = open("whole").await;
    assert_eq!(version(&channel).as_deref(), Some("v1"));
    serve_latest("whole", 0, b"");
    assert_eq!(sync(&channel).await, Ok("offline".into()));
    assert_eq!(version(&channel).as_deref(), Some("v1"));
}

#[wasm_bindgen_test]
async fn files_are_verified_without_https_too() {
    forget().await;
    let published = publish("http", 1, A);
    let (head, mut bytes) = published.file(FileRole::Head);
    bytes[0] ^= 1;
    hide_subtle(true);
    serve_release(&published);
    serve(&format!("{MODELS}{head}"), 200, bytes.as_slice().into(), "");
    let channel = open("http").await;
    let damaged = sync(&channel).await;
    serve_release(&published);
    let whole = sync(&channel).await;
    hide_subtle(false);
    assert_eq!((damaged, whole), (Err("HASH_MISMATCH".into()), Ok("updated".into())));
}

#[wasm_bindgen_test]
async fn a_real_404_is_absent() {
    forget().await;
    let models = format!("{}/no-such-folder/", origin());
    let opened = JsFuture::from(Channel::open(models, "T_1".into())).await.unwrap();
    let channel = Channel::try_from_js_value(opened).unwrap();
    assert_eq!(sync(&channel).await, Ok("absent".into()));
}

#[wasm_bindgen_test]
async fn overlapping_calls_wait_for_each_other_and_the_old_model_answers() {
    forget().await;
    serve_release(&publish("overlap", 1, A));
    let channel = open("overlap").await;
    assert_eq!(sync(&channel).await, Ok("updated".into()));
    serve_release(&publish("overlap", 2, B));
    let (first, second) = (channel.sync(ignore(), ignore(), None), channel.sync(ignore(), ignore(), None));
    assert_eq!(version(&channel).as_deref(), Some("v1"));
    assert_eq!(settle(second).await, Ok("current".into()));
    assert_eq!(settle(first).await, Ok("updated".into()));
    assert_eq!(version(&channel).as_deref(), Some("v2"));
}

#[wasm_bindgen_test]
async fn a_channel_freed_during_a_sync_ends_it_quietly() {
    forget().await;
    serve_release(&publish("freed", 1, A));
    let channel = open("freed").await;
    let promise = channel.sync(ignore(), ignore(), None);
    drop(channel);
    assert_eq!(settle(promise).await, Ok("updated".into()));
}

#[wasm_bindgen_test]
async fn aborting_leaves_nothing_half_done() {
    forget().await;
    let published = publish("aborted", 1, B);
    serve_release(&published);
    let (head, bytes) = published.file(FileRole::Head);
    serve(&format!("{MODELS}{head}"), 200, bytes[..99].into(), "stall");
    let channel = open("aborted").await;
    assert_eq!(settle(channel.sync(ignore(), ignore(), Some(abort_after(100)))).await, Err("ABORTED".into()));
    assert!(channel.model().unwrap().is_null());
    assert_eq!(settle(channel.sync(ignore(), ignore(), Some(AbortSignal::abort()))).await, Err("ABORTED".into()));
    serve_release(&published);
    assert_eq!(sync(&channel).await, Ok("updated".into()));
}

#[wasm_bindgen_test]
async fn what_goes_wrong_is_typed_and_the_old_model_stays() {
    forget().await;
    serve_release(&publish("faults", 1, A));
    let channel = open("faults").await;
    assert_eq!(sync(&channel).await, Ok("updated".into()));
    let published = publish("faults", 2, &["one", "two", "three", "four"]);
    let (head, bytes) = published.file(FileRole::Head);
    let head = format!("{MODELS}{head}");
    let mut flipped = bytes.clone();
    flipped[bytes.len() - 1] ^= 1;
    let long = bytes.repeat(3);
    for (status, body, then, code) in [
        (404, &bytes[..0], "", "HTTP_STATUS"),
        (500, &bytes[..], "", "HTTP_STATUS"),
        (0, &bytes[..0], "", "NETWORK"),
        (200, &bytes[..100], "break", "NETWORK"),
        (200, &bytes[..100], "", "SIZE_MISMATCH"),
        (200, &long[..], "", "SIZE_MISMATCH"),
        (200, &flipped[..], "", "HASH_MISMATCH"),
    ] {
        serve_release(&published);
        serve(&head, status, body.into(), then);
        assert_eq!(sync(&channel).await, Err(code.into()), "{status} {then}");
        assert_eq!(version(&channel).as_deref(), Some("v1"));
        assert_eq!(version(&open("faults").await).as_deref(), Some("v1"));
    }
    assert_eq!(cancellations(), 1, "a body that is too long is not read to its end");
    for (status, body, code) in
        [(503, "", "HTTP_STATUS"), (200, "<!doctype html>", "INVALID_MANIFEST"), (200, "{", "INVALID_MANIFEST")]
    {
        serve_latest("faults", status, body.as_bytes());
        assert_eq!(sync(&channel).await, Err(code.into()));
    }
    serve_release(&published);
    assert_eq!(sync(&channel).await, Ok("updated".into()));
    assert_eq!(version(&channel).as_deref(), Some("v2"));
}

#[wasm_bindgen_test]
async fn bad_arguments_are_plain_errors() {
    forget().await;
    for (models, channel, code) in [(MODELS, "../x", "INVALID_CHANNEL"), ("/relative/", "T_1", "INVALID_ARGUMENT")] {
        let error = JsFuture::from(Channel::open(models.into(), channel.into())).await.unwrap_err();
        assert_eq!(get(&error, "code").as_string().as_deref(), Some(code));
        assert_eq!(get(&error, "constructor.name").as_string().as_deref(), Some("Object"));
    }
    let error = open("arguments").await.recognize(&[0; 15], 2, 2).unwrap_err();
    assert_eq!(get(&error, "code").as_string().as_deref(), Some("INVALID_FRAME"));
    assert_eq!(error_codes().len(), ErrorKind::ALL.len());
}
