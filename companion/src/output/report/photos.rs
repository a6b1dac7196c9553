//! Photos to look at: those answered wrongly, those that may be labelled wrongly, and near-duplicates.

use std::collections::BTreeMap;

use serde::Serialize;

use super::resemblance::Resemblance;
use super::{Held, Input};
use crate::dataset::Example;

/// A label is doubted only if an answer that contradicts it has at least this confidence, ...
const SURE: f32 = 0.6;
/// ... at least this many of the most similar photos have the answer's label, ...
const AGREEING: usize = 3;
/// ... and at most this many have the photo's own label.
const CONTRADICTING: usize = 1;
/// One minus the cosine of the features of equal pixels is below this; it is not 0 because of rounding.
const SAME: f32 = 1e-5;

/// A photo of the report.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// The photo's name.
    pub image: String,
    /// The product that it is labelled with.
    pub label: Option<String>,
    /// Its index in the input.
    #[serde(skip)]
    pub index: usize,
}

/// A held-out photo that was answered wrongly.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wrong {
    /// The photo.
    #[serde(flatten)]
    pub seen: Seen,
    /// The product that was answered.
    pub answer: String,
    /// The answer's probability.
    pub confidence: f32,
    /// The probability of the product that it is labelled with.
    pub label_confidence: f32,
}

/// A photo whose label may be wrong: a confident answer contradicts it, and the most similar photos have the answer's label.
#[derive(Debug, Clone, Serialize)]
pub struct Suspect {
    /// The photo.
    #[serde(flatten)]
    pub seen: Seen,
    /// The product that it may show.
    pub answer: String,
    /// The answer's probability.
    pub confidence: f32,
    /// The most similar photos.
    pub neighbours: Vec<Seen>,
}

/// Photos that show the same thing in the same way.
#[derive(Debug, Clone, Serialize)]
pub struct Duplicates {
    /// The photos; at least two.
    pub photos: Vec<Seen>,
    /// Whether their files (and boxes) are equal, byte by byte.
    pub equal: bool,
}

impl Duplicates {
    /// Whether they have different labels.
    pub fn contradict(&self) -> bool {
        self.photos.iter().any(|p| p.label != self.photos[0].label)
    }
}

fn seen(input: &Input, index: usize) -> Seen {
    let example = input.photos[index].example;
    Seen { image: example.name.clone(), label: example.label.map(|l| input.labels[l].clone()), index }
}

/// Wrong answers, those with the least probability of the right product first.
pub fn worst(input: &Input, held: &[Held]) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = held
        .iter()
        .filter(|h| !h.right())
        .map(|h| Wrong {
            seen: seen(input, h.photo),
            answer: input.labels[h.first].clone(),
            confidence: h.confidence(),
            label_confidence: h.answer.probabilities[h.label],
        })
        .collect();
    let surprise = |w: &Wrong| (w.label_confidence, -w.confidence);
    wrong.sort_by(|a, b| {
        let ((a_label, a_answer), (b_label, b_answer)) = (surprise(a), surprise(b));
        a_label.total_cmp(&b_label).then(a_answer.total_cmp(&b_answer)).then(a.seen.index.cmp(&b.seen.index))
    });
    wrong
}

/// Photos that may be labelled wrongly, those with the most confident answers first.
pub fn mislabelled(input: &Input, held: &[Held], resemblance: &Resemblance) -> Vec<Suspect> {
    let mut suspects = Vec::new();
    for h in held.iter().filter(|h| !h.right() && h.confidence() >= SURE) {
        let Some(nearest) = resemblance.nearest.get(h.photo) else { continue };
        let of = |label: usize| nearest.iter().filter(|n| input.photos[**n].example.label == Some(label)).count();
        if of(h.first) >= AGREEING && of(h.label) <= CONTRADICTING {
            suspects.push(Suspect {
                seen: seen(input, h.photo),
                answer: input.labels[h.first].clone(),
                confidence: h.confidence(),
                neighbours: nearest.iter().map(|n| seen(input, *n)).collect(),
            });
        }
    }
    suspects.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then(a.seen.index.cmp(&b.seen.index)));
    suspects
}

/// Groups of near-duplicates: first those with different labels, then those of equal files, then the largest.
pub fn duplicates(input: &Input, resemblance: &Resemblance) -> Vec<Duplicates> {
    let mut leader: Vec<usize> = (0..input.photos.len()).collect();
    fn find(leader: &mut [usize], mut photo: usize) -> usize {
        while leader[photo] != photo {
            leader[photo] = leader[leader[photo]];
            photo = leader[photo];
        }
        photo
    }
    for (a, b, _) in &resemblance.pairs {
        let (a, b) = (find(&mut leader, *a), find(&mut leader, *b));
        leader[a.max(b)] = a.min(b);
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for photo in 0..leader.len() {
        groups.entry(find(&mut leader, photo)).or_default().push(photo);
    }
    // Only photos with equal features can have equal bytes.
    let same: Vec<(usize, usize)> =
        resemblance.pairs.iter().filter(|(.., distance)| *distance <= SAME).map(|(a, b, _)| (*a, *b)).collect();
    let equal = |group: &[usize]| {
        let candidates = group.windows(2).all(|two| same.binary_search(&(two[0], two[1])).is_ok());
        candidates
            && group.windows(2).all(|two| same_content(input.photos[two[0]].example, input.photos[two[1]].example))
    };
    let mut found: Vec<Duplicates> = groups
        .into_values()
        .filter(|group| group.len() > 1)
        .map(|group| Duplicates { equal: equal(&group), photos: group.iter().map(|p| seen(input, *p)).collect() })
        .collect();
    found.sort_by_key(|group| {
        (!group.contradict(), !group.equal, std::cmp::Reverse(group.photos.len()), group.photos[0].index)
    });
    found
}

fn same_content(a: &Example, b: &Example) -> bool {
    let length = |example: &Example| std::fs::metadata(&example.path).map(|m| m.len()).ok();
    let same_bytes = || length(a).is_some() && length(a) == length(b) && a.bytes().ok() == b.bytes().ok();
    a.region == b.region && (a.path == b.path || same_bytes())
}
