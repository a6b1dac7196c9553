//! Starts the service, and what goes on behind its requests.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use super::access::links::{self, Purpose};
use super::access::{Caller, Role};
use super::config::{LogFormat, Settings};
use super::{App, http, jobs, upkeep};
use crate::error::{Error, Result, at};
use crate::serve::{self, Limits, ServeError, Tls};

/// How long the link of the first start holds, in minutes: a week.
const FIRST_LINK_MINUTES: u64 = 7 * 24 * 60;

/// What a started service tells.
pub struct Started {
    /// Where it listens.
    pub url: String,
    /// The link that makes whoever opens it an admin; only until somebody was one.
    pub first_link: Option<String>,
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// Where the data folder or the address cannot be used.
pub fn run(settings: Settings, on_ready: impl FnOnce(&Started)) -> Result<()> {
    log(&settings);
    let server = &settings.server;
    let address = SocketAddr::new(server.host, server.port);
    let limits = Limits { connections: usize::try_from(server.connections).unwrap_or(usize::MAX), ..Limits::default() };
    let has_app = !server.app.as_os_str().is_empty();
    let app_folder = has_app.then_some(server.app.as_path());
    if let Some(path) = app_folder.filter(|path| !path.join("index.html").is_file()) {
        return Err(ServeError::AppMissing { path: path.to_owned() }.into());
    }
    let site = serve::router(&server.models, app_folder);
    let tls = match server.has_tls() {
        true => Some(
            Tls::read(&server.tls_certificate, &server.tls_key)
                .map_err(|error| Error::Serve(format!("the certificate cannot be used: {error}")))?,
        ),
        false => None,
    };
    let _lock = lock(&server.data)?;

    let scheme = if tls.is_some() { "https" } else { "http" };
    let opened = RefCell::new(None);
    let build = |runtime: &Runtime, address: SocketAddr| -> Result<Router> {
        let app = runtime.block_on(App::open(settings.clone()))?;
        app.storage.clear_incoming()?;
        app.listens_on(address);
        let link = runtime.block_on(first_link(&app))?;
        runtime.block_on(jobs::start(&app)).map_err(|problem| Error::Store(problem.detail))?;
        runtime.spawn(jobs::automatic::forever(app.clone()));
        runtime.spawn(upkeep::forever(app.clone()));
        let router = http::router(&app, site);
        *opened.borrow_mut() = Some((app, link));
        Ok(router)
    };
    let tell = |address: SocketAddr| {
        let first_link = opened.borrow().as_ref().and_then(|(_, link)| link.clone());
        on_ready(&Started { url: format!("{scheme}://{address}/"), first_link });
    };
    serve::run_site(address, limits, tls, build, tell, serve::stop_signal)
}

impl From<ServeError> for Error {
    fn from(error: ServeError) -> Error {
        Error::Serve(error.to_string()).caused_by(error)
    }
}

/// Two processes would not know of each other's limits, events and running jobs.
fn lock(data: &Path) -> Result<File> {
    std::fs::create_dir_all(data).map_err(at(data))?;
    let path = data.join("lock");
    let file = File::create(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Serve(format!(
            "another `jicho serve` uses the data folder {}. Stop it, or give this one another folder with --data",
            data.display()
        ))),
        Err(std::fs::TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

/// The log goes to stderr. A second service of the same process, as tests start, logs as the first does.
fn log(settings: &Settings) {
    let filter = EnvFilter::try_new(&settings.log.level).unwrap_or_default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let _ = match settings.log.format {
        LogFormat::Human => log.with_target(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

/// The link that lets the first admin in: made where there is no key and nobody has signed in, kept in the data folder so
/// that a second start tells the same one.
async fn first_link(app: &App) -> Result<Option<String>> {
    let failed = |error: sqlx::Error| Error::Store(format!("the database cannot be read: {error}"));
    let sql = "SELECT (SELECT count(*) FROM keys) + (SELECT count(*) FROM sessions WHERE role = 'admin')";
    let admins: i64 = sqlx::query_scalar(sql).fetch_one(app.database.read()).await.map_err(failed)?;
    let path = app.storage.first_link();
    if admins > 0 {
        return Ok(None);
    }
    if let Ok(secret) = std::fs::read_to_string(&path) {
        let sql = "SELECT count(*) FROM links WHERE hash = ? AND used_at IS NULL AND expires_at > ?";
        let hash = super::ids::hash(&secret);
        let holds: i64 =
            sqlx::query_scalar(sql).bind(hash).bind(app.now()).fetch_one(app.database.read()).await.map_err(failed)?;
        if holds > 0 {
            return Ok(Some(format!("{}/shop/#link={secret}", app.public_url())));
        }
    }
    let service = Caller::service();
    let link = links::make(app, &service, Purpose::SignIn, Role::Admin, None, FIRST_LINK_MINUTES).await;
    let link = link.map_err(|problem| Error::Store(problem.detail))?;
    app.storage.put(&path, link.secret.as_bytes()).map_err(at(&path))?;
    Ok(Some(link.url))
}
