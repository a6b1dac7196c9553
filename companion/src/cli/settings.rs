//! What the commands of the service share: where their settings come from, and `jicho config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::error::{Error, Result, at};
use crate::progress::emit;
use crate::service::App;
use crate::service::config::{Settings, Sources};

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

    /// The settings, with folders that flags name.
    ///
    /// # Errors
    /// Mistakes of the configuration.
    pub fn settings(&self, data: Option<PathBuf>, models: Option<PathBuf>) -> Result<Settings> {
        let mut settings = self.sources().read()?.settings;
        settings.server.data = data.unwrap_or(settings.server.data);
        settings.server.models = models.unwrap_or(settings.server.models);
        Ok(settings)
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

/// Does something with the existing data folder of these settings.
///
/// # Errors
/// Where there is none, and those of the work.
pub fn in_data<T>(settings: Settings, work: impl AsyncFnOnce(&App) -> Result<T>) -> Result<T> {
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
        done
    })
}
