//! Accepts connections, and bounds what one of them and all together may hold.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tower::{Service, ServiceExt};

use super::tls::Tls;

/// What clients may take. Whoever takes longer is cut off, so that those who are slow on purpose lock nobody out.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
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
pub(super) async fn serve(
    listener: TcpListener,
    site: Router,
    limits: Limits,
    tls: Option<Tls>,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    // Tells every connection to finish what it is answering.
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            listener.accept().await.map(|(stream, peer)| (stream, peer, place))
        };
        let (stream, peer, place) = tokio::select! {
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
        // Handlers learn the peer's address as axum's own server tells it.
        let site = site.clone().map_request(move |mut request: Request<_>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        });
        let (mut stopped, tls) = (stopped.clone(), tls.as_ref().map(Tls::acceptor));
        tokio::spawn(async move {
            let stream = Box::pin(stream);
            match tls {
                None => answer(stream, site, limits, &mut stopped).await,
                Some(tls) => {
                    // Whoever does not finish the handshake in time is cut off.
                    if let Ok(Ok(stream)) = tokio::time::timeout(limits.request, tls.accept(stream)).await {
                        answer(stream, site, limits, &mut stopped).await;
                    }
                }
            }
            drop(place);
        });
    }
    let _ = stopping.send(true);
    // Every connection holds a place until it has ended.
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let _ = places.acquire_many(all).await;
}

/// Answers one connection until it ends, or until `stopped` and what is being answered has been.
async fn answer<I, S>(stream: I, site: S, limits: Limits, stopped: &mut watch::Receiver<bool>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(site))
        .with_upgrades();
    let mut connection = pin!(connection);
    // What goes wrong on one connection is its client's to know.
    tokio::select! {
        _ = &mut connection => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
