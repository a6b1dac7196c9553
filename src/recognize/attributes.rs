//! Attributes beside the label: one of several strings, a sequence of integers, or a number.

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use super::{DiscriminantHead, NumericHead, softmax};
use crate::error::Result;
use crate::manifest::AttributeHead;

/// A recognised attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Attribute {
    /// Text, a number, or a sequence of integers.
    pub value: AttributeValue,
    /// Probability of the value, 0–1 (of a sequence: that every position is right, taken as independent); null for
    /// numbers.
    pub confidence: Option<f32>,
    /// For numbers: mean absolute error on held-out photos, in the attribute's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub error: Option<f64>,
}

/// A value of an attribute: text of a categorical one, a number, or a sequence of integers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(untagged)]
pub enum AttributeValue {
    /// Of a categorical attribute.
    Text(String),
    /// Of a numeric attribute.
    Number(f64),
    /// Of a sequence attribute.
    Sequence(Vec<i64>),
}

/// The head of one attribute.
pub(super) enum AttributeReader {
    Label,
    Categorical(DiscriminantHead),
    Sequence(Vec<DiscriminantHead>),
    Numeric(NumericHead),
}

impl AttributeReader {
    pub(super) fn read(tensors: &SafeTensors<'_>, name: &str, head: &AttributeHead, dims: usize) -> Result<Self> {
        let tensor = format!("attribute/{name}");
        Ok(match head {
            AttributeHead::Label => AttributeReader::Label,
            AttributeHead::Categorical { classes, .. } => {
                AttributeReader::Categorical(DiscriminantHead::read(tensors, &tensor, dims, classes.len())?)
            }
            AttributeHead::Sequence { positions, .. } => AttributeReader::Sequence(
                positions
                    .iter()
                    .enumerate()
                    .map(|(i, p)| DiscriminantHead::read(tensors, &format!("{tensor}/{i}"), dims, p.classes.len()))
                    .collect::<Result<_>>()?,
            ),
            AttributeHead::Numeric { .. } => AttributeReader::Numeric(NumericHead::read(tensors, &tensor, dims)?),
        })
    }

    /// None for [`AttributeReader::Label`], which is answered by the label head.
    pub(super) fn answer(&self, head: &AttributeHead, point: &[f32]) -> Option<Attribute> {
        Some(match (self, head) {
            (AttributeReader::Categorical(reader), AttributeHead::Categorical { classes, scale, .. }) => {
                let (best, confidence) = first(&softmax(&reader.cosines(point), *scale));
                Attribute {
                    value: AttributeValue::Text(classes[best].clone()),
                    confidence: Some(confidence),
                    error: None,
                }
            }
            (AttributeReader::Sequence(readers), AttributeHead::Sequence { positions, .. }) => {
                let mut confidence = 1.0;
                let value = readers
                    .iter()
                    .zip(positions)
                    .map(|(reader, position)| {
                        let (best, p) = first(&softmax(&reader.cosines(point), position.scale));
                        confidence *= p;
                        position.classes[best]
                    })
                    .collect();
                Attribute { value: AttributeValue::Sequence(value), confidence: Some(confidence), error: None }
            }
            (AttributeReader::Numeric(reader), AttributeHead::Numeric { range: [low, high], mae, .. }) => {
                let value = f64::from(reader.predict(point)).clamp(*low, *high);
                Attribute { value: AttributeValue::Number(value), confidence: None, error: *mae }
            }
            _ => return None,
        })
    }
}

/// Index and value of the largest probability; the first of equals.
fn first(probabilities: &[f32]) -> (usize, f32) {
    probabilities.iter().copied().enumerate().fold(
        (0, f32::NEG_INFINITY),
        |best, (i, p)| {
            if p > best.1 { (i, p) } else { best }
        },
    )
}
