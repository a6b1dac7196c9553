//! What is kept, what is refused, and what needs no network.

use std::fs;
use std::path::Path;

use super::super::{CACHE_VARIABLE, DownloadError, default_cache_dir, fetch, fetch_from};
use super::server::{Server, reply, whole};
use super::{assert_empty, get, limits, real, sha256};
use crate::model::backbone::registry::find_by_name;

#[test]
fn good_file_arrives_whole_and_the_second_time_costs_no_request() {
    let server = Server::play(vec![whole(real())]);
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path().join("made/when/needed");
    let mut heard = Vec::new();
    let want = real();
    let digest = sha256(want);
    let path = fetch_from(&server.url(), &digest, Some(want.len() as u64), &cache, &limits(), &mut |done, total| {
        heard.push((done, total));
    })
    .unwrap();
    assert_eq!(path, cache.join(format!("{digest}.onnx")));
    assert!(fs::read(&path).unwrap() == want);
    assert!(heard.is_sorted());
    assert_eq!(heard.first(), Some(&(0, Some(want.len() as u64))));
    assert_eq!(heard.last(), Some(&(want.len() as u64, Some(want.len() as u64))));
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);

    // The server plays no second action: a request would fail.
    assert_eq!(get(&server.url(), &cache).unwrap(), path);
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].contains("user-agent: jicho/"));
}

#[test]
fn size_need_not_be_known() {
    let server = Server::play(vec![whole(real()), reply("HTTP/1.1 200 OK".into(), real().to_vec())]);
    for _ in 0..2 {
        let cache = tempfile::tempdir().unwrap();
        let path = fetch_from(&server.url(), &sha256(real()), None, cache.path(), &limits(), &mut |_, _| {}).unwrap();
        assert!(fs::read(path).unwrap() == real());
    }
}

#[test]
fn damaged_cache_is_replaced() {
    let server = Server::play(vec![whole(real())]);
    let cache = tempfile::tempdir().unwrap();
    let path = cache.path().join(format!("{}.onnx", sha256(real())));
    let mut damaged = real().to_vec();
    damaged[1_000] ^= 1;
    fs::write(&path, damaged).unwrap();
    assert_eq!(get(&server.url(), cache.path()).unwrap(), path);
    assert!(fs::read(path).unwrap() == real());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn one_wrong_bit_is_refused() {
    let mut damaged = real().to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0b100;
    let server = Server::play(vec![whole(&damaged)]);
    let cache = tempfile::tempdir().unwrap();
    let error = get(&server.url(), cache.path()).unwrap_err();
    assert!(error.to_string().contains(&server.url()), "{error}");
    match error {
        DownloadError::HashMismatch { got, want, hint, .. } => {
            assert_eq!((got, want, hint), (sha256(&damaged), sha256(real()), ""));
        }
        other => panic!("{other}"),
    }
    assert_empty(cache.path());
}

#[test]
fn web_page_and_lfs_pointer_are_recognised() {
    for (body, word) in [
        (&b"\n<!doctype html><title>Sign in</title>"[..], "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "LFS pointer"),
    ] {
        let server = Server::play(vec![whole(body)]);
        let cache = tempfile::tempdir().unwrap();
        let error = get(&server.url(), cache.path()).unwrap_err();
        assert!(matches!(error, DownloadError::HashMismatch { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert_empty(cache.path());
    }
}

#[test]
fn entry_without_address_says_what_to_get() {
    let entry = find_by_name("mobilenet-v2-1.0-224").unwrap();
    let cache = tempfile::tempdir().unwrap();
    let error = fetch(entry, cache.path(), &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, DownloadError::NoPublicUrl { .. }), "{error}");
    let message = error.to_string();
    for part in
        ["mobilenet-v2-1.0-224", "tf2_mobilenet_v2_1.0_224_ptq.tflite", "--backbone FILE.onnx", "mobilenetv2-12"]
    {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn entry_already_in_the_cache_needs_no_network() {
    let Some(folder) = crate::test_data::backbones("a real backbone in the cache") else { return };
    let path = folder.join("mobilenet_v1_0.25_128.onnx");
    let entry = find_by_name("mobilenet-v1-0.25-128").unwrap();
    let cache = tempfile::tempdir().unwrap();
    let target = cache.path().join(format!("{}.onnx", entry.sha256));
    fs::copy(path, &target).unwrap();
    assert_eq!(fetch(entry, cache.path(), &mut |_, _| {}).unwrap(), target);
}

#[test]
fn bad_arguments_are_errors() {
    let cache = tempfile::tempdir().unwrap();
    for digest in ["", "../../escape", &"g".repeat(64)] {
        let error = fetch_from("http://127.0.0.1:1/x", digest, None, cache.path(), &limits(), &mut |_, _| {});
        assert!(matches!(error, Err(DownloadError::InvalidDigest { .. })), "{digest}");
    }
    for url in ["", "not a url", "ftp://127.0.0.1/x"] {
        assert!(matches!(get(url, cache.path()), Err(DownloadError::Connect { .. })), "{url}");
    }
    // The cache folder cannot be made where a file stands.
    let file = cache.path().join("file");
    fs::write(&file, "").unwrap();
    let error = get("http://127.0.0.1:1/x", &file).unwrap_err();
    assert!(matches!(error, DownloadError::Io { .. }), "{error}");
}

#[test]
fn default_cache_is_named_after_the_program() {
    let expected = match std::env::var_os(CACHE_VARIABLE) {
        Some(folder) if !folder.is_empty() => Path::new(&folder).join("backbones"),
        _ => Path::new("jicho").join("backbones"),
    };
    assert!(default_cache_dir().ends_with(expected));
}
