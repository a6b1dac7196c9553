//! The command `jicho export`.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::model::export;
use crate::progress::emit;

/// `jicho export`
#[derive(Args)]
pub struct Export {
    /// The channel's folder, as `ml-models/T_1` or `s3://BUCKET/FOLDER/T_1`
    channel: PathBuf,
    /// Write network, features and head as one plain ONNX classifier
    #[arg(long, value_name = "FILE.onnx")]
    whole: PathBuf,
}

impl Export {
    /// Writes the file and prints its path.
    pub fn run(self) -> Result<()> {
        export::whole(&self.channel, &self.whole)?;
        emit(self.whole.display());
        Ok(())
    }
}
