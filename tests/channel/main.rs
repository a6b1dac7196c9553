//! The JavaScript surface in a real browser, against a host that misbehaves on command.

#![cfg(target_arch = "wasm32")]

mod device;
#[path = "../fixture/mod.rs"]
mod fixture;
mod host;

use std::cell::RefCell;
use std::rc::Rc;

use fixture::{MODELS, Published, publish};
use jicho::frame::Frame;
use jicho::manifest::FileRole;
use jicho::quality::{Assessor, Moment};
use jicho::web::{Channel, error_codes};
use jicho::{ErrorKind, golden};
use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::convert::TryFromJsValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::AbortSignal;

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/channel.js")]
extern "C" {
    fn home() -> String;
    fn serve(url: &str, status: u16, body: Uint8Array, then: &str, headers: &str);
    #[wasm_bindgen(js_name = takeRequests)]
    fn take_requests() -> Vec<JsValue>;
    #[wasm_bindgen(js_name = takeCancellations)]
    fn take_cancellations() -> u32;
    fn origin() -> String;
    #[wasm_bindgen(js_name = abortAfter)]
    fn abort_after(ms: u32) -> AbortSignal;
    fn hide(path: &str, hidden: bool);
    fn get(object: &JsValue, path: &str) -> JsValue;
    fn json(value: &JsValue) -> String;
    fn options(text: &str) -> JsValue;
    #[wasm_bindgen(js_name = takeAsked)]
    fn take_asked() -> Vec<JsValue>;
    fn stored() -> Promise;
}

const A: &[&str] = &["apple", "bread"];
const B: &[&str] = &["apple", "bread", "cheese"];

/// Blobs are shared between channels, so every test begins with an empty database.
async fn forget() {
    idb::Factory::new().unwrap().delete("jicho").unwrap().await.unwrap();
}

fn serve_release(published: &Published) {
    serve_release_at(MODELS, published, "");
}

/// With headers as JSON.
fn serve_release_at(models: &str, published: &Published, headers: &str) {
    for (url, bytes) in &published.blobs {
        serve(&format!("{models}{url}"), 200, bytes.as_slice().into(), "", headers);
    }
    let latest = format!("{models}{}/latest/metadata.json", published.manifest.channel_id);
    serve(&latest, 200, published.metadata().as_slice().into(), "at once", headers);
}

fn serve_latest(channel: &str, status: u16, body: &[u8]) {
    serve(&format!("{MODELS}{channel}/latest/metadata.json"), status, body.into(), "at once", "");
}

async fn open(channel: &str) -> Channel {
    open_with(MODELS, channel, JsValue::UNDEFINED).await.unwrap()
}

async fn open_with(models: &str, channel: &str, options: JsValue) -> Result<Channel, String> {
    let opened = JsFuture::from(Channel::open(models.into(), channel.into(), options)).await;
    opened.map(|channel| Channel::try_from_js_value(channel).unwrap()).map_err(|e| text(&e, "code"))
}

fn text(value: &JsValue, path: &str) -> String {
    get(value, path).as_string().unwrap_or_else(|| panic!("no text at {path} of {}", json(value)))
}

/// A header, or what else is told of a request; none where it has not.
fn told(requests: &[JsValue], file: &str, what: &str) -> Vec<Option<String>> {
    let of = requests.iter().filter(|r| text(r, "url").ends_with(file));
    of.map(|r| get(r, what).as_string()).collect()
}

async fn diagnose(channel: &Channel) -> JsValue {
    JsFuture::from(channel.diagnose()).await.unwrap()
}

fn ignore() -> Function {
    Function::new_no_args("")
}

async fn settle(promise: Promise) -> Result<String, String> {
    JsFuture::from(promise).await.map(|v| text(&v, "outcome")).map_err(|e| {
        assert!(!text(&e, "message").is_empty());
        text(&e, "code")
    })
}

async fn sync(channel: &Channel) -> Result<String, String> {
    settle(channel.sync(ignore(), ignore(), None)).await
}

/// A TypeScript `Frame`.
fn js_frame(rgba: &[u8], width: u32, height: u32) -> JsValue {
    let frame = Object::new();
    for (name, value) in [("rgba", Uint8Array::from(rgba).into()), ("width", width.into()), ("height", height.into())] {
        Reflect::set(&frame, &name.into(), &value).unwrap();
    }
    frame.into()
}

fn golden_frame(rgba: &[u8]) -> JsValue {
    js_frame(rgba, golden::WIDTH, golden::HEIGHT)
}

fn recognize(channel: &Channel) -> Result<JsValue, JsValue> {
    channel.recognize(&Array::of1(&golden_frame(&golden::rgba())), &options("{}"))
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
    let how = |request: &JsValue| ["cache", "credentials", "redirect"].map(|what| text(request, what));
    assert_eq!(how(&requests[0]), ["no-cache", "same-origin", "follow"]);
    assert!(requests[1..].iter().all(|r| how(r) == ["no-store", "same-origin", "follow"]) && requests.len() == 4);

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
             \"modelType\":\"embedding\",\"architecture\":null,\"bytes\":{total},\"candidate\":false,\"stored\":true,\"storedProblem\":null,\"facts\":{{\"apple\":{{\"id\":12345678901234567000,\"name\":\"Apple\",\"price\":0.5}}}}}}"
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
    serve(&format!("{MODELS}{head}"), 200, bytes[..99].into(), "stall", "");
    let channel = open("aborted").await;
    assert_eq!(settle(channel.sync(ignore(), ignore(), Some(abort_after(100)))).await, Err("ABORTED".into()));
    assert!(channel.model().unwrap().is_null());
    assert_eq!(settle(channel.sync(ignore(), ignore(), Some(AbortSignal::abort()))).await, Err("ABORTED".into()));
    serve_release(&published);
    assert_eq!(sync(&channel).await, Ok("updated".into()));
}

