//! Which release to take, decided from what the device trusts and what the host names.

use std::rc::Rc;

use super::release::{Rank, Release};

/// A release together with its place in the order of releases.
#[derive(Debug, Clone)]
pub(super) struct RankedRelease {
    pub(super) release: Rc<Release>,
    pub(super) rank: Rank,
}

impl RankedRelease {
    /// A release in force for all devices.
    pub(super) fn in_force(release: &Rc<Release>) -> Self {
        RankedRelease { release: Rc::clone(release), rank: Rank::of(release.manifest.release_seq) }
    }
}

/// The ranks that a device trusted before it asked the host. A rank whose release is no longer trusted is not among them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TrustedRanks {
    /// Of the model that answers.
    pub(super) loaded: Option<Rank>,
    /// Of the release in the store, which another tab may have activated.
    pub(super) stored: Option<Rank>,
}

impl TrustedRanks {
    fn highest(self) -> Option<Rank> {
        self.loaded.max(self.stored)
    }

    /// Whether something newer than what answers was trusted: another tab activated it, or the store lost a part of it.
    pub(super) fn is_behind(self) -> bool {
        self.loaded < self.highest()
    }

    /// Whether a latest/metadata.json with this `releaseSeq` is older than one that was trusted.
    pub(super) fn is_older(self, latest: u64) -> bool {
        self.highest().is_some_and(|trusted| latest < trusted.latest)
    }

    /// Whether to take a release named by a latest/metadata.json that is not older than what was trusted. Where nothing
    /// answers, a candidate that is lost here and broken on the host gives way to the release beside it.
    pub(super) fn wants(self, rank: Rank) -> bool {
        Some(rank) > self.highest()
            || (Some(rank) == self.highest() && self.is_behind())
            || (self.loaded.is_none() && !self.is_older(rank.latest))
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
            let trusted = TrustedRanks { loaded, stored };
            let wants = !trusted.is_older(offered.latest) && trusted.wants(offered);
            assert_eq!(wants, wanted, "{trusted:?} {offered:?}");
        }
    }
}
