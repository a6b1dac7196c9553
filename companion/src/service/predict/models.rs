//! The models that are loaded: the release in force of each channel that was asked for, the least recently used ones
//! dropped when they take too much memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jicho::Recognizer;
use moka::sync::Cache;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::output::publish;
use crate::service::http::problem::{Problem, Result};

/// A loaded release.
pub struct Model {
    /// It answers.
    pub recognizer: Arc<Recognizer>,
    /// Which `latest/metadata.json` was looked at when it was loaded, or kept in spite of.
    stamp: Stamp,
    /// What it takes, as far as its files tell.
    bytes: u64,
}

/// Tells one `latest/metadata.json` from another: it is replaced as a whole.
type Stamp = (SystemTime, u64);

/// Loads and keeps models.
pub struct Models {
    folder: PathBuf,
    loaded: Cache<String, Arc<Model>>,
    /// One release is loaded at a time; requests for models that are there do not wait.
    loading: Mutex<()>,
}

impl Models {
    /// Keeps models of up to so many bytes together.
    pub fn new(folder: PathBuf, bytes: u64) -> Models {
        let weigh = |_: &String, model: &Arc<Model>| u32::try_from(model.bytes).unwrap_or(u32::MAX);
        let loaded = Cache::builder().max_capacity(bytes).weigher(weigh).build();
        Models { folder, loaded, loading: Mutex::default() }
    }

    /// The model in force of a channel. A release that came into force is loaded, and checked by its golden vector, before
    /// it answers; where that fails, the one before goes on answering.
    ///
    /// # Errors
    /// 404 where the channel has no model; 503 where it has one that cannot be loaded and none before.
    pub async fn of(&self, channel: &str) -> Result<Arc<Model>> {
        let latest = self.folder.join(channel).join("latest").join("metadata.json");
        let stamp = stamp(&latest)
            .await
            .map_err(|_| Problem::not_found(format_args!("model of the channel `{channel}` yet")))?;
        let is_current = |model: &Arc<Model>| model.stamp == stamp;
        if let Some(model) = self.loaded.get(channel).filter(is_current) {
            return Ok(model);
        }
        let before = self.loaded.get(channel);
        let _turn = match (&before, self.loading.try_lock()) {
            (_, Ok(turn)) => turn,
            // Somebody loads: whoever has a model asks the one that is there.
            (Some(model), Err(_)) => return Ok(Arc::clone(model)),
            (None, Err(_)) => self.loading.lock().await,
        };
        if let Some(model) = self.loaded.get(channel).filter(is_current) {
            return Ok(model);
        }
        let folder = self.folder.join(channel);
        let loaded = tokio::task::spawn_blocking(move || load(&folder, stamp)).await?;
        let model = match (loaded, before) {
            (Ok(model), _) => model,
            (Err(error), Some(before)) => {
                tracing::error!(cause = %error, channel, "the new release cannot be loaded; the one before goes on");
                // It is not tried anew with every request, but when it is published anew.
                Model { recognizer: Arc::clone(&before.recognizer), stamp, bytes: before.bytes }
            }
            (Err(error), None) => {
                tracing::error!(cause = %error, channel, "the release cannot be loaded");
                return Err(Problem::unavailable("The channel's model cannot be loaded. The service's log tells why."));
            }
        };
        let model = Arc::new(model);
        self.loaded.insert(channel.to_owned(), Arc::clone(&model));
        Ok(model)
    }
}

async fn stamp(latest: &Path) -> std::io::Result<Stamp> {
    let metadata = tokio::fs::metadata(latest).await?;
    Ok((metadata.modified()?, metadata.len()))
}

fn load(folder: &Path, stamp: Stamp) -> Result<Model, Error> {
    let (recognizer, _) = publish::open(folder)?;
    recognizer.check_golden()?;
    let bytes = recognizer.manifest().total_bytes();
    Ok(Model { recognizer: Arc::new(recognizer), stamp, bytes })
}
