//! The stored release of a channel: reading it without trusting the disk, storing what answers, repairing what was lost.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::http_client::HttpClient;
use super::loaded_model::{LatestFile, Loaded, check_engine};
use super::ranked::RankedRelease;
use super::release::{Rank, Release};
use super::store::incomplete;
use super::trust::ChannelTrust;
use super::{Host, Session, Store, StoredRelease, verify};
use crate::error::Result;
use crate::manifest::{FileEntry, Manifest, check_release_time};

/// The stored release, after it was parsed and its signature verified.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) ranked: RankedRelease,
    pub(super) latest: LatestFile,
}

/// The stored release that was verified last, and for whom, so that the same bytes are not parsed and verified again.
pub(super) struct Verified {
    release: Rc<Release>,
    rank: Rank,
    trust: Rc<ChannelTrust>,
}

impl Verified {
    fn is(&self, row: &StoredRelease, trust: &Rc<ChannelTrust>) -> bool {
        self.rank == row.rank && Rc::ptr_eq(&self.trust, trust) && self.release.metadata == row.metadata
    }
}

impl<S: Store> Session<S> {
    /// The stored release. One that cannot be parsed or trusted counts as none: the host's release replaces it.
    pub(super) async fn stored(&self) -> Result<Option<Stored>> {
        let Some(row) = self.store.release(&self.key()).await? else { return Ok(None) };
        self.follow_lists_of(&row);
        let trust = self.trust.borrow().clone();
        Ok(self.trusted(row, &trust))
    }

    /// Accepts what the stored release proves with its own key lists and its own signatures: the notes may be lost, or were not
    /// written yet when the page that stored the release was closed.
    fn follow_lists_of(&self, row: &StoredRelease) {
        let trust = self.trust.borrow().clone();
        if trust.pinned_keys() == 0 || self.verified.borrow().as_ref().is_some_and(|known| known.is(row, &trust)) {
            return;
        }
        let Ok(manifest) = Manifest::parse(&row.metadata) else { return };
        if manifest.channel_id == self.channel
            && let Ok(next) = trust.after(&row.metadata, row.rank.role(), &manifest.key_lists)
        {
            self.trust.replace(next);
        }
    }

    pub(super) fn trusted(&self, row: StoredRelease, trust: &Rc<ChannelTrust>) -> Option<Stored> {
        let verified = self.verified.borrow();
        let known = verified.as_ref().filter(|known| known.is(&row, trust)).map(|known| Rc::clone(&known.release));
        drop(verified);
        let StoredRelease { rank, metadata, etag, expires, .. } = row;
        let release = match known {
            Some(release) => release,
            None => {
                let release = Release::parse(metadata, &self.channel).ok()?;
                trust.verify(&release.metadata, rank.role()).ok()?;
                // The store holds the rank beside the signed file, so the two must agree.
                if release.manifest.release_seq != rank.release || rank.latest > rank.release {
                    return None;
                }
                let release = Rc::new(release);
                self.verified.replace(Some(Verified { release: Rc::clone(&release), rank, trust: Rc::clone(trust) }));
                release
            }
        };
        Some(Stored { ranked: RankedRelease { release, rank }, latest: LatestFile { etag, expires } })
    }

    /// Whether the store has lost a part of the release that answers, which is then marked as not stored.
    pub(super) async fn has_lost_loaded(&self, stored: Option<&Stored>) -> bool {
        let Some(loaded) = self.loaded().filter(|loaded| loaded.stored()) else { return false };
        let stored_rank = stored.map(|s| s.ranked.rank);
        let blobs_missing = match self.store.missing(&loaded.release.blobs()).await {
            Ok(missing) => !missing.is_empty(),
            Err(_) => false,
        };
        let lost = stored_rank < Some(loaded.rank) || (stored_rank == Some(loaded.rank) && blobs_missing);
        if lost {
            loaded.set_stored(&self.store, Err("the browser deleted it".into()));
        }
        lost
    }

