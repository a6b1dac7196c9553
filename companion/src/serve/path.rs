//! Request paths: decoded once, split, and refused where they could name anything but a plain file below the root.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but letters, digits and `-._~`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The decoded segments of a request path.
///
/// No segment starts with a dot (so neither `..`, nor hidden, nor temporary files), holds a separator or a control
/// character, or is empty, except that a last empty one stands for a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SitePath(Vec<String>);

impl SitePath {
    /// Reads the raw path of a request; `None` where nothing may be served for it.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        // Escapes are undone once; an escape that is none stays as it is.
        let decoded = percent_decode_str(raw.strip_prefix('/')?).decode_utf8().ok()?;
        let segments: Vec<String> = decoded.split('/').map(str::to_owned).collect();
        let last = segments.len() - 1;
        let fine = segments.iter().enumerate().all(|(i, segment)| {
            (!segment.is_empty() || i == last)
                && !segment.starts_with('.')
                && !segment.chars().any(|c| c == '\\' || c.is_control())
        });
        fine.then_some(Self(segments))
    }

    /// The path below `folder`, if it is there.
    pub(super) fn below(&self, folder: &[&str]) -> Option<Self> {
        let inside = self.0.len() > folder.len() && self.0.iter().zip(folder).all(|(segment, part)| segment == part);
        inside.then(|| Self(self.0[folder.len()..].to_vec()))
    }

    pub(super) fn segments(&self) -> &[String] {
        &self.0
    }

    /// The last segment; empty for a path with a trailing slash.
    pub(super) fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// The one raw form: everything but letters, digits and `-._~` is escaped.
    pub(super) fn encode(&self) -> String {
        let segments = self.0.iter().map(|segment| format!("/{}", utf8_percent_encode(segment, ESCAPED)));
        segments.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::SitePath;

    #[test]
    fn plain_paths_pass_and_come_back_in_one_form() {
        for (raw, form) in [
            ("/", "/"),
            ("/a/b.json", "/a/b.json"),
            ("/a/", "/a/"),
            ("/%61/caf%c3%a9%20x", "/a/caf%C3%A9%20x"),
            ("/100%", "/100%25"),
            ("/%252e%252e/x", "/%252e%252e/x"),
            ("/a%2Fb", "/a/b"),
        ] {
            assert_eq!(SitePath::parse(raw).unwrap().encode(), form, "{raw}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for raw in [
            "",
            "*",
            "a",
            "//",
            "//a",
            "/a//b",
            "/.",
            "/..",
            "/../a",
            "/a/../b",
            "/%2e%2e/a",
            "/%2E./a",
            "/a/..%2fb",
            "/a%2f..%2fb",
            "/.git/config",
            "/a/.tmp123",
            "/a\\b",
            "/a%5c..%5cb",
            "/a%00",
            "/a%0a",
            "/%ff",
        ] {
            assert_eq!(SitePath::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn below_needs_something_below() {
        let path = SitePath::parse("/assets/ml%2Dmodels/T_1/x").unwrap();
        assert_eq!(path.below(&["assets", "ml-models"]).unwrap().encode(), "/T_1/x");
        let path = SitePath::parse("/assets/ml-models").unwrap();
        assert_eq!(path.below(&["assets", "ml-models"]), None);
    }
}
