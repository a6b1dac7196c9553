//! `jicho serve`: the models folder and the web app over HTTP, as any static host would serve them.
//!
//! A development and in-house server: it reads files and nothing else. See [`site`] for what it answers.

mod connections;
mod path;
mod site;
mod tls;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
pub use connections::Limits;
pub use tls::Tls;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// How long open downloads may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(3);

/// What to serve, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The folder that `publish` writes. It may appear later: until then its files are 404.
    pub models: PathBuf,
    /// The built web app, a folder with an `index.html`. Without it only models are served.
    pub app: Option<PathBuf>,
    /// Address to listen on; the command's default is 127.0.0.1, this machine alone.
    pub host: IpAddr,
    /// Port to listen on; 0 takes any free one.
    pub port: u16,
}

/// Why the server did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The folder given for the app holds no app.
    #[error(
        "no web app in {}: there is no index.html. Build the app first and name its output folder with \
         --app, or leave --app out to serve models only",
        .path.display()
    )]
    AppMissing { path: PathBuf },
    /// Another program listens there.
    #[error(
        "port {} of {} is in use. Stop the program that listens there, or choose another port with --port (0 \
         takes a free one)",
        .address.port(), .address.ip()
    )]
    PortInUse { address: SocketAddr },
    /// The address is not this machine's, or the port needs more rights.
    #[error("cannot listen on {address}: {source}. Choose another --host or a --port above 1023")]
    Bind { address: SocketAddr, source: io::Error },
    /// The system refused threads, signals or sockets.
    #[error("the server stopped: {0}")]
    Io(#[from] io::Error),
}

/// The whole site as a service: models under `/assets/ml-models/`, the app at `/`.
pub fn router(models: &Path, app: Option<&Path>) -> Router {
    site::router(models, app)
}

/// Serves until Ctrl-C or SIGTERM. `on_ready` hears the address once connections are accepted.
pub fn run(options: &Options, on_ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    run_until(options, on_ready, stop_signal)
}

/// [`run`] with the signal to stop as an argument: each call of `stop` gives a future that ends at that signal.
fn run_until<S, F>(options: &Options, on_ready: impl FnOnce(SocketAddr), stop: S) -> Result<(), ServeError>
where
    S: Fn() -> F,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    if let Some(path) = &options.app
        && !path.join("index.html").is_file()
    {
        return Err(ServeError::AppMissing { path: path.clone() });
    }
    let address = SocketAddr::new(options.host, options.port);
    let site = |_: &Runtime, _| Ok(router(&options.models, options.app.as_deref()));
    run_site(address, Limits::default(), None, site, on_ready, stop)
}

/// Serves the site that `build` makes once the address is known, until `stop` ends. `on_ready` hears the address once
/// connections are accepted.
///
/// # Errors
/// Where the address cannot be listened on, and those of `build`.
pub fn run_site<E: From<ServeError>, S, F>(
    address: SocketAddr,
    limits: Limits,
    tls: Option<Tls>,
    build: impl FnOnce(&Runtime, SocketAddr) -> Result<Router, E>,
    on_ready: impl FnOnce(SocketAddr),
    stop: S,
) -> Result<(), E>
where
    S: Fn() -> F,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let broken = |error: io::Error| E::from(ServeError::Io(error));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(broken)?;
    let listener = runtime.block_on(TcpListener::bind(address)).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortInUse { address },
        _ => ServeError::Bind { address, source },
    })?;
    let bound = listener.local_addr().map_err(broken)?;
    let site = build(&runtime, bound)?;

    // Signals can be listened for only within a runtime.
    let _within = runtime.enter();
    let ended = stop();
    let draining = async move {
        // A signal that cannot be heard must not end the server; it is reported below.
        if ended.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let mut server = runtime.spawn(connections::serve(listener, site, limits, tls.clone(), draining));
    if let Some(tls) = tls {
        runtime.spawn(tls.follow());
    }
    on_ready(bound);

    let result = runtime.block_on(async {
        tokio::select! {
            biased;
            result = &mut server => result.map_err(io::Error::other),
            signal = stop() => signal,
        }
    });
    let deadline = Instant::now() + GRACE;
    while result.is_ok() && !server.is_finished() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    // Whatever is still open is cut here; every client sees a short body, not a hang.
    runtime.shutdown_timeout(Duration::from_millis(200));
    result.map_err(broken)
}

/// Ends at Ctrl-C, and at SIGTERM where there is one. Listens from the call on, not from the first poll: a server that
/// said it is ready can be stopped in order.
pub fn stop_signal() -> impl Future<Output = io::Result<()>> + Send + 'static {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        async move {
            let (mut interrupt, mut terminate) = (signals.0?, signals.1?);
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            Ok(())
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c()
}

#[cfg(test)]
mod tests;
