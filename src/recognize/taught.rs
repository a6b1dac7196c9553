//! How lessons change a release's label head.
//!
//! A taught product's prototype is the direction of the mean of its frames' points in the release's space, just as a
//! trained product's is of its photos (nearest class mean: Mensink 2013; prototypes: Snell 2017). So nothing is fitted, and
//! it does not matter in which order products are taught, or whether at once.

use std::collections::BTreeSet;

use half::f16;
use serde::Serialize;

use super::head::{Prototypes, dot, normalize};
use super::space::Space;
use crate::teach::Lesson;

/// How many frames the release's own prototype of a product counts as, when a lesson refines the product. Measured in
/// docs/teaching.md.
pub const RELEASE_FRAMES: f32 = 5.0;
/// With so many frames of its own, a product's agreement and the release's usual one weigh the same.
const USUAL_FRAMES: f32 = 5.0;

/// What a release makes of a lesson.
/// `active`: the lesson takes part in answers. `stale`: its features are of another network, so they must be computed
/// again from its pictures. `in-release`: the release was trained on the lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It takes part in answers.
    Active,
    /// Its features are of another network, so they must be computed again from its pictures.
    Stale,
    /// The release was trained on it.
    InRelease,
}

/// A product with lessons.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// Its id.
    pub label: String,
    /// Its place among the release's labels, if it is one of them.
    pub place: Option<usize>,
    /// Its direction in the space, of norm 1.
    pub prototype: Vec<f32>,
    /// The mean cosine of its frames to the prototype.
    pub agreement: f32,
    /// The number of frames in all its lessons.
    pub frames: usize,
    /// The facts of its latest lesson that has any: a JSON object as text, or empty.
    pub facts: String,
}

impl Product {
    /// Before its first frame: the direction that the release has for it, as heavy as [`RELEASE_FRAMES`] frames, or none.
    fn without_frames(label: &String, labels: &[String], head: &Prototypes) -> Self {
        let place = labels.iter().position(|other| other == label);
        let mut prototype = vec![0.0; head.dims()];
        place.into_iter().for_each(|place| add(&mut prototype, head.prototype(place), RELEASE_FRAMES));
        Product { label: label.clone(), place, prototype, agreement: 0.0, frames: 0, facts: String::new() }
    }

    /// An estimate of the agreement that it would have with more frames: its own, drawn towards the `usual` agreement of
    /// the release's products, the more the fewer frames there are. Few frames agree too well with a mean made of
    /// themselves.
    #[must_use]
    pub fn expected_agreement(&self, usual: f32) -> f32 {
        let frames = self.frames as f32;
        (frames * self.agreement + USUAL_FRAMES * usual) / (frames + USUAL_FRAMES)
    }
}

/// The lessons of a channel, as one release's label head has them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taught {
    /// By time, then id: sums are the same whatever order they came in.
    lessons: Vec<Points>,
    /// Those with lessons, by the time of their first.
    products: Vec<Product>,
    /// A direction for each lesson of what is no product.
    background: Vec<Vec<f32>>,
}

/// A lesson as points of the release's space.
#[derive(Debug, Clone, PartialEq)]
struct Points {
    id: String,
    time: u64,
    label: Option<String>,
    facts: String,
    /// One a frame, of norm 1.
    points: Vec<Vec<f32>>,
}

impl Taught {
    /// Adds a lesson whose features are the space's, and whose id is not there yet. [`Taught::settle`] must follow.
    pub(super) fn insert(&mut self, space: &Space, lesson: &Lesson) {
        let Lesson { id, time, label, facts, .. } = lesson.clone();
        let point = |features: &[f16]| space.point(&features.iter().map(|value| value.to_f32()).collect::<Vec<_>>());
        let points = lesson.frames.iter().filter_map(|frame| point(&frame.features).ok()).collect();
        let place = self.lessons.partition_point(|other| (other.time, &other.id) < (time, &id));
        self.lessons.insert(place, Points { id, time, label, facts, points });
    }

    /// Removes the lessons of these ids. [`Taught::settle`] must follow.
    pub(super) fn remove(&mut self, ids: &BTreeSet<String>) {
        self.lessons.retain(|lesson| !ids.contains(&lesson.id));
    }

    /// The products that have lessons, by the time of their first.
    #[must_use]
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// What the lessons say of a product.
    #[must_use]
    pub fn facts(&self, label: &str) -> Option<&str> {
        let of = |product: &&Product| product.label == label && !product.facts.is_empty();
        self.products.iter().find(of).map(|product| product.facts.as_str())
    }

    /// The ids of products that the release does not have, in the order of [`Taught::compare`].
    pub(super) fn added(&self) -> impl Iterator<Item = &String> {
        self.products.iter().filter(|product| product.place.is_none()).map(|product| &product.label)
    }

