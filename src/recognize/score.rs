//! Computes a release's score rule.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Attribute, AttributeValue};
use crate::manifest::{ScoreRule, ScoreTerm};

enum Source<'a> {
    Number(f64),
    Text(&'a str),
}

/// The score, 0–100, or none where no term has a source.
#[must_use]
pub(super) fn score(
    rule: &ScoreRule,
    confidence: Option<f32>,
    attributes: &BTreeMap<String, Attribute>,
    facts: Option<&BTreeMap<String, Value>>,
) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for term in &rule.terms {
        let source = if let Some(name) = term.source.strip_prefix("attributes.") {
            attributes.get(name).and_then(|a| match &a.value {
                AttributeValue::Number(v) => Some(Source::Number(*v)),
                AttributeValue::Text(t) => Some(Source::Text(t)),
                AttributeValue::Sequence(_) => None,
            })
        } else if let Some(name) = term.source.strip_prefix("facts.") {
            facts.and_then(|f| f.get(name)).and_then(|v| match v {
                Value::Number(n) => n.as_f64().map(Source::Number),
                Value::String(t) => Some(Source::Text(t)),
                _ => None,
            })
        } else {
            confidence.map(|c| Source::Number(f64::from(c)))
        };
        if let Some(share) = source.and_then(|s| share(term, &s)) {
            sum += term.weight * share;
            weights += term.weight;
        }
    }
    (weights > 0.0).then(|| 100.0 * sum / weights)
}

fn share(term: &ScoreTerm, source: &Source<'_>) -> Option<f64> {
    match source {
        Source::Number(value) => {
            let [low, high] = term.range.or((term.source == "confidence").then_some([0.0, 1.0]))?;
            Some(((value - low) / (high - low)).clamp(0.0, 1.0))
        }
        Source::Text(text) => term.values.as_ref()?.get(*text).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(source: &str, weight: f64, range: Option<[f64; 2]>, values: &[(&str, f64)]) -> ScoreTerm {
        let values = (!values.is_empty()).then(|| values.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect());
        ScoreTerm { source: source.into(), weight, range, values }
    }

    #[test]
    fn terms_are_weighed_clamped_and_left_out_when_absent() {
        let rule = ScoreRule {
            terms: vec![
                term("attributes.risk", 3.0, Some([10.0, 0.0]), &[]),
                term("attributes.brand", 1.0, None, &[("good", 1.0), ("bad", 0.0)]),
                term("facts.price", 5.0, Some([0.0, 1.0]), &[]),
            ],
        };
        let mut attributes = BTreeMap::new();
        let text = |t: &str| Attribute { value: AttributeValue::Text(t.into()), confidence: None, error: None };
        let number = |v| Attribute { value: AttributeValue::Number(v), confidence: None, error: None };
        attributes.insert("risk".to_owned(), number(5.0));
        attributes.insert("brand".to_owned(), text("bad"));
        assert_eq!(score(&rule, None, &attributes, None), Some(37.5));
        attributes.insert("risk".to_owned(), number(-4.0));
        assert_eq!(score(&rule, None, &attributes, None), Some(75.0));
        assert_eq!(score(&rule, None, &BTreeMap::new(), None), None);
    }
}
