//! The commands `jicho history` and `jicho compare`: the models of a service, read from its data folder.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{Error, Result};
use crate::json;
use crate::progress::emit;
use crate::service::database::Database;
use crate::service::http::problem::Problem;
use crate::service::models::{self, Compared, Model};
use crate::service::storage::Storage;

/// `jicho history`
#[derive(Args)]
pub struct History {
    /// The channel's id
    channel: String,
    /// The service's data folder
    #[arg(long, value_name = "DIR", default_value = "jicho-data")]
    data: PathBuf,
    /// Print one JSON object per model on stdout
    #[arg(long)]
    pub json: bool,
}

/// `jicho compare`
#[derive(Args)]
pub struct Compare {
    /// A version
    a: String,
    /// Another version of the same channel
    b: String,
    /// The service's data folder
    #[arg(long, value_name = "DIR", default_value = "jicho-data")]
    data: PathBuf,
    /// The channel; needed only where several channels have a version of this name
    #[arg(long)]
    channel: Option<String>,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

impl History {
    /// Prints every model of the channel, newest first.
    pub fn run(self) -> Result<()> {
        let models = with_database(&self.data, async |database: &Database| {
            let mut reader = database.read().acquire().await?;
            models::history(&mut reader, &self.channel).await
        })?;
        if models.is_empty() {
            let data = self.data.display();
            return Err(Error::NotFound(format!(
                "the service of {data} has trained no model of a channel `{}`",
                self.channel
            )));
        }
        for model in &models {
            if self.json {
                emit(json::line(model)?);
            } else {
                emit(line(model));
            }
        }
        Ok(())
    }
}

impl Compare {
    /// Prints two models side by side.
    pub fn run(self) -> Result<()> {
        let storage = Storage::at(&self.data)?;
        let compared = with_database(&self.data, async |database: &Database| {
            let mut reader = database.read().acquire().await?;
            let channel = match &self.channel {
                Some(channel) => channel.clone(),
                None => models::channel_of(&mut reader, &self.a).await?,
            };
            models::compare(&mut reader, &storage, &channel, &self.a, &self.b).await
        })?;
        if self.json {
            emit(json::line(&compared)?);
        } else {
            print(&compared);
        }
        Ok(())
    }
}

/// Reads from the database of a data folder, which a running service may use meanwhile.
fn with_database<T>(data: &Path, read: impl AsyncFnOnce(&Database) -> Result<T, Problem>) -> Result<T> {
    let file = Storage::at(data)?.database();
    if !file.is_file() {
        let message = format!("{} is no data folder of `jicho serve`; name it by --data", data.display());
        return Err(Error::NotFound(message));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Store(error.to_string()))?;
    runtime.block_on(async {
        let database =
            Database::open(&file).await.map_err(|error| Error::Store(format!("{}: {error}", file.display())))?;
        let found = read(&database).await;
        database.close().await;
        found.map_err(|problem| match problem.status.as_u16() {
            404 | 409 => Error::NotFound(problem.detail),
            _ => Error::Store(problem.detail),
        })
    })
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "not measured".into(), |share| format!("{:.1} %", 100.0 * share))
}

fn time(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn line(model: &Model) -> String {
    let Model { version, products, images, seconds, accuracy, state, asked_by, bytes, trained_at, .. } = model;
    let megabytes = bytes.map_or_else(String::new, |bytes| format!("{:.2} MB", bytes as f64 / 1e6));
    format!(
        "{version}\t{}\t{state}\t{products} products\t{images} photos\t{}\t{seconds:.1} s\t{megabytes}\t{asked_by}",
        time(*trained_at),
        percent(*accuracy)
    )
}

fn print(compared: &Compared) {
    let Compared { a, b, products, paired, field } = compared;
    emit(format_args!("{}\t{}", line(a), "A"));
    emit(format_args!("{}\t{}", line(b), "B"));
    if let Some(verdict) =
        [b, a].iter().find_map(|model| model.metrics["verdict"].as_str()).filter(|_| paired.is_some())
    {
        emit(verdict);
    }
    for (name, field) in [("A", &field.a), ("B", &field.b)] {
        if let Some(field) = field {
            let answers = field.confirmed + field.corrected;
            emit(format_args!("{name} at tills\t{} of {answers} answers", percent(Some(field.accuracy))));
        }
    }
    for pair in products {
        let share = |recall: &Option<models::Recall>| {
            recall.as_ref().map_or_else(|| "-".to_owned(), |recall| format!("{}/{}", recall.hits, recall.of))
        };
        emit(format_args!("{}\t{}\t{}", pair.product, share(&pair.a), share(&pair.b)));
    }
}
