//! `serve`: a release over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use jicho::manifest::FileRole;

use crate::shop::{Shop, latest};

/// A server that ends with the test.
pub struct Server {
    child: Child,
    authority: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.head.lines().filter_map(|l| l.split_once(": "));
        headers.find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap_or_else(|| panic!("no {name} in {}", self.head)).1
    }
}

impl Server {
    /// Starts on a free port and waits for the URL that it prints.
    pub fn start(shop: &Shop, more: &[&str]) -> Self {
        let mut command = shop.command();
        command.args(["serve", "--files-only", "--models", "models", "--port", "0"]).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let authority = line.trim().strip_prefix("http://").and_then(|l| l.strip_suffix('/'));
        let authority = authority.unwrap_or_else(|| panic!("`{line}` is no URL")).to_owned();
        Server { child, authority }
    }

    pub fn get(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        let mut stream = TcpStream::connect(&self.authority).unwrap();
        let extra: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let host = &self.authority;
        write!(stream, "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{extra}\r\n").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }
}

#[test]
fn a_release_is_served_as_a_static_host_would() {
    let shop = Shop::trained(2, 3);
    let server = Server::start(&shop, &[]);
    let metadata = format!("/assets/{}", latest("T_1").replace("models", "ml-models"));
    let answer = server.get(&metadata, &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, shop.read(&latest("T_1")));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-cache");
    let tag = answer.header("etag").to_owned();
    let again = server.get(&metadata, &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));

    let manifest = shop.manifest("T_1");
    for file in &manifest.files {
        let url = format!("/assets/ml-models/{}", file.url);
        let bytes = shop.read(&format!("models/{}", file.url));
        let answer = server.get(&url, &[]);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, bytes);
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("content-length"), file.bytes.to_string());
        assert!(answer.header("cache-control").contains("immutable"), "{}", answer.head);
        let tag = answer.header("etag");
        assert_eq!(server.get(&url, &[("if-none-match", tag)]).status, 304);
        let part = server.get(&url, &[("range", "bytes=100-199")]);
        assert_eq!((part.status, &part.body[..]), (206, &bytes[100..200]));
        assert_eq!(part.header("content-range"), format!("bytes 100-199/{}", file.bytes));
    }
    for missing in ["/assets/ml-models/T_2/latest/metadata.json", "/assets/ml-models/blobs/0.onnx", "/", "/x"] {
        assert_eq!(server.get(missing, &[]).status, 404, "{missing}");
    }

    // A release that is published while the server runs is seen at once.
    shop.run("train photos --channel T_1 --out models").ok();
    let answer = server.get(&metadata, &[("if-none-match", &tag)]);
    assert_eq!((answer.status, answer.body), (200, shop.read(&latest("T_1"))));
    let head = &shop.manifest("T_1").file(FileRole::Head).unwrap().url.clone();
    assert_eq!(server.get(&format!("/assets/ml-models/{head}"), &[]).status, 200);
}

#[test]
fn the_app_is_served_beside_the_models() {
    let shop = Shop::trained(2, 2);
    shop.write("app/index.html", "<!doctype html><title>app</title>");
    shop.write("app/sw.js", "self.x = 1");
    let server = Server::start(&shop, &["--app", "app"]);
    let page = server.get("/", &[]);
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(server.get("/sw.js", &[]).header("content-type"), "text/javascript; charset=utf-8");
    // The app's page is never the answer for a missing model.
    assert_eq!(server.get("/assets/ml-models/T_9/latest/metadata.json", &[]).status, 404);
    assert_eq!(server.get("/assets/ml-models/T_1/latest/metadata.json", &[]).status, 200);
}

#[test]
fn unusable_options_are_reported() {
    let shop = Shop::new();
    shop.run("serve --models models --app nowhere --port 0").fails("SERVE").says(&["index.html", "nowhere"]);
    let server = Server::start(&shop, &[]);
    let port = server.authority.rsplit(':').next().unwrap();
    shop.run(&format!("serve --models models --port {port}")).fails("SERVE").says(&[port, "in use"]);
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_in_order() {
    let mut server = Server::start(&Shop::new(), &[]);
    let killed = std::process::Command::new("kill").arg(server.child.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
