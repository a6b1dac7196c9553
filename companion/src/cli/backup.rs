//! The commands `jicho backup` and `jicho restore`.

use std::path::PathBuf;

use clap::Args;

use super::settings::{Configuration, in_data};
use crate::error::Result;
use crate::progress::emit;
use crate::service::{App, backup};

/// `jicho backup`
#[derive(Args)]
pub struct Backup {
    /// The zip file to write; one that is there is replaced when the new copy is whole
    file: PathBuf,
    #[command(flatten)]
    configuration: Configuration,
    /// The service's data folder (default: jicho-data)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The models folder (default: ml-models)
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
}

impl Backup {
    /// Writes a copy while the service runs.
    pub fn run(self) -> Result<()> {
        let Backup { file, configuration, data, models } = self;
        let settings = configuration.settings(data, models)?;
        let contents = in_data(settings, async |app: &App| backup::backup(app, &file).await)?;
        emit(format_args!("{}: {} files", file.display(), contents.files.len()));
        Ok(())
    }
}

/// `jicho restore`
#[derive(Args)]
pub struct Restore {
    /// A file that `jicho backup` wrote
    file: PathBuf,
    #[command(flatten)]
    configuration: Configuration,
    /// The data folder to make; it must not hold anything (default: jicho-data)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The models folder to make; it must not hold anything (default: ml-models)
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
}

impl Restore {
    /// Unpacks and verifies a copy.
    pub fn run(self) -> Result<()> {
        let settings = self.configuration.settings(self.data, self.models)?;
        let (data, models) = (settings.server.data.clone(), settings.server.models.clone());
        let contents = backup::restore(&self.file, &data, &models)?;
        in_data(settings, async |app: &App| backup::check(app).await)?;
        emit(format_args!("{}: {} files, verified", data.display(), contents.files.len()));
        Ok(())
    }
}
