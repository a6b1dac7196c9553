//! The options that say where features of photos are cached.

use std::path::PathBuf;

use clap::Args;

use crate::cache::{self, Place};

/// Where features of photos are cached, so that they are computed once.
#[derive(Args)]
pub(super) struct Caching {
    /// Cache features of photos in this folder (default: in the user's cache folder)
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Compute all features again and cache none
    #[arg(long, conflicts_with = "cache")]
    no_cache: bool,
}

impl Caching {
    pub(super) fn place(self) -> Place {
        Place((!self.no_cache).then(|| self.cache.unwrap_or_else(cache::default_folder)))
    }
}