    /// Enters a point's cosines to the taught products, and what their own frames have: products of the release in their
    /// places, the others appended.
    pub(super) fn compare(&self, head: &Prototypes, point: &[f32], cosines: &mut Vec<f32>, own: &mut Vec<f32>) {
        let usual = usual(head);
        for product in &self.products {
            let cosine = dot(&product.prototype, point);
            match product.place {
                Some(place) => cosines[place] = cosine,
                None => {
                    cosines.push(cosine);
                    own.push(product.expected_agreement(usual));
                }
            }
        }
    }

    /// How similar a point is to what was taught to be no product, less the usual agreement of a product's own photos.
    pub(super) fn background(&self, head: &Prototypes, point: &[f32]) -> f32 {
        self.background.iter().map(|row| dot(row, point)).fold(f32::NEG_INFINITY, f32::max) - usual(head)
    }

    /// Computes the products anew from all lessons; `labels` are the release's.
    pub(super) fn settle(&mut self, head: &Prototypes, labels: &[String]) {
        let Taught { lessons, products, background } = self;
        products.clear();
        background.clear();
        for Points { label, facts, points, .. } in &*lessons {
            let Some(label) = label else {
                // Each is an object of its own.
                let mut sum = vec![0.0; head.dims()];
                points.iter().for_each(|point| add(&mut sum, point, 1.0));
                normalize(&mut sum);
                background.push(sum);
                continue;
            };
            let known = products.iter().position(|product| product.label == *label).unwrap_or_else(|| {
                products.push(Product::without_frames(label, labels, head));
                products.len() - 1
            });
            let product = &mut products[known];
            points.iter().for_each(|point| add(&mut product.prototype, point, 1.0));
            product.frames += points.len();
            if !facts.is_empty() {
                product.facts.clone_from(facts);
            }
        }
        products.iter_mut().for_each(|product| normalize(&mut product.prototype));
        for Points { label, points, .. } in &*lessons {
            if let Some(product) = products.iter_mut().find(|product| Some(&product.label) == label.as_ref()) {
                let cosines = points.iter().map(|point| dot(&product.prototype, point)).sum::<f32>();
                product.agreement += cosines / product.frames as f32;
            }
        }
    }
}

/// The mean agreement of the release's products with their own photos.
fn usual(head: &Prototypes) -> f32 {
    head.own().iter().sum::<f32>() / head.count().max(1) as f32
}

