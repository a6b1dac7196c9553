//! The command `jicho serve`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Result};
use crate::progress::{Progress, emit};
use crate::serve;

/// `jicho serve`
#[derive(Args)]
pub struct Serve {
    /// The models folder, served at /assets/ml-models/
    #[arg(long, default_value = "ml-models", value_name = "DIR")]
    models: PathBuf,
    /// The built app, served at /
    #[arg(long, value_name = "DIR")]
    app: Option<PathBuf>,
    /// Address to listen on; 0.0.0.0 for all networks
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

impl Serve {
    /// Serves until it is stopped.
    pub fn run(self) -> Result<()> {
        let progress = Progress::Human;
        let options = self.options();
        if !options.models.is_dir() {
            progress.warn(&format!("{} does not exist yet: models are 404 until it does", options.models.display()));
        }
        if options.app.is_none() {
            progress.note("no --app: only models are served");
        }
        serve::run(&options, |address| {
            emit(format_args!("http://{address}/"));
            progress.note("models at /assets/ml-models/; Ctrl-C stops");
        })
        .map_err(|e| Error::Serve(e.to_string()).caused_by(e))
    }

    fn options(self) -> serve::Options {
        serve::Options { models: self.models, app: self.app, host: self.host, port: self.port }
    }
}
