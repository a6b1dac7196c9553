//! What the commands of the service share: where their settings come from, and `jicho config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::error::{Error, Result, at};
use crate::progress::emit;
use crate::service::App;
use crate::service::config::Sources;

/// Where settings come from.
#[derive(Args)]
pub struct Configuration {
    /// The configuration file; `jicho.toml` in this folder where it is left out and there is one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Configuration {
    /// The file and the environment.
    pub fn sources(&self) -> Sources {
        Sources::of_process(self.config.clone())
    }
}

/// `jicho config`
#[derive(Args)]
pub struct Config {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print every setting of the service with its value and where it comes from
    Show(Configuration),
}

impl Config {
    /// Prints a line per setting.
    pub fn run(self) -> Result<()> {
        let ConfigCommand::Show(configuration) = self.command;
        for setting in configuration.sources().read()?.effective {
            emit(format_args!("{} = {}\t# {}", setting.key, setting.value, setting.source));
        }
        Ok(())
    }
}

/// Does something with an existing data folder of the service.
///
/// # Errors
/// Where there is none, and what goes wrong with its database.
pub fn with_data<T>(
    configuration: &Configuration,
    data: Option<PathBuf>,
    work: impl AsyncFnOnce(&App) -> Result<T, sqlx::Error>,
) -> Result<T> {
    let mut settings = configuration.sources().read()?.settings;
    if let Some(data) = data {
        settings.server.data = data;
    }
    let data = settings.server.data.clone();
    if !data.join("jicho.db").is_file() {
        let text = format!("{} is no data folder of `jicho serve`; name it with --data", data.display());
        return Err(Error::NotFound(text));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(at(&data))?;
    runtime.block_on(async {
        let app = App::open(settings).await?;
        let done = work(&app).await;
        app.database.close().await;
        done.map_err(|error| Error::Store(format!("the database in {} cannot be used: {error}", data.display())))
    })
}
