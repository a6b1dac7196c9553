//! The command `jicho serve`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use figment::value::Value;

use super::settings::Configuration;
use crate::error::{Error, Result};
use crate::progress::{Progress, emit};
use crate::serve;
use crate::service::config::Settings;
use crate::service::run;

/// `jicho serve`
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    configuration: Configuration,
    /// The folder of photos, database and audit log, created if missing (default: jicho-data)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The models folder, served at /assets/ml-models/ (default: ml-models)
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// The built app, served at /
    #[arg(long, value_name = "DIR")]
    app: Option<PathBuf>,
    /// Address to listen on; 0.0.0.0 for all networks (default: 127.0.0.1)
    #[arg(long)]
    host: Option<IpAddr>,
    /// Port; 0 takes a free one (default: 8080)
    #[arg(long)]
    port: Option<u16>,
    /// Serve models and app as a static host would, without the API; nothing is stored then
    #[arg(long, conflicts_with = "data")]
    files_only: bool,
}

impl Serve {
    /// Serves until it is stopped.
    pub fn run(self) -> Result<()> {
        let progress = Progress::Human;
        let settings = self.settings()?;
        let models = settings.server.models.clone();
        if !models.is_dir() {
            progress.warn(&format!("{} does not exist yet: models are 404 until it does", models.display()));
        }
        let has_app = !settings.server.app.as_os_str().is_empty();
        if !has_app {
            progress.note("no --app: only models are served");
        }
        if self.files_only {
            let options = serve::Options {
                models,
                app: has_app.then_some(settings.server.app),
                host: settings.server.host,
                port: settings.server.port,
            };
            return serve::run(&options, |address| {
                emit(format_args!("http://{address}/"));
                progress.note("models at /assets/ml-models/; Ctrl-C stops");
            })
            .map_err(|e| Error::Serve(e.to_string()).caused_by(e));
        }
        let data = settings.server.data.display().to_string();
        run::run(settings, |started| {
            emit(&started.url);
            progress.note(&format!(
                "models at /assets/ml-models/, the API at /api/v1 (its description at /docs), data in {data}; Ctrl-C stops"
            ));
            if let Some(link) = &started.first_link {
                progress.note(&format!("nobody is an admin yet. This link makes you one, once: {link}"));
            }
        })
    }

    fn settings(&self) -> Result<Settings> {
        let mut sources = self.configuration.sources();
        let path = |path: &PathBuf| Value::from(path.display().to_string());
        let flags = [
            ("server.data", self.data.as_ref().map(path)),
            ("server.models", self.models.as_ref().map(path)),
            ("server.app", self.app.as_ref().map(path)),
            ("server.host", self.host.map(|host| Value::from(host.to_string()))),
            ("server.port", self.port.map(|port| Value::from(u64::from(port)))),
        ];
        sources.flags = flags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        Ok(sources.read()?.settings)
    }
}
