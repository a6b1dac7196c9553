//! Which photos are held out to measure and calibrate.

use std::collections::HashSet;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::content::{ContentId, without_copies};
use crate::dataset::Split;

/// Share of a class's photos that is held out.
const SHARE: f64 = 0.2;

/// Which photos measure the heads.
pub struct HeldOut {
    /// Marks them.
    pub held: Vec<bool>,
    /// Marks the photos that the release does not learn from, since the maker of the data set put them into a split that
    /// measures.
    pub apart: Vec<bool>,
}

impl HeldOut {
    /// The photos that the data set's maker set apart; where there are none, those that [`hold_out`] chooses. All slices
    /// have an entry per photo. What is set apart of a class that has no other photo is learnt from all the same, and a
    /// copy of a photo that is learnt from measures nothing.
    pub fn of(
        splits: &[Option<Split>],
        class: &[Option<usize>],
        classes: usize,
        contents: &[ContentId],
        seed: u64,
    ) -> HeldOut {
        let is_apart: Vec<bool> = splits.iter().map(|split| split.is_some_and(Split::is_apart)).collect();
        let mut has_others = vec![false; classes];
        for (class, _) in class.iter().zip(&is_apart).filter(|(_, apart)| !**apart) {
            class.iter().for_each(|&k| has_others[k] = true);
        }
        let apart: Vec<bool> =
            class.iter().zip(is_apart).map(|(class, apart)| apart && class.is_some_and(|k| has_others[k])).collect();
        if !apart.contains(&true) {
            return HeldOut { held: hold_out(class, classes, contents, seed), apart };
        }
        let learnt: HashSet<ContentId> =
            contents.iter().zip(&apart).filter(|(_, apart)| !**apart).map(|(content, _)| *content).collect();
        let held = apart.iter().zip(contents).map(|(apart, content)| *apart && !learnt.contains(content)).collect();
        HeldOut { held, apart }
    }
}

/// Marks the held-out photos. Of every class with at least two different photos, one run of neighbours is held out:
/// neighbours in name order are often near-duplicates, and a scattered split would flatter the model. `seed` places the
/// run.
///
/// `class` lists each photo's class in dataset order; photos without a class are never held out. Copies of one file are
/// always on the same side. All heads of a release share one split, made by label, or over the whole dataset where there
/// are no labels.
pub fn hold_out(class: &[Option<usize>], classes: usize, contents: &[ContentId], seed: u64) -> Vec<bool> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (photo, class) in class.iter().enumerate() {
        if let Some(class) = class {
            members[*class].push(photo);
        }
    }
    let mut held = HashSet::new();
    let mut learnt = HashSet::new();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for photos in members {
        // Drawn for every class, so that a class that grows past one photo does not move the runs of the others.
        let place: f64 = rng.random();
        let photos = without_copies(&photos, contents);
        let count = match photos.len() {
            0 | 1 => 0,
            different => ((different as f64 * SHARE).round() as usize).clamp(1, different - 1),
        };
        let start = (place * (photos.len() - count + 1) as f64) as usize;
        for (i, photo) in photos.into_iter().enumerate() {
            let side = if (start..start + count).contains(&i) { &mut held } else { &mut learnt };
            side.insert(contents[photo]);
        }
    }
    // A photo that two classes share, or that has no class, may be on both sides; then it is learnt from.
    let is_held = |(class, content): (&Option<usize>, &ContentId)| {
        class.is_some() && held.contains(content) && !learnt.contains(content)
    };
    class.iter().zip(contents).map(is_held).collect()
}

#[cfg(test)]
mod tests {
    use super::super::content::testing::{distinct, numbered};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_class_keeps_a_photo_and_holds_out_about_a_fifth(sizes in prop::collection::vec(0usize..40, 1..8), seed in any::<u64>()) {
            let class: Vec<_> = sizes.iter().enumerate().flat_map(|(k, n)| vec![Some(k); *n]).collect();
            let held = hold_out(&class, sizes.len(), &distinct(class.len()), seed);
            for (k, &n) in sizes.iter().enumerate() {
                let out = (0..class.len()).filter(|&i| class[i] == Some(k) && held[i]).count();
                prop_assert!(out < n.max(1));
                prop_assert_eq!(out, if n < 2 { 0 } else { ((n as f64 * SHARE).round() as usize).max(1) });
            }
        }

        #[test]
        fn copies_are_on_one_side_whatever_their_class(photos in prop::collection::vec((0usize..4, 0u64..12), 1..60), seed in any::<u64>()) {
            let class: Vec<_> = photos.iter().map(|(class, _)| Some(*class)).collect();
            let contents = numbered(&photos.iter().map(|(_, content)| *content).collect::<Vec<_>>());
            let held = hold_out(&class, 4, &contents, seed);
            let on = |side: bool| -> HashSet<ContentId> {
                contents.iter().zip(&held).filter(|(_, held)| **held == side).map(|(content, _)| *content).collect()
            };
            prop_assert!(on(true).is_disjoint(&on(false)));
            for k in 0..4 {
                let members: Vec<usize> = (0..class.len()).filter(|&i| class[i] == Some(k)).collect();
                prop_assert!(members.is_empty() || members.iter().any(|&i| !held[i]), "a class without a photo to learn from");
            }
        }
    }

    #[test]
    fn what_was_set_apart_is_held_out_alone_and_never_learnt_from() {
        let (train, test) = (Some(Split::Train), Some(Split::Test));
        let splits = [train, train, test, test, train, test, Some(Split::Valid)];
        // The last class has a photo to test alone.
        let class = [Some(0), Some(0), Some(0), Some(0), Some(1), Some(1), Some(2)];
        // The fourth photo is a copy of the first.
        let contents = numbered(&[1, 2, 3, 1, 4, 5, 6]);
        let HeldOut { held, apart } = HeldOut::of(&splits, &class, 3, &contents, 1);
        assert_eq!(apart, [false, false, true, true, false, true, false]);
        assert_eq!(held, [false, false, true, false, false, true, false]);
        let HeldOut { held, apart } = HeldOut::of(&[None; 7], &class, 3, &contents, 1);
        assert!(held == hold_out(&class, 3, &contents, 1) && apart == [false; 7]);
    }

    #[test]
    fn a_class_of_copies_holds_nothing_out() {
        let held = hold_out(&[Some(0); 4], 1, &numbered(&[1, 1, 1, 1]), 1);
        assert_eq!(held, [false; 4]);
    }
}
