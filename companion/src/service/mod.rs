//! The service: the back office of a shop behind HTTP. Photos come in, trainings run, models go out; corrections and sales
//! come back.
//!
//! | Folder | What stands in it |
//! |---|---|
//! | `config/` | settings, from `jicho.toml`, the environment and flags |
//! | `database/` | SQLite: opening, migrations, reading and writing |
//! | `access/` | keys, roles, browser sessions, one-time links, rate limits |
//! | `audit/` | the chained log of every change, and its verification |
//! | `channels.rs`, `products/`, `catalogue.rs` | what a shop recognises and sells |
//! | `photos/` | uploads, their checks, files and thumbnails |
//! | `sales.rs`, `lessons.rs`, `feedback.rs`, `series.rs` | what devices send back |
//! | `jobs/` | the queue of trainings and other long work, and their events |
//! | `models/` | the history of models, and what is in force |
//! | `health.rs`, `metrics.rs` | how the service is |
//! | `http/` | what every request goes through: ids, limits, headers, problem documents, OpenAPI |
//! | `backup.rs`, `upkeep.rs` | copies, and what is done daily |
//!
//! A handler reads its request with the extractors of [`http::extract`], asks the [`access::Caller`] for the permission, works
//! in one database transaction, appends to the audit log in the same transaction, and answers with JSON or a
//! [`http::problem::Problem`].

pub mod access;
pub mod audit;
pub mod backup;
mod catalogue;
pub mod channels;
pub mod config;
pub mod database;
pub mod events;
mod feedback;
mod health;
pub mod http;
pub mod ids;
pub mod jobs;
mod lessons;
pub mod metrics;
pub mod models;
pub mod photos;
pub mod predict;
pub mod products;
pub mod run;
mod sales;
mod series;
pub mod storage;
pub mod upkeep;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use config::Settings;
use database::Database;
use events::Events;
use metrics::Metrics;
use storage::Storage;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Milliseconds since 1970-01-01 UTC.
pub type Millis = i64;

/// What every handler works with. Cloning it is cheap.
#[derive(Clone)]
pub struct App(Arc<State>);

/// The parts of the running service.
pub struct State {
    /// The settings in force.
    pub settings: Settings,
    /// The database.
    pub database: Database,
    /// The files of the data folder.
    pub storage: Storage,
    /// Who waits for changes hears of them here.
    pub events: Events,
    /// What is counted.
    pub metrics: Metrics,
    /// How often callers may ask.
    pub limits: access::limits::Limits,
    /// Hashes network addresses for the audit log.
    pub addresses: audit::Addresses,
    /// The models that answer here, and their answers.
    pub predictor: predict::Predictor,
    /// Turns of decoding uploaded photos.
    pub decoders: Semaphore,
    /// The jobs of this process.
    pub jobs: jobs::Jobs,
    address: OnceLock<SocketAddr>,
    clock: Clock,
}

/// Tells the time. Tests set their own.
type Clock = Box<dyn Fn() -> Millis + Send + Sync>;

impl Deref for App {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl State {
    /// The time.
    pub fn now(&self) -> Millis {
        (self.clock)()
    }

    /// The URL by which others reach the service, without a slash at its end.
    pub fn public_url(&self) -> String {
        let given = self.settings.server.public_url.trim_end_matches('/');
        match given.is_empty() {
            false => given.to_owned(),
            true => self.address.get().map_or_else(String::new, |address| {
                let scheme = if self.settings.server.has_tls() { "https" } else { "http" };
                format!("{scheme}://{address}")
            }),
        }
    }

    /// Notes where the service listens, for links.
    pub fn listens_on(&self, address: SocketAddr) {
        // It listens once.
        let _ = self.address.set(address);
    }
}

impl App {
    /// Opens the data folder, creating it where it is missing.
    ///
    /// # Errors
    /// `STORE` or `IO` where folder or database cannot be used.
    pub async fn open(settings: Settings) -> Result<App> {
        App::open_with(settings, Box::new(|| jiff::Timestamp::now().as_millisecond())).await
    }

    async fn open_with(settings: Settings, clock: Clock) -> Result<App> {
        let storage = Storage::open(&settings.server.data)?;
        let failed = |error: sqlx::Error| {
            Error::Store(format!("the database in {} cannot be used: {error}", storage.root().display()))
        };
        let database = Database::open(&storage.database()).await.map_err(failed)?;
        let addresses = audit::Addresses::open(&database).await.map_err(failed)?;
        let limits = access::limits::Limits::new(&settings.access);
        let decoders = Semaphore::new(usize::try_from(settings.photos.decoders).unwrap_or(1));
        let predictor = predict::Predictor::new(&settings);
        let (events, metrics) = (Events::default(), Metrics::default());
        Ok(App(Arc::new(State {
            settings,
            database,
            storage,
            events,
            metrics,
            limits,
            addresses,
            predictor,
            decoders,
            jobs: jobs::Jobs::default(),
            address: OnceLock::new(),
            clock,
        })))
    }
}

#[cfg(test)]
mod tests;
