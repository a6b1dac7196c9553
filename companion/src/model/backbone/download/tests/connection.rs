//! Connections that break, stall, wander or say no.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::super::{DownloadError, Limits, fetch_from};
use super::server::{Action, Server, cut, range, reply, whole};
use super::{assert_empty, get, limits, real, sha256};

#[test]
fn cut_connection_resumes_where_it_broke() {
    let sent = real().len() / 3;
    let server = Server::play(vec![cut(real(), sent), range(real(), usize::MAX)]);
    let cache = tempfile::tempdir().unwrap();
    let path = get(&server.url(), cache.path()).unwrap();
    assert!(fs::read(path).unwrap() == real());
    let requests = server.requests();
    assert!(!requests[0].contains("range:"));
    assert!(requests[1].contains(&format!("range: bytes={sent}-\r\n")), "{}", requests[1]);
}

#[test]
fn cut_before_the_first_byte_starts_over() {
    let server = Server::play(vec![cut(real(), 0), whole(real())]);
    let cache = tempfile::tempdir().unwrap();
    get(&server.url(), cache.path()).unwrap();
    assert!(!server.requests()[1].contains("range:"));
}

#[test]
fn unannounced_end_is_resumed_as_well() {
    let half = real().len() / 2;
    let server =
        Server::play(vec![reply("HTTP/1.1 200 OK".into(), real()[..half].to_vec()), range(real(), usize::MAX)]);
    let cache = tempfile::tempdir().unwrap();
    assert!(fs::read(get(&server.url(), cache.path()).unwrap()).unwrap() == real());
}

#[test]
fn second_cut_is_truncated() {
    let server = Server::play(vec![cut(real(), 1_000), range(real(), 500)]);
    let cache = tempfile::tempdir().unwrap();
    match get(&server.url(), cache.path()).unwrap_err() {
        DownloadError::Truncated { got, want, .. } => {
            assert_eq!((got, want), (1_500, Some(real().len() as u64)));
        }
        other => panic!("{other}"),
    }
    assert_empty(cache.path());
}

#[test]
fn server_without_ranges_cannot_resume() {
    let wrong_part = reply(
        format!("HTTP/1.1 206 Partial Content\r\ncontent-length: 5\r\ncontent-range: bytes 0-4/{}", real().len()),
        real()[..5].to_vec(),
    );
    for second in [whole(real()), wrong_part, reply("HTTP/1.1 416 No\r\ncontent-length: 0".into(), vec![])] {
        let server = Server::play(vec![cut(real(), 1_000), second]);
        let cache = tempfile::tempdir().unwrap();
        let error = get(&server.url(), cache.path()).unwrap_err();
        assert!(matches!(error, DownloadError::Truncated { got: 1_000, .. }), "{error}");
        assert_empty(cache.path());
    }
}

#[test]
fn silence_is_stalled_before_and_within_the_body() {
    let silent: Action = Box::new(|_, _| thread::sleep(Duration::from_secs(3)));
    let halts: Action = Box::new(|stream, _| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", real().len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&real()[..700]).unwrap();
        thread::sleep(Duration::from_secs(3));
    });
    for (action, expected) in [(silent, 0), (halts, 700)] {
        let server = Server::play(vec![action]);
        let cache = tempfile::tempdir().unwrap();
        let begin = Instant::now();
        let error = get(&server.url(), cache.path()).unwrap_err();
        assert!(begin.elapsed() < Duration::from_millis(2_500), "{:?}", begin.elapsed());
        assert!(matches!(error, DownloadError::Stalled { got, .. } if got == expected), "{error}");
        assert_empty(cache.path());
    }
}

#[test]
fn slow_but_steady_is_no_stall() {
    let drips: Action = Box::new(|stream, _| {
        let body = b"0123456789";
        stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes()).unwrap();
        for byte in body {
            thread::sleep(Duration::from_millis(100));
            stream.write_all(&[*byte]).unwrap();
        }
    });
    let server = Server::play(vec![drips]);
    let cache = tempfile::tempdir().unwrap();
    // A second in all, three times the limit on any one silence.
    let path =
        fetch_from(&server.url(), &sha256(b"0123456789"), Some(10), cache.path(), &limits(), &mut |_, _| {}).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"0123456789");
}

#[test]
fn other_statuses_are_named() {
    for status in [404, 500, 204, 206] {
        let server = Server::play(vec![reply(format!("HTTP/1.1 {status} X\r\ncontent-length: 0"), vec![])]);
        let cache = tempfile::tempdir().unwrap();
        match get(&server.url(), cache.path()).unwrap_err() {
            DownloadError::HttpStatus { status: found, .. } => assert_eq!(found, status),
            other => panic!("{other}"),
        }
        assert_empty(cache.path());
    }
}

#[test]
fn too_large_stops_early() {
    let mut longer = real().to_vec();
    longer.push(0);
    // Announced, whereupon not one byte is waited for; and found out on the way.
    for action in [cut(&longer, 0), reply("HTTP/1.1 200 OK".into(), longer.clone())] {
        let server = Server::play(vec![action]);
        let cache = tempfile::tempdir().unwrap();
        match get(&server.url(), cache.path()).unwrap_err() {
            DownloadError::TooLarge { limit, .. } => assert_eq!(limit, real().len() as u64),
            other => panic!("{other}"),
        }
        assert_empty(cache.path());
    }
    let server = Server::play(vec![reply("HTTP/1.1 200 OK".into(), vec![7; 5_000])]);
    let cache = tempfile::tempdir().unwrap();
    let limits = Limits { largest: 4_999, ..limits() };
    let error =
        fetch_from(&server.url(), &sha256(&[7; 5_000]), None, cache.path(), &limits, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, DownloadError::TooLarge { limit: 4_999, .. }), "{error}");
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let to = |path: &str| reply(format!("HTTP/1.1 302 Found\r\nlocation: {path}\r\ncontent-length: 0"), vec![]);
    let mut actions: Vec<Action> = (0..5).map(|i| to(&format!("/{i}"))).collect();
    actions.push(whole(real()));
    let server = Server::play(actions);
    let cache = tempfile::tempdir().unwrap();
    get(&server.url(), cache.path()).unwrap();
    assert_eq!(server.requests().len(), 6);

    let server = Server::play((0..10).map(|i| to(&format!("/{i}"))).collect());
    let cache = tempfile::tempdir().unwrap();
    let error = get(&server.url(), cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::Connect { .. }), "{error}");
    assert!(error.to_string().contains("redirect"), "{error}");
    assert!(server.requests().len() <= 6);
}

#[test]
fn nobody_listening_is_a_connection_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/model.onnx", listener.local_addr().unwrap());
    drop(listener);
    let cache = tempfile::tempdir().unwrap();
    let error = get(&url, cache.path()).unwrap_err();
    assert!(matches!(error, DownloadError::Connect { .. }), "{error}");
    assert!(error.to_string().contains(&url) && error.to_string().contains("--backbone"), "{error}");
    assert_empty(cache.path());
}
