//! The answer for apps that scan an object and want its attributes as plain fields.

use std::collections::BTreeMap;

use jicho::recognize::{AttributeValue, Decision};
use serde_json::{Map, Value, json};

use super::{Answer, Model};

/// The version of this form of answer.
const API_VERSION: &str = "1";
/// Names that no attribute and no fact may take over.
const OWN: [&str; 8] = ["success", "request_id", "label", "decision", "confidence", "timestamp", "api_version", "area"];

/// The answer: each attribute and each fact of the label by its name, sequences joined by commas.
pub fn answer(answer: &Answer, model: &Model, request: &str, area: Option<String>, now: i64) -> Value {
    let recognition = &answer.recognition;
    let mut fields = Map::new();
    fields.insert("success".into(), (recognition.decision != Decision::Unknown).into());
    fields.insert("request_id".into(), request.into());
    let first = recognition.predictions.first();
    let facts = first.and_then(|first| model.recognizer.manifest().facts.get(&first.label));
    let mut more: BTreeMap<&str, Value> = BTreeMap::new();
    for (name, value) in facts.into_iter().flatten() {
        more.insert(name, serde_json::to_value(value).unwrap_or_default());
    }
    for (name, attribute) in &recognition.attributes {
        more.insert(name, text(&attribute.value));
    }
    let more = more.into_iter().filter(|(name, _)| !OWN.contains(name));
    fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    fields.insert("label".into(), first.map_or(Value::Null, |first| first.label.clone().into()));
    fields.insert("decision".into(), json!(recognition.decision));
    fields.insert("confidence".into(), json!(confidence(answer)));
    if let Some(score) = recognition.score {
        fields.insert("score".into(), json!(score));
    }
    if let Some(area) = area {
        fields.insert("area".into(), area.into());
    }
    fields.insert("timestamp".into(), now.into());
    fields.insert("api_version".into(), API_VERSION.into());
    Value::Object(fields)
}

/// That of the label, or of the least certain attribute where there is no label.
fn confidence(answer: &Answer) -> Option<f32> {
    let recognition = &answer.recognition;
    let first = recognition.predictions.first().map(|first| first.confidence);
    first.or_else(|| recognition.attributes.values().filter_map(|attribute| attribute.confidence).reduce(f32::min))
}

fn text(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Text(text) => text.clone().into(),
        AttributeValue::Number(number) => json!(number),
        AttributeValue::Sequence(numbers) => {
            numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",").into()
        }
    }
}
