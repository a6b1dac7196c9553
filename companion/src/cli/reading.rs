//! How commands that read photos let a data set be described.

use clap::Args;

use crate::dataset::{self, Format, LabelFolder};

/// The flags.
#[derive(Args)]
pub struct Reading {
    /// What kind of data set it is
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    format: Format,
    /// Folders only: which folder above a photo names its product
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    labels: LabelFolder,
    /// Files only: the field with the product id (default: COCO's category, `product`, `label`, `class`, `category`, or
    /// the first string field)
    #[arg(long, value_name = "FIELD")]
    label: Option<String>,
    /// Files only: learn this field as an attribute, although annotation tools write it for themselves
    #[arg(long, value_name = "FIELD")]
    attribute: Vec<String>,
    /// Read files that the data set names outside its own folder; only for data sets of your own
    #[arg(long)]
    allow_outside: bool,
}

impl Reading {
    /// As the data set wants it.
    pub fn options(self) -> dataset::Reading {
        let Reading { format, labels, label, attribute, allow_outside } = self;
        dataset::Reading { format, label, labels, attributes: attribute, allow_outside, in_order: false }
    }

    /// The flags that are not at their defaults, as they would be typed.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        match self.labels {
            LabelFolder::Auto => {}
            LabelFolder::First => words.push("--labels first".into()),
            LabelFolder::Deepest => words.push("--labels deepest".into()),
        }
        words.extend(self.label.iter().map(|field| format!("--label {field}")));
        words.extend(self.attribute.iter().map(|field| format!("--attribute {field}")));
        words.extend(self.allow_outside.then(|| "--allow-outside".into()));
        words
    }
}
