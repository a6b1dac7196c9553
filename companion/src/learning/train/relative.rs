//! Paths in reports: a report must not tell where files are on this machine.

use super::Options;
use crate::dataset::Problem;

/// The problems with paths relative to the folders that the user named.
pub fn without_folders(options: &Options, problems: Vec<Problem>) -> Vec<Problem> {
    let sources = std::iter::once(&options.photos).chain(&options.lessons);
    let folders = sources.filter_map(|source| if source.is_dir() { Some(source.as_path()) } else { source.parent() });
    let prefixes: Vec<String> = folders
        .map(|folder| format!("{}/", folder.display().to_string().trim_end_matches('/')))
        .filter(|prefix| prefix != "/")
        .collect();
    let relative = |text: String| prefixes.iter().fold(text, |text, prefix| without_prefix(&text, prefix));
    let relative = |problem: Problem| {
        let Problem { file, line, reason, cause } = problem;
        Problem { file: relative(file), line, reason: relative(reason), cause }
    };
    problems.into_iter().map(relative).collect()
}

/// The text without `prefix` where that begins a path: a folder of the same name may lie further down in another.
fn without_prefix(text: &str, prefix: &str) -> String {
    let (mut relative, mut done) = (String::new(), 0);
    for (at, _) in text.match_indices(prefix) {
        let before = text[..at].chars().next_back();
        if before.is_none_or(|before| before.is_whitespace() || "`'\"(,:".contains(before)) {
            relative.push_str(&text[done..at]);
            done = at + prefix.len();
        }
    }
    relative + &text[done..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_left_out_where_a_path_begins_alone() {
        for (text, relative) in [
            ("photos/kiwi/a.jpg", "kiwi/a.jpg"),
            ("kiwi/photos/a.jpg", "kiwi/photos/a.jpg"),
            ("no photos/a.jpg (photos/b.jpg), but my-photos/c.jpg", "no a.jpg (b.jpg), but my-photos/c.jpg"),
            ("photos/photos/a.jpg", "photos/a.jpg"),
            ("none", "none"),
        ] {
            assert_eq!(without_prefix(text, "photos/"), relative);
        }
    }
}
