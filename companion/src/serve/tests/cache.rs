//! How long an answer lives, how it is asked for again, in parts, compressed, and from elsewhere.

use std::fs;

use super::{BLOB, Fixture, LATEST, send};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const SCRIPT: &str = "/assets/index-DiwrgTda.js";

#[test]
fn what_never_changes_is_immutable_and_nothing_else() {
    let site = Fixture::new();
    for (target, policy) in [
        (BLOB, IMMUTABLE),
        ("/assets/ml-models/T_1/versions/1/metadata.json", IMMUTABLE),
        (LATEST, "no-cache"),
        ("/", "no-cache"),
        ("/index.html", "no-cache"),
        ("/sw.js", "no-cache"),
        ("/manifest.webmanifest", "no-cache"),
        ("/data.json", "no-cache"),
        (SCRIPT, IMMUTABLE),
        ("/assets/jicho_bg-C0ffee12.wasm", IMMUTABLE),
        ("/assets/icon-maskable.png", "no-cache"),
    ] {
        let answer = site.get(target);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some(policy)), "{target}");
    }
    for target in ["/assets/ml-models/blobs/none.onnx", "/assets/ml-models/T_1/versions/9/x", "/assets/x-DiwrgTda.js"] {
        let answer = site.get(target);
        assert_eq!((answer.status, answer.header("cache-control")), (404, Some("no-cache")), "{target}");
    }
}

#[test]
fn unchanged_files_are_304() {
    let site = Fixture::new();
    for (target, policy) in [(BLOB, IMMUTABLE), (LATEST, "no-cache"), ("/", "no-cache"), (SCRIPT, IMMUTABLE)] {
        let first = site.get(target);
        let etag = first.header("etag").expect("an ETag").to_owned();
        for validator in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".into()] {
            let again = site.get_with(target, &[("if-none-match", &validator)]);
            assert_eq!((again.status, again.body.len()), (304, 0), "{target} {validator}");
            assert_eq!(again.header("etag"), Some(etag.as_str()));
            assert_eq!(again.header("cache-control"), Some(policy), "{target}");
            for name in ["vary", "access-control-allow-origin"] {
                assert_eq!(again.header(name), first.header(name), "{target} {name}");
            }
        }
        assert_eq!(site.get_with(target, &[("if-none-match", "\"other\"")]).status, 200);
        let since = first.header("last-modified").unwrap();
        assert_eq!(site.get_with(target, &[("if-modified-since", since)]).status, 304);
    }
}

#[test]
fn a_new_release_is_seen_at_once() {
    let site = Fixture::new();
    let etag = site.get(LATEST).header("etag").unwrap().to_owned();
    // Written aside and renamed, as publishing does.
    let latest = site.root.path().join("models/T_1/latest");
    fs::write(latest.join(".new"), "{\"version\":30}").unwrap();
    fs::rename(latest.join(".new"), latest.join("metadata.json")).unwrap();
    let answer = site.get_with(LATEST, &[("if-none-match", &etag)]);
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{\"version\":30}"[..]));
    assert_ne!(answer.header("etag"), Some(etag.as_str()));
}

#[test]
fn ranges_resume_a_download() {
    let site = Fixture::new();
    assert_eq!(site.get(BLOB).header("accept-ranges"), Some("bytes"));
    for (range, body, part) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=4-", "456789", "bytes 4-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let answer = site.get_with(BLOB, &[("range", range)]);
        assert_eq!((answer.status, answer.body.as_slice()), (206, body.as_bytes()), "{range}");
        assert_eq!(answer.header("content-range"), Some(part));
        assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()));
        assert_eq!(answer.header("cache-control"), Some(IMMUTABLE));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    for range in ["bytes=10-", "bytes=99-100", "bytes=5-2"] {
        let answer = site.get_with(BLOB, &[("range", range)]);
        assert_eq!((answer.status, answer.header("content-range")), (416, Some("bytes */10")), "{range}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
    }
    // Several ranges at once are not worth a multipart answer.
    assert_eq!(site.get_with(BLOB, &[("range", "bytes=0-1,4-5")]).body, b"0123456789");
    let head = send(site.address, "HEAD", BLOB, &[("range", "bytes=4-")]);
    assert_eq!((head.status, head.header("content-length")), (206, Some("6")));
    assert_eq!(site.get_with("/none", &[("range", "bytes=0-1")]).status, 404);
}

#[test]
fn a_range_of_a_changed_file_is_the_whole_file() {
    let site = Fixture::new();
    let first = site.get(BLOB);
    let etag = first.header("etag").unwrap();
    let date = first.header("last-modified").unwrap();
    for validator in [etag, date] {
        let answer = site.get_with(BLOB, &[("range", "bytes=4-"), ("if-range", validator)]);
        assert_eq!((answer.status, answer.body.as_slice()), (206, &b"456789"[..]), "{validator}");
    }
    for validator in ["\"other\"", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let answer = site.get_with(BLOB, &[("range", "bytes=4-"), ("if-range", validator)]);
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"0123456789"[..]), "{validator}");
    }
}

#[test]
fn compressed_copies_go_to_those_who_take_them() {
    let site = Fixture::new();
    let plain = site.get(SCRIPT);
    assert_eq!((plain.body.as_slice(), plain.header("content-encoding")), (&b"plain script"[..], None));
    let small = site.get_with(SCRIPT, &[("accept-encoding", "br, gzip")]);
    assert_eq!((small.body.as_slice(), small.header("content-encoding")), (&b"compressed script"[..], Some("gzip")));
    assert_eq!(small.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(small.header("cache-control"), Some(IMMUTABLE));
    assert_ne!(small.header("etag"), plain.header("etag"));
    let refused = site.get_with(SCRIPT, &[("accept-encoding", "gzip;q=0")]);
    assert_eq!(refused.body, b"plain script");
    for answer in [plain, small, refused, site.get_with("/", &[("accept-encoding", "gzip")])] {
        assert_eq!((answer.status, answer.header("vary")), (200, Some("accept-encoding")));
    }
    let none = site.get_with("/sw.js", &[("accept-encoding", "gzip")]);
    assert_eq!((none.body.as_slice(), none.header("content-encoding")), (&b"self.x=1"[..], None));
    // Model files have their digest in the manifest: they are sent as they are.
    assert_eq!(site.get_with(BLOB, &[("accept-encoding", "gzip")]).header("content-encoding"), None);
}

#[test]
fn models_are_open_to_other_origins_and_the_app_is_not() {
    let site = Fixture::new();
    let origin = [("origin", "https://shop.example")];
    for (target, status) in [(BLOB, 200), (LATEST, 200), ("/assets/ml-models/none", 404)] {
        let answer = site.get_with(target, &origin);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some("*")), "{target}");
        assert!(answer.header("access-control-expose-headers").unwrap().contains("ETag"));
    }
    assert_eq!(send(site.address, "PUT", BLOB, &origin).header("access-control-allow-origin"), Some("*"));
    for target in ["/", SCRIPT, "/none", "/assets/ml-models/../index.html"] {
        assert_eq!(site.get_with(target, &origin).header("access-control-allow-origin"), None, "{target}");
    }
}