fn add(sum: &mut [f32], point: &[f32], weight: f32) {
    sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += weight * value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::teach::LessonFrame;
    use proptest::prelude::*;

    const INPUTS: usize = 12;
    const DIMS: usize = 6;

    /// Values of about −1 to 1 from a seed.
    fn numbers(seed: u64, count: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn space() -> Space {
        Space::new(INPUTS, (0..INPUTS as u16).collect(), numbers(1, DIMS * INPUTS), numbers(2, DIMS)).unwrap()
    }

    fn head(labels: usize) -> Prototypes {
        let prototypes = (0..labels).flat_map(|label| {
            let mut row = numbers(100 + label as u64, DIMS);
            normalize(&mut row);
            row
        });
        Prototypes::new(DIMS, prototypes.collect(), vec![0.8; labels]).unwrap()
    }

    /// `frames` frames about the centre that is the product's own.
    fn lesson(product: u64, frames: u64, label: Option<&str>) -> Lesson {
        let frame = |n: u64| {
            let noise = numbers(1000 * product + n + 7, INPUTS);
            let features =
                numbers(product, INPUTS).iter().zip(noise).map(|(a, b)| f16::from_f32(a + 0.2 * b)).collect();
            LessonFrame { features, jpeg: Vec::new() }
        };
        Lesson {
            id: format!("lesson-{product}-{frames}"),
            time: 5,
            label: label.map(str::to_owned),
            facts: String::new(),
            correction: false,
            features_digest: [0; 32],
            frames: (0..frames).map(frame).collect(),
        }
    }

    fn taught(head: &Prototypes, labels: &[String], lessons: &[Lesson]) -> Taught {
        let mut taught = Taught::default();
        lessons.iter().for_each(|lesson| taught.insert(&space(), lesson));
        taught.settle(head, labels);
        taught
    }

    fn cosines(head: &Prototypes, taught: &Taught, lesson: &Lesson) -> Vec<f32> {
        let features: Vec<f32> = lesson.frames[0].features.iter().map(|v| v.to_f32()).collect();
        let point = space().point(&features).unwrap();
        let mut cosines = head.cosines(&point);
        taught.compare(head, &point, &mut cosines, &mut head.own().to_vec());
        cosines
    }

    proptest! {
        #[test]
        fn the_order_of_lessons_does_not_matter(mut order in Just((0..12u64).collect::<Vec<_>>()).prop_shuffle(), gone in 0u64..12) {
            let (head, labels) = (head(3), ["a", "b", "c"].map(str::to_owned));
            let names = ["a", "new", "other", "c"];
            let lessons: Vec<Lesson> = (0..12u64)
                .map(|n| lesson(n, n % 3 + 1, (n != 4).then(|| names[n as usize % 4])))
                .collect();
            let at_once = taught(&head, &labels, &lessons);
            let one_by_one = |order: &[u64]| {
                let mut taught = Taught::default();
                for n in order {
                    let lesson = &lessons[*n as usize];
                    taught.remove(&BTreeSet::from([lesson.id.clone()]));
                    taught.insert(&space(), lesson);
                    taught.settle(&head, &labels);
                }
                taught
            };
            prop_assert_eq!(&one_by_one(&order), &at_once);
            // Twice is once, and what is forgotten was never there.
            order.push(order[0]);
            let mut fewer = one_by_one(&order);
            prop_assert_eq!(&fewer, &at_once);
            fewer.remove(&BTreeSet::from([lessons[gone as usize].id.clone()]));
            fewer.settle(&head, &labels);
            order.retain(|n| *n != gone);
            prop_assert_eq!(fewer, one_by_one(&order));
        }
    }

    /// Training, by the same means: a product is the direction of the mean of its rows' points.
    #[test]
    fn fifty_products_taught_one_by_one_are_as_good_as_trained_at_once() {
        const TRAINED: u64 = 10;
        let names: Vec<String> = (0..60).map(|n| format!("product {n}")).collect();
        let points = |product: u64| lesson(product, 12, None).frames.into_iter().map(|frame| frame.features);
        let prototypes = (0..60).flat_map(|product| {
            let mut sum = vec![0.0; DIMS];
            for row in points(product) {
                add(&mut sum, &space().point(&row.iter().map(|v| v.to_f32()).collect::<Vec<_>>()).unwrap(), 1.0);
            }
            normalize(&mut sum);
            sum
        });
        let prototypes: Vec<f32> = prototypes.collect();
        let head =
            |labels: usize| Prototypes::new(DIMS, prototypes[..labels * DIMS].to_vec(), vec![0.8; labels]).unwrap();
        let few = head(TRAINED as usize);
        let lessons: Vec<Lesson> = (TRAINED..60).map(|n| lesson(n, 12, Some(&names[n as usize]))).collect();
        let labels = &names[..TRAINED as usize];
        let taught = taught(&few, labels, &lessons);
        let right = |cosines: &dyn Fn(&Lesson) -> Vec<f32>, product: u64, seen: u64| {
            // Frames that no lesson has.
            let shown = Lesson {
                frames: vec![lesson(product, seen + 1, None).frames.remove(seen as usize)],
                ..lesson(product, 1, None)
            };
            let cosines = cosines(&shown);
            let best = (0..cosines.len()).max_by(|a, b| cosines[*a].total_cmp(&cosines[*b]));
            f64::from(u8::from(best == Some(product as usize)))
        };
        let accuracy = |cosines: &dyn Fn(&Lesson) -> Vec<f32>| {
            (0..60)
                .flat_map(|product| (20..30).map(move |seen| (product, seen)))
                .map(|(p, s)| right(cosines, p, s))
                .sum::<f64>()
                / 600.0
        };
        let trained = accuracy(&|shown| cosines(&head(60), &Taught::default(), shown));
        let one_by_one = accuracy(&|shown| cosines(&few, &taught, shown));
        assert!(trained > 0.5 && trained < 1.0, "a task that tells nothing: {trained}");
        assert!((trained - one_by_one).abs() <= 0.02, "{one_by_one} and {trained}");
    }

    #[test]
    fn a_new_product_joins_the_others_and_wins_where_it_is_shown() {
        let (head, labels) = (head(3), ["a", "b", "c"].map(str::to_owned));
        let new = lesson(9, 5, Some("new"));
        let taught = taught(&head, &labels, std::slice::from_ref(&new));
        assert_eq!(taught.added().collect::<Vec<_>>(), ["new"]);
        let cosines = cosines(&head, &taught, &lesson(9, 1, None));
        assert_eq!(cosines.len(), 4);
        assert!(cosines[3] > 0.9 && cosines[..3].iter().all(|c| *c < cosines[3]), "{cosines:?}");
    }

    #[test]
    fn a_lesson_of_a_known_product_moves_it_and_no_other() {
        let (head, labels) = (head(3), ["a", "b", "c"].map(str::to_owned));
        let shown = lesson(9, 5, Some("b"));
        let before = cosines(&head, &Taught::default(), &shown);
        let taught = taught(&head, &labels, std::slice::from_ref(&shown));
        let after = cosines(&head, &taught, &shown);
        assert_eq!(taught.added().count(), 0);
        assert!(after[1] > before[1] && after.len() == 3);
        assert_eq!((after[0], after[2]), (before[0], before[2]));
    }

    #[test]
    fn few_frames_agree_as_is_usual() {
        let product = |frames| Product {
            frames,
            agreement: 1.0,
            ..taught(&head(1), &[], &[lesson(9, 1, Some("new"))]).products[0].clone()
        };
        assert!((product(5).expected_agreement(0.5) - 0.75).abs() < 1e-6);
        assert!(product(1).expected_agreement(0.5) < product(50).expected_agreement(0.5));
    }
}
