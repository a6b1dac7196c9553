//! Accepts connections, and bounds what one of them and all together may hold.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

/// What clients may take. Whoever takes longer is cut off, so that those who are slow on purpose lock nobody out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at a time; others wait to be accepted.
    pub connections: usize,
    /// How long a client may take to ask, counted from the connection or from the end of the answer before.
    pub request: Duration,
    /// How long a client may leave an answer where it is without taking a byte.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { connections: 512, request: Duration::from_secs(20), stall: Duration::from_secs(30) }
    }
}

/// How long to wait when the system has no more sockets to give.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Answers all connections until `stop` ends, then lets those that are being answered finish.
pub(super) async fn serve(listener: TcpListener, site: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|(stream, _)| (stream, place))
        };
        let (stream, place) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accepted => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    tokio::time::sleep(EXHAUSTED).await;
                    continue;
                }
            }
        };
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.stall));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.request)
            .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(site.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // What goes wrong on one connection is its client's to know.
            let _ = connection.await;
            drop(place);
        });
    }
    graceful.shutdown().await;
}
