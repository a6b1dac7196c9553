//! A server over plain sockets that plays a script.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server does with one connection, given the request's head.
pub(super) type Action = Box<dyn FnOnce(&mut TcpStream, &str) + Send>;

/// A server that plays one action per connection and notes each request.
pub(super) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn play(actions: Vec<Action>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        let mut actions = VecDeque::from(actions);
        thread::spawn(move || {
            while let Some(action) = actions.pop_front() {
                let Ok((mut stream, _)) = listener.accept() else {
                    return;
                };
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
                log.lock().unwrap().push(head.clone());
                action(&mut stream, &head);
            }
        });
        Self { address, requests }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/model.onnx", self.address)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers with `headers` (status line included) and `body`, then closes. A client that hangs up first is no failure.
pub(super) fn reply(headers: String, body: Vec<u8>) -> Action {
    Box::new(move |stream, _| {
        let _ = stream.write_all(format!("{headers}\r\nconnection: close\r\n\r\n").as_bytes());
        let _ = stream.write_all(&body);
    })
}

pub(super) fn whole(body: &[u8]) -> Action {
    reply(format!("HTTP/1.1 200 OK\r\ncontent-length: {}", body.len()), body.to_vec())
}

/// Announces all of `body`, sends the first `sent` bytes, closes.
pub(super) fn cut(body: &[u8], sent: usize) -> Action {
    reply(format!("HTTP/1.1 200 OK\r\ncontent-length: {}", body.len()), body[..sent].to_vec())
}

/// Serves the range that was asked for, or the first `sent` bytes of it.
pub(super) fn range(body: &'static [u8], sent: usize) -> Action {
    Box::new(move |stream, head| {
        let from = head.split("range: bytes=").nth(1).expect("a range is asked for");
        let from: usize = from.split('-').next().unwrap().parse().unwrap();
        let rest = &body[from..];
        let total = body.len();
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{}/{total}",
            rest.len(),
            total - 1
        );
        reply(head, rest[..sent.min(rest.len())].to_vec())(stream, "");
    })
}
