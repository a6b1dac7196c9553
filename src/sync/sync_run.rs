//! One sync: ask the host what is in force, decide what to take, and take it.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::http_client::{HttpClient, MetadataResponse};
use super::loaded_model::{LatestFile, Loaded, check_engine};
use super::ranked::{RankedRelease, TrustedRanks};
use super::release::{Rank, Release};
use super::stored::{Stored, seconds};
use super::trust::ChannelTrust;
use super::{Host, Outcome, Session, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::signature::Role;
use crate::manifest::{FileEntry, FileRole, check_release_time, takes_candidate};

/// What a sync found out beside its outcome.
#[derive(Default)]
pub(super) struct Findings {
    /// Why the candidate that this device should take was not taken.
    pub(super) candidate_error: Option<Error>,
    /// Why the host could not be reached.
    pub(super) offline_cause: Option<Error>,
    /// The `releaseSeq` of the host's latest/metadata.json.
    pub(super) host_seq: Option<u64>,
    /// When that file should have been replaced, Unix seconds.
    pub(super) expires: Option<u64>,
}

/// The host's latest/metadata.json.
struct Latest {
    release: Rc<Release>,
    file: LatestFile,
}

/// What the host answered about the release in force.
enum Answer {
    Latest(Latest),
    Unchanged,
    Nothing(Outcome),
}

/// The files of a release by their role.
type Files = BTreeMap<FileRole, Vec<u8>>;

impl<S: Store> Session<S> {
    pub(super) async fn run(
        &self,
        host: &impl Host,
        findings: &mut Findings,
        on_progress: &mut dyn FnMut(u64, u64),
        on_loaded: &mut dyn FnMut(&Loaded),
    ) -> Result<Outcome> {
        host.check_aborted()?;
        let client = HttpClient::new(host);
        let now = seconds(host.now());
        self.read_notes().await;
        let stored = self.stored().await;
        let lost = match &stored {
            Ok(stored) => self.has_lost_loaded(stored.as_ref()).await,
            Err(_) => false,
        };
        let stored = stored.ok().flatten();
        let latest = match self.ask(&client, stored.as_ref(), lost, now, findings).await? {
            Answer::Latest(latest) => latest,
            Answer::Nothing(outcome) => return Ok(outcome),
            Answer::Unchanged => {
                self.repair_store(&client, on_progress).await?;
                findings.expires = self.loaded().and_then(|loaded| loaded.latest.borrow().expires);
                return Ok(current(findings.expires, now));
            }
        };
        findings.host_seq = Some(latest.release.manifest.release_seq);
        findings.expires = latest.file.expires;
        // Errors before this line keep the old trust, so that the stored release stays acceptable.
        let lists = &latest.release.manifest.key_lists;
        let trust = self.trust.borrow().after(&latest.release.metadata, Role::Latest, lists)?;
        check_release_time(latest.release.manifest.release_seq, now)?;
        if self.loaded().is_some_and(|loaded| trust.verify(&loaded.release.metadata, loaded.rank.role()).is_ok()) {
            // Whatever becomes of what the host offers.
            self.accept(&trust).await;
        }
        let stored = stored.filter(|s| trust.verify(&s.ranked.release.metadata, s.ranked.rank.role()).is_ok());
        let trusted = self.trusted_ranks(stored.as_ref(), &trust, now);
        let host_is_older = trusted.is_older(latest.release.manifest.release_seq);
        let mut offered = Vec::new();
        if !host_is_older {
            match self.candidate(&client, &latest.release, stored.as_ref(), &trust, now).await {
                Ok(candidate) => offered.extend(candidate),
                Err(error) if error.kind() == ErrorKind::Aborted => return Err(error),
                Err(error) => findings.candidate_error = Some(error),
            }
            offered.push(RankedRelease::in_force(&latest.release));
        }
        // Its ETag stands for all that the host offers, so it is kept only with the newest of that.
        let newest = offered.first().map(|ranked| ranked.rank).filter(|_| findings.candidate_error.is_none());
        if let Some(stored) = stored.filter(|_| trusted.is_behind()) {
            insert_by_rank(&mut offered, stored.ranked);
        }

        let mut failed = None;
        for ranked in offered.iter().filter(|ranked| trusted.wants(ranked.rank)) {
            let file = if Some(ranked.rank) == newest { latest.file.clone() } else { LatestFile::default() };
            match self.take(&client, ranked, file, &trust, on_progress, on_loaded).await {
                Ok(()) => return Ok(Outcome::Updated),
                Err(error) if matches!(error.kind(), ErrorKind::Aborted | ErrorKind::NeedsTract) => return Err(error),
                // A failing candidate must not block the release in force.
                Err(error) if ranked.rank.is_candidate() => findings.candidate_error = Some(error),
                Err(error) if is_transport_error(&error) => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed.or_else(|| findings.candidate_error.clone().filter(|_| self.loaded().is_none())) {
            return Err(error);
        }
        if newest.is_some() && newest == self.rank() {
            self.remember_latest(latest.file, now).await;
        }
        self.repair_store(&client, on_progress).await?;
        Ok(if host_is_older { Outcome::HostOlder } else { current(findings.expires, now) })
    }

    /// Fetches latest/metadata.json.
    async fn ask(
        &self,
        client: &HttpClient<'_, impl Host>,
        stored: Option<&Stored>,
        lost: bool,
        now: u64,
        findings: &mut Findings,
    ) -> Result<Answer> {
        let trust = self.trust.borrow().clone();
        let trusted = self.trusted_ranks(stored, &trust, now);
        // If-None-Match is sent only while the loaded release is complete, stored and trusted: after a 304 nothing is done.
        let complete = self.loaded().filter(|_| !lost && !trusted.is_behind() && trusted.loaded.is_some());
        let etag = complete.and_then(|loaded| loaded.latest.borrow().etag.clone());
        let url = format!("{}{}/latest/metadata.json", self.models, self.channel);
        match client.metadata(&url, etag.as_deref()).await {
            Ok(MetadataResponse::File { bytes, etag }) => {
                let release = Release::parse(bytes, &self.channel)?;
                let file = LatestFile { etag, expires: release.manifest.expires };
                Ok(Answer::Latest(Latest { release: Rc::new(release), file }))
            }
            Ok(MetadataResponse::Unchanged) => Ok(Answer::Unchanged),
            Ok(MetadataResponse::Absent) => Ok(Answer::Nothing(Outcome::Absent)),
            Err(error) if error.kind() == ErrorKind::Network => {
                findings.offline_cause = Some(error);
                Ok(Answer::Nothing(Outcome::Offline))
            }
            Err(error) => Err(error),
        }
    }

    /// The ranks that keep something older out: of releases that `trust` accepts and that are not from the future.
    fn trusted_ranks(&self, stored: Option<&Stored>, trust: &Rc<ChannelTrust>, now: u64) -> TrustedRanks {
        let is_trusted = |release: &Release, rank: Rank| {
            !self.is_from_the_future(rank, now) && trust.verify(&release.metadata, rank.role()).is_ok()
        };
        let loaded = self.loaded().filter(|loaded| is_trusted(&loaded.release, loaded.rank)).map(|l| l.rank);
        let stored = stored.map(|s| &s.ranked).filter(|s| is_trusted(&s.release, s.rank)).map(|s| s.rank);
        TrustedRanks { loaded, stored }
    }

    /// The release on trial, where latest/metadata.json names one and this device is among those that take it.
    async fn candidate(
        &self,
        client: &HttpClient<'_, impl Host>,
        latest: &Release,
        stored: Option<&Stored>,
        trust: &Rc<ChannelTrust>,
        now: u64,
    ) -> Result<Option<RankedRelease>> {
        let Some(candidate) = &latest.manifest.candidate else { return Ok(None) };
        // A device that cannot keep a random number takes part in no trial.
        let Ok(device) = self.store.device().await else { return Ok(None) };
        if !takes_candidate(&device, &self.channel, candidate.share) {
            return Ok(None);
        }
        let here = [self.loaded().map(|l| Rc::clone(&l.release)), stored.map(|s| Rc::clone(&s.ranked.release))];
        let release = match here.into_iter().flatten().find(|r| r.sha256 == candidate.sha256) {
            Some(release) => release,
            None => {
                let url = format!("{}{}", self.models, candidate.url(&self.channel));
                let MetadataResponse::File { bytes, .. } = client.metadata(&url, None).await? else {
                    return Err(Error::new(ErrorKind::HttpStatus, format!("{url}: 404, although a candidate")));
                };
                let found = self.store.sha256(&bytes).await;
                if found != candidate.sha256 {
                    let message = format!("{url} has the sha256 {found}, the candidate's is {}", candidate.sha256);
                    return Err(Error::new(ErrorKind::HashMismatch, message));
                }
                Rc::new(Release::parse(bytes, &self.channel)?)
            }
        };
        trust.verify(&release.metadata, Role::Candidate)?;
        check_release_time(release.manifest.release_seq, now)?;
        let rank = Rank { latest: latest.manifest.release_seq, release: release.manifest.release_seq };
        if rank.release <= rank.latest {
            let message = format!("the candidate {} is older than the release in force", candidate.version);
            return Err(Error::new(ErrorKind::InvalidManifest, message));
        }
        Ok(Some(RankedRelease { release, rank }))
    }

    /// Collects a release's files, loads it, lets it answer, and stores it.
    async fn take(
        &self,
        client: &HttpClient<'_, impl Host>,
        ranked: &RankedRelease,
        latest: LatestFile,
        trust: &Rc<ChannelTrust>,
        on_progress: &mut dyn FnMut(u64, u64),
        on_loaded: &mut dyn FnMut(&Loaded),
    ) -> Result<()> {
        check_engine(&ranked.release)?;
        if let Some(error) = self.notes.borrow().refusal(&ranked.release.sha256) {
            return Err(error);
        }
        let (files, staged) = self.collect_files(client, &ranked.release, on_progress).await?;
        client.host().check_aborted()?;
        let loaded = match Loaded::new(ranked, files) {
            Ok(loaded) => Rc::new(loaded),
            Err(error) => {
                self.note_refusal(&ranked.release.sha256, &error).await;
                return Err(error);
            }
        };
        loaded.latest.replace(latest);
        self.replace(Rc::clone(&loaded));
        on_loaded(&loaded);
        self.accept(trust).await;
        self.store_loaded(&loaded, staged, seconds(client.host().now())).await;
        Ok(())
    }

    /// The verified bytes of all files that a release needs: from the store, and the rest from the host. The files that the
    /// host sent are also returned staged for the store.
    async fn collect_files(
        &self,
        client: &HttpClient<'_, impl Host>,
        release: &Release,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(Files, Vec<(String, S::StagedBlob)>)> {
        let mut files = Files::new();
        let mut missing: Vec<&FileEntry> = Vec::new();
        for file in release.manifest.needed() {
            match self.intact(file).await {
                Some(bytes) => drop(files.insert(file.role, bytes)),
                None => missing.push(file),
            }
        }
        let fetched = self.downloads.fetch(client, &self.store, &self.models, &missing, on_progress).await?;
        let staged = missing.iter().zip(&fetched).map(|(f, bytes)| (f.sha256.clone(), self.store.stage(bytes)));
        let staged = staged.collect();
        files.extend(missing.iter().map(|f| f.role).zip(fetched));
        Ok((files, staged))
    }
}

/// How a sync ended that found nothing to take on a host whose latest/metadata.json is good until `expires`.
fn current(expires: Option<u64>, now: u64) -> Outcome {
    if expires.is_some_and(|expires| expires < now) { Outcome::Expired } else { Outcome::Current }
}

/// Puts a release before those of lower rank. `offered` is ordered, the newest first.
fn insert_by_rank(offered: &mut Vec<RankedRelease>, ranked: RankedRelease) {
    let place = offered.iter().position(|other| other.rank <= ranked.rank).unwrap_or(offered.len());
    if offered.get(place).is_none_or(|other| other.rank != ranked.rank) {
        offered.insert(place, ranked);
    }
}

/// Whether an error is about reaching the host, so that another release would fail in the same way.
fn is_transport_error(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Network | ErrorKind::Unauthorized)
}
