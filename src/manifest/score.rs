//! The score rule: how a release turns attributes and facts into one number of 0–100.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A weighted mean of terms, each brought to 0–1, times 100. Terms whose source is absent are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRule {
    /// At least one.
    pub terms: Vec<ScoreTerm>,
}

/// One term of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreTerm {
    /// `confidence`, `attributes.NAME` or `facts.NAME` (of the first prediction's label).
    pub source: String,
    /// Above 0.
    pub weight: f64,
    /// For numbers: which value counts 0 and which 1. A falling range makes small values count high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// For strings: what each counts, 0–1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<String, f64>>,
}

impl ScoreRule {
    /// Why the rule makes no sense, if it does not.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.terms.is_empty() {
            return Some("a score rule needs at least one term".into());
        }
        self.terms.iter().find_map(|term| {
            let ScoreTerm { source, weight, range, values } = term;
            let known = source == "confidence"
                || ["attributes.", "facts."].iter().any(|p| source.strip_prefix(p).is_some_and(|n| !n.is_empty()));
            if !known {
                return Some(format!("score source `{source}` is none of confidence, attributes.NAME, facts.NAME"));
            }
            if !(weight.is_finite() && *weight > 0.0) {
                return Some(format!("the weight of `{source}` must be above 0, is {weight}"));
            }
            if range.is_some_and(|[a, b]| !a.is_finite() || !b.is_finite() || a == b) {
                return Some(format!("the range of `{source}` needs two different finite ends"));
            }
            if values.iter().flatten().any(|(_, v)| !(0.0..=1.0).contains(v)) {
                return Some(format!("the values of `{source}` must be within 0 and 1"));
            }
            if range.is_none() && values.is_none() && source != "confidence" {
                return Some(format!("`{source}` needs a range (for numbers) or values (for strings)"));
            }
            None
        })
    }
}
