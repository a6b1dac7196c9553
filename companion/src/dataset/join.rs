//! Two datasets in one.

use super::labels::check_cases;
use super::{Dataset, Example, natural};
use crate::error::Result;

impl Dataset {
    /// Adds photos of the same products, or of others, such as were taught on a device.
    ///
    /// # Errors
    /// Products of the two whose names differ by case alone.
    pub fn join(&mut self, other: Dataset) -> Result<()> {
        let mut labels: Vec<String> = self.labels.iter().chain(&other.labels).cloned().collect();
        labels.sort();
        labels.dedup();
        check_cases(&labels)?;
        let place = |example: &mut Example, old: &[String]| {
            example.label = example.label.and_then(|label| labels.binary_search(&old[label]).ok());
        };
        self.examples.iter_mut().for_each(|example| place(example, &self.labels));
        self.examples.extend(other.examples.into_iter().map(|mut example| {
            place(&mut example, &other.labels);
            example
        }));
        self.examples.sort_by(|a, b| a.label.cmp(&b.label).then_with(|| natural(&a.name, &b.name)));
        self.labels = labels;
        self.problems.extend(other.problems);
        for (label, facts) in other.facts {
            self.facts.entry(label).or_default().extend(facts);
        }
        self.notes.extend(other.notes);
        self.warnings.extend(other.warnings);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(labels: &[&str], of: &[usize]) -> Dataset {
        let example = |(i, label): (usize, &usize)| Example {
            name: format!("{}-{i}", labels[*label]),
            label: Some(*label),
            ..Example::default()
        };
        Dataset {
            labels: labels.iter().map(|l| (*l).to_owned()).collect(),
            examples: of.iter().enumerate().map(example).collect(),
            ..Dataset::default()
        }
    }

    #[test]
    fn each_photo_keeps_its_product() {
        let mut joined = dataset(&["b", "d"], &[0, 1, 1]);
        joined.join(dataset(&["a", "d", "e"], &[0, 1, 2])).unwrap();
        assert_eq!(joined.labels, ["a", "b", "d", "e"]);
        let names = joined.examples.iter().map(|e| (joined.labels[e.label.unwrap()].as_str(), e.name.as_str()));
        assert_eq!(
            names.collect::<Vec<_>>(),
            [("a", "a-0"), ("b", "b-0"), ("d", "d-1"), ("d", "d-1"), ("d", "d-2"), ("e", "e-2")]
        );
    }
}
