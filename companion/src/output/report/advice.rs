//! Advice in sentences: what to photograph next, and which labels to check.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::Serialize;

use super::{Confusion, Duplicates, Product, Suspect};

/// A product should have at least this many photos. With 3, 5 and 10 photos of each of 81 grocery products, about 62, 69 and
/// 74 % of unseen photos were answered correctly.
const ENOUGH: usize = 10;
/// A confusion is mentioned from this many photos and this share of the product's photos on.
const OFTEN: usize = 2;
const OFTEN_SHARE: f64 = 0.1;

/// A piece of advice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// The product that it is about; null if it is about several.
    pub label: Option<String>,
    /// Number of held-out photos that fail for this reason.
    pub images: usize,
    /// What to do, and why.
    pub text: String,
}

/// All advice, the most helpful first.
pub fn of(
    products: &[Product],
    confusions: &[Confusion],
    duplicates: &[Duplicates],
    mislabelled: &[Suspect],
) -> Vec<Advice> {
    let mut advice: Vec<Advice> = Vec::new();
    let about = |product: &Product, images, text| Advice { label: Some(product.label.clone()), images, text };
    let mut paired = BTreeSet::new();
    for confusion in confusions {
        let Confusion { label, answer, images, of, place } = confusion;
        let often = *images >= OFTEN && *images as f64 >= OFTEN_SHARE * *of as f64;
        if !often || paired.contains(&(place.1, place.0)) {
            continue;
        }
        let back = confusions.iter().find(|other| other.place == (place.1, place.0) && other.images >= OFTEN);
        let product = &products[place.0];
        let text = match back {
            Some(back) => {
                paired.insert(*place);
                format!(
                    "“{label}” and “{answer}” are taken for each other, in {images} of {of} and in {} of {} photos: \
                     add photos of both from the sides in which they differ.",
                    back.images, back.of
                )
            }
            None => format!(
                "“{label}” is taken for “{answer}” in {images} of {of} photos: add photos of “{label}” from other \
                 sides, above all those in which the two differ."
            ),
        };
        advice.push(about(product, images + back.map_or(0, |b| b.images), text));
    }
    for product in products {
        let Product { label, photos, distinct_photos, recall, rejected, .. } = product;
        let failed = recall.map_or(0, |r| r.of - r.hits);
        if *photos > 2 && *distinct_photos == 1 {
            let text = format!(
                "The {photos} photos of “{label}” are all near-duplicates and teach no more than one: photograph it \
                 from other sides, at other distances, in other light."
            );
            advice.push(about(product, failed, text));
        } else if *distinct_photos < ENOUGH {
            let has = match (photos, photos - distinct_photos) {
                (1, _) => "only 1 photo".to_owned(),
                (photos, 0) => format!("only {photos} photos"),
                (photos, _) => format!("{photos} photos, of which only {distinct_photos} differ"),
            };
            let text = format!("“{label}” has {has}: add {} more.", ENOUGH - distinct_photos);
            advice.push(about(product, failed, text));
        } else if photos - distinct_photos > photos / 2 {
            let repeats = photos - distinct_photos;
            let text = format!(
                "{repeats} of the {photos} photos of “{label}” repeat others: new ones from other sides and in other \
                 light would teach more."
            );
            advice.push(about(product, failed, text));
        }
        if let Some(rejected) = rejected.filter(|r| r.hits >= OFTEN && r.share > 0.25) {
            let text = format!(
                "“{label}” is not recognised as any product in {} of {} photos: add photos of it as it is usually \
                 held before the camera.",
                rejected.hits, rejected.of
            );
            advice.push(about(product, rejected.hits, text));
        }
    }
    advice.sort_by_key(|a| Reverse(a.images));
    advice.splice(0..0, labels(duplicates, mislabelled));
    advice
}

/// Advice on labels that may be wrong. It comes first, since wrong labels spoil everything else.
fn labels(duplicates: &[Duplicates], mislabelled: &[Suspect]) -> Vec<Advice> {
    let mut advice = Vec::new();
    let mut say = |images: usize, text: String| {
        if images > 0 {
            advice.push(Advice { label: None, images, text });
        }
    };
    let count = mislabelled.len();
    let photos = if count == 1 { "1 photo seems" } else { &format!("{count} photos seem") };
    say(count, format!("{photos} to show another product than its label says: look below, and move what is wrong."));
    let contradict = duplicates.iter().filter(|group| group.contradict()).count();
    let pictures = if contradict == 1 { "1 picture is" } else { &format!("{contradict} pictures are") };
    say(contradict, format!("{pictures} labelled as different products at once: keep each with one."));
    advice
}
