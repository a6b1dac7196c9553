//! The command `jicho backbones`.

use crate::model::backbone::{embedded, registry};
use crate::progress::emit;

/// Prints the backbones that are known by name.
pub fn run() {
    emit(format_args!("{}\tships inside, nothing to download", embedded::NAME));
    for entry in registry::all() {
        let place = entry.url.unwrap_or("not for download; pass the file");
        emit(format_args!("{}\t{} px\t{}\t{place}", entry.name, entry.input_size, entry.licence));
    }
}
