//! Which file a path gives, of which type, and which paths give none.

use std::fs;

use super::{BLOB, Fixture, LATEST, PAGE, send, serve, write};

#[test]
fn models_and_app_are_where_they_belong() {
    let site = Fixture::new();
    for (target, body) in [
        (BLOB, "0123456789"),
        (LATEST, "{\"version\":2}"),
        ("/assets/ml-models/T_1/versions/1/metadata.json", "{\"version\":1}"),
        ("/", PAGE),
        ("/?source=pwa", PAGE),
        ("/index.html", PAGE),
        ("/sw.js", "self.x=1"),
        ("/assets/index-Bq3kW_-9.css", "a{}"),
        ("/assets/ml%2Dmodels/blobs/%30123.onnx", "0123456789"),
    ] {
        let answer = site.get(target);
        assert_eq!((answer.status, String::from_utf8(answer.body).unwrap().as_str()), (200, body), "{target}");
    }
}

#[test]
fn types_are_what_browsers_need() {
    let site = Fixture::new();
    for (target, kind) in [
        (BLOB, "application/octet-stream"),
        ("/assets/ml-models/blobs/4567.safetensors", "application/octet-stream"),
        (LATEST, "application/json"),
        ("/data.json", "application/json"),
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/assets/index-DiwrgTda.js", "text/javascript; charset=utf-8"),
        ("/assets/index-Bq3kW_-9.css", "text/css; charset=utf-8"),
        ("/assets/jicho_bg-C0ffee12.wasm", "application/wasm"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/assets/icon-maskable.png", "image/png"),
    ] {
        let answer = site.get(target);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{target}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn missing_files_are_plain_404_and_never_the_page() {
    let site = Fixture::new();
    for target in [
        "/assets/ml-models/blobs/none.onnx",
        "/assets/ml-models/T_2/latest/metadata.json",
        "/assets/ml-models/T_1/versions/9/metadata.json",
        "/assets/ml-models/hidden.onnx",
        "/assets/ml-models/blobs/0123.onnx/",
        "/assets/ml-models/blobs/0123.onnx/more",
        "/assets/none-DiwrgTda.js",
        "/none",
        "/sw.js/",
    ] {
        let answer = site.get(target);
        assert_eq!((answer.status, answer.body.as_slice()), (404, &b"Not found\n"[..]), "{target}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{target}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{target}");
    }
    let long = format!("/assets/ml-models/{}", "x".repeat(4_000));
    assert_eq!(site.get(&long).status, 404);
}

#[test]
fn folders_are_not_listed() {
    let site = Fixture::new();
    for target in [
        "/assets/ml-models",
        "/assets/ml-models/",
        "/assets/ml-models/blobs",
        "/assets/ml-models/blobs/",
        "/assets/ml-models/T_1/latest/",
        "/assets/",
        "/sub/",
    ] {
        let answer = site.get(target);
        // Without its slash, a folder of the app redirects to a 404.
        assert!(matches!(answer.status, 404 | 307), "{target}: {}", answer.status);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.is_empty() || text == "Not found\n", "{target}: {text}");
    }
    assert_eq!(site.get("/sub").header("location"), Some("/sub/"));
}

#[test]
fn nothing_hidden_half_written_or_outside_is_served() {
    let site = Fixture::new();
    for target in [
        "/.env",
        "/%2eenv",
        "/assets/ml-models/blobs/.tmp-4567",
        "/assets/ml-models/blobs/%2Etmp-4567",
        "/assets/ml-models/T_1/latest/.metadata.json.tmp",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/./index.html",
        "/assets/../index.html",
        "/assets/../../secret.txt",
        "/assets/ml-models/../secret.txt",
        "/assets/ml-models/../../secret.txt",
        "/assets/ml-models/%2e%2e/secret.txt",
        "/assets/ml-models/..%2fsecret.txt",
        "/assets/ml-models/%2e%2e%2fsecret.txt",
        "/assets/ml-models/blobs/%2e%2e/%2e%2e/%2e%2e/secret.txt",
        "/assets/ml-models/%252e%252e/secret.txt",
        "/assets/ml-models//etc/passwd",
        "/assets/ml-models/%2fetc%2fpasswd",
        "//etc/passwd",
        "/%00",
        "/index.html%00.png",
        "/%ff",
    ] {
        let answer = site.get(target);
        assert_eq!((answer.status, answer.body.as_slice()), (404, &b"Not found\n"[..]), "{target}");
    }
    // The same as a full address, as a proxy would ask.
    assert_eq!(site.get(&format!("http://{}/../secret.txt", site.address)).status, 404);
    assert_eq!(site.get(&format!("http://{}/sw.js", site.address)).status, 200);
}

#[cfg(unix)]
#[test]
fn links_are_followed() {
    use std::os::unix::fs::symlink;
    let site = Fixture::new();
    let models = site.root.path().join("models");
    symlink(models.join("T_1"), models.join("alias")).unwrap();
    assert_eq!(site.get("/assets/ml-models/alias/latest/metadata.json").body, b"{\"version\":2}");
    symlink("loop", models.join("loop")).unwrap();
    assert_ne!(site.get("/assets/ml-models/loop").status, 200);
    symlink(models.join("gone"), models.join("dangling")).unwrap();
    assert_eq!(site.get("/assets/ml-models/dangling").status, 404);
}

#[test]
fn reads_only() {
    let site = Fixture::new();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        for target in [BLOB, LATEST, "/", "/none"] {
            let answer = send(site.address, method, target, &[("content-length", "0")]);
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method} {target}");
            assert_eq!(answer.header("cache-control"), Some("no-cache"));
        }
    }
}

#[test]
fn head_tells_what_get_would_send() {
    let site = Fixture::new();
    for target in [BLOB, LATEST, "/", "/assets/index-DiwrgTda.js", "/none"] {
        let get = site.get(target);
        let head = send(site.address, "HEAD", target, &[]);
        assert_eq!(head.status, get.status, "{target}");
        assert!(head.body.is_empty(), "{target}");
        for name in ["content-type", "content-length", "cache-control", "etag", "vary", "access-control-allow-origin"] {
            assert_eq!(head.header(name), get.header(name), "{target} {name}");
        }
    }
}

#[test]
fn models_may_come_later_and_alone() {
    let root = tempfile::tempdir().unwrap();
    let models = root.path().join("models");
    let address = serve(&models, None);
    assert_eq!(send(address, "GET", LATEST, &[]).status, 404);
    assert_eq!(send(address, "GET", "/", &[]).status, 404);
    write(&models.join("T_1/latest/metadata.json"), "{}");
    assert_eq!(send(address, "GET", LATEST, &[]).body, b"{}");
    fs::remove_dir_all(&models).unwrap();
    assert_eq!(send(address, "GET", LATEST, &[]).status, 404);
}
