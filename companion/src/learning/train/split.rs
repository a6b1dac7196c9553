//! Which photos are held out to measure and calibrate.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Share of a class's photos that is held out.
const SHARE: f64 = 0.2;

/// Marks the held-out photos: of every class with two photos or more one run of neighbours, since neighbours in name
/// order are often near-duplicates and a scattered split would flatter. The run's place comes from `seed`.
///
/// `class` lists each photo's class in dataset order; photos without one are never held out. All heads of a release
/// share one split, made by label, or over the whole set where there are no labels.
pub fn hold_out(class: &[Option<usize>], classes: usize, seed: u64) -> Vec<bool> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (photo, class) in class.iter().enumerate() {
        if let Some(class) = class {
            members[*class].push(photo);
        }
    }
    let mut held = vec![false; class.len()];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for photos in members {
        // Drawn for every class, so that a class that grows past one photo does not move the others' runs.
        let place: f64 = rng.random();
        if photos.len() < 2 {
            continue;
        }
        let count = ((photos.len() as f64 * SHARE).round() as usize).clamp(1, photos.len() - 1);
        let start = (place * (photos.len() - count + 1) as f64) as usize;
        photos[start..start + count].iter().for_each(|&photo| held[photo] = true);
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_class_keeps_a_photo_and_holds_out_about_a_fifth(sizes in prop::collection::vec(0usize..40, 1..8), seed in any::<u64>()) {
            let class: Vec<_> = sizes.iter().enumerate().flat_map(|(k, n)| vec![Some(k); *n]).collect();
            let held = hold_out(&class, sizes.len(), seed);
            for (k, &n) in sizes.iter().enumerate() {
                let out = (0..class.len()).filter(|&i| class[i] == Some(k) && held[i]).count();
                prop_assert!(out < n.max(1));
                prop_assert_eq!(out, if n < 2 { 0 } else { ((n as f64 * SHARE).round() as usize).max(1) });
            }
        }
    }
}
