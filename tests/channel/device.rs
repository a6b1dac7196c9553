//! What the device keeps, and lacks.

use super::*;

#[wasm_bindgen_test]
async fn another_tabs_model_is_loaded_without_the_host() {
    forget().await;
    serve_release(&publish("tabs", 1, A));
    let (one, two) = (open("tabs").await, open("tabs").await);
    assert_eq!(sync(&one).await, Ok("updated".into()));
    take_requests();
    assert_eq!(JsFuture::from(two.refresh()).await, Ok(true.into()));
    assert_eq!(version(&two).as_deref(), Some("v1"));
    assert_eq!(JsFuture::from(two.refresh()).await, Ok(false.into()));
    assert!(take_requests().is_empty());
}

#[wasm_bindgen_test]
async fn a_cleared_channel_leaves_nothing() {
    forget().await;
    serve_release(&publish("left", 1, A));
    let published = publish("stays", 1, B);
    serve_release(&published);
    let (left, stays) = (open("left").await, open("stays").await);
    assert_eq!((sync(&left).await, sync(&stays).await), (Ok("updated".into()), Ok("updated".into())));
    // A sync that hangs ends with it, and so does one that waits for its turn.
    let newer = publish("left", 2, &["one", "two", "three", "four"]);
    serve_release(&newer);
    let (head, bytes) = newer.file(FileRole::Head);
    serve(&format!("{MODELS}{head}"), 200, bytes[..99].into(), "stall", "");
    let (first, second) = (left.sync(ignore(), ignore(), None), left.sync(ignore(), ignore(), None));
    let cleared = JsFuture::from(left.clear()).await.unwrap();
    assert!(cleared.is_undefined() && left.model().unwrap().is_null());
    assert_eq!((settle(first).await, settle(second).await), (Err("ABORTED".into()), Err("ABORTED".into())));
    let kept = JsFuture::from(stored()).await.unwrap();
    assert_eq!(json(&kept), format!("{{\"releases\":[\"{MODELS}stays\"],\"blobs\":3}}"));
    assert!(get(&diagnose(&left).await, "lastCheck").is_null());
    assert_eq!(get(&diagnose(&left).await, "keptBytes").as_f64(), Some(0.0));
    assert_eq!(version(&stays).as_deref(), Some("v1"));
    assert!(open("left").await.model().unwrap().is_null());
    // It can be taken up again.
    serve_release(&newer);
    assert_eq!(sync(&left).await, Ok("updated".into()));
}

#[wasm_bindgen_test]
async fn a_device_without_storage_runs_from_memory_and_says_so() {
    serve_release(&publish("private", 1, A));
    hide("indexedDB", true);
    let channel = open("private").await;
    let synced = sync(&channel).await;
    let diagnosis = diagnose(&channel).await;
    let model = channel.model().unwrap();
    hide("indexedDB", false);
    assert_eq!(synced, Ok("updated".into()));
    assert_eq!(version(&channel).as_deref(), Some("v1"));
    assert_eq!(get(&model, "stored").as_bool(), Some(false));
    assert!(text(&model, "storedProblem").contains("allows no storage"));
    assert!(get(&diagnosis, "schema").is_null() && !get(&diagnosis, "durable").is_truthy());
}

#[wasm_bindgen_test]
async fn a_diagnosis_is_plain_data() {
    forget().await;
    let published = publish("sick", 3, A);
    serve_release(&published);
    let channel = open("sick").await;
    assert!(json(&diagnose(&channel).await).contains("\"model\":null"));
    sync(&channel).await.unwrap();
    let diagnosis = diagnose(&channel).await;
    let at = get(&diagnosis, "lastCheck.at").as_f64().unwrap();
    let memory = get(&diagnosis, "memoryBytes").as_f64().unwrap();
    assert!(at > 0.0 && memory > 0.0 && memory % 65536.0 == 0.0);
    let file = |role: FileRole| {
        let file = published.manifest.file(role).unwrap();
        let name = format!("{role:?}").to_lowercase();
        format!(r#"{{"role":"{name}","sha256":"{}","bytes":{}}}"#, file.sha256, file.bytes)
    };
    let expected = format!(
        r#"{{"version":"{}","models":"{MODELS}","channel":"sick","keys":0,"threshold":1,"keyList":0,"products":null,"model":{{"version":"v3","releaseSeq":3,"latestSeq":3,"expires":null,"candidate":false,"signedBy":null,"engine":"SIMD128","files":[{},{},{}],"stored":true,"storedProblem":null}},"durable":true,"keptBytes":0,"lastCheck":{{"at":{at},"outcome":"updated","error":null,"cause":null,"candidateError":null,"hostSeq":3,"expires":null,"expired":false}},"build":"tract","memoryBytes":{memory},"schema":3}}"#,
        env!("CARGO_PKG_VERSION"),
        file(FileRole::Plan),
        file(FileRole::Space),
        file(FileRole::Head),
    );
    assert_eq!(json(&diagnosis), expected);
    serve_latest("sick", 500, b"");
    assert_eq!(sync(&channel).await, Err("HTTP_STATUS".into()));
    assert_eq!(text(&diagnose(&channel).await, "lastCheck.error.code"), "HTTP_STATUS");
}

/// The module's memory never shrinks, so what a swap keeps would show: 4 KB of each are 5 pages. A step that the allocator
/// takes for the gaps between is allowed (one of 2 pages was seen, at some swap of a thousand).
#[wasm_bindgen_test]
async fn a_hundred_swaps_take_no_more_memory() {
    forget().await;
    let channel = open("swaps").await;
    let mut before = 0;
    let mut releases = [publish("swaps", 0, A), publish("swaps", 0, B)];
    for published in &releases {
        for (url, bytes) in &published.blobs {
            serve(&format!("{MODELS}{url}"), 200, bytes.as_slice().into(), "at once", "");
        }
    }
    for swap in 1..=100 {
        let manifest = &mut releases[swap as usize % 2].manifest;
        (manifest.release_seq, manifest.version) = (swap, format!("v{swap}"));
        serve_latest("swaps", 200, &serde_json::to_vec(manifest).unwrap());
        assert_eq!(sync(&channel).await, Ok("updated".into()));
        assert_eq!(version(&channel), Some(format!("v{swap}")));
        take_requests();
        if swap == 20 {
            before = std::arch::wasm32::memory_size(0);
        }
    }
    assert!(std::arch::wasm32::memory_size(0) - before < 4);
}

#[wasm_bindgen_test]
async fn files_are_verified_without_https_too() {
    forget().await;
    let published = publish("http", 1, A);
    let (head, mut bytes) = published.file(FileRole::Head);
    bytes[0] ^= 1;
    hide("crypto.subtle", true);
    serve_release(&published);
    serve(&format!("{MODELS}{head}"), 200, bytes.as_slice().into(), "", "");
    let channel = open("http").await;
    let damaged = sync(&channel).await;
    serve_release(&published);
    let whole = sync(&channel).await;
    hide("crypto.subtle", false);
    assert_eq!((damaged, whole), (Err("HASH_MISMATCH".into()), Ok("updated".into())));
}
