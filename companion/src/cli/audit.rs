//! The command `jicho audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::settings::{Configuration, in_data};
use crate::error::{Error, Result};
use crate::progress::emit;
use crate::service::App;
use crate::service::audit::verify::{Verdict, verify};

/// `jicho audit`
#[derive(Args)]
pub struct Audit {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Check that no record of the audit log was changed or removed, from the oldest that is left
    Verify(Verify),
}

#[derive(Args)]
struct Verify {
    #[command(flatten)]
    configuration: Configuration,
    /// The service's data folder (default: jicho-data)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Audit {
    /// Verifies, and fails where the chain is broken.
    pub fn run(self) -> Result<()> {
        let AuditCommand::Verify(Verify { configuration, data }) = self.command;
        let verdict = in_data(configuration.settings(data, None)?, async |app: &App| {
            let failed = |error: sqlx::Error| Error::Store(format!("the audit log cannot be read: {error}"));
            let mut reader = app.database.read().acquire().await.map_err(failed)?;
            verify(&mut reader, &app.storage).await.map_err(failed)
        })?;
        match verdict {
            Verdict::Whole { records, from } => {
                emit(format_args!("the audit log is whole: {records} records from number {from}"));
                Ok(())
            }
            Verdict::Broken { seq, why } => {
                Err(Error::Store(format!("the audit log is broken at record {seq}: {why}")))
            }
        }
    }
}
