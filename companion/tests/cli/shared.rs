//! Real networks and photos, where they lie beside the workspace.

use std::path::{Path, PathBuf};

/// A file of `../shared`; where it is missing, says what is skipped for that.
pub fn file(name: &str, skipped: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    if !path.exists() {
        eprintln!("skipped: {skipped}: there is no shared/{name} beside the workspace");
        return None;
    }
    Some(path.canonicalize().unwrap())
}
