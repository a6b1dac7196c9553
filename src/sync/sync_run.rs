//! One sync: what the host names, what of it to take, and taking it.

use std::rc::Rc;

use super::http_client::{Client, Document};
use super::loaded_model::{Loaded, check_engine};
use super::ranked::{Known, Offer};
use super::release::{Rank, Release};
use super::stored::Stored;
use super::{Host, Outcome, Session, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{FileEntry, FileRole, takes_candidate};

impl<S: Store> Session<S> {
    pub(super) async fn run(
        &self,
        host: &impl Host,
        candidate_error: &mut Option<Error>,
        on_progress: &mut dyn FnMut(u64, u64),
        on_loaded: &mut dyn FnMut(&Loaded),
    ) -> Result<Outcome> {
        host.ended()?;
        let client = Client::new(host);
        let (stored, lost) = match self.stored().await {
            Ok(stored) => {
                let lost = self.is_lost(stored.as_ref()).await;
                (stored, lost)
            }
            Err(_) => (None, false),
        };
        let known = Known { loaded: self.rank(), stored: stored.as_ref().map(|s| s.offer.rank) };
        // What a 304 would leave as it is must be there.
        let etag = self.loaded().filter(|_| !lost && !known.is_behind()).and_then(|l| l.etag.borrow().clone());
        let url = format!("{}{}/latest/metadata.json", self.models, self.channel);
        let (latest, etag) = match client.metadata(&url, etag.as_deref()).await {
            Ok(Document::Bytes { bytes, etag }) => (Rc::new(Release::read(bytes, &self.channel, &self.keys)?), etag),
            Ok(Document::Unchanged) => {
                self.heal(&client, on_progress).await?;
                return Ok(Outcome::Current);
            }
            Ok(Document::Absent) => return Ok(Outcome::Absent),
            Err(error) if error.kind() == ErrorKind::Network => return Ok(Outcome::Offline),
            Err(error) => return Err(error),
        };

        let main = Offer::main(&latest);
        let replay = known.is_replay(main.rank.latest);
        let mut offers = Vec::new();
        if !replay {
            match self.candidate(&client, &latest, stored.as_ref()).await {
                Ok(candidate) => offers.extend(candidate),
                Err(error) if error.kind() == ErrorKind::Aborted => return Err(error),
                Err(error) => *candidate_error = Some(error),
            }
            offers.push(main);
        }
        let newest = offers.first().map(|offer| offer.rank).filter(|_| candidate_error.is_none());
        // The newest first.
        if let Some(Stored { offer, .. }) = stored.filter(|_| known.is_behind()) {
            let place = offers.iter().position(|other| other.rank <= offer.rank).unwrap_or(offers.len());
            if offers.get(place).is_none_or(|other| other.rank != offer.rank) {
                offers.insert(place, offer);
            }
        }

        let mut failed = None;
        for offer in offers.iter().filter(|offer| known.wants(offer.rank)) {
            let etag = etag.clone().filter(|_| Some(offer.rank) == newest);
            match self.take(&client, offer, etag, on_progress, on_loaded).await {
                Ok(()) => return Ok(Outcome::Updated),
                Err(error) if matches!(error.kind(), ErrorKind::Aborted | ErrorKind::NeedsTract) => return Err(error),
                // A trial may cost nothing but itself, whatever fails.
                Err(error) if offer.rank.is_candidate() => *candidate_error = Some(error),
                Err(error) if is_of_the_way(&error) => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed.or_else(|| candidate_error.clone().filter(|_| self.loaded().is_none())) {
            return Err(error);
        }
        // A candidate that failed is asked for again: a 304 would hide it.
        if candidate_error.is_none() && newest.is_some() && newest == self.rank() {
            self.remember(etag).await;
        }
        self.heal(&client, on_progress).await?;
        Ok(Outcome::Current)
    }

    /// The release on trial, where latest/metadata.json names one and this device is among those that take it.
    async fn candidate(
        &self,
        client: &Client<'_, impl Host>,
        latest: &Release,
        stored: Option<&Stored>,
    ) -> Result<Option<Offer>> {
        let Some(candidate) = &latest.manifest.candidate else { return Ok(None) };
        // A device that can keep no number takes no part.
        let Ok(device) = self.store.device().await else { return Ok(None) };
        if !takes_candidate(&device, &self.channel, candidate.share) {
            return Ok(None);
        }
        let here = [self.loaded().map(|l| Rc::clone(&l.release)), stored.map(|s| Rc::clone(&s.offer.release))];
        let release = match here.into_iter().flatten().find(|r| r.sha256 == candidate.sha256) {
            Some(release) => release,
            None => {
                let url = format!("{}{}", self.models, candidate.url(&self.channel));
                let Document::Bytes { bytes, .. } = client.metadata(&url, None).await? else {
                    return Err(Error::new(ErrorKind::HttpStatus, format!("{url}: 404, although a candidate")));
                };
                let found = self.store.sha256(&bytes).await;
                if found != candidate.sha256 {
                    let message = format!("{url} has the sha256 {found}, the candidate's is {}", candidate.sha256);
                    return Err(Error::new(ErrorKind::HashMismatch, message));
                }
                Rc::new(Release::read(bytes, &self.channel, &self.keys)?)
            }
        };
        let rank = Rank { latest: latest.manifest.release_seq, release: release.manifest.release_seq };
        if rank.release <= rank.latest {
            let message = format!("the candidate {} is older than the release in force", candidate.version);
            return Err(Error::new(ErrorKind::InvalidManifest, message));
        }
        Ok(Some(Offer { release, rank }))
    }

    /// Gathers a release's files, loads it, lets it answer, and stores it.
    async fn take(
        &self,
        client: &Client<'_, impl Host>,
        offer: &Offer,
        etag: Option<String>,
        on_progress: &mut dyn FnMut(u64, u64),
        on_loaded: &mut dyn FnMut(&Loaded),
    ) -> Result<()> {
        check_engine(&offer.release)?;
        if let Some((_, error)) = self.refused.borrow().iter().find(|refused| refused.0 == offer.release.sha256) {
            return Err(error.clone());
        }
        let (files, parcels) = self.gather(client, &offer.release, on_progress).await?;
        client.host().ended()?;
        let loaded = match Loaded::new(offer, files) {
            Ok(loaded) => Rc::new(loaded),
            Err(error) => {
                if matches!(error.kind(), ErrorKind::InvalidModel | ErrorKind::GoldenMismatch) {
                    self.refused.borrow_mut().push((offer.release.sha256.clone(), error.clone()));
                }
                return Err(error);
            }
        };
        loaded.etag.replace(etag);
        self.replace(Rc::clone(&loaded));
        on_loaded(&loaded);
        self.keep(&loaded, parcels).await;
        Ok(())
    }

    /// All files that a release needs, verified, in its order: from the store, the rest from the host. What the host
    /// gave comes as parcels too.
    async fn gather(
        &self,
        client: &Client<'_, impl Host>,
        release: &Release,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(Vec<(FileRole, Vec<u8>)>, Vec<(String, S::Parcel)>)> {
        let mut files = Vec::new();
        for file in release.manifest.needed() {
            files.push((file, self.intact(file).await));
        }
        let missing: Vec<&FileEntry> = files.iter().filter(|f| f.1.is_none()).map(|f| f.0).collect();
        let fetched = self.parts.fetch(client, &self.store, &self.models, &missing, on_progress).await?;
        let parcels = missing.iter().zip(&fetched).map(|(f, bytes)| (f.sha256.clone(), self.store.pack(bytes)));
        let parcels = parcels.collect();
        let mut fetched = fetched.into_iter();
        let files = files.into_iter().filter_map(|(f, kept)| Some((f.role, kept.or_else(|| fetched.next())?)));
        Ok((files.collect(), parcels))
    }
}

/// Whether an error says nothing of the release, so that another one would fare no better.
fn is_of_the_way(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Network | ErrorKind::Unauthorized)
}
