//! `jicho key-list`.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::output::publish::signing;
use crate::progress::{Progress, emit};

/// `jicho key-list`
#[derive(Args)]
pub struct KeyList {
    /// The file of key lists, made where it is missing; publish with `--key-lists` of it
    file: PathBuf,
    /// A public key that signs from now on, 64 hex digits; several times for several keys
    #[arg(long, value_name = "PUBLIC", required = true)]
    trust: Vec<String>,
    /// How many of these keys must sign a release
    #[arg(long, default_value_t = 1, value_name = "N")]
    threshold: usize,
    /// Sign the list with a key: with those that devices trust so far, and with N of the new ones; several times
    #[arg(long, value_name = "KEYFILE", required = true)]
    sign: Vec<PathBuf>,
}

impl KeyList {
    /// Appends a list, and prints its version.
    pub fn run(self) -> Result<()> {
        let list = signing::extend_list(&self.file, &self.trust, self.threshold, &self.sign)?;
        Progress::Human.note(&format!(
            "list {}: {} of {} keys must sign; publish with --key-lists {}",
            list.version,
            list.threshold,
            list.keys.len(),
            self.file.display()
        ));
        emit(list.version);
        Ok(())
    }
}
