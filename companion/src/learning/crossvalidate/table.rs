//! Prints the table for people, as Markdown.

use super::{Row, Spread, Validation};
use crate::progress::emit;

/// Prints the table.
pub fn print(validation: &Validation) {
    let Validation { backbone, images, products, seeds, .. } = validation;
    emit(format_args!("{backbone}: {images} photos of {products} products, {seeds} repetitions\n"));
    let both = !validation.other_visits.is_empty();
    emit(format_args!("| | folds |{}", if both { " other visits |" } else { "" }));
    emit(format_args!("|---|---|{}", if both { "---|" } else { "" }));
    for (i, row) in validation.folds.iter().enumerate() {
        let other = validation.other_visits.get(i).map_or(String::new(), |other| format!(" {} |", cell(other)));
        emit(format_args!("| {} | {} |{other}", row.what, cell(row)));
    }
}

fn cell(row: &Row) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (name, Spread { mean, sd }) in &row.measures {
        parts.push(match *name {
            "auroc" => format!("AUROC {mean:.3} ± {sd:.3}"),
            "top1" => format!("top-1 {:.1} ± {:.1} %", 100.0 * mean, 100.0 * sd),
            name => format!("{name} {:.1} ± {:.1} %", 100.0 * mean, 100.0 * sd),
        });
    }
    // The accuracy by kind comes last.
    parts.sort_by_key(|part| part.starts_with("kind"));
    parts.join(", ")
}
