//! Real networks for unit tests. They are not part of the repository: the variable `BACKBONES` names their folder.

use std::path::PathBuf;

/// The folder of real backbones; when `BACKBONES` is not set, prints what is skipped for that.
pub fn backbones(skipped: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("BACKBONES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {skipped}: BACKBONES names no folder of real networks");
    }
    folder
}
