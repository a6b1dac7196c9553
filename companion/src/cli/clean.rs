//! The command `jicho clean`.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::json;
use crate::output::publish::clean::{self, Cleaned};
use crate::progress::{Progress, emit};

/// `jicho clean`
#[derive(Args)]
pub struct Clean {
    /// The models folder, or s3://BUCKET/FOLDER
    models: PathBuf,
    /// Text file with the channels to keep, one per line
    #[arg(long, value_name = "FILE")]
    active_channels: PathBuf,
    /// Remove; without this, only tell what would be removed
    #[arg(long)]
    apply: bool,
    /// Go on even if the file names no channel
    #[arg(long)]
    force: bool,
    /// Print the result as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

impl Clean {
    /// Removes what nobody needs, or tells what would be removed.
    pub fn run(self) -> Result<()> {
        let json = self.json;
        let cleaned = clean::run(&self.options())?;
        if json {
            emit(json::line(&cleaned)?);
        } else {
            print(&cleaned);
        }
        Ok(())
    }

    fn options(self) -> clean::Options {
        clean::Options { models: self.models, active: self.active_channels, apply: self.apply, force: self.force }
    }
}

fn print(cleaned: &Cleaned) {
    let progress = Progress::Human;
    cleaned.channels.iter().for_each(|channel| emit(format_args!("channel {channel}")));
    cleaned.blobs.iter().for_each(|blob| emit(format_args!("blob {blob}")));
    for channel in &cleaned.unknown {
        progress.warn(&format!("the active channel `{channel}` has no folder; is it spelt right?"));
    }
    let Cleaned { channels, files, blobs, bytes, applied, .. } = cleaned;
    let (channels, blobs, megabytes) = (channels.len(), blobs.len(), *bytes as f64 / 1e6);
    let what = format!("{channels} channels ({files} files) and {blobs} blobs, {megabytes:.2} MB ({bytes} bytes)");
    let done = if *applied { "removed" } else { "to be removed, by --apply:" };
    progress.note(&format!("{done} {what}"));
}
