//! What to take, from what the device has and what the host names.

use std::rc::Rc;

use super::release::{Rank, Release};

/// A release that could answer.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) release: Rc<Release>,
    pub(super) rank: Rank,
}

impl Offer {
    /// A release in force.
    pub(super) fn main(release: &Rc<Release>) -> Self {
        Offer { release: Rc::clone(release), rank: Rank::of(release.manifest.release_seq) }
    }
}

/// What a device trusted before it asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// What answers.
    pub(super) loaded: Option<Rank>,
    /// What the store holds, perhaps activated by another tab.
    pub(super) stored: Option<Rank>,
}

impl Known {
    fn trusted(self) -> Option<Rank> {
        self.loaded.max(self.stored)
    }

    /// Whether something else was trusted more than what answers: another tab activated it, or the store lost some of it.
    pub(super) fn is_behind(self) -> bool {
        self.loaded < self.trusted()
    }

    /// Whether a latest/metadata.json is older than one that was trusted: left in a cache, or played again by an attacker.
    pub(super) fn is_replay(self, latest: u64) -> bool {
        self.trusted().is_some_and(|trusted| latest < trusted.latest)
    }

    /// Whether to take a release that is no replay. Where nothing answers, a candidate that is lost here and broken on the
    /// host gives way to the release beside it.
    pub(super) fn wants(self, rank: Rank) -> bool {
        Some(rank) > self.trusted()
            || (Some(rank) == self.trusted() && self.is_behind())
            || (self.loaded.is_none() && !self.is_replay(rank.latest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(latest: u64, release: u64) -> Rank {
        Rank { latest, release }
    }

    #[test]
    fn what_a_device_wants() {
        let main = |seq| Some(Rank::of(seq));
        let trial = Some(rank(5, 7));
        for (loaded, stored, offered, wanted) in [
            (None, None, rank(1, 1), true),
            (main(5), main(5), rank(5, 5), false),
            (main(5), main(5), rank(6, 6), true),
            (main(5), main(5), rank(4, 4), false),
            (main(5), main(5), rank(5, 7), true),
            // Another tab is ahead; what it took is lost.
            (main(4), main(5), rank(5, 5), true),
            (None, main(5), rank(5, 5), true),
            (None, main(5), rank(4, 4), false),
            // On trial, and how a trial ends: withdrawn or promoted, by another candidate, by a publisher whose clock is late.
            (trial, trial, rank(5, 7), false),
            (trial, trial, rank(5, 5), false),
            (trial, trial, rank(8, 8), true),
            (trial, trial, rank(5, 9), true),
            (trial, trial, rank(5, 6), false),
            (trial, trial, rank(6, 6), true),
            (trial, trial, rank(4, 9), false),
            // Only where nothing answers may the release beside a candidate take its place.
            (None, trial, rank(5, 5), true),
            (None, trial, rank(4, 4), false),
            (main(5), trial, rank(5, 5), false),
        ] {
            let known = Known { loaded, stored };
            let wants = !known.is_replay(offered.latest) && known.wants(offered);
            assert_eq!(wants, wanted, "{known:?} {offered:?}");
        }
    }
}