    pub(super) async fn load_stored(&self, stored: &Stored) -> Result<Loaded> {
        let release = &stored.ranked.release;
        // Checked before the engine, so that a page does not fetch an engine for a model whose files are missing.
        if let Some(sha256) = self.store.missing(&release.blobs()).await?.first() {
            return Err(incomplete(sha256));
        }
        check_engine(release)?;
        let mut files = BTreeMap::new();
        for file in release.manifest.needed() {
            files.insert(file.role, self.intact(file).await.ok_or_else(|| incomplete(&file.sha256))?);
        }
        let loaded = Loaded::new(&stored.ranked, files)?;
        loaded.set_stored(&self.store, Ok(()));
        loaded.latest.replace(stored.latest.clone());
        Ok(loaded)
    }

    /// The stored bytes of a file; `None` where they are missing, damaged or cannot be read.
    pub(super) async fn intact(&self, file: &FileEntry) -> Option<Vec<u8>> {
        let bytes = self.store.blob(&file.sha256).await.ok()??;
        verify(&self.store, file, &bytes).await.is_ok().then_some(bytes)
    }

    /// Stores the release that answers. Files that could not be stored stay in memory for the next attempt.
    pub(super) async fn store_loaded(&self, loaded: &Loaded, staged: Vec<(String, S::StagedBlob)>, now: u64) {
        let LatestFile { etag, expires } = loaded.latest.borrow().clone();
        let row = StoredRelease {
            rank: loaded.rank,
            blobs: loaded.release.blobs(),
            metadata: loaded.release.metadata.clone(),
            etag,
            expires,
        };
        let before = self.store.release(&self.key()).await.ok().flatten();
        let trust = self.trust.borrow().clone();
        let distrusted = before.and_then(|row| {
            let rank = row.rank;
            (self.is_from_the_future(rank, now) || self.trusted(row, &trust).is_none()).then_some(rank)
        });
        let stored = self.store.activate(&self.key(), &row, distrusted, &staged).await;
        if stored.is_err() {
            self.unstored.replace(staged);
        }
        if stored == Ok(true) {
            self.note_stored(loaded.rank, now).await;
        }
        loaded.set_stored(
            &self.store,
            match stored {
                Ok(true) => Ok(()),
                Ok(false) => Err("the store holds a newer release".into()),
                Err(error) => Err(error.message().to_owned()),
            },
        );
    }

    /// Stores the release that answers where that failed before, or where the browser has deleted it since.
    pub(super) async fn repair_store(
        &self,
        client: &HttpClient<'_, impl Host>,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<()> {
        let Some(loaded) = self.loaded().filter(|l| !l.stored() && self.store.durable()) else { return Ok(()) };
        let Ok(missing) = self.store.missing(&loaded.release.blobs()).await else { return Ok(()) };
        let mut staged = self.unstored.take();
        let wanted = |f: &&FileEntry| missing.contains(&f.sha256) && staged.iter().all(|blob| blob.0 != f.sha256);
        let wanted: Vec<&FileEntry> = loaded.release.manifest.needed().filter(wanted).collect();
        match self.downloads.fetch(client, &self.store, &self.models, &wanted, on_progress).await {
            Ok(fetched) => {
                staged.extend(wanted.iter().zip(fetched).map(|(f, b)| (f.sha256.clone(), self.store.stage(&b))));
                self.store_loaded(&loaded, staged, seconds(client.host().now())).await;
                Ok(())
            }
            Err(error) => {
                self.unstored.replace(staged);
                Err(error)
            }
        }
    }

    /// Whether a rank was accepted before such ranks were refused: its number keeps nothing newer out. A number that this device
    /// found good before is none, even if the clock has fallen back since.
    pub(super) fn is_from_the_future(&self, rank: Rank, now: u64) -> bool {
        let number = rank.latest.max(rank.release);
        number > self.notes.borrow().checked_seq && check_release_time(number, now).is_err()
    }

    /// Records the `ETag` and expiry of the latest/metadata.json that asks for the model that answers.
    pub(super) async fn remember_latest(&self, latest: LatestFile, now: u64) {
        let Some(loaded) = self.loaded().filter(|loaded| *loaded.latest.borrow() != latest) else { return };
        loaded.latest.replace(latest);
        if loaded.stored() {
            self.store_loaded(&loaded, Vec::new(), now).await;
        }
    }
}

/// Unix seconds of a clock in milliseconds; 0 for a clock before 1970.
pub(super) fn seconds(milliseconds: f64) -> u64 {
    (milliseconds / 1000.0) as u64
}
