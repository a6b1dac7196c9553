//! What is asked of the host, and what its faults come to.

use super::*;

#[wasm_bindgen_test]
async fn an_unchanged_model_costs_one_304_at_home() {
    forget().await;
    let published = publish("same", 1, A);
    for (models, expected) in [(home(), Some("\"1\"".to_owned())), (MODELS.to_owned(), None)] {
        serve_release_at(&models, &published, r#"{"etag":"\"1\""}"#);
        let channel = open_with(&models, "same", JsValue::UNDEFINED).await.unwrap();
        assert_eq!(sync(&channel).await, Ok("updated".into()));
        drop(channel);
        let channel = open_with(&models, "same", JsValue::UNDEFINED).await.unwrap();
        take_requests();
        assert_eq!(sync(&channel).await, Ok("current".into()));
        let requests = take_requests();
        assert_eq!(told(&requests, "", "if-none-match"), std::slice::from_ref(&expected));
        // Elsewhere the browser must not be made to ask for leave first; its own cache revalidates.
        let (cache, control) = if expected.is_some() { ("no-store", Some("max-age=0")) } else { ("no-cache", None) };
        assert_eq!(told(&requests, "", "cache"), [Some(cache.into())]);
        assert_eq!(told(&requests, "", "cache-control"), [control.map(str::to_owned)]);
    }
}

#[wasm_bindgen_test]
async fn a_cut_or_stalled_download_is_gone_on_with() {
    forget().await;
    let published = publish("cut", 1, B);
    let (head, bytes) = published.file(FileRole::Head);
    let half = bytes.len() / 2;
    for models in [home(), MODELS.to_owned()] {
        for then in ["break-once", "stall-once"] {
            forget().await;
            serve_release_at(&models, &published, "");
            let headers = r#"{"accept-ranges":"bytes","etag":"\"1\""}"#;
            serve(&format!("{models}{head}"), 200, bytes.as_slice().into(), then, headers);
            let channel = open_with(&models, "cut", options(r#"{"stallSeconds":0.2}"#)).await.unwrap();
            take_requests();
            assert_eq!(sync(&channel).await, Ok("updated".into()), "{then}");
            assert_eq!(version(&channel).as_deref(), Some("v1"));
            let requests = take_requests();
            assert_eq!(told(&requests, &head, "range"), [None, Some(format!("bytes={half}-"))]);
            let only_if = (models != MODELS).then(|| "\"1\"".to_owned());
            assert_eq!(told(&requests, &head, "if-range"), [None, only_if]);
        }
    }
}

#[wasm_bindgen_test]
async fn a_connection_that_brings_nothing_is_given_up() {
    forget().await;
    let published = publish("stalled", 1, A);
    serve_release(&published);
    let (head, bytes) = published.file(FileRole::Head);
    serve(&format!("{MODELS}{head}"), 200, bytes[..10].into(), "stall", "");
    let channel = open_with(MODELS, "stalled", options(r#"{"stallSeconds":0.05}"#)).await.unwrap();
    take_cancellations();
    let error = JsFuture::from(channel.sync(ignore(), ignore(), None)).await.unwrap_err();
    assert_eq!(text(&error, "code"), "NETWORK");
    assert!(text(&error, "message").contains("no byte came for 0.05 s"), "{}", json(&error));
    assert!(take_cancellations() >= 4, "every try was ended");
    let latest = format!("{MODELS}stalled/latest/metadata.json");
    serve(&latest, 200, b"{"[..].into(), "stall", "");
    assert_eq!(sync(&channel).await, Ok("offline".into()));
    // What came before is kept.
    serve_release(&published);
    assert_eq!(get(&diagnose(&channel).await, "keptBytes").as_f64().map(|kept| kept > 0.0), Some(true));
    assert_eq!(sync(&channel).await, Ok("updated".into()));
    assert_eq!(get(&diagnose(&channel).await, "keptBytes").as_f64(), Some(0.0));
}

#[wasm_bindgen_test]
async fn a_token_is_sent_refreshed_once_and_never_redirected() {
    forget().await;
    let published = publish("token", 1, A);
    serve_release_at(MODELS, &published, r#"{"wanted":"new"}"#);
    let open = async |tokens: &str| {
        take_asked();
        take_requests();
        open_with(MODELS, "token", options(&format!(r#"{{"tokens":{tokens}}}"#))).await.unwrap()
    };
    for (tokens, code) in [
        (r#"["old","older"]"#, "UNAUTHORIZED"),
        (r#"["old",null]"#, "UNAUTHORIZED"),
        (r#"[null]"#, "UNAUTHORIZED"),
        (r#"["throw"]"#, "UNAUTHORIZED"),
        (r#"["old","throw"]"#, "UNAUTHORIZED"),
        (r#"["two\nlines"]"#, "INVALID_ARGUMENT"),
        (r#"[7]"#, "INVALID_ARGUMENT"),
    ] {
        let channel = open(tokens).await;
        let error = JsFuture::from(channel.sync(ignore(), ignore(), None)).await.unwrap_err();
        assert_eq!(text(&error, "code"), code, "{tokens}");
        assert!(!text(&error, "message").contains("old"), "{}", json(&error));
    }
    let channel = open(r#"["old","new"]"#).await;
    assert_eq!(sync(&channel).await, Ok("updated".into()));
    assert_eq!(take_asked(), [false, true].map(JsValue::from));
    let requests = take_requests();
    let old = [Some("Bearer old".to_owned()), Some("Bearer new".to_owned())];
    assert_eq!(told(&requests, "metadata.json", "authorization"), old);
    assert!(requests.iter().all(|r| text(r, "redirect") == "manual"));
    assert!(told(&requests, &published.file(FileRole::Head).0, "authorization") == old[1..]);
    assert!(!json(&diagnose(&channel).await).contains("new\""), "a token is not to be told");

    let channel = open(r#"["new"]"#).await;
    serve_release_at(MODELS, &publish("token", 2, B), r#"{"location":"https://elsewhere.example/"}"#);
    assert_eq!(sync(&channel).await, Err("HTTP_STATUS".into()));
    assert_eq!(version(&channel).as_deref(), Some("v1"));

    // An app that never answers keeps nobody waiting who does not want to.
    let channel = open(r#"["wait"]"#).await;
    assert_eq!(settle(channel.sync(ignore(), ignore(), Some(abort_after(50)))).await, Err("ABORTED".into()));
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
        (401, &bytes[..0], "", "UNAUTHORIZED"),
        (403, &bytes[..0], "", "UNAUTHORIZED"),
        (0, &bytes[..0], "", "NETWORK"),
        (200, &bytes[..100], "break", "NETWORK"),
        (200, &bytes[..100], "", "SIZE_MISMATCH"),
        (200, &long[..], "", "SIZE_MISMATCH"),
        (200, &flipped[..], "", "HASH_MISMATCH"),
    ] {
        serve_release(&published);
        take_cancellations();
        serve(&head, status, body.into(), then, "");
        assert_eq!(sync(&channel).await, Err(code.into()), "{status} {then}");
        assert_eq!(version(&channel).as_deref(), Some("v1"));
        assert_eq!(version(&open("faults").await).as_deref(), Some("v1"));
        if body.len() > bytes.len() {
            assert_eq!(take_cancellations(), 1, "a body that is too long is not read to its end");
        }
    }
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
async fn a_real_404_is_absent() {
    forget().await;
    let models = format!("{}/no-such-folder/", origin());
    let channel = open_with(&models, "T_1", JsValue::UNDEFINED).await.unwrap();
    assert_eq!(sync(&channel).await, Ok("absent".into()));
}
