//! Why one row, annotation or box of a file is left out.

/// A reason, and the same in a word or two, by which everything that was left out is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In a word or two: one of a fixed few, without names of fields or files.
    pub cause: &'static str,
    /// In a sentence that goes on after the name of what is left out.
    pub reason: String,
}

impl Refusal {
    /// A reason of that cause.
    pub fn new(cause: &'static str, reason: impl Into<String>) -> Self {
        Refusal { cause, reason: reason.into() }
    }

    /// Gives that cause to reasons: `map_err(Refusal::of("unusable box"))`.
    pub fn of<R: Into<String>>(cause: &'static str) -> impl Fn(R) -> Self {
        move |reason| Refusal::new(cause, reason)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}
