//! Finds the space file that published releases of a backbone share, so that the next release uses it too.

use serde::Deserialize;

use super::{Target, catalog};
use crate::digest::sha256;
use crate::error::Result;
use crate::output::store::Store;

/// How many other channels are searched, so that a folder with thousands of them does not cost thousands of requests.
const OTHERS: usize = 16;

#[derive(Deserialize)]
struct Files {
    files: Vec<File>,
}

/// A file entry of a metadata.json, which may be of a later schema.
#[derive(Deserialize)]
struct File {
    url: String,
    sha256: String,
    role: String,
}

impl Target {
    /// The space file of the channel's release in force, else of another channel's, if its network is the one whose
    /// digest is `backbone`. A damaged file, or one of another network, counts as missing.
    ///
    /// # Errors
    /// A store that cannot be listed.
    pub fn space_of(&self, backbone: &str) -> Result<Option<Vec<u8>>> {
        let store = &*self.store;
        let others = catalog::channels(store)?.into_iter().filter(|name| *name != self.channel).take(OTHERS);
        Ok([self.channel.clone()].into_iter().chain(others).find_map(|channel| find(store, &channel, backbone)))
    }
}

fn find(store: &dyn Store, channel: &str, backbone: &str) -> Option<Vec<u8>> {
    let Files { files } = serde_json::from_slice(&store.read(&catalog::latest_path(channel)).ok()??).ok()?;
    let of = |role: &str| files.iter().find(|file| file.role == role);
    let space = of("space").filter(|_| of("backbone").is_some_and(|file| file.sha256 == backbone))?;
    store.read(&space.url).ok()?.filter(|bytes| sha256(bytes) == space.sha256)
}
