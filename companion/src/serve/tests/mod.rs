//! Real requests over loopback, written byte by byte: no client tidies a path before it is sent.

mod cache;
mod files;
mod lifecycle;
mod limits;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use tempfile::TempDir;

/// One answer as it came over the wire.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let first = found.next();
        assert!(found.next().is_none(), "{name} twice");
        first
    }
}

/// Sends one request and reads to the end of the connection.
fn send(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let extra: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{extra}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an end of the head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(n, v)| (n.to_lowercase(), v.into()));
    Answer { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() }
}

/// A models folder and an app folder, served.
struct Fixture {
    root: TempDir,
    address: SocketAddr,
}

const BLOB: &str = "/assets/ml-models/blobs/0123.onnx";
const LATEST: &str = "/assets/ml-models/T_1/latest/metadata.json";
const PAGE: &str = "<!doctype html><title>Jicho</title>";

impl Fixture {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("models/blobs/0123.onnx", "0123456789"),
            ("models/blobs/4567.safetensors", "head"),
            ("models/blobs/.tmp-4567", "half a blob"),
            ("models/T_1/versions/1/metadata.json", "{\"version\":1}"),
            ("models/T_1/latest/metadata.json", "{\"version\":2}"),
            ("models/T_1/latest/.metadata.json.tmp", "{"),
            ("models/T_1/latest/index.html", "not an index"),
            ("app/index.html", PAGE),
            ("app/sw.js", "self.x=1"),
            ("app/manifest.webmanifest", "{}"),
            ("app/data.json", "{}"),
            ("app/assets/index-DiwrgTda.js", "plain script"),
            ("app/assets/index-DiwrgTda.js.gz", "compressed script"),
            ("app/assets/index-Bq3kW_-9.css", "a{}"),
            ("app/assets/jicho_bg-C0ffee12.wasm", "\0asm"),
            ("app/assets/icon-maskable.png", "png"),
            ("app/assets/ml-models/hidden.onnx", "the app's own, never served"),
            ("app/.env", "secret"),
            ("app/sub/page.html", "<p>"),
            ("secret.txt", "outside both"),
        ] {
            write(&root.path().join(path), text);
        }
        let address = serve(&root.path().join("models"), Some(&root.path().join("app")));
        Self { root, address }
    }

    fn get(&self, target: &str) -> Answer {
        send(self.address, "GET", target, &[])
    }

    fn get_with(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        send(self.address, "GET", target, headers)
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Serves until the test program ends.
fn serve(models: &Path, app: Option<&Path>) -> SocketAddr {
    let site = super::router(models, app);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), site).await.unwrap();
        });
    });
    address
}
