//! What the store holds of a channel: reading it with distrust, keeping what answers, noticing what was lost.

use std::rc::Rc;

use super::http_client::Client;
use super::loaded_model::{Loaded, check_engine};
use super::ranked::Offer;
use super::release::Release;
use super::store::incomplete;
use super::{Host, Session, Store, StoredRelease, verify};
use crate::error::Result;
use crate::manifest::FileEntry;

/// What the store holds of the channel.
pub(super) struct Stored {
    pub(super) offer: Offer,
    pub(super) etag: Option<String>,
}

impl<S: Store> Session<S> {
    /// A release that cannot be read, or not be trusted, counts as none: the host's replaces it.
    pub(super) async fn stored(&self) -> Result<Option<Stored>> {
        Ok(self.store.release(&self.key()).await?.and_then(|row| self.trusted(row)))
    }

    pub(super) fn trusted(&self, row: StoredRelease) -> Option<Stored> {
        let StoredRelease { rank, metadata, etag, .. } = row;
        let release = Release::read(metadata, &self.channel, &self.keys).ok();
        // The store keeps the rank beside what was signed.
        let release = release.filter(|r| r.manifest.release_seq == rank.release && rank.latest <= rank.release)?;
        Some(Stored { offer: Offer { release: Rc::new(release), rank }, etag })
    }

    /// Notices that the store has lost some of the release that answers.
    pub(super) async fn is_lost(&self, stored: Option<&Stored>) -> bool {
        let Some(loaded) = self.loaded().filter(|loaded| loaded.stored()) else { return false };
        let kept = stored.map(|s| s.offer.rank);
        let gone = match self.store.missing(&loaded.release.blobs()).await {
            Ok(missing) => !missing.is_empty(),
            Err(_) => false,
        };
        let lost = kept < Some(loaded.rank) || (kept == Some(loaded.rank) && gone);
        if lost {
            loaded.set_stored(&self.store, Err("the browser deleted it".into()));
        }
        lost
    }

    pub(super) async fn load_stored(&self, stored: &Stored) -> Result<Loaded> {
        let release = &stored.offer.release;
        // An engine that would then find no files need not be fetched.
        if let Some(sha256) = self.store.missing(&release.blobs()).await?.first() {
            return Err(incomplete(sha256));
        }
        check_engine(release)?;
        let mut files = Vec::new();
        for file in release.manifest.needed() {
            let bytes = self.intact(file).await.ok_or_else(|| incomplete(&file.sha256))?;
            files.push((file.role, bytes));
        }
        let loaded = Loaded::new(&stored.offer, files)?;
        loaded.set_stored(&self.store, Ok(()));
        loaded.etag.replace(stored.etag.clone());
        Ok(loaded)
    }

    /// A file that the store holds unharmed; one that was damaged or cannot be read counts as missing.
    pub(super) async fn intact(&self, file: &FileEntry) -> Option<Vec<u8>> {
        let bytes = self.store.blob(&file.sha256).await.ok()??;
        verify(&self.store, file, &bytes).await.is_ok().then_some(bytes)
    }

    /// Stores the release that answers. What cannot be stored is kept for the next try.
    pub(super) async fn keep(&self, loaded: &Loaded, parcels: Vec<(String, S::Parcel)>) {
        let row = StoredRelease {
            rank: loaded.rank,
            blobs: loaded.release.blobs(),
            metadata: loaded.release.metadata.clone(),
            etag: loaded.etag.borrow().clone(),
        };
        let before = self.store.release(&self.key()).await.ok().flatten();
        let distrusted = before.and_then(|row| Some(row.rank).filter(|_| self.trusted(row).is_none()));
        let stored = self.store.activate(&self.key(), &row, distrusted, &parcels).await;
        if stored.is_err() {
            self.parcels.replace(parcels);
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

    /// Stores the release that answers where that failed before, or where the browser deleted it since.
    pub(super) async fn heal(
        &self,
        client: &Client<'_, impl Host>,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<()> {
        let Some(loaded) = self.loaded().filter(|l| !l.stored() && self.store.durable()) else { return Ok(()) };
        let Ok(missing) = self.store.missing(&loaded.release.blobs()).await else { return Ok(()) };
        let mut parcels = self.parcels.take();
        let wanted = |f: &&FileEntry| missing.contains(&f.sha256) && parcels.iter().all(|p| p.0 != f.sha256);
        let wanted: Vec<&FileEntry> = loaded.release.manifest.needed().filter(wanted).collect();
        match self.parts.fetch(client, &self.store, &self.models, &wanted, on_progress).await {
            Ok(fetched) => {
                parcels.extend(wanted.iter().zip(fetched).map(|(f, b)| (f.sha256.clone(), self.store.pack(&b))));
                self.keep(&loaded, parcels).await;
                Ok(())
            }
            Err(error) => {
                self.parcels.replace(parcels);
                Err(error)
            }
        }
    }

    /// Keeps the ETag of the latest/metadata.json that asks for what answers.
    pub(super) async fn remember(&self, etag: Option<String>) {
        let Some(loaded) = self.loaded().filter(|loaded| *loaded.etag.borrow() != etag) else { return };
        loaded.etag.replace(etag);
        if loaded.stored() {
            self.keep(&loaded, Vec::new()).await;
        }
    }
}
