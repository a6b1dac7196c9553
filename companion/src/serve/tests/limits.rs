//! Clients that take their time, and links that lead elsewhere.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::super::connections::{Limits, serve};
use super::super::router;
use super::{BLOB, Fixture, send};

/// Far longer than anything here lasts: a test that fails ends all the same.
const PATIENCE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);
/// More than sockets hold on their way.
const LARGE: usize = 64 << 20;

/// Serves the fixture's folders within `limits` for as long as the runtime lives.
fn start(site: &Fixture, limits: Limits) -> (tokio::runtime::Runtime, SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let app = site.root.path().join("app");
    let site = router(&site.root.path().join("models"), Some(&app));
    runtime.spawn(serve(listener, site, limits, None, std::future::pending()));
    (runtime, address)
}

fn connect(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// Reads until the server ends the connection, in order or not.
fn end(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("the connection stays open: {error}"),
        _ => bytes,
    }
}

#[test]
fn who_does_not_ask_is_cut_off() {
    let site = Fixture::new();
    let (_runtime, address) = start(&site, Limits { request: SHORT, ..Limits::default() });
    let silent = connect(address, "");
    let asking = connect(address, "GET / HTTP/1.1\r\nhost: x\r\nx-a: ");
    let idle = connect(address, "GET /sw.js HTTP/1.1\r\nhost: x\r\n\r\n");
    end(silent);
    end(asking);
    assert!(end(idle).starts_with(b"HTTP/1.1 200 OK"), "one that asked in time has its answer");
}

#[test]
fn no_more_connections_are_held_than_may_be() {
    let site = Fixture::new();
    let (_runtime, address) = start(&site, Limits { connections: 2, request: PATIENCE, ..Limits::default() });
    let [first, second] = [connect(address, "GET "), connect(address, "GET ")];
    let mut waiting = connect(address, &format!("GET {BLOB} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
    waiting.set_read_timeout(Some(SHORT)).unwrap();
    let nothing = waiting.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(nothing, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{nothing:?}");
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    drop(first);
    assert!(end(waiting).ends_with(b"0123456789"));
    drop(second);
}

#[test]
fn who_does_not_take_the_answer_is_cut_off() {
    let site = Fixture::new();
    std::fs::write(site.root.path().join("models/blobs/large.onnx"), vec![7; LARGE]).unwrap();
    let (_runtime, address) = start(&site, Limits { connections: 1, stall: SHORT, ..Limits::default() });
    let stalled = connect(address, "GET /assets/ml-models/blobs/large.onnx HTTP/1.1\r\nhost: x\r\n\r\n");
    // The only place is free again once the other was cut off.
    let answer = send(address, "GET", BLOB, &[]);
    assert_eq!(answer.body, b"0123456789");
    assert!(end(stalled).len() < LARGE);
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_outside_their_folder() {
    use std::os::unix::fs::symlink;

    let site = Fixture::new();
    let root = site.root.path();
    std::fs::create_dir(root.join("private")).unwrap();
    std::fs::write(root.join("private/index.html"), "private").unwrap();
    symlink(root.join("private/index.html"), root.join("models/blobs/link.onnx")).unwrap();
    symlink(root.join("private"), root.join("app/folder")).unwrap();
    symlink(root.join("private/index.html"), root.join("app/sw.js.gz")).unwrap();
    symlink(root.join("models/blobs/0123.onnx"), root.join("models/blobs/inside.onnx")).unwrap();
    let status = |path: &str| send(site.address, "GET", path, &[("accept-encoding", "gzip")]).status;
    assert_eq!(status("/assets/ml-models/blobs/inside.onnx"), 200);
    for outside in ["/assets/ml-models/blobs/link.onnx", "/folder/index.html", "/folder/", "/folder", "/sw.js"] {
        assert_eq!(status(outside), 404, "{outside}");
    }
}
