//! The command `jicho keygen`.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::output::publish::key;
use crate::progress::emit;

/// `jicho keygen`
#[derive(Args)]
pub struct Keygen {
    /// The file of the private key, which must not exist yet
    file: PathBuf,
    /// Print the public half of an existing key file instead
    #[arg(long)]
    public: bool,
}

impl Keygen {
    /// Prints the public half of a new key, or of the one in the file.
    pub fn run(self) -> Result<()> {
        let key = if self.public { key::read(&self.file)?.public() } else { key::generate(&self.file)? };
        emit(key.to_hex());
        Ok(())
    }
}
