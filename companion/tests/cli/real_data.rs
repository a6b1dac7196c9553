//! Real networks and photos. They are not part of the repository: variables name the folders they are in.

use std::path::PathBuf;

/// A file of the folder that `variable` (`BACKBONES`, `GROCERY`) names; when it is not set, prints what is skipped for that.
pub fn file(variable: &str, name: &str, skipped: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os(variable) else {
        eprintln!("skipped: {skipped}: {variable} names no folder");
        return None;
    };
    // Commands run in a folder of their own.
    Some(PathBuf::from(folder).join(name).canonicalize().unwrap_or_else(|e| panic!("{variable}: {name}: {e}")))
}
