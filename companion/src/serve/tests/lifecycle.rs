//! Starting, refusing to start, and stopping.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::super::{Options, ServeError, run, run_until};
use super::{BLOB, Fixture, send};

/// Runs the server; the closure stops it and gives its result.
fn start(options: Options) -> (SocketAddr, impl FnOnce() -> Result<(), ServeError>) {
    let (ready, address) = mpsc::channel();
    // The signal to stop is a datagram: any number of futures can wait for it, each on its own socket.
    let sockets: Vec<UdpSocket> = (0..2).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let targets: Vec<SocketAddr> = sockets.iter().map(|s| s.local_addr().unwrap()).collect();
    let sockets = std::sync::Mutex::new(sockets);
    let server: JoinHandle<_> = thread::spawn(move || {
        run_until(
            &options,
            |address| ready.send(address).unwrap(),
            || {
                let socket = sockets.lock().unwrap().pop().unwrap();
                async move {
                    socket.set_nonblocking(true)?;
                    let socket = tokio::net::UdpSocket::from_std(socket)?;
                    socket.recv(&mut [0]).await.map(|_| ())
                }
            },
        )
    });
    let stop = move || {
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for target in targets {
            sender.send_to(&[0], target).unwrap();
        }
        server.join().unwrap()
    };
    (address.recv().unwrap(), stop)
}

fn options(site: &Fixture) -> Options {
    Options {
        models: site.root.path().join("models"),
        app: Some(site.root.path().join("app")),
        host: IpAddr::from([127, 0, 0, 1]),
        port: 0,
    }
}

#[test]
fn serves_until_told_to_stop() {
    let site = Fixture::new();
    let (address, stop) = start(options(&site));
    assert!(address.ip().is_loopback());
    assert_ne!(address.port(), 0);
    assert_eq!(send(address, "GET", BLOB, &[]).body, b"0123456789");
    assert_eq!(send(address, "GET", "/", &[]).status, 200);
    stop().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn stops_despite_clients_that_stay() {
    let site = Fixture::new();
    let (address, stop) = start(options(&site));
    // One that has never asked, one that asked and keeps its connection, one in the middle of asking.
    let silent = TcpStream::connect(address).unwrap();
    let mut kept = TcpStream::connect(address).unwrap();
    kept.write_all(b"GET /sw.js HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = vec![0; 15];
    kept.read_exact(&mut answer).unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK");
    let mut asking = TcpStream::connect(address).unwrap();
    asking.write_all(b"GET /sw.js HTT").unwrap();
    let begin = Instant::now();
    stop().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(6), "{:?}", begin.elapsed());
    drop((silent, asking));
}

#[test]
fn missing_app_says_what_to_do() {
    let site = Fixture::new();
    for folder in ["nowhere", "models", "secret.txt"] {
        let app = site.root.path().join(folder);
        let wrong = Options { app: Some(app.clone()), ..options(&site) };
        let error = run(&wrong, |_| panic!("must not start")).unwrap_err();
        assert!(matches!(&error, ServeError::AppMissing { path } if *path == app), "{error}");
        assert!(error.to_string().contains(folder) && error.to_string().contains("--app"), "{error}");
    }
}

#[test]
fn missing_models_are_no_obstacle() {
    let site = Fixture::new();
    let (address, stop) = start(Options { models: site.root.path().join("not yet"), ..options(&site) });
    assert_eq!(send(address, "GET", BLOB, &[]).status, 404);
    assert_eq!(send(address, "GET", "/", &[]).status, 200);
    stop().unwrap();
}

#[test]
fn port_in_use_is_named() {
    let site = Fixture::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let error = run(&Options { port, ..options(&site) }, |_| panic!("must not start")).unwrap_err();
    assert!(matches!(error, ServeError::PortInUse { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains(&format!("port {port} ")) && message.contains("--port"), "{message}");
}

#[test]
fn foreign_address_is_named() {
    let site = Fixture::new();
    // An address for documentation, on no machine.
    let host = "192.0.2.1".parse().unwrap();
    let error = run(&Options { host, ..options(&site) }, |_| panic!("must not start")).unwrap_err();
    assert!(matches!(error, ServeError::Bind { .. }), "{error}");
    assert!(error.to_string().contains("192.0.2.1"), "{error}");
}