#[wasm_bindgen_test]
async fn products_that_the_app_does_not_know_are_marked() {
    forget().await;
    serve_release(&publish("products", 1, B));
    let channel = open_with(MODELS, "products", options(r#"{"products":["cheese"]}"#)).await.unwrap();
    assert_eq!(sync(&channel).await, Ok("updated".into()));
    let seen = recognize(&channel).unwrap();
    assert_eq!(text(&seen, "predictions.0.label"), "cheese");
    assert_eq!([0, 1, 2].map(|i| get(&seen, &format!("predictions.{i}.known")).is_truthy()), [true, false, false]);
    channel.set_products(JsValue::NULL).unwrap();
    assert_eq!(text(&recognize(&channel).unwrap(), "predictions.0.label"), "apple");
    channel.set_products(js_sys::Array::new().into()).unwrap();
    assert_eq!(text(&recognize(&channel).unwrap(), "reason"), "not-known");
    let error = channel.set_products("apple".into()).unwrap_err();
    assert_eq!(text(&error, "code"), "INVALID_ARGUMENT");
}

/// What [`jicho::quality`] gives natively, it gives JavaScript (tests/quality.rs holds both to the same numbers).
#[wasm_bindgen_test]
async fn quality_comes_alone_without_a_model_and_with_answers_on_request() {
    forget().await;
    let mut assessor = Assessor::default();
    let mut expected = |rgba: &[u8], moment| {
        let frame = Frame::new(golden::WIDTH, golden::HEIGHT, rgba).unwrap();
        let text = serde_json::to_string(&assessor.assess(&frame, moment)).unwrap();
        // As JavaScript writes numbers.
        json(&js_sys::JSON::parse(&text).unwrap())
    };
    let (rgba, dark) = (golden::rgba(), [9, 9, 9, 255].repeat((golden::WIDTH * golden::HEIGHT) as usize));
    let channel = open("quality").await;
    let assess = |rgba: &[u8], moment: &str| json(&channel.assess(&golden_frame(rgba), &options(moment)).unwrap());
    let moment = |at| Some(Moment { video: 7, at });
    let photo = assess(&rgba, "null");
    assert_eq!(photo, expected(&rgba, None));
    assert!(!photo.contains("motion") && photo.contains("too-small"), "{photo}");
    assert_eq!(assess(&rgba, r#"{"video":7,"at":1000000000}"#), expected(&rgba, moment(1e9)));
    let moved = assess(&dark, r#"{"video":7,"at":1000000040}"#);
    assert_eq!(moved, expected(&dark, moment(1e9 + 40.0)));
    assert!(moved.contains(r#""defect":"motion""#) && moved.contains(r#""defect":"too-dark""#), "{moved}");
    let error = channel.assess(&js_frame(&[0; 15], 2, 2), &JsValue::UNDEFINED).unwrap_err();
    assert_eq!(text(&error, "code"), "INVALID_FRAME");

    serve_release(&publish("quality", 1, A));
    assert_eq!(sync(&channel).await, Ok("updated".into()));
    assert!(get(&recognize(&channel).unwrap(), "quality").is_null());
    let at = 1e9 + 80.0;
    let seen = channel
        .recognize(
            &Array::of1(&golden_frame(&rgba)),
            &options(r#"{"quality":true,"moment":{"video":7,"at":1000000080}}"#),
        )
        .unwrap();
    assert_eq!(json(&get(&seen, "quality")), expected(&rgba, moment(at)));
    assert!(get(&seen, "quality.scores.motion").as_f64() > Some(0.015));
    assert_eq!(text(&seen, "predictions.0.label"), "apple");
}

#[wasm_bindgen_test]
async fn bad_options_are_plain_errors() {
    for bad in [
        r#"{"keys":"d75a"}"#,
        r#"{"keys":["d75a"]}"#,
        r#"{"products":[7]}"#,
        r#"{"token":"secret"}"#,
        r#"{"stallSeconds":0}"#,
        r#"{"stallSeconds":"30"}"#,
    ] {
        assert_eq!(open_with(MODELS, "bad", options(bad)).await.err().as_deref(), Some("INVALID_ARGUMENT"), "{bad}");
    }
    let all = r#"{"keys":["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"],"products":null,"stallSeconds":30}"#;
    let channel = open_with(MODELS, "pinned", options(all)).await.unwrap();
    serve_release(&publish("pinned", 1, A));
    assert_eq!(sync(&channel).await, Err("BAD_SIGNATURE".into()));
}

#[wasm_bindgen_test]
async fn bad_arguments_are_plain_errors() {
    forget().await;
    for (models, channel, code) in [(MODELS, "../x", "INVALID_CHANNEL"), ("/relative/", "T_1", "INVALID_ARGUMENT")] {
        let error = JsFuture::from(Channel::open(models.into(), channel.into(), JsValue::NULL)).await.unwrap_err();
        assert_eq!(get(&error, "code").as_string().as_deref(), Some(code));
        assert_eq!(get(&error, "constructor.name").as_string().as_deref(), Some("Object"));
    }
    let error = open("arguments").await.recognize(&Array::of1(&js_frame(&[0; 15], 2, 2)), &options("{}")).unwrap_err();
    assert_eq!(get(&error, "code").as_string().as_deref(), Some("INVALID_FRAME"));
    assert_eq!(error_codes().len(), ErrorKind::ALL.len());
}
